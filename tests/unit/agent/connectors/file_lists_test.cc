#include "agent/connectors/file/file_lists.h"

#include <fstream>
#include <iterator>

#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "shared/base/clock.h"

namespace syncline::agent {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

const ListName kPrice{"price"};

class FileLists : public testing::Test {
protected:
    FileLists() {
        std::string pattern = (fs::temp_directory_path() / "syncline-lists-XXXXXX").string();
        folder = ::mkdtemp(pattern.data());
    }
    ~FileLists() override { fs::remove_all(folder); }

    std::unique_ptr<ListDoor> make(const std::string& file, const std::string& more) {
        auto root = TomlReader::parse("[connector]\nkind = \"file\"\ndirectory = \".\"\n" + more +
                                          "[lists.price]\nnative = \"" + file +
                                          "\"\nkey = \"sku\"\n[lists.price.fields]\n"
                                          "amount = { path = \"amount\", type = \"decimal\" }\n"
                                          "note = \"note\"\n",
                                      "agent.toml");
        EXPECT_TRUE(root);
        TomlReader connector = root->table("connector");
        TomlReader lists = root->table("lists");
        auto factory = make_file_lists(connector, lists, {clock, folder, folder});
        std::ignore = connector.text("kind");
        const auto done = root->finish();
        problems = done ? "" : done.error().what;
        return *(*factory)();
    }
    void write(const std::string& name, const std::string& text) {
        std::ofstream{folder / name, std::ios::binary} << text;
    }
    [[nodiscard]] std::string content(const std::string& name) const {
        std::ifstream in{folder / name, std::ios::binary};
        return {std::istreambuf_iterator<char>{in}, {}};
    }

    SystemClock clock;
    fs::path folder;
    std::string problems;
};

constexpr const char* kNow = "ready = \"rename\"\n";

ListRow row(const char* key, const char* amount, const char* note) {
    Fields fields;
    fields.set(FieldName{"amount"}, Value{*Decimal::parse(amount)});
    fields.set(FieldName{"note"}, Value{note});
    return {key, fields};
}

TEST_F(FileLists, AreReplacedAndReadAsTheyWere) {
    for (const char* file : {"price.csv", "price.jsonl"}) {
        const auto door = make(file, kNow);
        const ListRows rows{row("a", "1.5", "plain"), row("b", "2.25", "of \"two\", with\nlines")};
        ASSERT_TRUE(door->replace(kPrice, rows, {})) << file;
        const auto back = door->read(kPrice, {});
        ASSERT_TRUE(back) << file << ": " << back.error().what;
        EXPECT_EQ(*back, rows) << content(file);
        ASSERT_TRUE(door->replace(kPrice, {}, {}));
        EXPECT_TRUE(door->read(kPrice, {})->empty()) << file;
    }
}

TEST_F(FileLists, WhatIsNotPerfectIsNothing) {
    const auto door = make("price.csv", kNow);
    EXPECT_FALSE(door->read(kPrice, {})) << "no file";
    write("price.csv", "sku,amount,note\na,1,x\nb,2");
    EXPECT_THAT(door->read(kPrice, {}).error().what, HasSubstr("price.csv:3: has 2 fields"));
    write("price.csv", "sku,amount,note\na,one,x\n");
    EXPECT_THAT(door->read(kPrice, {}).error().what, HasSubstr("price.csv:2: "));
    write("price.csv", "sku,amount,note\n,1,x\n");
    EXPECT_FALSE(door->read(kPrice, {})) << "no key";
    write("price.csv", "sku,amount\na,1\n");
    EXPECT_THAT(door->read(kPrice, {}).error().what, HasSubstr("no column `note`"));
    write("price.csv", "sku,amount,note\na,1,\"x\n");
    EXPECT_FALSE(door->read(kPrice, {})) << "a quote that is not closed";
    EXPECT_FALSE(door->read(ListName{"tax"}, {})) << "another list";
}

TEST_F(FileLists, OnesThatAreStillWrittenAreNotRead) {
    const auto door = make("price.csv", "ready = \"done_file\"\n");
    write("price.csv", "sku,amount,note\na,1,x\n");
    EXPECT_EQ(door->read(kPrice, {}).error().kind, ErrorKind::kUnavailable);
    write("price.csv.done", "");
    EXPECT_TRUE(door->read(kPrice, {}));
    fs::last_write_time(folder / "price.csv.done",
                        fs::last_write_time(folder / "price.csv") - std::chrono::seconds{1});
    EXPECT_THAT(door->read(kPrice, {}).error().what, HasSubstr("older than the file"));
    const auto stable = make("price.csv", "stable_ms = 60000\n");
    EXPECT_THAT(stable->read(kPrice, {}).error().what, HasSubstr("still being written"));
    fs::last_write_time(folder / "price.csv",
                        fs::last_write_time(folder / "price.csv") - std::chrono::minutes{2});
    EXPECT_TRUE(stable->read(kPrice, {}));
}

TEST_F(FileLists, NamesStayInTheirFolder) {
    for (const char* name : {"../price.csv", "/etc/price.csv", "price.xls"}) {
        std::ignore = make(name, kNow);
        EXPECT_THAT(problems, HasSubstr("must name a .csv or .jsonl file")) << name;
    }
    std::ignore = make("prices/price.csv", kNow);
    EXPECT_EQ(problems, "");
}

}  // namespace
}  // namespace syncline::agent
