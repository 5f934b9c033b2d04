#include "hub/reliable_publisher.h"

#include "shared/base/log.h"

namespace syncline::hub {

void ReliablePublisher::publish(std::string subject, std::string body, DeliverySink* sink,
                                std::uint64_t token) {
    std::uint32_t index = 0;
    if (free_.empty()) {
        index = static_cast<std::uint32_t>(entries_.size());
        entries_.emplace_back();
    } else {
        index = free_.back();
        free_.pop_back();
    }
    entries_[index] = {std::move(subject), std::move(body), sink, token};
    ++used_;
    send(index);
}

void ReliablePublisher::send(std::uint32_t index) {
    const Entry& entry = entries_[index];
    link_.publish({entry.subject, entry.body, {}, {}}, this, index);
}

void ReliablePublisher::on_published(std::uint64_t token, const Result<std::uint64_t>& sequence) {
    const auto index = static_cast<std::uint32_t>(token);
    Entry& entry = entries_[index];
    if (!sequence && sequence.error().kind != ErrorKind::kTooLarge) {
        retries_.push_back({clock_.steady() + retry_wait_, index});
        return;
    }
    if (sequence) {
        ++counters_.publishes;
        if (on_stored) on_stored(entry.subject, *sequence);
    } else {
        log::error("a message is too large for its stream and was given up",
                   {{"subject", entry.subject}, {"error", sequence.error()}});
    }
    DeliverySink* sink = entry.sink;
    const std::uint64_t sink_token = entry.token;
    entry.body.clear();
    free_.push_back(index);
    --used_;
    if (sink != nullptr) sink->on_delivered(sink_token);
}

void ReliablePublisher::tick() {
    const Duration now = clock_.steady();
    while (!retries_.empty() && retries_.front().due <= now && link_.connected()) {
        const std::uint32_t index = retries_.front().index;
        retries_.pop_front();
        send(index);
    }
}

}  // namespace syncline::hub
