#include "hub/broker_watch.h"

#include <algorithm>
#include <utility>

#include "shared/base/log.h"
#include "shared/wire/subjects.h"

namespace syncline::hub {
namespace {

/// A leader that nobody follows any more answers for about ten seconds, until it knows.
constexpr auto kDoubtMost = std::chrono::seconds{20};

std::string ends_at(std::uint64_t end, std::uint64_t least) {
    return "ends at " + std::to_string(end) + ", it had " + std::to_string(least);
}

}  // namespace

BrokerWatch::Doubt::Doubt(nats::Link& link, const std::string& stream,
                          const nats::StreamInfo& lacking, std::uint64_t least_had, Duration now)
    : end(lacking.last_sequence), least(least_had), asked(lacking.asked), since(now) {
    nats::ConsumeSpec spec;
    spec.stream = stream;
    spec.start_sequence = end + 1;
    spec.window = 1;
    reader_ = link.consume(std::move(spec), this);
}

/// Once it has read what it is for it is not given any more.
void BrokerWatch::Doubt::on_message(const nats::InMessage& message) {
    if (message.sequence > end) {
        stores_others = message.sequence <= least && message.stored_at > asked;
    } else {
        reader_->processed(1);
    }
}

const nats::StreamInfo* BrokerWatch::info(std::string_view stream) const {
    const auto at = infos_.find(stream);
    return at == infos_.end() ? nullptr : &at->second;
}

void BrokerWatch::seen(std::string_view stream, std::uint64_t sequence) {
    const auto at = infos_.find(stream);
    if (at != infos_.end()) at->second.last_sequence = std::max(at->second.last_sequence, sequence);
}

std::uint64_t BrokerWatch::newest(std::string_view stream) const {
    const nats::StreamInfo* known = info(stream);
    return known == nullptr ? 0 : known->last_sequence;
}

bool BrokerWatch::asked_since(Duration time) const {
    return ready() &&
           std::ranges::all_of(asked_at_, [&](const auto& asked) { return asked.second >= time; });
}

void BrokerWatch::stored(std::string_view stream, std::uint64_t least, std::uint64_t sequence) {
    const auto at = infos_.find(stream);
    if (at == infos_.end()) return;
    std::uint64_t& last = at->second.last_sequence;
    if (sequence > least) {
        last = std::max(last, sequence);
        told_[at->first] = std::max(told_[at->first], sequence);
        return;
    }
    if (last < least) return;  // That is known already.
    last = told_[at->first] = sequence;
    doubts_.erase(std::string{stream});
    noticed_.push_back({std::string{stream}, "stored a message at " + std::to_string(sequence) +
                                                 ", it had " + std::to_string(least)});
}

void BrokerWatch::tick() {
    for (const Loss& loss : std::exchange(noticed_, {})) {
        if (on_loss) on_loss(loss);
    }
    const Duration now = clock_.steady();
    if (!link_.connected()) {
        // The server may have been down: look as soon as it is back, before much is stored.
        due_ = now;
        outstanding_ = 0;
        return;
    }
    if (now < due_) return;
    if (outstanding_ > 0 && now < due_ + interval_ * 4) return;  // Answers are still due.
    due_ = now + interval_;
    outstanding_ = configs_.size();
    for (const nats::StreamConfig& config : configs_) {
        const nats::StreamInfo* known = info(config.name);
        const Asked asked{known == nullptr ? 0 : known->last_sequence, told_[config.name], now};
        // Creating is harmless when it is there, and answers what there is.
        link_.ensure_stream(config, [this, name = config.name, asked](auto info) {
            if (outstanding_ > 0) --outstanding_;
            arrived(name, asked, std::move(info));
        });
    }
    look_for_note();
}

void BrokerWatch::look_for_note() {
    link_.get_last(subjects::kStreamState, subjects::loss(), [this](auto stored) {
        if (!stored) return;  // It is asked for again.
        const std::uint64_t sequence = *stored ? (*stored)->sequence : 0;
        if (std::exchange(noted_, sequence) != sequence && on_noted) on_noted();
    });
}

/// True: whether it has lost something is not known yet. Else `what` says what, if it has.
bool BrokerWatch::weigh_end(const std::string& stream, const Asked& asked,
                            const nats::StreamInfo& info, std::string& what) {
    const auto at = doubts_.find(stream);
    const std::uint64_t least = at == doubts_.end() ? asked.least : at->second->least;
    const bool lacks = info.last_sequence < least;
    if (lacks && (info.copies_wanted == 1 || info.last_sequence < asked.told)) {
        what = ends_at(info.last_sequence, least);
        return false;
    }
    const Duration now = clock_.steady();
    if (at == doubts_.end()) {
        if (!lacks) return false;
        log::warning("a stream seems to end too soon; its leader may store the rest yet",
                     {{"stream", stream}, {"what", ends_at(info.last_sequence, least)}});
        doubts_.emplace(stream, std::make_unique<Doubt>(link_, stream, info, least, now));
        return true;
    }
    const Doubt& doubt = *at->second;
    const bool over = now >= doubt.since + kDoubtMost;
    if (doubt.stores_others.value_or(false) || (lacks && over)) {
        what = ends_at(doubt.end, least);
        return false;
    }
    if (!over && (lacks || !doubt.stores_others)) return true;
    doubts_.erase(at);
    return false;
}

void BrokerWatch::arrived(const std::string& stream, const Asked& asked,
                          Result<nats::StreamInfo> info) {
    if (!info) {
        if (on_trouble && link_.connected()) on_trouble(stream, info.error());
        return;
    }
    const auto known = infos_.find(stream);
    const std::uint64_t told = info->last_sequence;
    std::string what;
    if (known != infos_.end()) {
        if (known->second.created != info->created) {
            what = "was made anew at " + to_string(info->created);
        } else if (weigh_end(stream, asked, *info, what)) {
            return;
        } else if (what.empty()) {
            // What was stored since it answered.
            info->last_sequence = std::max(info->last_sequence, known->second.last_sequence);
        }
    }
    if (!what.empty()) doubts_.erase(stream);
    told_[stream] = what.empty() ? std::max(told_[stream], told) : told;
    infos_.insert_or_assign(stream, std::move(*info));
    asked_at_[stream] = asked.at;
    if (!what.empty() && on_loss) on_loss({stream, what});
    if (ready() && !told_ready_) {
        told_ready_ = true;
        if (on_ready) on_ready();
    }
}

}  // namespace syncline::hub
