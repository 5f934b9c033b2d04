#pragma once

#include <string>
#include <string_view>

#include "shared/base/timestamp.h"

namespace syncline {

/// Plain text from a program to one person.
struct Mail {
    std::string id;  ///< The same whenever it is sent; letters, digits, `_`, `-` and `.`.
    std::string from;
    std::string to;
    std::string subject;  ///< UTF-8, as is the text. Control characters become blanks.
    std::string text;
};

/// As it is sent (RFC 5322, 2045, 2047). Both addresses must be is_mail_address().
[[nodiscard]] std::string message_of(const Mail& mail, Timestamp date);

}  // namespace syncline
