#pragma once

#include <string>
#include <vector>

#include "shared/base/result.h"
#include "shared/model/value.h"

namespace syncline::ctl {

/// `FIELD=VALUE` words, each JSON where it is that and else text, on top of `json`, an object that
/// may be empty. kInvalid: a word without name, or no object; the text says which.
[[nodiscard]] Result<Value::Map> field_values(const std::vector<std::string>& words,
                                              const std::string& json);

}  // namespace syncline::ctl
