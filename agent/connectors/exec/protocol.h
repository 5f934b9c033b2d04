#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/connectors/connector.h"
#include "agent/connectors/exec/settings.h"
#include "shared/base/result.h"
#include "shared/model/value.h"

/// The lines that go to and fro; README.md here has the protocol. Pure. What is not as the
/// protocol says is kInvalid, with what was received (cut, escaped) and what belongs there.
namespace syncline::agent::exec {

inline constexpr std::int64_t kProtocol = 1;
inline constexpr std::size_t kCursorBytesMax = 16u << 10;
inline constexpr std::size_t kRawBytesMax = 16u << 10;

/// One request as a line, with its line end. `members` beside `id` and `call`.
[[nodiscard]] std::string encode_request(std::uint64_t id, std::string_view call,
                                         Value::Map members);

/// What the program says went wrong.
struct Complaint {
    Error error;  ///< Of a kind that the class stands for.
    std::optional<Duration> pause;
};
/// An answer is either of the two.
struct Answer {
    Value::Map result;
    std::optional<Complaint> complaint;
};
/// The answer to request `id`; `line` has no line end.
[[nodiscard]] Result<Answer> decode_answer(std::string_view line, std::uint64_t id);

/// The result of `hello`.
[[nodiscard]] Result<Capabilities> decode_hello(const Value::Map& result);
/// The names of those that are set, as they stand in a list.
[[nodiscard]] std::string to_text(const Capabilities& capabilities);
/// Sets the one of that name; false: there is none.
bool set_capability(Capabilities& capabilities, std::string_view name);

/// The result of `read`.
struct Page {
    std::vector<Value::Map> records;
    std::vector<std::string> deleted;    ///< Ids; gone after the records were as they are told.
    std::vector<Batch::Reject> rejects;  ///< Without object.
    std::string next;
    bool more = false;
};
[[nodiscard]] Result<Page> decode_page(const Value::Map& result);

/// The result of `fetch` and `find`: `record`, which may be null.
[[nodiscard]] Result<std::optional<Value::Map>> decode_record(const Value::Map& result);

/// The result of `create`, `update` and `delete`.
struct Effect {
    std::optional<Value::Map> record;
    bool existed = false;
};
[[nodiscard]] Result<Effect> decode_effect(const Value::Map& result);

/// The result of `ask`, `operate` and `find_operation`: `output`, which may be null.
[[nodiscard]] Result<std::optional<Value::Map>> decode_output(const Value::Map& result);

/// A line for a message: escaped, in quotes, cut to `bytes_max`.
[[nodiscard]] std::string shown(std::string_view line, std::size_t bytes_max = 120);

}  // namespace syncline::agent::exec
