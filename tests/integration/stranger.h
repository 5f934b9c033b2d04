#pragma once

// Somebody else at the server: an administrator, or a program that should not be there.
#include <functional>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "shared/nats/event_loop.h"
#include "shared/nats/nats_link.h"
#include "tests/integration/running_system.h"

namespace syncline::test {

/// Somebody else at the server, with all rights.
class Stranger {
public:
    explicit Stranger(const NatsServer& server)
        : link_(loop_, {.urls = {server.url()}, .name = "stranger"}) {
        EXPECT_TRUE(turn_until([&] { return link_.connected(); }));
    }
    void publish(const std::string& subject, const std::string& body) {
        Stored stored;
        link_.publish({.subject = subject, .body = body, .headers = {}, .expected_sequence = {}},
                      &stored, 1);
        EXPECT_TRUE(turn_until([&] { return stored.told; }));
        EXPECT_TRUE(stored.good) << subject;
    }
    /// An administrator's request; the body of its answer.
    std::string ask(const std::string& subject, const std::string& body = {}) {
        std::string answer;
        link_.request(subject, body, [&](Result<std::string_view> told) {
            answer = told ? std::string{*told} : "failed: " + told.error().what;
        });
        EXPECT_TRUE(turn_until([&] { return !answer.empty(); }));
        return answer;
    }

private:
    struct Stored final : nats::PublishSink {
        void on_published(std::uint64_t, const Result<std::uint64_t>& sequence) override {
            told = true;
            good = sequence.has_value();
        }
        bool told = false;
        bool good = false;
    };
    bool turn_until(const std::function<bool()>& condition) {
        return until([&] {
            if (!condition()) loop_.poll(std::chrono::milliseconds{10});
            return condition();
        });
    }
    nats::EventLoop loop_;
    nats::NatsLink link_;
};

}  // namespace syncline::test
