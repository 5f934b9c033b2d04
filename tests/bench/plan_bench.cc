// `policy plan` over recorded traffic, without a server: changes of a source and the outcomes of
// the commands that they led to, decided by two policies. One thread; prints one JSON line.
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "hub/ctl/policy_plan_core.h"
#include "shared/policy/policy_toml.h"
#include "tests/bench/bench_change.h"
#include "tests/bench/child.h"

namespace syncline::bench {
namespace {

struct Sizes {
    std::uint64_t entities = 20'000;  ///< A multiple of kSlice.
    std::uint64_t rounds = 10;  ///< Of changes of each entity; with outcomes twice the inputs.
    int runs = 5;
};

// Another owner of `n` for one entity in ten; its changes of `n` are for a person then.
constexpr const char* kProposed = R"(
[[objects.item.own]]
fields = ["n"]
when = 'stage == "done"'
owner = "target"
otherwise = "review"
)";

struct Policies {
    Policy active;
    Policy proposed;
};

Policies load(const std::string& directory) {
    auto files = read_policy_files(directory);
    if (!files) throw std::runtime_error(files.error().what);
    auto active = parse_policy(*files);
    std::string& text = files->front().text;
    text.insert(text.find("[[objects.item.own]]"), kProposed);
    auto proposed = parse_policy(*files);
    if (!active || !proposed) throw std::runtime_error("the policies cannot be read");
    return {*std::move(active), *std::move(proposed)};
}

constexpr Timestamp kStart{1'767'607'200'000'000'000};

Timestamp time_of(std::uint64_t round) { return kStart + std::chrono::seconds{round}; }

/// What the agent of `target` answered to the command that the change led to.
Outcome answer_to(const Change& change, std::uint64_t round) {
    Outcome outcome;
    outcome.platform = PlatformId{"target"};
    outcome.entity = {change.key.object, founded_entity(change.key)};
    outcome.record = RecordId{"t" + change.key.record.text};
    outcome.number = change.number;
    outcome.rev = {1, round};
    outcome.generation = outcome.ledger_generation = round;
    outcome.decided_at = outcome.done_at = time_of(round);
    outcome.fields = change.fields;
    for (const auto& [name, value] : change.fields) outcome.as_commanded.push_back(name);
    return outcome;
}

struct Recorded {
    hub::Input input;
    hub::Context context;
};

/// So many entities at a time, so that the memory measured is the plan's.
constexpr std::uint64_t kSlice = 500;

/// One round of changes of a slice and of their outcomes, as the stream would hand them out.
std::vector<Recorded> recorded(std::uint64_t first, std::uint64_t round, Numbers& numbers) {
    std::vector<Recorded> inputs;
    inputs.reserve(kSlice * 2);
    for (std::uint64_t i = first; i < first + kSlice; ++i) {
        Change change = bench_change(i, round, time_of(round).ns, numbers);
        if (i % 10 == 0) change.fields.set(FieldName{"stage"}, "done");
        const hub::Context context{time_of(round), change.number.partition, 0};
        Outcome outcome = answer_to(change, round);
        inputs.push_back({std::move(change), context});
        inputs.push_back({std::move(outcome), context});
    }
    return inputs;
}

/// Of this process, which has one thread: what else the machine does counts less.
double cpu_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

/// Inputs a second of a core, changes and outcomes alike.
double one_run(const Policies& policies, const Sizes& sizes) {
    ctl::PolicyPlan plan{policies.active, policies.proposed, 20};
    Numbers numbers;
    std::uint64_t sequence = 0;
    double seconds = 0;
    for (std::uint64_t round = 1; round <= sizes.rounds; ++round) {
        for (std::uint64_t first = 0; first < sizes.entities; first += kSlice) {
            auto inputs = recorded(first, round, numbers);
            const double start = cpu_seconds();
            for (Recorded& one : inputs) {
                plan.take(++sequence, std::move(one.input), one.context);
            }
            seconds += cpu_seconds() - start;
        }
    }
    // Each decided otherwise that changes `n`, but for those that found their entity.
    const std::uint64_t otherwise = (sizes.entities + 9) / 10 * (sizes.rounds - 1);
    if (plan.unplaced != 0 || plan.differing < otherwise) {
        throw std::runtime_error(
            "the plan is not what it should be: " + std::to_string(plan.differing) + " of " +
            std::to_string(plan.inputs) + " decided otherwise, " + std::to_string(plan.unplaced) +
            " not placed");
    }
    return static_cast<double>(plan.inputs) / seconds;
}

int run(int argc, char** argv) {
    if (argc < 2) {
        std::fprintf(stderr, "usage: plan_bench POLICY_DIR [--runs N] [--quick]\n");
        return 2;
    }
    Sizes sizes;
    for (int i = 2; i < argc; ++i) {
        const std::string_view flag = argv[i];
        if (flag == "--quick") sizes = {1'000, 5, 1};
        if (flag == "--runs" && i + 1 < argc) sizes.runs = std::max(1, std::atoi(argv[i + 1]));
    }
    const Policies policies = load(argv[1]);
    std::vector<double> rates;
    for (int i = 0; i < sizes.runs; ++i) {
        rates.push_back(one_run(policies, sizes));
        std::fprintf(stderr, "run %d of %d: %.0f changes/s\n", i + 1, sizes.runs, rates.back());
    }
    std::ranges::sort(rates);
    std::printf(
        "{\"bench\":\"plan\",\"runs\":%d,\"inputs\":%llu,\"entities\":%llu,\"changes_per_s\":%.0f,"
        "\"most_rss_mib\":%.1f}\n",
        sizes.runs, static_cast<unsigned long long>(sizes.entities * sizes.rounds * 2),
        static_cast<unsigned long long>(sizes.entities), rates[rates.size() / 2],
        most_rss_kib_of(::getpid()) / 1024);
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
