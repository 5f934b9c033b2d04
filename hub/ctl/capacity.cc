#include "hub/ctl/capacity.h"

#include <algorithm>
#include <cmath>

namespace syncline::ctl {
namespace {

constexpr double kSecondsPerDay = 86'400;
/// A hub and a server that do nothing.
constexpr double kHubIdleBytes = 32.0 * (1 << 20);
constexpr double kServerIdleBytes = 64.0 * (1 << 20);

double days_of(Duration keep) {
    return std::chrono::duration<double>(keep).count() / kSecondsPerDay;
}

StreamCapacity stream_capacity(const StreamLoad& load, double growth) {
    // One that keeps the newest of each subject grows with the subjects, not with time.
    const double kept =
        load.keep.count() > 0 ? load.per_day * growth * days_of(load.keep) : load.messages * growth;
    return {.name = load.name, .now_bytes = load.bytes, .bytes = kept * load.bytes_each};
}

}  // namespace

Capacity plan_capacity(const CapacityInputs& inputs, const CapacityCosts& costs) {
    Capacity out;
    out.inputs_per_day = inputs.inputs_per_day * inputs.growth;
    out.entities = inputs.entities * inputs.growth;
    out.inputs_per_second_peak = out.inputs_per_day / kSecondsPerDay * inputs.peak;
    out.hub_inputs_per_second = 1e6 / costs.hub_us_per_input * kBusyMost;
    out.hubs = 1 + static_cast<std::uint64_t>(std::max(
                       1.0, std::ceil(out.inputs_per_second_peak / out.hub_inputs_per_second)));
    const double working = static_cast<double>(out.hubs - 1);
    const double cached =
        std::min(static_cast<double>(inputs.cached_entities), out.entities / working);
    out.hub_memory = kHubIdleBytes + cached * costs.hub_bytes_per_entity;
    out.server_processors =
        out.inputs_per_second_peak * costs.server_us_per_input / 1e6 / kBusyMost;
    out.server_memory = kServerIdleBytes + out.entities * costs.server_bytes_per_entity;
    for (const StreamLoad& load : inputs.streams) {
        out.streams.push_back(stream_capacity(load, inputs.growth));
        out.server_disk += out.streams.back().bytes;
    }
    return out;
}

}  // namespace syncline::ctl
