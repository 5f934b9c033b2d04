#pragma once

#include <string>
#include <string_view>

#include "hub/workflow/effect.h"
#include "shared/base/timestamp.h"

namespace syncline::hub {

/// HTML for a person who follows a link to an approval: what it is about, and the two answers. All
/// that comes from elsewhere is escaped.
[[nodiscard]] std::string decision_page(const workflow::ApprovalNews& approval,
                                        std::string_view person);

/// The same form, to say what came of it, or why nothing can.
[[nodiscard]] std::string message_page(std::string_view title, std::string_view text);

/// A place that a page leads on to.
struct PageLink {
    std::string_view url;
    std::string_view text;
};
[[nodiscard]] std::string message_page(std::string_view title, std::string_view text,
                                       const PageLink& link);

}  // namespace syncline::hub
