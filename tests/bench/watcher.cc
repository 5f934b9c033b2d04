#include "tests/bench/watcher.h"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <optional>
#include <thread>

#include "tests/bench/raw_client.h"

namespace syncline::bench {

Watcher::Watcher(const std::string& url) : link_(loop_, {.urls = {url}, .name = "bench-watcher"}) {
    while (!link_.connected()) loop_.poll(std::chrono::milliseconds{10});
}

nats::StreamInfo Watcher::info(std::string_view stream) {
    std::optional<Result<nats::StreamInfo>> answer;
    link_.stream_info(stream, [&](auto info) { answer = std::move(info); });
    while (!answer) loop_.poll(std::chrono::milliseconds{10});
    return *answer ? **answer : nats::StreamInfo{};
}

void Watcher::watch(std::string_view stream, std::string filter,
                    std::function<void(const nats::InMessage&)> take) {
    take_ = std::move(take);
    nats::ConsumeSpec spec;
    spec.stream = stream;
    spec.filters = {std::move(filter)};
    spec.start_sequence = last(stream) + 1;
    spec.window = 65'536;
    outputs_ = link_.consume(std::move(spec), this);
}

void Watcher::watch_latency(std::string_view stream, std::string filter,
                            std::function<std::uint64_t(std::string_view)> due) {
    watch(stream, std::move(filter), [this, due = std::move(due)](const nats::InMessage& message) {
        const std::uint64_t at = due(message.body);
        if (at != 0) latency_ms.push_back(static_cast<double>(steady_ns() - at) / 1e6);
    });
}

void Watcher::on_message(const nats::InMessage& message) {
    outputs_->processed(1);
    take_(message);
}

void await_stored(Watcher& watcher, std::string_view stream, std::uint64_t wanted,
                  const char* what) {
    const std::uint64_t limit = steady_ns() + 300'000'000'000ULL;
    while (watcher.last(stream) < wanted) {
        if (steady_ns() > limit) die(std::string{"not finished: "} + what);
        std::this_thread::sleep_for(std::chrono::milliseconds{5});
    }
}

double relayed_per_s(Watcher& watcher, RelaySource& source, const Child& relay,
                     std::uint64_t messages) {
    const std::uint64_t before = watcher.last("BENCH_OUT");
    relay.signal(SIGSTOP);
    for (std::uint64_t i = 0; i < messages; ++i) source.send(steady_ns());
    source.finish();
    const std::uint64_t start = steady_ns();
    relay.signal(SIGCONT);
    await_stored(watcher, "BENCH_OUT", before + messages, "the relay's steady stream");
    return static_cast<double>(messages) / (static_cast<double>(steady_ns() - start) / 1e9);
}

double percentile(std::vector<double> values, double part) {
    if (values.empty()) return 0;
    values.erase(values.begin(), values.begin() + static_cast<long>(values.size() / 10));
    std::sort(values.begin(), values.end());
    return values[std::min(values.size() - 1,
                           static_cast<std::size_t>(part * static_cast<double>(values.size())))];
}

double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

}  // namespace syncline::bench
