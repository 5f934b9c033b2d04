#include "hub/ctl/exceptions_act.h"

#include <algorithm>
#include <memory>

#include "hub/core/state_codec.h"
#include "hub/ctl/actor.h"
#include "hub/ctl/exceptions.h"
#include "hub/ctl/lookup.h"
#include "hub/ctl/operations.h"
#include "hub/ctl/sight.h"
#include "hub/ctl/text.h"
#include "shared/wire/subjects.h"

namespace syncline::ctl {
namespace {

/// What becomes of an exception, by the rules of hub/core/operations.cc.
const char* verb_of(hub::OperationKind kind) {
    switch (kind) {
        case hub::OperationKind::kAccept: return "accepted";
        case hub::OperationKind::kReject: return "rejected";
        case hub::OperationKind::kRetry: return "retried";
        case hub::OperationKind::kDiscard: return "discarded";
        case hub::OperationKind::kEdit: return "edited";
        case hub::OperationKind::kAssign: return "assigned";
        case hub::OperationKind::kTag: return "tagged";
        case hub::OperationKind::kUntag: return "untagged";
        case hub::OperationKind::kNote: return "noted";
        case hub::OperationKind::kDue: return "dated";
        default: return "changed";
    }
}

bool applies(const hub::ExceptionRecord& record, hub::OperationKind kind) {
    const ExceptionKind* known = exception_kind(record.kind);
    return is_open(record) && known != nullptr && !hub::comes_to(*known, kind).empty();
}

/// The open exceptions that are meant, as the entity's state has them if one holds them. kConflict:
/// an action would change nothing, and why.
Result<std::vector<ExceptionView>> targets(Program& program, Session& session,
                                           const ActOptions& options) {
    std::vector<std::string> damaged;
    auto views =
        exceptions_of(program, session, ObjectName{options.object}, options.entity, damaged);
    if (!views) return fail(views.error());
    std::erase_if(*views, [&](const ExceptionView& view) {
        return !is_meant(view.record, options.exception);
    });
    if (views->empty()) {
        return fail(ErrorKind::kNotFound, options.object + " " + options.entity +
                                              " has no exception " + options.exception);
    }
    const hub::ExceptionRecord first = views->front().record;
    const bool may = std::ranges::any_of(*views, [&](const ExceptionView& view) {
        return !is_open(view.record) || !is_held(view.record.kind) ||
               applies(view.record, options.kind);
    });
    if (!may) {
        return fail(ErrorKind::kConflict, "an exception " + first.kind + " cannot be " +
                                              verb_of(options.kind) +
                                              "; `synclinectl exceptions kinds " + first.kind +
                                              "` tells what can be "
                                              "done about it");
    }
    const auto stored = load_entity(session, first.entity);
    if (!stored) return fail(stored.error());
    std::erase_if(*views, [&](const ExceptionView& view) {
        if (!is_held(view.record.kind)) return !applies(view.record, options.kind);
        if (!*stored) return true;
        return std::ranges::none_of((*stored)->state.exceptions, [&](const auto& open) {
            return open.kind == view.record.kind && open.platform == view.record.platform;
        });
    });
    if (!views->empty()) return views;
    const bool settled = first.status != hub::ExceptionStatus::kOpen;
    return fail(ErrorKind::kConflict,
                first.kind + " of " + options.object + " " + options.entity +
                    (settled ? std::string{" is "} + name_of(first.status) + " since " +
                                   time_text(first.updated_at) + "; there is nothing to settle"
                             : " cannot be settled by an action: " + advice_for(first)));
}

/// By the newest states: what is acted on is no list that may be ten seconds old.
Result<void> keep_seen(Program& program, Session& session, std::vector<ExceptionView>& views) {
    Sight sight{program, session};
    if (!sight.is_bound()) return {};
    std::vector<ExceptionView> seen;
    for (ExceptionView& view : views) {
        const EntityKey& key = view.record.entity;
        const auto checked = sight.check(key, key.entity.text);
        if (!checked && checked.error().kind != ErrorKind::kNotFound) return checked;
        if (checked) seen.push_back(std::move(view));
    }
    views = std::move(seen);
    return {};
}

/// All that the filter finds, the most urgent first. kConflict: they are more than --most.
Result<std::vector<ExceptionView>> matching(Program& program, Session& session,
                                            const ActOptions& options) {
    std::vector<std::string> damaged;
    auto views = read_exceptions(session, subjects::all_exceptions(), damaged);
    if (!views) return fail(views.error());
    const Timestamp now = program.clock().now();
    std::erase_if(*views, [&](const auto& view) {
        return !holds(options.filter, view.record, now) ||
               !program.may_see(view.record.entity.object);
    });
    if (auto kept = keep_seen(program, session, *views); !kept) return fail(kept.error());
    const auto unfit = std::erase_if(
        *views, [&](const auto& view) { return !applies(view.record, options.kind); });
    if (unfit > 0) {
        program.out().line(count_text(unfit, "is", "are") + " of a kind that cannot be " +
                               verb_of(options.kind) + ", and left out",
                           Style::kDim);
    }
    program.out().set("left_out", number(unfit));
    if (views->size() > options.most) {
        return fail(ErrorKind::kConflict, "these are " + std::to_string(views->size()) +
                                              ", more than " + std::to_string(options.most) +
                                              "; narrow the filter, or say --most " +
                                              std::to_string(views->size()));
    }
    sort_by_urgency(*views);
    return views;
}

/// An action on its way: what it is about, and where it was stored.
struct Action {
    ExceptionView view;
    hub::Operation operation;
    Partition partition;
    std::uint64_t sequence = 0;
};

Result<std::vector<Action>> actions_on(Program& program, std::vector<ExceptionView> views,
                                       const ActOptions& options) {
    auto operation = operation_of(options, program.clock().now());
    if (!operation) return fail(operation.error());
    operation->actor = program.actor();
    const std::string id = unique_id(program.clock());
    std::vector<Action> actions;
    for (ExceptionView& view : views) {
        Action& action = actions.emplace_back(Action{std::move(view), *operation, {}});
        const hub::ExceptionRecord& record = action.view.record;
        action.operation.entity = record.entity;
        action.operation.exception =
            subjects::last_token(action.view.subject).value_or(name_of(record));
        action.operation.id = id + (views.size() == 1 ? "" : "-" + std::to_string(actions.size()));
        action.operation.seen = record.version;
        if (options.kind != hub::OperationKind::kEdit) continue;
        const auto policy = program.policy();
        if (!policy) return fail(policy.error());
        const ObjectSpec* object = (*policy)->object(record.entity.object);
        if (object == nullptr) {
            return fail(ErrorKind::kNotFound,
                        "the policy has no object " + record.entity.object.text);
        }
        auto values = values_of(*object, options.sets);
        if (!values) return fail(values.error());
        action.operation.values = *std::move(values);
    }
    return actions;
}

Value value_of(const Action& action) {
    const hub::ExceptionRecord& record = action.view.record;
    return Value::Map{{"kind", record.kind},
                      {"platform", record.platform.text},
                      {"object", record.entity.object.text},
                      {"entity", record.entity.entity.text},
                      {"id", action.operation.id}};
}

/// What would be done, and to which.
void show_plan(Output& out, const std::vector<Action>& actions, const ActOptions& options) {
    Table table{{"SEVERITY", "KIND", "PLATFORM", "OBJECT", "ENTITY", "COMES TO"}, {}};
    Value::List list;
    for (const Action& action : actions) {
        const hub::ExceptionRecord& record = action.view.record;
        const ExceptionKind* kind = exception_kind(record.kind);
        table.rows.push_back(
            {Cell{name_of(record.care.severity), style_of(record.care.severity)}, record.kind,
             record.platform.text, record.entity.object.text, record.entity.entity.text,
             std::string{kind == nullptr ? "" : hub::comes_to(*kind, options.kind)}});
        list.push_back(value_of(action));
    }
    out.set("exceptions", std::move(list));
    out.set("dry_run", true);
    if (!actions.empty()) out.table(table);
    out.line(count_text(actions.size(), "exception", "exceptions") + " would be " +
             verb_of(options.kind) +
             (actions.empty() ? "" : "; nothing was done: add --yes to do it"));
}

Result<void> publish(Program& program, Session& session, std::vector<Action>& actions) {
    constexpr std::size_t kTellEvery = 100;
    const auto partitions = partition_count(session);
    if (!partitions) return fail(partitions.error());
    for (std::size_t i = 0; i < actions.size(); ++i) {
        Action& action = actions[i];
        action.partition = entity_partition(action.operation.entity, *partitions);
        const std::string subject = subjects::operation(
            action.partition, hub::name_of(action.operation.kind), action.operation.id);
        const std::string body = encode(action.operation);
        const auto published = session.publish(
            {.subject = subject, .body = body, .headers = {}, .expected_sequence = 0});
        if (!published) {
            return fail(
                published.error(),
                std::to_string(i) + " of " + std::to_string(actions.size()) + " were stored, then");
        }
        action.sequence = *published;
        if (i % kTellEvery != kTellEvery - 1) continue;
        program.out().line(
            std::to_string(i + 1) + " of " + std::to_string(actions.size()) + " stored",
            Style::kDim);
        program.out().flush();
    }
    return {};
}

struct Settled {
    Action action;
    std::optional<hub::ExceptionRecord> after;  ///< Nothing: no news within the wait.
};

/// Waits until each exception's newest message is another.
Result<std::vector<Settled>> wait_for_news(Session& session, std::vector<Action> actions,
                                           Duration most) {
    std::vector<Settled> out;
    for (Action& action : actions) out.push_back({std::move(action), std::nullopt});
    const auto looked = look_until(session, most, [&]() -> Result<bool> {
        bool all = true;
        for (Settled& one : out) {
            if (one.after) continue;
            const ExceptionView& before = one.action.view;
            auto newest = session.get_last(subjects::kStreamExceptions, before.subject);
            if (!newest) return fail(newest.error());
            const bool news = *newest && (*newest)->sequence != before.sequence;
            auto record = news ? hub::decode_exception((*newest)->body)
                               : Result<hub::ExceptionRecord>{fail(ErrorKind::kNotFound, "")};
            if (record) {
                one.after = std::move(*record);
            } else {
                all = false;
            }
        }
        return all;
    });
    if (!looked) return fail(looked.error());
    return out;
}

void tell(Output& out, const ActOptions& options, const Settled& one) {
    const hub::ExceptionRecord& record = one.action.view.record;
    const std::string name = name_of(record);
    const std::string show = "synclinectl exceptions show " + record.entity.object.text + " " +
                             record.entity.entity.text;
    if (!one.after) {
        out.add({Level::kWarning, "exceptions.not_decided_yet",
                 "the action is stored, but no hub has decided it yet",
                 "It will be, once a hub holds the partition: synclinectl status", name});
    } else if (is_about_care(options.kind)) {
        if (is_done(one.after->care, one.action.operation)) {
            out.line({Cell{name + " "}, Cell{verb_of(options.kind), Style::kGreen}});
        } else {
            out.add({Level::kWarning, "exceptions.not_done",
                     "it was not done: the exception has changed, or was settled", show, name});
        }
    } else if (is_open(*one.after) && !one.after->closing.empty()) {
        // Of a lane that an agent holds: it closes once the agent has done it.
        out.line({Cell{name + " "}, Cell{verb_of(options.kind), Style::kGreen},
                  Cell{"; the agent is told"}});
    } else if (is_open(*one.after)) {
        out.add({Level::kWarning, "exceptions.still_open", "it is open again: " + one.after->reason,
                 show, name});
    } else {
        out.line({Cell{name + " "}, Cell{verb_of(options.kind), Style::kGreen}});
    }
}

/// Says nothing unless the command line makes sense by itself.
Result<Duration> check_options(const ActOptions& options, Timestamp now) {
    auto wait = parse_duration(options.wait);
    if (!wait) return fail(wait.error(), "--wait");
    const bool one = !options.object.empty();
    if (one && (options.entity.empty() || options.exception.empty())) {
        return fail(ErrorKind::kInvalid,
                    "one exception is named by OBJECT ENTITY KIND, as `exceptions list` shows it");
    }
    if (one && options.filter.narrows()) {
        return fail(ErrorKind::kInvalid, "name one by OBJECT ENTITY KIND, or several by a filter");
    }
    if (!one && !options.filter.narrows()) {
        return fail(ErrorKind::kInvalid,
                    "name one by OBJECT ENTITY KIND, or several by --kind, --platform, --object, "
                    "--severity, --assignee, --tag, --overdue, --older-than");
    }
    if (auto sound = check(options.filter); !sound) return fail(sound.error());
    if (auto sound = operation_of(options, now); !sound) return fail(sound.error());
    return *wait;
}

Result<Exit> act(Program& program, const ActOptions& options) {
    const auto wait = check_options(options, program.clock().now());
    if (!wait) return fail(wait.error());
    const auto session = program.connect();
    if (!session) return fail(session.error());
    const bool one = !options.object.empty();
    auto views = one ? targets(program, **session, options) : matching(program, **session, options);
    if (!views) return fail(views.error());
    auto actions = actions_on(program, std::move(*views), options);
    if (!actions) return fail(actions.error());
    Output& out = program.out();
    if (options.dry_run || (!one && (!options.yes || actions->empty()))) {
        show_plan(out, *actions, options);
        return verdict(out);
    }
    if (auto done = publish(program, **session, *actions); !done) return fail(done.error());
    const Action& first = actions->front();
    out.set("id", first.operation.id);
    out.set("actor", first.operation.actor);
    out.set("partition", number(first.partition.value));
    out.set("sequence", number(first.sequence));
    auto settled = wait_for_news(**session, std::move(*actions), *wait);
    if (!settled) return fail(settled.error());
    Value::List list;
    for (const Settled& each : *settled) {
        tell(out, options, each);
        Value::Map value = *value_of(each.action).get<Value::Map>();
        value.emplace("status", each.after ? Value{name_of(each.after->status)} : Value{});
        list.emplace_back(std::move(value));
    }
    if (!one) out.line(count_text(list.size(), "exception", "exceptions"), Style::kDim);
    out.set("exceptions", std::move(list));
    return verdict(out);
}

void add_action(CLI::App& group, Program& program, hub::OperationKind kind, const char* help) {
    const std::string name = hub::name_of(kind);
    auto* command = group.add_subcommand(name, help);
    const auto options = std::make_shared<ActOptions>();
    options->kind = kind;
    add_action_options(*command, *options);
    command->callback([&program, options, name] {
        program.choose("exceptions " + name, [options](Program& p) { return act(p, *options); });
    });
}

}  // namespace

void add_exception_actions(CLI::App& group, Program& program) {
    using enum hub::OperationKind;
    add_action(group, program, kAccept, "Take what the platform wanted as canonical");
    add_action(group, program, kReject, "Keep the canonical value and tell the platform so");
    add_action(group, program, kRetry, "Try again what failed");
    add_action(group, program, kDiscard, "Leave everything as it is until something changes");
    add_action(group, program, kEdit, "Give values of your own, and try again with them");
    add_action(group, program, kAssign, "Say who sees to it");
    add_action(group, program, kTag, "Put a tag on it");
    add_action(group, program, kUntag, "Take a tag off it");
    add_action(group, program, kNote, "Keep a note with it");
    add_action(group, program, kDue, "Say until when");
}

}  // namespace syncline::ctl
