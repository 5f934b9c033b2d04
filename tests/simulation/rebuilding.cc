#include "tests/simulation/rebuilding.h"

#include "hub/core/rebuild.h"
#include "hub/core/state_codec.h"
#include "shared/wire/codec.h"
#include "shared/wire/subjects.h"

namespace syncline::sim {
namespace {

void take_input(hub::Rebuild& rebuild, const MessagePtr& message) {
    const auto about = subjects::parse_input(message->subject);
    if (!about) return;
    if (about->kind == subjects::InputKind::kChange) {
        if (auto change = wire::decode_change(message->body)) rebuild.take_input(*change);
    } else if (about->kind == subjects::InputKind::kOutcome) {
        if (auto outcome = wire::decode_outcome(message->body)) rebuild.take_input(*outcome);
    } else if (about->kind == subjects::InputKind::kOperation) {
        if (auto operation = hub::decode_operation(message->body)) rebuild.take_input(*operation);
    }
}

}  // namespace

std::vector<Violation> check_rebuild(MemoryBroker& broker, PolicyChanges& policies) {
    hub::Rebuild rebuild;
    bool forgets = false;  // What they were made of is gone, and what others got from them.
    for (const MessagePtr& message : broker.all(subjects::kStreamState)) {
        if (!subject_matches(subjects::all_entities(), message->subject)) continue;
        const auto state = hub::decode_entity(message->body);
        if (state) rebuild.take_state(state->key, message->body);
        forgets = forgets || (state && state->forgotten);
    }
    for (const MessagePtr& message : broker.all(subjects::kStreamLog)) {
        rebuild.take_entry(message->sequence, message->body);
    }
    for (const MessagePtr& message : broker.all(subjects::kStreamIn)) {
        take_input(rebuild, message);
    }
    rebuild.run([&](const hub::LogEntry& entry) {
        return policies.applied(entry.policy, entry.policy_version);
    });
    const bool complete =
        broker.state_losses() + broker.log_losses() + broker.input_losses() == 0 && !forgets;
    std::vector<Violation> violations;
    for (const auto& finding : rebuild.findings) {
        const bool differs = finding.kind == hub::Rebuild::Finding::Kind::kDiffers;
        if (!differs && !complete) continue;
        violations.push_back({"I22",
                              (differs ? "not what its inputs make, log sequence "
                                       : "cannot be made again, log sequence ") +
                                  std::to_string(finding.sequence) + ": " + finding.what,
                              finding.entity.entity.text});
    }
    return violations;
}

}  // namespace syncline::sim
