#include "tests/simulation/memory_reader.h"

#include <algorithm>

namespace syncline::sim {
namespace {

nats::InMessage view_of(const BrokerMessage& message) {
    nats::InMessage out;
    out.subject = message.subject;
    out.body = message.body;
    out.header = [](std::string_view) { return std::string_view{}; };
    return out;
}

}  // namespace

MemoryLink::Reader::Reader(MemoryLink& link, nats::ConsumeSpec spec, nats::MessageSink* sink)
    : link_(link), spec_(std::move(spec)), sink_(sink) {
    if (!spec_.last_per_subject) {
        next_ = std::max<std::uint64_t>(spec_.start_sequence, 1);
        read_until_ = spec_.read_until;
    }
    spec_.window = std::max<std::size_t>(spec_.window, 1);
}

void MemoryLink::Reader::close() {
    closed_ = true;
    ++attempt_;
    if (consumer_ != 0 && link_.wire_) {
        link_.uplink([broker = &link_.broker_, id = consumer_] { broker->remove_consumer(id); });
    }
    consumer_ = 0;
}

void MemoryLink::Reader::retry(Duration wait) {
    if (!link_.connected_) return;
    const std::uint64_t attempt = ++attempt_;
    consumer_ = 0;
    link_.event(wait, [self = weak_from_this(), attempt] {
        const auto me = self.lock();
        if (me && !me->closed_ && me->attempt_ == attempt) me->create();
    });
}

void MemoryLink::Reader::lost() {
    ++attempt_;
    consumer_ = 0;
}

void MemoryLink::Reader::restart(bool at_once) {
    retry(at_once ? Duration{0} : backoff_.next(link_.world_.random().next()));
}

void MemoryLink::Reader::create() {
    if (!link_.connected_ || !link_.wire_) return;
    creation_ = {};
    asked_ = 0;
    delivered_ = 0;
    const auto mine = [self = weak_from_this(), attempt = attempt_] {
        auto me = self.lock();
        return me && !me->closed_ && me->attempt_ == attempt ? me : nullptr;
    };
    link_.stream_info(spec_.stream, [mine](Result<nats::StreamInfo> info) {
        const auto me = mine();
        if (!me) return;
        if (!info) return me->restart(false);
        me->creation_.stream_known = true;
        me->creation_.created = info->created;
        me->creation_.stream_last = info->last_sequence;
        me->when_created();
    });
    using Made = MemoryBroker::ConsumerMade;
    const auto add = [this, mine, wire = link_.wire_](MemoryBroker::ConsumerStart start,
                                                      std::optional<Made> Creation::*answer) {
        link_.request<Made>(
            [start = std::move(start), wire](MemoryBroker& broker) -> Result<Made> {
                if (wire->link == nullptr) return fail(ErrorKind::kUnavailable, "gone");
                return broker.add_consumer(start, wire->link);
            },
            [mine, answer](Result<Made> made) {
                const auto me = mine();
                if (!me) return;
                if (!made) return me->restart(false);
                me->creation_.*answer = *made;
                me->when_created();
            });
    };
    creation_.later_wanted = read_until_.ns != 0 && !wants_dump();
    add({spec_.stream, spec_.filters, wants_dump(), next_, {}}, &Creation::made);
    if (creation_.later_wanted) {
        add({spec_.stream, spec_.filters, false, 1, read_until_}, &Creation::later);
    }
}

void MemoryLink::Reader::when_created() {
    if (!creation_.stream_known || !creation_.made) return;
    if (creation_.later_wanted && !creation_.later) return;
    if (stream_is_another()) return restart(true);
    initially_pending_ = creation_.made->pending;
    if (initially_pending_ == 0) caught_up_ = true;
    consumer_ = creation_.made->id;
}

bool MemoryLink::Reader::stream_is_another() {
    const bool made_anew = stream_created_ && creation_.created != *stream_created_;
    stream_created_ = creation_.created;
    if (made_anew) {
        next_ = 1;
        read_until_ = {};
        caught_up_ = false;
        return true;
    }
    if (!wants_dump()) {
        next_ = std::min(next_, creation_.made->before_start + 1);
        if (creation_.later && creation_.later->before_start + 1 < next_) {
            next_ = creation_.later->before_start + 1;
            return true;
        }
    } else if (next_ > creation_.stream_last + 1) {
        next_ = 1;
        return true;
    }
    return false;
}

void MemoryLink::Reader::ask() {
    if (closed_ || consumer_ == 0 || !link_.wire_) return;
    const std::size_t used = unprocessed_ + asked_;
    const std::size_t room = spec_.window > used ? spec_.window - used : 0;
    const std::size_t chunk = std::clamp<std::size_t>(spec_.window / 4, 1, 1'000);
    if (room < chunk && (asked_ > 0 || room == 0)) return;
    asked_ += room;
    link_.uplink([broker = &link_.broker_, id = consumer_, room] { broker->pull(id, room); });
}

bool MemoryLink::Reader::take(std::uint64_t consumer, const BrokerMessage& message,
                              std::uint64_t pending) {
    if (closed_ || consumer_ == 0 || consumer != consumer_) return false;
    ++delivered_;
    asked_ -= std::min<std::size_t>(asked_, 1);
    backoff_.reset();
    if (pending == 0 || delivered_ >= initially_pending_) caught_up_ = true;
    if (message.sequence < next_) return true;
    next_ = message.sequence + 1;
    read_until_ = message.stored_at;
    ++unprocessed_;
    nats::InMessage out = view_of(message);
    out.sequence = message.sequence;
    out.pending = pending;
    out.stored_at = message.stored_at;
    sink_->on_message(out);
    return true;
}

void MemoryLink::Reader::consumer_gone(std::uint64_t consumer) {
    if (!closed_ && consumer_ != 0 && consumer == consumer_) restart(false);
}

void MemoryLink::CoreReader::close() {
    closed_ = true;
    if (subscription_ != 0 && link_.wire_) {
        link_.uplink([broker = &link_.broker_, id = subscription_] { broker->unsubscribe(id); });
    }
}

void MemoryLink::CoreReader::open() {
    if (closed_ || !link_.wire_) return;
    link_.uplink([self = weak_from_this(), wire = link_.wire_, broker = &link_.broker_] {
        const auto me = self.lock();
        if (!me || me->closed_ || wire->link == nullptr) return;
        me->subscription_ = broker->subscribe(me->subject_, wire->link);
    });
}

bool MemoryLink::CoreReader::take(std::uint64_t subscription, const BrokerMessage& message) {
    if (closed_ || subscription_ == 0 || subscription != subscription_) return false;
    sink_->on_message(view_of(message));
    return true;
}

}  // namespace syncline::sim
