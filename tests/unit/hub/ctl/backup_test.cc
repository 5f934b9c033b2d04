#include "hub/ctl/backup.h"

#include <gtest/gtest.h>

#include "shared/base/sha256.h"

namespace syncline::ctl {
namespace {

using namespace std::chrono_literals;

BackupManifest manifest() {
    const std::string sum(64, 'a');
    return {.made_by = "0.1.0",
            .server = "2.15.1",
            .began = Timestamp{1'767'607'872'000'000'000},
            .ended = Timestamp{1'767'607'873'000'000'000},
            .policy = 3,
            .policy_hash = "abc",
            .platforms = {"crm", "erp"},
            .streams = {{.name = "SYNC_IN",
                         .file = {"streams/SYNC_IN.tar.s2", 1'000, sum},
                         .config = Value::Map{{"name", "SYNC_IN"}, {"max_age", Value{86'400}}},
                         .state = Value::Map{{"first_seq", Value{3}},
                                             {"last_seq", Value{9}},
                                             {"messages", Value{7}}},
                         .first = 3,
                         .last = 9,
                         .messages = 7}},
            .files = {{"files/hub.toml", 20, sum}}};
}

TEST(BackupManifest, ReadsWhatItWrites) {
    const auto read = parse_backup_manifest(to_text(manifest()));
    ASSERT_TRUE(read) << read.error().what;
    EXPECT_EQ(*read, manifest());
    EXPECT_EQ(read->bytes(), 1'020U);
}

TEST(BackupManifest, RefusesWhatItCannotBe) {
    const auto kind_of = [](std::string text, const std::string& from, const std::string& to) {
        text.replace(text.find(from), from.size(), to);
        const auto read = parse_backup_manifest(text);
        return read ? std::string{"taken"} : std::string{name_of(read.error().kind)};
    };
    const std::string text = to_text(manifest());
    EXPECT_EQ(kind_of(text, "{", "["), "corrupt");
    EXPECT_EQ(kind_of(text, "\"syncline_backup\": 1", "\"syncline_backup\": 2"), "unsupported");
    EXPECT_EQ(kind_of(text, "\"syncline_backup\": 1", "\"other\": 1"), "corrupt");
    EXPECT_EQ(kind_of(text, "files/hub.toml", "../../etc/shadow"), "corrupt");
    EXPECT_EQ(kind_of(text, "streams/SYNC_IN.tar.s2", "/etc/shadow"), "corrupt");
    EXPECT_EQ(kind_of(text, "files/hub.toml", "files/a/.."), "corrupt");
    EXPECT_EQ(kind_of(text, "files/hub.toml", "files/customer..toml"), "taken");
    EXPECT_EQ(kind_of(text, std::string(64, 'a'), std::string(64, 'x')), "corrupt");
    EXPECT_EQ(kind_of(text, "\"name\": \"SYNC_IN\"", "\"name\": \"OTHER\""), "corrupt");
}

TEST(CopyProgress, TellsRateAndRemainingTime) {
    EXPECT_EQ(CopyProgress::line("SYNC_IN", 0.25, 10 << 20, 5s),
              "SYNC_IN  [#####---------------]  25 %  10.0 MiB  2.0 MiB/s  16 s left");
    EXPECT_EQ(CopyProgress::line("SYNC_IN", 0, 0, 0s),
              "SYNC_IN  [--------------------]   0 %  0 B");
    // Images may be larger than the messages in them; it is not done before it says so.
    EXPECT_NE(CopyProgress::line("SYNC_IN", 3, 1, 5s).find(" 99 %"), std::string::npos);
}

TEST(Sha256Stream, IsTheDigestOfAllPieces) {
    Sha256Stream stream;
    stream.add("ab");
    stream.add("");
    stream.add("c");
    EXPECT_EQ(stream.end(), sha256({"abc"}));
}

}  // namespace
}  // namespace syncline::ctl
