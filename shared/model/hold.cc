#include "shared/model/hold.h"

#include <charconv>

namespace syncline {
namespace {

constexpr std::string_view kResume = "resume";
constexpr std::string_view kDiscard = "discard";
/// No id of an entity begins so.
constexpr std::string_view kLaneEntity = "_lane";

}  // namespace

const char* name_of(Direction direction) { return direction == Direction::kIn ? "in" : "out"; }

EntityKey lane_entity(const ObjectName& object) { return {object, EntityId{kLaneEntity}}; }

const char* name_of(MassKind kind) {
    switch (kind) {
        case MassKind::kDelete: return "deletions";
        case MassKind::kBlank: return "blankings";
        case MassKind::kOverwrite: return "overwrites";
    }
    return "?";
}

const char* name_of(HoldNotice::Status status) {
    switch (status) {
        case HoldNotice::Status::kHeld: return "held";
        case HoldNotice::Status::kResumed: return "resumed";
        case HoldNotice::Status::kDiscarded: return "discarded";
        case HoldNotice::Status::kUnknown: return "unknown";
    }
    return "?";
}

std::string to_text(const HoldAnswer& answer) {
    const bool resume = answer.verdict == HoldAnswer::Verdict::kResume;
    return std::to_string(answer.hold) + " " + std::string{resume ? kResume : kDiscard};
}

std::optional<HoldAnswer> parse_hold_answer(std::string_view text) {
    HoldAnswer answer;
    const char* const end = text.data() + text.size();
    const auto [at, error] = std::from_chars(text.data(), end, answer.hold);
    if (error != std::errc{} || at == end || *at != ' ') return std::nullopt;
    const std::string_view verdict{at + 1, end};
    if (verdict != kResume && verdict != kDiscard) return std::nullopt;
    if (verdict == kDiscard) answer.verdict = HoldAnswer::Verdict::kDiscard;
    return answer;
}

}  // namespace syncline
