#include "shared/base/mail_address.h"

#include <algorithm>
#include <cstddef>

namespace syncline {

bool is_mail_address(std::string_view text) {
    constexpr std::size_t kMost = 254;  // RFC 5321, 4.5.3.1.3, without the brackets.
    const auto at = text.find('@');
    if (text.size() > kMost || at == std::string_view::npos) return false;
    const auto fits = [](std::string_view part) {
        return !part.empty() && std::ranges::all_of(part, [](char c) {
            return c > 0x20 && c < 0x7f && !std::string_view{"<>()[],;:\\\"@"}.contains(c);
        });
    };
    return fits(text.substr(0, at)) && fits(text.substr(at + 1));
}

}  // namespace syncline
