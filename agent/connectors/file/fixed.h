#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "shared/base/toml_reader.h"
#include "shared/model/value.h"

namespace syncline::agent::file {

/// Which blanks around a value are none of it.
enum class Trim : std::uint8_t { kBoth, kLeft, kRight, kNone };

/// A column of lines of fixed width, counted in characters.
struct FixedColumn {
    std::string name;
    std::uint64_t start = 1;  ///< From 1.
    std::uint64_t width = 1;
    Trim trim = Trim::kBoth;
    [[nodiscard]] std::uint64_t end() const { return start + width - 1; }  ///< The last one.
};

/// How the lines of an object's files are cut.
struct FixedLayout {
    std::vector<FixedColumn> columns;  ///< By `start`; no two overlap.
    bool short_lines = false;          ///< A line may end early; what it lacks is empty.
};

/// `[objects.<name>.columns]`: `name = { start = 1, width = 8, trim = "both" }`. Problems are noted
/// there.
[[nodiscard]] FixedLayout read_fixed_layout(TomlReader columns);

/// A line's values by column, or what is wrong and in which character.
struct FixedRow {
    Value::Map values;
    std::string problem;       ///< Empty: nothing.
    std::uint64_t column = 0;  ///< From 1.
};
/// `text` is UTF-8. A problem: the line is shorter or longer than the columns.
[[nodiscard]] FixedRow split_fixed(std::string_view text, const FixedLayout& layout);

}  // namespace syncline::agent::file
