#include "hub/ctl/actor.h"

#include <array>
#include <random>
#include <utility>

#include <pwd.h>
#include <unistd.h>

namespace syncline::ctl {

namespace {
std::string acting_as;
}

void act_as(std::string name) { acting_as = std::move(name); }

std::string actor() {
    if (!acting_as.empty()) return acting_as;
    const passwd* account = ::getpwuid(::getuid());
    std::string user = account != nullptr && account->pw_name != nullptr
                           ? account->pw_name
                           : "uid" + std::to_string(::getuid());
    std::array<char, 256> host{};
    if (::gethostname(host.data(), host.size() - 1) != 0) return user;
    return user + "@" + host.data();
}

std::string unique_id(const Clock& clock) {
    std::random_device random;
    return "ctl-" + std::to_string(clock.now().ns) + "-" + std::to_string(random());
}

}  // namespace syncline::ctl
