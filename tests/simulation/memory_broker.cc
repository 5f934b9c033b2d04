#include "tests/simulation/memory_broker.h"

#include <algorithm>
#include <utility>

#include "shared/base/json.h"
#include "shared/model/ids.h"
#include "shared/wire/subjects.h"
#include "tests/simulation/describe.h"

namespace syncline::sim {
namespace {

bool any_matches(const std::vector<std::string>& patterns, std::string_view subject) {
    if (patterns.empty()) return true;
    return std::any_of(patterns.begin(), patterns.end(), [&](const std::string& pattern) {
        return subject_matches(pattern, subject);
    });
}

}  // namespace

bool subject_matches(std::string_view pattern, std::string_view subject) {
    for (;;) {
        const auto p = pattern.find('.');
        const auto s = subject.find('.');
        const std::string_view want = pattern.substr(0, p);
        if (want == ">") return !subject.empty();
        if (want != "*" && want != subject.substr(0, s)) return false;
        const bool pattern_ends = p == std::string_view::npos;
        const bool subject_ends = s == std::string_view::npos;
        if (pattern_ends || subject_ends) return pattern_ends && subject_ends;
        pattern.remove_prefix(p + 1);
        subject.remove_prefix(s + 1);
    }
}

// ---- Streams. -------------------------------------------------------------------------------

MemoryBroker::Stream* MemoryBroker::find(std::string_view name) {
    const auto at = streams_.find(name);
    if (at == streams_.end()) return nullptr;
    expire(at->second);
    return &at->second;
}

MemoryBroker::Stream* MemoryBroker::listening(std::string_view subject) {
    for (auto& [name, stream] : streams_) {
        if (!any_matches(stream.config.subjects, subject)) continue;
        expire(stream);
        return &stream;
    }
    return nullptr;
}

void MemoryBroker::expire(Stream& stream) {
    if (stream.config.max_age == Duration{0}) return;
    const Timestamp limit = Timestamp{SimClock::kStart} + world_.now() - stream.config.max_age;
    while (!stream.messages.empty() && stream.messages.begin()->second->stored_at < limit) {
        erase(stream, stream.messages.begin()->first);
    }
}

void MemoryBroker::insert(Stream& stream, MessagePtr message) {
    stream.bytes += message->body.size() + message->subject.size() + 32;
    auto& sequences = stream.by_subject[message->subject];
    sequences.insert(std::upper_bound(sequences.begin(), sequences.end(), message->sequence),
                     message->sequence);
    stream.messages.emplace(message->sequence, std::move(message));
}

void MemoryBroker::erase(Stream& stream, std::uint64_t sequence) {
    const auto at = stream.messages.find(sequence);
    const MessagePtr message = at->second;
    stream.bytes -= message->body.size() + message->subject.size() + 32;
    const auto subject = stream.by_subject.find(message->subject);
    std::erase(subject->second, sequence);
    if (subject->second.empty()) stream.by_subject.erase(subject);
    stream.messages.erase(at);
}

Result<std::uint64_t> MemoryBroker::publish(std::string_view subject, std::string_view body,
                                            std::optional<std::uint64_t> expected) {
    Stream* stream = listening(subject);
    if (stream == nullptr) return fail(ErrorKind::kUnavailable, "no stream listens there");
    const nats::StreamConfig& config = stream->config;
    if (config.max_message_bytes > 0 &&
        body.size() > static_cast<std::size_t>(config.max_message_bytes)) {
        return fail(ErrorKind::kTooLarge, "message size exceeds maximum allowed");
    }
    const auto known = stream->by_subject.find(std::string{subject});
    const bool is_new = known == stream->by_subject.end();
    if (expected) {
        const std::uint64_t last = is_new ? 0 : known->second.back();
        if (last != *expected) {
            return fail(ErrorKind::kConflict, "wrong last sequence: " + std::to_string(last));
        }
    }
    const bool full = config.max_bytes >= 0 && config.refuse_when_full &&
                      stream->bytes + body.size() > static_cast<std::uint64_t>(config.max_bytes);
    if (full || behaviour.refuse_as_full) return fail(ErrorKind::kFull, "maximum bytes exceeded");
    auto message = std::make_shared<BrokerMessage>();
    message->subject = subject;
    message->body = body;
    message->sequence = ++stream->last;
    message->stored_at = Timestamp{SimClock::kStart} + world_.now();
    if (!is_new && config.max_messages_per_subject > 0) {
        while (known->second.size() >= static_cast<std::size_t>(config.max_messages_per_subject)) {
            const std::uint64_t oldest = known->second.front();
            const bool last_one = known->second.size() == 1;
            stream->replaced.push_back({stream->last, stream->messages.at(oldest)});
            erase(*stream, oldest);
            if (last_one) break;
        }
    }
    insert(*stream, message);
    world_.mix(stable_hash(message->body) ^ message->sequence);
    world_.note(
        "broker",
        "stored " + config.name + " " + std::to_string(stream->last) + " " + message->subject,
        world_.traces() ? describe(subject, body) : std::string{});
    schedule_sync();
    const std::uint64_t sequence = stream->last;
    for (auto at = consumers_.begin(); at != consumers_.end();) {
        const std::uint64_t id = at->first;
        const bool reads = at->second.stream == config.name;
        ++at;
        if (reads) pump(id);
    }
    return sequence;
}

Result<std::optional<nats::StoredMessage>> MemoryBroker::get_last(std::string_view stream_name,
                                                                  std::string_view subject) {
    Stream* stream = find(stream_name);
    if (stream == nullptr) return fail(ErrorKind::kNotFound, "stream not found");
    std::uint64_t last = 0;
    if (subject.ends_with('>')) {  // As the server does, the newest of all that match.
        for (const auto& [name, sequences] : stream->by_subject) {
            if (subject_matches(subject, name)) last = std::max(last, sequences.back());
        }
    } else if (const auto known = stream->by_subject.find(std::string{subject});
               known != stream->by_subject.end()) {
        last = known->second.back();
    }
    if (last == 0) return std::optional<nats::StoredMessage>{};
    const BrokerMessage& message = *stream->messages.at(last);
    return nats::StoredMessage{message.subject, message.body, message.sequence, message.stored_at,
                               false};
}

nats::StreamInfo MemoryBroker::info_of(Stream& stream) {
    nats::StreamInfo info;
    info.created = stream.created;
    info.asked = {SimClock::kStart + world_.now().count()};
    info.last_sequence = stream.last;
    info.first_sequence = stream.messages.empty() ? stream.last + (stream.last > 0 ? 1 : 0)
                                                  : stream.messages.begin()->first;
    info.messages = stream.messages.size();
    info.bytes = stream.bytes;
    info.metadata = stream.config.metadata;
    return info;
}

Result<nats::StreamInfo> MemoryBroker::info(std::string_view name) {
    Stream* stream = find(name);
    if (stream == nullptr) return fail(ErrorKind::kNotFound, "stream not found");
    return info_of(*stream);
}

Result<nats::StreamInfo> MemoryBroker::ensure(const nats::StreamConfig& config) {
    if (Stream* stream = find(config.name)) return info_of(*stream);
    Stream& stream = streams_[config.name];
    stream.config = config;
    // Two streams of one name never have one stamp: it is taken with nanoseconds.
    last_created_ = std::max(last_created_ + 1, SimClock::kStart + world_.now().count());
    stream.created = {last_created_};
    world_.note("broker", "created " + config.name);
    schedule_sync();
    return info_of(stream);
}

// ---- Consumers. -----------------------------------------------------------------------------

std::uint64_t MemoryBroker::first_after(const Stream& stream, Timestamp time) {
    for (const auto& [sequence, message] : stream.messages) {
        if (message->stored_at > time) return sequence;
    }
    return stream.last + 1;
}

Result<MemoryBroker::ConsumerMade> MemoryBroker::add_consumer(const ConsumerStart& start,
                                                              BrokerClient* client) {
    Stream* stream = find(start.stream);
    if (stream == nullptr) return fail(ErrorKind::kNotFound, "stream not found");
    Consumer consumer{start.stream, start.filters, client, {}, 1, 0};
    ConsumerMade made;
    made.id = ++ids_;
    if (start.last_per_subject) {
        for (const auto& [subject, sequences] : stream->by_subject) {
            if (any_matches(start.filters, subject)) consumer.dump.push_back(sequences.back());
        }
        std::sort(consumer.dump.begin(), consumer.dump.end());
        consumer.next = stream->last + 1;
        made.pending = consumer.dump.size();
        made.before_start = consumer.dump.empty() ? stream->last : consumer.dump.front() - 1;
    } else {
        // As the server does: never beyond what comes next, never before what it holds.
        consumer.next = start.stored_after.ns != 0
                            ? first_after(*stream, start.stored_after)
                            : std::clamp<std::uint64_t>(start.sequence, 1, stream->last + 1);
        if (!stream->messages.empty()) {
            consumer.next = std::max(consumer.next, stream->messages.begin()->first);
        }
        made.before_start = consumer.next - 1;
        for (auto at = stream->messages.lower_bound(consumer.next); at != stream->messages.end();
             ++at) {
            if (any_matches(start.filters, at->second->subject)) ++made.pending;
        }
    }
    consumers_.emplace(made.id, std::move(consumer));
    return made;
}

void MemoryBroker::pull(std::uint64_t id, std::uint64_t count) {
    const auto at = consumers_.find(id);
    if (at == consumers_.end()) return;
    at->second.credit += count;
    pump(id);
}

MessagePtr MemoryBroker::next_for(Stream& stream, Consumer& consumer) {
    while (!consumer.dump.empty()) {
        const auto at = stream.messages.find(consumer.dump.front());
        if (at != stream.messages.end()) return at->second;
        consumer.dump.pop_front();  // Replaced meanwhile; the newer one comes later.
    }
    for (auto at = stream.messages.lower_bound(consumer.next); at != stream.messages.end(); ++at) {
        consumer.next = at->first;
        if (any_matches(consumer.filters, at->second->subject)) return at->second;
    }
    consumer.next = stream.last + 1;
    return nullptr;
}

void MemoryBroker::pump(std::uint64_t id) {
    const auto at = consumers_.find(id);
    if (at == consumers_.end()) return;
    Consumer& consumer = at->second;
    Stream* stream = find(consumer.stream);
    if (stream == nullptr) return;
    while (consumer.credit > 0) {
        const MessagePtr message = next_for(*stream, consumer);
        if (message == nullptr) return;
        if (!consumer.dump.empty()) {
            consumer.dump.pop_front();
        } else {
            consumer.next = message->sequence + 1;
        }
        --consumer.credit;
        const bool more = next_for(*stream, consumer) != nullptr;
        consumer.client->deliver(id, message, more ? 1 : 0);
    }
}

// ---- Core. ----------------------------------------------------------------------------------

std::uint64_t MemoryBroker::subscribe(std::string_view subject, BrokerClient* client) {
    subscriptions_.emplace(++ids_, Subscriber{std::string{subject}, client});
    return ids_;
}

void MemoryBroker::publish_core(std::string_view subject, std::string_view body) {
    constexpr std::string_view kErase = "$JS.API.STREAM.MSG.DELETE.";
    if (subject.starts_with(kErase)) return erase_message(subject.substr(kErase.size()), body);
    auto message = std::make_shared<BrokerMessage>();
    message->subject = subject;
    message->body = body;
    for (const auto& [id, subscriber] : subscriptions_) {
        if (subject_matches(subscriber.subject, subject)) {
            subscriber.client->deliver_core(id, message);
        }
    }
}

/// By the API's own words. That it is gone is on disk at once, which is no less than a server does.
void MemoryBroker::erase_message(std::string_view name, std::string_view request) {
    Stream* stream = find(name);
    const auto asked = parse_json(request);
    const auto* map = asked ? asked->get<Value::Map>() : nullptr;
    if (stream == nullptr || map == nullptr || !map->contains("seq")) return;
    const auto* number = map->at("seq").get<std::int64_t>();
    if (number == nullptr) return;
    const auto sequence = static_cast<std::uint64_t>(*number);
    if (stream->messages.contains(sequence)) erase(*stream, sequence);
    std::erase_if(stream->replaced, [&](const Stream::Replaced& replaced) {
        return replaced.message->sequence == sequence;
    });
}

void MemoryBroker::disconnected(BrokerClient* client) {
    std::erase(clients_, client);
    std::erase_if(consumers_, [&](const auto& entry) { return entry.second.client == client; });
    std::erase_if(subscriptions_, [&](const auto& entry) { return entry.second.client == client; });
}

// ---- Faults. --------------------------------------------------------------------------------

MemoryBroker::Queue MemoryBroker::queue_of(std::string_view subject) {
    const Stream* stream = listening(subject);
    return {starts_, stream == nullptr ? Timestamp{} : stream->created};
}

void MemoryBroker::stop() {
    if (!up_) return;
    up_ = false;
    world_.note("broker", "stopped");
    const std::vector<BrokerClient*> clients = std::exchange(clients_, {});
    consumers_.clear();
    subscriptions_.clear();
    for (BrokerClient* client : clients) client->server_gone();
}

void MemoryBroker::start() {
    up_ = true;
    ++starts_;
    world_.note("broker", "started");
}

std::uint64_t MemoryBroker::cut_power() {
    stop();
    std::uint64_t lost = 0;
    std::vector<std::string> gone;
    for (auto& [name, stream] : streams_) {
        if (!stream.ever_synced && world_.random().one_in(3)) {
            lost += stream.messages.size();
            gone.push_back(name);
            continue;
        }
        lost += lose_tail(stream);
    }
    for (const std::string& name : gone) {
        world_.note("broker", "lost stream " + name);
        count_loss(name);
        streams_.erase(streams_.find(name));
    }
    return lost;
}

std::uint64_t MemoryBroker::lose_tail(Stream& stream) {
    if (stream.last == stream.synced) return 0;
    Random& random = world_.random();
    // Everything unsynced, or whatever the kernel happened to have written by then.
    const std::uint64_t keep =
        random.one_in(2) ? stream.synced : random.between(stream.synced, stream.last);
    const std::uint64_t lost = stream.last - keep;
    if (lost > 0) count_loss(stream.config.name);
    while (!stream.messages.empty() && stream.messages.rbegin()->first > keep) {
        erase(stream, stream.messages.rbegin()->first);
    }
    for (const Stream::Replaced& replaced : stream.replaced) {
        if (replaced.by <= keep || replaced.message->sequence > keep) continue;
        insert(stream, replaced.message);
    }
    stream.replaced.clear();
    world_.note("broker", "lost " + stream.config.name + " after " + std::to_string(keep) +
                              ", it had " + std::to_string(stream.last));
    stream.last = keep;
    stream.synced = keep;
    return lost;
}

void MemoryBroker::delete_stream(std::string_view name) {
    const auto at = streams_.find(name);
    if (at == streams_.end()) return;
    world_.note("broker", "deleted " + std::string{name});
    count_loss(name);
    streams_.erase(at);
    for (auto consumer = consumers_.begin(); consumer != consumers_.end();) {
        if (consumer->second.stream != name) {
            ++consumer;
            continue;
        }
        consumer->second.client->consumer_gone(consumer->first);
        consumer = consumers_.erase(consumer);
    }
}

void MemoryBroker::schedule_sync() {
    if (syncing_) return;
    syncing_ = true;
    world_.after(behaviour.sync_interval, [this] {
        syncing_ = false;
        if (up_) sync_all();
    });
}

void MemoryBroker::sync_all() {
    for (auto& [name, stream] : streams_) {
        stream.synced = stream.last;
        stream.ever_synced = true;
        stream.replaced.clear();
    }
}

// ---- Ground truth. --------------------------------------------------------------------------

std::vector<MessagePtr> MemoryBroker::all(std::string_view name) {
    std::vector<MessagePtr> out;
    if (Stream* stream = find(name)) {
        for (const auto& [sequence, message] : stream->messages) out.push_back(message);
    }
    return out;
}

std::uint64_t MemoryBroker::last_sequence(std::string_view name) const {
    const auto at = streams_.find(name);
    return at == streams_.end() ? 0 : at->second.last;
}

bool MemoryBroker::exists(std::string_view name) const { return streams_.contains(name); }

const std::vector<std::string> MemoryBroker::stream_names() const {
    std::vector<std::string> names;
    for (const auto& [name, stream] : streams_) names.push_back(name);
    return names;
}

}  // namespace syncline::sim
