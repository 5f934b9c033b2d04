#include "tests/bench/relay.h"

#include <cstring>

#include "tests/bench/raw_client.h"

namespace syncline::bench {
namespace {

constexpr std::size_t kWindow = 4'096;
constexpr std::size_t kPull = 256;
constexpr std::uint64_t kSubjects = 100'000;
constexpr std::string_view kInputs = "bench.in.";

void make_stream(RawClient& client, const std::string& name, const std::string& subject) {
    client.api("STREAM.CREATE." + name,
               R"({"name":")" + name + R"(","subjects":[")" + subject +
                   R"("],"retention":"limits","discard":"old","storage":"file",)"
                   R"("num_replicas":1,"max_consumers":-1,"max_msgs":-1,"max_bytes":-1,)"
                   R"("max_age":0,"max_msg_size":-1,"duplicate_window":120000000000})");
}

void make_consumer(RawClient& client) {
    client.api("CONSUMER.DURABLE.CREATE.BENCH_IN.relay",
               R"({"stream_name":"BENCH_IN","config":{"durable_name":"relay",)"
               R"("ack_policy":"explicit","deliver_policy":"all","replay_policy":"instant",)"
               R"("max_ack_pending":100000,"ack_wait":30000000000,"max_deliver":-1}})");
}

class Relay {
public:
    explicit Relay(const std::string& url)
        : client_(url), pulls_inbox_(new_inbox()), acks_inbox_(new_inbox()) {
        pulls_ = client_.subscribe(pulls_inbox_);
        acks_ = client_.subscribe(acks_inbox_ + ".*");
        ack_subjects_.resize(kWindow);
    }
    ~Relay() {
        natsSubscription_Destroy(pulls_);
        natsSubscription_Destroy(acks_);
    }

    [[noreturn]] void run() {
        while (true) {
            ask();
            client_.turn(taken_ == done_ ? 20 : 1);
            RawClient::drain(acks_, [&](natsMsg* ack) { acknowledged(ack); });
            RawClient::drain(pulls_, [&](natsMsg* input) { relay(input); });
        }
    }

private:
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
        const std::uint64_t slot = taken_++ % kWindow;
        ack_subjects_[slot] = natsMsg_GetReply(input);
        const char* subject = natsMsg_GetSubject(input);
        client_.publish("bench.out." + std::string{subject + kInputs.size()},
                        acks_inbox_ + "." + std::to_string(slot),
                        {natsMsg_GetData(input), static_cast<std::size_t>(size)});
    }
    void acknowledged(natsMsg* ack) {
        const char* token = std::strrchr(natsMsg_GetSubject(ack), '.') + 1;
        if (std::strstr(natsMsg_GetData(ack), "\"error\"") != nullptr) std::exit(1);
        client_.publish(ack_subjects_[static_cast<std::size_t>(std::atoi(token))], {}, {});
        ++done_;
    }

    RawClient client_;
    std::string pulls_inbox_;
    std::string acks_inbox_;
    natsSubscription* pulls_ = nullptr;
    natsSubscription* acks_ = nullptr;
    std::vector<std::string> ack_subjects_;
    std::uint64_t asked_ = 0;
    std::uint64_t taken_ = 0;
    std::uint64_t done_ = 0;
};

}  // namespace

RelaySource::RelaySource(const std::string& url, std::size_t bytes)
    : client_(url), inbox_(new_inbox()), acks_(client_.subscribe(inbox_)), body_(bytes, 'x') {}

RelaySource::~RelaySource() { natsSubscription_Destroy(acks_); }

void RelaySource::send(std::uint64_t due_ns) {
    std::memcpy(body_.data(), &due_ns, sizeof due_ns);
    const std::uint64_t entity = sent_ % kSubjects;
    client_.publish(std::string{kInputs} + std::to_string(entity % kOutputsPerSample) + '.' +
                        std::to_string(entity),
                    inbox_, body_);
    ++sent_;
    while (sent_ - acked_ >= kWindow) turn(10);
}

void RelaySource::turn(int wait_ms) {
    client_.turn(wait_ms);
    RawClient::drain(acks_, [this](natsMsg*) { ++acked_; });
}

void RelaySource::finish() {
    while (acked_ < sent_) turn(10);
}

std::uint64_t due_of(std::string_view body) {
    std::uint64_t due_ns = 0;
    if (body.size() >= sizeof due_ns) std::memcpy(&due_ns, body.data(), sizeof due_ns);
    return due_ns;
}

void make_relay_streams(const std::string& url) {
    RawClient admin{url};
    make_stream(admin, "BENCH_IN", "bench.in.>");
    make_stream(admin, "BENCH_OUT", "bench.out.>");
    make_consumer(admin);
}

void drop_relay_streams(const std::string& url) {
    RawClient admin{url};
    admin.api("STREAM.DELETE.BENCH_IN", "");
    admin.api("STREAM.DELETE.BENCH_OUT", "");
}

void run_relay(const std::string& url) { Relay{url}.run(); }

}  // namespace syncline::bench
