#include "shared/nats/nats_link.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "shared/nats/core_subscriber.h"
#include "shared/nats/pull_consumer.h"
#include "shared/nats/server_check.h"
#include "shared/nats/session.h"

namespace syncline::nats {
namespace {

/// What consume() and subscribe() hand out. The link holds the reader too, until it is closed.
template <class Reader>
class ReaderHandle final : public Subscription {
public:
    explicit ReaderHandle(std::shared_ptr<Reader> reader) : reader_(std::move(reader)) {}
    ~ReaderHandle() override { reader_->close(); }
    ReaderHandle(const ReaderHandle&) = delete;
    ReaderHandle& operator=(const ReaderHandle&) = delete;

    [[nodiscard]] bool caught_up() const override {
        if constexpr (requires { reader_->caught_up(); }) return reader_->caught_up();
        return false;
    }
    void processed(std::size_t count) override {
        if constexpr (requires { reader_->processed(count); }) reader_->processed(count);
    }

private:
    std::shared_ptr<Reader> reader_;
};

/// Calls `visit` for every reader, also for those that its callbacks add.
template <class Reader, class Visit>
void for_each_open(std::vector<std::shared_ptr<Reader>>& readers, Visit visit) {
    for (std::size_t i = 0; i < readers.size(); ++i) {
        const std::shared_ptr<Reader> reader = readers[i];
        if (!reader->closed()) visit(*reader);
    }
}

template <class Reader>
void forget_closed(std::vector<std::shared_ptr<Reader>>& readers) {
    std::erase_if(readers, [](const auto& reader) { return reader->closed(); });
}

}  // namespace

class NatsLink::Impl final : public EventLoop::Participant {
public:
    Impl(EventLoop& event_loop, NatsOptions options)
        : loop(event_loop),
          direct_reads(options.direct_reads),
          session(event_loop, std::move(options)) {
        loop.join(this);
    }
    ~Impl() {
        loop.leave(this);
        for_each_open(consumers, [](PullConsumer& consumer) { consumer.close(); });
        for_each_open(subscribers, [](CoreSubscriber& subscriber) { subscriber.close(); });
    }
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;

    Duration before_wait() override {
        const Duration now = session.now();
        Duration wait = std::chrono::hours{1};
        for_each_open(consumers, [&](PullConsumer& consumer) {
            wait = std::min(wait, consumer.before_wait(now));
        });
        return std::min(wait, session.before_wait());  // Last: it sends what they asked.
    }

    void after_wait() override {
        session.after_wait();
        const Duration now = session.now();
        for_each_open(consumers, [&](PullConsumer& consumer) { consumer.after_wait(now); });
        for_each_open(subscribers, [](CoreSubscriber& subscriber) { subscriber.after_wait(); });
        forget_closed(consumers);
        forget_closed(subscribers);
    }

    void create_stream(const StreamConfig& config, const Done<StreamInfo>& done);

    EventLoop& loop;
    const bool direct_reads;
    Session session;
    std::vector<std::shared_ptr<PullConsumer>> consumers;
    std::vector<std::shared_ptr<CoreSubscriber>> subscribers;
};

NatsLink::NatsLink(EventLoop& loop, NatsOptions options)
    : impl_(std::make_unique<Impl>(loop, std::move(options))) {}
NatsLink::~NatsLink() = default;

void NatsLink::publish(const OutMessage& message, PublishSink* sink, std::uint64_t token) {
    impl_->session.publish(message, sink, token);
}

void NatsLink::send(std::string_view subject, std::string_view body) {
    impl_->session.send(subject, body);
}

void NatsLink::get_last(std::string_view stream, std::string_view subject,
                        Done<std::optional<StoredMessage>> done) {
    if (impl_->direct_reads) {
        return impl_->session.request_message(
            api::direct_last(stream, subject),
            [done = std::move(done)](const Result<InMessage>& answer) {
                if (!answer) return done(fail(answer.error()));
                done(api::parse_direct_message(*answer));
            });
    }
    impl_->session.request(api::last_message(stream, subject),
                           [done = std::move(done)](const Result<std::string_view>& answer) {
                               if (!answer) return done(fail(answer.error()));
                               done(api::parse_stored_message(*answer));
                           });
}

void NatsLink::stream_info(std::string_view stream, Done<StreamInfo> done) {
    impl_->session.request(api::stream_info(stream),
                           [done = std::move(done)](const Result<std::string_view>& answer) {
                               if (!answer) return done(fail(answer.error()));
                               done(api::parse_stream_info(*answer));
                           });
}

void NatsLink::ensure_stream(const StreamConfig& config, Done<StreamInfo> done) {
    stream_info(config.name, [this, config, done = std::move(done)](Result<StreamInfo> info) {
        const bool missing = !info && info.error().kind == ErrorKind::kNotFound;
        if (!missing) return done(std::move(info));
        impl_->create_stream(config, done);
    });
}

void NatsLink::Impl::create_stream(const StreamConfig& config, const Done<StreamInfo>& done) {
    const std::string& version = session.status().server_version;
    if (config.replicas > 1 && !version.empty()) {
        const auto good = check_replicated_server(version);
        if (!good) return done(fail(good.error(), config.name));
    }
    session.request(api::stream_create(config), [this, name = config.name,
                                                 done](const Result<std::string_view>& answer) {
        if (!answer) return done(fail(answer.error()));
        auto info = api::parse_stream_info(*answer);
        const bool other_made_it = !info && info.error().kind == ErrorKind::kConflict;
        if (!other_made_it) return done(std::move(info));
        session.request(api::stream_info(name), [done](const Result<std::string_view>& there) {
            if (!there) return done(fail(there.error()));
            done(api::parse_stream_info(*there));
        });
    });
}

std::unique_ptr<Subscription> NatsLink::consume(ConsumeSpec spec, MessageSink* sink) {
    auto reader = std::make_shared<PullConsumer>(impl_->session, std::move(spec), sink);
    impl_->consumers.push_back(reader);
    return std::make_unique<ReaderHandle<PullConsumer>>(std::move(reader));
}

std::unique_ptr<Subscription> NatsLink::subscribe(std::string_view subject, MessageSink* sink) {
    return serve(subject, {}, sink);
}

std::unique_ptr<Subscription> NatsLink::serve(std::string_view subject, std::string_view queue,
                                              MessageSink* sink) {
    auto reader = std::make_shared<CoreSubscriber>(
        impl_->session, CoreSubscriber::Spec{std::string{subject}, std::string{queue}, {}}, sink);
    impl_->subscribers.push_back(reader);
    return std::make_unique<ReaderHandle<CoreSubscriber>>(std::move(reader));
}

std::unique_ptr<Subscription> NatsLink::ask_all(std::string_view subject, std::string_view body,
                                                MessageSink* sink) {
    auto reader = std::make_shared<CoreSubscriber>(
        impl_->session,
        CoreSubscriber::Spec{
            impl_->session.new_inbox(), {}, api::Request{std::string{subject}, std::string{body}}},
        sink);
    impl_->subscribers.push_back(reader);
    return std::make_unique<ReaderHandle<CoreSubscriber>>(std::move(reader));
}

void NatsLink::reply(std::string_view to, std::string_view body, std::span<const Header> headers) {
    impl_->session.send(to, body, {}, headers);
}

bool NatsLink::connected() const { return impl_->session.ready(); }

void NatsLink::request(std::string_view subject, std::string_view body,
                       std::span<const Header> headers, Done<std::string_view> done) {
    impl_->session.request({std::string{subject}, std::string{body}}, std::move(done), headers);
}

void NatsLink::poll(Duration timeout) { impl_->loop.poll(timeout); }

const LinkStatus& NatsLink::status() const { return impl_->session.status(); }

std::optional<Error> NatsLink::last_error() const {
    if (connected() || status().state == LinkStatus::State::kConnecting) return std::nullopt;
    return status().error;
}

std::size_t NatsLink::open() const { return impl_->session.open(); }
const LinkCounters& NatsLink::counters() const { return impl_->session.counters(); }

}  // namespace syncline::nats
