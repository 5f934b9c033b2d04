#pragma once

#include <string>
#include <string_view>

#include "shared/base/result.h"
#include "shared/model/operation_call.h"

/// As codec.h, for operations of workflows.
namespace syncline::wire {

[[nodiscard]] std::string encode(const OperationCall& call);
[[nodiscard]] Result<OperationCall> decode_operation_call(std::string_view body);
[[nodiscard]] std::string encode(const OperationResult& result);
[[nodiscard]] Result<OperationResult> decode_operation_result(std::string_view body);

}  // namespace syncline::wire
