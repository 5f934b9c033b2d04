// Reconciliation of a platform whose entities are stored already: so many drifted, and the agent
// tells these and its inventories. What it costs the hub, in seconds of CPU; prints one JSON line.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "hub/core/reconciliation.h"
#include "hub/core/state_codec.h"
#include "shared/nats/nats_link.h"
#include "shared/policy/policy_toml.h"
#include "shared/wire/codec.h"
#include "shared/wire/subjects.h"
#include "tests/bench/bench_change.h"
#include "tests/bench/child.h"
#include "tests/support/nats_server.h"

namespace syncline::bench {
namespace {

using std::chrono::milliseconds;

struct Sizes {
    std::uint64_t entities = 1'000'000;
    std::uint64_t drift_every = 1'000;  ///< One entity in so many.
    int runs = 5;
};

constexpr std::size_t kWindow = 4'096;
const ObjectName kItem{"item"};
const PlatformId kSource{"source"};

Timestamp now() {
    return Timestamp{
        std::chrono::duration_cast<Duration>(std::chrono::system_clock::now().time_since_epoch())
            .count()};
}

/// Publishes, with a window, and looks.
class Client final : nats::PublishSink {
public:
    explicit Client(const std::string& url) : link_(loop_, {.urls = {url}, .name = "bench-agent"}) {
        while (!link_.connected()) loop_.poll(milliseconds{10});
    }
    void send(const std::string& subject, const std::string& body) {
        bytes += subject.size() + body.size();
        link_.publish({subject, body, {}, {}}, this, 0);
        if (++open_ < kWindow) return;
        while (open_ > kWindow / 2) loop_.poll(milliseconds{10});
    }
    void finish() {
        while (open_ > 0) loop_.poll(milliseconds{10});
    }
    [[nodiscard]] std::optional<nats::StoredMessage> last(std::string_view stream,
                                                          const std::string& subject) {
        std::optional<Result<std::optional<nats::StoredMessage>>> answer;
        link_.get_last(stream, subject, [&](auto found) { answer = std::move(found); });
        while (!answer) loop_.poll(milliseconds{10});
        return *answer ? **answer : std::nullopt;
    }
    std::uint64_t bytes = 0;

private:
    void on_published(std::uint64_t, const Result<std::uint64_t>& sequence) override {
        if (!sequence) throw std::runtime_error("not stored: " + sequence.error().what);
        --open_;
    }
    nats::EventLoop loop_;
    nats::NatsLink link_;
    std::size_t open_ = 0;
};

/// The entity as the hub has it once both platforms hold what `change` says.
hub::EntityState settled(const Change& change, const Policy& policy) {
    hub::EntityState state;
    state.key = {change.key.object, founded_entity(change.key)};
    state.version = 2;
    state.policy = policy.hash;
    state.policy_version = 1;
    state.match_rules = 0;
    for (const auto& [name, value] : change.fields) {
        state.set(name, value, {kSource, change.rev, change.seen_at});
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

/// Waits until the hub holds all partitions.
void await_hub(Client& client) {
    for (std::uint16_t part = 0; part < kPartitions;) {
        const auto mark = client.last(subjects::kStreamState, subjects::mark({part}));
        if (mark) {
            ++part;
        } else {
            std::this_thread::sleep_for(milliseconds{20});
        }
    }
}

using Inventories = std::map<std::uint16_t, Inventory>;

Inventories empty_inventories(std::uint64_t entities, std::uint64_t revisions) {
    Inventories out;
    const std::size_t buckets = BucketSums::buckets_for(entities / kPartitions);
    for (std::uint16_t part = 0; part < kPartitions; ++part) {
        Inventory& inventory = out[part];
        inventory.platform = kSource;
        inventory.began_at = inventory.read_at = now();
        inventory.request = {inventory.began_at, ReconcileMode::kHeal};
        inventory.revisions = revisions;
        inventory.objects.emplace_back().object = kItem;
        inventory.objects[0].sums = BucketSums{buckets};
    }
    return out;
}

/// All partitions' results, once there are any.
std::vector<hub::Reconciliation> await_results(Client& client, const ReconcileRequest& request) {
    std::vector<hub::Reconciliation> results;
    const auto limit = std::chrono::steady_clock::now() + std::chrono::minutes{15};
    while (results.size() < kPartitions) {
        if (std::chrono::steady_clock::now() > limit) throw std::runtime_error("not finished");
        const Partition part{static_cast<std::uint16_t>(results.size())};
        const auto stored =
            client.last(subjects::kStreamState, subjects::reconciliation(kSource, part));
        auto result = stored ? hub::decode_reconciliation(stored->body)
                             : Result<hub::Reconciliation>{fail(ErrorKind::kNotFound, "")};
        if (result && result->compared_at.ns != 0 && result->request == request) {
            results.push_back(*std::move(result));
        } else {
            std::this_thread::sleep_for(milliseconds{50});
        }
    }
    return results;
}

struct Figures {
    double hub_cpu_s = 0;
    double seconds = 0;
    double bytes = 0;  ///< That the agent sent.
    double hub_rss_mib = 0;
};

void check(const std::vector<hub::Reconciliation>& results, const Sizes& sizes) {
    std::uint64_t known = 0;
    for (const hub::Reconciliation& one : results) {
        const auto& object = one.objects.at(0);
        known += object.known;
        if (object.differing > 0 || object.verified_through != one.began_at) {
            throw std::runtime_error("partition " + std::to_string(one.partition.value) +
                                     " is not proven: " + std::to_string(object.differing) +
                                     " buckets differ");
        }
    }
    if (known != sizes.entities) {
        throw std::runtime_error("the hub knows " + std::to_string(known) + " records");
    }
}

Figures one_run(const std::string& program, const std::string& directory, const Sizes& sizes) {
    auto files = read_policy_files(directory);
    if (!files) throw std::runtime_error(files.error().what);
    const auto policy = parse_policy(*files);
    if (!policy) throw std::runtime_error(policy.error().what);
    const test::NatsServer server;
    const Child hub{{program, "--server", server.url(), "--policy", directory, "--id", "bench"},
                    "/dev/null"};
    Client client{server.url()};
    await_hub(client);
    Numbers unused;
    for (std::uint64_t i = 0; i < sizes.entities; ++i) {
        const hub::EntityState state = settled(bench_change(i, 1, now().ns, unused), *policy);
        client.send(subjects::entity(state.key, entity_partition(state.key, kPartitions)),
                    hub::encode(state));
    }
    client.finish();

    const auto start = std::chrono::steady_clock::now();
    const double cpu = hub.cpu_us();
    client.bytes = 0;
    Inventories inventories = empty_inventories(sizes.entities, 2);
    const ReconcileRequest request = inventories[0].request;
    for (auto& [part, inventory] : inventories) inventory.request = request;
    Numbers numbers;
    for (std::uint64_t i = 0; i < sizes.entities; ++i) {
        const bool drifted = i % sizes.drift_every == 0;
        const RecordKey key{kSource, kItem, RecordId{"r" + std::to_string(i)}};
        const Partition home = entity_partition({kItem, founded_entity(key)}, kPartitions);
        auto& object = inventories[home.value].objects[0];
        ++object.records;
        object.sums.add(key.record);
        if (!drifted) continue;
        ++object.found[static_cast<std::size_t>(DriftKind::kDifferent)];
        Change change = bench_change(i, 2, now().ns, numbers);
        change.origin = ChangeOrigin::kReconcile;
        client.send(subjects::change(change.key, change.number.partition), wire::encode(change));
    }
    for (auto& [part, inventory] : inventories) {
        inventory.number = {{part}, {1, ++numbers[part]}};
        client.send(subjects::inventory(kSource, {part}, std::to_string(request.asked_at.ns)),
                    wire::encode(inventory));
    }
    client.finish();
    Figures out;
    out.bytes = static_cast<double>(client.bytes);
    check(await_results(client, request), sizes);
    out.hub_cpu_s = (hub.cpu_us() - cpu) / 1e6;
    out.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    out.hub_rss_mib = hub.most_rss_kib() / 1024;
    return out;
}

double median(std::vector<Figures> runs, double Figures::*value) {
    std::ranges::sort(runs, {}, value);
    return runs[runs.size() / 2].*value;
}

int run(int argc, char** argv) {
    if (argc < 3) {
        std::fprintf(stderr,
                     "usage: reconcile_bench HUB_PROGRAM POLICY_DIR [--runs N] [--quick]\n");
        return 2;
    }
    Sizes sizes;
    for (int i = 3; i < argc; ++i) {
        const std::string_view flag = argv[i];
        if (flag == "--quick") sizes = {20'000, 1'000, 1};
        if (flag == "--runs" && i + 1 < argc) sizes.runs = std::max(1, std::atoi(argv[i + 1]));
    }
    std::vector<Figures> runs;
    for (int i = 0; i < sizes.runs; ++i) {
        runs.push_back(one_run(argv[1], argv[2], sizes));
        std::fprintf(stderr, "run %d of %d: %.2f s of the hub's CPU\n", i + 1, sizes.runs,
                     runs.back().hub_cpu_s);
    }
    std::printf(
        "{\"bench\":\"reconcile\",\"runs\":%d,\"entities\":%llu,\"drifted\":%llu,"
        "\"hub_cpu_s\":%.2f,\"seconds\":%.2f,\"agent_bytes\":%.0f,\"hub_most_rss_mib\":%.1f}\n",
        sizes.runs, static_cast<unsigned long long>(sizes.entities),
        static_cast<unsigned long long>((sizes.entities + sizes.drift_every - 1) /
                                        sizes.drift_every),
        median(runs, &Figures::hub_cpu_s), median(runs, &Figures::seconds),
        median(runs, &Figures::bytes), median(runs, &Figures::hub_rss_mib));
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
