#pragma once

#include <string>
#include <vector>

#include "hub/ctl/security/installation.h"
#include "shared/base/clock.h"
#include "shared/base/result.h"
#include "shared/nats/nats_options.h"

/// Whether a running server does what the installation says: each user connects with its own
/// files and tries what it must not do, and what it must be able to.
namespace syncline::ctl::security {

struct Tried {
    std::string user;
    std::string what;
    std::string subject;
    bool expected_allowed = false;
    enum class Outcome : std::uint8_t {
        kRefused,  ///< The server says so: `answer` is its text.
        kAllowed,  ///< It was carried out, or answered otherwise.
        kUnknown   ///< No answer in time, or no connection.
    } outcome = Outcome::kUnknown;
    std::string answer;
    [[nodiscard]] bool good() const {
        return outcome == (expected_allowed ? Outcome::kAllowed : Outcome::kRefused);
    }
};
[[nodiscard]] const char* name_of(Tried::Outcome outcome);

/// The settings of nats.toml in `folder`, where the files lie now.
[[nodiscard]] Result<nats::NatsOptions> options_in(const std::string& folder);

/// Everything that attempts_of() lists, over one connection.
[[nodiscard]] std::vector<Tried> try_as(const nats::Member& member,
                                        const std::vector<PlatformId>& platforms,
                                        nats::NatsOptions options, Duration timeout,
                                        const Clock& clock);
/// Only whether the server lets it in; `expected` is what is to come of it.
[[nodiscard]] Tried try_to_connect(const std::string& user, bool expected,
                                   nats::NatsOptions options, Duration timeout, const Clock& clock);

}  // namespace syncline::ctl::security
