#include "agent/connectors/postgres/pgoutput.h"

#include <gtest/gtest.h>

#include <limits>
#include <random>
#include <string>
#include <vector>

namespace syncline::agent::postgres {
namespace {

/// Writes messages as the protocol has them.
class Bytes {
public:
    explicit Bytes(char kind) : text_(1, kind) {}
    Bytes& u8(unsigned value) {
        text_ += static_cast<char>(value);
        return *this;
    }
    Bytes& number(std::uint64_t value, int bytes) {
        for (int shift = (bytes - 1) * 8; shift >= 0; shift -= 8) u8(value >> shift & 0xff);
        return *this;
    }
    Bytes& u16(std::uint64_t value) { return number(value, 2); }
    Bytes& u32(std::uint64_t value) { return number(value, 4); }
    Bytes& u64(std::uint64_t value) { return number(value, 8); }
    Bytes& text(const char* value) {
        text_ += value;
        return u8(0);
    }
    Bytes& letter(char value) { return u8(static_cast<unsigned char>(value)); }
    Bytes& value(const std::string& content) {
        letter('t').u32(content.size());
        text_ += content;
        return *this;
    }
    operator std::string() const { return text_; }  // NOLINT

private:
    std::string text_;
};

template <class T>
T decoded(const std::string& bytes) {
    auto message = pgoutput::decode(bytes);
    EXPECT_TRUE(message) << message.error().what;
    if (!message || !std::holds_alternative<T>(*message)) {
        ADD_FAILURE() << "another message";
        return {};
    }
    return std::get<T>(*message);
}

const std::string kBegin = Bytes('B').u64(0x16B3740).u64(1'000'000).u32(742);
const std::string kCommit = Bytes('C').u8(0).u64(0x100).u64(0x16B3740).u64(0);
const std::string kOrigin = Bytes('O').u64(0x100).text("other");
const std::string kRelation = Bytes('R')
                                  .u32(16'384)
                                  .text("erp")
                                  .text("customers")
                                  .letter('d')
                                  .u16(2)
                                  .u8(1)
                                  .text("id")
                                  .u32(20)
                                  .u32(0xffffffff)
                                  .u8(0)
                                  .text("name")
                                  .u32(25)
                                  .u32(0xffffffff);
const std::string kType = Bytes('Y').u32(16'390).text("erp").text("tier");
const std::string kInsert = Bytes('I')
                                .u32(16'384)
                                .letter('N')
                                .u16(4)
                                .value("42")
                                .letter('n')
                                .letter('u')
                                .letter('b')
                                .u32(1)
                                .u8(7);
const std::string kUpdate = Bytes('U').u32(16'384).letter('N').u16(1).value("42");
const std::string kUpdateKey =
    Bytes('U').u32(16'384).letter('K').u16(1).value("41").letter('N').u16(1).value("42");
const std::string kUpdateOld =
    Bytes('U').u32(16'384).letter('O').u16(1).value("41").letter('N').u16(1).value("42");
const std::string kDelete = Bytes('D').u32(16'384).letter('K').u16(2).value("42").letter('n');
const std::string kTruncate = Bytes('T').u32(2).u8(3).u32(16'384).u32(16'385);
const std::string kMessage = [] {
    std::string bytes = Bytes('M').u8(1).u64(0x200).text("syncline").u32(3);
    return bytes + "key";
}();

const std::vector<std::string> kAll{kBegin,     kCommit, kOrigin,   kRelation,
                                    kType,      kInsert, kUpdate,   kUpdateKey,
                                    kUpdateOld, kDelete, kTruncate, kMessage};

TEST(Pgoutput, BeginAndCommit) {
    const auto begin = decoded<pgoutput::Begin>(kBegin);
    EXPECT_EQ(to_string(begin.final_lsn), "0/16B3740");
    EXPECT_EQ(to_string(begin.committed_at), "2000-01-01T00:00:01Z");
    EXPECT_EQ(begin.xid, 742u);
    const auto commit = decoded<pgoutput::Commit>(kCommit);
    EXPECT_EQ(commit.end_lsn, Lsn{0x16B3740});
    EXPECT_EQ(decoded<pgoutput::Origin>(kOrigin).name, "other");
}

TEST(Pgoutput, RelationAndType) {
    const auto relation = decoded<pgoutput::Relation>(kRelation);
    EXPECT_EQ(relation.schema, "erp");
    EXPECT_EQ(relation.name, "customers");
    ASSERT_EQ(relation.columns.size(), 2u);
    EXPECT_TRUE(relation.columns[0].key);
    EXPECT_EQ(relation.columns[0].type, 20u);
    EXPECT_FALSE(relation.columns[1].key);
    EXPECT_EQ(relation.columns[1].name, "name");
    EXPECT_EQ(decoded<pgoutput::Type>(kType).name, "tier");
}

TEST(Pgoutput, RowsTellNullUnchangedTextAndBinaryApart) {
    using enum pgoutput::Datum::Kind;
    const auto insert = decoded<pgoutput::Insert>(kInsert);
    ASSERT_EQ(insert.after.size(), 4u);
    EXPECT_EQ(insert.after[0].kind, kText);
    EXPECT_EQ(insert.after[0].bytes, "42");
    EXPECT_EQ(insert.after[1].kind, kNull);
    EXPECT_EQ(insert.after[2].kind, kUnchanged);
    EXPECT_EQ(insert.after[3].kind, kBinary);
}

TEST(Pgoutput, UpdatesWithAndWithoutTheOldRow) {
    EXPECT_FALSE(decoded<pgoutput::Update>(kUpdate).key);
    const auto key = decoded<pgoutput::Update>(kUpdateKey);
    ASSERT_TRUE(key.key);
    EXPECT_EQ(key.key->front().bytes, "41");
    EXPECT_EQ(key.after.front().bytes, "42");
    const auto old = decoded<pgoutput::Update>(kUpdateOld);
    EXPECT_FALSE(old.key);
    ASSERT_TRUE(old.before);
}

TEST(Pgoutput, DeleteTruncateAndMessage) {
    const auto gone = decoded<pgoutput::Delete>(kDelete);
    EXPECT_TRUE(gone.key_only);
    EXPECT_EQ(gone.before.front().bytes, "42");
    const auto truncate = decoded<pgoutput::Truncate>(kTruncate);
    EXPECT_TRUE(truncate.cascade);
    EXPECT_TRUE(truncate.restart_identity);
    EXPECT_EQ(truncate.relations, (std::vector<std::uint32_t>{16'384, 16'385}));
    const auto message = decoded<pgoutput::LogicalMessage>(kMessage);
    EXPECT_TRUE(message.transactional);
    EXPECT_EQ(message.prefix, "syncline");
    EXPECT_EQ(message.content, "key");
}

TEST(Pgoutput, EveryTruncationAndEveryByteTooMuchIsRefused) {
    for (const std::string& whole : kAll) {
        for (std::size_t size = 0; size < whole.size(); ++size) {
            const auto message = pgoutput::decode(std::string_view{whole}.substr(0, size));
            ASSERT_FALSE(message) << whole.front() << " cut to " << size;
            EXPECT_EQ(message.error().kind, ErrorKind::kInvalid);
            EXPECT_NE(message.error().what.find("offset"), std::string::npos);
        }
        EXPECT_FALSE(pgoutput::decode(whole + '\0')) << whole.front();
    }
}

TEST(Pgoutput, LiesAboutCountsAndLengthsAreRefused) {
    const std::string cases[] = {
        Bytes('I').u32(1).letter('N').u16(0xffff),             // A negative count.
        Bytes('I').u32(1).letter('N').u16(1'000).letter('n'),  // More than there is.
        Bytes('I').u32(1).letter('N').u16(1).letter('t').u32(0xffffffff),
        Bytes('I').u32(1).letter('N').u16(1).letter('t').u32(0x7fffffff),
        Bytes('I').u32(1).letter('N').u16(1).letter('x'),  // No such kind of column.
        Bytes('I').u32(1).letter('K').u16(0),              // No new row.
        Bytes('D').u32(1).letter('N').u16(0),
        Bytes('T').u32(0x7fffffff).u8(0),
        Bytes('T').u32(0xffffffff).u8(0),
        Bytes('C').u8(1).u64(0).u64(0).u64(0),  // Unknown flags.
        Bytes('S').u32(1),                      // Streaming was not asked for.
    };
    for (const std::string& bytes : cases) EXPECT_FALSE(pgoutput::decode(bytes));
}

TEST(Pgoutput, GarbageNeverHarms) {
    constexpr unsigned kSeed = 4711;
    std::mt19937 random{kSeed};
    for (int round = 0; round < 20'000; ++round) {
        std::string bytes = kAll[random() % kAll.size()];
        for (int i = 0; i < 3; ++i) bytes[random() % bytes.size()] = static_cast<char>(random());
        std::ignore = pgoutput::decode(bytes);
    }
}

TEST(Lsn, IsWrittenAndReadAsPostgresDoes) {
    EXPECT_EQ(to_string(Lsn{0x16'B374D848}), "16/B374D848");
    EXPECT_EQ(parse_lsn("16/B374D848"), Lsn{0x16'B374D848});
    EXPECT_EQ(parse_lsn("0/0"), Lsn{});
    for (const char* wrong : {"", "/", "0/", "/0", "0", "x/1", "0/1 ", "1FFFFFFFF/0", "-1/0"}) {
        EXPECT_FALSE(parse_lsn(wrong)) << wrong;
    }
}

TEST(PostgresTime, ConvertsBothWaysAndSaturates) {
    const Timestamp time = *parse_timestamp("2026-01-05T10:11:12.123456Z");
    EXPECT_EQ(from_postgres_time(to_postgres_time(time)), time);
    EXPECT_GT(from_postgres_time(std::numeric_limits<std::int64_t>::max()), time);
    EXPECT_LT(from_postgres_time(std::numeric_limits<std::int64_t>::min()), time);
}

}  // namespace
}  // namespace syncline::agent::postgres
