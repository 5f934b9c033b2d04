#include "shared/base/toml_reader.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace syncline {
namespace {

enum class Mode { kFast, kSafe };
constexpr TomlReader::Choice<Mode> kModes[] = {{"fast", Mode::kFast}, {"safe", Mode::kSafe}};

struct Config {
    std::string url;
    std::string title = "untitled";
    std::uint32_t batch_max = 256;
    bool verify = true;
    std::chrono::milliseconds fetch_wait{500};
    std::chrono::seconds lease{10};
    Mode mode = Mode::kSafe;
    std::vector<std::string> tags{"none"};
    Secret token;
    std::vector<std::string> hosts;
};

/// Reads everything that a reader can read; `error` gets what finish() says.
Config read_config(std::string_view text, std::string& error) {
    Config config;
    auto read = TomlReader::parse(text, "hub.toml");
    if (!read) {
        error = read.error().what;
        return config;
    }
    TomlReader nats = read->table("nats");
    config.url = nats.text("url");
    config.title = read->text("title", config.title);
    config.batch_max = read->integer("batch_max", {1, 4'096}, config.batch_max);
    config.verify = read->boolean("verify", config.verify);
    config.fetch_wait = read->milliseconds("fetch_wait_ms", {1, 30'000}, config.fetch_wait);
    config.lease = read->seconds("lease_s", {1, 60}, config.lease);
    config.mode = read->choice("mode", kModes, config.mode);
    config.tags = read->texts("tags", config.tags);
    config.token = nats.optional_secret("token");
    for (TomlReader& peer : read->tables("peer")) config.hosts.push_back(peer.text("host"));
    if (const auto done = read->finish(); !done) error = done.error().what;
    return config;
}

TEST(TomlReader, ReadsEveryKindOfValue) {
    std::string error;
    const Config config = read_config(R"(
title = ""
batch_max = 4096
verify = false
fetch_wait_ms = 1
lease_s = 60
mode = "fast"
tags = ["a", "b"]
[nats]
url = "nats://one"
token = { env = "NATS_TOKEN" }
[[peer]]
host = "x"
[[peer]]
host = "y"
)",
                                      error);
    EXPECT_EQ(error, "");
    EXPECT_EQ(config.url, "nats://one");
    EXPECT_EQ(config.title, "");
    EXPECT_EQ(config.batch_max, 4096u);
    EXPECT_FALSE(config.verify);
    EXPECT_EQ(config.fetch_wait, std::chrono::milliseconds{1});
    EXPECT_EQ(config.lease, std::chrono::seconds{60});
    EXPECT_EQ(config.mode, Mode::kFast);
    EXPECT_EQ(config.tags, (std::vector<std::string>{"a", "b"}));
    EXPECT_EQ(config.token.source_text(), "environment variable NATS_TOKEN");
    EXPECT_EQ(config.hosts, (std::vector<std::string>{"x", "y"}));
}

TEST(TomlReader, KeepsTheDefaultsOfWhatIsAbsent) {
    std::string error;
    const Config config = read_config("nats.url = 'u'", error);
    EXPECT_EQ(error, "");
    EXPECT_EQ(config.title, "untitled");
    EXPECT_EQ(config.batch_max, 256u);
    EXPECT_TRUE(config.verify);
    EXPECT_EQ(config.fetch_wait, std::chrono::milliseconds{500});
    EXPECT_EQ(config.mode, Mode::kSafe);
    EXPECT_EQ(config.tags, std::vector<std::string>{"none"});
    EXPECT_FALSE(config.token.configured());
}

TEST(TomlReader, TellsAllProblemsAtOnceInOrderOfTheFile) {
    std::string error;
    std::ignore = read_config(R"(title = 5
batch_max = 5000
verify = "yes"
fetch_wait_ms = 0.5
lease_s = 61
mode = "saef"
tags = ["a", 1, "a", ""]
fetch_wiat = 3
[nats]
ulr = "x"
token = "hunter2"
[[peer]]
port = 1
[other]
deep.er = 1
)",
                              error);
    EXPECT_EQ(error,
              "hub.toml:1:9: `title` must be text in quotes\n"
              "hub.toml:2:13: `batch_max` must be a whole number from 1 to 4096\n"
              "hub.toml:3:10: `verify` must be true or false\n"
              "hub.toml:4:17: `fetch_wait_ms` must be a whole number from 1 to 30000\n"
              "hub.toml:5:11: `lease_s` must be a whole number from 1 to 60\n"
              "hub.toml:6:8: `mode` must be \"fast\" or \"safe\"; did you mean `safe`?\n"
              "hub.toml:7:14: `tags` must hold texts in quotes, none of them empty\n"
              "hub.toml:7:17: `tags` names \"a\" twice\n"
              "hub.toml:7:22: `tags` must hold texts in quotes, none of them empty\n"
              "hub.toml:8:1: unknown key `fetch_wiat`\n"
              "hub.toml:9:1: `nats.url` is missing\n"
              "hub.toml:10:1: unknown key `nats.ulr`; did you mean `url`?\n"
              "hub.toml:11:9: `nats.token` is a secret and must not stand in this file; write { "
              "file = \"/path\" }, { env = \"NAME\" } or { credential = \"name\" }\n"
              "hub.toml:12:1: `peer.host` is missing\n"
              "hub.toml:13:1: unknown key `peer.port`\n"
              "hub.toml:14:2: unknown key `other`");
}

TEST(TomlReader, SaysWhatIsMissingInATableThatIsNotThere) {
    std::string error;
    std::ignore = read_config("", error);
    EXPECT_EQ(error, "hub.toml:1:1: `nats.url` is missing");
}

TEST(TomlReader, RefusesTheWrongKindOfTable) {
    std::string error;
    std::ignore = read_config("nats = 1\npeer = 2\n", error);
    EXPECT_EQ(error,
              "hub.toml:1:8: `nats` must be a table\n"
              "hub.toml:1:8: `nats.url` is missing\n"
              "hub.toml:2:8: `peer` must be tables, each under [[peer]]");
    error.clear();
    std::ignore = read_config("nats.url = ''\n[peer]\nhost = 'x'\n", error);
    EXPECT_EQ(error,
              "hub.toml:1:12: `nats.url` must not be empty\n"
              "hub.toml:2:1: `peer` must be tables, each under [[peer]]");
}

TEST(TomlReader, PlacesAnErrorOfSyntax) {
    std::string error;
    std::ignore = read_config("title = \"x\"\nbatch_max = \n", error);
    EXPECT_EQ(error.substr(0, 11), "hub.toml:2:") << error;
    error.clear();
    std::ignore = read_config("a = 1\na = 2\n", error);
    EXPECT_EQ(error.substr(0, 11), "hub.toml:2:") << error;
}

// toml++ 3.3 fails assertions of its own on these instead of refusing them.
TEST(TomlReader, PlacesWhatConfusesTheParser) {
    const auto error = [](const char* text) {
        const auto read = TomlReader::parse(text, "x.toml");
        return read ? std::string{} : read.error().what;
    };
    EXPECT_EQ(error("a = 1\n[.b]\nc = 2\n"), "x.toml:2:2: this is not TOML");
    EXPECT_EQ(error("[[ [a]]\n"), "x.toml:1:4: this is not TOML");
    EXPECT_EQ(error("a = \"\xC3\xA4\"\nb = [\"\xC3\xA4\", }\nc = 1\n"),
              "x.toml:2:11: this is not TOML");
}

TEST(TomlReader, ShowsWhatWouldBreakALineAsAnEscape) {
    auto read = *TomlReader::parse("\"a\\n\\u001b[31m\" = 1\n", "x.toml");
    EXPECT_EQ(read.finish().error().what, "x.toml:1:1: unknown key `a\\n\\x1B[31m`");
    const auto cut = TomlReader::parse("a = tru\nb = 1", "x.toml");
    EXPECT_EQ(cut.error().what.find('\n'), std::string::npos) << cut.error().what;
}

struct SecretCase {
    const char* name;
    const char* text;
    const char* outcome;  ///< The source's text, or the problem.
};
class TomlSecret : public testing::TestWithParam<SecretCase> {};
TEST_P(TomlSecret, NamesOneSource) {
    auto read = TomlReader::parse(GetParam().text, "x.toml");
    ASSERT_TRUE(read);
    const Secret secret = read->secret("token");
    const auto done = read->finish();
    EXPECT_EQ(done ? secret.source_text() : done.error().what, GetParam().outcome);
}
INSTANTIATE_TEST_SUITE_P(
    Forms, TomlSecret,
    testing::Values(
        SecretCase{"file", "token = { file = '/run/token' }", "file /run/token"},
        SecretCase{"env", "token.env = 'ERP_TOKEN'", "environment variable ERP_TOKEN"},
        SecretCase{"credential", "token = { credential = 'erp' }", "systemd credential erp"},
        SecretCase{"absent", "", "x.toml:1:1: `token` is missing"},
        SecretCase{"two_sources", "token = { env = 'A', file = '/b' }",
                   "x.toml:1:9: `token` needs exactly one of file, env and credential"},
        SecretCase{"no_source", "token = {}",
                   "x.toml:1:9: `token` needs exactly one of file, env and credential"},
        SecretCase{"misspelt", "token = { fil = '/b' }",
                   "x.toml:1:9: `token` needs exactly one of file, env and credential\n"
                   "x.toml:1:11: unknown key `token.fil`; did you mean `file`?"},
        SecretCase{"bad_variable", "token = { env = 'A B' }",
                   "x.toml:1:17: `token.env` is no name of a variable"},
        SecretCase{"credential_that_climbs", "token = { credential = '../x' }",
                   "x.toml:1:24: `token.credential` is no name of a credential"},
        SecretCase{"inline", "token = 'hunter2'",
                   "x.toml:1:9: `token` is a secret and must not stand in this file; write { file "
                   "= \"/path\" }, { env = \"NAME\" } or { credential = \"name\" }"}),
    [](const auto& row) { return std::string{row.param.name}; });

TEST(TomlReader, TellsKindsAndNamesOfWhatTheUserChooses) {
    auto read = TomlReader::parse("b = 'x'\na = 1\nc = true\nd = []\n[e]\n", "x.toml");
    ASSERT_TRUE(read);
    EXPECT_EQ(read->keys(), (std::vector<std::string>{"a", "b", "c", "d", "e"}));
    EXPECT_EQ(read->kind("a"), TomlReader::Kind::kInteger);
    EXPECT_EQ(read->kind("b"), TomlReader::Kind::kText);
    EXPECT_EQ(read->kind("c"), TomlReader::Kind::kBoolean);
    EXPECT_EQ(read->kind("d"), TomlReader::Kind::kList);
    EXPECT_EQ(read->kind("e"), TomlReader::Kind::kTable);
    EXPECT_EQ(read->kind("f"), TomlReader::Kind::kAbsent);
    EXPECT_EQ(to_string(read->place("c")), "x.toml:3:5");
}

TEST(TomlReader, ClampsTheRangeToTheTypeRead) {
    auto read = TomlReader::parse("a = 70000", "x.toml");
    ASSERT_TRUE(read);
    EXPECT_EQ(read->integer<std::uint16_t>("a", {}, 5), 5);
    EXPECT_EQ(read->finish().error().what,
              "x.toml:1:5: `a` must be a whole number from 0 to 65535");
}

TEST(TomlReader, OpensOptionalTablesOnlyWhereTheyAre) {
    auto read = TomlReader::parse("[b]\nx = 'y'", "x.toml");
    ASSERT_TRUE(read);
    EXPECT_FALSE(read->optional_table("a"));
    auto present = read->optional_table("b");
    ASSERT_TRUE(present);
    EXPECT_EQ(present->text("x"), "y");
    EXPECT_TRUE(read->finish());
}

TEST(TomlReader, LoadsAFile) {
    const auto missing = TomlReader::load("/nonexistent/x.toml");
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().kind, ErrorKind::kNotFound);
    EXPECT_EQ(missing.error().what, "/nonexistent/x.toml: No such file or directory");
    EXPECT_EQ(TomlReader::load("/").error().kind, ErrorKind::kUnavailable);
}

}  // namespace
}  // namespace syncline
