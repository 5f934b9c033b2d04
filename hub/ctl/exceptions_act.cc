#include "hub/ctl/exceptions_act.h"

#include <algorithm>
#include <memory>
#include <random>

#include "hub/core/state_codec.h"
#include "hub/ctl/actor.h"
#include "hub/ctl/exceptions.h"
#include "hub/ctl/lookup.h"
#include "hub/ctl/text.h"
#include "shared/wire/subjects.h"

namespace syncline::ctl {
namespace {

struct ActOptions {
    hub::OperationKind kind = hub::OperationKind::kRetry;
    std::string object;
    std::string entity;
    std::string exception;
    std::string reason;
    std::string wait = "10s";
};

std::string unique_id(const Clock& clock) {
    std::random_device random;
    return "ctl-" + std::to_string(clock.now().ns) + "-" + std::to_string(random());
}

/// What becomes of an exception, by the rules of hub/core/operations.cc.
const char* verb_of(hub::OperationKind kind) {
    switch (kind) {
        case hub::OperationKind::kAccept: return "accepted";
        case hub::OperationKind::kReject: return "rejected";
        case hub::OperationKind::kRetry: return "retried";
    }
    return "?";
}

/// The open exceptions that are meant, as the entity's state has them. kConflict: an action would
/// change nothing, and why.
Result<std::vector<ExceptionView>> targets(Session& session, const ActOptions& options) {
    std::vector<std::string> damaged;
    auto views = exceptions_of(session, ObjectName{options.object}, options.entity, damaged);
    if (!views) return fail(views.error());
    std::erase_if(*views, [&](const ExceptionView& view) {
        return !is_meant(view.record, options.exception);
    });
    if (views->empty()) {
        return fail(ErrorKind::kNotFound, options.object + " " + options.entity +
                                              " has no exception " + options.exception);
    }
    const hub::ExceptionRecord first = views->front().record;
    const auto stored = load_entity(session, first.entity);
    if (!stored) return fail(stored.error());
    std::erase_if(*views, [&](const ExceptionView& view) {
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

struct Settled {
    ExceptionView before;
    std::optional<hub::ExceptionRecord> after;  ///< Nothing: no news within the wait.
};

/// Waits until each exception's newest message is another.
Result<std::vector<Settled>> wait_for_news(Session& session, std::vector<ExceptionView> views,
                                           Duration most) {
    std::vector<Settled> out;
    for (ExceptionView& view : views) out.push_back({std::move(view), std::nullopt});
    const Duration end = session.clock().steady() + most;
    for (;;) {
        bool all = true;
        for (Settled& one : out) {
            if (one.after) continue;
            auto newest = session.get_last(subjects::kStreamExceptions, one.before.subject);
            if (!newest) return fail(newest.error());
            const bool news = *newest && (*newest)->sequence != one.before.sequence;
            auto record = news ? hub::decode_exception((*newest)->body)
                               : Result<hub::ExceptionRecord>{fail(ErrorKind::kNotFound, "")};
            if (record) {
                one.after = std::move(*record);
            } else {
                all = false;
            }
        }
        const Duration left = end - session.clock().steady();
        if (all || left.count() <= 0 || interrupted()) return out;
        std::ignore = session.until([] { return false; },
                                    std::min<Duration>(left, std::chrono::milliseconds{100}));
    }
}

void tell(Output& out, const ActOptions& options, const Settled& one) {
    const hub::ExceptionRecord& record = one.before.record;
    const std::string name =
        record.kind + (record.platform.empty() ? "" : "@" + record.platform.text);
    if (!one.after) {
        out.add({Level::kWarning, "exceptions.not_decided_yet",
                 "the action is stored, but no hub has decided it yet",
                 "It will be, once a hub holds the partition: synclinectl status", name});
    } else if (one.after->status == hub::ExceptionStatus::kOpen) {
        out.add({Level::kWarning, "exceptions.still_open", "it is open again: " + one.after->reason,
                 "synclinectl exceptions show " + options.object + " " + options.entity, name});
    } else {
        out.line({Cell{name + " "}, Cell{verb_of(options.kind), Style::kGreen}});
    }
}

Result<Exit> act(Program& program, const ActOptions& options) {
    const auto wait = parse_duration(options.wait);
    if (!wait) return fail(wait.error(), "--wait");
    const auto session = program.connect();
    if (!session) return fail(session.error());
    auto views = targets(**session, options);
    if (!views) return fail(views.error());
    const auto partitions = partition_count(**session);
    if (!partitions) return fail(partitions.error());
    std::uint64_t seen = 0;
    for (const ExceptionView& view : *views) seen = std::max(seen, view.record.version);
    const hub::Operation operation{.kind = options.kind,
                                   .entity = views->front().record.entity,
                                   .exception = options.exception,
                                   .id = unique_id(program.clock()),
                                   .actor = actor(),
                                   .reason = options.reason,
                                   .at = program.clock().now(),
                                   .seen = seen};
    const Partition home = entity_partition(operation.entity, *partitions);
    const std::string subject = subjects::operation(home, name_of(options.kind), operation.id);
    const std::string body = encode(operation);
    const auto published = (*session)->publish(
        {.subject = subject, .body = body, .headers = {}, .expected_sequence = 0});
    if (!published) return fail(published.error());
    Output& out = program.out();
    out.set("id", operation.id);
    out.set("actor", operation.actor);
    out.set("partition", number(home.value));
    out.set("sequence", number(*published));
    auto settled = wait_for_news(**session, std::move(*views), *wait);
    if (!settled) return fail(settled.error());
    Value::List list;
    for (const Settled& one : *settled) {
        tell(out, options, one);
        list.push_back(
            Value::Map{{"kind", one.before.record.kind},
                       {"platform", one.before.record.platform.text},
                       {"status", one.after ? Value{name_of(one.after->status)} : Value{}}});
    }
    out.set("exceptions", std::move(list));
    return verdict(out);
}

void add_action(CLI::App& group, Program& program, hub::OperationKind kind, const char* help) {
    const std::string name = name_of(kind);
    auto* command = group.add_subcommand(name, help);
    const auto options = std::make_shared<ActOptions>();
    options->kind = kind;
    command->add_option("OBJECT", options->object, "The object: customer")->required();
    command->add_option("ENTITY", options->entity, "As listed, or any key of the entity")
        ->required();
    command
        ->add_option("KIND", options->exception,
                     "As listed: command.rejected, or command.rejected@erp for one platform")
        ->required();
    command->add_option("--reason", options->reason, "Why; stands in the decision log")
        ->check([](const std::string& text) {
            return text.size() > 500 ? std::string{"at most 500 bytes"} : std::string{};
        });
    command->add_option("--wait", options->wait, "How long to wait for a hub's decision")
        ->capture_default_str();
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
}

}  // namespace syncline::ctl
