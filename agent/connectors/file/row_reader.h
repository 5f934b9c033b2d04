#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/connectors/file/encoding.h"
#include "agent/connectors/file/fixed.h"
#include "agent/connectors/file/line_reader.h"
#include "shared/base/result.h"
#include "shared/model/value.h"

namespace syncline::agent::file {

enum class Format : std::uint8_t { kJsonl, kCsv, kFixed };

/// One record of a file, or why there is none.
struct Row {
    Value::Map values;
    std::uint64_t line = 0;    ///< Its first line, from 1.
    std::uint64_t column = 0;  ///< Of the problem, in characters from 1; 0: of no single one.
    std::string raw;           ///< As it stood there, cut at 16 KiB.
    std::string problem;       ///< Not empty: there are no values.
};

/// A place between two rows.
struct RowPlace {
    std::uint64_t offset = 0;  ///< 0: the beginning of the file.
    std::uint64_t line = 0;    ///< Lines before it.
};

/// The rows of a file: JSONL, CSV (RFC 4180, first row names the columns), or lines of fixed width.
/// A UTF-8 byte order mark is skipped. A bad row is told as such and the next one follows; a quote
/// that is never closed costs its line only.
class RowReader {
public:
    struct Options {
        Format format = Format::kJsonl;
        char separator = ',';
        std::size_t line_max = 1u << 20;
        Encoding encoding = Encoding::kUtf8;  ///< Not of JSONL.
        FixedLayout layout;                   ///< Of kFixed.
    };

    /// kInvalid: the file as a whole cannot be read as one, e.g. a header that names a column
    /// twice. kDenied, kNotFound, kUnavailable: see LineReader.
    static Result<RowReader> open(const std::filesystem::path& path, const Options& options);

    void seek(RowPlace place);
    [[nodiscard]] RowPlace place() const { return place_; }
    /// The next row; nullopt at the end. kUnavailable: it cannot be read.
    Result<std::optional<Row>> next();

    /// Names of a CSV file's columns; empty for the others.
    [[nodiscard]] const std::vector<std::string>& columns() const { return columns_; }
    [[nodiscard]] const std::string& identity() const { return lines_.identity(); }
    [[nodiscard]] std::uint64_t size() const { return lines_.size(); }

private:
    RowReader(LineReader lines, const Options& options)
        : lines_(std::move(lines)), options_(options) {}
    Result<void> read_start(const std::string& name);
    Result<void> read_header(const std::string& name);
    Result<std::optional<Line>> next_line();
    Result<std::string> whole_record(const Line& first, bool& unclosed);
    void parse(std::string_view text, Row& row) const;
    void parse_csv(std::string_view text, Row& row) const;
    [[nodiscard]] Encoding encoding() const {
        return options_.format == Format::kJsonl ? Encoding::kUtf8 : options_.encoding;
    }

    LineReader lines_;
    Options options_;
    std::vector<std::string> columns_;
    RowPlace first_;  ///< Behind byte order mark and header.
    RowPlace place_;
};

/// Splits one CSV record; kInvalid: quotes where there may be none.
[[nodiscard]] Result<std::vector<std::string>> split_csv(std::string_view text, char separator);

}  // namespace syncline::agent::file
