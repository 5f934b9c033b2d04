#include "tests/simulation/memory_link.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "tests/simulation/memory_reader.h"

namespace syncline::sim {
namespace {

constexpr Duration kStep{1};

}  // namespace

MemoryLink::MemoryLink(World& world, MemoryBroker& broker, NetworkFaults& faults, Ticket ticket,
                       std::string name)
    : world_(world), broker_(broker), faults_(faults), ticket_(ticket), name_(std::move(name)) {
    connect_later(
        world_.random().between(std::chrono::milliseconds{1}, std::chrono::milliseconds{20}));
}

MemoryLink::~MemoryLink() {
    // The kernel still sends what was written; answers find nobody.
    if (wire_) wire_->link = nullptr;
    broker_.disconnected(this);
}

// ---- The connection. ------------------------------------------------------------------------

void MemoryLink::event(Duration delay, std::function<void()> what) {
    world_.after(delay, ticket_, [this, what = std::move(what)] {
        what();
        if (on_event) on_event();
    });
}

void MemoryLink::connect_later(Duration wait) {
    event(std::max(wait, away_until_ - world_.now()), [this] { connect(); });
}

void MemoryLink::connect() {
    if (connected_ || wire_) return;
    if (!broker_.up() || world_.now() < away_until_) {
        return connect_later(backoff_.next(world_.random().next()));
    }
    backoff_.reset();
    wire_ = std::make_shared<Wire>();
    wire_->link = this;
    broker_.connected(this);
    connected_ = true;
    world_.note(name_, "connected");
    for (const auto& reader : core_readers_) reader->open();
    for (const auto& reader : readers_) reader->retry(Duration{0});
}

void MemoryLink::break_connection() {
    if (!wire_) return;
    // Either all that was written is read by the server before it notices, or none of it.
    wire_->cut = world_.random().one_in(2);
    broker_.disconnected(this);
    lost_connection();
}

void MemoryLink::server_gone() {
    if (wire_) wire_->cut = true;
    lost_connection();
}

void MemoryLink::lost_connection() {
    if (!wire_) return;
    wire_->link = nullptr;
    wire_.reset();
    event(Duration{0}, [this] { tell_lost(); });
}

void MemoryLink::tell_lost() {
    if (wire_) return;
    connected_ = false;
    world_.note(name_, "connection lost");
    for (const auto& reader : readers_) reader->lost();
    for (const auto& reader : core_readers_) reader->lost();
    while (!open_.empty()) {
        auto entry = open_.extract(open_.begin());
        const Error error{ErrorKind::kAmbiguous, "the connection broke before the answer"};
        if (entry.mapped().sink != nullptr) {
            entry.mapped().sink->on_published(entry.mapped().token, fail(error));
        } else {
            entry.mapped().refuse(error);
        }
    }
    connect_later(backoff_.next(world_.random().next()));
}

void MemoryLink::freeze(Duration until) {
    if (wire_) wire_->frozen_until = std::max(wire_->frozen_until, until);
}

void MemoryLink::keep_away(Duration until) { away_until_ = std::max(away_until_, until); }

/// To the server: in order, with latency, unless the connection was cut before it got there.
void MemoryLink::uplink(std::function<void()> arrive) {
    const auto wire = wire_;
    wire->up_at = std::max(wire->up_at + kStep, world_.now() + wire->delay(world_, faults_));
    world_.after(wire->up_at - world_.now(), [wire, broker = &broker_, arrive = std::move(arrive)] {
        if (!wire->cut && broker->up()) arrive();
    });
}

void MemoryLink::downlink(std::function<void()> arrive) {
    if (!wire_) return;
    const auto wire = wire_;
    wire->down_at = std::max(wire->down_at + kStep, world_.now() + wire->delay(world_, faults_));
    event(wire->down_at - world_.now(), [this, wire, arrive = std::move(arrive)] {
        if (wire == wire_) arrive();
    });
}

Duration MemoryLink::Wire::delay(World& world, const NetworkFaults& faults) const {
    Duration delay = world.random().between(faults.latency_least, faults.latency_most);
    if (world.random().chance(faults.slow)) {
        delay = world.random().between(faults.latency_most, faults.slow_most);
    }
    return std::max(delay, frozen_until - world.now());
}

// ---- Publishing. ----------------------------------------------------------------------------

void MemoryLink::publish(const nats::OutMessage& message, nats::PublishSink* sink,
                         std::uint64_t token) {
    const std::uint64_t id = ++ids_;
    if (!connected_ || !wire_) {
        return event(Duration{0}, [sink, token] {
            sink->on_published(token, fail(ErrorKind::kUnavailable, "not connected to NATS"));
        });
    }
    open_.emplace(id, Open{sink, token, {}});
    deadlines_.emplace_back(world_.now() + kAnswerTimeout, id);
    arm_timeout();
    uplink([world = &world_, broker = &broker_, faults = &faults_, wire = wire_, id,
            subject = std::string{message.subject}, body = std::string{message.body},
            expected = message.expected_sequence]() mutable {
        Random& random = world->random();
        if (random.chance(faults->lose_publish)) return;
        if (!random.chance(faults->late_store)) {
            return store(*world, *broker, *faults, wire, id, std::move(subject), std::move(body),
                         expected);
        }
        world->note("broker", "holds back " + subject);
        const MemoryBroker::Queue queue = broker->queue_of(subject);
        world->after(random.between(std::chrono::milliseconds{10}, faults->late_most), [=] {
            if (broker->up() && broker->queue_of(subject) == queue) {
                store(*world, *broker, *faults, wire, id, subject, body, expected);
            }
        });
    });
}

void MemoryLink::store(World& world, MemoryBroker& broker, NetworkFaults& faults,
                       const std::shared_ptr<Wire>& wire, std::uint64_t id, std::string subject,
                       std::string body, std::optional<std::uint64_t> expected) {
    Result<std::uint64_t> result = fail(ErrorKind::kUnavailable, "no leader now");
    if (!world.random().chance(faults.not_now)) result = broker.publish(subject, body, expected);
    if (world.random().chance(faults.lose_ack)) return;
    MemoryLink* link = wire->link;
    if (link == nullptr) return;
    link->downlink([link, id, result = std::move(result)] { link->answer(id, result); });
}

void MemoryLink::answer(std::uint64_t id, Result<std::uint64_t> result) {
    const auto found = open_.find(id);
    if (found == open_.end()) return;  // Too late.
    const Open open = std::move(found->second);
    open_.erase(found);
    open.sink->on_published(open.token, result);
}

void MemoryLink::arm_timeout() {
    if (timeout_armed_ || deadlines_.empty()) return;
    timeout_armed_ = true;
    event(deadlines_.front().first - world_.now(), [this] { time_out(); });
}

void MemoryLink::time_out() {
    timeout_armed_ = false;
    while (!deadlines_.empty() && deadlines_.front().first <= world_.now()) {
        const std::uint64_t id = deadlines_.front().second;
        deadlines_.pop_front();
        auto entry = open_.extract(id);
        if (entry.empty()) continue;
        const Error error{ErrorKind::kAmbiguous, "no answer in 5000 ms; it may have been done"};
        if (entry.mapped().sink != nullptr) {
            entry.mapped().sink->on_published(entry.mapped().token, fail(error));
        } else {
            entry.mapped().refuse(error);
        }
    }
    arm_timeout();
}

void MemoryLink::send(std::string_view subject, std::string_view body) {
    if (!connected_ || !wire_ || world_.random().chance(faults_.lose_core)) return;
    uplink([broker = &broker_, subject = std::string{subject}, body = std::string{body}] {
        broker->publish_core(subject, body);
    });
}

// ---- Requests. ------------------------------------------------------------------------------

void MemoryLink::get_last(std::string_view stream, std::string_view subject,
                          Done<std::optional<nats::StoredMessage>> done) {
    request<std::optional<nats::StoredMessage>>(
        [stream = std::string{stream}, subject = std::string{subject}](MemoryBroker& broker) {
            return broker.get_last(stream, subject);
        },
        std::move(done));
}

void MemoryLink::stream_info(std::string_view stream, Done<nats::StreamInfo> done) {
    request<nats::StreamInfo>(
        [stream = std::string{stream}](MemoryBroker& broker) { return broker.info(stream); },
        std::move(done));
}

void MemoryLink::ensure_stream(const nats::StreamConfig& config, Done<nats::StreamInfo> done) {
    request<nats::StreamInfo>([config](MemoryBroker& broker) { return broker.ensure(config); },
                              std::move(done));
}

// ---- Reading. -------------------------------------------------------------------------------

namespace {

template <class Reader>
class Handle final : public nats::Subscription {
public:
    explicit Handle(std::shared_ptr<Reader> reader) : reader_(std::move(reader)) {}
    ~Handle() override { reader_->close(); }
    void processed(std::size_t count) override { reader_->processed(count); }
    [[nodiscard]] bool caught_up() const override {
        if constexpr (requires { reader_->caught_up(); }) return reader_->caught_up();
        return false;
    }

private:
    std::shared_ptr<Reader> reader_;
};

}  // namespace

std::unique_ptr<nats::Subscription> MemoryLink::consume(nats::ConsumeSpec spec,
                                                        nats::MessageSink* sink) {
    auto reader = std::make_shared<Reader>(*this, std::move(spec), sink);
    readers_.push_back(reader);
    reader->retry(Duration{0});
    return std::make_unique<Handle<Reader>>(std::move(reader));
}

std::unique_ptr<nats::Subscription> MemoryLink::subscribe(std::string_view subject,
                                                          nats::MessageSink* sink) {
    auto reader = std::make_shared<CoreReader>(*this, std::string{subject}, sink);
    core_readers_.push_back(reader);
    reader->open();
    return std::make_unique<Handle<CoreReader>>(std::move(reader));
}

void MemoryLink::end_of_turn() {
    std::erase_if(readers_, [](const auto& reader) { return reader->closed(); });
    std::erase_if(core_readers_, [](const auto& reader) { return reader->closed(); });
    for (const auto& reader : readers_) reader->ask();
}

void MemoryLink::deliver(std::uint64_t consumer, MessagePtr message, std::uint64_t pending) {
    downlink([this, consumer, message = std::move(message), pending] {
        for (std::size_t i = 0; i < readers_.size(); ++i) {
            const auto reader = readers_[i];
            if (reader->take(consumer, *message, pending)) return;
        }
    });
}

void MemoryLink::consumer_gone(std::uint64_t consumer) {
    downlink([this, consumer] {
        for (const auto& reader : readers_) reader->consumer_gone(consumer);
    });
}

void MemoryLink::deliver_core(std::uint64_t subscription, MessagePtr message) {
    if (world_.random().chance(faults_.lose_core)) return;
    downlink([this, subscription, message = std::move(message)] {
        for (std::size_t i = 0; i < core_readers_.size(); ++i) {
            const auto reader = core_readers_[i];
            if (reader->take(subscription, *message)) return;
        }
    });
}

}  // namespace syncline::sim
