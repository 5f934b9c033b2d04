// synclinectl as a child process against a real server that holds what hubs and agents write.
#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "hub/core/state_codec.h"
#include "shared/base/clock.h"
#include "shared/base/json.h"
#include "shared/nats/event_loop.h"
#include "shared/nats/nats_link.h"
#include "shared/nats/streams.h"
#include "shared/wire/codec.h"
#include "shared/wire/subjects.h"
#include "tests/support/nats_server.h"

namespace syncline {
namespace {

using namespace std::chrono_literals;
using test::NatsServer;

constexpr Duration kMost = 20s;
constexpr std::uint16_t kPartitions = 4;
const ObjectName kCustomer{"customer"};

// ---- The program. -----------------------------------------------------------------------------

struct Ran {
    int exit = -1;
    std::string out;
    std::string err;

    /// The envelope of --json.
    [[nodiscard]] Value::Map json() const {
        const auto parsed = parse_json(out);
        EXPECT_TRUE(parsed) << out << err;
        return parsed ? *parsed->get<Value::Map>() : Value::Map{};
    }
    [[nodiscard]] bool says(std::string_view text) const {
        return out.find(text) != std::string::npos || err.find(text) != std::string::npos;
    }
};
std::ostream& operator<<(std::ostream& out, const Ran& ran) {
    return out << "exit " << ran.exit << "\n" << ran.out << ran.err;
}

std::string read_all(const std::filesystem::path& file) {
    std::ifstream in{file, std::ios::binary};
    return {std::istreambuf_iterator<char>{in}, {}};
}

/// A run that may still go on; its output goes to files, so that no pipe can fill up.
class Child {
public:
    explicit Child(std::vector<std::string> words) {
        std::string pattern = (std::filesystem::temp_directory_path() / "ctl-XXXXXX").string();
        folder_ = ::mkdtemp(pattern.data());
        words.insert(words.begin(), SYNCLINE_BIN_DIR "/synclinectl");
        std::vector<char*> argv;
        for (std::string& word : words) argv.push_back(word.data());
        argv.push_back(nullptr);
        const std::string out = folder_ / "out";
        const std::string err = folder_ / "err";
        pid_ = ::fork();
        if (pid_ == 0) {
            const int in_fd = ::open("/dev/null", O_RDONLY);
            const int out_fd = ::open(out.c_str(), O_CREAT | O_WRONLY, 0600);
            const int err_fd = ::open(err.c_str(), O_CREAT | O_WRONLY, 0600);
            ::dup2(in_fd, 0);
            ::dup2(out_fd, 1);
            ::dup2(err_fd, 2);
            ::execv(argv[0], argv.data());
            ::_exit(127);
        }
    }
    ~Child() {
        if (pid_ > 0) {
            ::kill(pid_, SIGKILL);
            ::waitpid(pid_, nullptr, 0);
        }
        std::filesystem::remove_all(folder_);
    }
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;

    [[nodiscard]] std::string out() const { return read_all(folder_ / "out"); }
    void interrupt() const { ::kill(pid_, SIGINT); }
    [[nodiscard]] Ran wait() {
        int status = 0;
        ::waitpid(pid_, &status, 0);
        pid_ = 0;
        return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, out(), read_all(folder_ / "err")};
    }

private:
    std::filesystem::path folder_;
    pid_t pid_ = 0;
};

Ran run(std::vector<std::string> words) { return Child{std::move(words)}.wait(); }

// ---- What hubs and agents would have written. -------------------------------------------------

struct Ack final : nats::PublishSink {
    void on_published(std::uint64_t, const Result<std::uint64_t>& sequence) override {
        told = sequence;
    }
    std::optional<Result<std::uint64_t>> told;
};

struct Inbox final : nats::MessageSink {
    void on_message(const nats::InMessage& message) override {
        bodies.emplace_back(message.body);
    }
    std::vector<std::string> bodies;
};

class SynclinectlTest : public testing::Test {
protected:
    SynclinectlTest()
        : link(loop, {.urls = {server.url()}, .name = "test", .io_buffer_bytes = 32U << 10}) {
        EXPECT_TRUE(until([&] { return link.connected(); }));
    }

    [[nodiscard]] bool until(const std::function<bool()>& condition) {
        for (const Duration end = clock.steady() + kMost; !condition();) {
            if (clock.steady() > end) return false;
            loop.poll(20ms);
        }
        return true;
    }
    nats::StreamInfo ensure(const nats::StreamConfig& config) {
        std::optional<Result<nats::StreamInfo>> made;
        link.ensure_stream(config, [&](auto told) { made = told; });
        EXPECT_TRUE(until([&] { return made.has_value(); }));
        EXPECT_TRUE(made->has_value());
        return **made;
    }
    void install() {
        for (const auto& config : nats::stream_configs({.partitions = kPartitions})) {
            const nats::StreamInfo info = ensure(config);
            if (config.name == subjects::kStreamIn) inputs_created = info.created;
            if (config.name == subjects::kStreamCommands) commands_created = info.created;
        }
    }
    std::uint64_t put(const std::string& subject, const std::string& body) {
        Ack ack;
        link.publish({.subject = subject, .body = body, .headers = {}, .expected_sequence = {}},
                     &ack, 1);
        EXPECT_TRUE(until([&] { return ack.told.has_value(); }));
        EXPECT_TRUE(ack.told->has_value()) << subject;
        return ack.told->value_or(0);
    }

    [[nodiscard]] EntityKey ada() const { return {kCustomer, founded_entity(record())}; }
    static RecordKey record() { return {PlatformId{"crm"}, kCustomer, RecordId{"003"}}; }

    /// Ada: known to crm and erp, which differ in `phone`; one command out, one exception open.
    [[nodiscard]] hub::EntityState ada_state() const {
        hub::EntityState state;
        state.key = ada();
        state.version = 7;
        state.policy = "abcdef0123456789";
        const Timestamp at{1'767'607'872'000'000'000};  // 2026-01-05T10:11:12Z.
        state.set(FieldName{"email"}, Value{"ada@example.com"}, {PlatformId{"crm"}, {1, 2}, at});
        state.set(FieldName{"phone"}, Value{"+44 1"}, {PlatformId{"erp"}, {3, 1}, at});
        hub::RecordState& crm = state.record_or_new(PlatformId{"crm"});
        crm.record = RecordId{"003"};
        crm.presence = hub::Presence::kPresent;
        crm.rev = {1, 2};
        crm.generation = 4;
        crm.mirror = Fields{{FieldName{"email"}, Value{"ada@example.com"}},
                            {FieldName{"phone"}, Value{"+44 \x1b[31m9"}}};
        crm.pending = hub::Pending{CommandKind::kUpdate,
                                   Fields{{FieldName{"phone"}, Value{"+44 1"}}},
                                   Fields{{FieldName{"phone"}, Value{"+44 9"}}},
                                   at};
        hub::RecordState& erp = state.record_or_new(PlatformId{"erp"});
        erp.record = RecordId{"C-17"};
        erp.presence = hub::Presence::kPresent;
        erp.mirror = Fields{{FieldName{"phone"}, Value{"+44 1"}}};
        hub::OpenException open;
        open.kind = "command.rejected";
        open.platform = PlatformId{"erp"};
        open.fields = {FieldName{"email"}};
        open.reason = "erp says: no such domain";
        open.proposed = Fields{{FieldName{"email"}, Value{"ada@example.com"}}};
        open.since = at;
        state.exceptions.push_back(open);
        return state;
    }
    std::uint64_t put_state(const hub::EntityState& state) {
        return put(subjects::entity(state.key, entity_partition(state.key, kPartitions)),
                   encode(state));
    }
    std::uint64_t put_exception(const EntityKey& entity, const char* kind, const char* platform,
                                hub::ExceptionStatus status = hub::ExceptionStatus::kOpen,
                                std::string raw = {}) {
        hub::ExceptionRecord record;
        record.kind = kind;
        record.entity = entity;
        record.platform = PlatformId{platform};
        record.status = status;
        record.reason = "erp says: no such domain";
        record.proposed = Fields{{FieldName{"email"}, Value{"ada@example.com"}}};
        record.canonical = Fields{{FieldName{"email"}, Value{"old@example.com"}}};
        record.opened_at = record.updated_at = clock.now();
        record.raw = std::move(raw);
        return put(subjects::exception(entity, std::string{kind} + "@" + platform), encode(record));
    }
    void put_ada() {
        put_state(ada_state());
        put(subjects::link(record()), hub::encode_reference(ada().entity));
        put(subjects::match_key(kCustomer, "email", "ada@example.com"),
            hub::encode_reference(ada().entity));
        put_exception(ada(), "command.rejected", "erp");
    }
    void put_mark(std::uint16_t partition, std::uint64_t floor, const char* holder) {
        hub::Mark mark;
        mark.partition = Partition{partition};
        mark.fence = 3;
        mark.holder = HubId{holder};
        mark.inputs_created = inputs_created;
        mark.commands_created = commands_created;
        mark.floor = floor;
        mark.sources = {{PlatformId{"crm"}, {1, 1}}};
        put(subjects::mark(Partition{partition}), encode(mark));
    }
    void put_presence() {
        put(subjects::hub_presence(HubId{"h1"}),
            R"({"hub":"h1","version":"0.1.0","policy":"abcdef0123456789","partitions":[0,1,2,3],)"
            R"("in_work":0,"counts":{"inputs":12,"decisions":5,"commands":2,"conflicts":0}})");
        put(subjects::agent_presence(PlatformId{"crm"}),
            R"({"platform":"crm","version":"0.1.0","epoch":"1767607872000000000",)"
            R"("waiting_entries":0,"spool_bytes":4096,"breaker":"closed","trouble":"",)"
            R"("last_read_at":"2026-01-05T10:11:12Z"})");
    }
    [[nodiscard]] Change change(std::uint64_t n, const char* email) const {
        Change change;
        change.key = record();
        change.entity = ada().entity;
        change.number = {entity_partition(ada(), kPartitions), {1, n}};
        change.rev = {1, n};
        change.fields = Fields{{FieldName{"email"}, Value{email}}};
        change.seen_at = clock.now();
        return change;
    }
    std::uint64_t put_change(const Change& change) {
        return put(subjects::change(change.key, change.number.partition), wire::encode(change));
    }
    std::uint64_t put_log(std::uint64_t version, Timestamp at, const char* email) {
        hub::LogEntry entry;
        entry.entity = ada();
        entry.version = version;
        entry.at = at;
        entry.policy = "abcdef0123456789";
        entry.inputs = {"crm change 1/1/" + std::to_string(version)};
        entry.decisions.push_back({FieldName{"email"}, PlatformId{"crm"}, Value{"old@example.com"},
                                   Value{email}, hub::Verdict::kAccepted, "customer.toml:12"});
        entry.commands.push_back({PlatformId{"erp"}, CommandKind::kUpdate, 3, {FieldName{"email"}}});
        entry.notes = {"crm record 003 linked"};
        return put(subjects::log(ada()), encode(entry));
    }
    [[nodiscard]] std::vector<std::string> words(std::vector<std::string> more) const {
        more.insert(more.begin(), {"--server", server.url(), "--timeout", "5"});
        return more;
    }
    [[nodiscard]] Ran ctl(std::vector<std::string> more) const { return run(words(std::move(more))); }
    [[nodiscard]] Ran ctl_json(std::vector<std::string> more) const {
        more.insert(more.begin(), "--json");
        return ctl(std::move(more));
    }

    NatsServer server;
    SystemClock clock;
    nats::EventLoop loop;
    nats::NatsLink link;
    Timestamp inputs_created;
    Timestamp commands_created;
};

const Value::Map& map_in(const Value& value) { return *value.get<Value::Map>(); }

std::vector<std::string> codes(const Value::Map& envelope) {
    std::vector<std::string> out;
    for (const Value& finding : *envelope.at("findings").get<Value::List>()) {
        out.push_back(*map_in(finding).at("code").get<std::string>());
    }
    return out;
}
bool has_code(const Value::Map& envelope, const char* code) {
    const auto all = codes(envelope);
    return std::ranges::find(all, code) != all.end();
}

// ---- Usage and reaching NATS. -----------------------------------------------------------------

TEST(SynclinectlAlone, WrongUsageIsTwo) {
    EXPECT_EQ(run({}).exit, 2);
    EXPECT_EQ(run({"nonsense"}).exit, 2);
    EXPECT_EQ(run({"exceptions", "accept", "customer"}).exit, 2);
    EXPECT_EQ(run({"--server", "http://localhost", "status"}).exit, 2);
    EXPECT_EQ(run({"--server", "nats://u:geheim@127.0.0.1:1", "status"}).says("geheim"), false);
    EXPECT_EQ(run({"replay"}).exit, 2);
    EXPECT_EQ(run({"tap", "--kind", "everything"}).exit, 2);
    const Ran json = run({"--json", "nonsense"});
    EXPECT_EQ(json.exit, 2);
    EXPECT_EQ(json.json().at("ok"), Value{false});
}

TEST(SynclinectlAlone, HelpAndVersionNeedNoServer) {
    const Ran help = run({"--help"});
    EXPECT_EQ(help.exit, 0);
    EXPECT_TRUE(help.says("Exit codes: 0 fine; 1"));
    const Ran version = run({"version", "--json"});
    EXPECT_EQ(version.exit, 0);
    EXPECT_EQ(version.json().at("command"), Value{"version"});
}

TEST(SynclinectlAlone, AServerThatIsDownIsThree) {
    const NatsServer down{{.start = NatsServer::Options::Start::kLater}};
    for (const auto& words : std::vector<std::vector<std::string>>{
             {"status"}, {"entity", "show", "customer", "x"}, {"doctor"}, {"tap"}}) {
        auto all = words;
        all.insert(all.begin(), {"--server", down.url(), "--timeout", "0.5", "--json"});
        const Ran ran = run(all);
        EXPECT_EQ(ran.exit, 3) << ran;
        const auto error = map_in(ran.json().at("error"));
        EXPECT_EQ(error.at("kind"), Value{"unavailable"});
        EXPECT_NE(error.at("message").get<std::string>()->find("SYNCLINE_NATS_URL"),
                  std::string::npos);
    }
}

TEST(SynclinectlAlone, PoliciesAreCheckedWithoutAServer) {
    const std::string good = SYNCLINE_SOURCE_DIR "/configs/policy";
    const Ran fine = run({"policy", "check", good, "--json"});
    EXPECT_EQ(fine.exit, 0) << fine;
    EXPECT_EQ(map_in(fine.json().at("data")).at("errors"), Value{0});
    EXPECT_EQ(run({"policy", "check", "/nowhere/at/all"}).exit, 2);

    const std::filesystem::path folder = testing::TempDir() + "synclinectl_policy";
    std::filesystem::create_directories(folder);
    std::ofstream{folder / "policy.toml"} << "[policy]\nname = \"t\"\n[platforms.crm]\n"
                                             "[objects.customer.fields]\nname = \"sting\"\n";
    const Ran syntax = run({"policy", "check", folder.string(), "--json"});
    EXPECT_EQ(syntax.exit, 1) << syntax;
    const auto envelope = syntax.json();
    const auto& findings = *envelope.at("findings").get<Value::List>();
    ASSERT_FALSE(findings.empty());
    EXPECT_NE(map_in(findings[0]).at("where").get<std::string>()->find("policy.toml:5:"),
              std::string::npos)
        << syntax;
    std::ofstream{folder / "policy.toml"}
        << "[policy]\nname = \"t\"\n[platforms.crm]\n[objects.customer.fields]\n"
           "name = \"string\"\n[[objects.customer.own]]\nfields = [\"nmae\"]\nowner = \"crm\"\n"
           "[objects.customer.on.crm]\nfields = [\"*\"]\nfounds = true\n";
    const Ran meaning = run({"policy", "check", folder.string()});
    EXPECT_EQ(meaning.exit, 1);
    EXPECT_TRUE(meaning.says("[policy.unknown_field]")) << meaning;
    EXPECT_TRUE(meaning.says("policy.toml:6:")) << meaning;
    std::filesystem::remove_all(folder);
}

// ---- Status and doctor. -----------------------------------------------------------------------

TEST_F(SynclinectlTest, AnEmptyServerIsToldAsSuch) {
    const Ran status = ctl_json({"status"});
    EXPECT_EQ(status.exit, 1) << status;
    EXPECT_TRUE(has_code(status.json(), "status.stream_missing"));
    const Ran doctor = ctl({"doctor"});
    EXPECT_EQ(doctor.exit, 1);
    EXPECT_TRUE(doctor.says("SYNC_IN does not exist")) << doctor;
    EXPECT_EQ(ctl({"entity", "show", "customer", "x"}).exit, 4);
    EXPECT_EQ(ctl({"exceptions", "list"}).exit, 0);
}

TEST_F(SynclinectlTest, AHealthyInstallationIsFine) {
    install();
    const std::uint64_t last = put_change(change(1, "a@x"));
    for (std::uint16_t i = 0; i < kPartitions; ++i) put_mark(i, last, "h1");
    put_presence();
    const Ran status = ctl_json({"status"});
    EXPECT_EQ(status.exit, 0) << status;
    const auto data = map_in(status.json().at("data"));
    EXPECT_EQ(data.at("partitions").get<Value::List>()->size(), kPartitions);
    EXPECT_EQ(map_in(data.at("agents").get<Value::List>()->at(0)).at("platform"), Value{"crm"});
    const Ran text = ctl({"status"});
    EXPECT_TRUE(text.says("4 of 4 held, 0 inputs wait")) << text;
    EXPECT_EQ(text.out.find('\x1b'), std::string::npos);
    const Ran doctor = ctl({"doctor"});
    EXPECT_EQ(doctor.exit, 0) << doctor;
    EXPECT_TRUE(doctor.says("[doctor.marks]"));
}

TEST_F(SynclinectlTest, StatusCountsOnlyThePartitionsOwnInputs) {
    install();
    const Change first = change(1, "a@x");
    const std::uint16_t home = first.number.partition.value;
    const auto other = static_cast<std::uint16_t>((home + 1) % kPartitions);
    const std::uint64_t floor = put_change(first);
    put_change(change(2, "b@x"));
    put_change(change(3, "c@x"));
    put_mark(home, floor, "h1");
    put_mark(other, floor, "gone");
    put_presence();
    const Ran status = ctl_json({"status"});
    EXPECT_EQ(status.exit, 1);
    EXPECT_TRUE(has_code(status.json(), "status.partition_unheld"));
    const auto data = map_in(status.json().at("data"));
    const auto& partitions = *data.at("partitions").get<Value::List>();
    EXPECT_EQ(map_in(partitions.at(home)).at("lag"), Value{2});
    EXPECT_EQ(map_in(partitions.at(home)).at("held"), Value{true});
    EXPECT_EQ(map_in(partitions.at(other)).at("lag"), Value{0});
    EXPECT_EQ(map_in(partitions.at(other)).at("held"), Value{false});
}

TEST_F(SynclinectlTest, DamagedMarksAndStrangeStreamsAreFound) {
    nats::StreamConfig state = nats::stream_configs({.partitions = kPartitions})[1];
    state.max_messages_per_subject = -1;
    ensure(state);
    for (const auto& config : nats::stream_configs({.partitions = kPartitions})) {
        if (config.name != state.name) ensure(config);
    }
    put(subjects::mark(Partition{1}), "damaged");
    put_presence();
    const Ran status = ctl_json({"status"});
    EXPECT_EQ(status.exit, 1);
    EXPECT_TRUE(has_code(status.json(), "status.mark_damaged")) << status;
    const Ran doctor = ctl_json({"doctor"});
    EXPECT_EQ(doctor.exit, 1);
    EXPECT_TRUE(has_code(doctor.json(), "doctor.stream_config")) << doctor;
    EXPECT_TRUE(has_code(doctor.json(), "doctor.marks"));
}

TEST_F(SynclinectlTest, WatchingEndsWithCtrlC) {
    install();
    Child child{words({"--json", "status", "--watch", "--interval", "1s"})};
    ASSERT_TRUE(until([&] { return child.out().find('\n') != std::string::npos; }));
    child.interrupt();
    EXPECT_EQ(child.wait().exit, 0);
}

// ---- Entities and their log. ------------------------------------------------------------------

TEST_F(SynclinectlTest, AnEntityIsFoundByIdRecordAndKey) {
    install();
    put_ada();
    for (const std::string key :
         {ada().entity.text, std::string{"crm:003"}, std::string{"ada@example.com"},
          std::string{" ADA@Example.com"}}) {
        const Ran ran = ctl_json({"entity", "show", "customer", key});
        EXPECT_EQ(ran.exit, 0) << key << ran;
        const auto entity = map_in(map_in(ran.json().at("data")).at("entity"));
        EXPECT_EQ(entity.at("entity"), Value{ada().entity.text}) << key;
        EXPECT_EQ(entity.at("version"), Value{7});
    }
    const Ran text = ctl({"entity", "show", "customer", "crm:003"});
    EXPECT_TRUE(text.says("crm 1/2")) << text;                // Provenance.
    EXPECT_TRUE(text.says("! \"+44 \\u001b[31m9\"")) << text;  // Differs; harmless.
    EXPECT_EQ(text.out.find('\x1b'), std::string::npos);
    EXPECT_TRUE(text.says("phone: \"+44 9\" -> \"+44 1\"")) << text;
    EXPECT_TRUE(text.says("command.rejected")) << text;
}

TEST_F(SynclinectlTest, SecretFieldsAreHiddenByThePolicy) {
    install();
    put_ada();
    const std::filesystem::path folder = testing::TempDir() + "synclinectl_secrets";
    std::filesystem::create_directories(folder);
    std::ofstream{folder / "policy.toml"}
        << "[policy]\nname = \"t\"\n[platforms.crm]\n[platforms.erp]\n[objects.customer.fields]\n"
           "email = { type = \"string\", classification = \"secret\" }\nphone = \"string\"\n"
           "[[objects.customer.own]]\nfields = [\"*\"]\nowner = \"crm\"\n"
           "[objects.customer.on.crm]\nfields = [\"*\"]\nfounds = true\n";
    for (const char* format : {"--json", "--no-color"}) {
        const Ran ran =
            ctl({format, "--policy", folder.string(), "entity", "show", "customer", "crm:003"});
        EXPECT_EQ(ran.exit, 0) << ran;
        EXPECT_FALSE(ran.says("ada@example.com")) << ran;
        EXPECT_TRUE(ran.says("(secret)"));
    }
    std::filesystem::remove_all(folder);
}

TEST_F(SynclinectlTest, UnknownEntitiesAreFourAndAmbiguousKeysTwo) {
    install();
    put_ada();
    const Ran unknown = ctl_json({"entity", "show", "customer", "nobody@example.com"});
    EXPECT_EQ(unknown.exit, 4) << unknown;
    EXPECT_EQ(map_in(unknown.json().at("error")).at("kind"), Value{"not_found"});
    EXPECT_EQ(ctl({"entity", "show", "order", ada().entity.text}).exit, 4);
    EXPECT_EQ(ctl({"log", "customer", "nobody"}).exit, 4);
    EXPECT_EQ(ctl({"exceptions", "show", "customer", "nobody"}).exit, 4);
    put(subjects::match_key(kCustomer, "other", "ada@example.com"),
        hub::encode_reference(EntityId{"OTHER"}));
    const Ran several = ctl({"entity", "show", "customer", "ada@example.com"});
    EXPECT_EQ(several.exit, 2) << several;
    EXPECT_TRUE(several.says("OTHER (by other)")) << several;
}

TEST_F(SynclinectlTest, ADamagedStateIsToldWithItsPlace) {
    install();
    put_ada();
    const auto sequence = put(
        subjects::entity(ada(), entity_partition(ada(), kPartitions)), "\xff\xff damaged");
    const Ran ran = ctl_json({"entity", "show", "customer", "crm:003"});
    EXPECT_EQ(ran.exit, 1) << ran;
    const auto error = map_in(ran.json().at("error"));
    EXPECT_EQ(error.at("kind"), Value{"corrupt"});
    EXPECT_NE(error.at("message").get<std::string>()->find("sequence " + std::to_string(sequence)),
              std::string::npos);
}

TEST_F(SynclinectlTest, TheLogIsOldestFirstAndEachVersionOnce) {
    install();
    put_ada();
    const Timestamp now = clock.now();
    put_log(1, now - 3h, "one@x");
    put_log(2, now - 1h, "two@x");
    put_log(2, now - 1h, "two@x");  // Told again after a crash.
    const Ran all = ctl({"log", "customer", "crm:003"});
    EXPECT_EQ(all.exit, 0) << all;
    EXPECT_LT(all.out.find("one@x"), all.out.find("two@x"));
    EXPECT_EQ(all.out.find("two@x"), all.out.rfind("two@x")) << all;
    EXPECT_TRUE(all.says("\"old@example.com\" -> \"one@x\"  accepted  crm  customer.toml:12")) << all;
    EXPECT_TRUE(all.says("command erp update generation 3: email")) << all;
    const Ran newest = ctl_json({"log", "customer", "crm:003", "--limit", "1"});
    const auto limited = map_in(newest.json().at("data"));
    ASSERT_EQ(limited.at("entries").get<Value::List>()->size(), 1U);
    EXPECT_EQ(limited.at("found"), Value{2});
    const Ran since = ctl_json({"log", "customer", "crm:003", "--since", "2h"});
    EXPECT_EQ(map_in(since.json().at("data")).at("entries").get<Value::List>()->size(), 1U);
    EXPECT_EQ(ctl({"log", "customer", "crm:003", "--since", "yesterday"}).exit, 2);
    put(subjects::log(ada()), "damaged");
    const Ran damaged = ctl_json({"log", "customer", "crm:003"});
    EXPECT_EQ(damaged.exit, 1);
    EXPECT_TRUE(has_code(damaged.json(), "log.damaged"));
}

// ---- Exceptions. ------------------------------------------------------------------------------

TEST_F(SynclinectlTest, ExceptionsAreListedAndShown) {
    install();
    put_ada();
    const EntityKey lost{kCustomer, EntityId{"rec 9"}};
    put_exception(lost, "input.undecodable", "crm", hub::ExceptionStatus::kOpen,
                  std::string{"\xc1raw\0bytes", 10});
    put_exception({kCustomer, EntityId{"E2"}}, "ownership.review", "crm",
                  hub::ExceptionStatus::kResolved);
    const Ran open = ctl_json({"exceptions", "list"});
    EXPECT_EQ(open.exit, 0) << open;
    const auto listed = map_in(open.json().at("data"));
    EXPECT_EQ(listed.at("exceptions").get<Value::List>()->size(), 2U);
    const auto count = [&](std::vector<std::string> more) {
        more.insert(more.begin(), {"exceptions", "list"});
        const auto data = map_in(ctl_json(more).json().at("data"));
        return data.at("exceptions").get<Value::List>()->size();
    };
    EXPECT_EQ(count({"--all"}), 3U);
    EXPECT_EQ(count({"--kind", "command.rejected"}), 1U);
    EXPECT_EQ(count({"--kind", "command.rejected@crm"}), 0U);
    EXPECT_EQ(count({"--platform", "crm"}), 1U);
    EXPECT_EQ(count({"--object", "order"}), 0U);

    const Ran raw = ctl({"exceptions", "show", "customer", "rec 9"});
    EXPECT_EQ(raw.exit, 0) << raw;
    EXPECT_TRUE(raw.says("|.raw.bytes|")) << raw;
    const Ran values = ctl({"exceptions", "show", "customer", "crm:003", "command.rejected"});
    EXPECT_EQ(values.exit, 0) << values;
    EXPECT_TRUE(values.says("\"ada@example.com\"  \"old@example.com\"")) << values;
    EXPECT_EQ(ctl({"exceptions", "show", "customer", "crm:003", "delete.review"}).exit, 4);

    Change sent = change(1, "a@x");
    put_exception({kCustomer, EntityId{"rec 10"}}, "input.unknown_object", "crm",
                  hub::ExceptionStatus::kOpen, wire::encode(sent));
    const Ran decoded = ctl({"exceptions", "show", "customer", "rec 10"});
    EXPECT_TRUE(decoded.says("crm change customer 003 upsert rev 1/1")) << decoded;
}

TEST_F(SynclinectlTest, AnActionIsPublishedAndItsResultAwaited) {
    install();
    put_ada();
    Inbox inbox;
    const auto operations = link.consume(
        {.stream = std::string{subjects::kStreamIn}, .filters = {subjects::all_inputs()}}, &inbox);
    Child child{words({"--json", "exceptions", "accept", "customer", "crm:003",
                       "command.rejected@erp", "--reason", "agreed by phone", "--wait", "20s"})};
    ASSERT_TRUE(until([&] { return !inbox.bodies.empty(); }));
    const auto operation = hub::decode_operation(inbox.bodies[0]);
    ASSERT_TRUE(operation);
    EXPECT_EQ(operation->kind, hub::OperationKind::kAccept);
    EXPECT_EQ(operation->entity, ada());
    EXPECT_EQ(operation->exception, "command.rejected@erp");
    EXPECT_EQ(operation->reason, "agreed by phone");
    EXPECT_NE(operation->actor.find('@'), std::string::npos);
    EXPECT_NE(operation->id, "");
    put_exception(ada(), "command.rejected", "erp", hub::ExceptionStatus::kResolved);
    const Ran ran = child.wait();
    EXPECT_EQ(ran.exit, 0) << ran;
    const auto data = map_in(ran.json().at("data"));
    EXPECT_EQ(map_in(data.at("exceptions").get<Value::List>()->at(0)).at("status"),
              Value{"resolved"});
}

TEST_F(SynclinectlTest, AnActionThatNoHubDecidesIsAFinding) {
    install();
    put_ada();
    const Ran ran = ctl_json(
        {"exceptions", "retry", "customer", "crm:003", "command.rejected", "--wait", "0s"});
    EXPECT_EQ(ran.exit, 1) << ran;
    EXPECT_TRUE(has_code(ran.json(), "exceptions.not_decided_yet"));
}

TEST_F(SynclinectlTest, WhatNoActionCanSettleIsRefusedWithAdvice) {
    install();
    put_ada();
    put_exception({kCustomer, EntityId{"rec 9"}}, "input.undecodable", "crm");
    const Ran input = ctl({"exceptions", "retry", "customer", "rec 9", "input.undecodable"});
    EXPECT_EQ(input.exit, 5) << input;
    EXPECT_TRUE(input.says("synclinectl replay --full-read crm")) << input;
    put_exception({kCustomer, EntityId{"E2"}}, "ownership.review", "crm",
                  hub::ExceptionStatus::kResolved);
    const Ran settled = ctl({"exceptions", "accept", "customer", "E2", "ownership.review"});
    EXPECT_EQ(settled.exit, 5) << settled;
    EXPECT_TRUE(settled.says("is resolved since")) << settled;
    EXPECT_EQ(ctl({"exceptions", "accept", "customer", "crm:003", "delete.review"}).exit, 4);
}

// ---- Replay. ----------------------------------------------------------------------------------

TEST_F(SynclinectlTest, ADryRunDecidesInMemoryAndPublishesNothing) {
    install();
    put_ada();
    const std::string policy = SYNCLINE_SOURCE_DIR "/configs/policy";
    const auto known = put_change(change(2, "ada@example.com"));
    const auto fresh = put_change(change(3, "new@example.com"));
    put_change(change(3, "new@example.com"));  // Sent again.
    const Ran ran = ctl_json({"replay", "--dry-run", "--policy", policy, "--platform", "crm"});
    EXPECT_EQ(ran.exit, 0) << ran;
    const auto data = map_in(ran.json().at("data"));
    EXPECT_EQ(data.at("changes"), Value{2});
    EXPECT_EQ(data.at("repeated_messages"), Value{1});
    const auto counts = map_in(data.at("counts").get<Value::List>()->at(0));
    EXPECT_EQ(counts.at("known"), Value{1});
    const auto& decisions = *data.at("decisions").get<Value::List>();
    ASSERT_EQ(decisions.size(), 1U) << ran;
    EXPECT_EQ(map_in(decisions[0]).at("sequence"), Value{static_cast<std::int64_t>(fresh)});
    const auto changes = [&](std::vector<std::string> more) {
        more.insert(more.begin(), {"replay", "--dry-run", "--policy", policy});
        const Ran limited = ctl_json(more);
        EXPECT_EQ(limited.exit, 0) << limited;
        return map_in(limited.json().at("data")).at("changes");
    };
    EXPECT_EQ(changes({"--from", std::to_string(fresh)}), Value{1});
    EXPECT_EQ(changes({"--to", std::to_string(known)}), Value{1});
    EXPECT_EQ(changes({"--from", "1h", "--to", "30m"}), Value{0});
    EXPECT_EQ(changes({"--record", "004"}), Value{0});
    EXPECT_EQ(changes({"--anew"}), Value{1});
    std::optional<Result<nats::StreamInfo>> info;
    link.stream_info(subjects::kStreamIn, [&](auto told) { info = told; });
    ASSERT_TRUE(until([&] { return info.has_value(); }));
    EXPECT_EQ((*info)->last_sequence, fresh + 1);
    EXPECT_EQ(ctl({"replay", "--dry-run"}).exit, 2);  // No policy.
}

TEST_F(SynclinectlTest, AFullReadIsAskedOfTheAgentOnly) {
    install();
    EXPECT_EQ(ctl({"replay", "--full-read", "crm", "--yes"}).exit, 4);
    put_presence();
    Inbox inbox;
    const auto receipts = link.subscribe(subjects::receipts_of(PlatformId{"crm"}), &inbox);
    for (int i = 0; i < 5; ++i) loop.poll(10ms);
    EXPECT_EQ(ctl({"replay", "--full-read", "crm"}).exit, 2);  // Not confirmed.
    const Ran ran = ctl({"replay", "--full-read", "crm", "--yes"});
    EXPECT_EQ(ran.exit, 0) << ran;
    ASSERT_TRUE(until([&] { return !inbox.bodies.empty(); }));
    const auto receipt = wire::decode_receipt(inbox.bodies[0]);
    ASSERT_TRUE(receipt);
    EXPECT_TRUE(receipt->full_read);
    EXPECT_EQ(receipt->platform, PlatformId{"crm"});
    EXPECT_EQ(inbox.bodies.size(), 1U);
}

// ---- Tap. -------------------------------------------------------------------------------------

TEST_F(SynclinectlTest, TapFollowsWhatPasses) {
    install();
    put_change(change(1, "before@x"));  // Before the tap: not shown.
    Child child{words({"--json", "tap", "--count", "3", "--kind", "in,exc"})};
    std::uint64_t n = 2;
    // The tap says nothing when it is ready, so something is sent until it shows.
    ASSERT_TRUE(until([&] {
        put_change(change(n++, "tapped@x"));
        return !child.out().empty();
    }));
    put(subjects::change(record(), Partition{0}), "damaged");
    put_exception(ada(), "command.rejected", "erp");
    const Ran ran = child.wait();
    EXPECT_EQ(ran.exit, 0) << ran;
    EXPECT_EQ(std::ranges::count(ran.out, '\n'), 3);
    EXPECT_FALSE(ran.says("before@x"));
    const auto first = parse_json(ran.out.substr(0, ran.out.find('\n')));
    ASSERT_TRUE(first) << ran;
    EXPECT_EQ(map_in(*first).at("kind"), Value{"in"});
}

TEST_F(SynclinectlTest, TapEndsWithCtrlC) {
    install();
    Child child{words({"tap"})};
    ASSERT_TRUE(until([&] {
        put_change(change(1, "tapped@x"));
        return !child.out().empty();
    }));
    EXPECT_NE(child.out().find("crm change customer 003"), std::string::npos);
    child.interrupt();
    EXPECT_EQ(child.wait().exit, 0);
}

}  // namespace
}  // namespace syncline
