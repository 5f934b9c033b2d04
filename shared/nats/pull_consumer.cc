#include "shared/nats/pull_consumer.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <functional>
#include <utility>

#include "shared/nats/received.h"
#include "shared/nats/session.h"

namespace syncline::nats {
namespace {

using Millis = std::chrono::milliseconds;

constexpr Duration kHeartbeat = std::chrono::seconds{1};
constexpr Duration kSilenceMost = 3 * kHeartbeat + Millis{500};
constexpr Duration kRequestExpires = std::chrono::seconds{30};
constexpr Backoff::Limits kRestartWaits{.first = Millis{100}, .most = Millis{5'000}};
/// Requests that a full window is spread over, so that a new one is always under way.
constexpr std::size_t kRequestsOpen = 4;
constexpr std::size_t kRequestMost = 1'000;

std::uint64_t number(std::string_view text, std::uint64_t otherwise) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc{} && end == text.data() + text.size() ? value : otherwise;
}

bool is_marker(natsMsg* message) {
    const std::string_view operation = received::header(message, "KV-Operation");
    return operation == "DEL" || operation == "PURGE" ||
           !received::header(message, "Nats-Marker-Reason").empty();
}

}  // namespace

PullConsumer::PullConsumer(Session& session, ConsumeSpec spec, MessageSink* sink)
    : session_(session), spec_(std::move(spec)), sink_(sink), backoff_(kRestartWaits) {
    if (!spec_.last_per_subject) {
        next_ = std::max<std::uint64_t>(spec_.start_sequence, 1);
        read_until_ = spec_.read_until;
    }
    spec_.window = std::max<std::size_t>(spec_.window, 1);
}

void PullConsumer::close() {
    const bool made = !closed_ && phase_ != Phase::kWaiting && session_.ready();
    closed_ = true;
    subscription_.reset();
    if (spec_.brief && made) {
        session_.request(api::consumer_delete(spec_.stream, name_),
                         [](const Result<std::string_view>&) {});
    }
}

void PullConsumer::processed(std::size_t count) { unprocessed_ -= std::min(count, unprocessed_); }

// ---- The turn. ------------------------------------------------------------------------------

Duration PullConsumer::before_wait(Duration now) {
    constexpr Duration kLong = std::chrono::hours{1};
    if (!session_.ready()) return kLong;
    if (phase_ == Phase::kWaiting) return retry_at_ - now;
    if (phase_ == Phase::kCreating) return kLong;
    const std::size_t used = unprocessed_ + asked_;
    std::size_t room = spec_.window > used ? spec_.window - used : 0;
    for (; room >= chunk(); room -= chunk()) ask(chunk());
    if (asked_ == 0 && room > 0) ask(room);
    return asked_ == 0 ? kLong : heard_ + kSilenceMost - now;
}

void PullConsumer::after_wait(Duration now) {
    if (!session_.ready() || session_.epoch() != epoch_) {
        if (phase_ != Phase::kWaiting) restart(Haste::kAtOnce);
        if (!session_.ready()) return;
        epoch_ = session_.epoch();
    }
    if (phase_ == Phase::kWaiting && now >= retry_at_) create(now);
    if (phase_ != Phase::kPulling) return;
    drain();
    // With nothing asked for the server owes no heartbeat.
    if (phase_ == Phase::kPulling && asked_ > 0 && now - heard_ > kSilenceMost) {
        restart(Haste::kBackOff);
    }
}

void PullConsumer::restart(Haste haste) {
    phase_ = Phase::kWaiting;
    subscription_.reset();
    ++attempt_;
    ++session_.counters().consumer_restarts;
    const Duration wait =
        haste == Haste::kAtOnce ? Duration::zero() : backoff_.next(session_.random());
    retry_at_ = session_.now() + wait;
}

// ---- Making the consumer. -------------------------------------------------------------------

api::ConsumerStart PullConsumer::start() const {
    // A dump cut short is taken again and what was handed out is dropped: what is now the newest
    // of its subject and is not above the highest handed out was in the first dump too, before it.
    return {.last_per_subject = spec_.last_per_subject && !caught_up_, .sequence = next_};
}

void PullConsumer::create(Duration now) {
    inbox_ = session_.new_inbox();
    auto made = session_.subscribe(inbox_);
    if (!made) return restart(Haste::kBackOff);
    subscription_ = *std::move(made);
    name_ = "sync-" + inbox_.substr(inbox_.rfind('.') + 1);
    next_subject_ = session_.on_wire(api::next_messages(spec_.stream, name_));
    phase_ = Phase::kCreating;
    heard_ = now;
    asked_ = 0;
    delivered_ = 0;
    creation_ = {};
    creation_.stream_known = !spec_.watch_stream;
    // Answers that come when this attempt is over are not for the next one.
    const auto guarded = [this](auto then) {
        return [self = weak_from_this(), attempt = attempt_,
                then](const Result<std::string_view>& answer) {
            const auto me = self.lock();
            if (me != nullptr && !me->closed_ && me->attempt_ == attempt) then(*me, answer);
        };
    };
    const auto make = [&](const std::string& consumer, const api::ConsumerStart& from,
                          std::optional<api::ConsumerInfo> Creation::*which) {
        session_.request(api::consumer_create(spec_, consumer, from),
                         guarded([which](PullConsumer& me, const Result<std::string_view>& answer) {
                             me.on_consumer(which, answer);
                         }));
    };
    if (spec_.watch_stream) {
        session_.request(api::stream_info(spec_.stream),
                         guarded(std::mem_fn(&PullConsumer::on_stream)));
    }
    make(name_, start(), &Creation::consumer);
    creation_.later_wanted = read_until_.ns != 0 && !start().last_per_subject;
    if (creation_.later_wanted) make(name_ + "-t", {.stored_after = read_until_}, &Creation::later);
}

void PullConsumer::on_stream(const Result<std::string_view>& answer) {
    if (answer) {
        const auto info = api::parse_stream_info(*answer);
        if (!info) return restart(Haste::kBackOff);
        creation_.stream_created = info->created;
        creation_.stream_last = info->last_sequence;
    } else if (answer.error().kind != ErrorKind::kDenied) {
        return restart(Haste::kBackOff);
    }
    creation_.stream_known = true;  // Not allowed to ask: then without.
    when_created();
}

void PullConsumer::on_consumer(std::optional<api::ConsumerInfo> Creation::*which,
                               const Result<std::string_view>& answer) {
    if (!answer) return restart(Haste::kBackOff);
    const auto info = api::parse_consumer_info(*answer);
    if (!info) return restart(Haste::kBackOff);
    creation_.*which = *info;
    when_created();
}

void PullConsumer::when_created() {
    if (!creation_.stream_known || !creation_.consumer) return;
    if (creation_.later_wanted && !creation_.later) return;
    if (stream_is_another()) return restart(Haste::kAtOnce);
    initially_pending_ = creation_.consumer->pending;
    if (initially_pending_ == 0) caught_up_ = true;
    phase_ = Phase::kPulling;
    heard_ = session_.now();
}

bool PullConsumer::stream_is_another() {
    const auto created = creation_.stream_created;
    const bool made_anew = created && stream_created_ && *created != *stream_created_;
    if (created) stream_created_ = created;
    if (made_anew) {
        next_ = 1;
        read_until_ = {};
        caught_up_ = false;
        return true;
    }
    if (!start().last_per_subject) {
        // A server that lost its newest messages counts on from lower; they are other messages.
        next_ = std::min(next_, creation_.consumer->before_start + 1);
        if (creation_.later && creation_.later->before_start + 1 < next_) {
            next_ = creation_.later->before_start + 1;
            return true;
        }
    } else if (created && next_ > creation_.stream_last + 1) {
        next_ = 1;
        return true;
    }
    return false;
}

// ---- Reading. -------------------------------------------------------------------------------

std::size_t PullConsumer::chunk() const {
    return std::clamp<std::size_t>(spec_.window / kRequestsOpen, 1, kRequestMost);
}

void PullConsumer::ask(std::size_t count) {
    std::array<char, 128> body;
    const int size = std::snprintf(body.data(), body.size(),
                                   R"({"batch":%zu,"expires":%lld,"idle_heartbeat":%lld})", count,
                                   static_cast<long long>(kRequestExpires.count()),
                                   static_cast<long long>(kHeartbeat.count()));
    const natsStatus status = natsConnection_PublishRequest(
        session_.connection(), next_subject_.c_str(), inbox_.c_str(), body.data(), size);
    if (asked_ == 0) heard_ = session_.now();  // It owes us a sign of life from now on.
    // A request that could not be sent is counted too: silence will restart the consumer.
    if (status == NATS_OK || asked_ == 0) asked_ += count;
}

void PullConsumer::drain() {
    int queued = 0;
    if (natsSubscription_GetPending(subscription_.get(), &queued, nullptr) != NATS_OK) return;
    if (queued > 0) heard_ = session_.now();
    handle::Spent spent;
    for (; queued > 0 && phase_ == Phase::kPulling && !closed_; --queued) {
        natsMsg* raw = nullptr;
        const natsStatus status = natsSubscription_NextMsg(&raw, subscription_.get(), 0);
        if (status == NATS_NO_RESPONDERS) return restart(Haste::kBackOff);  // It is gone.
        if (status != NATS_OK) return;
        spent.emplace_back(raw);
        on_message(raw);
    }
}

void PullConsumer::on_message(natsMsg* message) {
    const char* reply = natsMsg_GetReply(message);
    const auto delivery = reply == nullptr ? std::nullopt : parse_delivery(reply);
    if (!delivery) return on_status(message, received::header(message, "Status"));
    if (delivery->consumer_sequence != delivered_ + 1) return restart(Haste::kBackOff);
    ++delivered_;
    asked_ -= std::min<std::size_t>(asked_, 1);
    backoff_.reset();
    if (delivery->pending == 0 || delivered_ >= initially_pending_) caught_up_ = true;
    if (delivery->stream_sequence >= next_) hand_out(message, *delivery);
}

void PullConsumer::on_status(natsMsg* message, std::string_view status) {
    if (status == "100") {
        backoff_.reset();
        // The last message of a lull can only be missed here: no later one shows the hole.
        const auto last = received::header(message, "Nats-Last-Consumer");
        if (!last.empty() && number(last, delivered_) > delivered_) {
            return restart(Haste::kBackOff);
        }
        // The server has nothing to give, so what is missing of what it counted at first is gone.
        if (!last.empty()) caught_up_ = true;
        return;
    }
    // A request ran out, or was not taken; what it still had open is said, or all is uncertain.
    const auto open = received::header(message, "Nats-Pending-Messages");
    const std::string_view why = received::header(message, "Description");
    const bool consumer_gone = why.starts_with("Consumer") || why.starts_with("Leadership") ||
                               why.starts_with("Server") || why.starts_with("Stream");
    if (open.empty() || consumer_gone || (status != "408" && status != "409")) {
        return restart(Haste::kBackOff);
    }
    asked_ -= std::min<std::size_t>(asked_, number(open, asked_));
}

void PullConsumer::hand_out(natsMsg* message, const Delivery& delivery) {
    next_ = delivery.stream_sequence + 1;
    read_until_ = delivery.stored_at;
    ++unprocessed_;
    ++session_.counters().deliveries;
    InMessage out = received::view(message);
    out.reply = {};
    out.sequence = delivery.stream_sequence;
    out.pending = delivery.pending;
    out.stored_at = delivery.stored_at;
    // Only markers are empty; looking makes nats.c parse the headers.
    out.deleted = out.body.empty() && is_marker(message);
    sink_->on_message(out);
}

}  // namespace syncline::nats
