// A day of a platform with a daily quota, by a clock that only this program moves: the agent's own
// gate, lanes as a business has them, another application that spends too and is only seen in the
// replies, and two crashes. Prints one JSON line; exits with 1 if the quota was not kept.
#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <optional>
#include <random>
#include <string>
#include <string_view>

#include "agent/platform_gate.h"
#include "tests/support/manual_clock.h"

namespace syncline::bench {
namespace {

using namespace std::chrono_literals;
using agent::QuotaLane;

constexpr std::uint64_t kLimit = 15'000;
constexpr Duration kDay = 24h;
/// One lane of each kind is waited for by people, or by what must not stand still.
constexpr std::array<Duration, agent::kQuotaLanes> kStarvedAfter{10s, 1min, 10min, 1h, 1h};

struct Lane {
    std::uint64_t wanted = 0;
    std::uint64_t done = 0;
    std::uint64_t waiting = 0;
    Duration waits_since{0};
    Duration longest{0};  ///< Without a call while one was wanted.
};

/// The platform and its other users.
struct Vendor {
    std::uint64_t used = 0;
    std::uint64_t others = 0;
    std::uint64_t exceeded = 0;         ///< Calls beyond the limit.
    std::uint64_t reserve_touched = 0;  ///< Calls of ours that left less than the reserve.
};

struct Call {
    Duration answered{0};
    QuotaLane lane = QuotaLane::kAsk;
    std::uint32_t requests = 1;
};

class Day {
public:
    explicit Day(std::uint64_t seed) : random_(seed) {
        settings_.quota.limit = kLimit;
        settings_.quota.window.resets_at = 0s;
        begin_process();
    }

    void run() {
        for (; now() < kDay; clock_.advance(1s)) {
            if (now() == 6h + 7min || now() == 15h + 20min) begin_process();
            answer();
            if (one_in(others_per_second())) spend_other();
            arrive();
            for (std::size_t lane = 0; lane < lanes_.size(); ++lane) {
                serve(static_cast<QuotaLane>(lane));
            }
        }
    }

    Vendor vendor;
    [[nodiscard]] const Lane& lane(std::size_t at) const { return lanes_[at]; }
    [[nodiscard]] std::uint64_t reserve() const { return kLimit / 10; }
    [[nodiscard]] std::uint64_t believed() { return gate_->quota().status(clock_.now() - 1s).used; }

private:
    [[nodiscard]] Duration now() const { return clock_.steady(); }
    [[nodiscard]] bool is_office() const { return now() >= 8h && now() < 18h; }
    bool one_in(double per_second) {
        return std::uniform_real_distribution<double>{0, 1}(random_) < per_second;
    }
    [[nodiscard]] double others_per_second() const {
        if (now() >= 12h && now() < 12h + 10min) return 1;  // Somebody's report.
        return is_office() ? 0.05 : 0.01;
    }

    /// What is under way when it dies has been sent; what was spent is known from its store.
    void begin_process() {
        calls_.clear();
        gate_.emplace(settings_, clock_);
        if (stored_.empty()) return;
        if (!gate_->quota().restore(stored_, clock_.now())) std::abort();
    }

    void want(QuotaLane lane, std::uint64_t calls) {
        Lane& mine = lanes_[static_cast<std::size_t>(lane)];
        if (mine.waiting == 0) mine.waits_since = now();
        mine.wanted += calls;
        mine.waiting += calls;
    }
    void arrive() {
        if (one_in(is_office() ? 0.03 : 0.002)) want(QuotaLane::kAsk, 1);
        if (one_in(is_office() ? 0.05 : 0.005)) want(QuotaLane::kCommand, 1);
        if (now() == 2h) want(QuotaLane::kCommand, 1'500);  // The night's price update.
        const Lane& change = lanes_[static_cast<std::size_t>(QuotaLane::kChange)];
        if (now() % 5s == 0s && change.waiting == 0) want(QuotaLane::kChange, 1);
        if (now() == 1h) want(QuotaLane::kReconcile, 3'000);
        if (now() == 0s) want(QuotaLane::kBackfill, 20'000);
    }

    void serve(QuotaLane lane) {
        Lane& mine = lanes_[static_cast<std::size_t>(lane)];
        // Readers read one page after another, and writers are four.
        const std::size_t most = lane <= QuotaLane::kCommand ? 4 : 1;
        const auto under_way = [&] {
            return static_cast<std::size_t>(std::ranges::count(calls_, lane, &Call::lane));
        };
        while (mine.waiting > 0 && under_way() < most && gate_->next_call(lane, now()) <= now()) {
            call(lane);
            --mine.waiting;
            ++mine.done;
            mine.waits_since = now();
        }
        if (gate_->quota().wants_keeping()) {
            auto kept = gate_->quota().keep();
            stored_ = std::move(kept.text);
            gate_->quota().covered(kept.covers);
        }
        if (mine.waiting > 0) mine.longest = std::max(mine.longest, now() - mine.waits_since);
    }
    void call(QuotaLane lane) {
        gate_->take(lane, now());
        // A session now and then, and a look before some writes.
        std::uint32_t requests = lane == QuotaLane::kCommand && random_() % 3 == 0 ? 2 : 1;
        if (now() >= session_ends_) {
            session_ends_ = now() + 2h;
            ++requests;
        }
        for (std::uint32_t i = 0; i < requests; ++i) {
            ++vendor.used;
            if (vendor.used > kLimit) ++vendor.exceeded;
            if (vendor.used > kLimit - reserve()) ++vendor.reserve_touched;
        }
        calls_.push_back({now() + std::chrono::seconds{1 + random_() % 3}, lane, requests});
    }
    void spend_other() {
        ++vendor.others;
        if (++vendor.used > kLimit) ++vendor.exceeded;
    }
    void answer() {
        for (auto call = calls_.begin(); call != calls_.end();) {
            if (call->answered > now()) {
                ++call;
                continue;
            }
            gate_->answered(call->lane, {.calls = call->requests,
                                         .told = {.limit = kLimit, .used = vendor.used}});
            call = calls_.erase(call);
        }
    }

    test::ManualClock clock_{*parse_timestamp("2026-03-02T00:00:00Z")};
    agent::AgentSettings settings_;
    std::mt19937_64 random_;
    std::optional<agent::PlatformGate> gate_;
    std::string stored_;
    std::deque<Call> calls_;
    std::array<Lane, agent::kQuotaLanes> lanes_{};
    Duration session_ends_{0};
};

std::string lane_json(const char* name, const Lane& lane) {
    return "\"" + std::string{name} + "\":{\"wanted\":" + std::to_string(lane.wanted) +
           ",\"done\":" + std::to_string(lane.done) +
           ",\"longest_wait_s\":" + std::to_string(lane.longest / 1s) + "}";
}

int run(int argc, char** argv) {
    int runs = 5;
    for (int i = 1; i < argc; ++i) {
        const std::string_view flag = argv[i];
        if (flag == "--quick") runs = 1;
        if (flag == "--runs" && i + 1 < argc) runs = std::max(1, std::atoi(argv[i + 1]));
    }
    // Of all days the worst in each respect; the lanes are those of the first.
    Vendor worst;
    std::uint64_t starved = 0;
    std::string lanes;
    for (int seed = 1; seed <= runs; ++seed) {
        Day day{static_cast<std::uint64_t>(seed)};
        day.run();
        worst.used = std::max(worst.used, day.vendor.used);
        worst.others = std::max(worst.others, day.vendor.others);
        worst.exceeded = std::max(worst.exceeded, day.vendor.exceeded);
        worst.reserve_touched = std::max(worst.reserve_touched, day.vendor.reserve_touched);
        std::uint64_t starved_today = 0;
        for (std::size_t i = 0; i < agent::kQuotaLanes; ++i) {
            if (day.lane(i).longest > kStarvedAfter[i]) ++starved_today;
            if (seed > 1) continue;
            lanes += (lanes.empty() ? "" : ",") +
                     lane_json(name_of(static_cast<QuotaLane>(i)), day.lane(i));
        }
        starved = std::max(starved, starved_today);
        std::fprintf(stderr, "day %d: %lu used, %lu of them by others, %lu believed\n", seed,
                     static_cast<unsigned long>(day.vendor.used),
                     static_cast<unsigned long>(day.vendor.others),
                     static_cast<unsigned long>(day.believed()));
    }
    std::printf(
        "{\"bench\":\"quota\",\"runs\":%d,\"used\":%lu,\"limit\":%lu,\"reserve\":%lu,"
        "\"others\":%lu,\"exceeded\":%lu,\"reserve_touched\":%lu,\"starved\":%lu,\"lanes\":{%s}}\n",
        runs, static_cast<unsigned long>(worst.used), static_cast<unsigned long>(kLimit),
        static_cast<unsigned long>(kLimit / 10), static_cast<unsigned long>(worst.others),
        static_cast<unsigned long>(worst.exceeded),
        static_cast<unsigned long>(worst.reserve_touched), static_cast<unsigned long>(starved),
        lanes.c_str());
    return worst.exceeded + worst.reserve_touched + starved == 0 ? 0 : 1;
}

}  // namespace
}  // namespace syncline::bench

int main(int argc, char** argv) { return syncline::bench::run(argc, argv); }
