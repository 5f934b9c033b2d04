#pragma once

// Somebody else at the server: an administrator, or a program that should not be there.
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

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
    /// Hears what is told without store, from now on.
    void listen(const std::string& subject) {
        listening_ = link_.subscribe(subject, &heard_);
        turn(std::chrono::milliseconds{200});  // Until the server knows.
    }
    /// The bodies that were heard until now.
    std::vector<std::string> heard() {
        turn(std::chrono::milliseconds{10});
        return heard_.bodies;
    }

private:
    struct Heard final : nats::MessageSink {
        void on_message(const nats::InMessage& message) override {
            bodies.emplace_back(message.body);
        }
        std::vector<std::string> bodies;
    };
    void turn(std::chrono::milliseconds length) {
        const auto end = std::chrono::steady_clock::now() + length;
        while (std::chrono::steady_clock::now() < end) loop_.poll(std::chrono::milliseconds{10});
    }
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
    Heard heard_;
    std::unique_ptr<nats::Subscription> listening_;
};

}  // namespace syncline::test
