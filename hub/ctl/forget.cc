#include <algorithm>
#include <memory>
#include <numeric>

#include "hub/core/decide.h"
#include "hub/core/state_codec.h"
#include "hub/ctl/actor.h"
#include "hub/ctl/cli.h"
#include "hub/ctl/lookup.h"
#include "hub/ctl/operations.h"
#include "hub/ctl/program.h"
#include "hub/ctl/sight.h"
#include "hub/ctl/text.h"
#include "shared/wire/subjects.h"

// Erasure of a person: nothing is kept of an entity, nor of those that were merged into it.

namespace syncline::ctl {
namespace {

using hub::EntityState;
using hub::Forgotten;

struct ForgetOptions {
    std::string object;
    std::string key;
    std::string reason;
    std::string wait = "30s";
    bool yes = false;
};

/// One entity that is to be forgotten.
struct Target {
    EntityState state;
    hub::Operation operation;
    bool done = false;
    std::string refused;
};

/// The entity, and whatever was merged into it or into one of those.
Result<std::vector<Target>> targets_of(Session& session, EntityState first) {
    std::vector<Target> targets;
    std::vector<EntityId> next;
    const auto add = [&](EntityState state) {
        for (const hub::TakenIn& taken : state.taken_in) next.push_back(taken.entity);
        targets.push_back({std::move(state), {}, false, {}});
    };
    const ObjectName object = first.key.object;
    add(std::move(first));
    while (!next.empty()) {
        const EntityKey key{object, next.back()};
        next.pop_back();
        const auto known =
            std::ranges::find(targets, key, [](const Target& target) { return target.state.key; });
        if (known != targets.end()) continue;
        auto stored = load_entity(session, key);
        if (!stored) return fail(stored.error());
        if (*stored) add(std::move((*stored)->state));
    }
    return targets;
}

/// Why the hub would not do it; empty: it would.
std::string why_not(const Policy& policy, const Target& target, Timestamp now) {
    const hub::Input inputs[] = {target.operation};
    const hub::Step step =
        hub::decide(policy, target.state, inputs, {.now = now, .partition = {}, .fence = 1});
    const auto& forgotten = step.next.forgotten;
    if (forgotten && forgotten->id == target.operation.id) return {};
    const std::string& note = step.log.notes.front();
    const auto colon = note.rfind(": ", note.find(" still has record "));
    return colon == std::string::npos ? note : note.substr(colon + 2);
}

std::vector<std::string> platforms_of(const Policy& policy, const EntityState& state) {
    std::vector<std::string> names;
    const ObjectSpec* object = policy.object(state.key.object);
    for (const hub::RecordState& record : state.records) {
        if (object->binding(record.platform) != nullptr) names.push_back(record.platform.text);
    }
    return names;
}

/// What the streams hold of them, as far as subjects tell.
std::vector<nats::ConsumeSpec> specs_of(const std::vector<Target>& targets) {
    nats::ConsumeSpec inputs{.stream = std::string{subjects::kStreamIn}, .filters = {}};
    nats::ConsumeSpec commands{.stream = std::string{subjects::kStreamCommands}, .filters = {}};
    nats::ConsumeSpec exceptions{.stream = std::string{subjects::kStreamExceptions}, .filters = {}};
    nats::ConsumeSpec log{.stream = std::string{subjects::kStreamLog}, .filters = {}};
    for (const auto& [state, operation, done, refused] : targets) {
        inputs.filters.push_back(subjects::outcomes_of(state.key));
        for (const hub::RecordState& record : state.records) {
            const auto add = [&](const RecordId& id) {
                const RecordKey key{record.platform, state.key.object, id};
                const std::string filter = subjects::changes_of(key);
                if (std::ranges::find(inputs.filters, filter) == inputs.filters.end()) {
                    inputs.filters.push_back(filter);
                }
            };
            if (record.record) add(*record.record);
            for (const hub::OtherRecord& other : record.others) add(other.record);
        }
        commands.filters.push_back(subjects::commands_of(state.key));
        exceptions.filters.push_back(subjects::exceptions_of(state.key));
        log.filters.push_back(subjects::log(state.key));
    }
    return {inputs, commands, exceptions, log};
}

Result<void> show_plan(Output& out, Session& session, const Policy& policy,
                       const std::vector<Target>& targets) {
    const auto specs = specs_of(targets);
    const auto counts = session.count(specs);
    if (!counts) return fail(counts.error());
    Table table{{"STREAM", "MESSAGES"}, {}, 40};
    Value::Map streams;
    for (std::size_t i = 0; i < specs.size(); ++i) {
        table.rows.push_back({specs[i].stream, std::to_string((*counts)[i])});
        streams.emplace(specs[i].stream, number((*counts)[i]));
    }
    out.table(table);
    out.set("streams", std::move(streams));
    Value::List entities;
    for (const Target& target : targets) {
        const std::vector<std::string> platforms = platforms_of(policy, target.state);
        Value::List names;
        for (const std::string& name : platforms) names.emplace_back(name);
        const std::string entity =
            target.state.key.object.text + " " + target.state.key.entity.text;
        out.line(entity + ": the agents of " + joined(platforms) + " are told to forget it");
        entities.push_back(Value::Map{{"entity", target.state.key.entity.text},
                                      {"agents", std::move(names)},
                                      {"operation", target.operation.id}});
    }
    out.set("entities", std::move(entities));
    return {};
}

/// What the hubs have made of it so far. True: there is nothing to wait for any more.
Result<bool> look(Session& session, Target& target, std::vector<std::string>& waits_for) {
    const auto stored = load_entity(session, target.operation.entity);
    if (!stored) return fail(stored.error());
    if (!*stored) return false;
    const auto& forgotten = (*stored)->state.forgotten;
    if (forgotten && forgotten->id == target.operation.id) {
        target.done = forgotten->phase == Forgotten::Phase::kDone;
        for (const PlatformId& platform : forgotten->waits_for) {
            waits_for.push_back(platform.text);
        }
        return target.done;
    }
    const auto log = session.get_last(subjects::kStreamLog, subjects::log(target.state.key));
    if (!log) return fail(log.error());
    const auto entry = *log ? hub::decode_log_entry((*log)->body)
                            : Result<hub::LogEntry>{fail(ErrorKind::kNotFound, "")};
    if (!entry) return false;
    if (entry->refused && entry->refused->operation == target.operation.id) {
        target.refused = entry->refused->why;
    }
    return !target.refused.empty();
}

/// Whose agents it waits for in the end.
Result<std::vector<std::string>> wait_for(Session& session, std::vector<Target>& targets,
                                          Duration most) {
    std::vector<std::string> waits_for;
    const auto looked = look_until(session, most, [&]() -> Result<bool> {
        waits_for.clear();
        bool over = true;
        for (Target& target : targets) {
            const auto done = look(session, target, waits_for);
            if (!done) return fail(done.error());
            over = over && *done;
        }
        return over;
    });
    if (!looked) return fail(looked.error());
    std::ranges::sort(waits_for);
    waits_for.erase(std::unique(waits_for.begin(), waits_for.end()), waits_for.end());
    return waits_for;
}

void tell(Output& out, const std::vector<Target>& targets,
          const std::vector<std::string>& waits_for) {
    bool done = true;
    for (const Target& target : targets) {
        done = done && target.done;
        const std::string show =
            "synclinectl log " + target.state.key.object.text + " " + target.state.key.entity.text;
        if (target.refused.empty()) continue;
        out.add({Level::kError,
                 "forget.refused",
                 "the hub has not done it: " + target.refused,
                 show,
                 {}});
    }
    out.set("done", done);
    if (done) {
        out.line({Cell{"forget "}, Cell{"done", Style::kGreen},
                  Cell{": nothing of it is kept, and the log says so"}});
        return;
    }
    if (std::ranges::any_of(targets, [](const Target& t) { return !t.refused.empty(); })) return;
    const std::string& entity = targets.front().state.key.entity.text;
    out.add({Level::kWarning,
             "forget.under_way",
             waits_for.empty()
                 ? "it is stored, but not all is erased yet"
                 : "the agents of " + joined(waits_for) + " have not forgotten it yet",
             "It goes on by itself, when they are there: synclinectl entity show " +
                 targets.front().state.key.object.text + " " + entity,
             {}});
}

Result<std::vector<Target>> plan(Program& program, Session& session, const Policy& policy,
                                 const ForgetOptions& options) {
    const auto located = Sight{program, session}.locate(ObjectName{options.object}, options.key);
    if (!located) return fail(located.error());
    auto stored = load_located(session, *located);
    if (!stored) return fail(stored.error());
    auto targets = targets_of(session, std::move(stored->state));
    if (!targets) return targets;
    const Timestamp now = program.clock().now();
    for (Target& target : *targets) {
        target.operation = {.kind = hub::OperationKind::kForget,
                            .entity = target.state.key,
                            .exception = {},
                            .id = unique_id(program.clock()),
                            .actor = program.actor(),
                            .reason = options.reason,
                            .at = now};
        // That one is a target, too.
        if (&target != targets->data()) target.operation.other = target.state.merged_into;
        const std::string refused = why_not(policy, target, now);
        if (refused.empty()) continue;
        return fail(ErrorKind::kConflict, target.state.key.object.text + " " +
                                              target.state.key.entity.text +
                                              " cannot be forgotten: " + refused);
    }
    return targets;
}

Result<Exit> run(Program& program, const ForgetOptions& options) {
    const auto wait = parse_duration(options.wait);
    if (!wait) return fail(wait.error(), "--wait");
    const auto policy = program.policy();
    if (!policy) return fail(policy.error());
    if ((*policy)->object(ObjectName{options.object}) == nullptr) {
        return fail(ErrorKind::kNotFound, "the policy has no object " + options.object);
    }
    const auto session = program.connect();
    if (!session) return fail(session.error());
    auto targets = plan(program, **session, **policy, options);
    if (!targets) return fail(targets.error());
    Output& out = program.out();
    if (auto shown = show_plan(out, **session, **policy, *targets); !shown) {
        return fail(shown.error());
    }
    out.set("dry_run", !options.yes);
    if (!options.yes) {
        out.line();
        out.line("nothing was done: add --yes to do it; it cannot be undone");
        return verdict(out);
    }
    for (const Target& target : *targets) {
        if (auto sent = publish_operation(**session, target.operation); !sent) {
            return fail(sent.error());
        }
    }
    const auto waits_for = wait_for(**session, *targets, *wait);
    if (!waits_for) return fail(waits_for.error());
    tell(out, *targets, *waits_for);
    return verdict(out);
}

}  // namespace

void add_forget(CLI::App& app, Program& program) {
    auto* command = app.add_subcommand(
        "forget", "Erases what is kept of an entity: streams, states, agents; it cannot be undone");
    const auto options = std::make_shared<ForgetOptions>();
    command->add_option("object", options->object, "Object, as the policy calls it")->required();
    command
        ->add_option("entity", options->key,
                     "An entity: its id, PLATFORM:RECORD-ID, or the value of a match key")
        ->required();
    command->add_option("--reason", options->reason, "Why; stays in the log: no personal data");
    command->add_flag("--yes,-y", options->yes, "Do it; else it is only shown");
    command->add_option("--wait", options->wait, "How long to wait until it is done")
        ->capture_default_str();
    command->callback([&program, options] {
        program.choose("forget", [options](Program& p) { return run(p, *options); });
    });
}

}  // namespace syncline::ctl
