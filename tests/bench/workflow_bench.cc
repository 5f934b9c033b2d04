// Instances of workflows in a real hub, on a real server. Two benchmarks, one JSON line each.
//
// `workflow`: processes of three operations, against a raw relay on the same server in the same
// run. All inputs (starts, and results as an agent tells them) are stored before the hub goes on,
// so that the hub alone is measured; a process hears its next result long after the one before. A
// step counts with all that the hub publishes for it: state, command and log entry.
//
// `waiting`: a million instances that wait, for a time that is far or near. Memory of the hub
// beside that of an empty one, time from its start to the first timer fired, lateness of those that
// fire.
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <thread>

#include "hub/workflow/decide.h"
#include "hub/workflow/instance_codec.h"
#include "hub/workflow/message.h"
#include "shared/policy/policy_toml.h"
#include "shared/wire/operation_codec.h"
#include "shared/wire/subjects.h"
#include "tests/bench/bench_change.h"
#include "tests/bench/child.h"
#include "tests/bench/folder.h"
#include "tests/bench/raw_client.h"
#include "tests/bench/relay.h"
#include "tests/bench/watcher.h"
#include "tests/support/nats_server.h"

namespace syncline::bench {
namespace {

using namespace std::chrono_literals;
using Figures = std::map<std::string, double>;

constexpr const char* kWorkflows = R"([policy]
name = "bench"
[platforms.source]
[workflows.process]
owner = "bench"
key   = "number"
[workflows.process.context]
number = { type = "string", required = true }
made   = "string"
[[workflows.process.triggers]]
on = "api"
[[workflows.process.steps]]
name       = "one"
operation  = "source.do"
with       = { number = 'number' }
into       = { made = 'made' }
compensate = { operation = "source.undo", with = { made = 'made' } }
[[workflows.process.steps]]
name       = "two"
operation  = "source.do"
with       = { number = 'number' }
compensate = { operation = "source.undo", with = { made = 'number' } }
[[workflows.process.steps]]
name       = "three"
operation  = "source.do"
with       = { number = 'number' }
compensate = { operation = "source.undo", with = { made = 'number' } }
[workflows.reminder]
owner = "bench"
key   = "number"
[workflows.reminder.context]
number = { type = "string", required = true }
[[workflows.reminder.triggers]]
on = "api"
[[workflows.reminder.steps]]
name = "rest"
wait = { for_s = 2000000 }
)";
constexpr std::int64_t kWaitS = 2'000'000;
constexpr std::size_t kSteps = 3;
constexpr std::size_t kWindow = 4'096;
/// Processes that go on together: more than half of what a hub keeps in memory when idle.
constexpr std::uint64_t kWave = 5'000;

struct Sizes {
    std::uint64_t relayed = 200'000;
    std::uint64_t waves = 8;
    std::uint64_t waiting = 1'000'000;
    std::uint64_t due = 2'000;          ///< Of them, each at its moment
    std::chrono::seconds within = 60s;  ///< of so long,
    std::chrono::seconds after = 150s;  ///< which begins so much after the first is stored.
    int runs = 5;
};

Timestamp now() {
    return {std::chrono::duration_cast<std::chrono::nanoseconds>(
                std::chrono::system_clock::now().time_since_epoch())
                .count()};
}

/// Publishes, with a window of unanswered acks.
class Publisher final : nats::PublishSink {
public:
    explicit Publisher(const std::string& url)
        : link_(loop_, {.urls = {url}, .name = "bench-source"}) {
        while (!link_.connected()) loop_.poll(10ms);
    }
    void put(const std::string& subject, const std::string& body) {
        link_.publish({subject, body, {}, {}}, this, 0);
        if (++open_ < kWindow) return;
        while (open_ > kWindow / 2) loop_.poll(10ms);
    }
    void finish() {
        while (open_ > 0) loop_.poll(10ms);
    }

private:
    void on_published(std::uint64_t, const Result<std::uint64_t>& sequence) override {
        if (!sequence) die("a message was not stored: " + sequence.error().what);
        --open_;
    }
    nats::EventLoop loop_;
    nats::NatsLink link_;
    std::size_t open_ = 0;
};

std::string instance_of(const char* workflow, std::uint64_t index) {
    return hub::workflow::instance_id(WorkflowName{workflow}, "=" + std::to_string(index));
}

hub::workflow::Input start_of(const char* workflow, std::uint64_t index, Timestamp at) {
    return {.id = "bench/" + std::to_string(index),
            .at = at,
            .what = hub::workflow::Start{.instance = instance_of(workflow, index),
                                         .workflow = WorkflowName{workflow},
                                         .trigger = "api",
                                         .context = {{FieldName{"number"}, std::to_string(index)}},
                                         .requester = {},
                                         .trace = {}}};
}

void put_start(Publisher& publisher, std::uint64_t index) {
    const std::string instance = instance_of("process", index);
    const hub::workflow::Message message{
        .instance = instance, .asker = {}, .input = start_of("process", index, {})};
    publisher.put(subjects::instance_input(hub::workflow::home_of(instance, kPartitions), instance),
                  hub::workflow::encode(message));
}

void put_result(Publisher& publisher, std::uint64_t index, std::string_view step,
                Numbers& numbers) {
    const std::string instance = instance_of("process", index);
    const Partition home = hub::workflow::home_of(instance, kPartitions);
    OperationResult result{.platform = PlatformId{"source"},
                           .key = "process/" + instance + "/" + std::string{step},
                           .attempt = 1,
                           .number = {home, {1, ++numbers[home.value]}},
                           .what = OperationResult::What::kApplied,
                           .fields = {{FieldName{"made"}, "M-" + std::to_string(index)}},
                           .text = {},
                           .done_at = now(),
                           .trace = {}};
    publisher.put(subjects::operation_result(result.platform, home, result.key),
                  wire::encode(result));
}

std::uint64_t published_by_hub(Watcher& watcher) {
    std::uint64_t sum = 0;
    for (const auto stream : {subjects::kStreamState, subjects::kStreamCommands,
                              subjects::kStreamLog, subjects::kStreamExceptions}) {
        sum += watcher.last(stream);
    }
    return sum;
}

void await_hub(Watcher& watcher) {
    while (watcher.info(subjects::kStreamLog).created.ns == 0) std::this_thread::sleep_for(20ms);
}

/// Until all commands are out and nothing has followed for a second; when that last one was.
std::uint64_t await_processes(Watcher& watcher, std::uint64_t count) {
    await_stored(watcher, subjects::kStreamCommands, count * kSteps, "the processes");
    std::uint64_t last = 0;
    std::uint64_t at = steady_ns();
    while (steady_ns() - at < 1'000'000'000ULL) {
        const std::uint64_t now = watcher.last(subjects::kStreamLog);
        if (now != last) at = steady_ns();
        last = now;
        std::this_thread::sleep_for(5ms);
    }
    return at;
}

Figures processes(const std::string& hub_program, const std::string& policy, const Sizes& sizes) {
    Figures out;
    const test::NatsServer server;
    Watcher watcher{server.url()};
    {
        make_relay_streams(server.url());
        const Child relay{{"/proc/self/exe", "--relay", server.url()}, "/dev/null"};
        RelaySource source{server.url(), 300};
        source.send(steady_ns());
        source.finish();
        await_stored(watcher, "BENCH_OUT", 1, "the relay's start");
        out["relay_per_s"] = relayed_per_s(watcher, source, relay, sizes.relayed);
    }
    drop_relay_streams(server.url());

    const Child hub{{hub_program, "--server", server.url(), "--policy", policy, "--id", "bench"},
                    "/dev/null"};
    await_hub(watcher);
    Publisher publisher{server.url()};
    Numbers numbers;
    std::uint64_t index = 0;
    const auto wave = [&](std::uint64_t count) {
        for (std::uint64_t i = 0; i < count; ++i) put_start(publisher, index + i);
        for (const char* step : {"one", "two", "three"}) {
            for (std::uint64_t i = 0; i < count; ++i) {
                put_result(publisher, index + i, step, numbers);
            }
        }
        index += count;
        publisher.finish();
    };
    wave(kWave / 10);
    std::ignore = await_processes(watcher, index);

    hub.signal(SIGSTOP);
    const std::uint64_t before = index;
    for (std::uint64_t i = 0; i < sizes.waves; ++i) wave(kWave);
    const std::uint64_t published = published_by_hub(watcher);
    const double hub_cpu = hub.cpu_us();
    const double server_cpu = cpu_us_of(server.pid());
    const std::uint64_t start = steady_ns();
    hub.signal(SIGCONT);
    const double seconds = static_cast<double>(await_processes(watcher, index) - start) / 1e9;
    const auto steps = static_cast<double>((index - before) * kSteps);
    const double hub_s = (hub.cpu_us() - hub_cpu) / 1e6;
    const double server_s = (cpu_us_of(server.pid()) - server_cpu) / 1e6;
    out["steps_per_s"] = steps / seconds;
    out["publishes_per_s"] = static_cast<double>(published_by_hub(watcher) - published) / seconds;
    out["publishes_ratio"] = out["publishes_per_s"] / out["relay_per_s"];
    out["steps_per_hub_cpu_s"] = steps / hub_s;
    out["steps_per_cpu_s"] = steps / (hub_s + server_s);
    return out;
}

double resident_kib(pid_t process) {
    std::ifstream file{"/proc/" + std::to_string(process) + "/status"};
    for (std::string word; file >> word;) {
        if (word != "VmRSS:") continue;
        double kib = 0;
        file >> kib;
        return kib;
    }
    return 0;
}

/// Of those that are due, so many are when the hub starts.
constexpr std::uint64_t kDueBefore = 10;

/// The states of so many instances that wait: a few until a near moment, all others for weeks.
void put_waiting(Publisher& publisher, const Policy& policy, const Sizes& sizes,
                 Timestamp first_due) {
    const std::uint64_t every = std::max<std::uint64_t>(1, sizes.waiting / sizes.due);
    const Duration apart = Duration{sizes.within} / static_cast<std::int64_t>(sizes.due);
    Timestamp due = first_due;
    for (std::uint64_t i = 0; i < sizes.waiting; ++i) {
        const bool near = i % every == 0;
        const bool before = near && i / every < kDueBefore;
        const Timestamp soon = before ? now() : due;
        const Timestamp at = near ? soon + -Duration{std::chrono::seconds{kWaitS}} : now();
        if (near) due = due + apart;
        const hub::workflow::Input start = start_of("reminder", i, at);
        const auto step = hub::workflow::decide(policy, {}, {{start}}, {});
        const hub::workflow::Instance& state = step.next;
        publisher.put(subjects::instance(state.id, hub::workflow::home_of(state.id, kPartitions)),
                      hub::workflow::encode(hub::workflow::without_outbox(state)));
    }
    publisher.finish();
}

Figures waiting(const std::string& hub_program, const std::string& directory, const Policy& policy,
                const Sizes& sizes) {
    Figures out;
    const test::NatsServer server;
    Watcher watcher{server.url()};
    const std::vector<std::string> command{hub_program, "--server", server.url(), "--policy",
                                           directory,   "--id",     "bench"};
    double empty_kib = 0;
    {
        const Child hub{command, "/dev/null"};
        await_hub(watcher);
        std::this_thread::sleep_for(3s);
        empty_kib = resident_kib(hub.pid());
    }
    Publisher publisher{server.url()};
    put_waiting(publisher, policy, sizes, now() + sizes.after);
    std::vector<double> late_ms;
    std::uint64_t fired = 0;
    const Timestamp started = now();
    double first_fire_s = 0;
    const std::uint64_t start = steady_ns();
    const auto take = [&](const nats::InMessage& message) {
        if (first_fire_s == 0) first_fire_s = static_cast<double>(steady_ns() - start) / 1e9;
        const auto instance = hub::workflow::decode_instance(message.body);
        if (!instance || instance->revision < 2) return;
        const Timestamp due = instance->started_at + Duration{std::chrono::seconds{kWaitS}};
        ++fired;
        if (due < started) return;  // It was due while no hub ran.
        late_ms.push_back(static_cast<double>((message.stored_at - due).count()) / 1e6);
    };
    watcher.watch(subjects::kStreamState, subjects::all_instances(), take);
    const Child hub{command, "/dev/null"};
    const std::uint64_t limit = steady_ns() + 240'000'000'000ULL;
    while (fired < sizes.due && steady_ns() < limit) watcher.turn();
    if (fired < sizes.due) {
        die(std::to_string(fired) + " of " + std::to_string(sizes.due) + " timers fired");
    }
    out["bytes_each"] =
        (resident_kib(hub.pid()) - empty_kib) * 1024 / static_cast<double>(sizes.waiting);
    out["first_fire_s"] = first_fire_s;
    std::sort(late_ms.begin(), late_ms.end());
    out["late_p99_ms"] = late_ms[late_ms.size() * 99 / 100];
    return out;
}

int run(int argc, char** argv) {
    if (argc == 3 && std::string_view{argv[1]} == "--relay") run_relay(argv[2]);
    const std::string_view name = argc < 3 ? "" : argv[2];
    if (name != "workflow" && name != "waiting") {
        die("usage: workflow_bench HUB_PROGRAM workflow|waiting [--runs N] [--quick]");
    }
    Sizes sizes;
    for (int i = 3; i < argc; ++i) {
        const std::string flag = argv[i];
        if (flag == "--quick") sizes = {10'000, 1, 10'000, 100, 5s, 8s, 1};
        if (flag == "--runs" && i + 1 < argc) sizes.runs = std::max(1, std::atoi(argv[i + 1]));
    }
    const Folder folder;
    std::ofstream{folder.path() / "policy.toml"} << kWorkflows;
    const auto policy = load_policy(folder.path());
    if (!policy) die(policy.error().what);
    std::map<std::string, std::vector<double>> all;
    for (int i = 0; i < sizes.runs; ++i) {
        const Figures figures = name == "workflow"
                                    ? processes(argv[1], folder.path().string(), sizes)
                                    : waiting(argv[1], folder.path().string(), *policy, sizes);
        std::fprintf(stderr, "run %d of %d:", i + 1, sizes.runs);
        for (const auto& [figure, value] : figures) {
            all[figure].push_back(value);
            std::fprintf(stderr, " %s %.2f", figure.c_str(), value);
        }
        std::fprintf(stderr, "\n");
    }
    std::printf("{\"bench\":\"%s\",\"runs\":%d", std::string{name}.c_str(), sizes.runs);
    for (const auto& [figure, values] : all) {
        std::printf(",\"%s\":%.3f", figure.c_str(), median(values));
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
