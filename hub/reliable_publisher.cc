#include "hub/reliable_publisher.h"

#include <optional>
#include <utility>

#include "shared/base/log.h"
#include "shared/wire/subjects.h"

namespace syncline::hub {

void ReliablePublisher::publish(std::string subject, std::string body, DeliverySink* sink,
                                std::uint64_t token) {
    add({std::move(subject), std::move(body), sink, token});
}

void ReliablePublisher::publish(std::string subject, std::string body, std::string repeat,
                                DeliverySink* sink, std::uint64_t token) {
    add({.subject = std::move(subject),
         .body = std::move(body),
         .sink = sink,
         .token = token,
         .repeat = std::move(repeat)});
}

void ReliablePublisher::publish_last(std::string subject, std::string body, DeliverySink* sink,
                                     std::uint64_t token) {
    add({std::move(subject), std::move(body), sink, token, Entry::Place::kLast});
}

void ReliablePublisher::publish_first(std::string subject, std::string body, Headers headers,
                                      DeliverySink* sink, std::uint64_t token) {
    add({std::move(subject), std::move(body), sink, token, Entry::Place::kFirst,
         std::move(headers)});
}

void ReliablePublisher::add(Entry entry) {
    std::uint32_t index = 0;
    if (free_.empty()) {
        index = static_cast<std::uint32_t>(entries_.size());
        entries_.emplace_back();
    } else {
        index = free_.back();
        free_.pop_back();
    }
    entry.stream = subjects::stream_of(entry.subject);
    entries_[index] = std::move(entry);
    ++used_;
    send(index);
}

void ReliablePublisher::send(std::uint32_t index) {
    Entry& entry = entries_[index];
    entry.least = watch_.newest(entry.stream);
    if (entry.place == Entry::Place::kLast) return send_last(index);
    std::vector<nats::Header> headers;
    for (const auto& [name, value] : entry.headers) headers.push_back({name, value});
    std::optional<std::uint64_t> expected;
    if (entry.place == Entry::Place::kFirst) expected = 0;
    link_.publish({entry.subject, entry.body, headers, expected}, this, index);
}

void ReliablePublisher::send_last(std::uint32_t index) {
    const Entry& entry = entries_[index];
    link_.get_last(entry.stream, entry.subject, [this, index](auto stored) {
        if (drop_unwanted(index)) return;
        if (!stored) return again_later(index, stored.error());
        const Entry& ours = entries_[index];
        // One of the tries before this was stored after all.
        if (*stored && (*stored)->body == ours.body) return done(index);
        const bool keeps_theirs = *stored && !(*stored)->deleted && ours.sink != nullptr &&
                                  !ours.sink->may_replace(ours.token, ours.body, (*stored)->body);
        if (keeps_theirs) return done(index);
        const std::uint64_t sequence = *stored ? (*stored)->sequence : 0;
        link_.publish({ours.subject, ours.body, {}, sequence}, this, index);
    });
}

bool ReliablePublisher::drop_unwanted(std::uint32_t index) {
    const Entry& entry = entries_[index];
    if (entry.sink == nullptr || entry.sink->is_wanted(entry.token)) return false;
    done(index);
    return true;
}

void ReliablePublisher::again_later(std::uint32_t index, const Error& why) {
    Entry& entry = entries_[index];
    const bool perhaps_there = why.kind == ErrorKind::kAmbiguous;
    if (perhaps_there && !entry.repeat.empty()) entry.body = std::exchange(entry.repeat, {});
    retries_.push_back({clock_.steady() + retry_wait_, index});
}

void ReliablePublisher::on_published(std::uint64_t token, const Result<std::uint64_t>& sequence) {
    const auto index = static_cast<std::uint32_t>(token);
    const Entry& entry = entries_[index];
    const bool there = !sequence && entry.place == Entry::Place::kFirst &&
                       sequence.error().kind == ErrorKind::kConflict;
    if (there) return done(index);
    if (!sequence && sequence.error().kind != ErrorKind::kTooLarge) {
        return again_later(index, sequence.error());
    }
    if (sequence) {
        ++counters_.publishes;
        watch_.stored(entry.stream, entry.least, *sequence);
    } else {
        log::error("a message is too large for its stream and was given up",
                   {{"subject", entry.subject}, {"error", sequence.error()}});
    }
    done(index);
}

void ReliablePublisher::done(std::uint32_t index) {
    Entry& entry = entries_[index];
    DeliverySink* sink = entry.sink;
    const std::uint64_t sink_token = entry.token;
    entry.body.clear();
    entry.headers.clear();
    entry.repeat.clear();
    free_.push_back(index);
    --used_;
    if (sink != nullptr) sink->on_delivered(sink_token);
}

void ReliablePublisher::tick() {
    const Duration now = clock_.steady();
    while (!retries_.empty() && retries_.front().due <= now && link_.connected()) {
        const std::uint32_t index = retries_.front().index;
        retries_.pop_front();
        if (!drop_unwanted(index)) send(index);
    }
}

}  // namespace syncline::hub
