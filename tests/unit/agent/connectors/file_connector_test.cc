#include "agent/connectors/file/file_connector.h"

#include <fstream>
#include <iterator>

#include <sys/resource.h>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/connectors/file/row_reader.h"
#include "shared/base/json.h"
#include "tests/support/manual_clock.h"

namespace syncline::agent {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;

class FileDrop : public testing::Test {
protected:
    FileDrop() {
        std::string pattern = (fs::temp_directory_path() / "syncline-file-XXXXXX").string();
        folder = ::mkdtemp(pattern.data());
        settings.inbox = folder / "in";
        settings.done = folder / "done";
        settings.failed = folder / "failed";
        settings.outbox = folder / "out";
        settings.ready = file::Ready::kRename;
        settings.line_bytes_max = 4'096;
        settings.objects = {
            {.object = ObjectName{"customer"},
             .native = "customers",
             .key = "no",
             .fields = {
                 {.field = FieldName{"name"}, .path = "name"},
                 {.field = FieldName{"limit"}, .path = "limit", .type = NativeType::kDecimal}}}};
        restart();
    }
    ~FileDrop() override { fs::remove_all(folder); }

    void restart() {
        connector = make_file_connector(settings, clock);
        EXPECT_TRUE(connector->connect({}));
    }
    void drop(const std::string& name, const std::string& text) {
        std::ofstream{settings.inbox / name, std::ios::binary} << text;
    }
    static std::string content(const fs::path& path) {
        std::ifstream in{path, std::ios::binary};
        return {std::istreambuf_iterator<char>{in}, {}};
    }
    /// Reads and stores until there is no more.
    void read_all(std::size_t max = 100) {
        for (int i = 0; i < 10'000; ++i) {
            const auto batch = connector->read(cursor, max, {});
            ASSERT_TRUE(batch) << batch.error().what;
            for (const Record& record : batch->records) {
                const Value* const name = record.fields.find("name");
                seen.push_back(record.id.text + (record.deleted ? "-" : "") +
                               (name != nullptr ? ":" + display(*name) : ""));
            }
            for (const auto& reject : batch->rejects) rejects.push_back(reject.reason);
            cursor = batch->next;
            ASSERT_TRUE(connector->stored(cursor));
            if (!batch->more) return;
        }
    }

    fs::path folder;
    file::Settings settings;
    test::ManualClock clock;
    std::unique_ptr<Connector> connector;
    Cursor cursor;
    std::vector<std::string> seen;
    std::vector<std::string> rejects;
};

TEST_F(FileDrop, ReadsCsvAndJsonlInTheOrderOfNames) {
    drop("customers-2.jsonl", "{\"no\":3,\"name\":\"c\"}\n\n{\"no\":1,\"op\":\"delete\"}");
    drop("customers-1.csv", "\xef\xbb\xbfno,name,limit\r\n1,\"a, \"\"b\"\"\r\nc\",1.50\r\n2,,\r\n");
    drop("notes.txt", "not ours");
    drop(".customers-0.csv", "hidden");
    read_all();
    EXPECT_THAT(seen, ElementsAre("1:\"a, \\\"b\\\"\\u000ac\"", "2:null", "3:\"c\"", "1-"));
    EXPECT_TRUE(rejects.empty()) << rejects[0];
    EXPECT_TRUE(fs::exists(settings.done / "customers-1.csv"));
    EXPECT_TRUE(fs::exists(settings.done / "customers-2.jsonl"));
    EXPECT_TRUE(fs::exists(settings.inbox / "notes.txt"));
}

TEST_F(FileDrop, LetsGoodLinesFlowAndKeepsBadOnes) {
    drop("customers.csv", "no,name,limit\n1,a,1\n2,b\n3,c,x\n,d,1\n4,e\"f,1\n5,\xff,1\n6,g,2\n" +
                              std::string(5'000, 'x') + ",h,1\n7,i,3\n8,\"open,1\n9,k,4\n");
    read_all(2);
    EXPECT_THAT(seen, ElementsAre("1:\"a\"", "6:\"g\"", "7:\"i\"", "9:\"k\""));
    ASSERT_EQ(rejects.size(), 7u);
    const char* const parts[] = {":3: has 2 fields",
                                 ":4: customer.limit",
                                 ":5: customer: the key",
                                 ":6: has a quote",
                                 ":7: is not UTF-8",
                                 ":9: is longer",
                                 ":11: has a quote that is not closed"};
    for (std::size_t i = 0; i < 7; ++i) EXPECT_THAT(rejects[i], HasSubstr(parts[i]));
    const std::string told = content(settings.failed / "customers.csv.rejects.jsonl");
    EXPECT_EQ(std::ranges::count(told, '\n'), 7);
    EXPECT_THAT(told, HasSubstr(R"("line":3)"));
    EXPECT_THAT(told, HasSubstr(R"("raw":"2,b")"));
}

TEST_F(FileDrop, WritesRejectsOnceThoughReadingGoesBack) {
    drop("customers.jsonl", "{\"no\":1}\nbad\n{\"no\":2}\nbad\n");
    const auto first = connector->read(cursor, 2, {});
    ASSERT_TRUE(first);
    restart();  // A crash before it was stored.
    read_all(2);
    EXPECT_EQ(std::ranges::count(content(settings.failed / "customers.jsonl.rejects.jsonl"), '\n'),
              2);
}

TEST_F(FileDrop, StartsAgainAtAnyPlace) {
    std::string text;
    for (int i = 1; i <= 20; ++i) text += "{\"no\":" + std::to_string(i) + "}\n";
    drop("customers.jsonl", text);
    for (int i = 0; i < 20; ++i) {
        const auto batch = connector->read(cursor, 3, {});
        ASSERT_TRUE(batch);
        for (const Record& record : batch->records) seen.push_back(record.id.text);
        cursor = batch->next;
        restart();  // stored() is never called: the file moves when the cursor comes back.
        if (!batch->more) break;
    }
    EXPECT_EQ(seen.size(), 20u);
    EXPECT_EQ(seen.back(), "20");
    EXPECT_TRUE(fs::exists(settings.done / "customers.jsonl"));
}

TEST_F(FileDrop, ReadsAnotherContentUnderTheSameNameAnew) {
    drop("customers.jsonl", "{\"no\":1}\n");
    read_all();
    drop("customers.jsonl", "{\"no\":2}\n");
    EXPECT_TRUE(connector->stored(cursor));  // Repeated: must not move the new file.
    read_all();
    EXPECT_THAT(seen, ElementsAre("1", "2"));
    EXPECT_TRUE(fs::exists(settings.done / "customers.jsonl.2"));
}

TEST_F(FileDrop, GivesUpAFileThatCannotBeRead) {
    drop("a-stranger.csv", "no\n1\n");
    drop("customers-1.csv", "no,no\n1,2\n");
    drop("customers-2.csv", "id,name\n1,2\n");
    drop("customers-3.csv", "");
    drop("customers-4.jsonl", "\xff\xfe{\0");
    drop("customers-5.jsonl", "{\"no\":1}\n");
    read_all();
    EXPECT_THAT(seen, ElementsAre("1"));
    EXPECT_EQ(rejects.size(), 5u);
    EXPECT_THAT(content(settings.failed / "customers-1.csv.reason"), HasSubstr("`no` twice"));
    EXPECT_THAT(content(settings.failed / "customers-2.csv.reason"), HasSubstr("no column `no`"));
    EXPECT_THAT(content(settings.failed / "customers-4.jsonl.reason"), HasSubstr("UTF-16"));
    EXPECT_TRUE(fs::exists(settings.failed / "a-stranger.csv"));
}

TEST_F(FileDrop, DoesNotFollowLinks) {
    std::ofstream{folder / "outside.csv"} << "no\n1\n";
    fs::create_symlink(folder / "outside.csv", settings.inbox / "customers.csv");
    read_all();
    EXPECT_TRUE(seen.empty());
}

TEST_F(FileDrop, WaitsUntilAFileIsComplete) {
    settings.ready = file::Ready::kStable;
    settings.stable = 2s;
    restart();
    drop("customers.jsonl", "{\"no\":1}\n");
    read_all();
    clock.advance(1s);
    drop("customers.jsonl", "{\"no\":1}\n{\"no\":2}\n");  // It grows.
    read_all();
    clock.advance(1s);
    read_all();
    EXPECT_TRUE(seen.empty());
    clock.advance(1s);
    read_all();
    EXPECT_THAT(seen, ElementsAre("1", "2"));
    settings.ready = file::Ready::kDoneFile;
    restart();
    drop("customers-2.jsonl", "{\"no\":3}\n");
    read_all();
    EXPECT_EQ(seen.size(), 2u);
    drop("customers-2.jsonl.done", "");
    read_all();
    EXPECT_EQ(seen.size(), 3u);
    EXPECT_FALSE(fs::exists(settings.inbox / "customers-2.jsonl.done"));
}

TEST_F(FileDrop, WritesOneFileACommand) {
    Command command;
    command.kind = CommandKind::kCreate;
    command.entity = {ObjectName{"customer"}, EntityId{"../e1"}};
    command.generation = 4;
    command.fields = Fields{{FieldName{"name"}, Value{"Ada"}},
                            {FieldName{"limit"}, Value{*Decimal::parse("1.50")}}};
    const auto written = connector->write(command, {});
    ASSERT_TRUE(written) << written.error().what;
    EXPECT_EQ(written->id, RecordId{"../e1"});
    const fs::path path = settings.outbox / "customer-=2e=2e=2fe1-4.jsonl";
    EXPECT_EQ(content(path), R"({"limit":1.5,"name":"Ada","no":"../e1","op":"create","syncline":)"
                             R"({"entity":"../e1","generation":4,"object":"customer"}})"
                             "\n");
    ASSERT_TRUE(connector->write(command, {}));
    EXPECT_EQ(std::distance(fs::directory_iterator{settings.outbox}, {}), 1);
    command.kind = CommandKind::kDelete;
    command.record = RecordId{"77"};
    command.generation = 5;
    ASSERT_TRUE(connector->write(command, {}));
    EXPECT_THAT(content(settings.outbox / "customer-=2e=2e=2fe1-5.jsonl"),
                HasSubstr(R"("no":"77","op":"delete")"));
}

TEST_F(FileDrop, TakesABigFileInConstantMemory) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    GTEST_SKIP() << "a sanitizer keeps freed and shadow memory: resident memory says nothing";
#endif
    {
        std::ofstream out{settings.inbox / "customers.jsonl"};
        const std::string filler(900, 'x');
        for (int i = 0; i < 60'000; ++i) {
            out << R"({"no":)" << i << R"(,"name":")" << filler << "\"}\n";
        }
    }
    rusage before{};
    ::getrusage(RUSAGE_SELF, &before);
    std::size_t count = 0;
    for (bool more = true; more;) {
        const auto batch = connector->read(cursor, 500, {});
        ASSERT_TRUE(batch);
        count += batch->records.size();
        cursor = batch->next;
        more = batch->more;
    }
    rusage after{};
    ::getrusage(RUSAGE_SELF, &after);
    EXPECT_EQ(count, 60'000u);
    EXPECT_LT(after.ru_maxrss - before.ru_maxrss, 24 * 1024) << "KiB, for a file of 54 MB";
}

TEST_F(FileDrop, AFullReadIsWhatStillLiesInTheInbox) {
    drop("customers-1.csv", "no,name,limit\n1,a,1\n");
    read_all();
    drop("customers-2.csv", "no,name,limit\n2,b,1\n3,c,1\n");
    const auto part = connector->read(cursor, 1, {});
    ASSERT_TRUE(part);
    EXPECT_EQ(part->records.size(), 1u);
    cursor = connector->full_read_start();
    read_all();
    EXPECT_THAT(seen, ElementsAre("1:\"a\"", "2:\"b\"", "3:\"c\""));
}

TEST_F(FileDrop, RefusesACursorThatLeavesTheInbox) {
    EXPECT_EQ(connector->read(Cursor{"{\"v\":1,\"file\":\"../x\"}"}, 10, {}).error().kind,
              ErrorKind::kCorrupt);
}

struct CsvCase {
    const char* name;
    const char* text;
    std::vector<std::string> fields;  ///< Empty: refused.
};
class Csv : public testing::TestWithParam<CsvCase> {};
TEST_P(Csv, IsSplitByRfc4180) {
    const auto fields = file::split_csv(GetParam().text, ';');
    ASSERT_EQ(fields.has_value(), !GetParam().fields.empty());
    if (fields) {
        EXPECT_EQ(*fields, GetParam().fields);
    }
}
INSTANTIATE_TEST_SUITE_P(Rows, Csv,
                         testing::Values(CsvCase{"plain", "a;b", {"a", "b"}},
                                         CsvCase{"empty_fields", ";;", {"", "", ""}},
                                         CsvCase{"one_empty", "", {""}},
                                         CsvCase{"quoted", "\"a;b\";\"\"", {"a;b", ""}},
                                         CsvCase{"doubled", "\"\"\"\"", {"\""}},
                                         CsvCase{"blanks_stay", " a ; b", {" a ", " b"}},
                                         CsvCase{"quote_inside", "a\"b", {}},
                                         CsvCase{"text_after", "\"a\"b", {}},
                                         CsvCase{"unclosed", "\"a", {}}),
                         [](const auto& row) { return std::string{row.param.name}; });

}  // namespace
}  // namespace syncline::agent
