#include "hub/ctl/actor.h"

#include <array>

#include <pwd.h>
#include <unistd.h>

namespace syncline::ctl {

std::string actor() {
    const passwd* account = ::getpwuid(::getuid());
    std::string user = account != nullptr && account->pw_name != nullptr
                           ? account->pw_name
                           : "uid" + std::to_string(::getuid());
    std::array<char, 256> host{};
    if (::gethostname(host.data(), host.size() - 1) != 0) return user;
    return user + "@" + host.data();
}

}  // namespace syncline::ctl
