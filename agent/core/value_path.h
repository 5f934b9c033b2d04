#pragma once

#include <string>
#include <string_view>

#include "shared/base/result.h"
#include "shared/model/value.h"

namespace syncline::agent {

/// What stands at a dotted path: `Account.Name` steps into maps, `0.errorCode` into lists, and
/// `name=Severity.values` to the first map of a list whose `name` is `Severity`. A key
/// that itself holds dots (ServiceNow's `caller_id.name`) is found before its first part is.
/// nullptr: nothing there. A null on the way is what is found. The empty path is the value itself.
[[nodiscard]] const Value* at_path(const Value& value, std::string_view path);

/// The same from a map, for a path that is not empty.
[[nodiscard]] const Value* at_path(const Value::Map& map, std::string_view path);

/// Puts `value` at `path`, making the maps on the way. kInvalid: something that is no map is in
/// the way, or the place is taken.
[[nodiscard]] Result<void> set_path(Value::Map& map, std::string_view path, Value value);

/// A scalar as the text a platform would show: text as it is, numbers exactly, true and false,
/// times as RFC 3339. Null is empty. kInvalid: a list or a map.
[[nodiscard]] Result<std::string> scalar_text(const Value& value);
/// The text of what is at `path`; empty if there is nothing, or nothing that is a scalar, or no
/// path.
[[nodiscard]] std::string text_at(const Value& value, std::string_view path);

}  // namespace syncline::agent
