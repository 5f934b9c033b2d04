// What telemetry costs a hub: the same changes with an OTLP receiver and without, one after the
// other on the same machine, one in a hundred followed as by default. Prints one JSON line.
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <thread>

#include "tests/bench/child.h"
#include "tests/bench/folder.h"
#include "tests/bench/raw_client.h"
#include "tests/bench/source.h"
#include "tests/bench/watcher.h"
#include "tests/support/nats_server.h"
#include "tests/support/otlp_receiver.h"

namespace syncline::bench {
namespace {

struct Sizes {
    std::uint64_t entities = 50'000;
    std::uint64_t updates = 200'000;
    int runs = 5;
};
constexpr unsigned kPercent = 1;

struct Figures {
    double changes_per_s = 0;
    double cpu_us = 0;  ///< Of the hub, for each change.
    std::size_t spans = 0;
};

Figures measure(const std::string& program, const std::string& policy, const Sizes& sizes,
                bool with_telemetry) {
    const test::NatsServer server;
    const Folder folder;
    const test::OtlpReceiver receiver;
    std::string config =
        "id = \"bench\"\npolicy = \"" + policy + "\"\n[nats]\nurls = [\"" + server.url() + "\"]\n";
    if (with_telemetry) config += "[telemetry]\nendpoint = \"" + receiver.url() + "\"\n";
    const Child hub{{program, "--config", folder.write("hub.toml", config)},
                    folder.path() / "hub.log"};
    Watcher watcher{server.url()};
    while (watcher.info(subjects::kStreamLog).created.ns == 0) {
        std::this_thread::sleep_for(std::chrono::milliseconds{20});
    }
    Source source{server.url()};
    if (with_telemetry) source.follow(kPercent);
    for (std::uint64_t i = 0; i < sizes.entities; ++i) source.send(i, 1, steady_ns());
    source.finish();
    await_stored(watcher, subjects::kStreamLog, sizes.entities, "founding the entities");
    hub.signal(SIGSTOP);
    for (std::uint64_t i = 0; i < sizes.updates; ++i) {
        source.send(i % sizes.entities, 2 + i / sizes.entities, steady_ns());
    }
    source.finish();
    const std::uint64_t decisions = watcher.last(subjects::kStreamLog);
    const double cpu = hub.cpu_us();
    const std::uint64_t start = steady_ns();
    hub.signal(SIGCONT);
    await_stored(watcher, subjects::kStreamLog, decisions + sizes.updates, "the updates");
    const auto changes = static_cast<double>(sizes.updates);
    Figures out;
    out.changes_per_s = changes / (static_cast<double>(steady_ns() - start) / 1e9);
    out.cpu_us = (hub.cpu_us() - cpu) / changes;
    out.spans = receiver.spans().size();
    return out;
}

int run(int argc, char** argv) {
    if (argc < 3) die("usage: telemetry_bench HUB_PROGRAM POLICY_DIR [--runs N] [--quick]");
    Sizes sizes;
    for (int i = 3; i < argc; ++i) {
        const std::string flag = argv[i];
        if (flag == "--quick")
            sizes = {5'000, 10'000, 1};  // More than a hub takes at once: none are folded.
        if (flag == "--runs" && i + 1 < argc) sizes.runs = std::atoi(argv[i + 1]);
    }
    const std::string policy = std::filesystem::absolute(argv[2]).string();
    std::vector<double> cost;
    std::vector<double> cpu_cost;
    std::vector<double> rate;
    std::size_t spans = 0;
    for (int i = 0; i < sizes.runs; ++i) {
        const Figures off = measure(argv[1], policy, sizes, false);
        const Figures on = measure(argv[1], policy, sizes, true);
        if (on.spans == 0) die("the receiver was told nothing");
        cost.push_back(100 * (1 - on.changes_per_s / off.changes_per_s));
        cpu_cost.push_back(100 * (on.cpu_us / off.cpu_us - 1));
        rate.push_back(on.changes_per_s);
        spans = on.spans;
        std::fprintf(stderr, "run %d of %d: %.1f %% of throughput, %.1f %% of CPU\n", i + 1,
                     sizes.runs, cost.back(), cpu_cost.back());
    }
    std::printf(
        "{\"bench\":\"telemetry\",\"runs\":%d,\"cost_percent\":%.2f,\"cpu_cost_percent\":%.2f,"
        "\"changes_per_s\":%.0f,\"spans\":%zu}\n",
        sizes.runs, median(cost), median(cpu_cost), median(rate), spans);
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
