#pragma once

#include <string>
#include <string_view>

#include "hub/core/mark.h"
#include "hub/core/step.h"
#include "shared/base/result.h"

/// MessagePack bodies of what the hub keeps in JetStream; the rules of shared/wire/codec.h hold.
namespace syncline::hub {

[[nodiscard]] std::string encode(const EntityState& state);
[[nodiscard]] std::string encode(const Mark& mark);
[[nodiscard]] std::string encode(const LogEntry& entry);
[[nodiscard]] std::string encode(const ExceptionRecord& exception);
[[nodiscard]] std::string encode(const Operation& operation);

[[nodiscard]] Result<EntityState> decode_entity(std::string_view body);
[[nodiscard]] Result<Mark> decode_mark(std::string_view body);
[[nodiscard]] Result<LogEntry> decode_log_entry(std::string_view body);
[[nodiscard]] Result<ExceptionRecord> decode_exception(std::string_view body);
[[nodiscard]] Result<Operation> decode_operation(std::string_view body);

}  // namespace syncline::hub
