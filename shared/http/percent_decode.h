#pragma once

#include <map>
#include <string>
#include <string_view>

namespace syncline {

/// The reverse of percent_encode(); what is no escape stays as it is.
[[nodiscard]] std::string percent_decode(std::string_view text);

/// The fields of a form that a browser sends (application/x-www-form-urlencoded, WHATWG URL 5.1).
/// Of several of one name the first.
[[nodiscard]] std::map<std::string, std::string, std::less<>> form_fields(std::string_view body);

}  // namespace syncline
