// What a Quota keeps in a store: numbers between blanks, a line for what was told and one for each
// slot.
#include <algorithm>
#include <charconv>

#include "agent/core/quota.h"

namespace syncline::agent {
namespace {

constexpr std::int64_t kForm = 1;
constexpr std::size_t kHeadNumbers = 8;
constexpr std::uint64_t kBlockDivisor = 128;

using Numbers = std::vector<std::int64_t>;

void write_line(std::string& text, const Numbers& numbers) {
    for (const std::int64_t number : numbers) text += std::to_string(number) + " ";
    text.back() = '\n';
}

std::optional<Numbers> read_line(std::string_view line) {
    Numbers numbers;
    const char* at = line.data();
    const char* const end = at + line.size();
    while (at < end) {
        std::int64_t number = 0;
        const auto [next, error] = std::from_chars(at, end, number);
        if (error != std::errc{} || (next != end && *next != ' ')) return std::nullopt;
        numbers.push_back(number);
        at = next == end ? end : next + 1;
    }
    return numbers;
}

}  // namespace

/// Large enough that a store is not written all the time, small enough that what a crash counts too
/// much matters little.
std::uint64_t Quota::block() const {
    std::uint64_t dearest = 0;
    for (const Lane& lane : lanes_) dearest = std::max<std::uint64_t>(dearest, hold(lane));
    return std::max((limit() - reserve()) / kBlockDivisor, 4 * dearest);
}

bool Quota::wants_keeping() const {
    return limited() && settled_ + held() + block() / 2 > covered_;
}

Quota::Kept Quota::keep() const {
    const std::uint64_t ahead = held() + block();
    Kept kept{.text = {}, .covers = settled_ + ahead};
    write_line(kept.text,
               {kForm, static_cast<std::int64_t>(ahead), static_cast<std::int64_t>(told_limit_),
                told_ ? 1 : 0, others_, others_at_.ns,
                told_reset_ ? window_.resets_at->count() : -1, since_ ? since_->ns : -1});
    for (const Slot& slot : slots_) {
        Numbers line{slot.index * slot_length().count()};
        for (const std::uint64_t calls : slot.calls) {
            line.push_back(static_cast<std::int64_t>(calls));
        }
        write_line(kept.text, line);
    }
    return kept;
}

Result<void> Quota::restore(std::string_view text, Timestamp now) {
    std::vector<Numbers> lines;
    while (!text.empty()) {
        const auto end = std::min(text.find('\n'), text.size());
        auto line = read_line(text.substr(0, end));
        const std::size_t wanted = lines.empty() ? kHeadNumbers : 2 + kQuotaLanes;
        if (!line || line->size() != wanted) {
            return fail(ErrorKind::kCorrupt, "line " + std::to_string(lines.size() + 1) +
                                                 " of what was kept of the quota is not sound");
        }
        lines.push_back(std::move(*line));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    if (lines.empty() || lines.front()[0] != kForm) {
        return fail(ErrorKind::kCorrupt, "what was kept of the quota is of another form");
    }
    const Numbers& head = lines.front();
    const auto is_count = [](std::int64_t number) {
        return number >= 0 && static_cast<std::uint64_t>(number) <= kCallsMost;
    };
    bool sound = is_count(head[1]) && is_count(head[2]) &&
                 is_count(head[4] < 0 ? -(head[4] + 1) : head[4]) && head[5] >= 0;
    for (auto line = lines.begin() + 1; line != lines.end(); ++line) {
        sound =
            sound && line->front() >= 0 && std::all_of(line->begin() + 1, line->end(), is_count);
    }
    if (!sound) {
        return fail(ErrorKind::kCorrupt, "what was kept of the quota holds impossible numbers");
    }
    told_limit_ = static_cast<std::uint64_t>(head[2]);
    told_ = head[3] != 0;
    others_ = head[4];
    others_at_ = Timestamp{head[5]};
    told_reset_ = head[6] >= 0;
    if (told_reset_) window_.resets_at = Duration{head[6]};
    if (head[7] >= 0) since_ = Timestamp{head[7]};
    // What lanes might spend at once they may have spent before.
    for (Lane& lane : lanes_) {
        lane.credit = 0;
        lane.credit_at = now;
    }
    slots_.clear();
    for (auto line = lines.begin() + 1; line != lines.end(); ++line) {
        Slot& into = slot(Timestamp{line->front()});
        for (std::size_t i = 0; i < into.calls.size(); ++i) {
            into.calls[i] += static_cast<std::uint64_t>((*line)[i + 1]);
        }
    }
    others_rate_ = rate(kOthers, now);
    // Nobody knows which of those were made. They are counted now: an old window may have ended.
    slot(now).calls[static_cast<std::size_t>(QuotaLane::kBackfill)] +=
        static_cast<std::uint64_t>(head[1]);
    return {};
}

}  // namespace syncline::agent
