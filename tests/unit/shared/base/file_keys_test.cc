#include "shared/base/file_keys.h"

#include <cstdlib>
#include <fstream>

#include <gtest/gtest.h>

namespace syncline {
namespace {

class FileKeysTest : public testing::Test {
protected:
    FileKeysTest() {
        char path[] = "/tmp/syncline-XXXXXX";
        folder = mkdtemp(path);
    }
    ~FileKeysTest() override { std::filesystem::remove_all(folder); }

    Result<FileKeys> keys_of(const std::string& text) {
        const auto path = folder / "some.toml";
        std::ofstream{path} << text;
        return file_keys(path);
    }

    std::filesystem::path folder;
};

TEST_F(FileKeysTest, NamesEachValueByItsPath) {
    const auto keys =
        keys_of("a = 1\n[b.c]\nd = [1, 2]\n[[e]]\nf = 'x'\n[[e]]\nf = 'y'\ng = { h = true }\n");
    ASSERT_TRUE(keys) << keys.error().what;
    EXPECT_EQ(*keys, (FileKeys{{"a", "1"},
                               {"b.c.d", "[ 1, 2 ]"},
                               {"e[0].f", "'x'"},
                               {"e[1].f", "'y'"},
                               {"e[1].g.h", "true"}}));
}

TEST_F(FileKeysTest, TellsWhatChanges) {
    const FileKeys before{{"a", "1"}, {"b", "2"}, {"d", "4"}};
    EXPECT_EQ(changed_keys(before, {{"a", "1"}, {"b", "3"}, {"c", "4"}}),
              (std::vector<std::string>{"b", "c", "d"}));
    EXPECT_TRUE(changed_keys(before, before).empty());
}

TEST_F(FileKeysTest, SaysWhereAFileIsNoToml) {
    const auto keys = keys_of("a = 1\nb = = 2\n");
    ASSERT_FALSE(keys);
    EXPECT_NE(keys.error().what.find("some.toml"), std::string::npos) << keys.error().what;
}

}  // namespace
}  // namespace syncline
