#pragma once

#include <string_view>

namespace syncline {

/// `lea@example.com`, in the form that all servers take: nothing in it can end a header or an
/// address before its end.
[[nodiscard]] bool is_mail_address(std::string_view text);

}  // namespace syncline
