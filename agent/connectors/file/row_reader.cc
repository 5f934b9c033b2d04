#include "agent/connectors/file/row_reader.h"

#include <algorithm>
#include <set>

#include "shared/base/json.h"

namespace syncline::agent::file {
namespace {

constexpr std::size_t kRawMax = 16u << 10;
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

/// True if a quoted field is still open at the end of `text`. Quotes inside a field are doubled,
/// so that counting suffices.
bool open_quote(std::string_view text) { return std::ranges::count(text, '"') % 2 != 0; }

bool blank(std::string_view text) {
    return text.find_first_not_of(" \t") == std::string_view::npos;
}

}  // namespace

Result<std::vector<std::string>> split_csv(std::string_view text, char separator) {
    std::vector<std::string> fields(1);
    std::size_t i = 0;
    while (i < text.size()) {
        if (text[i] != '"') {
            while (i < text.size() && text[i] != separator) {
                if (text[i] == '"') {
                    return fail(ErrorKind::kInvalid, "has a quote inside an unquoted field");
                }
                fields.back() += text[i++];
            }
        } else {
            ++i;
            while (i < text.size()) {
                if (text[i] != '"') {
                    fields.back() += text[i++];
                } else if (i + 1 < text.size() && text[i + 1] == '"') {
                    fields.back() += '"';
                    i += 2;
                } else {
                    break;
                }
            }
            if (i == text.size())
                return fail(ErrorKind::kInvalid, "has a quote that is not closed");
            ++i;
            if (i < text.size() && text[i] != separator) {
                return fail(ErrorKind::kInvalid, "has text after a closing quote");
            }
        }
        if (i == text.size()) break;
        ++i;  // The separator: another field follows, even if it is empty.
        fields.emplace_back();
    }
    return fields;
}

Result<RowReader> RowReader::open(const std::filesystem::path& path, const Options& options) {
    auto lines = LineReader::open(path, options.line_max);
    if (!lines) return fail(lines.error());
    RowReader reader{std::move(*lines), options};
    if (auto done = reader.read_start(path.filename().string()); !done) return fail(done.error());
    reader.first_ = reader.place_;
    return reader;
}

Result<void> RowReader::read_start(const std::string& name) {
    const auto first = lines_.next();
    if (!first) return fail(first.error());
    const std::string_view text = *first ? std::string_view{(*first)->text} : std::string_view{};
    if (text.starts_with("\xff\xfe") || text.starts_with("\xfe\xff")) {
        return fail(ErrorKind::kInvalid, name + " is UTF-16; UTF-8 is taken");
    }
    const bool marked = text.starts_with(kByteOrderMark);
    if (marked && encoding() != Encoding::kUtf8) {
        return fail(
            ErrorKind::kInvalid,
            name + " begins with the mark of UTF-8, and `encoding` is " + name_of(encoding()));
    }
    place_.offset = marked ? kByteOrderMark.size() : 0;
    lines_.seek(place_.offset);
    return options_.format == Format::kCsv ? read_header(name) : Result<void>{};
}

Result<void> RowReader::read_header(const std::string& name) {
    const auto header = next_line();
    if (!header) return fail(header.error());
    const auto bad = [&](const std::string& why) {
        return fail(ErrorKind::kInvalid, name + ":1: the header " + why);
    };
    if (!*header || blank((*header)->text)) return bad("is missing");
    if ((*header)->too_long) return bad("is too long");
    const Decoded decoded = decode_text((*header)->text, encoding());
    if (!decoded.problem.empty()) return bad(decoded.problem);
    auto columns = split_csv(decoded.text, options_.separator);
    if (!columns) return bad(columns.error().what);
    std::set<std::string> seen;
    for (const std::string& column : *columns) {
        if (column.empty()) return bad("has a column without a name");
        if (!seen.insert(column).second) return bad("names the column `" + column + "` twice");
    }
    columns_ = std::move(*columns);
    return {};
}

void RowReader::seek(RowPlace place) {
    place_ = place.offset < first_.offset ? first_ : place;
    lines_.seek(place_.offset);
}

Result<std::optional<Line>> RowReader::next_line() {
    auto line = lines_.next();
    if (line && *line) {
        place_.offset = (*line)->end;
        ++place_.line;
    }
    return line;
}

/// The record that begins with `first`, over as many lines as its quotes span. `unclosed`: they
/// span to the end of the file or over the limit; then it is `first` alone, and reading goes on
/// behind it.
Result<std::string> RowReader::whole_record(const Line& first, bool& unclosed) {
    std::string text = first.text;
    const RowPlace behind_first = place_;
    while (open_quote(text)) {
        auto line = next_line();
        if (!line) return fail(line.error());
        unclosed =
            !*line || (*line)->too_long || text.size() + (*line)->text.size() >= options_.line_max;
        if (unclosed) {
            seek(behind_first);
            return first.text;
        }
        text += '\n' + (*line)->text;
    }
    return text;
}

void RowReader::parse_csv(std::string_view text, Row& row) const {
    const auto fields = split_csv(text, options_.separator);
    if (!fields) {
        row.problem = fields.error().what;
        return;
    }
    if (fields->size() != columns_.size()) {
        row.problem = "has " + std::to_string(fields->size()) + " fields, the header " +
                      std::to_string(columns_.size());
        return;
    }
    for (std::size_t i = 0; i < columns_.size(); ++i) {
        row.values.emplace(columns_[i], Value{(*fields)[i]});
    }
}

void RowReader::parse(std::string_view text, Row& row) const {
    Decoded decoded = decode_text(text, encoding());
    if (!decoded.problem.empty()) {
        row.problem = std::move(decoded.problem);
        // Of a record over several lines, or in quotes, a column says little.
        if (options_.format == Format::kFixed) row.column = decoded.column;
    } else if (options_.format == Format::kCsv) {
        parse_csv(decoded.text, row);
    } else if (options_.format == Format::kFixed) {
        FixedRow fixed = split_fixed(decoded.text, options_.layout);
        row.values = std::move(fixed.values);
        row.problem = std::move(fixed.problem);
        row.column = fixed.column;
    } else {
        const auto json = parse_json(text, {.bytes_max = options_.line_max});
        const auto* map = json ? json->get<Value::Map>() : nullptr;
        if (map != nullptr) row.values = *map;
        if (map == nullptr) row.problem = json ? "is no JSON object" : json.error().what;
    }
}

Result<std::optional<Row>> RowReader::next() {
    while (true) {
        auto line = next_line();
        if (!line) return fail(line.error());
        if (!*line) return std::nullopt;
        if (blank((*line)->text) && !(*line)->too_long) continue;
        Row row;
        row.line = place_.line;
        bool unclosed = false;
        std::string text = (*line)->text;
        if (options_.format == Format::kCsv && !(*line)->too_long) {
            auto whole = whole_record(**line, unclosed);
            if (!whole) return fail(whole.error());
            text = std::move(*whole);
        }
        row.raw = text.substr(0, kRawMax);
        if ((*line)->too_long) {
            row.problem = "is longer than " + std::to_string(options_.line_max) + " bytes";
        } else if (unclosed) {
            row.problem = "has a quote that is not closed";
        } else {
            parse(text, row);
        }
        return row;
    }
}

}  // namespace syncline::agent::file
