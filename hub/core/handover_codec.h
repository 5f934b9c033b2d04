#pragma once

#include <vector>

#include "hub/core/state.h"
#include "shared/wire/reader.h"
#include "shared/wire/writer.h"

/// Of the entity's state: what it gave away and what it took in.
namespace syncline::hub {

void write_handovers(wire::Writer& out, int key, const std::vector<Handover>& handovers);
[[nodiscard]] Handover read_handover(wire::Decoder& in, const wire::Node& node);
void write_taken_in(wire::Writer& out, int key, const std::vector<TakenIn>& all);
[[nodiscard]] TakenIn read_taken_in(wire::Decoder& in, const wire::Node& node);

}  // namespace syncline::hub
