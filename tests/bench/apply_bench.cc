// Commands carried out at a platform that answers over HTTP in a millisecond, against a bare
// libcurl multi loop of equal concurrency that sends the same: as many at once as an agent's
// default, and twice as many. Prints one JSON line.
//
// With --batches: at one that answers in five milliseconds, whatever is asked, and does not tell
// what a record holds after a write, so that it is read back; singly, and several in one call.
//
// In each run: a real nats-server and hub; the records are created through an agent; then every one
// is changed while the agent is away, so that its commands wait. The hub stands, the agent is
// started, and the platform says how long it took from the first write to the last one.
#include <curl/curl.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

#include "shared/base/json.h"
#include "shared/http/server.h"
#include "shared/wire/codec.h"
#include "shared/wire/subjects.h"
#include "tests/bench/bench_change.h"
#include "tests/bench/child.h"
#include "tests/bench/folder.h"
#include "tests/bench/raw_client.h"
#include "tests/support/nats_server.h"

namespace syncline::bench {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

struct Sizes {
    std::uint64_t records = 20'000;
    int runs = 5;
    bool batches = false;
};

/// What the platform is like, and how it is written to.
enum class Mode { kTellsRecords, kSingly, kTogether };

struct Setup {
    Mode mode;
    std::size_t concurrency;
};

constexpr auto kDelay = 1ms;
constexpr auto kBatchDelay = 5ms;
/// The default of `writing.concurrency`.
constexpr std::size_t kConcurrency = 4;
constexpr auto kLimit = 120s;

[[noreturn]] void fault(const std::string& why) { throw std::runtime_error(why); }

constexpr const char* kProfile = R"(name = "bench"
[http.headers]
Content-Type = "application/json"
[values]
key = "id"
changed = "at"
[read]
path = "/records"
records = "records"
all_after = "x"
after = "x"
[fetch]
path = "/records/{id}"
record = "record"
[delete]
path = "/records/{id}"
)";

constexpr const char* kWrites = R"([create]
path = "/records"
id_path = "record.id"
record_path = "record"
[update]
method = "POST"
path = "/records/{id}"
record_path = "record"
)";

/// As HubSpot has it.
constexpr const char* kBatchedWrites = R"([create]
path = "/records"
id_path = "record.id"
[update]
method = "POST"
path = "/records/{id}"
[update.batch]
max = 100
path = "/batch/update"
body = '{{"inputs": [{each}]}}'
each = '{{{values_and}"id": "{id}"}}'
reply = { results = "results", by = "id", errors = "errors", errors_by = "context.ids" }
[fetch.batch]
max = 100
path = "/batch/read"
body = '{{"inputs": [{each}]}}'
each = '{{"id": "{id}"}}'
reply = { results = "results", by = "id" }
)";

/// Answers each request a while after it came: a write by the record as it was written.
class Platform {
public:
    explicit Platform(Mode mode)
        : delay_(mode == Mode::kTellsRecords ? kDelay : kBatchDelay),
          echoes_(mode == Mode::kTellsRecords) {
        HttpServer::Settings settings;
        settings.prefix = "/";
        settings.gets = true;
        auto started = HttpServer::start(
            settings, [this](const HttpServer::Request& request, const HttpServer::Answer& answer) {
                take(request, answer);
            });
        if (!started) fault(started.error().what);
        server_ = std::move(*started);
        answering_ = std::jthread{[this](const std::stop_token& stop) { answer_all(stop); }};
    }
    ~Platform() {
        answering_.request_stop();
        answering_.join();
        server_.reset();
    }
    Platform(const Platform&) = delete;
    Platform& operator=(const Platform&) = delete;

    [[nodiscard]] std::string url() const {
        return "http://127.0.0.1:" + std::to_string(server_->port());
    }
    [[nodiscard]] std::uint64_t written() const { return written_; }
    /// All but those for lists.
    [[nodiscard]] std::uint64_t calls() const { return calls_; }
    void forget() {
        const std::lock_guard guard{mutex_};
        written_ = calls_ = 0;
        first_.reset();
    }
    /// From the first write that came to the answer of the last call about a record.
    [[nodiscard]] double seconds() {
        const std::lock_guard guard{mutex_};
        return std::chrono::duration<double>(last_ - first_.value_or(last_)).count();
    }

private:
    struct Waiting {
        Clock::time_point due;
        HttpServer::Answer answer;
        std::string text;
        bool counts = false;
        std::uint64_t writes = 0;
    };

    void take(const HttpServer::Request& request, const HttpServer::Answer& answer) {
        const auto now = Clock::now();
        const std::lock_guard guard{mutex_};
        Waiting made{now + delay_, answer, R"({"records":[]})"};
        const bool writes = !request.body.empty() && request.path != "/batch/read";
        made.counts = writes || (!echoes_ && request.path != "/records");
        if (made.counts) made.text = answer_to(request, made.writes);
        if (writes && !first_) first_ = now;
        if (made.counts) ++calls_;
        waiting_.push_back(std::move(made));
    }

    std::string answer_to(const HttpServer::Request& request, std::uint64_t& writes) {
        if (echoes_) {  // As cheap as it can be: the bare loop is to be compared with, not this.
            writes = 1;
            return R"({"record":{"id":")" + id_of(request) + "\"," +
                   std::string{request.body.substr(1)} + "}";
        }
        auto body =
            request.body.empty() ? Result<Value>{Value{Value::Map{}}} : parse_json(request.body);
        if (!body) fault("the agent sends what is no JSON");
        if (request.path.starts_with("/batch/")) {
            Value::List results;
            const bool update = request.path == "/batch/update";
            for (const Value& input : *body->get<Value::Map>()->at("inputs").get<Value::List>()) {
                const auto& map = *input.get<Value::Map>();
                const std::string& id = *map.at("id").get<std::string>();
                results.push_back(update ? Value{Value::Map{{"id", id}}} : Value{put(id, map)});
                if (update) std::ignore = put(id, map);
                writes += update ? 1 : 0;
            }
            return to_json(Value{Value::Map{{"results", std::move(results)}}});
        }
        writes = request.body.empty() ? 0 : 1;
        return to_json(
            Value{Value::Map{{"record", put(id_of(request), *body->get<Value::Map>())}}});
    }

    std::string id_of(const HttpServer::Request& request) {
        if (request.path == "/records") return std::to_string(++ids_);
        return std::string{request.path.substr(request.path.rfind('/') + 1)};
    }

    /// The record as it is then.
    const Value::Map& put(const std::string& id, const Value::Map& fields) {
        Value::Map& record = records_[id];
        for (const auto& [name, value] : fields) record.insert_or_assign(name, value);
        record.insert_or_assign("id", Value{id});
        return record;
    }

    void answer_all(const std::stop_token& stop) {
        while (!stop.stop_requested()) {
            Waiting next;
            {
                const std::lock_guard guard{mutex_};
                if (!waiting_.empty() && waiting_.front().due <= Clock::now()) {
                    next = std::move(waiting_.front());
                    waiting_.pop_front();
                }
            }
            if (!next.answer) {
                std::this_thread::sleep_for(50us);
                continue;
            }
            HttpServer::Reply reply{.status = 200};
            reply.text = std::move(next.text);
            reply.content_type = "application/json";
            next.answer(std::move(reply));
            if (!next.counts) continue;
            const std::lock_guard guard{mutex_};
            last_ = Clock::now();
            written_ += next.writes;
        }
    }

    std::mutex mutex_;
    std::deque<Waiting> waiting_;
    std::optional<Clock::time_point> first_;
    Clock::time_point last_;
    std::atomic<std::uint64_t> written_ = 0;
    std::atomic<std::uint64_t> calls_ = 0;
    std::map<std::string, Value::Map> records_;
    Clock::duration delay_;
    bool echoes_;
    std::uint64_t ids_ = 0;
    std::unique_ptr<HttpServer> server_;
    std::jthread answering_;
};

std::string agent_config(const std::string& nats, const std::string& platform, const Setup& setup) {
    return "platform = \"target\"\nstore = \"agent.db\"\npoll_ms = 3600000\n[nats]\nurls = [\"" +
           nats + "\"]\n[writing]\nconcurrency = " + std::to_string(setup.concurrency) +
           "\n[connector]\nkind = \"rest\"\nprofile = \"bench.toml\"\nbase_url = \"" + platform +
           "\"\nbatch_max = " + (setup.mode == Mode::kTogether ? "10000" : "1") + R"(
[objects.item]
native = "item"
[objects.item.fields]
a = "a"
b = "b"
c = "c"
d = "d"
n = { path = "n", type = "integer" }
stage = "stage"
amount = { path = "amount", type = "decimal" }
sent_at = { path = "sent_at", type = "integer" }
)";
}

/// Waits for `done`; the programs must live that long.
void await(const char* what, const std::vector<Child*>& programs,
           const std::function<bool()>& done) {
    const auto end = Clock::now() + kLimit;
    while (!done()) {
        for (Child* program : programs) {
            if (!program->running()) fault("a program has ended; see its log");
        }
        if (Clock::now() > end) fault(std::string{"in vain waited for "} + what);
        std::this_thread::sleep_for(5ms);
    }
}

std::uint64_t stored_ever(RawClient& client, const std::string& stream) {
    const auto info = parse_json(client.api("STREAM.INFO." + stream, ""));
    const auto* map = info ? info->get<Value::Map>() : nullptr;
    const auto state = map == nullptr ? Value::Map::const_iterator{} : map->find("state");
    if (map == nullptr || state == map->end()) return 0;
    const auto* counts = state->second.get<Value::Map>();
    const auto last = counts->find("last_seq");
    const auto* number = last == counts->end() ? nullptr : last->second.get<std::int64_t>();
    return number == nullptr ? 0 : static_cast<std::uint64_t>(*number);
}

void publish_round(RawClient& client, std::uint64_t records, std::uint64_t round,
                   Numbers& numbers) {
    for (std::uint64_t i = 0; i < records; ++i) {
        const Change change = bench_change(i, round, static_cast<std::int64_t>(round), numbers);
        client.publish(subjects::change(change.key, change.number.partition), "",
                       wire::encode(change));
        if (i % 256 == 0) client.turn(0);
    }
    client.flush();
}

// ---- The bare loop ----------------------------------------------------------------------------

std::size_t discard(char*, std::size_t size, std::size_t count, void*) { return size * count; }

/// Writes as many records as the agent does, as many at once. Seconds.
double write_bare(const std::string& url, std::uint64_t records, std::size_t concurrency,
                  const std::string& body) {
    const std::unique_ptr<CURLM, decltype(&curl_multi_cleanup)> multi{curl_multi_init(),
                                                                      curl_multi_cleanup};
    curl_slist* headers = curl_slist_append(nullptr, "Content-Type: application/json");
    std::vector<CURL*> handles;
    std::uint64_t begun = 0;
    std::uint64_t done = 0;
    const auto begin = [&](CURL* handle) {
        const std::string target = url + "/records/" + std::to_string(++begun);
        curl_easy_setopt(handle, CURLOPT_URL, target.c_str());
        curl_multi_add_handle(multi.get(), handle);
    };
    const auto start = Clock::now();
    for (std::size_t i = 0; i < concurrency; ++i) {
        CURL* handle = handles.emplace_back(curl_easy_init());
        curl_easy_setopt(handle, CURLOPT_POSTFIELDS, body.c_str());
        curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers);
        curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, discard);
        begin(handle);
    }
    while (done < records) {
        int running = 0;
        curl_multi_perform(multi.get(), &running);
        int left = 0;
        while (const CURLMsg* message = curl_multi_info_read(multi.get(), &left)) {
            if (message->msg != CURLMSG_DONE) continue;
            if (message->data.result != CURLE_OK) fault("the bare loop cannot write");
            ++done;
            curl_multi_remove_handle(multi.get(), message->easy_handle);
            if (begun < records) begin(message->easy_handle);
        }
        if (done < records) curl_multi_poll(multi.get(), nullptr, 0, 100, nullptr);
    }
    const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
    for (CURL* handle : handles) curl_easy_cleanup(handle);
    curl_slist_free_all(headers);
    return seconds;
}

// ---- A run ------------------------------------------------------------------------------------

using Figures = std::map<std::string, double>;

/// What was written is read back; then there are no calls for a second.
void await_rest(const Platform& platform, Child& agent) {
    std::uint64_t before = 0;
    await("the reading back", {&agent}, [&] {
        std::this_thread::sleep_for(1s);
        return std::exchange(before, platform.calls()) == before;
    });
}

Figures one_run(char** argv, const Sizes& sizes, const Setup& setup) {
    const Mode mode = setup.mode;
    const Folder folder;
    Platform platform{mode};
    const test::NatsServer server;
    std::ignore =
        folder.write("bench.toml", std::string{kProfile} +
                                       (mode == Mode::kTellsRecords ? kWrites : kBatchedWrites));
    const std::string config =
        folder.write("agent.toml", agent_config(server.url(), platform.url(), setup));
    Child hub{{argv[1], "--server", server.url(), "--id", "bench", "--policy",
               fs::absolute(argv[3]).string()},
              folder.path() / "hub.log"};
    RawClient client{server.url()};
    Numbers numbers;
    const auto records = sizes.records;
    {
        Child agent{{argv[2], "--config", config}, folder.path() / "agent.log"};
        await("the hub", {&hub, &agent}, [&] {
            const std::string names = client.api("STREAM.NAMES", "");
            return names.find("SYNC_CMD") != names.npos && names.find("SYNC_LOG") != names.npos;
        });
        publish_round(client, records, 1, numbers);
        await("the records", {&hub, &agent}, [&] { return platform.written() >= records; });
        // What they hold is told, and decided.
        std::uint64_t before = 0;
        await("quiet", {&hub, &agent}, [&] {
            std::this_thread::sleep_for(1s);
            return std::exchange(before, stored_ever(client, "SYNC_LOG")) == before && before > 0;
        });
        agent.end_by(SIGTERM);
    }
    platform.forget();
    const std::uint64_t commanded = stored_ever(client, "SYNC_CMD");
    publish_round(client, records, 2, numbers);
    await("the commands", {&hub},
          [&] { return stored_ever(client, "SYNC_CMD") >= commanded + records; });
    hub.signal(SIGSTOP);
    Child agent{{argv[2], "--config", config}, folder.path() / "agent.log"};
    await("the writes", {&agent}, [&] { return platform.written() >= records; });
    if (mode != Mode::kTellsRecords) await_rest(platform, agent);
    Figures out;
    out["agent_per_s"] = static_cast<double>(records) / platform.seconds();
    out["agent_cpu_us"] = agent.cpu_us() / static_cast<double>(records);
    out["calls_per_1000"] =
        1000.0 * static_cast<double>(platform.calls()) / static_cast<double>(records);
    hub.signal(SIGCONT);
    agent.end_by(SIGTERM);
    if (mode != Mode::kTellsRecords) return out;
    const Change like = bench_change(0, 2, 2, numbers);
    Value::Map body;
    for (const auto& [name, value] : like.fields) body.emplace(name.text, value);
    out["bare_per_s"] =
        static_cast<double>(records) /
        write_bare(platform.url(), records, setup.concurrency, to_json(Value{std::move(body)}));
    out["ratio"] = out["agent_per_s"] / out["bare_per_s"];
    return out;
}

/// All figures of a run, by name.
Figures all_of_a_run(char** argv, const Sizes& sizes) {
    if (!sizes.batches) {
        Figures out = one_run(argv, sizes, {Mode::kTellsRecords, kConcurrency});
        out.erase("calls_per_1000");
        out["ratio_doubled"] =
            one_run(argv, sizes, {Mode::kTellsRecords, 2 * kConcurrency})["ratio"];
        return out;
    }
    Figures out;
    for (const Mode mode : {Mode::kSingly, Mode::kTogether}) {
        const char* const prefix = mode == Mode::kSingly ? "singly_" : "together_";
        for (const auto& [name, value] : one_run(argv, sizes, {mode, 2 * kConcurrency}))
            out[prefix + name] = value;
    }
    out["ratio"] = out["together_agent_per_s"] / out["singly_agent_per_s"];
    return out;
}

int run(int argc, char** argv) {
    if (argc < 4) fault("usage: apply_bench HUB AGENT POLICY_DIR [--runs N] [--quick] [--batches]");
    Sizes sizes;
    for (int i = 4; i < argc; ++i) {
        const std::string flag = argv[i];
        if (flag == "--quick") sizes = {500, 1, sizes.batches};
        if (flag == "--batches")
            sizes = {std::min<std::uint64_t>(sizes.records, 5'000), sizes.runs, true};
        if (flag == "--runs" && i + 1 < argc) sizes.runs = std::max(1, std::atoi(argv[i + 1]));
    }
    std::map<std::string, std::vector<double>> all;
    for (int i = 0; i < sizes.runs; ++i) {
        for (const auto& [name, value] : all_of_a_run(argv, sizes)) {
            all[name].push_back(value);
        }
        const char* const rate = sizes.batches ? "together_agent_per_s" : "agent_per_s";
        std::fprintf(stderr, "run %d of %d: %.0f writes/s, ratio %.3f\n", i + 1, sizes.runs,
                     all[rate].back(), all["ratio"].back());
    }
    std::printf("{\"bench\":\"%s\",\"runs\":%d,\"records\":%llu,\"concurrency\":%zu",
                sizes.batches ? "batch" : "apply", sizes.runs,
                static_cast<unsigned long long>(sizes.records),
                sizes.batches ? 2 * kConcurrency : kConcurrency);
    for (auto& [name, values] : all) {
        std::ranges::sort(values);
        std::printf(",\"%s\":%.3f", name.c_str(), values[values.size() / 2]);
    }
    std::printf("}\n");
    return 0;
}

}  // namespace
}  // namespace syncline::bench

int main(int argc, char** argv) {
    curl_global_init(CURL_GLOBAL_ALL);
    try {
        return syncline::bench::run(argc, argv);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "bench: %s\n", error.what());
        return 1;
    }
}
