#include "tests/bench/relay.h"

#include <atomic>
#include <chrono>
#include <cstring>
#include <thread>

#include "tests/bench/raw_client.h"

namespace syncline::bench {
namespace {

constexpr std::size_t kWindow = 4'096;
constexpr std::size_t kPull = 256;
constexpr std::uint64_t kSubjects = 100'000;

void make_stream(RawClient& client, const std::string& name, const std::string& subject) {
    client.api("STREAM.DELETE." + name, "", RawClient::Must::kMayFail);
    client.api("STREAM.CREATE." + name,
               R"({"name":")" + name + R"(","subjects":[")" + subject +
                   R"("],"retention":"limits","discard":"old","storage":"file",)"
                   R"("num_replicas":1,"max_consumers":-1,"max_msgs":-1,"max_bytes":-1,)"
                   R"("max_age":0,"max_msg_size":-1,"duplicate_window":120000000000})",
               RawClient::Must::kSucceed);
}

void make_consumer(RawClient& client) {
    client.api("CONSUMER.DURABLE.CREATE.BENCH_IN.relay",
               R"({"stream_name":"BENCH_IN","config":{"durable_name":"relay",)"
               R"("ack_policy":"explicit","deliver_policy":"all","replay_policy":"instant",)"
               R"("max_ack_pending":100000,"ack_wait":30000000000,"max_deliver":-1}})",
               RawClient::Must::kSucceed);
}

/// Publishes with a window of unanswered acks.
class Sender {
public:
    explicit Sender(const std::string& url) : client_(url), inbox_(new_inbox()) {
        acks_ = client_.subscribe(inbox_);
    }
    ~Sender() { natsSubscription_Destroy(acks_); }
    void send(const std::string& subject, std::string_view body) {
        client_.publish(subject, inbox_, body);
        ++sent_;
        while (sent_ - acked_ >= kWindow) turn(10);
    }
    void turn(int wait_ms) {
        client_.turn(wait_ms);
        RawClient::drain(acks_, [this](natsMsg*) { ++acked_; });
    }
    void finish() {
        while (acked_ < sent_) turn(10);
    }
    RawClient& client() { return client_; }

private:
    RawClient client_;
    std::string inbox_;
    natsSubscription* acks_ = nullptr;
    std::uint64_t sent_ = 0;
    std::uint64_t acked_ = 0;
};

class Relay {
public:
    explicit Relay(const std::string& url)
        : client_(url), pulls_inbox_(new_inbox()), acks_inbox_(new_inbox()) {
        pulls_ = client_.subscribe(pulls_inbox_);
        acks_ = client_.subscribe(acks_inbox_ + ".*");
        inputs_.resize(kWindow);
    }
    ~Relay() {
        natsSubscription_Destroy(pulls_);
        natsSubscription_Destroy(acks_);
    }

    /// Until `inputs` outputs are acknowledged, or `stop` is set and nothing is open.
    void run(std::uint64_t inputs, const std::atomic<bool>& stop, std::vector<double>* latency_ms) {
        while (done_ < inputs) {
            ask();
            client_.turn(taken_ == done_ ? 20 : 1);
            RawClient::drain(acks_, [&](natsMsg* ack) { acknowledged(ack, latency_ms); });
            RawClient::drain(pulls_, [&](natsMsg* input) { relay(input); });
            if (stop.load() && taken_ == done_ && ++idle_turns_ > 10) return;
        }
    }
    [[nodiscard]] std::uint64_t done() const { return done_; }

private:
    struct Input {
        std::string ack_subject;
        std::uint64_t due_ns = 0;
    };

    void ask() {
        while (asked_ - taken_ + (taken_ - done_) + kPull <= kWindow) {
            client_.publish("$JS.API.CONSUMER.MSG.NEXT.BENCH_IN.relay", pulls_inbox_,
                            R"({"batch":256,"expires":60000000000})");
            asked_ += kPull;
        }
    }
    void relay(natsMsg* input) {
        const int size = natsMsg_GetDataLength(input);
        if (size < 16) return;  // A status.
        idle_turns_ = 0;
        const std::uint64_t slot = taken_++ % kWindow;
        inputs_[slot].ack_subject = natsMsg_GetReply(input);
        std::memcpy(&inputs_[slot].due_ns, natsMsg_GetData(input) + 8, 8);
        const char* subject = natsMsg_GetSubject(input);
        client_.publish("bench.out." + std::string{std::strrchr(subject, '.') + 1},
                        acks_inbox_ + "." + std::to_string(slot),
                        {natsMsg_GetData(input), static_cast<std::size_t>(size)});
    }
    void acknowledged(natsMsg* ack, std::vector<double>* latency_ms) {
        const char* token = std::strrchr(natsMsg_GetSubject(ack), '.') + 1;
        const Input& input = inputs_[static_cast<std::size_t>(std::atoi(token))];
        if (std::strstr(natsMsg_GetData(ack), "\"error\"") != nullptr) std::exit(1);
        client_.publish(input.ack_subject, {}, {});
        if (latency_ms != nullptr) {
            latency_ms->push_back(static_cast<double>(steady_ns() - input.due_ns) / 1e6);
        }
        ++done_;
    }

    RawClient client_;
    std::string pulls_inbox_;
    std::string acks_inbox_;
    natsSubscription* pulls_ = nullptr;
    natsSubscription* acks_ = nullptr;
    std::vector<Input> inputs_;
    std::uint64_t asked_ = 0;
    std::uint64_t taken_ = 0;
    std::uint64_t done_ = 0;
    int idle_turns_ = 0;
};

void fill(std::string& body, std::uint64_t number, std::uint64_t due_ns) {
    std::memcpy(body.data(), &number, 8);
    std::memcpy(body.data() + 8, &due_ns, 8);
}

void send_paced(const std::string& url, double per_second, double seconds,
                std::atomic<bool>& stop) {
    Sender sender{url};
    std::string body(300, 'x');
    const std::uint64_t start = steady_ns();
    const auto total = static_cast<std::uint64_t>(per_second * seconds);
    for (std::uint64_t sent = 0; sent < total;) {
        const double elapsed = static_cast<double>(steady_ns() - start) / 1e9;
        const auto due = std::min(total, static_cast<std::uint64_t>(elapsed * per_second));
        for (; sent < due; ++sent) {
            const double at = static_cast<double>(sent) / per_second * 1e9;
            fill(body, sent, start + static_cast<std::uint64_t>(at));
            sender.send("bench.in." + std::to_string(sent % kSubjects), body);
        }
        sender.turn(0);
        std::this_thread::sleep_for(std::chrono::microseconds{500});
    }
    sender.finish();
    stop.store(true);
}

}  // namespace

void store_inputs(const std::string& url, std::uint64_t inputs, std::size_t bytes) {
    Sender sender{url};
    make_stream(sender.client(), "BENCH_IN", "bench.in.>");
    make_stream(sender.client(), "BENCH_OUT", "bench.out.>");
    std::string body(bytes, 'x');
    for (std::uint64_t i = 0; i < inputs; ++i) {
        fill(body, i, steady_ns());
        sender.send("bench.in." + std::to_string(i % kSubjects), body);
        if (i % 256 == 0) sender.turn(0);
    }
    sender.finish();
}

RelayResult relay_stored(const std::string& url, std::uint64_t inputs) {
    {
        RawClient admin{url};
        make_consumer(admin);
    }
    Relay relay{url};
    const std::atomic<bool> never{false};
    const std::uint64_t start = steady_ns();
    relay.run(inputs, never, nullptr);
    return {static_cast<double>(inputs) / (static_cast<double>(steady_ns() - start) / 1e9), {}};
}

RelayResult relay_paced(const std::string& url, double per_second, double seconds) {
    {
        RawClient admin{url};
        make_stream(admin, "BENCH_IN", "bench.in.>");
        make_stream(admin, "BENCH_OUT", "bench.out.>");
        make_consumer(admin);
    }
    Relay relay{url};
    std::atomic<bool> stop{false};
    std::thread source([&] { send_paced(url, per_second, seconds, stop); });
    RelayResult result;
    relay.run(UINT64_MAX, stop, &result.latency_ms);
    source.join();
    result.per_second = per_second;
    return result;
}

}  // namespace syncline::bench
