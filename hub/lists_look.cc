#include <algorithm>

#include "hub/core/state_codec.h"
#include "hub/lists.h"
#include "shared/base/log.h"
#include "shared/wire/subjects.h"

namespace syncline::hub {
namespace {

/// How often it is looked whether a list is to be read, or is stale.
constexpr Duration kLookEvery = std::chrono::seconds{1};
/// How long a target may be silent before it is told again what it shall have.
constexpr Duration kTellAgain = std::chrono::seconds{30};
using What = ExceptionEvent::What;

}  // namespace

void Lists::tick() {
    const Duration now = clock_.steady();
    std::erase_if(homes_, [&](const auto& entry) { return !holds(home_of(entry.first)); });
    if (now >= look_at_) {
        look_at_ = now + kLookEvery;
        for (const ListSpec& spec : policies_.newest().lists) {
            if (holds(home_of(spec.name))) homes_.try_emplace(spec.name);
        }
    }
    std::vector<ListName> due;
    for (const auto& [list, home] : homes_) {
        const bool again = home.again_at != Duration{0} && now >= home.again_at;
        if (again || now >= home.look_at) due.push_back(list);
    }
    for (const ListName& list : due) {
        Home* at = home(list);
        if (at == nullptr) continue;
        if (at->again_at != Duration{0} && now >= at->again_at) start(list, *at);
        at = home(list);
        if (at != nullptr && now >= at->look_at) look(list, *at);
    }
}

void Lists::look(const ListName& list, Home& home) {
    home.look_at = clock_.steady() + kLookEvery;
    if (!link_.connected()) return;
    const bool unsettled = !home.loaded || home.sequence == 0 || !home.state.garbage.empty();
    if (unsettled && home.jobs.empty()) add(list, {Upkeep{}, {}});
    const ListSpec* spec = spec_of(list);
    if (spec == nullptr) {  // The policy has it no more.
        for (const auto& [about, reason] : home.raised) {
            if (!reason.empty() && home.raising.insert(about).second) raise(list, about, {});
        }
    }
    if (spec == nullptr || !home.loaded || home.sequence == 0) return;
    ask_when_due(list, *spec);
    tell_targets(list, home, *spec);
    raise(list, home, *spec);
}

/// The request that the agent finds is also what says when the last one was: restarts of hubs
/// neither repeat nor delay it.
void Lists::ask_when_due(const ListName& list, const ListSpec& spec) {
    const std::string subject = subjects::list_wish(spec.from, subjects::ListWish::kRead, list);
    link_.get_last(subjects::kStreamCommands, subject,
                   [this, list, subject, alive = std::weak_ptr<int>{alive_}](const Found& found) {
                       if (alive.expired() || !found || home(list) == nullptr) return;
                       const ListSpec* now_in_force = spec_of(list);
                       if (now_in_force == nullptr || !holds(home_of(list))) return;
                       const auto last = *found ? parse_list_request((*found)->body) : std::nullopt;
                       const Timestamp now = clock_.now();
                       if (!is_due(*now_in_force, last ? last->asked_at : Timestamp{}, now)) return;
                       effects_.publish_last(subject, to_text(ListRequest{.asked_at = now}),
                                             nullptr, 0);
                   });
}

/// Level, not edge: what a target shall have is looked up and, if it says something else, said.
void Lists::tell_targets(const ListName& list, Home& home, const ListSpec& spec) {
    const ListGeneration& current = home.state.current;
    if (current.number == 0) return;
    const ListTake take{current.number, current.digest};
    for (const PlatformId& platform : spec.to) {
        const auto target = home.state.targets.find(platform);
        const bool has = target != home.state.targets.end() && target->second.has == take;
        Told& told = home.told[platform];
        const Duration now = clock_.steady();
        if (told.take == take && (has || now < told.again_at)) continue;
        // Who has lost what it had, or what it was told, is told again.
        const bool again = told.take == take;
        told = {take, now + kTellAgain};
        const std::string subject = subjects::list_wish(platform, subjects::ListWish::kTake, list);
        link_.get_last(subjects::kStreamCommands, subject,
                       [this, list, subject, take, again,
                        alive = std::weak_ptr<int>{alive_}](const Found& found) {
                           if (alive.expired() || !found) return;
                           Home* asked = this->home(list);
                           if (asked == nullptr || !holds(home_of(list))) return;
                           const ListGeneration& newest = asked->state.current;
                           if (ListTake{newest.number, newest.digest} != take) return;
                           const auto last =
                               *found ? parse_list_take((*found)->body) : std::nullopt;
                           if (again || last != take) {
                               effects_.publish_last(subject, to_text(take), nullptr, 0);
                           }
                       });
    }
}

// ---- Exceptions. ------------------------------------------------------------------------------

void Lists::raise(const ListName& list, Home& home, const ListSpec& spec) {
    std::map<std::pair<std::string, PlatformId>, std::string> wanted;
    for (const std::string_view kind :
         {std::string_view{exceptions::kListStale}, std::string_view{exceptions::kListRefused},
          std::string_view{exceptions::kListShrunk}}) {
        wanted[{std::string{kind}, spec.from}];
    }
    for (const PlatformId& platform : spec.to) {
        wanted[{std::string{exceptions::kListNotApplied}, platform}];
    }
    // Of those that the policy named before.
    for (const auto& [about, reason] : home.raised) wanted[about];
    for (const ListTrouble& trouble : troubles(home.state, spec, clock_.now())) {
        wanted[{std::string{trouble.kind}, trouble.platform}] = trouble.reason;
    }
    for (const auto& [about, reason] : wanted) {
        const auto known = home.raised.find(about);
        if (known != home.raised.end() && known->second == reason) continue;
        if (home.raising.insert(about).second) raise(list, about, reason);
    }
}

void Lists::raise(const ListName& list, const std::pair<std::string, PlatformId>& about,
                  const std::string& reason) {
    link_.get_last(
        subjects::kStreamExceptions,
        subjects::exception(list_entity(list), about.first + "@" + about.second.text),
        [this, list, about, reason, alive = std::weak_ptr<int>{alive_}](const Found& found) {
            if (!alive.expired()) change_exception(list, about, reason, found);
        });
}

void Lists::change_exception(const ListName& list, const std::pair<std::string, PlatformId>& about,
                             const std::string& reason, const Found& found) {
    Home* home = this->home(list);
    if (home == nullptr) return;
    home->raising.erase(about);
    if (!found) return;
    std::optional<ExceptionRecord> exception;
    if (*found) {
        if (auto decoded = decode_exception((*found)->body)) exception = *std::move(decoded);
    }
    const bool open = exception && exception->status == ExceptionStatus::kOpen;
    if (open ? exception->reason == reason : reason.empty()) {
        home->raised[about] = reason;
        return;
    }
    What what = What::kOpened;
    const Timestamp now = clock_.now();
    if (!open) {
        exception = ExceptionRecord{.kind = about.first,
                                    .entity = list_entity(list),
                                    .platform = about.second,
                                    .opened_at = now};
    }
    exception->updated_at = now;
    if (!reason.empty()) {
        exception->reason = reason;
        if (!open) apply_rules(*exception);
    } else {
        exception->status = ExceptionStatus::kResolved;
        const bool settled = about.first == exceptions::kListShrunk &&
                             !home->state.settled_by.empty() &&
                             home->state.settled_at >= exception->opened_at;
        if (settled) exception->closed_by = home->state.settled_by;
        if (settled) exception->closing = home->state.settled;
        what = settled ? What::kSettled : What::kClosed;
    }
    const bool counts = !open || reason.empty();
    const ExceptionCount event{exception->kind, exception->care.severity, what};
    const auto done = [this, list, about, reason, counts,
                       event](const Result<std::uint64_t>& sequence) {
        Home* asked = this->home(list);
        if (asked != nullptr && sequence) asked->raised[about] = reason;
        if (!sequence || !counts) return;
        counters_.count(event.kind, event.severity, event.what);
        if (event.what == What::kOpened) ++counters_.exceptions;
    };
    link_.publish({subjects::exception(list_entity(list), about.first + "@" + about.second.text),
                   encode(*exception),
                   {},
                   *found ? (*found)->sequence : 0},
                  this, token(done));
}

}  // namespace syncline::hub
