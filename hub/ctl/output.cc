#include "hub/ctl/output.h"

#include <algorithm>
#include <utility>

#include "hub/ctl/text.h"
#include "shared/base/json.h"
#include "shared/base/utf8.h"

namespace syncline::ctl {
namespace {

const char* code_of(Style style) {
    switch (style) {
        case Style::kPlain: return "";
        case Style::kBold: return "\x1b[1m";
        case Style::kDim: return "\x1b[2m";
        case Style::kGreen: return "\x1b[32m";
        case Style::kYellow: return "\x1b[33m";
        case Style::kRed: return "\x1b[31m";
        case Style::kCyan: return "\x1b[36m";
    }
    return "";
}

Style level_style(Level level) {
    switch (level) {
        case Level::kError: return Style::kRed;
        case Level::kWarning: return Style::kYellow;
        case Level::kInfo: break;
    }
    return Style::kCyan;
}

std::string shown(const Cell& cell, std::size_t most) {
    std::string text = printable(cell.text);
    return most == 0 ? text : clipped(text, most);
}

/// Strings as JSON can carry them, through lists and maps.
Value json_safe(const Value& value) {
    if (const auto* text = value.get<std::string>()) return text_value(*text);
    if (const auto* list = value.get<Value::List>()) {
        Value::List out;
        for (const Value& item : *list) out.push_back(json_safe(item));
        return out;
    }
    if (const auto* map = value.get<Value::Map>()) {
        Value::Map out;
        for (const auto& [key, item] : *map) out.insert_or_assign(printable(key), json_safe(item));
        return out;
    }
    return value;
}

}  // namespace

const char* name_of(Level level) {
    switch (level) {
        case Level::kInfo: return "info";
        case Level::kWarning: return "warning";
        case Level::kError: return "error";
    }
    return "?";
}

Cell number_cell(std::uint64_t value) { return right_cell(std::to_string(value)); }

Cell right_cell(std::string text) {
    Cell cell{std::move(text)};
    cell.align = Cell::Align::kRight;
    return cell;
}

Value text_value(std::string_view text) {
    const bool fine = find_invalid_utf8(text) == std::string_view::npos;
    return fine ? Value{text} : Value{printable(text)};
}

std::string styled(std::string_view text, Style style, Colour colour) {
    if (colour == Colour::kNever || style == Style::kPlain || text.empty()) {
        return std::string{text};
    }
    return code_of(style) + std::string{text} + "\x1b[0m";
}

std::vector<std::string> render(const Table& table, Colour colour) {
    std::vector<std::vector<Cell>> rows;
    std::vector<Cell> head;
    for (const std::string& name : table.header) head.emplace_back(name, Style::kBold);
    if (!head.empty()) rows.push_back(std::move(head));
    rows.insert(rows.end(), table.rows.begin(), table.rows.end());
    std::vector<std::size_t> widths;
    for (auto& row : rows) {
        widths.resize(std::max(widths.size(), row.size()), 0);
        for (std::size_t i = 0; i < row.size(); ++i) {
            row[i].text = shown(row[i], table.column_most);
            widths[i] = std::max(widths[i], display_width(row[i].text));
        }
    }
    // A heading stands over its numbers.
    if (!table.header.empty() && rows.size() > 1) {
        for (std::size_t i = 0; i < std::min(rows[0].size(), rows[1].size()); ++i) {
            rows[0][i].align = rows[1][i].align;
        }
    }
    std::vector<std::string> lines;
    for (const auto& row : rows) {
        std::string line;
        std::size_t blanks = 0;  // Written only before the next text, never at the end.
        for (std::size_t i = 0; i < row.size(); ++i) {
            const std::size_t pad = widths[i] - display_width(row[i].text);
            const bool right = row[i].align == Cell::Align::kRight;
            if (right) blanks += pad;
            if (!row[i].text.empty()) {
                line.append(blanks, ' ');
                line += styled(row[i].text, row[i].style, colour);
                blanks = 0;
            }
            blanks += (right ? 0 : pad) + 2;
        }
        lines.push_back(std::move(line));
    }
    return lines;
}

void Output::write(std::FILE* file, std::string_view text) {
    if (file != nullptr) std::fwrite(text.data(), 1, text.size(), file);
}

void Output::line(std::string_view text, Style style) {
    if (options_.json) return;
    write(out_, styled(printable(text), style, options_.colour) + "\n");
}

void Output::line(const std::vector<Cell>& cells) {
    if (options_.json) return;
    std::string text;
    for (const Cell& cell : cells)
        text += styled(printable(cell.text), cell.style, options_.colour);
    write(out_, text + "\n");
}

void Output::heading(std::string_view text) {
    line();
    line(text, Style::kBold);
}

void Output::table(const Table& table) {
    if (options_.json) return;
    Table shown_table = table;
    if (!options_.terminal) shown_table.column_most = 0;
    for (const std::string& text : render(shown_table, options_.colour)) write(out_, text + "\n");
}

void Output::clear_screen() {
    if (!options_.json && options_.colour == Colour::kAlways) write(out_, "\x1b[H\x1b[2J");
}

bool Output::has(Level level) const {
    return std::ranges::any_of(findings_, [&](const Finding& f) { return f.level == level; });
}

void Output::json_line(const Value& value) { write(out_, to_json(json_safe(value)) + "\n"); }

void Output::write_findings() {
    if (!findings_.empty()) line();
    for (const Finding& finding : findings_) {
        std::vector<Cell> cells;
        if (!finding.where.empty()) cells.emplace_back(finding.where + ": ", Style::kBold);
        cells.emplace_back(std::string{name_of(finding.level)} + ": ", level_style(finding.level));
        cells.emplace_back(finding.message);
        if (!finding.code.empty()) cells.emplace_back(" [" + finding.code + "]", Style::kDim);
        line(cells);
        if (!finding.hint.empty()) line("    " + finding.hint, Style::kCyan);
    }
}

Value::Map Output::take_data() {
    const Value safe = json_safe(Value{std::exchange(data_, {})});
    return *safe.get<Value::Map>();
}

void Output::finish(std::string_view command, Exit exit, const Error* error) {
    if (options_.json) {
        json_line(envelope(command, exit, std::move(data_), findings_, error));
    } else {
        write_findings();
        flush();
        if (error != nullptr) {
            write(err_, styled("synclinectl: ", Style::kRed, options_.colour) +
                            printable(error->what) + "\n");
        }
    }
    flush();
    data_.clear();
    findings_.clear();
}

Exit exit_of(ErrorKind kind) {
    switch (kind) {
        case ErrorKind::kInvalid:
        case ErrorKind::kUnsupported: return Exit::kUsage;
        case ErrorKind::kNotFound: return Exit::kNotFound;
        case ErrorKind::kUnavailable:
        case ErrorKind::kAmbiguous:
        case ErrorKind::kThrottled: return Exit::kUnreachable;
        case ErrorKind::kConflict:
        case ErrorKind::kDenied:
        case ErrorKind::kFull:
        case ErrorKind::kTooLarge: return Exit::kRefused;
        case ErrorKind::kCorrupt:
        case ErrorKind::kInternal: return Exit::kFindings;
    }
    return Exit::kFindings;
}

Value value_of(const std::vector<Finding>& findings) {
    Value::List list;
    for (const Finding& finding : findings) {
        Value::Map one;
        one.emplace("severity", name_of(finding.level));
        one.emplace("code", finding.code);
        one.emplace("message", text_value(finding.message));
        one.emplace("hint", text_value(finding.hint));
        one.emplace("where", text_value(finding.where));
        list.emplace_back(std::move(one));
    }
    return list;
}

Value envelope(std::string_view command, Exit exit, Value::Map data,
               const std::vector<Finding>& findings, const Error* error) {
    Value::Map out;
    out.emplace("command", command);
    out.emplace("ok", exit == Exit::kFine);
    out.emplace("data", std::move(data));
    out.emplace("findings", value_of(findings));
    if (error != nullptr) {
        Value::Map told;
        told.emplace("kind", syncline::name_of(error->kind));
        told.emplace("message", error->what);
        out.emplace("error", std::move(told));
    }
    return out;
}

}  // namespace syncline::ctl
