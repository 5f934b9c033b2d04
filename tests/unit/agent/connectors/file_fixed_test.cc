// Files whose lines are cut by the place of their characters.
#include <fstream>
#include <iterator>

#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/connectors/file/encoding.h"
#include "agent/connectors/file/file_connector.h"
#include "agent/connectors/file/fixed.h"
#include "tests/support/manual_clock.h"

namespace syncline::agent {
namespace {

namespace fs = std::filesystem;
using file::Encoding;
using testing::ElementsAre;
using testing::HasSubstr;

/// number 1 to 4, name 6 to 13, limit 14 to 19.
file::FixedLayout layout_of(file::Trim trim = file::Trim::kBoth) {
    return {.columns = {{.name = "no", .start = 1, .width = 4},
                        {.name = "name", .start = 6, .width = 8, .trim = trim},
                        {.name = "limit", .start = 14, .width = 6}}};
}

struct FixedCase {
    const char* name;
    std::string line;
    file::Trim trim;
    bool short_lines;
    const char* number;
    const char* text;     ///< Of `name`.
    const char* problem;  ///< Empty: none.
    std::uint64_t column;
};
class FixedLine : public testing::TestWithParam<FixedCase> {};
TEST_P(FixedLine, IsCutByPlace) {
    const FixedCase& row = GetParam();
    file::FixedLayout layout = layout_of(row.trim);
    layout.short_lines = row.short_lines;
    const file::FixedRow cut = file::split_fixed(row.line, layout);
    EXPECT_THAT(cut.problem, HasSubstr(row.problem));
    EXPECT_EQ(cut.column, row.column);
    EXPECT_EQ(cut.problem.empty(), std::string{row.problem}.empty());
    EXPECT_EQ(cut.values.empty(), !cut.problem.empty());
    if (!cut.problem.empty()) return;
    EXPECT_EQ(cut.values.at("no"), Value{row.number});
    EXPECT_EQ(cut.values.at("name"), Value{row.text});
}
using enum file::Trim;
INSTANTIATE_TEST_SUITE_P(
    Lines, FixedLine,
    testing::Values(
        FixedCase{"whole", "0017 Ada & Co 12.50", kBoth, false, "0017", "Ada & Co", "", 0},
        FixedCase{"both", "17    Ada    12.50", kBoth, true, "17", "Ada", "", 0},
        FixedCase{"left", "17    Ada    012.50", kLeft, false, "17", "Ada    ", "", 0},
        FixedCase{"right", "17    Ada    012.50", kRight, false, "17", " Ada", "", 0},
        FixedCase{"none", "17    Ada    012.50", kNone, false, "17", " Ada    ", "", 0},
        FixedCase{"blank_value", "17            12.50", kBoth, false, "17", "", "", 0},
        FixedCase{"umlauts", "17   M\xc3\xbcller A 12.50", kBoth, false, "17", "M\xc3\xbcller A",
                  "", 0},
        FixedCase{"gap_is_nothing", "0017xAda & Co 12.50", kBoth, false, "0017", "Ada & Co", "", 0},
        FixedCase{"ends_within", "0017 Ada & Co 12.5", kBoth, false, "", "",
                  "the line ends within the column `limit` (14 to 19); it has 18 of 19", 19},
        FixedCase{"ends_before", "0017 Ada & Co", kBoth, false, "", "",
                  "the line ends before the column `limit` (14 to 19)", 14},
        FixedCase{"short_is_welcome", "0017 Ada", kBoth, true, "0017", "Ada", "", 0},
        FixedCase{"very_short", "0017", kBoth, true, "0017", "", "", 0},
        FixedCase{"too_long", "0017 Ada & Co 12.50 ", kBoth, true, "", "",
                  "the line goes on behind its last column, `limit` (14 to 19); it has 20", 20}),
    [](const auto& row) { return std::string{row.param.name}; });

struct EncodingCase {
    const char* name;
    const char* bytes;
    Encoding encoding;
    const char* text;
    const char* problem;
    std::uint64_t column;
};
class EncodedText : public testing::TestWithParam<EncodingCase> {};
TEST_P(EncodedText, BecomesUtf8) {
    const auto decoded = file::decode_text(GetParam().bytes, GetParam().encoding);
    EXPECT_EQ(decoded.text, GetParam().text);
    EXPECT_THAT(decoded.problem, HasSubstr(GetParam().problem));
    EXPECT_EQ(decoded.problem.empty(), std::string{GetParam().problem}.empty());
    EXPECT_EQ(decoded.column, GetParam().column);
}
INSTANTIATE_TEST_SUITE_P(
    Bytes, EncodedText,
    testing::Values(
        EncodingCase{"utf8", "M\xc3\xbcller", Encoding::kUtf8, "M\xc3\xbcller", "", 0},
        EncodingCase{"not_utf8", "M\xc3\xbc\xfc", Encoding::kUtf8, "", "is not UTF-8 at byte 3", 3},
        EncodingCase{"latin1", "M\xfcller\x80", Encoding::kLatin1, "M\xc3\xbcller\xc2\x80", "", 0},
        EncodingCase{"windows", "\x80 5 \x96 \xdf", Encoding::kWindows1252,
                     "\xe2\x82\xac 5 \xe2\x80\x93 \xc3\x9f", "", 0},
        EncodingCase{"windows_hole", "ab\x81", Encoding::kWindows1252, "",
                     "has the byte 0x81, which is no character of windows-1252", 3}),
    [](const auto& row) { return std::string{row.param.name}; });

class FixedDrop : public testing::Test {
protected:
    FixedDrop() {
        std::string pattern = (fs::temp_directory_path() / "syncline-file-XXXXXX").string();
        folder = ::mkdtemp(pattern.data());
    }
    ~FixedDrop() override { fs::remove_all(folder); }

    Result<std::unique_ptr<Connector>> make(const std::string& connector,
                                            const std::string& columns) {
        auto root = TomlReader::parse(
            "[connector]\ndirectory = \".\"\nready = \"rename\"\n" + connector + R"(
[objects.customer]
native = "KUNDEN"
key = "no"
[objects.customer.fields]
name = "name"
limit = { path = "limit", type = "decimal" }
)" + columns,
            "a.toml");
        if (!root) return fail(root.error());
        TomlReader table = root->table("connector");
        TomlReader objects = root->table("objects");
        const auto factory = make_file(table, objects, {clock, folder, folder});
        if (auto done = root->finish(); !done) return fail(done.error());
        return (*factory)();
    }
    void drop(const std::string& name, const std::string& text) {
        std::ofstream{folder / "in" / name, std::ios::binary} << text;
    }

    static constexpr const char* kColumns = R"([objects.customer.columns]
no = { start = 1, width = 4 }
name = { start = 6, width = 8 }
limit = { start = 14, width = 6, trim = "left" }
)";
    fs::path folder;
    test::ManualClock clock;
};

TEST_F(FixedDrop, ReadsLinesAndTellsWhatIsWrongWithTheirPlace) {
    auto connector =
        make("format = \"fixed\"\nsuffix = \".dat\"\nencoding = \"windows-1252\"", kColumns);
    ASSERT_TRUE(connector) << connector.error().what;
    ASSERT_TRUE((*connector)->connect({}));
    drop("KUNDEN-1.dat",
         "0017 M\xfcller A  12.50\r\n"  // One character too many.
         "0018 M\xfcller A 12.50\r\n"
         "0019 Bob       1x50\r\n"
         "     Eve       1.50\r\n"
         "0020 Max\r\n"
         "\r\n"
         "0021 A\x81   \r\n"
         "0022 Zoe       7.00");
    drop("KUNDEN-2.csv", "no,name,limit\n1,a,1\n");
    const auto batch = (*connector)->read({}, 100, {});
    ASSERT_TRUE(batch) << batch.error().what;
    std::vector<std::string> seen;
    for (const Record& record : batch->records) {
        seen.push_back(record.id.text + " " + display(*record.fields.find("name")) + " " +
                       display(*record.fields.find("limit")));
    }
    EXPECT_THAT(seen, ElementsAre("0018 \"M\xc3\xbcller A\" 12.5", "0022 \"Zoe\" 7"));
    std::vector<std::string> reasons;
    for (const auto& reject : batch->rejects) reasons.push_back(reject.reason);
    EXPECT_THAT(reasons, ElementsAre(HasSubstr("KUNDEN-1.dat:1:20: the line goes on behind"),
                                     HasSubstr("KUNDEN-1.dat:3:14: customer.limit (`limit`)"),
                                     HasSubstr("KUNDEN-1.dat:4:1: customer: the key `no`"),
                                     HasSubstr("KUNDEN-1.dat:5:9: the line ends"),
                                     HasSubstr("KUNDEN-1.dat:7:7: has the byte 0x81")));
    std::ifstream in{folder / "failed" / "KUNDEN-1.dat.rejects.jsonl"};
    const std::string told{std::istreambuf_iterator<char>{in}, {}};
    EXPECT_THAT(told, HasSubstr("\"column\":14"));
    ASSERT_TRUE((*connector)->stored(batch->next));
    EXPECT_TRUE(fs::exists(folder / "done" / "KUNDEN-1.dat"));
    EXPECT_TRUE(fs::exists(folder / "in" / "KUNDEN-2.csv")) << "it is of another kind";
}

TEST_F(FixedDrop, TakesCsvOfAnotherEncoding) {
    auto connector = make("encoding = \"latin-1\"", "");
    ASSERT_TRUE(connector) << connector.error().what;
    ASSERT_TRUE((*connector)->connect({}));
    drop("KUNDEN-1.csv", "no,name,limit\n1,M\xfcller,1\n");
    drop("KUNDEN-2.csv", "\xef\xbb\xbfno,name,limit\n1,M,1\n");
    drop("KUNDEN-3.jsonl", "{\"no\":2,\"name\":\"\xc3\xa4\",\"limit\":1}\n");
    const auto first = (*connector)->read({}, 100, {});
    ASSERT_TRUE(first && first->records.size() == 1);
    EXPECT_EQ(*first->records[0].fields.find("name"), Value{"M\xc3\xbcller"});
    const auto second = (*connector)->read(first->next, 100, {});
    ASSERT_TRUE(second && second->records.size() == 1);
    EXPECT_EQ(*second->records[0].fields.find("name"), Value{"\xc3\xa4"}) << "JSON is UTF-8";
    ASSERT_EQ(second->rejects.size(), 1u);
    EXPECT_THAT(second->rejects[0].reason, HasSubstr("`encoding` is latin-1"));
}

TEST_F(FixedDrop, RefusesColumnsThatMakeNoSense) {
    const auto bad = make("format = \"fixed\"", R"([objects.customer.columns]
no = { start = 0, width = 4 }
nmae = { start = 6, width = 8 }
limit = { start = 13, width = 6, trim = "all" }
)");
    ASSERT_FALSE(bad);
    for (const char* part :
         {"a.toml:12:16: `objects.customer.columns.no.start` must be a whole number from 1",
          "`objects.customer.columns.limit` begins within `nmae` (6 to 13)",
          "a.toml:14:41: `objects.customer.columns.limit.trim` must be \"both\"",
          "has no column `name`, which is mapped; did you mean `nmae`?"}) {
        EXPECT_THAT(bad.error().what, HasSubstr(part));
    }
    const auto none = make("format = \"fixed\"", "");
    ASSERT_FALSE(none);
    EXPECT_THAT(none.error().what, HasSubstr("`objects.customer.columns` must name the columns"));
    const auto other = make("", kColumns);
    ASSERT_FALSE(other);
    EXPECT_THAT(other.error().what, HasSubstr("unknown key `objects.customer.columns`"));
}

}  // namespace
}  // namespace syncline::agent
