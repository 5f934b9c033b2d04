#include "agent/quota_keeper.h"

#include <algorithm>
#include <string>

namespace syncline::agent {
namespace {

constexpr Duration kSayEvery{std::chrono::seconds{5}};
/// A lane at the edge goes to and fro; that it flows again is only said after so long.
constexpr Duration kCalm{std::chrono::minutes{10}};

std::string said_of(const Quota::Status& status) {
    std::string text;
    for (const Quota::Flow flow : {Quota::Flow::kSlowed, Quota::Flow::kRests}) {
        for (std::size_t lane = 0; lane < kQuotaLanes; ++lane) {
            if (status.flows[lane] != flow) continue;
            text += std::string{name_of(static_cast<QuotaLane>(lane))} + " " + name_of(flow) + ", ";
        }
    }
    if (text.empty()) text = "all lanes flow again, ";
    text += std::to_string(status.used) + " of " + std::to_string(status.limit) +
            " calls are used, " + std::to_string(status.reserve) + " are a reserve";
    if (status.resets_at) text += ", the window ends at " + to_string(*status.resets_at);
    return "quota: " + text;
}

}  // namespace

Result<void> QuotaKeeper::start() {
    std::string text;
    auto loaded = p_.store.transaction(
        [&](Transaction& transaction) { text = transaction.text(keys::kQuota); });
    if (!loaded || text.empty()) return loaded;
    const auto restored = p_.gate.quota().restore(text, p_.environment.clock.now());
    if (!restored) {
        p_.environment.note(NoteLevel::kWarning, restored.error().what + "; it is counted anew");
    }
    return {};
}

void QuotaKeeper::pump() {
    if (!p_.gate.quota().limited()) return;
    if (p_.environment.steady() >= say_at_) say();
    if (keeping_ || !p_.gate.quota().wants_keeping()) return;
    keeping_ = true;
    p_.commits.add([kept = p_.gate.quota().keep()](
                       Transaction& transaction) { transaction.set_text(keys::kQuota, kept.text); },
                   [this, covers = p_.gate.quota().keep().covers] {
                       keeping_ = false;
                       p_.gate.quota().covered(covers);
                   });
}

Duration QuotaKeeper::next_deadline() const {
    return !keeping_ && p_.gate.quota().wants_keeping() ? p_.environment.steady() : kNever;
}

void QuotaKeeper::say() {
    const Duration now = p_.environment.steady();
    say_at_ = now + kSayEvery;
    const auto status = p_.gate.quota().status(p_.environment.clock.now());
    bool worse = false;
    for (std::size_t lane = 0; lane < kQuotaLanes; ++lane) {
        worse = worse || status.flows[lane] > said_[lane];
    }
    if (!worse && (said_ == status.flows || now < said_at_ + kCalm)) return;
    said_ = status.flows;
    said_at_ = now;
    p_.environment.note(worse ? NoteLevel::kWarning : NoteLevel::kInfo, said_of(status));
}

}  // namespace syncline::agent
