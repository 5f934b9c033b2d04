#pragma once

#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "shared/base/result.h"
#include "shared/model/value.h"

/// What synclinectl tells: text for people, or one JSON envelope for programs.
namespace syncline::ctl {

/// What the program exits with; told in --help and README.md.
enum class Exit : int {
    kFine = 0,
    kFindings = 1,     ///< Something is wrong with what was looked at.
    kUsage = 2,        ///< The command line or a file that it names is wrong.
    kUnreachable = 3,  ///< NATS cannot be used.
    kNotFound = 4,
    kRefused = 5,  ///< What was asked for is not done, on purpose.
};

enum class Level : std::uint8_t { kInfo, kWarning, kError };
[[nodiscard]] const char* name_of(Level level);  ///< "info", "warning", "error".

/// Something worth telling about what was looked at. Codes are stable: `status.partition_unheld`.
struct Finding {
    Level level = Level::kWarning;
    std::string code;
    std::string message;
    std::string hint;   ///< What to do about it; may be empty.
    std::string where;  ///< File place, subject, hub or platform; may be empty.
};

enum class Style : std::uint8_t { kPlain, kBold, kDim, kGreen, kYellow, kRed, kCyan };

/// A piece of a line. The text is data: it is made printable when it is written.
struct Cell {
    std::string text;
    Style style = Style::kPlain;
    enum class Align : std::uint8_t { kLeft, kRight } align = Align::kLeft;

    Cell() = default;
    Cell(std::string value) : text(std::move(value)) {}  // NOLINT
    Cell(const char* value) : text(value) {}             // NOLINT
    Cell(std::string value, Style look) : text(std::move(value)), style(look) {}
};
/// A number, flushed right.
[[nodiscard]] Cell number_cell(std::uint64_t value);
/// Right-aligned text.
[[nodiscard]] Cell right_cell(std::string text);

struct Table {
    std::vector<std::string> header;
    std::vector<std::vector<Cell>> rows;
    std::size_t column_most = 60;  ///< Longer texts are clipped to this; 0: never.
};
enum class Colour : std::uint8_t { kNever, kAlways };
/// Aligned by display width, two blanks between columns, no blanks at line ends.
[[nodiscard]] std::vector<std::string> render(const Table& table, Colour colour);
[[nodiscard]] std::string styled(std::string_view text, Style style, Colour colour);

/// Collects what a command tells. In text mode lines go to `out` at once and are followed by the
/// findings and the error; in JSON mode all there is is one envelope at the end.
class Output {
public:
    struct Options {
        bool json = false;
        Colour colour = Colour::kNever;
        bool terminal = false;  ///< Else no text is clipped: another program reads it.
    };
    /// Without files nothing is written: who made it takes data and findings.
    Output(std::FILE* out, std::FILE* err, Options options)
        : out_(out), err_(err), options_(options) {}

    // For people; ignored in JSON mode.
    void line(std::string_view text = {}, Style style = Style::kPlain);
    void line(const std::vector<Cell>& cells);  ///< With nothing between them.
    void heading(std::string_view text);
    void table(const Table& table);
    /// Text that was rendered already (a hex dump): written as it is.
    void clear_screen();

    void set(std::string key, Value value) {
        data_.insert_or_assign(std::move(key), std::move(value));
    }
    void add(Finding finding) { findings_.push_back(std::move(finding)); }
    [[nodiscard]] const std::vector<Finding>& findings() const { return findings_; }
    [[nodiscard]] bool has(Level level) const;
    void in_all(const auto& change) {
        for (Finding& finding : findings_) change(finding);
    }

    [[nodiscard]] bool json() const { return options_.json; }
    [[nodiscard]] Colour colour() const { return options_.colour; }
    /// One JSON value on a line of its own, for what has no end (`tap`).
    void json_line(const Value& value);

    /// What was set, as JSON can carry it.
    [[nodiscard]] Value::Map take_data();
    /// Writes what is left and forgets it, so that a watching command can go on.
    void finish(std::string_view command, Exit exit, const Error* error);
    void flush() {
        if (out_ != nullptr) std::fflush(out_);
    }
    /// Nobody reads any more.
    [[nodiscard]] bool broken() const { return out_ != nullptr && std::ferror(out_) != 0; }

private:
    void write(std::FILE* file, std::string_view text);
    void write_findings();

    std::FILE* out_;
    std::FILE* err_;
    Options options_;
    Value::Map data_;
    std::vector<Finding> findings_;
};

/// The exit code that an error means once NATS was reached.
[[nodiscard]] Exit exit_of(ErrorKind kind);
/// {"command", "ok", "data", "findings", "error"?}.
[[nodiscard]] Value envelope(std::string_view command, Exit exit, Value::Map data,
                             const std::vector<Finding>& findings, const Error* error);
[[nodiscard]] Value value_of(const std::vector<Finding>& findings);
[[nodiscard]] inline Value number(std::uint64_t value) {
    return Value{static_cast<std::int64_t>(value)};
}
/// Text for JSON: as it is if it is UTF-8, else made printable.
[[nodiscard]] Value text_value(std::string_view text);

}  // namespace syncline::ctl
