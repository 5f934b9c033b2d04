#include "agent/lease.h"

#include <algorithm>
#include <utility>

#include "shared/base/json.h"
#include "shared/wire/standby_subjects.h"
#include "shared/wire/subjects.h"

namespace syncline::agent {
namespace {

/// Between two tries to renew, while the term lasts.
constexpr Duration kRenewAgain{std::chrono::milliseconds{200}};
constexpr nats::Header kErased[] = {{"KV-Operation", "DEL"}};

std::string text_in(const Value::Map& map, const std::string& name) {
    const auto found = map.find(name);
    const auto* text = found == map.end() ? nullptr : found->second.get<std::string>();
    return text == nullptr ? std::string{} : *text;
}

}  // namespace

Lease::Lease(Parts parts) : p_(std::move(parts)), term_name_(p_.run) {}

Lease::~Lease() { p_.term.end(); }

std::string Lease::body(Value::Map more) const {
    more.insert({{"platform", p_.platform.text},
                 {"host", p_.host},
                 {"store", p_.store},
                 {"run", p_.run},
                 {"version", p_.version},
                 {"since", since_}});
    return to_json(Value{std::move(more)});
}

// ---- Turns ----------------------------------------------------------------------------------

void Lease::pump() {
    const Duration now = p_.boot();
    if (state_ == State::kHeld && !p_.term.lasts(now)) lose("it could not be renewed in time");
    if (state_ == State::kLost || state_ == State::kReleased || !p_.link.connected()) return;
    if (state_ == State::kWaiting && now >= tell_due_) tell_standby();
    if (now < due_ || asking_) return;
    if (state_ == State::kHeld && sure_) return put(sequence_);
    look();
}

Duration Lease::wait() const {
    if (state_ == State::kLost) return Duration{0};
    if (asking_ || state_ == State::kReleased) return kRenewAgain;
    // Without a connection nothing is due, but whether the term lasts is looked at.
    if (!p_.link.connected()) return kRenewAgain;
    return std::clamp(due_ - p_.boot(), Duration{0}, kTry);
}

void Lease::look() {
    asking_ = true;
    p_.link.get_last(subjects::kStreamLease, subjects::agent_lease(p_.platform),
                     [this, alive = std::weak_ptr<int>(alive_)](auto found) {
                         if (alive.expired()) return;
                         asking_ = false;
                         due_ = p_.boot() + (state_ == State::kHeld ? kRenewAgain : kTry);
                         on_found(found);
                     });
}

void Lease::on_found(const Result<std::optional<nats::StoredMessage>>& found) {
    if (!found) return;  // The hub has not made the bucket yet, or nobody answers.
    if (state_ == State::kHeld) return found_while_held(*found);
    if (state_ != State::kWaiting) return;
    continued_ = false;
    term_name_ = p_.run;
    since_ = to_string(p_.clock.now());
    if (!*found) return put(0);
    if ((*found)->deleted) return put((*found)->sequence);
    const auto mine = own(**found);
    if (!mine) return;
    // The store has one process at a time, so the one that took it has ended.
    continued_ = !p_.own_term.empty() && mine->term == p_.own_term;
    if (continued_) {
        term_name_ = mine->term;
        since_ = mine->since;
    }
    put((*found)->sequence);
}

/// After a renewal of which nobody knows what became: is the newest one ours?
void Lease::found_while_held(const std::optional<nats::StoredMessage>& found) {
    if (!found || found->deleted) return lose("it has expired");
    const auto mine = own(*found);
    if (!mine || mine->run != p_.run) return lose("another agent has taken it");
    sequence_ = found->sequence;
    put(sequence_);
}

std::optional<Lease::Own> Lease::own(const nats::StoredMessage& message) {
    const auto json = parse_json(message.body);
    const auto* map = json ? json->get<Value::Map>() : nullptr;
    const Value::Map said = map == nullptr ? Value::Map{} : *map;
    const std::string host = text_in(said, "host");
    if (text_in(said, "store") == p_.store && host == p_.host) {
        return Own{text_in(said, "term"), text_in(said, "run"), text_in(said, "since")};
    }
    if (holder_ != host && state_ == State::kWaiting) {
        p_.note(NoteLevel::kInfo, "stands by: the active agent is on " + host);
        tell_due_ = Duration{0};
    }
    holder_ = host;
    return std::nullopt;
}

// ---- Sending --------------------------------------------------------------------------------

void Lease::send(const std::string& subject, const std::string& body, Sent sent,
                 std::optional<std::uint64_t> expected, std::span<const nats::Header> headers) {
    ++open_;
    p_.link.publish(
        {.subject = subject, .body = body, .headers = headers, .expected_sequence = expected}, this,
        static_cast<std::uint64_t>(sent));
}

void Lease::put(std::uint64_t expected) {
    asking_ = true;
    sent_at_ = p_.boot();
    send(subjects::agent_lease(p_.platform), body({{"term", term_name_}}), Sent::kLease, expected);
}

void Lease::tell_standby() {
    tell_due_ = p_.boot() + kTell;
    send(subjects::agent_standby(p_.platform, p_.store), body({{"active", holder_}}), Sent::kOther,
         std::nullopt);
}

void Lease::on_published(std::uint64_t token, const Result<std::uint64_t>& sequence) {
    --open_;
    if (static_cast<Sent>(token) != Sent::kLease) return;
    asking_ = false;
    if (state_ != State::kWaiting && state_ != State::kHeld) return;
    if (!sequence) {
        due_ = p_.boot() + (state_ == State::kHeld ? kRenewAgain : kTry);
        sure_ = sequence.error().kind == ErrorKind::kUnavailable;
        return;
    }
    sure_ = true;
    sequence_ = *sequence;
    due_ = sent_at_ + kRenew;
    p_.term.extend(sent_at_ + kLifetime - kMargin);
    if (std::exchange(state_, State::kHeld) == State::kHeld) return;
    send(subjects::agent_standby(p_.platform, p_.store), {}, Sent::kOther, std::nullopt, kErased);
}

void Lease::lose(const std::string& why) {
    p_.term.end();
    state_ = State::kLost;
    p_.note(NoteLevel::kWarning,
            "the lease is lost: " + why + "; this agent stands by from now on");
}

void Lease::release() {
    p_.term.end();
    const State before = std::exchange(state_, State::kReleased);
    if (!p_.link.connected()) return;
    if (before == State::kHeld) {
        send(subjects::agent_lease(p_.platform), {}, Sent::kOther, sequence_, kErased);
    } else if (before == State::kWaiting) {
        send(subjects::agent_standby(p_.platform, p_.store), {}, Sent::kOther, std::nullopt,
             kErased);
    }
}

}  // namespace syncline::agent
