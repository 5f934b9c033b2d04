#pragma once

#include <functional>
#include <memory>
#include <stop_token>

#include "shared/base/result.h"
#include "shared/model/list.h"

namespace syncline::agent {

/// A platform's door for lists of reference data: each is read, and replaced, as a whole. Errors as
/// those of a Connector; retry and back-off are the agent's.
/// Threading: an object is used by one thread at a time. No call may ignore `stop` for more than a
/// second.
class ListDoor {
public:
    virtual ~ListDoor() = default;

    /// All rows, in no order. Anything that is not perfect (a row that cannot be mapped, a file
    /// that changes meanwhile) is an error: of half a list nothing is known.
    virtual Result<ListRows> read(const ListName& list, std::stop_token stop) = 0;

    /// Makes the platform hold these rows and no others. Whoever reads there meanwhile sees the
    /// former rows or these, never some of both. Repeating it is harmless. After any error the
    /// platform holds the former rows or, if it could not be heard any more, these.
    virtual Result<void> replace(const ListName& list, const ListRows& rows,
                                 std::stop_token stop) = 0;
};

/// Makes a door; touches no network. Call from one thread.
using ListDoorFactory = std::function<Result<std::unique_ptr<ListDoor>>()>;

}  // namespace syncline::agent
