#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "shared/base/result.h"

/// What a program tells the person who runs it: one line for each thing that happened, on
/// standard error. A constant text says what, fields carry the data; all of it is escaped, so
/// that data never starts a line, never colours a terminal and never forges a field.
/// Threading: every function from any thread. Before start() lines are plain text at level info.
namespace syncline::log {

enum class Level { kDebug, kInfo, kWarning, kError };

enum class Format {
    kAuto,  ///< kJson under systemd (JOURNAL_STREAM is set), else kText.
    kText,  ///< Coloured on a terminal, plain elsewhere.
    kJson,  ///< One JSON object a line.
};

struct Options {
    Level level = Level::kInfo;  ///< The least that is written.
    Format format = Format::kAuto;
};

/// One piece of data of a line. Numbers are written as numbers in JSON.
class Field {
public:
    Field(std::string_view name, std::string_view value) : name_(name), text_(value) {}
    Field(std::string_view name, const std::string& value) : name_(name), text_(value) {}
    Field(std::string_view name, const char* value) : name_(name), text_(value) {}
    template <class T>
    requires std::is_integral_v<T> Field(std::string_view name, T value)
        : name_(name), text_(std::to_string(value)), number_(true) {}
    Field(std::string_view name, const Error& error)
        : name_(name), text_(std::string{name_of(error.kind)} + ": " + error.what) {}

    [[nodiscard]] std::string_view name() const { return name_; }
    [[nodiscard]] std::string_view text() const { return text_; }
    [[nodiscard]] bool number() const { return number_; }

private:
    std::string_view name_;
    std::string text_;
    bool number_ = false;
};
using Fields = std::initializer_list<Field>;

/// "debug", "info", "warning" or "error". kInvalid: anything else; the text lists them.
[[nodiscard]] Result<Level> parse_level(std::string_view text);
/// "auto", "text" or "json". kInvalid: anything else; the text lists them.
[[nodiscard]] Result<Format> parse_format(std::string_view text);

/// Sets level and format for the whole process; call once, before other threads log.
void start(const Options& options);
/// The least that is written from now on. Any thread.
void set_level(Level level);

void debug(std::string_view text, Fields fields = {});
void info(std::string_view text, Fields fields = {});
void warning(std::string_view text, Fields fields = {});
void error(std::string_view text, Fields fields = {});

/// "text name=value": what start() writes after time and level in kText. Values with blanks or
/// quotes are quoted; control characters and invalid UTF-8 become \n, \t or \xNN.
[[nodiscard]] std::string render_text(std::string_view text, std::span<const Field> fields);
/// `"text":"...","name":"value"`: the members of a line in kJson after time and level.
[[nodiscard]] std::string render_json(std::string_view text, std::span<const Field> fields);

}  // namespace syncline::log
