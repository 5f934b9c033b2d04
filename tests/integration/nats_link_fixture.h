#pragma once

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "shared/nats/event_loop.h"
#include "shared/nats/nats_link.h"
#include "tests/support/nats_server.h"

/// What the tests of NatsLink share: a client with its loop, sinks that keep what they are told,
/// and a fixture that runs every case against the newest and the oldest server.
namespace syncline::nats {

using namespace std::chrono_literals;
using test::NatsServer;

inline constexpr Duration kMost = 20s;  ///< What any condition may take; reached only by a failure.

inline Duration steady() { return std::chrono::steady_clock::now().time_since_epoch(); }

struct Acks final : PublishSink {
    void on_published(std::uint64_t token, const Result<std::uint64_t>& sequence) override {
        told.emplace_back(token, sequence);
        if (then) then();
    }
    [[nodiscard]] std::size_t good() const {
        return static_cast<std::size_t>(
            std::ranges::count_if(told, [](const auto& one) { return one.second.has_value(); }));
    }
    std::vector<std::pair<std::uint64_t, Result<std::uint64_t>>> told;
    std::function<void()> then;
};

struct Inbox final : MessageSink {
    void on_message(const InMessage& message) override {
        sequences.push_back(message.sequence);
        subjects.emplace_back(message.subject);
        bodies.emplace_back(message.body);
        deleted.push_back(message.deleted);
        pending = message.pending;
        stored_at = message.stored_at;
        header = message.header("Test-Header");
        if (then) then();
    }
    std::vector<std::uint64_t> sequences;
    std::vector<std::string> subjects;
    std::vector<std::string> bodies;
    std::vector<bool> deleted;
    std::uint64_t pending = 0;
    Timestamp stored_at;
    std::string header;
    std::function<void()> then;
};

/// Everything from `first` to `last`, once and in order.
inline std::vector<std::uint64_t> range(std::uint64_t first, std::uint64_t last) {
    std::vector<std::uint64_t> out;
    for (std::uint64_t i = first; i <= last; ++i) out.push_back(i);
    return out;
}

inline NatsOptions options_for(const NatsServer& server) {
    return {.urls = {server.url()},
            .name = "nats_link_test",
            .io_buffer_bytes = 32U << 10,
            .retry_first = 20ms,
            .retry_most = 200ms,
            .refused_retry = 500ms};
}

/// A link and its loop.
struct Client {
    explicit Client(NatsOptions options) : link(loop, std::move(options)) {}
    explicit Client(const NatsServer& server) : Client(options_for(server)) {}

    [[nodiscard]] bool until(const std::function<bool()>& condition, Duration most = kMost) {
        for (const Duration end = steady() + most; !condition();) {
            if (steady() > end) return false;
            loop.poll(20ms);
        }
        return true;
    }
    [[nodiscard]] bool connect() {
        return until([&] { return link.connected(); });
    }
    /// The answer to a request that `ask` starts.
    template <class T>
    Result<T> wait(const std::function<void(Link::Done<T>)>& ask) {
        std::optional<Result<T>> answer;
        ask([&](Result<T> told) { answer = std::move(told); });
        EXPECT_FALSE(answer.has_value()) << "answered from within the call";
        if (!until([&] { return answer.has_value(); })) {
            return fail(ErrorKind::kInternal, "no answer at all");
        }
        return *answer;
    }
    Result<std::uint64_t> publish(const OutMessage& message) {
        Acks acks;
        link.publish(message, &acks, 7);
        EXPECT_TRUE(acks.told.empty()) << "answered from within the call";
        if (!until([&] { return !acks.told.empty(); })) {
            return fail(ErrorKind::kInternal, "no answer at all");
        }
        EXPECT_EQ(acks.told.front().first, 7U);
        return acks.told.front().second;
    }
    Result<StreamInfo> ensure(const StreamConfig& config) {
        return wait<StreamInfo>([&](auto done) { link.ensure_stream(config, done); });
    }
    Result<std::optional<StoredMessage>> last(std::string_view subject) {
        return wait<std::optional<StoredMessage>>(
            [&](auto done) { link.get_last("TEST", subject, done); });
    }
    /// An administrator's request; the body of its answer.
    std::string admin(const std::string& subject, const std::string& body = {}) {
        std::string out;
        const auto answer = wait<std::string>([&](auto done) {
            link.request(subject, body, [done](Result<std::string_view> told) {
                if (told)
                    done(std::string{*told});
                else
                    done(fail(told.error()));
            });
        });
        return answer ? *answer : "failed: " + answer.error().what;
    }

    EventLoop loop;
    NatsLink link;
};

inline StreamConfig test_stream() { return {.name = "TEST", .subjects = {"test.>"}}; }

struct VersionCase {
    const char* name;
    NatsServer::Version version;
};

class NatsLinkTest : public testing::TestWithParam<VersionCase> {
protected:
    /// Publishes `count` messages `test.<n modulo subjects>` and waits for all answers.
    static void fill(Client& client, std::uint64_t count, std::uint64_t subjects = 10) {
        Acks acks;
        for (std::uint64_t i = 0; i < count; ++i) {
            const std::string subject = "test." + std::to_string(i % subjects);
            const std::string body = std::to_string(i);
            client.link.publish({.subject = subject, .body = body}, &acks, i);
        }
        ASSERT_TRUE(client.until([&] { return acks.told.size() == count; }));
        ASSERT_EQ(acks.good(), count);
    }

    NatsServer server{{.version = GetParam().version}};
    Client client{server};
};

/// Both servers, for INSTANTIATE_TEST_SUITE_P.
inline auto both_servers() {
    return testing::Values(VersionCase{"newest", NatsServer::Version::kNewest},
                           VersionCase{"oldest", NatsServer::Version::kOldest});
}
inline std::string server_name(const testing::TestParamInfo<VersionCase>& row) {
    return row.param.name;
}

}  // namespace syncline::nats
