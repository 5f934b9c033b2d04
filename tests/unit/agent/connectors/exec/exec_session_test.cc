// Supervision, with real programs.
#include "agent/connectors/exec/session.h"

#include <csignal>

#include <fcntl.h>
#include <sys/wait.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/agent/connectors/exec/program_fixture.h"

namespace syncline::agent::exec {
namespace {

using testing::HasSubstr;
using namespace std::chrono_literals;
using Steady = std::chrono::steady_clock;

/// Does anything of a process group run on? What was killed may wait a while for its parent.
bool runs_on(const std::string& group) {
    for (const auto& entry : std::filesystem::directory_iterator{"/proc"}) {
        std::ifstream in{entry.path() / "stat"};
        std::string pid, name, state, parent, its_group;
        if (!(in >> pid >> name >> state >> parent >> its_group)) continue;
        if (its_group + "\n" == group && state != "Z" && state != "X") return true;
    }
    return false;
}
bool is_gone(const std::string& group) {
    for (int i = 0; i < 1'000 && runs_on(group); ++i) std::this_thread::sleep_for(2ms);
    return !runs_on(group);
}

class Supervision : public test::ProgramFixture {
protected:
    Session& session() {
        if (!made_) {
            made_ = std::make_unique<Session>(
                std::make_shared<const Settings>(settings), clock,
                [this](std::string_view line) { said.emplace_back(line); });
        }
        return *made_;
    }
    Result<Value::Map> call(Intent intent, std::stop_token stop = {}) {
        return session().call("fetch", {{"record", "1"}}, intent, stop);
    }
    void TearDown() override {
        made_.reset();
        EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "a child is left, maybe a zombie";
        EXPECT_EQ(errno, ECHILD);
    }

    std::vector<std::string> said;

private:
    std::unique_ptr<Session> made_;
};

TEST_F(Supervision, AnswersAndEnds) {
    program("echo '{\"id\":2,\"result\":{\"record\":null}}'; cat >/dev/null; echo >ended");
    EXPECT_TRUE(call(Intent::kRead));
    EXPECT_TRUE(session().capabilities().can_fetch);
    session().close();
    EXPECT_TRUE(std::filesystem::exists(folder / "ended")) << "its input is closed first";
}

struct Misconduct {
    const char* name;
    const char* script;
    const char* says;
};
class Misbehaves : public Supervision, public testing::WithParamInterface<Misconduct> {};
TEST_P(Misbehaves, IsToldAndKilledAndStartedAnew) {
    settings.line_bytes_max = 100'000;
    program(std::string{"echo $$ >pid\n"} + GetParam().script);
    for (const Intent intent : {Intent::kRead, Intent::kWrite}) {
        const auto answer = call(intent);
        ASSERT_FALSE(answer);
        const bool read = intent == Intent::kRead;
        EXPECT_EQ(answer.error().kind, read ? ErrorKind::kUnavailable : ErrorKind::kAmbiguous);
        EXPECT_THAT(answer.error().what, HasSubstr(GetParam().says));
        EXPECT_LT(answer.error().what.size(), 1'000u);
        EXPECT_TRUE(is_gone(content("pid"))) << "something of its group is left";
    }
    const auto opened = session().open({});
    EXPECT_TRUE(opened) << opened.error().what;
}
INSTANTIATE_TEST_SUITE_P(
    Program, Misbehaves,
    testing::Values(
        Misconduct{"plain_text", "echo loading; sleep 60", "the line `loading` is not JSON"},
        Misconduct{"other_id", "echo '{\"id\":1,\"result\":{}}'; sleep 60", "the `id` `1`"},
        Misconduct{"not_utf8", "printf '\\377\\n'; sleep 60", "`\\xff` is not UTF-8"},
        Misconduct{"long_line", "head -c 200000 /dev/zero | tr '\\0' x; echo; sleep 60",
                   "a line of more than 100000 bytes, which begins with `xxx"},
        Misconduct{"floods_a_line", "yes | tr -d '\\n'", "a line of more than 100000 bytes"},
        Misconduct{"floods_lines", "yes", "the line `y` is not JSON"},
        Misconduct{"exits", "echo 'no such module' >&2; exit 3",
                   "it ended with exit code 3; the last line on its standard error: `no such"},
        Misconduct{"killed", "kill -9 $$", "it ended with signal 9 (Killed)"},
        Misconduct{"crashes", "kill -SEGV $$", "it ended with signal 11 (Segmentation fault)"},
        Misconduct{"half_a_line", "printf '{\"id\":2,'; exit 0",
                   "it ended with exit code 0, in the middle of the line `{\"id\":2,`"},
        Misconduct{"closes_stdout", "exec >&-; sleep 60", "it closed its standard output"},
        Misconduct{"leaves_a_child", "sleep 60 & exit 4", "it ended with exit code 4"}),
    [](const auto& row) { return std::string{row.param.name}; });

TEST_F(Supervision, KillsWhatHangs) {
    settings.timeout = 300ms;
    program("trap '' TERM\nsleep 61 & echo $$ >pid\necho waiting >&2\nwait");
    const auto begin = Steady::now();
    const auto answer = call(Intent::kWrite);
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().kind, ErrorKind::kAmbiguous);
    EXPECT_THAT(answer.error().what, HasSubstr("did not answer within 300 ms"));
    EXPECT_THAT(answer.error().what, HasSubstr("`waiting`"));
    EXPECT_LT(Steady::now() - begin, 10s);
    EXPECT_TRUE(is_gone(content("pid")));
}

TEST_F(Supervision, IsKilledInTheMiddleOfAWrite) {
    program("echo $$ >pid; sleep 60");
    std::jthread killer{[this] { ::kill(std::stoi(await("pid")), SIGKILL); }};
    const auto answer = call(Intent::kWrite);
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().kind, ErrorKind::kAmbiguous);
    EXPECT_THAT(answer.error().what, HasSubstr("signal 9 (Killed)"));
}

TEST_F(Supervision, StopsWithinASecond) {
    program("echo $$ >pid; sleep 60");
    std::stop_source stop;
    Steady::time_point asked;
    std::jthread stopper{[&] {
        std::ignore = await("pid");
        asked = Steady::now();
        stop.request_stop();
    }};
    const auto answer = call(Intent::kWrite, stop.get_token());
    stopper.join();
    EXPECT_LT(Steady::now() - asked, 1s);
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().kind, ErrorKind::kAmbiguous);
    EXPECT_THAT(answer.error().what, HasSubstr("as the agent stops"));
}

TEST_F(Supervision, TakesAFloodOnStandardErrorBesideTheAnswer) {
    program("yes noise | head -n 50000 >&2; echo '{\"id\":2,\"result\":{\"record\":null}}'");
    const auto answer = call(Intent::kRead);
    ASSERT_TRUE(answer) << answer.error().what;
    session().close();
    EXPECT_LE(said.size(), StderrLog::kLinesMost * 3);
    EXPECT_THAT(said.back(), HasSubstr("more lines are left out"));
}

TEST_F(Supervision, AFloodOnStandardErrorKeepsNoLimitAway) {
    settings.timeout = 300ms;
    program("yes noise >&2");
    const auto answer = call(Intent::kRead);
    ASSERT_FALSE(answer);
    EXPECT_THAT(answer.error().what, HasSubstr("did not answer within 300 ms"));
}

TEST_F(Supervision, AnAnswerThatNobodyAskedForIsFoundBeforeTheNextRequest) {
    program(
        "echo '{\"id\":2,\"result\":{\"record\":null}}'\n"
        "echo '{\"id\":2,\"result\":{\"record\":null}}'\necho >more; cat");
    ASSERT_TRUE(call(Intent::kWrite)) << "the answer itself is good";
    std::ignore = await("more");
    const auto next = call(Intent::kWrite);
    ASSERT_FALSE(next);
    EXPECT_EQ(next.error().kind, ErrorKind::kUnavailable) << "nothing was sent";
    EXPECT_THAT(next.error().what, HasSubstr("without being asked"));
    EXPECT_THAT(next.error().what, HasSubstr("`{\"id\":2,"));
    EXPECT_TRUE(call(Intent::kWrite)) << "it was started anew";
}

TEST_F(Supervision, TextBeforeHelloIsTold) {
    write("program.sh", "echo Welcome; sleep 60");
    const auto opened = session().open({});
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().kind, ErrorKind::kUnavailable);
    EXPECT_THAT(opened.error().what, HasSubstr("hello: "));
    EXPECT_THAT(opened.error().what, HasSubstr("`Welcome`"));
}

TEST_F(Supervision, StartsAnewWhatEndedWhileItWasIdle) {
    program("echo '{\"id\":2,\"result\":{\"record\":null}}'; echo $$ >pid; exit 5");
    ASSERT_TRUE(call(Intent::kRead));
    for (int i = 0; i < 5'000; ++i) {  // Until it is a zombie.
        std::ifstream in{"/proc/" + content("pid").substr(0, content("pid").find('\n')) + "/stat"};
        std::string word, state;
        in >> word >> word >> state;
        if (state == "Z") break;
        std::this_thread::sleep_for(2ms);
    }
    EXPECT_TRUE(call(Intent::kRead)) << "by a new one, to which ids count from 1 again";
}

TEST_F(Supervision, ARequestThatIsNotReadIsInDoubtOnlyIfSomeOfItWentOut) {
    settings.timeout = 300ms;
    write("program.sh",
          "IFS= read -r hello\nexec 0<&-\n"
          "echo '{\"id\":1,\"result\":{\"protocol\":1}}'\nsleep 60");
    const auto closed = call(Intent::kWrite);
    ASSERT_FALSE(closed);
    EXPECT_EQ(closed.error().kind, ErrorKind::kUnavailable) << closed.error().what;
    write("program.sh",
          "IFS= read -r hello\necho '{\"id\":1,\"result\":{\"protocol\":1}}'\nsleep 60");
    session().close();
    const auto large =
        session().call("update", {{"a", std::string(1 << 20, 'x')}}, Intent::kWrite, {});
    ASSERT_FALSE(large);
    EXPECT_EQ(large.error().kind, ErrorKind::kAmbiguous);
}

TEST_F(Supervision, SendsAndTakesWhatIsLargerThanAPipe) {
    program("printf '{\"id\":2,\"result\":{\"length\":%s}}\\n' ${#line}");
    const auto answer = session().call("x", {{"a", std::string(1 << 20, 'x')}}, Intent::kRead, {});
    ASSERT_TRUE(answer) << answer.error().what;
    EXPECT_GT(*answer->at("length").get<std::int64_t>(), 1 << 20);
}

TEST_F(Supervision, TellsWhatCannotBeStarted) {
    settings.command = {"no-such-program-here"};
    const auto opened = session().open({});
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().kind, ErrorKind::kUnavailable);
    EXPECT_THAT(opened.error().what,
                HasSubstr("`no-such-program-here` cannot be started in " + folder.string()));
    EXPECT_THAT(opened.error().what, HasSubstr("No such file or directory"));
}

TEST_F(Supervision, TellsWhatIsBuiltUponAndMissing) {
    program("cat");
    settings.capabilities = {.can_fetch = true, .create_is_idempotent = true};
    const auto opened = session().open({});
    ASSERT_FALSE(opened);
    EXPECT_THAT(opened.error().what,
                HasSubstr(R"(has the capabilities ["can_fetch", "has_marker"])"));
    EXPECT_THAT(opened.error().what, HasSubstr(R"(["can_fetch", "create_is_idempotent"])"));
}

TEST_F(Supervision, DeniesWhatTheProgramDenies) {
    write(
        "program.sh",
        "read -r hello; echo '{\"id\":1,\"error\":{\"class\":\"denied\",\"text\":\"key\"}}'; cat");
    EXPECT_EQ(session().open({}).error().kind, ErrorKind::kDenied);
}

TEST_F(Supervision, GivesTheProgramItsEnvironmentAndNothingElse) {
    ::setenv("SYNCLINE_TEST_SECRET", "s3cret", 1);
    ::setenv("SYNCLINE_TEST_OTHER", "not for it", 1);
    settings.environment = {
        {"ERP_URL", "https://erp", {}},
        {"ERP_TOKEN", "", Secret{Secret::Source::kEnvironment, "SYNCLINE_TEST_SECRET"}}};
    const int opened_file = ::open("/dev/null", O_RDONLY);
    const int leaked = ::fcntl(opened_file, F_DUPFD, 77);  // As by a library without O_CLOEXEC.
    ::close(opened_file);
    ASSERT_GE(leaked, 77);
    write("program.sh",
          "tr '\\0' '\\n' </proc/$$/environ >environment\nls /proc/$$/fd >files\n"
          "read -r hello; echo '{\"id\":1,\"result\":{\"protocol\":1}}'; cat >/dev/null");
    const auto opened = session().open({});
    ::close(leaked);
    ASSERT_TRUE(opened) << opened.error().what;
    EXPECT_EQ(content("environment"), std::string{"PATH="} + std::getenv("PATH") +
                                          "\nERP_URL=https://erp\nERP_TOKEN=s3cret\n");
    EXPECT_THAT(content("files"), testing::StartsWith("0\n1\n"));
    EXPECT_EQ(content("files").find("\n" + std::to_string(leaked) + "\n"), std::string::npos);
}

TEST_F(Supervision, ASecretThatIsMissingIsSaid) {
    program("cat");
    settings.environment = {
        {"ERP_TOKEN", "", Secret{Secret::Source::kEnvironment, "SYNCLINE_TEST_NO_SUCH"}}};
    const auto opened = session().open({});
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().kind, ErrorKind::kUnavailable);
    EXPECT_THAT(opened.error().what, HasSubstr("environment.ERP_TOKEN: "));
}

TEST_F(Supervision, ThePauseOfALimitIsKept) {
    program(
        "echo '{\"id\":2,\"error\":{\"class\":\"throttled\",\"text\":\"slow\","
        "\"pause_ms\":7000}}'; cat");
    EXPECT_EQ(call(Intent::kRead).error().kind, ErrorKind::kThrottled);
    EXPECT_EQ(session().throttle_pause(), Duration{7s});
    EXPECT_TRUE(session().running()) << "it said so itself; it is well";
}

}  // namespace
}  // namespace syncline::agent::exec
