#pragma once

#include <optional>

#include "agent/executor.h"

namespace syncline::agent {

/// Carries out operations of workflows, beside all else that is done at the platform; see
/// Connector::operate() and find_operation(). Threading: as Executor.
class OperationExecutor {
public:
    virtual ~OperationExecutor() = default;

    virtual void operate(const OperationRequest& request, Executor::Done<Value> done) = 0;
    virtual void find_operation(const OperationRequest& request,
                                Executor::Done<std::optional<Value>> done) = 0;
};

}  // namespace syncline::agent
