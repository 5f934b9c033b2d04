#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "hub/workflow/instance.h"
#include "shared/base/result.h"

/// MessagePack bodies of instances; the rules of shared/wire/codec.h hold.
namespace syncline::hub::workflow {

[[nodiscard]] std::string encode(const Instance& instance);
[[nodiscard]] Result<Instance> decode_instance(std::string_view body);

/// Of the body without the outbox.
[[nodiscard]] std::size_t encoded_bytes(const Instance& instance);

/// A log entry as it is kept by itself.
[[nodiscard]] std::string encode(const LogEntry& entry);
[[nodiscard]] Result<LogEntry> decode_log_entry(std::string_view body);

}  // namespace syncline::hub::workflow
