#pragma once

#include <vector>

#include "hub/core/state.h"
#include "shared/wire/reader.h"
#include "shared/wire/writer.h"

/// Of the entity's state: what it gave away, what it took in, and that it was forgotten.
namespace syncline::hub {

void write_handovers(wire::Writer& out, int key, const std::vector<Handover>& handovers);
[[nodiscard]] Handover read_handover(wire::Decoder& in, const wire::Node& node);
void write_taken_in(wire::Writer& out, int key, const std::vector<TakenIn>& all);
[[nodiscard]] TakenIn read_taken_in(wire::Decoder& in, const wire::Node& node);
void write_forgotten(wire::Writer& out, int key, const Forgotten& forgotten);
[[nodiscard]] Forgotten read_forgotten(wire::Decoder& in, const wire::Node& node);

}  // namespace syncline::hub
