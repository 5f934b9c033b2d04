#pragma once

#include <cstdint>

namespace syncline::nats {

/// What a NatsLink has done since it was made; plain numbers, so that counting costs nothing.
/// Programs copy them into their metrics when these are asked for.
struct LinkCounters {
    std::uint64_t connects = 0;
    std::uint64_t published = 0;          ///< Acknowledged by a stream.
    std::uint64_t conflicts = 0;          ///< Answered kConflict.
    std::uint64_t refused = 0;            ///< Answered anything else that is certain.
    std::uint64_t ambiguous = 0;          ///< Answered kAmbiguous.
    std::uint64_t late_answers = 0;       ///< Answers that came after kAmbiguous was told.
    std::uint64_t deliveries = 0;         ///< Stored messages handed out.
    std::uint64_t consumer_restarts = 0;  ///< Consumers made anew, first ones not counted.
};

}  // namespace syncline::nats
