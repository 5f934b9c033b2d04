#include <algorithm>

#include "agent/store.h"

// What becomes of a store when a stand-by's agent has been active meanwhile.

namespace syncline::agent {

void Transaction::begin_as_new(Timestamp now) {
    database_.script(
        "DELETE FROM meta WHERE key NOT IN ('schema', 'platform', 'instance', 'epoch', 'era',"
        "  'sweep', 'revisions', 'reconciliation', 'partitions', 'quota');"
        "DELETE FROM records; DELETE FROM fetches; DELETE FROM ledger;"
        "DELETE FROM open_commands; DELETE FROM operations; DELETE FROM suspects; DELETE FROM "
        "list_parts;");
    restart_numbering(store_.partitions(), now);
    // An answer to what was told of a lane before is not one to what is told of it now.
    for (const auto& [lane, state] : store_.lanes()) {
        if (state.phase != LaneState::Phase::kHeld) continue;
        LaneState& held = change_lane(lane);
        held.hold.hold = std::max({held.hold.hold + 1, held.answered + 1,
                                   static_cast<std::uint64_t>(std::max<std::int64_t>(now.ns, 0))});
    }
}

}  // namespace syncline::agent
