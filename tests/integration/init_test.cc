// `syncline-agent init` as a process: what it writes is what an agent takes, asked or told; what is
// wrong is said at once, and then nothing is written.
#include <pty.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include <gtest/gtest.h>

#include "tests/support/mariadb_server.h"
#include "tests/support/postgres_server.h"
#include "tests/support/sqlite_file.h"

namespace syncline::test {
namespace {

namespace fs = std::filesystem;

struct Ended {
    int exit = -1;
    std::string said;
};

std::string content(const fs::path& file) {
    std::ifstream in{file, std::ios::binary};
    return {std::istreambuf_iterator<char>{in}, {}};
}

class Init : public testing::Test {
protected:
    Init() {
        std::string pattern = (fs::temp_directory_path() / "syncline-init-XXXXXX").string();
        if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp " + pattern);
        folder_ = pattern;
    }
    ~Init() override {
        std::error_code ignored;
        fs::remove_all(folder_, ignored);
    }

    /// Runs the agent in our folder; `input` is what a person would type.
    [[nodiscard]] Ended run(const std::string& words, const std::string& input = {}) const {
        std::ofstream{folder_ / "input"} << input;
        const std::string line = "cd '" + folder_.string() +
                                 "' && '" SYNCLINE_BIN_DIR "/syncline-agent' " + words +
                                 " < input 2>&1";
        Ended ended;
        FILE* const pipe = ::popen(line.c_str(), "r");
        if (pipe == nullptr) throw std::runtime_error("popen");
        char part[4096];
        for (std::size_t got = 0; (got = std::fread(part, 1, sizeof part, pipe)) > 0;) {
            ended.said.append(part, got);
        }
        const int status = ::pclose(pipe);
        ended.exit = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
        return ended;
    }
    [[nodiscard]] Ended init(const std::string& words, const std::string& input = {}) const {
        return run("init --profiles '" SYNCLINE_SOURCE_DIR "/configs/profiles' " + words, input);
    }
    /// What an agent says of the file.
    void expect_sound(const std::string& file) const {
        const Ended checked = run("--check-config --config " + file);
        EXPECT_EQ(checked.exit, 0) << checked.said << content(folder_ / file);
    }
    [[nodiscard]] std::string file(const std::string& name) const {
        return content(folder_ / name);
    }

    fs::path folder_;
};

bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

TEST_F(Init, ListsEachProfileAndConnectorWithOneLine) {
    const Ended listed = init("--list");
    EXPECT_EQ(listed.exit, 0);
    for (const auto& entry : fs::directory_iterator{SYNCLINE_SOURCE_DIR "/configs/profiles"}) {
        if (entry.path().extension() != ".toml") continue;
        const std::string name = entry.path().stem();
        const auto at = listed.said.find("  " + name + " ");
        ASSERT_NE(at, std::string::npos) << name;
        const std::string line = listed.said.substr(at, listed.said.find('\n', at) - at);
        EXPECT_GT(line.find_last_not_of(' '), 20u) << "no summary: " << line;
    }
    for (const char* kind : {"rest", "postgres", "mariadb", "sqlite", "webhook", "file", "exec"}) {
        EXPECT_TRUE(has(listed.said, "  " + std::string{kind} + " ")) << kind;
    }
}

TEST_F(Init, WritesFromSettingsWhatAnAgentTakesAndNoSecret) {
    const Ended done = init(
        "--profile zendesk -o support.toml --set platform=support"
        " --set connector.base_url=https://acme.zendesk.example"
        " --set connector.auth.username=me@acme.example/token"
        " --set connector.auth.password=env:ZENDESK_TOKEN --set poll_ms=20000"
        " --set objects.case.native=tickets --set objects.case.fields.title=subject"
        " --set objects.case.fields.due:timestamp=due_at"
        " --set objects.case.fields.due.write=false"
        " --set 'objects.case.create.comment.body=Told by \"another\" system'");
    EXPECT_EQ(done.exit, 0) << done.said;
    EXPECT_TRUE(has(done.said, "syncline-agent probe support.toml")) << done.said;
    expect_sound("support.toml");
    const std::string text = file("support.toml");
    for (const char* line :
         {"platform = \"support\"\n", "store = \"/var/lib/syncline/support.db\"\n",
          "poll_ms = 20000\n", "urls = [\"nats://127.0.0.1:4222\"]\n",
          "password = { env = \"ZENDESK_TOKEN\" }\n", "title = \"subject\"\n",
          "due = { path = \"due_at\", type = \"timestamp\", write = false }\n",
          "\"comment.body\" = \"Told by \\\"another\\\" system\"\n",
          "# The platform's name in the policy.\n"}) {
        EXPECT_TRUE(has(text, line)) << line << "\n" << text;
    }
    EXPECT_TRUE(has(text, "[connector]\nkind = \"rest\"\n")) << "whatever came first\n" << text;
    EXPECT_FALSE(has(text, "key = ")) << "the profile's own is left to it\n" << text;
}

struct ProfileCase {
    const char* profile;
    const char* settings;
};
class InitProfile : public Init, public testing::WithParamInterface<ProfileCase> {};

TEST_P(InitProfile, IsBegunByTheLeastThatItNeeds) {
    const ProfileCase& row = GetParam();
    const std::string settings = std::string{"--profile "} + row.profile + " -o a.toml" +
                                 " --set connector.base_url=https://acme.example " + row.settings +
                                 " --set objects.customer.native=Account"
                                 " --set objects.customer.fields.name=Name";
    const Ended done = init(settings);
    EXPECT_EQ(done.exit, 0) << done.said;
    expect_sound("a.toml");
    EXPECT_TRUE(has(done.said, "/etc/syncline/credentials/" + std::string{row.profile} + "/"));
}
constexpr const char* kUser = "--set connector.auth.username=me";
constexpr const char* kClient = "--set connector.auth.client_id=me";
INSTANTIATE_TEST_SUITE_P(
    All, InitProfile,
    testing::Values(ProfileCase{"business_central", kClient}, ProfileCase{"erpnext", ""},
                    ProfileCase{"generic", ""}, ProfileCase{"hubspot", ""}, ProfileCase{"odoo", ""},
                    ProfileCase{"request_tracker", ""}, ProfileCase{"salesforce", kClient},
                    ProfileCase{"sap_s4hana", kUser}, ProfileCase{"servicenow", kUser},
                    ProfileCase{"tryton", kUser}, ProfileCase{"zendesk", kUser}),
    [](const auto& row) { return std::string{row.param.profile}; });

struct ConnectorCase {
    const char* kind;
    const char* settings;
};
class InitConnector : public Init, public testing::WithParamInterface<ConnectorCase> {};

TEST_P(InitConnector, IsBegunByTheLeastThatItNeeds) {
    const ConnectorCase& row = GetParam();
    const Ended done = init(std::string{"--connector "} + row.kind + " -o a.toml " + row.settings +
                            " --set objects.customer.native=customers"
                            " --set objects.customer.key=id"
                            " --set objects.customer.fields.name=name");
    EXPECT_EQ(done.exit, 0) << done.said;
    expect_sound("a.toml");
}
INSTANTIATE_TEST_SUITE_P(
    All, InitConnector,
    testing::Values(ConnectorCase{"postgres",
                                  "--set connector.host=db --set connector.database=erp"},
                    ConnectorCase{"mariadb",
                                  "--set connector.host=db --set connector.database=erp"
                                  " --set objects.customer.changed=updated_at"},
                    ConnectorCase{"sqlite", "--set connector.file=app.db"},
                    ConnectorCase{"webhook", "--set connector.listen=127.0.0.1:8090"},
                    ConnectorCase{"file", "--set connector.directory=drops"},
                    ConnectorCase{"exec", "--set 'connector.command=python3 erp.py'"}),
    [](const auto& row) { return std::string{row.param.kind}; });

struct WrongCase {
    const char* name;
    const char* words;
    std::vector<std::string> says;
};
void PrintTo(const WrongCase& row, std::ostream* out) { *out << row.name; }
class InitWrong : public Init, public testing::WithParamInterface<WrongCase> {};

TEST_P(InitWrong, IsSaidAndNothingIsWritten) {
    const Ended done = init(std::string{GetParam().words} + " -o a.toml");
    EXPECT_EQ(done.exit, 2) << done.said;
    for (const std::string& part : GetParam().says) EXPECT_TRUE(has(done.said, part)) << done.said;
    EXPECT_FALSE(has(done.said, "s3cret"));
    EXPECT_FALSE(fs::exists(folder_ / "a.toml"));
    EXPECT_FALSE(fs::exists(folder_ / "a.toml.part"));
}
INSTANTIATE_TEST_SUITE_P(
    Each, InitWrong,
    testing::Values(
        WrongCase{"a_misspelt_profile",
                  "--profile zendesc --set platform=a",
                  {"there is no ", "did you mean `zendesk`?"}},
        WrongCase{"a_misspelt_connector",
                  "--connector sqlitee --set platform=a",
                  {"--connector sqlitee: there is no such kind; did you mean `sqlite`?"}},
        WrongCase{"neither", "--set platform=a", {"--profile NAME or --connector KIND is missing"}},
        WrongCase{"all_that_is_missing_at_once",
                  "--profile zendesk --set platform=Support",
                  {"--set platform: must be a name as the policy has it",
                   "--set connector.base_url=... is missing",
                   "--set connector.auth.username=... is missing",
                   "--set objects.OBJECT.native=... is missing"}},
        WrongCase{"a_secret_itself",
                  "--profile hubspot --set connector.base_url=https://a.example"
                  " --set connector.auth.token=s3cret --set objects.customer.native=companies"
                  " --set objects.customer.fields.name=properties.name",
                  {"--set connector.auth.token: must be credential:NAME, file:PATH or env:NAME"}},
        WrongCase{"an_address_that_is_none",
                  "--profile hubspot --set connector.base_url=api.hubapi.com"
                  " --set objects.customer.native=companies --set objects.customer.fields.n=p",
                  {"--set connector.base_url: must be like https://host[:port][/path]"}},
        WrongCase{
            "a_setting_that_there_is_not",
            "--connector file --set connector.directory=d --set connector.readdy=rename"
            " --set objects.customer.native=c --set objects.customer.key=no"
            " --set objects.customer.fields.name=name",
            {"an agent would refuse it", "unknown key `connector.readdy`; did you mean `ready`?"}},
        WrongCase{"what_is_misspelled_beside_what_is_missing",
                  "--profile hubspot --set connector.base_ulr=https://a.example"
                  " --set objects.customer.native=companies --set objects.customer.fields.n=p",
                  {"--set connector.base_url=... is missing",
                   "--set: unknown key `connector.base_ulr`; did you mean `base_url`?"}},
        WrongCase{"a_type_that_there_is_not",
                  "--connector file --set connector.directory=d --set objects.customer.native=c"
                  " --set objects.customer.key=no --set objects.customer.fields.limit:money=limit",
                  {"`objects.customer.fields.limit.type` must be"}},
        WrongCase{"no_setting_at_all", "--connector file --set platform", {"must be KEY=VALUE"}},
        WrongCase{"a_field_that_no_policy_has",
                  "--connector file --set objects.customer.fields.Name=name",
                  {"--set objects.customer.fields.Name: `Name` is no name"}},
        WrongCase{"columns_that_cannot_be_read",
                  "--connector sqlite --set connector.file=none.db --set objects.a.native=t",
                  {"--set objects.a.fields.FIELD=PATH is missing, and the columns could not be "
                   "read"}}),
    [](const auto& row) { return std::string{row.param.name}; });

TEST_F(Init, CheckSaysWhatAnAgentWould) {
    std::ofstream{folder_ / "a.toml"} << "platfrom = \"crm\"\n[connector]\nkind = \"file\"\n";
    for (const char* words : {"check a.toml", "--config a.toml --check-config"}) {
        const Ended done = run(words);
        EXPECT_EQ(done.exit, 2) << words;
        EXPECT_TRUE(has(done.said, "a.toml:1:1: unknown key `platfrom`")) << done.said;
    }
    const Ended bare = run("a.toml");
    EXPECT_EQ(bare.exit, 2);
    EXPECT_TRUE(has(bare.said, "syncline-agent --config a.toml")) << bare.said;
    EXPECT_FALSE(has(run("nonsense").said, "--config nonsense"));
}

TEST_F(Init, AProfileThatIsNotThereIsSaidWithWhereItWasLookedFor) {
    const std::string settings =
        "platform = \"a\"\nstore = \"a.db\"\n[connector]\nkind = \"rest\"\n"
        "base_url = \"http://a.example\"\nprofile = ";
    std::ofstream{folder_ / "a.toml"} << settings << "\"hotel\"\n";
    std::ofstream{folder_ / "b.toml"} << settings << "\"p/hotel.toml\"\n";
    fs::create_directory(folder_ / "profiles");
    const std::string by_name = run("check a.toml").said;
    EXPECT_TRUE(has(by_name, "`connector.profile`: there is no ")) << by_name;
    EXPECT_TRUE(has(by_name, "a name is looked for in " + (folder_ / "profiles").string()));
    const std::string by_path = run("check b.toml").said;
    EXPECT_TRUE(has(by_path, "a path is taken from the folder of the file")) << by_path;
    // Cases find it where the agent does.
    fs::copy_file(SYNCLINE_SOURCE_DIR "/configs/profiles/odoo.toml",
                  folder_ / "profiles" / "hotel.toml");
    std::ofstream{folder_ / "cases.toml"}
        << "[connector]\nprofile = \"hotel\"\nbase_url = \"http://a.example\"\n"
           "[connector.auth]\ntoken = { env = \"SYNCLINE_CASE_SECRET\" }\n"
           "[objects.customer]\nnative = \"res.partner\"\n"
           "[objects.customer.fields]\nname = \"name\"\n";
    const Ended cases = run("cases cases.toml");
    EXPECT_EQ(cases.exit, 0) << cases.said;
    EXPECT_TRUE(has(cases.said, "0 of 0 cases hold")) << cases.said;
}

TEST_F(Init, ReplacesAFileOnlyWhenForced) {
    const std::string words =
        "--connector file --set connector.directory=d --set objects.customer.native=c"
        " --set objects.customer.key=no --set objects.customer.fields.name=name";
    std::ofstream{folder_ / "a.toml"} << "mine";
    const Ended refused = init(words + " -o a.toml");
    EXPECT_EQ(refused.exit, 2);
    EXPECT_TRUE(has(refused.said, "a.toml is there already; --force replaces it")) << refused.said;
    EXPECT_EQ(file("a.toml"), "mine");
    EXPECT_EQ(init(words + " --force -o a.toml").exit, 0);
    expect_sound("a.toml");
    const Ended nowhere = init(words + " --force -o none/a.toml");
    EXPECT_EQ(nowhere.exit, 1);
    EXPECT_TRUE(has(nowhere.said, "cannot be written: No such file or directory")) << nowhere.said;
}

TEST_F(Init, AsksUntilAnAnswerWillDo) {
    const Ended done = init("", R"(zendesk
Support
support


ftp://acme

https://acme.zendesk.example

me@acme.example/token
hunter2
file:/etc/syncline/zendesk
Case
case
tickets



title
title = subject
due:timestamp = due_at
no good = x


)");
    EXPECT_EQ(done.exit, 0) << done.said;
    EXPECT_TRUE(has(done.said, "must be like https://host")) << done.said;
    EXPECT_TRUE(has(done.said, "the secret itself belongs into no file"));
    EXPECT_TRUE(has(done.said, "must be FIELD = PATH, such as"));
    EXPECT_TRUE(has(done.said, "`no good` is no name that a policy can have"));
    EXPECT_TRUE(has(done.said, "connector.auth.kind"));
    expect_sound("support.toml");
    const std::string text = file("support.toml");
    EXPECT_TRUE(has(text, "password = { file = \"/etc/syncline/zendesk\" }")) << text;
    EXPECT_TRUE(has(text, "due = { path = \"due_at\", type = \"timestamp\" }")) << text;
    EXPECT_FALSE(has(text, "hunter2"));
}

TEST_F(Init, AnswersThatEndTooSoonWriteNothing) {
    const Ended done = init("--connector file", "legacy\n\n");
    EXPECT_EQ(done.exit, 2);
    EXPECT_TRUE(has(done.said, "the answers ended at `nats.urls`; nothing is written"))
        << done.said;
    EXPECT_FALSE(fs::exists(folder_ / "legacy.toml"));
}

TEST_F(Init, AsksAtATerminal) {
    const std::string text =
        "legacy\n\n\n\n/srv/legacy\ncustomer\ncustomers\nno\nname = name\n\n\n";
    int terminal = -1;
    const pid_t pid = ::forkpty(&terminal, nullptr, nullptr, nullptr);
    ASSERT_GE(pid, 0);
    if (pid == 0) {
        if (::chdir(folder_.c_str()) == 0) {
            ::execl(SYNCLINE_BIN_DIR "/syncline-agent", "syncline-agent", "init", "--connector",
                    "file", nullptr);
        }
        ::_exit(127);
    }
    ASSERT_EQ(::write(terminal, text.data(), text.size()), static_cast<ssize_t>(text.size()));
    std::string said;
    char part[1024];
    for (ssize_t got = 0; (got = ::read(terminal, part, sizeof part)) > 0;) {
        said.append(part, static_cast<std::size_t>(got));
    }
    int status = 0;
    ASSERT_EQ(::waitpid(pid, &status, 0), pid);
    ::close(terminal);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << said;
    EXPECT_TRUE(has(said, "connector.directory: ")) << said;
    expect_sound("legacy.toml");
}

TEST_F(Init, ProposesTheColumnsOfAnSqliteTable) {
    SqliteClient{folder_ / "app.db"}.run(
        "CREATE TABLE customers (id INTEGER PRIMARY KEY, number TEXT UNIQUE, \"Full Name\" TEXT,"
        " photo BLOB, active BOOLEAN, syncline_id TEXT UNIQUE, updated_at TEXT);"
        "INSERT INTO customers VALUES (1, '17', 'Ada', NULL, 1, NULL, '2026-01-05 10:11:12')");
    const Ended done = init(
        "--connector sqlite -o till.toml --set platform=till --set store=till.db"
        " --set connector.file=app.db --set objects.customer.native=customers --probe");
    EXPECT_EQ(done.exit, 0) << done.said;
    EXPECT_TRUE(has(done.said, "`photo` is left out")) << done.said;
    EXPECT_TRUE(has(done.said, "1 record read")) << "--probe looks at once\n" << done.said;
    expect_sound("till.toml");
    const std::string text = file("till.toml");
    for (const char* line :
         {"key = \"id\"\n", "marker = \"syncline_id\"\n", "changed = \"updated_at\"\n",
          "number = \"number\"\n", "full_name = \"Full Name\"\n",
          "active = { path = \"active\", type = \"bool\" }\n"}) {
        EXPECT_TRUE(has(text, line)) << line << "\n" << text;
    }
    EXPECT_FALSE(has(text, "\nid = ")) << "the database counts it up: no field\n" << text;
}

TEST_F(Init, ATableWithoutStampIsFollowedByTriggers) {
    SqliteClient{folder_ / "app.db"}.run("CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT)");
    const Ended none = init("--connector sqlite -o a.toml", "till\n\n\n\napp.db\nsale\nnothing\n");
    EXPECT_EQ(none.exit, 2);
    EXPECT_TRUE(has(none.said, "the columns could not be read: there is no table `nothing`"))
        << none.said;
    // The columns are taken as proposed.
    const Ended good =
        init("--connector sqlite -o a.toml", "till\n\n\n\napp.db\nsale\nt\nyes\n\n\n\n\n");
    EXPECT_EQ(good.exit, 0) << good.said;
    EXPECT_TRUE(has(good.said, "syncline-agent triggers a.toml")) << good.said;
    EXPECT_TRUE(has(file("a.toml"), "outbox = true\n"));
    const Ended triggers = run("triggers a.toml");
    EXPECT_EQ(triggers.exit, 0) << triggers.said;
}

TEST_F(Init, ProposesTheColumnsOfAPostgresTable) {
    PostgresServer server;
    server.start();
    PostgresClient{server, "postgres"}.run(
        "CREATE TABLE public.customers (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
        " name text, credit numeric(12,2), since date, vip boolean, attributes jsonb,"
        " syncline_id text UNIQUE, updated_at timestamptz)");
    const std::string words =
        "--connector postgres -o erp.toml --set connector.host=" + server.socket_folder() +
        " --set connector.port=" + std::to_string(server.port()) +
        " --set connector.database=postgres --set connector.user=postgres"
        " --set connector.password=none";
    const Ended done = init(words + " --set objects.customer.native=customers");
    EXPECT_EQ(done.exit, 0) << done.said;
    expect_sound("erp.toml");
    const std::string text = file("erp.toml");
    for (const char* line :
         {"key = \"id\"\n", "marker = \"syncline_id\"\n", "changed = \"updated_at\"\n",
          "credit = { path = \"credit\", type = \"decimal\" }\n", "name = \"name\"\n",
          "since = { path = \"since\", type = \"date\" }\n"}) {
        EXPECT_TRUE(has(text, line)) << line << "\n" << text;
    }
    EXPECT_FALSE(has(text, "attributes"));
    const Ended none = init(words + " --force --set objects.customer.native=nothing");
    EXPECT_EQ(none.exit, 2);
    EXPECT_TRUE(has(none.said, "there is no table \"public\".\"nothing\"")) << none.said;
}

TEST_F(Init, ProposesTheColumnsOfAMariadbTable) {
    MariadbServer server;
    server.start();
    MariadbClient{server, ""}.run("CREATE DATABASE erp");
    MariadbClient{server, "erp"}.run(
        "CREATE TABLE customers (no varchar(20) PRIMARY KEY, name text,"
        " credit decimal(12,2), photo blob,"
        " updated_at timestamp(6))");
    const Ended done =
        init("--connector mariadb -o erp.toml --set connector.host=" + server.socket() +
             " --set connector.database=erp --set connector.user=root"
             " --set connector.password=none"
             " --set objects.customer.native=customers");
    EXPECT_EQ(done.exit, 0) << done.said;
    expect_sound("erp.toml");
    const std::string text = file("erp.toml");
    for (const char* line : {"key = \"no\"\n", "no = \"no\"\n", "changed = \"updated_at\"\n",
                             "credit = { path = \"credit\", type = \"decimal\" }\n"}) {
        EXPECT_TRUE(has(text, line)) << line << "\n" << text;
    }
}

}  // namespace
}  // namespace syncline::test
