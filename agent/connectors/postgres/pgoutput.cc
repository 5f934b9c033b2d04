#include "agent/connectors/postgres/pgoutput.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <limits>
#include <tuple>
#include <utility>

namespace syncline::agent::postgres {
namespace {

/// 2000-01-01 in seconds since 1970.
constexpr std::int64_t kPostgresEpochSeconds = 946'684'800;
constexpr std::int64_t kMicrosecond = 1'000;

}  // namespace

std::string to_string(Lsn lsn) {
    char text[32];
    std::snprintf(text, sizeof text, "%X/%X", static_cast<unsigned>(lsn.value >> 32),
                  static_cast<unsigned>(lsn.value & 0xffffffffU));
    return text;
}

Result<Lsn> parse_lsn(std::string_view text) {
    const auto half = [](std::string_view digits) -> std::optional<std::uint32_t> {
        std::uint32_t value = 0;
        const char* end = digits.data() + digits.size();
        const auto done = std::from_chars(digits.data(), end, value, 16);
        if (digits.empty() || done.ec != std::errc{} || done.ptr != end) return std::nullopt;
        return value;
    };
    const std::size_t slash = text.find('/');
    if (slash != std::string_view::npos) {
        const auto high = half(text.substr(0, slash));
        const auto low = half(text.substr(slash + 1));
        if (high && low) return Lsn{std::uint64_t{*high} << 32 | *low};
    }
    return fail(ErrorKind::kInvalid, "'" + std::string{text} + "' is not a WAL position (X/Y)");
}

Timestamp from_postgres_time(std::int64_t microseconds) {
    constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max() / kMicrosecond;
    constexpr std::int64_t kShift = kPostgresEpochSeconds * 1'000'000;
    const std::int64_t bounded = std::clamp(microseconds, -kMax, kMax - kShift);
    return {(bounded + kShift) * kMicrosecond};
}

std::int64_t to_postgres_time(Timestamp time) {
    return time.ns / kMicrosecond - kPostgresEpochSeconds * 1'000'000;
}

namespace pgoutput {
namespace {

/// Reads big-endian numbers and texts. After the first failure everything reads as zero or
/// empty and `failed()` says where: the callers need no check at each step.
class Reader {
public:
    explicit Reader(std::string_view bytes) : bytes_(bytes) {}

    template <class T>
    T number() {
        if (!need(sizeof(T))) return T{};
        std::make_unsigned_t<T> value{};
        for (std::size_t i = 0; i < sizeof(T); ++i) {
            value = static_cast<std::make_unsigned_t<T>>(
                (std::uint64_t{value} << 8) | static_cast<unsigned char>(bytes_[at_ + i]));
        }
        at_ += sizeof(T);
        return static_cast<T>(value);
    }

    char byte() { return static_cast<char>(number<std::uint8_t>()); }

    /// A text closed by a zero byte.
    std::string_view text() {
        if (failed_) return {};
        const std::size_t end = bytes_.find('\0', at_);
        if (end == std::string_view::npos) {
            refuse("a text without end");
            return {};
        }
        const std::string_view found = bytes_.substr(at_, end - at_);
        at_ = end + 1;
        return found;
    }

    /// A 32-bit length and as many bytes.
    std::string_view counted() {
        const auto length = number<std::int32_t>();
        if (length < 0) refuse("a negative length");
        if (!need(static_cast<std::size_t>(length))) return {};
        const std::string_view found = bytes_.substr(at_, static_cast<std::size_t>(length));
        at_ += found.size();
        return found;
    }

    /// A 16-bit count of things that take `least` bytes or more each.
    std::size_t count(std::size_t least) {
        const auto value = number<std::int16_t>();
        if (value < 0) refuse("a negative count");
        if (!need(static_cast<std::size_t>(value) * least)) return 0;
        return static_cast<std::size_t>(value);
    }

    void refuse(const char* why) {
        if (failed_) return;
        failed_ = true;
        why_ = why;
    }

    [[nodiscard]] bool failed() const { return failed_; }
    [[nodiscard]] std::size_t left() const { return bytes_.size() - at_; }
    [[nodiscard]] std::string problem() const {
        return "pgoutput message '" + std::string(1, kind()) + "', offset " + std::to_string(at_) +
               " of " + std::to_string(bytes_.size()) + ": " + why_;
    }

private:
    [[nodiscard]] char kind() const {
        const char first = bytes_.empty() ? '-' : bytes_.front();
        return first > ' ' && first < 0x7f ? first : '?';
    }
    bool need(std::size_t bytes) {
        if (!failed_ && left() < bytes) refuse("it ends too soon");
        return !failed_;
    }

    std::string_view bytes_;
    std::size_t at_ = 0;
    bool failed_ = false;
    const char* why_ = "";
};

Lsn read_lsn(Reader& reader) { return {reader.number<std::uint64_t>()}; }
Timestamp read_time(Reader& reader) { return from_postgres_time(reader.number<std::int64_t>()); }

Tuple read_tuple(Reader& reader) {
    const std::size_t count = reader.count(1);
    Tuple tuple;
    tuple.reserve(count);
    for (std::size_t i = 0; i < count && !reader.failed(); ++i) {
        switch (reader.byte()) {
            case 'n': tuple.push_back({Datum::Kind::kNull, {}}); break;
            case 'u': tuple.push_back({Datum::Kind::kUnchanged, {}}); break;
            case 't': tuple.push_back({Datum::Kind::kText, reader.counted()}); break;
            case 'b': tuple.push_back({Datum::Kind::kBinary, reader.counted()}); break;
            default: reader.refuse("a column of no known kind");
        }
    }
    return tuple;
}

Begin read_begin(Reader& reader) {
    Begin begin;
    begin.final_lsn = read_lsn(reader);
    begin.committed_at = read_time(reader);
    begin.xid = reader.number<std::uint32_t>();
    return begin;
}

Commit read_commit(Reader& reader) {
    Commit commit;
    if (reader.byte() != 0) reader.refuse("flags where there are none");
    commit.commit_lsn = read_lsn(reader);
    commit.end_lsn = read_lsn(reader);
    commit.committed_at = read_time(reader);
    return commit;
}

Origin read_origin(Reader& reader) {
    Origin origin;
    origin.commit_lsn = read_lsn(reader);
    origin.name = reader.text();
    return origin;
}

Relation read_relation(Reader& reader) {
    Relation relation;
    relation.id = reader.number<std::uint32_t>();
    relation.schema = reader.text();
    relation.name = reader.text();
    relation.identity = reader.byte();
    const std::size_t count = reader.count(10);
    relation.columns.reserve(count);
    for (std::size_t i = 0; i < count && !reader.failed(); ++i) {
        RelationColumn column;
        column.key = (reader.number<std::uint8_t>() & 1U) != 0;
        column.name = reader.text();
        column.type = reader.number<std::uint32_t>();
        std::ignore = reader.number<std::int32_t>();  // The modifier: length or precision.
        relation.columns.push_back(column);
    }
    return relation;
}

Type read_type(Reader& reader) {
    Type type;
    type.id = reader.number<std::uint32_t>();
    type.schema = reader.text();
    type.name = reader.text();
    return type;
}

Insert read_insert(Reader& reader) {
    Insert insert;
    insert.relation = reader.number<std::uint32_t>();
    if (reader.byte() != 'N') reader.refuse("an insert without new row");
    insert.after = read_tuple(reader);
    return insert;
}

Update read_update(Reader& reader) {
    Update update;
    update.relation = reader.number<std::uint32_t>();
    char part = reader.byte();
    if (part == 'K') {
        update.key = read_tuple(reader);
        part = reader.byte();
    } else if (part == 'O') {
        update.before = read_tuple(reader);
        part = reader.byte();
    }
    if (part != 'N') reader.refuse("an update without new row");
    update.after = read_tuple(reader);
    return update;
}

Delete read_delete(Reader& reader) {
    Delete gone;
    gone.relation = reader.number<std::uint32_t>();
    const char part = reader.byte();
    if (part != 'K' && part != 'O') reader.refuse("a delete without key or old row");
    gone.key_only = part == 'K';
    gone.before = read_tuple(reader);
    return gone;
}

Truncate read_truncate(Reader& reader) {
    Truncate truncate;
    const auto count = reader.number<std::int32_t>();
    const auto options = reader.number<std::uint8_t>();
    truncate.cascade = (options & 1U) != 0;
    truncate.restart_identity = (options & 2U) != 0;
    if (count < 0 || reader.left() / 4 < static_cast<std::size_t>(count)) {
        reader.refuse("a count of relations that are not there");
        return truncate;
    }
    for (std::int32_t i = 0; i < count; ++i) {
        truncate.relations.push_back(reader.number<std::uint32_t>());
    }
    return truncate;
}

LogicalMessage read_message(Reader& reader) {
    LogicalMessage message;
    message.transactional = (reader.number<std::uint8_t>() & 1U) != 0;
    message.lsn = read_lsn(reader);
    message.prefix = reader.text();
    message.content = reader.counted();
    return message;
}

}  // namespace

Result<Message> decode(std::string_view bytes) {
    Reader reader{bytes};
    Message message;
    switch (reader.byte()) {
        case 'B': message = read_begin(reader); break;
        case 'C': message = read_commit(reader); break;
        case 'O': message = read_origin(reader); break;
        case 'R': message = read_relation(reader); break;
        case 'Y': message = read_type(reader); break;
        case 'I': message = read_insert(reader); break;
        case 'U': message = read_update(reader); break;
        case 'D': message = read_delete(reader); break;
        case 'T': message = read_truncate(reader); break;
        case 'M': message = read_message(reader); break;
        default: reader.refuse("no message of protocol version 1 begins like this");
    }
    if (!reader.failed() && reader.left() != 0) reader.refuse("bytes after its end");
    if (reader.failed()) return fail(ErrorKind::kInvalid, reader.problem());
    return message;
}

}  // namespace pgoutput
}  // namespace syncline::agent::postgres
