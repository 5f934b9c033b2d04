#pragma once

#include <functional>

#include "shared/base/result.h"
#include "shared/model/list.h"

namespace syncline::agent {

/// Speaks to the platform about lists of reference data; see ListDoor.
///
/// Threading: as Executor: one thread, the agent's. A completion is called exactly once, on that
/// thread, never from within the call that asked for it, and never after the agent is gone.
class ListExecutor {
public:
    template <class T>
    using Done = std::function<void(Result<T>)>;

    virtual ~ListExecutor() = default;

    virtual void read(const ListName& list, Done<ListRows> done) = 0;
    virtual void replace(const ListName& list, ListRows rows, Done<void> done) = 0;
};

}  // namespace syncline::agent
