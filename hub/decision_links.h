#pragma once

#include <string>
#include <string_view>

#include "shared/base/result.h"
#include "shared/base/secret.h"
#include "shared/base/timestamp.h"

namespace syncline::hub {

struct LinkSettings {
    std::string base;  ///< `https://syncline.example.com`; empty: no links are made, none is taken.
    Secret key;        ///< Whoever knows it can make links.
};

/// Links by which a person answers an approval without any other credential: each names the
/// approval, the person and its end, and is signed over all three. Whoever has a link is that
/// person, so links stand in no stream; they are made where they are sent from.
/// Threading: not synchronised.
class DecisionLinks {
public:
    static constexpr std::string_view kPath = "/v1/decide/";
    static constexpr std::size_t kKeyBytesLeast = 32;
    /// Of an approval that has no deadline.
    static constexpr Duration kLongest = std::chrono::hours{24 * 7};

    /// What Secret::load() says; kInvalid: the key is too short.
    Result<void> open(const LinkSettings& settings);
    [[nodiscard]] bool enabled() const { return !key_.empty(); }

    struct Grant {
        std::string approval;
        std::string person;
        std::string on_behalf_of = {};  ///< Whose word it is; empty: the person's own.
        friend bool operator==(const Grant&, const Grant&) = default;
    };
    /// `until` 0: for kLongest from `now` on.
    [[nodiscard]] std::string link(const Grant& grant, Timestamp until, Timestamp now) const;

    /// Of a request's path. kDenied: it is no link of ours, or its time is over.
    [[nodiscard]] Result<Grant> read(std::string_view path, Timestamp now) const;

private:
    [[nodiscard]] std::string mark_of(std::string_view what) const;

    std::string base_;
    std::string key_;
};

}  // namespace syncline::hub
