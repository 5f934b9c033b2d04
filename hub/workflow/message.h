#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "hub/workflow/input.h"
#include "shared/base/result.h"

namespace syncline::hub::workflow {

/// An input as it is sent to its instance, through the stream of inputs.
struct Message {
    std::string instance;
    /// Who wants to hear what it comes to, by a name of his own choice (subjects::told()); empty:
    /// nobody.
    std::string asker;
    Input input;  ///< Without `at`: time is told by whoever decides it.
    /// Of a Start that could not be made, why; it is shown instead.
    std::string fault = {};
};
[[nodiscard]] std::string encode(const Message& message);
/// kInvalid, kTooLarge: as every decoder.
[[nodiscard]] Result<Message> decode_message(std::string_view body);

/// What whoever sent a message is told, without store.
[[nodiscard]] std::string encode(const Told& told);
[[nodiscard]] Result<Told> decode_told(std::string_view body);

/// How an approval stands, as it is kept.
[[nodiscard]] std::string encode(const ApprovalNews& news);
[[nodiscard]] Result<ApprovalNews> decode_approval(std::string_view body);

/// Where the state of the instance lives and its inputs go.
[[nodiscard]] Partition home_of(std::string_view instance, std::uint16_t partitions);
/// What its log entries and exceptions are filed under.
[[nodiscard]] EntityKey entity_of(std::string_view instance);
inline constexpr std::string_view kInstanceObject = "_workflow";

/// What an agent tells, as it concerns the instance.
[[nodiscard]] Message message_of(const OperationResult& result);

/// Of a key `workflow/instance/step`.
[[nodiscard]] std::string workflow_of(std::string_view key);
[[nodiscard]] std::string instance_of(std::string_view key);
[[nodiscard]] std::string step_of(std::string_view key);
/// Of `key#attempt`.
[[nodiscard]] std::pair<std::string, std::uint32_t> split_attempt(std::string_view text);

}  // namespace syncline::hub::workflow
