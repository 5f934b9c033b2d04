#include "hub/ctl/identity_plan.h"

#include <utility>

namespace syncline::ctl {
namespace {

hub::Context context_at(Timestamp now) {
    hub::Context context;
    context.now = now;
    context.fence = 1;  // As by a hub that holds the partition.
    context.publishing = hub::Context::Publishing::kNo;
    return context;
}

void append(std::vector<Command>& to, std::vector<Command> from) {
    for (Command& command : from) to.push_back(std::move(command));
}

/// What the notes of a refusal say behind "no merge by anna: reason: ...".
std::string refusal(const hub::LogEntry& log) {
    return log.notes.empty() ? "it makes no difference" : log.notes.front();
}

}  // namespace

Result<IdentityPlan> plan_identity(
    const Policy& policy, hub::EntityState giver, const hub::Operation& operation, Timestamp now,
    const std::function<Result<std::optional<hub::EntityState>>(const EntityKey&)>& find) {
    const ObjectSpec& object = *policy.object(giver.key.object);
    IdentityPlan plan;
    hub::Context context = context_at(now);
    const EntityKey from = giver.key;
    const hub::EntityState giver_before = giver;
    const hub::Input asked = operation;
    hub::Step given = decide(policy, std::move(giver), {&asked, 1}, context);
    plan.giver = std::move(given.next);
    append(plan.commands, std::move(given.commands));
    const bool stray = operation.kind == hub::OperationKind::kLink && !operation.change.empty();
    if (stray) {
        if (given.links.empty()) plan.refused = refusal(given.log);
        plan.before = giver_before;
        plan.taker = plan.giver;
        return plan;
    }
    if (given.handovers.empty()) {
        plan.refused = refusal(given.log);
        return plan;
    }
    plan.handover = std::move(given.handovers.front());
    const EntityKey to{from.object, plan.handover->to};
    auto taker = find(to);
    if (!taker) return fail(std::move(taker.error()));
    plan.before = *taker;
    hub::EntityState state = taker->value_or(hub::EntityState{});
    state.key = to;
    const hub::Input takeover = hub::Takeover{from, *plan.handover};
    hub::Step taken = decide(policy, state, {&takeover, 1}, context);
    // Keys that the entity which gave the records goes on having.
    std::vector<hub::ForeignKey> foreign;
    for (const hub::Claim& key : taken.claims) {
        if (has_key(object, plan.giver, key)) foreign.push_back({key, from.entity});
    }
    if (!foreign.empty()) {
        context.foreign_keys = std::move(foreign);
        taken = decide(policy, std::move(state), {&takeover, 1}, context);
    }
    plan.taker = std::move(taken.next);
    append(plan.commands, std::move(taken.commands));
    return plan;
}

}  // namespace syncline::ctl
