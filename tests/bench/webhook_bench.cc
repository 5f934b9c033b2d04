// Signed events pushed into a real agent, each answered once it is durable. Prints one JSON line.
//
// In each run: a real nats-server and hub, so that receipts come; an agent with its webhook
// connector; 32 senders that keep their connections and push as fast as they are answered. Then
// everything that was accepted must be in SYNC_IN exactly once. Then the agent is killed in the
// midst of more pushes, and every event that it had accepted must be in its spool exactly once.
#include <fcntl.h>
#include <linux/magic.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <sys/resource.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <thread>

#include "agent/store.h"
#include "shared/model/change.h"
#include "shared/nats/nats_link.h"
#include "shared/wire/codec.h"
#include "shared/wire/subjects.h"
#include "tests/bench/child.h"
#include "tests/bench/folder.h"
#include "tests/bench/push_clients.h"
#include "tests/support/free_port.h"
#include "tests/support/nats_server.h"

namespace syncline::bench {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

struct Sizes {
    std::size_t warm_up = 5'000;
    std::size_t events = 40'000;
    std::size_t killed = 5'000;  ///< Pushed while the agent is killed, after half of them.
    std::size_t records = 20'000;
    int runs = 5;
};

constexpr std::size_t kConnections = 32;
constexpr auto kLimit = 120s;
constexpr const char* kKeyName = "SYNCLINE_BENCH_KEY";
constexpr std::string_view kKey = "a key of 32 bytes for measuring.";
static_assert(kKey.size() == 32);

[[noreturn]] void fault(const std::string& why) { throw std::runtime_error(why); }

template <class Condition>
void await(const char* what, Condition condition) {
    const auto end = Clock::now() + kLimit;
    while (!condition()) {
        if (Clock::now() > end) fault(std::string{"waited in vain: "} + what);
        std::this_thread::sleep_for(10ms);
    }
}

std::string base64(std::string_view bytes) {
    std::string text(4 * ((bytes.size() + 2) / 3), '\0');
    EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                    reinterpret_cast<const unsigned char*>(bytes.data()),
                    static_cast<int>(bytes.size()));
    return text;
}

// ---- Events ---------------------------------------------------------------------------------

/// Event `n` as a whole request: a Standard Webhooks push of about 300 bytes of JSON.
std::string request(std::size_t n, std::size_t records) {
    const std::string body =
        R"({"type":"item.updated","data":{"id":"r)" + std::to_string(n % records) + R"(","a":")" +
        std::string(40, 'x') + R"(","b":")" + std::string(40, 'y') + R"(","c":")" +
        std::string(40, 'z') + R"(","d":")" + std::string(28, 'w') + R"(","n":)" +
        std::to_string(n) + R"(,"stage":"open","amount":1250.75}})";
    const std::string id = "msg_" + std::to_string(n);
    const std::string time = std::to_string(std::time(nullptr));
    const std::string content = id + "." + time + "." + body;
    std::array<unsigned char, 32> digest{};
    unsigned int size = digest.size();
    HMAC(EVP_sha256(), kKey.data(), static_cast<int>(kKey.size()),
         reinterpret_cast<const unsigned char*>(content.data()), content.size(), digest.data(),
         &size);
    return "POST /hooks/items HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n"
           "webhook-id: " +
           id + "\r\nwebhook-timestamp: " + time + "\r\nwebhook-signature: v1," +
           base64({reinterpret_cast<const char*>(digest.data()), digest.size()}) +
           "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

std::vector<std::string> requests(std::size_t from, std::size_t count, std::size_t records) {
    std::vector<std::string> made;
    made.reserve(count);
    for (std::size_t n = from; n < from + count; ++n) made.push_back(request(n, records));
    return made;
}

/// How often each event was seen, by the `n` it carries.
class Seen {
public:
    /// Of what an agent tells, the changes.
    void take(std::string_view subject, std::string_view body) {
        const auto about = subjects::parse_input(subject);
        if (!about) fault(about.error().what);
        if (about->kind != subjects::InputKind::kChange) return;
        const auto change = wire::decode_change(body);
        if (!change) fault("a message cannot be read: " + change.error().what);
        const Value* n = change->fields.find("n");
        if (n == nullptr || n->get<std::int64_t>() == nullptr) fault("an event has lost its n");
        ++times_[static_cast<std::size_t>(*n->get<std::int64_t>())];
    }
    void check_once(std::size_t n, const char* where) const {
        const auto found = times_.find(n);
        const std::size_t times = found == times_.end() ? 0 : found->second;
        if (times == 1) return;
        fault("event " + std::to_string(n) + " was accepted and is " + std::to_string(times) +
              " times in " + where);
    }

private:
    std::unordered_map<std::size_t, std::size_t> times_;
};

// ---- The world ------------------------------------------------------------------------------

/// Reads SYNC_IN from outside.
class Watcher final : nats::MessageSink {
public:
    explicit Watcher(const std::string& url)
        : link_(loop_, {.urls = {url}, .name = "bench-watcher"}) {
        while (!link_.connected()) loop_.poll(10ms);
    }
    [[nodiscard]] std::uint64_t count() {
        std::optional<Result<nats::StreamInfo>> answer;
        link_.stream_info(subjects::kStreamIn, [&](auto info) { answer = std::move(info); });
        while (!answer) loop_.poll(10ms);
        return *answer ? (**answer).messages : 0;
    }
    void read_all(Seen& seen) {
        const std::uint64_t wanted = count();
        seen_ = &seen;
        read_ = 0;
        nats::ConsumeSpec spec;
        spec.stream = subjects::kStreamIn;
        spec.filters = {subjects::all_inputs()};
        subscription_ = link_.consume(std::move(spec), this);
        const auto end = Clock::now() + kLimit;
        while (read_ < wanted) {
            loop_.poll(10ms);
            if (Clock::now() > end) fault("SYNC_IN cannot be read to its end");
        }
        subscription_.reset();
    }

private:
    void on_message(const nats::InMessage& message) override {
        seen_->take(message.subject, message.body);
        ++read_;
        subscription_->processed(1);
    }
    nats::EventLoop loop_;
    nats::NatsLink link_;
    std::unique_ptr<nats::Subscription> subscription_;
    Seen* seen_ = nullptr;
    std::uint64_t read_ = 0;
};

/// In memory a sync costs nothing, and the figure would be a lie.
void refuse_memory(const fs::path& folder) {
    struct statfs info {};
    if (::statfs(folder.c_str(), &info) == 0 && info.f_type == TMPFS_MAGIC) {
        fault("the folder for temporary files is in memory; set TMPDIR to one on a disk");
    }
}

/// Syncs a second that the disk does by itself: 64 KiB over what is there, then fdatasync.
double disk_syncs_per_s(const fs::path& folder) {
    const std::string file = (folder / "syncs").string();
    const int fd = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    const std::vector<char> block(64 << 10, 'x');
    int count = 0;
    for (int i = 0; i < 16; ++i) {
        if (::pwrite(fd, block.data(), block.size(), i * (64 << 10)) < 0) fault("the disk is full");
    }
    ::fsync(fd);
    const auto start = Clock::now();
    for (; Clock::now() - start < 500ms; ++count) {
        if (::pwrite(fd, block.data(), block.size(), count % 16 * (64 << 10)) < 0) fault("pwrite");
        ::fdatasync(fd);
    }
    ::close(fd);
    fs::remove(file);
    return count / std::chrono::duration<double>(Clock::now() - start).count();
}

std::string write_config(const fs::path& from, const fs::path& folder, const std::string& nats,
                         std::uint16_t port) {
    std::ifstream in{from};
    std::string text{std::istreambuf_iterator<char>{in}, {}};
    const std::map<std::string, std::string> values{
        {"{folder}", folder.string()}, {"{nats}", nats}, {"{port}", std::to_string(port)}};
    for (const auto& [name, value] : values) {
        for (auto at = text.find(name); at != std::string::npos; at = text.find(name)) {
            text.replace(at, name.size(), value);
        }
    }
    const fs::path file = folder / "agent.toml";
    std::ofstream{file} << text;
    return file.string();
}

// ---- One run --------------------------------------------------------------------------------

using Figures = std::map<std::string, double>;

struct Programs {
    std::string hub;
    std::string agent;
    std::string policy;
    std::string config;
};

double percentile(std::vector<double> values, double part) {
    std::sort(values.begin(), values.end());
    return values[std::min(values.size() - 1,
                           static_cast<std::size_t>(part * static_cast<double>(values.size())))];
}

double own_cpu_us() {
    rusage used{};
    ::getrusage(RUSAGE_SELF, &used);
    const auto us = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_usec);
    };
    return us(used.ru_utime) + us(used.ru_stime);
}

std::unique_ptr<PushClients> connect(std::uint16_t port, Child& agent) {
    std::unique_ptr<PushClients> clients;
    await("the agent listens", [&] {
        if (!agent.running()) fault("the agent has ended; see its log");
        try {
            clients = std::make_unique<PushClients>(port, kConnections);
        } catch (const std::runtime_error&) {
            return false;  // Not yet.
        }
        return true;
    });
    return clients;
}

void must_all_be_accepted(const std::vector<PushClients::Answer>& answers) {
    for (const PushClients::Answer& answer : answers) {
        if (answer.status != 200) {
            fault("an event was answered " + std::to_string(answer.status) + ", not 200");
        }
    }
}

/// Who takes part in a run, besides the senders, which are this process.
struct Cast {
    Child& hub;
    Child& agent;
    const test::NatsServer& server;

    /// CPU used so far; together they share the machine's cores with the senders.
    [[nodiscard]] Figures cpu_us() const {
        return {{"agent_cpu_us_per_event", agent.cpu_us()},
                {"hub_cpu_us_per_event", hub.cpu_us()},
                {"server_cpu_us_per_event", cpu_us_of(server.pid())},
                {"generator_cpu_us_per_event", own_cpu_us()}};
    }
};

void measure(PushClients& clients, const Cast& cast, const Sizes& sizes, Figures& out) {
    must_all_be_accepted(clients.push(requests(0, sizes.warm_up, sizes.records)));
    const auto ready = requests(sizes.warm_up, sizes.events, sizes.records);
    const Figures before = cast.cpu_us();
    const auto start = Clock::now();
    const auto answers = clients.push(ready);
    const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
    const auto count = static_cast<double>(sizes.events);
    for (const auto& [name, used] : cast.cpu_us()) out[name] = (used - before.at(name)) / count;
    out["agent_most_rss_kib"] = cast.agent.most_rss_kib();
    must_all_be_accepted(answers);
    std::vector<double> latency;
    for (const PushClients::Answer& answer : answers) latency.push_back(answer.latency_ms);
    out["events_per_s"] = count / seconds;
    out["p50_ms"] = percentile(latency, 0.5);
    out["p99_ms"] = percentile(latency, 0.99);
    out["max_ms"] = percentile(latency, 1.0);
}

/// Kills the agent after half of `sizes.killed`, and looks for what it accepted in its store.
void check_kill(PushClients& clients, Child& agent, const fs::path& folder, const Sizes& sizes) {
    const std::size_t first = sizes.warm_up + sizes.events;
    // A hub says every 100 ms how far it is; a short run is over before it does.
    std::this_thread::sleep_for(std::chrono::seconds{1});
    const auto answers =
        clients.push(requests(first, sizes.killed, sizes.records), [&](std::size_t count) {
            if (count == sizes.killed / 2) agent.end_by(SIGKILL);
        });
    auto store = agent::Store::open({.path = (folder / "agent.db").string(),
                                     .platform = PlatformId{"source"},
                                     .now = Timestamp{1}});
    if (!store) fault("the store after the kill: " + store.error().what);
    Seen seen;
    std::uint64_t receipted = 0;
    auto read = (*store)->transaction([&](agent::Transaction& transaction) {
        for (std::uint16_t part = 0; part < (*store)->partitions(); ++part) {
            const agent::Marks& marks = (*store)->marks({part});
            receipted += marks.receipted;
            std::uint64_t from = marks.trimmed + 1;
            while (from < marks.next_seq) {
                const auto entries = transaction.entries({part}, from, 1'000, 1 << 20);
                if (entries.empty()) return;  // The transaction has failed and says why.
                for (const auto& entry : entries) seen.take(entry.subject, entry.body);
                from = entries.back().seq + 1;
            }
        }
    });
    if (!read) fault("the spool after the kill: " + read.error().what);
    if (receipted < sizes.events / 2) fault("the hub sent no receipts, or too late");
    for (std::size_t n = 0; n < first; ++n) seen.check_once(n, "the spool after the kill");
    std::size_t accepted = 0;
    for (std::size_t i = 0; i < answers.size(); ++i) {
        if (answers[i].status != 200) continue;
        ++accepted;
        seen.check_once(first + i, "the spool after the kill");
    }
    if (accepted < sizes.killed / 2 || accepted == sizes.killed) fault("the kill came too late");
}

Figures one_run(const Programs& programs, const Sizes& sizes) {
    Figures out;
    const Folder folder;
    refuse_memory(folder.path());
    out["disk_syncs_per_s"] = disk_syncs_per_s(folder.path());
    test::NatsServer server;
    Child hub{
        {programs.hub, "--server", server.url(), "--policy", programs.policy, "--id", "bench"},
        folder.path() / "hub.log"};
    Watcher watcher{server.url()};
    const std::uint16_t port = test::free_port();
    Child agent{{programs.agent, "--config",
                 write_config(programs.config, folder.path(), server.url(), port)},
                folder.path() / "agent.log"};
    const auto clients = connect(port, agent);
    measure(*clients, {hub, agent, server}, sizes, out);
    const std::size_t pushed = sizes.warm_up + sizes.events;
    await("all events are in SYNC_IN", [&] { return watcher.count() >= pushed; });
    Seen seen;
    watcher.read_all(seen);
    for (std::size_t n = 0; n < pushed; ++n) seen.check_once(n, "SYNC_IN");
    check_kill(*clients, agent, folder.path(), sizes);
    return out;
}

int run(int argc, char** argv) {
    if (argc < 5) fault("usage: webhook_bench HUB AGENT POLICY_DIR CONFIG [--runs N] [--quick]");
    Sizes sizes;
    for (int i = 5; i < argc; ++i) {
        const std::string flag = argv[i];
        if (flag == "--quick") sizes = {500, 2'000, 500, 1'000, 1};
        if (flag == "--runs" && i + 1 < argc) sizes.runs = std::max(1, std::atoi(argv[i + 1]));
    }
    ::setenv(kKeyName, ("whsec_" + base64(kKey)).c_str(), 1);
    std::map<std::string, std::vector<double>> all;
    for (int i = 0; i < sizes.runs; ++i) {
        for (const auto& [name, value] : one_run({argv[1], argv[2], argv[3], argv[4]}, sizes)) {
            all[name].push_back(value);
        }
        std::fprintf(stderr, "run %d of %d: %.0f events/s, p99 %.1f ms\n", i + 1, sizes.runs,
                     all["events_per_s"].back(), all["p99_ms"].back());
    }
    std::array<double, 1> load{};
    if (::getloadavg(load.data(), 1) == 1) all["load_1min"] = {load[0]};
    std::printf("{\"bench\":\"webhook\",\"runs\":%d,\"connections\":%zu", sizes.runs, kConnections);
    for (const auto& [name, values] : all) {
        std::printf(",\"%s\":%.2f", name.c_str(), percentile(values, 0.5));
    }
    std::printf("}\n");
    return 0;
}

}  // namespace
}  // namespace syncline::bench

int main(int argc, char** argv) {
    try {
        return syncline::bench::run(argc, argv);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "bench: %s\n", error.what());
        return 1;
    }
}
