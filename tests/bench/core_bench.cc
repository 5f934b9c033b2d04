// The hub's own cost of a change: a Hub on a link that stores nothing and answers at the next turn.
// No server, no socket. Prints one JSON line; with `digest` also one of all that was published: a
// change that is to make it faster only must not change it. To count instructions:
//
//     valgrind --tool=callgrind --toggle-collect='*run_batch*' build/release/bin/core_bench DIR
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "hub/hub.h"
#include "shared/base/clock.h"
#include "shared/nats/streams.h"
#include "shared/policy/policy_toml.h"
#include "shared/wire/codec.h"
#include "shared/wire/subjects.h"
#include "tests/bench/bench_change.h"

namespace syncline::bench {
namespace {

constexpr std::uint64_t kEntities = 2'000;
constexpr std::uint64_t kBatch = 500;

/// Answers every publish at the next turn; what is asked for is never there, but the policy.
class InstantLink final : public nats::Link {
public:
    void publish(const nats::OutMessage& message, nats::PublishSink* sink,
                 std::uint64_t token) override {
        if (message.subject == presence_subject_) presence_out_ = true;
        const std::string_view stream = subjects::stream_of(message.subject);
        answers_.push_back({sink, token, ++last_[stream]});
        ++published_;
        bytes_ += message.body.size();
        if (stream == subjects::kStreamPolicy) keep(message);
        if (take_digest && !stream.empty()) {
            digest_ = stable_hash(std::string{message.subject} + " " + std::string{message.body} +
                                  std::to_string(digest_));
        }
    }
    void send(std::string_view, std::string_view) override {}
    void get_last(std::string_view, std::string_view subject,
                  Done<std::optional<nats::StoredMessage>> done) override {
        std::optional<nats::StoredMessage> found;
        if (const auto at = policy_.find(subject); at != policy_.end()) found = at->second;
        tasks_.emplace_back([done = std::move(done), found] { done(found); });
    }
    void stream_info(std::string_view stream, Done<nats::StreamInfo> done) override {
        nats::StreamInfo info;
        info.created = Timestamp{1};
        info.last_sequence = last_[stream];
        tasks_.emplace_back([done = std::move(done), info] { done(info); });
    }
    void ensure_stream(const nats::StreamConfig& config, Done<nats::StreamInfo> done) override {
        names_.push_back(config.name);
        stream_info(names_.back(), std::move(done));
    }
    std::unique_ptr<nats::Subscription> consume(nats::ConsumeSpec spec,
                                                nats::MessageSink* sink) override {
        const bool activations = spec.filters.front() == subjects::policy_activation();
        if (spec.stream == subjects::kStreamIn && !activations) inputs_ = sink;
        if (spec.stream == subjects::kStreamLease) presence_ = sink;
        if (spec.stream == subjects::kStreamPolicy) policy_sink_ = sink;
        return std::make_unique<Reader>();
    }
    std::unique_ptr<nats::Subscription> subscribe(std::string_view, nats::MessageSink*) override {
        return std::make_unique<Reader>();
    }
    [[nodiscard]] bool connected() const override { return true; }

    void deliver(const std::string& subject, const std::string& body) {
        nats::InMessage message;
        message.subject = subject;
        message.body = body;
        message.sequence = ++last_[subjects::kStreamIn];
        inputs_->on_message(message);
    }
    /// Hands out the answers that are due.
    void turn() {
        if (std::exchange(presence_out_, false) && presence_ != nullptr) {
            nats::InMessage message;
            message.subject = presence_subject_;
            message.body = "{}";
            presence_->on_message(message);
        }
        for (const Answer& answer : std::exchange(answers_, {})) {
            answer.sink->on_published(answer.token, answer.sequence);
        }
        for (const auto& task : std::exchange(tasks_, {})) task();
    }
    [[nodiscard]] bool reading() const { return inputs_ != nullptr; }
    [[nodiscard]] std::uint64_t published() const { return published_; }
    [[nodiscard]] std::uint64_t bytes() const { return bytes_; }
    bool take_digest = false;
    [[nodiscard]] std::uint64_t digest() const { return digest_; }

private:
    struct Reader final : nats::Subscription {
        void processed(std::size_t) override {}
        [[nodiscard]] bool caught_up() const override { return true; }
    };
    void keep(const nats::OutMessage& message) {
        const auto at = policy_
                            .insert_or_assign(
                                std::string{message.subject},
                                nats::StoredMessage{
                                    std::string{message.subject}, std::string{message.body}, 1, {}})
                            .first;
        tasks_.emplace_back([this, &kept = at->second] {
            nats::InMessage told;
            told.subject = kept.subject;
            told.body = kept.body;
            policy_sink_->on_message(told);
        });
    }
    struct Answer {
        nats::PublishSink* sink;
        std::uint64_t token;
        std::uint64_t sequence;
    };
    const std::string presence_subject_ = subjects::hub_presence(HubId{"bench"});
    std::deque<std::string> names_;
    std::map<std::string_view, std::uint64_t> last_;
    std::vector<Answer> answers_;
    std::vector<std::function<void()>> tasks_;
    nats::MessageSink* inputs_ = nullptr;
    nats::MessageSink* presence_ = nullptr;
    nats::MessageSink* policy_sink_ = nullptr;
    std::map<std::string, nats::StoredMessage, std::less<>> policy_;
    bool presence_out_ = true;
    std::uint64_t published_ = 0;
    std::uint64_t bytes_ = 0;
    std::uint64_t digest_ = 0;
};

/// Stands still, so that every run publishes the same.
class StoppedClock final : public Clock {
public:
    [[nodiscard]] Timestamp now() const override { return {1'767'607'200'000'000'000}; }
    [[nodiscard]] Duration steady() const override { return std::chrono::seconds{1}; }
};

struct Message {
    std::string subject;
    std::string body;
};

Message message_of(std::uint64_t index, std::uint64_t round, Numbers& numbers) {
    const auto stamp = static_cast<std::int64_t>(1'700'000'000'000'000'000ULL + round * 1'000'000);
    const Change change = bench_change(index, round, stamp, numbers);
    return {subjects::change(change.key, change.number.partition), wire::encode(change)};
}

void work_off(InstantLink& link, hub::Hub& hub, const std::vector<Message>& batch) {
    for (const Message& message : batch) link.deliver(message.subject, message.body);
    do {
        hub.tick();
        link.turn();
    } while (!hub.quiescent());
}

/// What is measured; out of line, so that a profiler can be told to look at nothing else.
[[gnu::noinline]] void run_batch(InstantLink& link, hub::Hub& hub,
                                 const std::vector<Message>& batch) {
    work_off(link, hub, batch);
}

int run(int argc, char** argv) {
    if (argc < 2) {
        std::fprintf(stderr, "usage: core_bench POLICY_DIR [ROUNDS [digest]]\n");
        return 2;
    }
    const std::uint64_t rounds = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 5;
    const auto policy = read_policy_files(argv[1]);
    if (!policy) {
        std::fprintf(stderr, "core_bench: %s\n", policy.error().what.c_str());
        return 1;
    }
    const StoppedClock clock;
    SyncPoints sync_points;
    InstantLink link;
    link.take_digest = argc > 3;
    hub::HubOptions options;
    options.id = HubId{"bench"};
    options.warm_up = false;
    hub::Hub hub{link, clock, *policy, options, nats::stream_configs({}), sync_points};
    while (!link.reading()) {
        hub.tick();
        link.turn();
    }
    Numbers numbers;
    std::uint64_t published = 0;
    std::uint64_t bytes = 0;
    double seconds = 0;
    for (std::uint64_t round = 1; round <= rounds + 1; ++round) {
        for (std::uint64_t first = 0; first < kEntities; first += kBatch) {
            std::vector<Message> batch;
            for (std::uint64_t i = first; i < std::min(first + kBatch, kEntities); ++i) {
                batch.push_back(message_of(i, round, numbers));
            }
            if (round == 1) {  // Founds the entities.
                work_off(link, hub, batch);
                continue;
            }
            const std::uint64_t published_before = link.published();
            const std::uint64_t bytes_before = link.bytes();
            const auto start = std::chrono::steady_clock::now();
            run_batch(link, hub, batch);
            const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
            seconds += took.count();
            published += link.published() - published_before;
            bytes += link.bytes() - bytes_before;
        }
    }
    const auto changes = static_cast<double>(rounds * kEntities);
    std::printf(
        "{\"bench\":\"core\",\"changes\":%.0f,\"ns_per_change\":%.0f,\"changes_per_s\":%.0f,"
        "\"publishes_per_change\":%.2f,\"bytes_per_change\":%.0f}\n",
        changes, seconds / changes * 1e9, changes / seconds,
        static_cast<double>(published) / changes, static_cast<double>(bytes) / changes);
    if (link.take_digest) std::printf("%016llx\n", static_cast<unsigned long long>(link.digest()));
    return 0;
}

}  // namespace
}  // namespace syncline::bench

int main(int argc, char** argv) { return syncline::bench::run(argc, argv); }
