#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "shared/base/timestamp.h"
#include "shared/model/change.h"
#include "shared/model/ids.h"
#include "shared/model/value.h"

/// Operations of workflows at a platform: what a hub asks of an agent, and what became of it.
namespace syncline {

/// Why somebody did not do what he was asked for.
enum class ErrorClass : std::uint8_t {
    kPermanent,    ///< It will be refused again: the request itself is wrong.
    kNotFound,     ///< What it is about is not there.
    kDenied,       ///< It is not allowed.
    kUnavailable,  ///< Not now: worth a try later.
    kTimeout,      ///< No answer came in time.
};
[[nodiscard]] const char* name_of(ErrorClass error);  ///< "permanent", "not_found", ...
/// Is the same request worth another try by itself?
[[nodiscard]] bool is_passing(ErrorClass error);

/// "Do this once." Unlike a Command it is not merged with others, and doing it twice is not
/// harmless: `key` is the same in all attempts and repetitions of one operation, and nowhere else.
struct OperationCall {
    PlatformId platform;
    std::string operation;  ///< As the agent's configuration names it: `create_fulfilment`.
    std::string key;        ///< `workflow/instance/step`; at most 250 bytes.
    /// From 1 on. A later attempt is asked for when the one before is known to have had no effect.
    std::uint32_t attempt = 1;
    Partition partition;  ///< The instance's home; the result goes there.
    Fields input;
    bool undoes = false;   ///< It compensates an earlier one.
    Timestamp decided_at;  ///< Not later than this, by the broker's clock.
    std::string trace;     ///< W3C traceparent, may be empty.
    /// It may have been asked for before: whoever knows nothing of it may have forgotten.
    bool again = false;
    friend bool operator==(const OperationCall&, const OperationCall&) = default;
};

/// What became of an OperationCall, told by the agent. Numbered like a change.
struct OperationResult {
    enum class What : std::uint8_t {
        kApplied = 0,
        kRefused = 1,  ///< It had no effect; `error` says why.
        kInDoubt = 2,  ///< It may have had its effect, and the agent cannot find out.
    };
    PlatformId platform;
    std::string key;            ///< Of the call,
    std::uint32_t attempt = 1;  ///< and which one of it.
    Numbering number;
    What what = What::kApplied;
    ErrorClass error = ErrorClass::kPermanent;  ///< Of kRefused.
    Fields fields;                              ///< What came back.
    std::string text;  ///< For a person; secrets removed. Empty if applied.
    Timestamp done_at;
    std::string trace;
    friend bool operator==(const OperationResult&, const OperationResult&) = default;
};

/// Of a key `workflow/instance/step`.
[[nodiscard]] std::string_view instance_of(std::string_view key);
/// The home of an instance of a workflow.
[[nodiscard]] Partition instance_partition(std::string_view instance, std::uint16_t partitions);

}  // namespace syncline
