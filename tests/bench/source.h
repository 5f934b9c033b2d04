#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "shared/nats/nats_link.h"
#include "shared/telemetry/trace_context.h"
#include "shared/wire/codec.h"
#include "shared/wire/subjects.h"
#include "tests/bench/bench_change.h"
#include "tests/bench/watcher.h"

namespace syncline::bench {

/// Most changes that are on their way into the stream.
inline constexpr std::size_t kSourceWindow = 4'096;

/// The source platform's agent, as far as the hub sees it: numbered changes to SYNC_IN.
class Source final : nats::PublishSink {
public:
    explicit Source(const std::string& url)
        : link_(loop_, {.urls = {url}, .name = "bench-source"}) {
        while (!link_.connected()) loop_.poll(std::chrono::milliseconds{10});
    }

    /// The change `round` of entity `index`; `sent_at` travels with it to the command.
    void send(std::uint64_t index, std::uint64_t round, std::uint64_t sent_at) {
        Change change = bench_change(index, round, static_cast<std::int64_t>(sent_at), numbers_);
        if (sent_++ % 100 < followed_) {
            change.trace = telemetry::to_text(telemetry::make_trace(sent_, round, index, true));
        }
        const std::string body = wire::encode(change);
        body_bytes_ = body.size();
        link_.publish({subjects::change(change.key, change.number.partition), body, {}, {}}, this,
                      0);
        if (++open_ >= kSourceWindow) {
            while (open_ > kSourceWindow / 2) loop_.poll(std::chrono::milliseconds{10});
        }
    }
    void turn() { loop_.poll(Duration{0}); }
    /// After a long time without turn() the server may have closed the connection.
    void wake() {
        loop_.poll(std::chrono::milliseconds{100});
        while (!link_.connected()) loop_.poll(std::chrono::milliseconds{10});
    }
    void finish() {
        while (open_ > 0) loop_.poll(std::chrono::milliseconds{10});
    }
    /// Of a hundred changes so many begin a trace, as an agent with telemetry has them do.
    void follow(unsigned percent) { followed_ = percent; }
    [[nodiscard]] std::size_t body_bytes() const { return body_bytes_; }

private:
    void on_published(std::uint64_t, const Result<std::uint64_t>& sequence) override {
        if (!sequence) die("a change was not stored: " + sequence.error().what);
        --open_;
    }
    nats::EventLoop loop_;
    nats::NatsLink link_;
    Numbers numbers_;
    std::size_t open_ = 0;
    std::size_t body_bytes_ = 0;
    unsigned followed_ = 0;
    std::uint64_t sent_ = 0;
};

}  // namespace syncline::bench
