#include "agent/connectors/file/fixed.h"

#include <algorithm>

#include "agent/connectors/file/encoding.h"

namespace syncline::agent::file {
namespace {

constexpr std::int64_t kColumnMost = 1'000'000;

std::string_view without_blanks(std::string_view text, Trim trim) {
    constexpr std::string_view kBlanks = " \t";
    if (trim == Trim::kBoth || trim == Trim::kLeft) {
        text.remove_prefix(std::min(text.find_first_not_of(kBlanks), text.size()));
    }
    if (trim == Trim::kBoth || trim == Trim::kRight) {
        text = text.substr(0, text.find_last_not_of(kBlanks) + 1);
    }
    return text;
}

/// Takes `count` characters, or as many as there are, off `rest`.
std::string_view take_characters(std::string_view& rest, std::uint64_t count) {
    std::size_t end = 0;
    while (end < rest.size()) {
        const bool begins = (static_cast<unsigned char>(rest[end]) & 0xc0u) != 0x80u;
        if (begins && count-- == 0) break;
        ++end;
    }
    const std::string_view taken = rest.substr(0, end);
    rest.remove_prefix(end);
    return taken;
}

std::string range_text(const FixedColumn& column) {
    return "`" + column.name + "` (" + std::to_string(column.start) + " to " +
           std::to_string(column.end()) + ")";
}

}  // namespace

FixedLayout read_fixed_layout(TomlReader columns) {
    static constexpr TomlReader::Choice<Trim> kTrims[] = {{"both", Trim::kBoth},
                                                          {"left", Trim::kLeft},
                                                          {"right", Trim::kRight},
                                                          {"none", Trim::kNone}};
    FixedLayout layout;
    for (const std::string& name : columns.keys()) {
        TomlReader table = columns.table(name);
        FixedColumn column{.name = name};
        column.start = table.integer<std::uint64_t>("start", {1, kColumnMost});
        column.width = table.integer<std::uint64_t>("width", {1, kColumnMost});
        column.trim = table.choice("trim", kTrims, column.trim);
        if (column.start > 0 && column.width > 0) layout.columns.push_back(std::move(column));
    }
    std::ranges::stable_sort(layout.columns, {}, &FixedColumn::start);
    for (std::size_t i = 1; i < layout.columns.size(); ++i) {
        const FixedColumn& before = layout.columns[i - 1];
        if (layout.columns[i].start > before.end()) continue;
        columns.problem(layout.columns[i].name, "begins within " + range_text(before));
    }
    return layout;
}

FixedRow split_fixed(std::string_view text, const FixedLayout& layout) {
    FixedRow row;
    const std::uint64_t length = character_count(text);
    const std::uint64_t end = layout.columns.empty() ? 0 : layout.columns.back().end();
    if (length > end) {
        row.problem = "the line goes on behind its last column, " +
                      range_text(layout.columns.back()) + "; it has " + std::to_string(length) +
                      " characters";
        row.column = end + 1;
        return row;
    }
    std::string_view rest = text;
    std::uint64_t at = 1;
    for (const FixedColumn& column : layout.columns) {
        if (length < column.end() && !layout.short_lines) {
            row.values.clear();
            row.problem = "the line ends " +
                          std::string{length < column.start ? "before" : "within"} +
                          " the column " + range_text(column) + "; it has " +
                          std::to_string(length) + " of " + std::to_string(end) + " characters";
            row.column = length + 1;
            return row;
        }
        std::ignore = take_characters(rest, column.start - at);  // What no column names.
        const std::string_view value = take_characters(rest, column.width);
        row.values.emplace(column.name, Value{without_blanks(value, column.trim)});
        at = column.start + column.width;
    }
    return row;
}

}  // namespace syncline::agent::file
