// Questions through a hub and an agent, against asking the platform directly. Prints one JSON line.
//
// In each run: a real nats-server, hub and agent; a platform that answers over HTTP at once; 500
// questions a second, each at its own moment whether the one before is answered or not, first to
// the platform, then to the hub's API, which asks the agent, which asks the platform. Latency
// counts from the moment at which a question is due, so that waiting to be sent counts, too.
// Then workflows are begun through the same API, at half the rate that it can do.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>
#include <stdexcept>
#include <thread>
#include <vector>

#include "shared/http/client.h"
#include "shared/http/server.h"
#include "tests/bench/child.h"
#include "tests/bench/folder.h"
#include "tests/support/free_port.h"
#include "tests/support/nats_server.h"

namespace syncline::bench {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

struct Sizes {
    std::size_t warm_up = 1'000;
    std::size_t questions = 5'000;
    int runs = 5;
};

constexpr std::size_t kThreads = 8;
constexpr auto kBetween = 2ms;  ///< 500 a second.
constexpr auto kLimit = 60s;

[[noreturn]] void fault(const std::string& why) { throw std::runtime_error(why); }

constexpr const char* kProfile = R"(name = "bench"
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
[create]
path = "/records"
[update]
path = "/records/{id}"
[delete]
path = "/records/{id}"
)";

/// Answers `{"status":"good","left":250.5}` to whatever is asked.
class Platform {
public:
    Platform() {
        HttpServer::Settings settings;
        settings.prefix = "/";
        settings.gets = true;
        auto started = HttpServer::start(settings, [](const HttpServer::Request& request,
                                                      const HttpServer::Answer& answer) {
            HttpServer::Reply reply{.status = 200};
            reply.text = request.path.starts_with("/records") ? R"({"records":[]})"
                                                              : R"({"status":"good","left":250.5})";
            reply.content_type = "application/json";
            answer(std::move(reply));
        });
        if (!started) fault(started.error().what);
        server_ = std::move(*started);
    }
    [[nodiscard]] std::string url() const {
        return "http://127.0.0.1:" + std::to_string(server_->port());
    }

private:
    std::unique_ptr<HttpServer> server_;
};

std::string agent_config(const std::string& nats, const std::string& platform) {
    return "platform = \"source\"\nstore = \"agent.db\"\npoll_ms = 3600000\n[nats]\nurls = [\"" +
           nats + "\"]\n[connector]\nkind = \"rest\"\nprofile = \"bench.toml\"\nbase_url = \"" +
           platform + R"("
[connector.asks.credit]
path = "/credit/{input.customer}"
[asks.credit.input]
customer = { type = "string", required = true }
[asks.credit.output]
status = "string"
left = "decimal"
[objects.item]
native = "item"
[objects.item.fields]
a = "a"
)";
}

double percentile(std::vector<double> values, double part) {
    std::sort(values.begin(), values.end());
    return values[std::min(values.size() - 1,
                           static_cast<std::size_t>(part * static_cast<double>(values.size())))];
}

/// Latencies in ms of `count` questions made by `make`, one every `between`; 0: as fast as eight
/// clients can.
std::vector<double> ask(std::size_t count, Clock::duration between,
                        const std::function<HttpRequest(std::size_t)>& make) {
    std::vector<double> latencies(count);
    std::atomic<std::size_t> failed = 0;
    const auto start = Clock::now() + 20ms;
    std::vector<std::jthread> threads;
    for (std::size_t thread = 0; thread < kThreads; ++thread) {
        threads.emplace_back([&, thread] {
            CurlClient client;
            for (std::size_t i = thread; i < count; i += kThreads) {
                const auto due = between == Clock::duration{0}
                                     ? Clock::now()
                                     : start + static_cast<Clock::rep>(i) * between;
                std::this_thread::sleep_until(due);
                const auto reply = client.send(make(i), {});
                if (!reply || reply->status / 100 != 2) ++failed;
                latencies[i] =
                    std::chrono::duration<double, std::milli>(Clock::now() - due).count();
            }
        });
    }
    threads.clear();
    if (failed > 0) fault(std::to_string(failed) + " questions were not answered");
    return latencies;
}

HttpRequest direct(const std::string& platform, std::size_t i) {
    return {.url = platform + "/credit/C-" + std::to_string(i)};
}

HttpRequest through(std::uint16_t port, std::size_t i) {
    return {.method = "POST",
            .url = "http://127.0.0.1:" + std::to_string(port) + "/v1/ask/source.credit",
            .headers = {{"Content-Type", "application/json"}},
            .body = R"({"customer":"C-)" + std::to_string(i) + "\"}"};
}

void await_answers(std::uint16_t port, Child& hub, Child& agent) {
    CurlClient client;
    const auto end = Clock::now() + kLimit;
    while (true) {
        const auto reply = client.send(through(port, 0), {});
        if (reply && reply->status == 200) return;
        if (!hub.running() || !agent.running()) fault("a program has ended; see its log");
        if (Clock::now() > end) fault("no question is answered: " + (reply ? reply->body : ""));
        std::this_thread::sleep_for(50ms);
    }
}

using Figures = std::map<std::string, double>;

/// Begins workflows through the API: as fast as it goes, then half as fast. Each is answered when
/// it is stored.
void measure_starts(std::uint16_t port, const Sizes& sizes, Figures& out) {
    std::size_t next = 0;
    const auto start = [&](std::size_t i) {
        return HttpRequest{.method = "POST",
                           .url = "http://127.0.0.1:" + std::to_string(port) + "/v1/process/order",
                           .headers = {{"Content-Type", "application/json"}},
                           .body = R"({"number":"O-)" + std::to_string(next + i) + "\"}"};
    };
    const auto before = Clock::now();
    std::ignore = ask(sizes.questions, Clock::duration{0}, start);
    const auto each = (Clock::now() - before) / static_cast<Clock::rep>(sizes.questions);
    next = sizes.questions;
    out["starts_per_s"] = 1.0 / std::chrono::duration<double>(each).count();
    const auto latencies = ask(sizes.questions, 2 * each, start);
    out["start_p50_ms"] = percentile(latencies, 0.5);
    out["start_p99_ms"] = percentile(latencies, 0.99);
}

Figures one_run(char** argv, const Sizes& sizes) {
    const Folder folder;
    const Platform platform;
    const test::NatsServer server;
    const std::uint16_t port = test::free_port();
    std::ignore = folder.write("bench.toml", kProfile);
    Child hub{{argv[1], "--config",
               folder.write("hub.toml", "policy = \"" + fs::absolute(argv[3]).string() +
                                            "\"\n[nats]\nurls = [\"" + server.url() +
                                            "\"]\n[api]\nport = " + std::to_string(port) + "\n")},
              folder.path() / "hub.log"};
    Child agent{{argv[2], "--config",
                 folder.write("agent.toml", agent_config(server.url(), platform.url()))},
                folder.path() / "agent.log"};
    await_answers(port, hub, agent);
    const auto put_direct = [&](std::size_t i) { return direct(platform.url(), i); };
    const auto put_through = [&](std::size_t i) { return through(port, i); };
    std::ignore = ask(sizes.warm_up, kBetween, put_through);
    const auto directly = ask(sizes.questions, kBetween, put_direct);
    const double agent_before = agent.cpu_us();
    const double hub_before = hub.cpu_us();
    const auto through_us = ask(sizes.questions, kBetween, put_through);
    const auto count = static_cast<double>(sizes.questions);
    Figures out;
    out["agent_cpu_us"] = (agent.cpu_us() - agent_before) / count;
    out["hub_cpu_us"] = (hub.cpu_us() - hub_before) / count;
    for (const auto& [name, part] : {std::pair{"p50", 0.5}, std::pair{"p99", 0.99}}) {
        const std::string text = name;
        out["direct_" + text + "_ms"] = percentile(directly, part);
        out["hub_" + text + "_ms"] = percentile(through_us, part);
        out["added_" + text + "_ms"] = percentile(through_us, part) - percentile(directly, part);
    }
    measure_starts(port, sizes, out);
    return out;
}

int run(int argc, char** argv) {
    if (argc < 4) fault("usage: ask_bench HUB AGENT POLICY_DIR [--runs N] [--quick]");
    Sizes sizes;
    for (int i = 4; i < argc; ++i) {
        const std::string flag = argv[i];
        if (flag == "--quick") sizes = {100, 500, 1};
        if (flag == "--runs" && i + 1 < argc) sizes.runs = std::max(1, std::atoi(argv[i + 1]));
    }
    std::map<std::string, std::vector<double>> all;
    for (int i = 0; i < sizes.runs; ++i) {
        for (const auto& [name, value] : one_run(argv, sizes)) all[name].push_back(value);
        std::fprintf(stderr, "run %d of %d: added p99 %.2f ms, start p99 %.2f ms\n", i + 1,
                     sizes.runs, all["added_p99_ms"].back(), all["start_p99_ms"].back());
    }
    std::printf("{\"bench\":\"ask\",\"runs\":%d,\"per_s\":500", sizes.runs);
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
