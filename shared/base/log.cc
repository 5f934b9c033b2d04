#include "shared/base/log.h"

#include <array>
#include <cstdlib>
#include <memory>
#include <utility>

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

namespace syncline::log {
namespace {

using Byte = unsigned char;

void append_hex(std::string& out, Byte byte) {
    constexpr char kDigits[] = "0123456789abcdef";
    out += kDigits[byte >> 4];
    out += kDigits[byte & 15];
}

/// Bytes of the UTF-8 sequence at the start of `text`; 0 if it is not well-formed.
std::size_t utf8_length(std::string_view text) {
    const auto lead = static_cast<Byte>(text[0]);
    if (lead < 0x80) return 1;
    const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
    if (lead < 0xC2 || lead > 0xF4 || text.size() < length) return 0;
    for (std::size_t i = 1; i < length; ++i) {
        if ((static_cast<Byte>(text[i]) & 0xC0) != 0x80) return 0;
    }
    const auto second = static_cast<Byte>(text[1]);
    const bool overlong = (lead == 0xE0 && second < 0xA0) || (lead == 0xF0 && second < 0x90);
    const bool outside = (lead == 0xED && second > 0x9F) || (lead == 0xF4 && second > 0x8F);
    return overlong || outside ? 0 : length;
}

/// Controls of the second block (U+0080 to U+009F) move a terminal's cursor as the first do, and
/// U+2028 and U+2029 end a line for some readers.
bool is_wide_control(std::string_view sequence) {
    const bool second_block = sequence[0] == '\xC2' && static_cast<Byte>(sequence[1]) < 0xA0;
    return second_block || sequence == "\xE2\x80\xA8" || sequence == "\xE2\x80\xA9";
}

enum class Style { kText, kJson };

void append_ascii(std::string& out, Byte byte, Style style) {
    if (byte == '\n') {
        out += "\\n";
    } else if (byte == '\t') {
        out += "\\t";
    } else if (byte == '\\' || byte == '"') {
        out += '\\';
        out += static_cast<char>(byte);
    } else if (byte < 0x20 || byte == 0x7F) {
        out += style == Style::kJson ? "\\u00" : "\\x";
        append_hex(out, byte);
    } else {
        out += static_cast<char>(byte);
    }
}

void append_bytes(std::string& out, std::string_view bytes, Style style) {
    for (const char c : bytes) {
        out += style == Style::kJson ? "\\\\x" : "\\x";
        append_hex(out, static_cast<Byte>(c));
    }
}

void append_escaped(std::string& out, std::string_view text, Style style) {
    while (!text.empty()) {
        const std::size_t length = utf8_length(text);
        const std::string_view part = text.substr(0, length == 0 ? 1 : length);
        if (length == 1) {
            append_ascii(out, static_cast<Byte>(part[0]), style);
        } else if (length == 0 || is_wide_control(part)) {
            append_bytes(out, part, style);
        } else {
            out += part;
        }
        text.remove_prefix(part.size());
    }
}

void append_quoted(std::string& out, std::string_view text, Style style) {
    out += '"';
    append_escaped(out, text, style);
    out += '"';
}

bool needs_quotes(std::string_view value) {
    return value.empty() || value.find_first_of(" \"\\=") != std::string_view::npos;
}

/// The logger and what it was told; made at the first use, replaced by start().
struct Output {
    std::shared_ptr<spdlog::logger> logger;
    Format format = Format::kText;
};

spdlog::level::level_enum level_of(Level level) {
    constexpr std::array kLevels{spdlog::level::debug, spdlog::level::info, spdlog::level::warn,
                                 spdlog::level::err};
    return kLevels[static_cast<std::size_t>(level)];
}

Output make_output(const Options& options) {
    Output made;
    made.format = options.format;
    if (made.format == Format::kAuto) {
        made.format = std::getenv("JOURNAL_STREAM") != nullptr ? Format::kJson : Format::kText;
    }
    const bool colour = made.format == Format::kText && ::isatty(STDERR_FILENO) == 1;
    const spdlog::sink_ptr sink =
        colour ? spdlog::sink_ptr{std::make_shared<spdlog::sinks::stderr_color_sink_mt>()}
               : spdlog::sink_ptr{std::make_shared<spdlog::sinks::stderr_sink_mt>()};
    made.logger = std::make_shared<spdlog::logger>("syncline", sink);
    constexpr auto kUtc = spdlog::pattern_time_type::utc;
    if (made.format == Format::kJson) {
        made.logger->set_pattern(R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l",%v})", kUtc);
    } else {
        made.logger->set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %^%-7l%$ %v", kUtc);
    }
    made.logger->set_level(level_of(options.level));
    return made;
}

Output& output() {
    static Output instance = make_output({.level = Level::kInfo, .format = Format::kText});
    return instance;
}

void write(spdlog::level::level_enum level, std::string_view text, Fields fields) {
    const Output& out = output();
    if (!out.logger->should_log(level)) return;
    const std::span<const Field> all{fields.begin(), fields.size()};
    const std::string line =
        out.format == Format::kJson ? render_json(text, all) : render_text(text, all);
    out.logger->log(level, spdlog::string_view_t{line.data(), line.size()});
}

}  // namespace

Result<Level> parse_level(std::string_view text) {
    if (text == "debug") return Level::kDebug;
    if (text == "info") return Level::kInfo;
    if (text == "warning") return Level::kWarning;
    if (text == "error") return Level::kError;
    return fail(ErrorKind::kInvalid,
                "'" + std::string{text} + "' is no log level; use debug, info, warning or error");
}

Result<Format> parse_format(std::string_view text) {
    if (text == "auto") return Format::kAuto;
    if (text == "text") return Format::kText;
    if (text == "json") return Format::kJson;
    return fail(ErrorKind::kInvalid,
                "'" + std::string{text} + "' is no log format; use auto, text or json");
}

void start(const Options& options) { output() = make_output(options); }
void set_level(Level level) { output().logger->set_level(level_of(level)); }

void debug(std::string_view text, Fields fields) { write(spdlog::level::debug, text, fields); }
void info(std::string_view text, Fields fields) { write(spdlog::level::info, text, fields); }
void warning(std::string_view text, Fields fields) { write(spdlog::level::warn, text, fields); }
void error(std::string_view text, Fields fields) { write(spdlog::level::err, text, fields); }

std::string render_text(std::string_view text, std::span<const Field> fields) {
    std::string out;
    append_escaped(out, text, Style::kText);
    for (const Field& field : fields) {
        out += ' ';
        out += field.name();
        out += '=';
        if (needs_quotes(field.text())) {
            append_quoted(out, field.text(), Style::kText);
        } else {
            append_escaped(out, field.text(), Style::kText);
        }
    }
    return out;
}

std::string render_json(std::string_view text, std::span<const Field> fields) {
    std::string out = "\"text\":";
    append_quoted(out, text, Style::kJson);
    for (const Field& field : fields) {
        out += ',';
        append_quoted(out, field.name(), Style::kJson);
        out += ':';
        if (field.number()) {
            out += field.text();
        } else {
            append_quoted(out, field.text(), Style::kJson);
        }
    }
    return out;
}

}  // namespace syncline::log
