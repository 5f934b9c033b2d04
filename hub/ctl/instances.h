#pragma once

#include <optional>
#include <string>
#include <vector>

#include "hub/ctl/program.h"
#include "hub/workflow/instance.h"
#include "hub/workflow/message.h"

namespace syncline::ctl {

/// The instance whose id begins so. kNotFound: none does; kInvalid: several do.
[[nodiscard]] Result<hub::workflow::Instance> find_instance(Session& session,
                                                            const std::string& id);
/// All there are, in no order.
[[nodiscard]] Result<std::vector<hub::workflow::Instance>> read_instances(Session& session);

/// Sends the input to its instance, and waits for what that says. kUnavailable: no hub has decided
/// it in time; it is stored, and will be. kConflict: the instance refuses it, and why.
[[nodiscard]] Result<hub::workflow::Told> tell_instance(Program& program, std::string instance,
                                                        hub::workflow::Input input);

}  // namespace syncline::ctl
