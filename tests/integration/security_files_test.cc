// What `synclinectl security` writes, and does not. No server.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include <sys/stat.h>

#include <gtest/gtest.h>

#include "tests/integration/synclinectl_test.h"

namespace syncline::test {
namespace {

namespace fs = std::filesystem;

class SecurityFiles : public testing::Test {
protected:
    SecurityFiles() {
        std::string pattern = (fs::temp_directory_path() / "security-XXXXXX").string();
        folder = ::mkdtemp(pattern.data());
        keys = folder / "keys";
    }
    ~SecurityFiles() override { fs::remove_all(folder); }

    [[nodiscard]] Ran init(std::vector<std::string> more = {}) const {
        more.insert(more.begin(), {"security", "init", keys.string()});
        return run(std::move(more));
    }
    [[nodiscard]] Ran manage(std::vector<std::string> words) const {
        words.insert(words.begin(), "security");
        words.insert(words.end(), {"--dir", keys.string()});
        return run(std::move(words));
    }
    /// Every file and what is in it.
    [[nodiscard]] std::map<std::string, std::string> files() const {
        std::map<std::string, std::string> out;
        if (!fs::exists(keys)) return out;
        for (const auto& file : fs::recursive_directory_iterator{keys}) {
            if (file.is_regular_file()) {
                out[fs::relative(file.path(), keys).string()] = read_all(file.path());
            }
        }
        return out;
    }

    fs::path folder, keys;
};

TEST_F(SecurityFiles, NobodyElseMayRead) {
    ASSERT_EQ(init().exit, 0);
    ASSERT_EQ(manage({"agent", "add", "crm", "--auth", "nkey"}).exit, 0);
    const std::map<std::string, std::string> all = files();
    for (const char* file :
         {"ca/ca.key", "ca/ca.pem", "server/server.key", "server/server.pem", "server/ca.pem",
          "server/nats-server.conf", "server/syncline-accounts.conf", "server/syncline-tls.conf",
          "users/agent-crm/1/key.pem", "users/agent-crm/1/cert.pem", "users/agent-crm/1/ca.pem",
          "users/agent-crm/1/nkey.seed", "users/agent-crm/1/nats.toml", "installation.json"}) {
        EXPECT_TRUE(all.contains(file)) << file;
    }
    for (const auto& file : fs::recursive_directory_iterator{keys}) {
        struct stat about {};
        ASSERT_EQ(::stat(file.path().c_str(), &about), 0);
        const unsigned mode = about.st_mode & 07777U;
        EXPECT_EQ(mode, file.is_directory() ? 0700U : 0600U) << file.path();
    }
    // Secrets are in files of their own.
    EXPECT_EQ(all.at("installation.json").find("PRIVATE"), std::string::npos);
    EXPECT_EQ(all.at("installation.json").find("\"SU"), std::string::npos);
    const std::string seed = all.at("users/agent-crm/1/nkey.seed").substr(0, 58);
    EXPECT_TRUE(seed.starts_with("SU")) << seed.size();
    EXPECT_EQ(all.at("server/syncline-accounts.conf").find(seed), std::string::npos);
    EXPECT_EQ(all.at("users/agent-crm/1/nats.toml").find(seed), std::string::npos);
}

TEST_F(SecurityFiles, RepeatingIsHarmlessAndADryRunWritesNothing) {
    EXPECT_EQ(init({"--dry-run"}).exit, 0);
    EXPECT_FALSE(files().contains("installation.json"));
    EXPECT_FALSE(files().contains("ca/ca.key"));
    ASSERT_EQ(init().exit, 0);
    ASSERT_EQ(manage({"agent", "add", "crm"}).exit, 0);
    const auto before = files();
    for (const std::vector<std::string>& words : {std::vector<std::string>{"agent", "add", "crm"},
                                                  {"hub", "add", "--dry-run"},
                                                  {"agent", "add", "erp", "-n"},
                                                  {"revoke", "agent-crm", "-n"},
                                                  {"rotate", "agent-crm", "-n"},
                                                  {"show"}}) {
        const Ran ran = manage(words);
        EXPECT_EQ(ran.exit, 0) << ran;
        EXPECT_EQ(files(), before) << words.front();
    }
    EXPECT_TRUE(manage({"agent", "add", "crm"}).says("nothing to do"));
    EXPECT_TRUE(init().says("nothing to do"));
    const Ran shown = manage({"agent", "add", "erp", "--dry-run"});
    EXPECT_TRUE(shown.says("users/agent-erp/1/key.pem")) << shown;
    EXPECT_TRUE(shown.says("sync.in.erp.>")) << shown;
    EXPECT_TRUE(shown.says("Nothing was written.")) << shown;
}

TEST_F(SecurityFiles, NoKeyIsEverReplaced) {
    ASSERT_EQ(init().exit, 0);
    ASSERT_EQ(manage({"agent", "add", "crm"}).exit, 0);
    const auto before = files();
    ASSERT_EQ(init({"--host", "nats.example.com,10.0.0.7"}).exit, 0);
    ASSERT_EQ(manage({"rotate", "agent-crm"}).exit, 0);
    ASSERT_EQ(manage({"rotate", "agent-crm", "--finish"}).exit, 0);
    ASSERT_EQ(manage({"revoke", "agent-crm"}).exit, 0);
    ASSERT_EQ(manage({"agent", "add", "crm"}).exit, 0);
    const auto after = files();
    for (const char* key : {"ca/ca.key", "server/server.key"}) {
        EXPECT_EQ(after.at(key), before.at(key)) << key;
    }
    EXPECT_NE(after.at("server/server.pem"), before.at("server/server.pem"));
    EXPECT_EQ(after.at("revoked/agent-crm/1/key.pem"), before.at("users/agent-crm/1/key.pem"));
    EXPECT_TRUE(after.contains("revoked/agent-crm/2/key.pem"));
    EXPECT_TRUE(after.contains("users/agent-crm/3/key.pem"));  // No number twice.
    EXPECT_NE(after.at("users/agent-crm/3/nats.toml").find("tls://nats.example.com:4222"),
              std::string::npos);
    const std::string& accounts = after.at("server/syncline-accounts.conf");
    EXPECT_NE(accounts.find("syncline://users/agent-crm/3"), std::string::npos);
    EXPECT_EQ(accounts.find("syncline://users/agent-crm/1"), std::string::npos);
    EXPECT_EQ(accounts.find("syncline://users/agent-crm/2"), std::string::npos);
}

TEST_F(SecurityFiles, AnAuthorityThatEndsIsSaidAndRenewedOnItsKey) {
    ASSERT_EQ(init({"--authority-days", "20"}).exit, 0);
    ASSERT_EQ(manage({"agent", "add", "crm"}).exit, 0);
    ASSERT_EQ(manage({"rotate", "agent-crm"}).exit, 0);
    const auto before = files();
    const Ran shown = manage({"show"});
    EXPECT_EQ(shown.exit, 1) << shown;
    EXPECT_TRUE(shown.says("--renew-authority")) << shown;
    EXPECT_TRUE(init({"--renew-authority", "--dry-run"}).says("ca/ca.pem"));
    EXPECT_EQ(files(), before);
    ASSERT_EQ(init({"--renew-authority"}).exit, 0);
    const auto after = files();
    EXPECT_EQ(after.at("ca/ca.key"), before.at("ca/ca.key"));
    const std::string& authority = after.at("ca/ca.pem");
    EXPECT_NE(authority, before.at("ca/ca.pem"));
    EXPECT_NE(after.at("server/server.pem"), before.at("server/server.pem"));
    for (const char* file :
         {"server/ca.pem", "users/agent-crm/1/ca.pem", "users/agent-crm/2/ca.pem"}) {
        EXPECT_EQ(after.at(file), authority) << file;
    }
    const Ran renewed = manage({"show"});  // His certificates end as they did.
    EXPECT_FALSE(renewed.says("--renew-authority")) << renewed;
    EXPECT_FALSE(renewed.says("the server's certificate")) << renewed;
    EXPECT_TRUE(renewed.says("security rotate agent-crm")) << renewed;
}

TEST_F(SecurityFiles, ARunThatWasCutShortIsMadeWholeByTheNext) {
    ASSERT_EQ(init().exit, 0);
    ASSERT_EQ(manage({"agent", "add", "crm"}).exit, 0);
    // Known, but not written into what the server reads.
    const fs::path accounts = keys / "server/syncline-accounts.conf";
    const std::string whole = read_all(accounts);
    std::ofstream{accounts} << "accounts: {}\n";
    const Ran shown = manage({"show"});
    EXPECT_EQ(shown.exit, 1) << shown;
    EXPECT_TRUE(shown.says("security.stale")) << shown;
    ASSERT_EQ(init().exit, 0);
    EXPECT_EQ(read_all(accounts), whole);
    // Written, but not known.
    fs::create_directories(keys / "users/agent-erp/1");
    ASSERT_EQ(manage({"agent", "add", "erp"}).exit, 0);
    EXPECT_TRUE(fs::exists(keys / "users/agent-erp/2/key.pem"));
}

TEST_F(SecurityFiles, WhatIsWrongIsSaidAndLosesNothing) {
    EXPECT_TRUE(manage({"show"}).says("security init"));
    EXPECT_EQ(init({"--host", "not a host"}).exit, 2);
    EXPECT_EQ(init({"--listen", "nowhere"}).exit, 2);
    EXPECT_EQ(init({"--place", "not/whole"}).exit, 2);
    EXPECT_FALSE(files().contains("ca/ca.key"));
    ASSERT_EQ(init().exit, 0);
    const auto before = files();
    EXPECT_EQ(manage({"agent", "add", "a.b"}).exit, 2);
    EXPECT_EQ(manage({"agent", "add", "*"}).exit, 2);
    EXPECT_EQ(manage({"agent", "add", "../x"}).exit, 2);
    EXPECT_EQ(manage({"agent", "add", ">"}).exit, 2);
    EXPECT_EQ(manage({"revoke", "agent-crm"}).exit, 4);
    EXPECT_EQ(manage({"rotate", "agent-crm"}).exit, 4);
    EXPECT_EQ(files(), before);
    std::ofstream{keys / "installation.json"} << "{\"version\":1,";
    const Ran damaged = manage({"agent", "add", "crm"});
    EXPECT_NE(damaged.exit, 0);
    EXPECT_TRUE(damaged.says("installation.json")) << damaged;
    EXPECT_FALSE(fs::exists(keys / "users"));
}

TEST_F(SecurityFiles, NotWhereOthersLookOrInARepository) {
    fs::create_directories(folder / "work/.git");
    const Ran tracked = run({"security", "init", (folder / "work/deep/keys").string()});
    EXPECT_EQ(tracked.exit, 2) << tracked;
    EXPECT_TRUE(tracked.says("git")) << tracked;
    EXPECT_FALSE(fs::exists(folder / "work/deep"));
    fs::create_directories(keys);
    fs::permissions(keys, fs::perms::owner_all | fs::perms::group_read);
    const Ran open = init();
    EXPECT_EQ(open.exit, 2) << open;
    EXPECT_TRUE(open.says("chmod 700")) << open;
}

TEST_F(SecurityFiles, WhatEndsSoonIsTold) {
    ASSERT_EQ(init().exit, 0);
    ASSERT_EQ(manage({"viewer", "add", "vic", "--days", "20"}).exit, 0);
    const Ran shown = manage({"show"});
    EXPECT_EQ(shown.exit, 1) << shown;
    EXPECT_TRUE(shown.says("security.expires")) << shown;
    EXPECT_TRUE(shown.says("rotate viewer-vic")) << shown;
}

}  // namespace
}  // namespace syncline::test
