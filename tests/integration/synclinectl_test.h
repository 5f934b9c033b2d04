#pragma once

// What synclinectl_test.cc stands on: the program as a child process, and a server that holds what
// hubs and agents would have written.
#include <algorithm>
#include <csignal>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>
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

namespace syncline::test {

using namespace std::chrono_literals;

inline constexpr Duration kMost = 20s;
inline constexpr std::uint16_t kPartitions = 4;
inline const ObjectName kCustomer{"customer"};

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
inline std::ostream& operator<<(std::ostream& out, const Ran& ran) {
    return out << "exit " << ran.exit << "\n" << ran.out << ran.err;
}

inline std::string read_all(const std::filesystem::path& file) {
    std::ifstream in{file, std::ios::binary};
    return {std::istreambuf_iterator<char>{in}, {}};
}

/// A run that may still go on; its output goes to files, so that no pipe can fill up.
class Child {
public:
    explicit Child(std::vector<std::string> words, const char* program = "synclinectl") {
        std::string pattern = (std::filesystem::temp_directory_path() / "ctl-XXXXXX").string();
        folder_ = ::mkdtemp(pattern.data());
        words.insert(words.begin(), std::string{SYNCLINE_BIN_DIR "/"} + program);
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
    [[nodiscard]] std::string err() const { return read_all(folder_ / "err"); }
    void interrupt() const { ::kill(pid_, SIGINT); }
    [[nodiscard]] Ran wait() {
        int status = 0;
        ::waitpid(pid_, &status, 0);
        pid_ = 0;
        return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, out(), err()};
    }

private:
    std::filesystem::path folder_;
    pid_t pid_ = 0;
};

inline Ran run(std::vector<std::string> words) { return Child{std::move(words)}.wait(); }

// ---- What hubs and agents would have written. -------------------------------------------------

struct Ack final : nats::PublishSink {
    void on_published(std::uint64_t, const Result<std::uint64_t>& sequence) override {
        told = sequence;
    }
    std::optional<Result<std::uint64_t>> told;
};

struct Inbox final : nats::MessageSink {
    void on_message(const nats::InMessage& message) override { bodies.emplace_back(message.body); }
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
        crm.pending =
            hub::Pending{CommandKind::kUpdate, Fields{{FieldName{"phone"}, Value{"+44 1"}}},
                         Fields{{FieldName{"phone"}, Value{"+44 9"}}}, at};
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
        put(subjects::link(record()), wire::encode_reference(ada().entity));
        put(subjects::match_key(kCustomer, "email", "ada@example.com"),
            wire::encode_reference(ada().entity));
        put_exception(ada(), "command.rejected", "erp");
    }
    void put_mark(std::uint16_t partition, std::uint64_t floor, const char* holder) {
        hub::Mark mark;
        mark.partition = Partition{partition};
        mark.fence = 3;
        mark.holder = HubId{holder};
        mark.inputs_created = inputs_created;
        mark.commands.created = commands_created;
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
        entry.commands.push_back(
            {PlatformId{"erp"}, CommandKind::kUpdate, 3, {FieldName{"email"}}});
        entry.notes = {"crm record 003 linked"};
        return put(subjects::log(ada()), encode(entry));
    }
    [[nodiscard]] std::vector<std::string> words(std::vector<std::string> more) const {
        more.insert(more.begin(), {"--server", server.url(), "--timeout", "5"});
        return more;
    }
    [[nodiscard]] Ran ctl(std::vector<std::string> more) const {
        return run(words(std::move(more)));
    }
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

inline const Value::Map& map_in(const Value& value) { return *value.get<Value::Map>(); }

inline std::vector<std::string> codes(const Value::Map& envelope) {
    std::vector<std::string> out;
    for (const Value& finding : *envelope.at("findings").get<Value::List>()) {
        out.push_back(*map_in(finding).at("code").get<std::string>());
    }
    return out;
}
inline bool has_code(const Value::Map& envelope, const char* code) {
    const auto all = codes(envelope);
    return std::ranges::find(all, code) != all.end();
}

}  // namespace syncline::test
