#include "agent/connectors/postgres/cursor.h"

#include <charconv>

namespace syncline::agent::postgres {
namespace {

/// Takes the text up to the next blank off `rest`.
std::string_view next_word(std::string_view& rest) {
    const std::size_t blank = rest.find(' ');
    const std::string_view word = rest.substr(0, blank);
    rest = blank == std::string_view::npos ? std::string_view{} : rest.substr(blank + 1);
    return word;
}

Result<Position> parse_stream(Position position, std::string_view rest) {
    const std::string_view count = next_word(rest);
    const char* end = count.data() + count.size();
    const auto done = std::from_chars(count.data(), end, position.records);
    if (done.ec != std::errc{} || done.ptr != end) {
        return fail(ErrorKind::kInvalid, "no count of records");
    }
    const Result<Lsn> fresh = parse_lsn(rest);
    if (!fresh) return fail(fresh.error());
    position.fresh_until = *fresh;
    return position;
}

Result<Position> parse(std::string_view rest) {
    Position position;
    const std::string_view phase = next_word(rest);
    const Result<Lsn> lsn = parse_lsn(next_word(rest));
    if (!lsn) return fail(lsn.error());
    position.lsn = *lsn;
    if (phase == "stream") {
        position.phase = Position::Phase::kStream;
        return parse_stream(std::move(position), rest);
    }
    if (phase != "copy" && phase != "full") return fail(ErrorKind::kInvalid, "no known phase");
    position.phase = phase == "copy" ? Position::Phase::kCopy : Position::Phase::kFull;
    const bool has_key = rest.find(' ') != std::string_view::npos;
    position.object = ObjectName{next_word(rest)};
    if (has_key) position.key = std::string{rest};
    return position;
}

}  // namespace

Cursor to_cursor(const Position& position) {
    switch (position.phase) {
        case Position::Phase::kStart: return {};
        case Position::Phase::kStream:
            return {"stream " + to_string(position.lsn) + " " + std::to_string(position.records) +
                    " " + to_string(position.fresh_until)};
        case Position::Phase::kCopy:
        case Position::Phase::kFull: break;
    }
    const char* phase = position.phase == Position::Phase::kCopy ? "copy " : "full ";
    std::string text = phase + to_string(position.lsn) + " " + position.object.text;
    if (position.key) text += " " + *position.key;
    return {text};
}

Result<Position> parse_position(const Cursor& cursor) {
    if (cursor.text.empty()) return Position{};
    Result<Position> position = parse(cursor.text);
    if (!position) {
        return fail(position.error(), "'" + cursor.text + "' is no cursor of this connector");
    }
    return position;
}

}  // namespace syncline::agent::postgres
