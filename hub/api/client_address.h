#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace syncline::hub::api {

/// Whose request it is, of which `peer` has sent it and said X-Forwarded-For `forwarded`: going
/// back from `peer`, the first one that is none of `proxies`, whose word nobody has to take.
/// Proxies append whom they heard; what stands before that a client may have made up.
[[nodiscard]] std::string_view client_address(std::string_view peer, std::string_view forwarded,
                                              const std::vector<std::string>& proxies);

}  // namespace syncline::hub::api
