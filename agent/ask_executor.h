#pragma once

#include <string>

#include "agent/executor.h"

namespace syncline::agent {

/// Puts questions to the platform, beside all else that is done there; see Connector::ask().
/// Threading: as Executor.
class AskExecutor {
public:
    virtual ~AskExecutor() = default;

    virtual void ask(const std::string& name, const Fields& input, Executor::Done<Value> done) = 0;
};

}  // namespace syncline::agent
