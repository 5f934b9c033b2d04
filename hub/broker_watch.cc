#include "hub/broker_watch.h"

#include <algorithm>
#include <utility>

#include "shared/wire/subjects.h"

namespace syncline::hub {

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

void BrokerWatch::stored(std::string_view stream, std::uint64_t least, std::uint64_t sequence) {
    const auto at = infos_.find(stream);
    if (at == infos_.end()) return;
    std::uint64_t& last = at->second.last_sequence;
    if (sequence > least) {
        last = std::max(last, sequence);
        return;
    }
    if (last < least) return;  // That is known already.
    last = sequence;
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
        asked_ = 0;
        return;
    }
    if (now < due_) return;
    if (asked_ > 0 && now < due_ + interval_ * 4) return;  // Answers are still due.
    due_ = now + interval_;
    asked_ = configs_.size();
    for (const nats::StreamConfig& config : configs_) {
        const nats::StreamInfo* known = info(config.name);
        const std::uint64_t least = known == nullptr ? 0 : known->last_sequence;
        // Creating is harmless when it is there, and answers what there is.
        link_.ensure_stream(config, [this, name = config.name, least](auto info) {
            if (asked_ > 0) --asked_;
            arrived(name, least, std::move(info));
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

/// `least`: what the stream had for certain when it was asked.
void BrokerWatch::arrived(const std::string& stream, std::uint64_t least,
                          Result<nats::StreamInfo> info) {
    if (!info) {
        if (on_trouble && link_.connected()) on_trouble(stream, info.error());
        return;
    }
    const auto known = infos_.find(stream);
    std::string what;
    if (known != infos_.end()) {
        if (known->second.created != info->created) {
            what = "was made anew at " + to_string(info->created);
        } else if (info->last_sequence < least) {
            what = "ends at " + std::to_string(info->last_sequence) + ", it had " +
                   std::to_string(least);
        } else {
            // What was stored since it answered.
            info->last_sequence = std::max(info->last_sequence, known->second.last_sequence);
        }
    }
    infos_.insert_or_assign(stream, std::move(*info));
    if (!what.empty() && on_loss) on_loss({stream, what});
    if (ready() && !told_ready_) {
        told_ready_ = true;
        if (on_ready) on_ready();
    }
}

}  // namespace syncline::hub
