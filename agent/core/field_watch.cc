#include "agent/core/field_watch.h"

#include <algorithm>
#include <charconv>
#include <utility>

namespace syncline::agent {
namespace {

/// Of a field that was told before: twenty times as many records without it as there were between
/// two that told it, which is no chance. As long as few have told it nothing is said of that.
constexpr std::uint64_t kGapsMost = 20;
constexpr std::uint64_t kUnsure = 10;
/// Of one that was never told, when everything was read, and while that goes on.
constexpr std::uint64_t kNeverOfAll = 5;
constexpr std::uint64_t kNever = 50;

/// What the text says of a field beside its counts.
constexpr std::uint64_t kFromStart = 1;
constexpr std::uint64_t kAbsent = 2;
constexpr std::uint64_t kInNone = 4;
constexpr std::uint64_t kAllFlags = kFromStart + kAbsent + kInNone;

/// A survey of fewer says nothing: one record may well have lost its only value.
constexpr std::uint64_t kSurveyLeast = 3;

bool take_number(std::string_view& text, std::uint64_t& number) {
    const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (status != std::errc{} || end == text.data()) return false;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    if (text.starts_with(' ')) text.remove_prefix(1);
    return true;
}

}  // namespace

FieldWatch::FieldWatch(const std::vector<FieldName>& mapped, bool from_start) {
    for (const FieldName& field : mapped) counts_.emplace(field, Count{.from_start = from_start});
}

FieldWatch::Sight FieldWatch::sight(const Fields& told) const {
    Sight sight;
    sight.reserve(counts_.size());
    for (const auto& [field, count] : counts_) sight.push_back(told.find(field) != nullptr);
    return sight;
}

void FieldWatch::add(const Sight& sight) {
    std::size_t at = 0;
    for (auto& [field, count] : counts_) {
        ++count.seen;
        if (sight[at++]) {
            ++count.told;
            count.run = 0;
            count.in_none = false;
        } else {
            ++count.run;
        }
    }
}

void FieldWatch::begin_survey() {
    surveyed_ = 0;
    for (auto& [field, count] : counts_) count.surveyed = 0;
}

void FieldWatch::survey(const Sight& sight) {
    if (!surveyed_) return;
    ++*surveyed_;
    std::size_t at = 0;
    for (auto& [field, count] : counts_) count.surveyed += sight[at++] ? 1 : 0;
}

bool FieldWatch::end_survey() {
    const auto records = std::exchange(surveyed_, std::nullopt);
    bool news = false;
    for (auto& [field, count] : counts_) {
        if (!records || *records < kSurveyLeast) break;
        const bool was_usual = count.told * 2 > count.seen - count.run;
        const bool in_none = count.surveyed == 0 && (was_usual || count.in_none);
        news = news || in_none != count.in_none;
        count.in_none = in_none;
    }
    return news;
}

bool FieldWatch::set_absent(const std::vector<FieldName>& fields) {
    bool news = false;
    for (auto& [field, count] : counts_) {
        const bool absent = std::ranges::find(fields, field) != fields.end();
        if (absent == count.absent) continue;
        count.absent = absent;
        count.run = 0;  // What came without it meanwhile says nothing.
        news = true;
    }
    return news;
}

std::vector<FieldName> FieldWatch::absent() const {
    std::vector<FieldName> fields;
    for (const auto& [field, count] : counts_) {
        if (count.absent) fields.push_back(field);
    }
    return fields;
}

bool FieldWatch::is_missing(const Count& count, bool read_whole) {
    if (count.absent) return false;
    if (count.in_none) return true;
    const bool of_all = read_whole && count.from_start;
    if (count.told == 0) return count.run >= (of_all ? kNeverOfAll : kNever);
    const std::uint64_t before = count.seen - count.run;
    return count.run * count.told >= kGapsMost * (before + kUnsure);
}

std::vector<FieldName> FieldWatch::missing(bool read_whole) const {
    std::vector<FieldName> fields;
    for (const auto& [field, count] : counts_) {
        if (is_missing(count, read_whole)) fields.push_back(field);
    }
    return fields;
}

std::uint64_t FieldWatch::flags_of(const Count& count) {
    return (count.from_start ? kFromStart : 0) + (count.absent ? kAbsent : 0) +
           (count.in_none ? kInNone : 0);
}

std::string FieldWatch::text() const {
    std::string text;
    for (const auto& [field, count] : counts_) {
        text += std::to_string(count.seen) + " " + std::to_string(count.told) + " " +
                std::to_string(count.run) + " " + std::to_string(flags_of(count)) + " " +
                field.text + "\n";
    }
    return text;
}

bool FieldWatch::take_up(std::string_view text) {
    std::map<FieldName, Count> counts = counts_;
    while (!text.empty()) {
        const std::size_t end = text.find('\n');
        if (end == std::string_view::npos) return false;
        std::string_view line = text.substr(0, end);
        text.remove_prefix(end + 1);
        Count count;
        std::uint64_t flags = 0;
        const bool read = take_number(line, count.seen) && take_number(line, count.told) &&
                          take_number(line, count.run) && take_number(line, flags);
        if (!read || count.told + count.run > count.seen || flags > kAllFlags) return false;
        count.from_start = (flags & kFromStart) != 0;
        count.absent = (flags & kAbsent) != 0;
        count.in_none = (flags & kInNone) != 0;
        const auto known = counts.find(FieldName{line});
        if (known != counts.end()) known->second = count;
    }
    counts_ = std::move(counts);
    return true;
}

}  // namespace syncline::agent
