#pragma once

// One message of each kind, with something in every place that a message has.
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "shared/base/result.h"

namespace syncline::test {

struct Sample {
    std::string kind;  ///< Names its file.
    std::string body;  ///< As this build writes it.
    /// Reads a body and writes what it has read.
    std::function<Result<std::string>(std::string_view body)> again;
};

/// Those that agents and hubs say to each other,
[[nodiscard]] std::vector<Sample> spoken_samples();
/// those that hubs keep, and those of workflows.
[[nodiscard]] std::vector<Sample> kept_samples();
[[nodiscard]] std::vector<Sample> workflow_samples();

/// `encoder(value)` is how it is written, `decoder(body)` how it is read.
Sample sample_of(std::string kind, const auto& value, auto encoder, auto decoder) {
    return {std::move(kind), encoder(value),
            [encoder, decoder](std::string_view body) -> Result<std::string> {
                auto read = decoder(body);
                if (!read) return fail(read.error());
                return encoder(*read);
            }};
}

}  // namespace syncline::test
