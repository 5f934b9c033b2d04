// What the console asks of a hub, with a million entities, a hundred thousand entries of the log
// and ten thousand open exceptions: how long one page of anything takes, and how large an idle hub
// with its API is. Prints one JSON line; `api_p99_ms` is that of the slowest page, `raw_get_p99_ms`
// that of one read of an entity from the server, without a hub: a block that was not read for ten
// seconds is read whole by it.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "hub/core/state_codec.h"
#include "shared/base/base64.h"
#include "shared/http/client.h"
#include "shared/nats/nats_link.h"
#include "shared/policy/policy_toml.h"
#include "shared/wire/subjects.h"
#include "tests/bench/bench_change.h"
#include "tests/bench/child.h"
#include "tests/bench/folder.h"
#include "tests/support/free_port.h"
#include "tests/support/nats_server.h"

namespace syncline::bench {
namespace {

using std::chrono::milliseconds;
using Steady = std::chrono::steady_clock;

struct Sizes {
    std::uint64_t entities = 1'000'000;
    std::uint64_t entries = 100'000;
    std::uint64_t exceptions = 10'000;
    int requests = 300;  ///< Of each page.
    int runs = 5;
};

constexpr std::size_t kWindow = 4'096;
const ObjectName kItem{"item"};

Timestamp now() {
    return Timestamp{
        std::chrono::duration_cast<Duration>(std::chrono::system_clock::now().time_since_epoch())
            .count()};
}

class Store final : nats::PublishSink {
public:
    explicit Store(const std::string& url) : link_(loop_, {.urls = {url}, .name = "bench"}) {
        while (!link_.connected()) loop_.poll(milliseconds{10});
    }
    void send(const std::string& subject, const std::string& body) {
        link_.publish({subject, body, {}, {}}, this, 0);
        if (++open_ < kWindow) return;
        while (open_ > kWindow / 2) loop_.poll(milliseconds{10});
    }
    void finish() {
        while (open_ > 0) loop_.poll(milliseconds{10});
    }
    /// Milliseconds.
    [[nodiscard]] double timed_get(const std::string& subject) {
        const auto start = Steady::now();
        std::optional<bool> found;
        link_.get_last(subjects::kStreamState, subject,
                       [&](auto answer) { found = answer && answer->has_value(); });
        while (!found) loop_.poll(milliseconds{10});
        if (!*found) throw std::runtime_error(subject + " cannot be read");
        return std::chrono::duration<double, std::milli>(Steady::now() - start).count();
    }

private:
    void on_published(std::uint64_t, const Result<std::uint64_t>& sequence) override {
        if (!sequence) throw std::runtime_error("not stored: " + sequence.error().what);
        --open_;
    }
    nats::EventLoop loop_;
    nats::NatsLink link_;
    std::size_t open_ = 0;
};

hub::EntityState state_of(const Change& change, const std::string& policy) {
    hub::EntityState state;
    state.key = {change.key.object, founded_entity(change.key)};
    state.version = 2;
    state.policy = policy;
    state.policy_version = 1;
    for (const auto& [name, value] : change.fields) {
        state.set(name, value, {PlatformId{"source"}, change.rev, change.seen_at});
    }
    for (const char* platform : {"source", "target"}) {
        hub::RecordState& record = state.record_or_new(PlatformId{platform});
        record.presence = hub::Presence::kPresent;
        record.record = change.key.record;
        record.rev = change.rev;
        record.mirror = change.fields;
    }
    return state;
}

hub::LogEntry entry_of(const Change& change, std::uint64_t version, const std::string& policy) {
    hub::LogEntry entry;
    entry.entity = {change.key.object, founded_entity(change.key)};
    entry.version = version;
    entry.at = change.seen_at;
    entry.policy = policy;
    entry.policy_version = 1;
    entry.inputs = {"source change 1/1/" + std::to_string(version)};
    for (const auto& [name, value] : change.fields) {
        entry.decisions.push_back({.field = name,
                                   .from = PlatformId{"source"},
                                   .value = value,
                                   .verdict = hub::Verdict::kAccepted,
                                   .rule = "bench.toml:18:1"});
    }
    return entry;
}

hub::ExceptionRecord exception_of(const Change& change, std::uint64_t index) {
    hub::ExceptionRecord one;
    one.kind = index % 3 == 0 ? "command.rejected" : "ownership.review";
    one.entity = {change.key.object, founded_entity(change.key)};
    one.platform = PlatformId{"target"};
    one.record = change.key.record.text;
    one.reason = "target says: the value of `a` is not one of those that it takes";
    one.proposed = change.fields;
    one.canonical = change.fields;
    one.opened_at = one.updated_at = {change.seen_at.ns + static_cast<std::int64_t>(index)};
    one.version = 2;
    one.care.severity = index % 7 == 0 ? ExceptionSeverity::kCritical : ExceptionSeverity::kWarning;
    return one;
}

/// So many entities have a history, of two decisions each.
std::uint64_t decided(const Sizes& sizes) { return sizes.entries / 2; }

void fill(const std::string& url, const std::string& policy, const Sizes& sizes) {
    Store store{url};
    Numbers unused;
    const std::int64_t start = now().ns;
    for (std::uint64_t i = 0; i < sizes.entities; ++i) {
        const Change change = bench_change(i, 1, start, unused);
        const hub::EntityState state = state_of(change, policy);
        store.send(subjects::entity(state.key, entity_partition(state.key, kPartitions)),
                   hub::encode(state));
    }
    for (std::uint64_t i = 0; i < sizes.entries; ++i) {
        const Change change = bench_change(i % decided(sizes), 1, start, unused);
        const hub::LogEntry entry = entry_of(change, 1 + i / decided(sizes), policy);
        store.send(subjects::log(entry.entity), hub::encode(entry));
    }
    for (std::uint64_t i = 0; i < sizes.exceptions; ++i) {
        const Change change = bench_change(i * 7 % sizes.entities, 1, start, unused);
        const hub::ExceptionRecord one = exception_of(change, i);
        store.send(subjects::exception(one.entity, one.kind + "@target"), hub::encode(one));
    }
    store.finish();
}

double at_share(std::vector<double> values, double share) {
    std::ranges::sort(values);
    const auto at = static_cast<std::size_t>(static_cast<double>(values.size()) * share);
    return values[std::min(at, values.size() - 1)];
}

/// One of the first `count` entities.
EntityId one_of(std::mt19937_64& random, std::uint64_t count) {
    return founded_entity(
        {PlatformId{"source"}, kItem, RecordId{"r" + std::to_string(random() % count)}});
}

double raw_get_p99(const std::string& url, std::mt19937_64& random, const Sizes& sizes) {
    Store store{url};
    std::vector<double> times;
    for (int i = 0; i < sizes.requests; ++i) {
        const EntityKey key{kItem, one_of(random, sizes.entities)};
        times.push_back(store.timed_get(subjects::entity(key, entity_partition(key, kPartitions))));
    }
    return at_share(std::move(times), 0.99);
}

double rss_kib_of(pid_t process) {
    std::ifstream status{"/proc/" + std::to_string(process) + "/status"};
    for (std::string word; status >> word;) {
        double kib = 0;
        if (word == "VmRSS:" && status >> kib) return kib;
    }
    throw std::runtime_error("no VmRSS");
}

class Console {
public:
    explicit Console(std::uint16_t port) : base_("http://127.0.0.1:" + std::to_string(port)) {}

    [[nodiscard]] int status(const std::string& path) {
        const auto response = http_.send({.url = base_ + path}, {});
        body_ = response ? response->body : std::string{};
        return response ? response->status : -1;
    }
    /// Milliseconds.
    [[nodiscard]] double timed(const std::string& path) {
        const auto start = Steady::now();
        const int told = status(path);
        const double ms = std::chrono::duration<double, std::milli>(Steady::now() - start).count();
        if (told != 200) throw std::runtime_error(path + ": " + std::to_string(told) + " " + body_);
        return ms;
    }
    void await(const std::string& path) {
        const auto limit = Steady::now() + std::chrono::seconds{60};
        while (status(path) != 200) {
            if (Steady::now() > limit) throw std::runtime_error(path + " is not answered");
            std::this_thread::sleep_for(milliseconds{20});
        }
    }
    [[nodiscard]] const std::string& body() const { return body_; }
    /// What stands behind `"next":"`; empty: null.
    [[nodiscard]] std::string next() const {
        const auto at = body_.find("\"next\":\"");
        const bool ours = body_.starts_with("{\"by_kind\"");  // Of exceptions.
        if (!ours || at == std::string::npos) return {};
        return body_.substr(at + 8, body_.find('"', at + 8) - at - 8);
    }

private:
    std::string base_;
    CurlClient http_;
    std::string body_;
};

struct Page {
    const char* name;
    std::string (*path)(std::mt19937_64& random, const Sizes& sizes, const Console& console);
};

std::string key_of(std::mt19937_64& random, const Sizes& sizes) {
    return one_of(random, decided(sizes)).text;
}

const std::vector<Page>& pages() {
    static const std::vector<Page> all{
        {"entities",
         [](auto& random, const Sizes& sizes, const Console&) {
             return "/v1/entities/item?limit=50&after=" +
                    base64url(std::to_string(1 + random() % sizes.entities));
         }},
        {"entity", [](auto& random, const Sizes& sizes,
                      const Console&) { return "/v1/entities/item/" + key_of(random, sizes); }},
        {"entity_log",
         [](auto& random, const Sizes& sizes, const Console&) {
             return "/v1/entities/item/" + key_of(random, sizes) + "/log?limit=50";
         }},
        {"entity_blame",
         [](auto& random, const Sizes& sizes, const Console&) {
             return "/v1/entities/item/" + key_of(random, sizes) + "/blame";
         }},
        {"entity_timeline",
         [](auto& random, const Sizes& sizes, const Console&) {
             return "/v1/entities/item/" + key_of(random, sizes) + "/timeline?limit=50";
         }},
        {"log",
         [](auto& random, const Sizes& sizes, const Console&) {
             return "/v1/log?limit=50&before=" +
                    std::to_string(60 + random() % (sizes.entries - 60));
         }},
        {"exceptions",
         [](auto&, const Sizes&, const Console& console) {
             const std::string next = console.next();
             return "/v1/exceptions?limit=50" + (next.empty() ? "" : "&after=" + next);
         }},
        {"exceptions_of_a_kind",
         [](auto&, const Sizes&, const Console&) {
             return std::string{"/v1/exceptions?kind=command.*&severity=critical&limit=50"};
         }},
        {"exceptions_search",
         [](auto& random, const Sizes&, const Console&) {
             return "/v1/exceptions?limit=50&search=r" + std::to_string(random() % 100);
         }},
        {"versions",
         [](auto&, const Sizes&, const Console&) { return std::string{"/v1/policy/versions"}; }},
        {"workflows",
         [](auto&, const Sizes&, const Console&) { return std::string{"/v1/workflows"}; }},
        {"instances",
         [](auto&, const Sizes&, const Console&) { return std::string{"/v1/instances?limit=50"}; }},
        {"approvals",
         [](auto&, const Sizes&, const Console&) { return std::string{"/v1/approvals"}; }},
        {"reconciliations",
         [](auto&, const Sizes&, const Console&) { return std::string{"/v1/reconciliations"}; }},
        {"status", [](auto&, const Sizes&, const Console&) { return std::string{"/v1/status"}; }},
    };
    return all;
}

struct Figures {
    double idle_rss_kib = 0;
    double busy_rss_kib = 0;
    double p99_ms = 0;
    double raw_get_p99_ms = 0;
};

Figures one_run(const std::string& program, const std::string& directory, const Sizes& sizes) {
    auto files = read_policy_files(directory);
    if (!files) throw std::runtime_error(files.error().what);
    const auto policy = parse_policy(*files);
    if (!policy) throw std::runtime_error(policy.error().what);
    const test::NatsServer server;
    const Folder folder;
    const std::uint16_t port = test::free_port();
    const std::string config = folder.write(
        "hub.toml", "id = \"bench\"\npolicy = \"" + std::filesystem::absolute(directory).string() +
                        "\"\n[nats]\nurls = [\"" + server.url() +
                        "\"]\n[limits]\nwarm_up = false\n[api]\nport = " + std::to_string(port) +
                        "\nper_second = 10000\n");
    const Child hub{{program, "--config", config}, folder.path() / "hub.log"};
    Console console{port};
    console.await("/readyz");
    std::this_thread::sleep_for(std::chrono::seconds{3});
    Figures out;
    out.idle_rss_kib = rss_kib_of(hub.pid());
    fill(server.url(), policy->hash, sizes);
    std::mt19937_64 random{42};
    for (const Page& page : pages()) {
        // The first of each finds things that are read once: the policy, the exceptions.
        std::ignore = console.timed(page.path(random, sizes, console));
        std::vector<double> times;
        for (int i = 0; i < sizes.requests; ++i) {
            times.push_back(console.timed(page.path(random, sizes, console)));
        }
        const double p99 = at_share(times, 0.99);
        std::fprintf(stderr, "%-22s p50 %6.2f ms  p99 %6.2f ms\n", page.name, at_share(times, 0.5),
                     p99);
        out.p99_ms = std::max(out.p99_ms, p99);
    }
    out.busy_rss_kib = rss_kib_of(hub.pid());
    out.raw_get_p99_ms = raw_get_p99(server.url(), random, sizes);
    return out;
}

/// The console's files as they go over the wire; -1: it is not built.
double bundle_gzip_kib(const std::filesystem::path& folder) {
    if (!std::filesystem::exists(folder / "index.html")) return -1;
    double bytes = 0;
    for (const auto& file : std::filesystem::recursive_directory_iterator{folder}) {
        if (!file.is_regular_file()) continue;
        const std::string command = "gzip -9nc '" + file.path().string() + "' | wc -c";
        std::FILE* pipe = ::popen(command.c_str(), "r");
        double one = 0;
        if (pipe == nullptr || std::fscanf(pipe, "%lf", &one) != 1)
            throw std::runtime_error("gzip");
        ::pclose(pipe);
        bytes += one;
    }
    return bytes / 1'024;
}

double median(std::vector<Figures> runs, double Figures::*value) {
    std::ranges::sort(runs, {}, value);
    return runs[runs.size() / 2].*value;
}

int run(int argc, char** argv) {
    if (argc < 4) {
        std::fprintf(stderr,
                     "usage: console_bench HUB_PROGRAM POLICY_DIR CONSOLE_DIST [--runs N] "
                     "[--quick]\n");
        return 2;
    }
    Sizes sizes;
    for (int i = 4; i < argc; ++i) {
        const std::string_view flag = argv[i];
        if (flag == "--quick") sizes = {20'000, 2'000, 500, 30, 1};
        if (flag == "--runs" && i + 1 < argc) sizes.runs = std::max(1, std::atoi(argv[i + 1]));
    }
    std::vector<Figures> runs;
    for (int i = 0; i < sizes.runs; ++i) {
        runs.push_back(one_run(argv[1], argv[2], sizes));
        std::fprintf(stderr, "run %d of %d: %.2f ms, a raw get %.2f ms, %.0f KiB\n", i + 1,
                     sizes.runs, runs.back().p99_ms, runs.back().raw_get_p99_ms,
                     runs.back().idle_rss_kib);
    }
    const double bundle = bundle_gzip_kib(argv[3]);
    std::printf(
        "{\"bench\":\"console\",\"runs\":%d,\"entities\":%llu,\"log_entries\":%llu,"
        "\"exceptions\":%llu,\"idle_rss_kib\":%.0f,\"busy_rss_kib\":%.0f,\"api_p99_ms\":%.2f,"
        "\"raw_get_p99_ms\":%.2f,",
        sizes.runs, static_cast<unsigned long long>(sizes.entities),
        static_cast<unsigned long long>(sizes.entries),
        static_cast<unsigned long long>(sizes.exceptions), median(runs, &Figures::idle_rss_kib),
        median(runs, &Figures::busy_rss_kib), median(runs, &Figures::p99_ms),
        median(runs, &Figures::raw_get_p99_ms));
    if (bundle < 0) {
        std::printf("\"bundle_gzip_kib\":null}\n");
    } else {
        std::printf("\"bundle_gzip_kib\":%.1f}\n", bundle);
    }
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
