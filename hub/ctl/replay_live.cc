#include "hub/ctl/replay_live.h"

#include <map>
#include <set>

#include "hub/core/decide.h"
#include "hub/core/state_codec.h"
#include "hub/ctl/actor.h"
#include "hub/ctl/exceptions_filter.h"
#include "hub/ctl/lookup.h"
#include "hub/ctl/operations.h"
#include "hub/ctl/recorded.h"
#include "hub/ctl/text.h"
#include "shared/wire/codec.h"
#include "shared/wire/subjects.h"

namespace syncline::ctl {
namespace {

/// One operation to be published, and what would come of it.
struct Again {
    hub::Operation operation;
    std::optional<hub::LogEntry> log;  ///< Nothing: it would change nothing, or nobody can tell.
    std::vector<Command> commands;
};

class Live {
public:
    Live(Program& program, Session& session, const Policy& policy, const LiveReplay& options)
        : program_(program), session_(session), policy_(policy), options_(options) {}

    Result<Exit> run() {
        if (auto chosen = choose(); !chosen) return fail(chosen.error());
        show();
        if (!options_.yes) {
            program_.out().set("dry_run", true);
            program_.out().line(all_.empty() ? "nothing to decide again"
                                             : "nothing was published: add --yes to do it");
            return Exit::kFine;
        }
        if (auto published = publish(); !published) return fail(published.error());
        return Exit::kFine;
    }

private:
    Result<void> choose() {
        return options_.exception.empty() ? choose_by_changes() : choose_by_exceptions();
    }

    Result<void> choose_by_changes() {
        const auto span = find_span(session_, program_.clock().now(), options_.from, options_.to);
        if (!span) return fail(span.error());
        std::set<RecordKey> records;
        std::set<EntityKey> entities;
        const auto read = read_recorded_changes(
            session_, *span, {options_.platform, options_.object, options_.record},
            [&](std::uint64_t, Result<Change> change) {
                if (!change) return;
                if (change->entity) {
                    entities.insert({change->key.object, *change->entity});
                } else {
                    records.insert(change->key);
                }
            });
        if (!read) return read;
        for (const RecordKey& record : records) {
            const auto link = session_.get_last(subjects::kStreamState, subjects::link(record));
            if (!link) return fail(link.error());
            if (!*link || (*link)->deleted) continue;
            const auto entity = wire::decode_reference((*link)->body);
            if (entity && !entity->empty()) entities.insert({record.object, *entity});
        }
        for (const EntityKey& entity : entities) {
            if (auto added = add(entity); !added) return added;
        }
        return {};
    }

    Result<void> choose_by_exceptions() {
        const ExceptionFilter filter{.kind = options_.exception,
                                     .platform = options_.platform,
                                     .object = options_.object,
                                     .immaterial = true};
        if (auto sound = check(filter); !sound) return sound;
        std::vector<std::string> damaged;
        const auto views = read_exceptions(session_, subjects::all_exceptions(), damaged);
        if (!views) return fail(views.error());
        std::set<EntityKey> entities;
        for (const ExceptionView& view : *views) {
            const hub::ExceptionRecord& one = view.record;
            if (!holds(filter, one, program_.clock().now())) continue;
            if (!options_.record.empty() && one.record != options_.record) continue;
            if (is_held(one.kind)) {
                if (!entities.insert(one.entity).second) continue;
                if (auto added = add(one.entity); !added) return added;
                continue;
            }
            const ExceptionKind* kind = exception_kind(one.kind);
            if (kind == nullptr || kind->retry.empty()) continue;
            Again& again = all_.emplace_back(Again{operation_for(one.entity), {}, {}});
            again.operation.exception = subjects::last_token(view.subject).value_or(name_of(one));
        }
        return {};
    }

    [[nodiscard]] hub::Operation operation_for(const EntityKey& entity) {
        hub::Operation operation{.kind = hub::OperationKind::kRetry, .entity = entity};
        operation.id = id_ + "-" + std::to_string(all_.size() + 1);
        operation.actor = program_.actor();
        operation.reason = options_.reason.empty() ? "replay" : options_.reason;
        operation.at = program_.clock().now();
        return operation;
    }

    Result<void> add(const EntityKey& entity) {
        const auto stored = load_entity(session_, entity);
        if (!stored) return fail(stored.error());
        if (!*stored || policy_.object(entity.object) == nullptr) return {};
        Again again{operation_for(entity), {}, {}};
        const hub::Input inputs[] = {again.operation};
        hub::Step step = hub::decide(policy_, std::move((*stored)->state), inputs,
                                     {.now = again.operation.at, .partition = {}, .fence = 0});
        if (step.changed) again.log = std::move(step.log);
        again.commands = std::move(step.commands);
        all_.push_back(std::move(again));
        return {};
    }

    void show() {
        Output& out = program_.out();
        const Secrets secrets{policy_, program_.hides()};
        std::uint64_t decided = 0;
        std::uint64_t commands = 0;
        std::uint64_t kept = 0;
        Value::List list;
        for (const Again& again : all_) {
            kept += again.operation.exception.empty() ? 0 : 1;
            decided += again.log ? 1 : 0;
            commands += again.commands.size();
            const bool tells = again.log || !again.operation.exception.empty();
            if (!tells || list.size() == options_.show) continue;
            const EntityKey& entity = again.operation.entity;
            out.line({Cell{entity.object.text + " " + entity.entity.text + "  ", Style::kBold},
                      Cell{again.log ? line_of(*again.log, secrets)
                                     : again.operation.exception + " is taken again"}});
            for (const Command& command : again.commands) {
                out.line("        " + line_of(command, secrets), Style::kCyan);
            }
            list.push_back(
                Value::Map{{"object", entity.object.text},
                           {"entity", entity.entity.text},
                           {"exception", again.operation.exception},
                           {"decision", again.log ? value_of(*again.log, secrets) : Value{}}});
        }
        out.set("policy", policy_.hash);
        out.set("entities", number(all_.size() - kept));
        out.set("would_change", number(decided));
        out.set("commands", number(commands));
        out.set("kept_inputs", number(kept));
        out.set("decisions", std::move(list));
        out.line("by policy " + short_hash(policy_.hash) + ": " +
                 count_text(all_.size() - kept, "entity", "entities") + ", " +
                 std::to_string(decided) + " of which would change; " +
                 count_text(commands, "command", "commands") + "; " +
                 count_text(kept, "kept input", "kept inputs"));
    }

    Result<void> publish() {
        constexpr std::size_t kTellEvery = 100;
        const Duration between{static_cast<std::int64_t>(1e9 / options_.rate)};
        Output& out = program_.out();
        Duration due = session_.clock().steady();
        std::size_t done = 0;
        for (const Again& again : all_) {
            const Duration wait = due - session_.clock().steady();
            if (wait.count() > 0) std::ignore = session_.until([] { return false; }, wait);
            if (interrupted()) break;
            due = std::max(due, session_.clock().steady() - std::chrono::seconds{1}) + between;
            if (auto published = publish_operation(session_, again.operation); !published) {
                return fail(published.error(), std::to_string(done) + " of " +
                                                   std::to_string(all_.size()) +
                                                   " were published, then");
            }
            if (++done % kTellEvery != 0) continue;
            out.line(std::to_string(done) + " of " + std::to_string(all_.size()), Style::kDim);
            out.flush();
        }
        out.set("published", number(done));
        out.line(std::to_string(done) + " of " + std::to_string(all_.size()) +
                     " published; `synclinectl log` shows what comes of them",
                 done == all_.size() ? Style::kGreen : Style::kYellow);
        return {};
    }

    Program& program_;
    Session& session_;
    const Policy& policy_;
    const LiveReplay& options_;
    std::string id_ = unique_id(program_.clock());
    std::vector<Again> all_;
};

}  // namespace

Result<Exit> replay_live(Program& program, const LiveReplay& options) {
    if (!(options.rate > 0)) return fail(ErrorKind::kInvalid, "--rate: more than 0 a second");
    const auto policy = program.policy();
    if (!policy) return fail(policy.error());
    const auto session = program.connect();
    if (!session) return fail(session.error());
    return Live{program, **session, **policy, options}.run();
}

}  // namespace syncline::ctl
