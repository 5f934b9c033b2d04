#pragma once

#include "agent/connectors/rest/door.h"

namespace syncline::agent::rest {

/// Questions: one request, and what its reply says.
class Asker {
public:
    /// `door` must outlive the asker.
    explicit Asker(Door& door) : door_(door) {}

    /// Connector::ask().
    Result<Value> ask(const std::string& name, const Fields& input, std::stop_token stop);

private:
    Door& door_;
};

}  // namespace syncline::agent::rest
