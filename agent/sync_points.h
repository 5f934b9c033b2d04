#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <tuple>

namespace syncline::agent {

/// The steps between which an agent may be killed (facts/reliability.md, F1 and F2).
inline constexpr std::array<std::string_view, 20> kSyncPoints{
    "A1",  ///< Source read.
    "A2",  ///< Entry appended to the spool.
    "A3",  ///< Transaction committed.
    "A4",  ///< Cursor saved (in the transaction of A3).
    "A5",  ///< Entry published.
    "A6",  ///< Broker's acknowledgement taken.
    "A7",  ///< Receipt saved.
    "A8",  ///< Entries trimmed.
    "C1",  ///< Command received.
    "C2",  ///< Intent journalled.
    "C3",  ///< Write sent.
    "C4",  ///< Its response taken.
    "C5",  ///< Outcome journalled.
    "C6",  ///< Outcome published.
    "C7",  ///< Position in the command stream advanced.
    "O1",  ///< Operation of a workflow accepted.
    "O2",  ///< Its intent journalled.
    "O3",  ///< It is sent.
    "O4",  ///< Its response taken.
    "O5",  ///< Its result journalled and appended to the spool.
};

/// Called before and after each of them. Production does nothing here; a test or the simulator ends
/// the agent, by a signal or by an exception of its own, which no code of the agent catches.
class SyncPoints {
public:
    enum class Moment : std::uint8_t { kBefore, kAfter };
    virtual ~SyncPoints() = default;
    virtual void reached(std::string_view point, Moment moment) {
        std::ignore = point;
        std::ignore = moment;
    }
};

}  // namespace syncline::agent
