#include "hub/core/decide.h"
#include "hub/core/state_codec.h"
#include "hub/ctl/replay.h"

namespace syncline::ctl {

Replayed replay_one(const Policy& policy, hub::EntityState& state, const Change& change,
                    const hub::Context& context, History history) {
    Replayed out{.record = change.key,
                 .entity = state.key.entity,
                 .sequence = 0,
                 .rev = change.rev,
                 .result = Replayed::Result::kNothing,
                 .log = std::nullopt,
                 .commands = {}};
    const hub::RecordState* known = state.record(change.key.platform);
    if (history == History::kForget) {
        if (known != nullptr) state.record_or_new(change.key.platform).rev = Revision{};
    } else if (known != nullptr && known->record == change.key.record && change.rev <= known->rev) {
        out.result = Replayed::Result::kRepeated;
        return out;
    }
    // What was in the outbox belongs to the decision before; it would be told again otherwise.
    state.outbox.clear();
    const std::vector<hub::Input> inputs{change};
    hub::Step step = decide(policy, std::move(state), inputs, context);
    out.commands = std::move(step.commands);
    if (step.changed) {
        out.result = Replayed::Result::kDecided;
        for (const auto& outgoing : step.next.outbox) {
            const bool log = outgoing.exception.empty() &&
                             outgoing.what == hub::EntityState::Outgoing::What::kStatus;
            if (!log) continue;
            if (auto entry = hub::decode_log_entry(outgoing.body)) out.log = std::move(*entry);
        }
    }
    state = std::move(step.next);
    return out;
}

}  // namespace syncline::ctl
