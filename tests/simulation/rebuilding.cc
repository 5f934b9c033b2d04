#include "tests/simulation/rebuilding.h"

#include "hub/core/rebuild.h"
#include "hub/core/state_codec.h"
#include "shared/wire/subjects.h"

namespace syncline::sim {
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
        rebuild.take_input(message->subject, message->body);
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
