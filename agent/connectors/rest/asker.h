#pragma once

#include "agent/connectors/connector.h"
#include "agent/connectors/rest/door.h"

namespace syncline::agent::rest {

/// Questions and operations: one request, and what its reply says.
class Asker {
public:
    /// `door` must outlive the asker.
    explicit Asker(Door& door) : door_(door) {}

    /// Connector::ask().
    Result<Value> ask(const std::string& name, const Fields& input, std::stop_token stop);
    /// Connector::operate(), find_operation().
    Result<Value> operate(const OperationRequest& request, std::stop_token stop);
    Result<std::optional<Value>> find_operation(const OperationRequest& request,
                                                std::stop_token stop);

private:
    Result<const OperationSpec*> spec_of(const std::string& operation) const;
    Result<std::optional<Value>> put(const AskSpec& spec, const Variables& variables, Intent intent,
                                     std::stop_token stop);

    Door& door_;
};

}  // namespace syncline::agent::rest
