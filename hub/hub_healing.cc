#include "hub/hub.h"

// What the states are read again for: a loss, another version of the policy, links that are in
// doubt. See state_sweep.h.

namespace syncline::hub {

bool Hub::warm(std::uint64_t sequence, std::string_view body) {
    return entities_.warm(sequence, body);
}

void Hub::recheck(const EntityKey& entity, Recheck recheck, std::uint64_t sweep) {
    if (policies_.newest().object(entity.object) == nullptr) return sweep_->rechecked(sweep);
    const Partition home = entity_partition(entity, options_.partitions);
    entities_.submit(entity, {.input = std::move(recheck), .work = {home, kNoHold, sweep}});
}

void Hub::check_links(const EntityKey& entity) {
    const Partition home = entity_partition(entity, options_.partitions);
    entities_.submit(entity, {.input = Recheck{.links = true}, .work = {home, 0, 0}});
}

void Hub::reconsider(const EntityState& state, std::uint64_t sequence, std::uint64_t sweep) {
    const Policy& newest = policies_.newest();
    const Partition home = entity_partition(state.key, options_.partitions);
    const std::uint64_t fence = partitions_->fence_of(home);
    const bool known = newest.object(state.key.object) != nullptr;
    // One that was lost meanwhile is seen to by who took it. One that the policy has decided
    // already is looked at, too: who did that may have died before they told of it.
    if (!known || fence == 0) return sweep_->rechecked(sweep);
    entities_.submit(
        state.key,
        {.input = PolicyChanged{sequence}, .work = {home, kNoHold, sweep}, .fence = fence});
}

void Hub::on_reconsidered(Partition partition, std::uint64_t hold, std::uint64_t version) {
    partitions_->reconsidered(partition, hold, version);
}

void Hub::on_healed(Partition partition, std::uint64_t hold) {
    partitions_->healed(partition, hold);
}

std::uint64_t Hub::fence_of(Partition partition) const { return partitions_->fence_of(partition); }

}  // namespace syncline::hub
