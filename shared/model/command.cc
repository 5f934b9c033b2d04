#include "shared/model/command.h"

namespace syncline {

std::string idempotency_key(const Command& command) {
    return command.platform.text + "/" + command.entity.object.text + "/" +
           command.entity.entity.text + "/" + std::to_string(command.generation) + "/" +
           std::to_string(command.decided_at.ns);
}

}  // namespace syncline
