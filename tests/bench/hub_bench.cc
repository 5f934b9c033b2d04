// The hub's hot path against a raw relay, on the same server in the same run. Prints one JSON line.
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <memory>
#include <thread>

#include "shared/nats/nats_link.h"
#include "shared/nats/streams.h"
#include "shared/wire/codec.h"
#include "shared/wire/subjects.h"
#include "tests/bench/child.h"
#include "tests/bench/raw_client.h"
#include "tests/bench/relay.h"
#include "tests/bench/source.h"
#include "tests/bench/watcher.h"
#include "tests/support/nats_server.h"

namespace syncline::bench {
namespace {

struct Sizes {
    std::uint64_t entities = 100'000;
    std::uint64_t updates = 200'000;
    double paced_seconds = 15;  ///< Several of the server's garbage collections.
    int runs = 5;
};

using Figures = std::map<std::string, double>;

std::uint64_t output(Watcher& watcher) {
    std::uint64_t sum = 0;
    for (const auto stream : {subjects::kStreamState, subjects::kStreamCommands,
                              subjects::kStreamLog, subjects::kStreamExceptions}) {
        sum += watcher.last(stream);
    }
    return sum;
}

/// The command's `sent_at`.
std::uint64_t sent_at(std::string_view body) {
    const auto command = wire::decode_command(body);
    if (!command) die(command.error().what);
    const Value* sent = command->fields.find("sent_at");
    return sent == nullptr ? 0 : static_cast<std::uint64_t>(*sent->get<std::int64_t>());
}

double cpu_us_of_all(const std::vector<pid_t>& processes) {
    double sum = 0;
    for (const pid_t process : processes) sum += cpu_us_of(process);
    return sum;
}

struct Load {
    double rate = 0;  ///< Inputs a second.
    double seconds = 0;
    std::uint64_t outputs_per_sample = 1;  ///< The watcher sees one of so many.
    std::vector<pid_t> processes;          ///< Whose CPU counts.
};

/// Has `send(due_ns)` called at the load's rate. Returns how many cores were kept busy.
template <class Inputs, class Send>
double pace(Watcher& watcher, Inputs& inputs, const Load& load, const Send& send) {
    const auto total = static_cast<std::uint64_t>(load.rate * load.seconds);
    const std::uint64_t seen = total / load.outputs_per_sample;
    const double cpu_before = cpu_us_of_all(load.processes);
    const std::uint64_t begin = steady_ns();
    for (std::uint64_t sent = 0; sent < total;) {
        const double elapsed = static_cast<double>(steady_ns() - begin) / 1e9;
        const auto due = std::min(total, static_cast<std::uint64_t>(elapsed * load.rate));
        for (; sent < due; ++sent) {
            send(begin + static_cast<std::uint64_t>(static_cast<double>(sent) / load.rate * 1e9));
        }
        inputs.turn();
        watcher.turn();
    }
    const double cores = (cpu_us_of_all(load.processes) - cpu_before) /
                         (static_cast<double>(steady_ns() - begin) / 1e3);
    inputs.finish();
    const std::uint64_t limit = steady_ns() + 30'000'000'000ULL;
    while (watcher.latency_ms.size() < seen && steady_ns() < limit) watcher.turn();
    if (watcher.latency_ms.size() < seen) die("outputs are missing after the paced stream");
    return cores;
}

void measure_relay(const test::NatsServer& server, const Sizes& sizes, Figures& out) {
    const std::string url = server.url();
    make_relay_streams(url);
    const Child relay{{"/proc/self/exe", "--relay", url}, "/dev/null"};
    Watcher watcher{url};
    RelaySource source{url, 300};
    source.send(steady_ns());
    source.finish();
    await_stored(watcher, "BENCH_OUT", 1, "the relay's start");

    out["relay_per_s"] = relayed_per_s(watcher, source, relay, sizes.updates);

    watcher.watch_latency("BENCH_OUT", std::string{kSampledOutputs}, due_of);
    out["relay_cores_half_load"] = pace(watcher, source,
                                        {.rate = out["relay_per_s"] / 2,
                                         .seconds = sizes.paced_seconds,
                                         .outputs_per_sample = kOutputsPerSample,
                                         .processes = {server.pid(), relay.pid(), ::getpid()}},
                                        [&](std::uint64_t due_ns) { source.send(due_ns); });
    out["relay_p50_ms_half_load"] = percentile(watcher.latency_ms, 0.5);
    out["relay_p99_ms_half_load"] = percentile(watcher.latency_ms, 0.99);
}

void measure_hub(const test::NatsServer& server, const std::string& program,
                 const std::string& policy, const Sizes& sizes, Figures& out) {
    const std::string url = server.url();
    const Child hub{{program, "--server", url, "--policy", policy, "--id", "bench"}, "/dev/null"};
    Watcher watcher{url};
    while (watcher.info(subjects::kStreamLog).created.ns == 0) {
        std::this_thread::sleep_for(std::chrono::milliseconds{20});
    }
    Source source{url};
    const double hub_rss = hub.most_rss_kib();
    const double server_rss = most_rss_kib_of(server.pid());
    for (std::uint64_t i = 0; i < sizes.entities; ++i) source.send(i, 1, steady_ns());
    source.finish();
    await_stored(watcher, subjects::kStreamLog, sizes.entities, "founding the entities");
    const auto entities = static_cast<double>(sizes.entities);
    out["hub_bytes_per_entity"] = (hub.most_rss_kib() - hub_rss) * 1024 / entities;
    out["server_bytes_per_entity"] = (most_rss_kib_of(server.pid()) - server_rss) * 1024 / entities;
    for (const auto& [name, stream] : {std::pair{"in_bytes", subjects::kStreamIn},
                                       {"state_bytes", subjects::kStreamState},
                                       {"log_bytes", subjects::kStreamLog},
                                       {"command_bytes", subjects::kStreamCommands}}) {
        const nats::StreamInfo info = watcher.info(stream);
        out[name] = static_cast<double>(info.bytes) / static_cast<double>(info.messages);
    }

    hub.signal(SIGSTOP);
    std::uint64_t round = 2;
    for (std::uint64_t i = 0; i < sizes.updates; ++i) {
        if (i > 0 && i % sizes.entities == 0) ++round;
        source.send(i % sizes.entities, round, steady_ns());
    }
    source.finish();
    const std::uint64_t decisions = watcher.last(subjects::kStreamLog);
    const std::uint64_t published = output(watcher);
    const double hub_cpu = hub.cpu_us();
    const double server_cpu = cpu_us_of(server.pid());
    const std::uint64_t start = steady_ns();
    hub.signal(SIGCONT);
    await_stored(watcher, subjects::kStreamLog, decisions + sizes.updates, "the steady stream");
    const double seconds = static_cast<double>(steady_ns() - start) / 1e9;
    const auto changes = static_cast<double>(sizes.updates);
    out["hub_cpu_us_per_change"] = (hub.cpu_us() - hub_cpu) / changes;
    out["server_cpu_us_per_change"] = (cpu_us_of(server.pid()) - server_cpu) / changes;
    out["changes_per_s"] = static_cast<double>(sizes.updates) / seconds;
    out["publishes_per_s"] = static_cast<double>(output(watcher) - published) / seconds;
    out["body_bytes"] = static_cast<double>(source.body_bytes());

    source.wake();
    watcher.watch_latency(subjects::kStreamCommands, subjects::commands_wildcard(), sent_at);
    std::uint64_t next = 0;
    out["cores_half_load"] = pace(watcher, source,
                                  {.rate = out["changes_per_s"] / 2,
                                   .seconds = sizes.paced_seconds,
                                   .processes = {server.pid(), hub.pid(), ::getpid()}},
                                  [&](std::uint64_t due_ns) {
                                      if (next % sizes.entities == 0) ++round;
                                      source.send(next++ % sizes.entities, round, due_ns);
                                  });
    out["p50_ms_half_load"] = percentile(watcher.latency_ms, 0.5);
    out["p99_ms_half_load"] = percentile(watcher.latency_ms, 0.99);
}

Figures one_run(const std::string& program, const std::string& policy, const Sizes& sizes) {
    Figures out;
    test::NatsServer server;
    measure_relay(server, sizes, out);
    drop_relay_streams(server.url());
    measure_hub(server, program, policy, sizes, out);
    out["publishes_ratio"] = out["publishes_per_s"] / out["relay_per_s"];
    out["changes_ratio"] = out["changes_per_s"] / out["relay_per_s"];
    out["p99_ratio"] = out["p99_ms_half_load"] / out["relay_p99_ms_half_load"];
    return out;
}

int run(int argc, char** argv) {
    if (argc == 3 && std::string_view{argv[1]} == "--relay") run_relay(argv[2]);
    if (argc < 3) die("usage: hub_bench HUB_PROGRAM POLICY_DIR [--runs N] [--quick]");
    Sizes sizes;
    for (int i = 3; i < argc; ++i) {
        const std::string flag = argv[i];
        if (flag == "--quick") sizes = {5'000, 10'000, 1, 1};
        if (flag == "--runs" && i + 1 < argc) sizes.runs = std::atoi(argv[i + 1]);
    }
    std::map<std::string, std::vector<double>> all;
    for (int i = 0; i < sizes.runs; ++i) {
        for (const auto& [name, value] : one_run(argv[1], argv[2], sizes)) {
            all[name].push_back(value);
        }
        std::fprintf(stderr, "run %d of %d: publishes_ratio %.2f, p99_ratio %.2f\n", i + 1,
                     sizes.runs, all["publishes_ratio"].back(), all["p99_ratio"].back());
    }
    std::printf("{\"bench\":\"hub\",\"runs\":%d", sizes.runs);
    for (const auto& [name, values] : all)
        std::printf(",\"%s\":%.3f", name.c_str(), median(values));
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
