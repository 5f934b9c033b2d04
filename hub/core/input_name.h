#pragma once

#include <string>

#include "hub/core/step.h"

namespace syncline::hub {

/// What the decision log calls an input: "crm change 5/3/17", by partition, epoch and number.
[[nodiscard]] std::string name_of(const Input& input);

/// Is it in SYNC_IN, or made of what is? Else a hub asked it of itself.
[[nodiscard]] bool was_told(const Input& input);

/// A create that found or made a record of another entity is refused, so that a person sees it. An
/// answer that a command was not taken up stays one, without the record: the command is due still.
void refuse_as_foreign(Outcome& outcome);

}  // namespace syncline::hub
