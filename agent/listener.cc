#include "agent/listener.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace syncline::agent {
namespace {

/// How long to wait before looking again whether there is room for what is said.
constexpr Duration kListenPause{std::chrono::seconds{1}};

}  // namespace

struct Listener::Work {
    Pushed pushed;
    std::vector<RecordKey> wanted;
    bool read = false;
};

Result<void> Listener::start() {
    since_ = p_.environment.clock.now();
    return p_.store.transaction(
        [&](Transaction& transaction) { position_ = transaction.text(keys::kPushed); });
}

bool Listener::may_listen() const {
    return p_.intake.may_read() && p_.intake.fetches_waiting() < p_.settings.reading.fetches_max;
}

void Listener::pump() {
    if (busy_ || !p_.executor.traits().push || now() < next_) return;
    if (!may_listen()) {
        // What is said meanwhile is kept by the platform, or found by reading.
        next_ = now() + kListenPause;
        return;
    }
    busy_ = true;
    p_.executor.listen(position_,
                       [this](Executor::Answer<Pushed> answer) { on_pushed(std::move(answer)); });
}

Duration Listener::next_deadline() const {
    return busy_ || !p_.executor.traits().push ? kNever : next_;
}

void Listener::enter(State state) {
    if (state == state_) return;
    state_ = state;
    since_ = p_.environment.clock.now();
}

void Listener::on_pushed(Executor::Answer<Pushed> answer) {
    if (!answer.result) {
        busy_ = false;
        return on_error(answer.result.error(), answer.pause);
    }
    say(*answer.result);
    failures_ = 0;
    next_ = now() + answer.result->pause;
    take(std::move(*answer.result));
}

void Listener::say(const Pushed& pushed) {
    if (state_ != State::kUp) {
        p_.environment.note(NoteLevel::kInfo, "the platform's pushes are heard");
    }
    enter(State::kUp);
    if (trouble_ != pushed.trouble && !pushed.trouble.empty()) {
        p_.environment.note(NoteLevel::kWarning, "push: " + pushed.trouble);
    }
    trouble_ = pushed.trouble;
    for (const std::string& text : pushed.notes) {
        p_.environment.note(NoteLevel::kWarning, "push: " + text);
    }
}

void Listener::on_error(const Error& error, Duration pause) {
    if (state_ != State::kDown || trouble_ != error.what) {
        p_.environment.note(NoteLevel::kWarning,
                            "the platform's pushes are not heard, and it is "
                            "only read: " +
                                error.what);
    }
    trouble_ = error.what;
    enter(State::kDown);
    ++failures_;
    const RetrySchedule& retry = p_.settings.reading.retry;
    Duration wait = half_jitter(retry, failures_, p_.environment.jitter.next());
    // What time alone does not put right is tried rarely; it never stops the agent's other calls.
    const bool for_long = error.kind == ErrorKind::kDenied || error.kind == ErrorKind::kInvalid ||
                          error.kind == ErrorKind::kUnsupported ||
                          error.kind == ErrorKind::kNotFound;
    if (for_long) wait = std::max(wait, retry.most);
    next_ = now() + std::max(wait, std::min(pause, p_.settings.writing.throttle_max));
}

void Listener::take(Pushed pushed) {
    auto work = std::make_shared<Work>();
    work->pushed = std::move(pushed);
    const auto most = p_.executor.traits().push->fetches_max;
    const std::size_t waiting = p_.intake.fetches_waiting();
    p_.commits.add(
        [this, work, most, waiting](Transaction& transaction) {
            const Pushed& said = work->pushed;
            work->wanted.clear();
            work->read = said.read;
            if (said.records.size() + waiting > most) {
                work->read = true;
            } else {
                for (const Pushed::Touched& one : said.records) {
                    if (one.only_if_known && !transaction.record(one.object, one.record)) {
                        work->read = true;  // With the object's own conditions.
                        continue;
                    }
                    const RecordKey key{p_.store.platform(), one.object, one.record};
                    p_.intake.want_fetch(transaction, key);
                    work->wanted.push_back(key);
                }
            }
            if (said.position != position_) transaction.set_text(keys::kPushed, said.position);
        },
        [this, work] {
            busy_ = false;
            position_ = work->pushed.position;
            events_ += work->pushed.events;
            own_ += work->pushed.own;
            fetched_ += work->wanted.size();
            for (const RecordKey& key : work->wanted) p_.intake.follow(key);
            if (!work->read) return;
            ++reads_;
            p_.intake.read_at(now() + p_.executor.traits().push->read_after);
        });
}

Listener::Status Listener::status() const {
    if (!p_.executor.traits().push) return {};
    const char* const state = state_ == State::kUp     ? "up"
                              : state_ == State::kDown ? "down"
                                                       : "starting";
    return {.state = state,
            .trouble = trouble_,
            .since = since_,
            .events = events_,
            .own = own_,
            .fetched = fetched_,
            .reads = reads_};
}

}  // namespace syncline::agent
