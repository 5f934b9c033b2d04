#pragma once

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "shared/nats/link.h"
#include "shared/wire/subjects.h"

namespace syncline::test {

/// A Link whose broker is three streams in memory; what it tells is told by deliver().
class MemoryLink final : public nats::Link {
public:
    struct Message {
        std::uint64_t sequence = 0;
        std::string subject;
        std::string body;
        Timestamp stored_at;
    };
    struct Stream {
        bool exists = true;
        Timestamp created{1'000};
        std::uint64_t last = 0;
        std::vector<Message> messages;
        Timestamp asked = {};  ///< What the broker says of the time when it is asked.
    };

    Stream input;
    Stream commands;              ///< Newest per subject.
    std::vector<Message> states;  ///< What a read of SYNC_STATE hands out, filter or not.
    std::uint16_t partitions = 4;
    bool is_connected = true;
    std::function<Timestamp()> now = [] { return Timestamp{}; };  ///< The broker's clock.
    /// What becomes of a publish; nullopt stores it. Presence is not asked about.
    std::function<std::optional<Error>(const std::string& subject)> refuse;
    bool answers_publishes = true;
    std::size_t publishes = 0;
    std::vector<std::string> presences;
    std::vector<std::string> sent;

    [[nodiscard]] bool has_events() const {
        const bool waiting = consumer_ != nullptr && credit_ > 0 && !commands.messages.empty() &&
                             commands.messages.back().sequence >= next_;
        return waiting || !events_.empty();
    }
    /// Hands out everything that has come up. False if there was nothing.
    bool deliver() {
        bool any = false;
        while (!events_.empty()) {
            auto event = std::move(events_.front());
            events_.pop_front();
            event();
            any = true;
        }
        return pump_consumer() || any;
    }
    /// What a dead agent was waiting for never comes.
    void forget() {
        events_.clear();
        consumer_ = nullptr;
        core_ = nullptr;
    }
    void put_command(const std::string& subject, std::string body) {
        std::erase_if(commands.messages, [&](const Message& m) { return m.subject == subject; });
        stored_ = std::max(stored_ + std::chrono::microseconds{1}, now());
        commands.messages.push_back({++commands.last, subject, std::move(body), stored_});
    }
    void tell(std::string body) {
        events_.push_back([this, body = std::move(body)] {
            if (core_ == nullptr) return;
            core_->on_message({.subject = "receipt", .body = body});
        });
    }
    [[nodiscard]] bool is_consuming() const { return consumer_ != nullptr; }

    void publish(const nats::OutMessage& message, nats::PublishSink* sink,
                 std::uint64_t token) override {
        const std::string subject{message.subject};
        if (subjects::parse_input(subject)) {
            ++publishes;
            std::optional<Error> error;
            if (!is_connected) error = Error{ErrorKind::kUnavailable, "not connected"};
            if (!error && refuse) error = refuse(subject);
            if (!error)
                input.messages.push_back({++input.last, subject, std::string{message.body}, {}});
            if (!answers_publishes) return;
            events_.push_back([sink, token, error, sequence = input.last] {
                if (error) return sink->on_published(token, fail(*error));
                sink->on_published(token, sequence);
            });
            return;
        }
        presences.emplace_back(message.body);
        events_.push_back([sink, token] { sink->on_published(token, 1); });
    }
    void send(std::string_view subject, std::string_view body) override {
        sent.push_back(std::string{subject} + " " + std::string{body});
    }
    void get_last(std::string_view, std::string_view,
                  Done<std::optional<nats::StoredMessage>> done) override {
        events_.push_back([done] { done(std::optional<nats::StoredMessage>{}); });
    }
    void stream_info(std::string_view name, Done<nats::StreamInfo> done) override {
        const bool is_input = name == subjects::kStreamIn;
        events_.push_back([this, is_input, done] {
            const Stream& stream = is_input ? input : commands;
            if (!stream.exists) return done(fail(ErrorKind::kNotFound, "no such stream"));
            nats::StreamInfo info{
                .created = stream.created, .asked = stream.asked, .last_sequence = stream.last};
            if (is_input) info.metadata.emplace_back("partitions", std::to_string(partitions));
            done(info);
        });
    }
    void ensure_stream(const nats::StreamConfig& config, Done<nats::StreamInfo> done) override {
        stream_info(config.name, std::move(done));
    }
    std::unique_ptr<nats::Subscription> consume(nats::ConsumeSpec spec,
                                                nats::MessageSink* sink) override {
        if (spec.stream == subjects::kStreamState) return read_states(sink);
        consumer_ = sink;
        next_ = spec.start_sequence;
        for (const Message& m : commands.messages) {
            if (spec.read_until.ns != 0 && m.stored_at > spec.read_until) {
                next_ = std::min(next_, m.sequence);
            }
        }
        credit_ = spec.window;
        return std::make_unique<Consumer>(*this);
    }
    std::unique_ptr<nats::Subscription> subscribe(std::string_view,
                                                  nats::MessageSink* sink) override {
        core_ = sink;
        return std::make_unique<Core>();
    }
    [[nodiscard]] bool connected() const override { return is_connected; }

private:
    struct Consumer final : nats::Subscription {
        explicit Consumer(MemoryLink& owner) : link(owner) {}
        ~Consumer() override { link.consumer_ = nullptr; }
        void processed(std::size_t count) override { link.credit_ += count; }
        MemoryLink& link;
    };
    struct Core final : nats::Subscription {
        void processed(std::size_t) override {}
    };

    struct StateReader final : nats::Subscription {
        void processed(std::size_t) override {}
        [[nodiscard]] bool caught_up() const override { return finished; }
        bool finished = false;
        std::shared_ptr<int> alive = std::make_shared<int>();
    };
    std::unique_ptr<nats::Subscription> read_states(nats::MessageSink* sink) {
        auto reader = std::make_unique<StateReader>();
        events_.push_back([this, sink, to = reader.get(), alive = std::weak_ptr{reader->alive}] {
            if (alive.expired()) return;
            for (const Message& m : states)
                sink->on_message({.subject = m.subject, .body = m.body});
            to->finished = true;
        });
        return reader;
    }

    bool pump_consumer() {
        bool any = false;
        const std::vector<Message> copy = commands.messages;
        for (const Message& m : copy) {
            if (consumer_ == nullptr || credit_ == 0) break;
            if (m.sequence < next_) continue;
            next_ = m.sequence + 1;
            --credit_;
            any = true;
            consumer_->on_message({.subject = m.subject,
                                   .body = m.body,
                                   .sequence = m.sequence,
                                   .stored_at = m.stored_at});
        }
        return any;
    }

    std::deque<std::function<void()>> events_;
    nats::MessageSink* consumer_ = nullptr;
    nats::MessageSink* core_ = nullptr;
    std::uint64_t next_ = 1;
    std::size_t credit_ = 0;
    Timestamp stored_;
};

}  // namespace syncline::test
