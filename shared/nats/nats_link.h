#pragma once

#include <memory>

#include "shared/nats/event_loop.h"
#include "shared/nats/link.h"
#include "shared/nats/link_counters.h"
#include "shared/nats/nats_options.h"
#include "shared/nats/services.h"

namespace syncline::nats {

/// A Link to real servers, over nats.c 3.4.1 used as transport only: its fetching, its publishing
/// with acknowledgement and its reconnecting have defects that lose or corrupt.
///
///     EventLoop loop;
///     NatsLink link{loop, {.urls = {"nats://127.0.0.1:4222"}, .name = "syncline-hub"}};
///     while (!stopping) loop.poll(100ms);  // Other threads, signal handlers: loop.wake().
///
/// Connecting: begins at the first poll() and goes on for ever, with back-off and jitter; the
/// server may come later, go and come back. connected() becomes true when the server's version
/// is known to be good. A server that is too old, and a password that is refused, show in
/// status() and on_status; both are tried again, seldom.
///
/// Publishing: as link.h says; moreover kInvalid for a subject or header that would break the
/// protocol (nothing was sent). A publish that permissions forbid is kAmbiguous after the answer
/// timeout, because the server does not say which one it dropped; on_status tells its text.
/// What is published goes out at the beginning of the next poll(), all in one write.
///
/// With direct_reads get_last() is answered by any replica, perhaps a moment behind, and wants
/// leave to publish to `$JS.API.DIRECT.GET.<stream>.<subject>` instead of
/// `$JS.API.STREAM.MSG.GET.<stream>`, by which whatever the stream holds can be read.
///
/// Consuming: needs leave to publish to `$JS.API.CONSUMER.CREATE.<stream>.>` (with one filter,
/// `...CREATE.<stream>.*.<filter>` is enough) and `$JS.API.CONSUMER.MSG.NEXT.<stream>.>`, and to
/// subscribe to `<inbox_prefix>.>`. With leave for `$JS.API.STREAM.INFO.<stream>` too, a stream
/// that was deleted and made anew is noticed at once. It is then read from its beginning, and
/// a stream that lost its newest messages from the first one stored since: only in these two cases
/// do the sequences handed out go back. `$SYS.REQ.USER.INFO` tells the server's version; without
/// leave for it the version goes unchecked.
///
/// Lifetime: outlives neither its loop nor is destroyed from within a callback. Sinks outlive
/// their subscriptions and open publishes; subscriptions may outlive the link. Destroying it
/// tells nobody about open publishes.
class NatsLink final : public Link, public Services {
public:
    /// Requires: `options` has a URL. Touches no network and no file yet.
    NatsLink(EventLoop& loop, NatsOptions options);
    ~NatsLink() override;
    NatsLink(const NatsLink&) = delete;
    NatsLink& operator=(const NatsLink&) = delete;

    void publish(const OutMessage& message, PublishSink* sink, std::uint64_t token) override;
    void send(std::string_view subject, std::string_view body) override;
    void get_last(std::string_view stream, std::string_view subject,
                  Done<std::optional<StoredMessage>> done) override;
    void stream_info(std::string_view stream, Done<StreamInfo> done) override;
    /// kUnsupported: replicas are wanted of a server that is too old for them.
    void ensure_stream(const StreamConfig& config, Done<StreamInfo> done) override;
    [[nodiscard]] std::unique_ptr<Subscription> consume(ConsumeSpec spec,
                                                        MessageSink* sink) override;
    [[nodiscard]] std::unique_ptr<Subscription> subscribe(std::string_view subject,
                                                          MessageSink* sink) override;
    [[nodiscard]] bool connected() const override;

    [[nodiscard]] std::unique_ptr<Subscription> serve(std::string_view subject,
                                                      std::string_view queue,
                                                      MessageSink* sink) override;
    void reply(std::string_view to, std::string_view body,
               std::span<const Header> headers) override;
    void request(std::string_view subject, std::string_view body, std::span<const Header> headers,
                 Done<std::string_view> done) override;
    [[nodiscard]] std::unique_ptr<Subscription> ask_all(std::string_view subject,
                                                        std::string_view body,
                                                        MessageSink* sink) override;
    /// The same without headers.
    void request(std::string_view subject, std::string_view body, Done<std::string_view> done) {
        request(subject, body, {}, std::move(done));
    }

    /// One turn of the loop, and with it of everything else that takes part in it.
    void poll(Duration timeout);

    [[nodiscard]] const LinkStatus& status() const;
    /// Why there is no connection; nothing while connected.
    [[nodiscard]] std::optional<Error> last_error() const;
    /// Publishes and requests not answered yet.
    [[nodiscard]] std::size_t open() const;
    [[nodiscard]] const LinkCounters& counters() const;

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace syncline::nats
