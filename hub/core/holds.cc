#include "hub/core/holds.h"

#include <chrono>

#include "shared/wire/hold_codec.h"

namespace syncline::hub {
namespace {

constexpr std::string_view kAccepted = "accepted";
constexpr std::string_view kDiscarded = "discarded";

std::string reason_of(const HoldNotice& notice) {
    const auto count = notice.counts[static_cast<std::size_t>(notice.tripped)];
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(notice.window).count();
    const bool in = notice.lane.direction == Direction::kIn;
    return std::to_string(count) + " " + name_of(notice.tripped) + " of " +
           notice.lane.object.text + (in ? " by " : " commanded to ") + notice.platform.text +
           ", more than " + notice.limit + " within " + std::to_string(seconds) + " s; " +
           std::to_string(notice.held) + (in ? " changes are held" : " commands are held");
}

ExceptionRecord opened(const HoldNotice& notice, Timestamp now) {
    return {.kind = std::string{kind_of(notice.lane.direction)},
            .entity = lane_entity(notice.lane.object),
            .platform = notice.platform,
            .opened_at = now,
            .version = notice.hold};
}

/// Which message it came by says nothing.
HoldNotice without_number(HoldNotice notice) {
    notice.number = {};
    return notice;
}

}  // namespace

ExceptionCode kind_of(Direction direction) {
    return direction == Direction::kIn ? exceptions::kHeldIn : exceptions::kHeldOut;
}

std::optional<Lane> lane_of(std::string_view kind, const ObjectName& object) {
    for (const Direction direction : {Direction::kIn, Direction::kOut}) {
        if (kind == std::string_view{kind_of(direction)}) return Lane{object, direction};
    }
    return std::nullopt;
}

ReportNews take(std::optional<ExceptionRecord>& exception, const HoldNotice& notice,
                Timestamp now) {
    const bool open = exception && exception->status == ExceptionStatus::kOpen;
    if (notice.status != HoldNotice::Status::kHeld) {
        if (!open || exception->version > notice.hold) return ReportNews::kNothing;
        exception->status = ExceptionStatus::kResolved;
        exception->updated_at = now;
        if (notice.status == HoldNotice::Status::kUnknown) {
            exception->closing += exception->closing.empty() ? "" : "; ";
            exception->closing += "the agent's store knows of no such hold";
        }
        return ReportNews::kClosed;
    }
    if (exception && exception->version > notice.hold) return ReportNews::kNothing;
    const bool same = exception && exception->version == notice.hold;
    if (same && !open) return ReportNews::kNothing;
    const std::string raw = wire::encode(without_number(notice));
    if (same && exception->raw == raw) return ReportNews::kNothing;
    if (!same) exception = opened(notice, now);
    exception->reason = reason_of(notice);
    exception->raw = raw;
    exception->updated_at = now;
    return same ? ReportNews::kUpdated : ReportNews::kOpened;
}

std::optional<HoldAnswer> outnumbers(const std::optional<ExceptionRecord>& exception,
                                     const HoldNotice& notice) {
    const bool ended = exception && exception->status != ExceptionStatus::kOpen;
    if (notice.status != HoldNotice::Status::kHeld || !ended) return std::nullopt;
    if (exception->version <= notice.hold) return std::nullopt;
    const bool discarded = exception->closing.starts_with(kDiscarded);
    return HoldAnswer{exception->version,
                      discarded ? HoldAnswer::Verdict::kDiscard : HoldAnswer::Verdict::kResume};
}

std::optional<HoldAnswer> answer(ExceptionRecord& exception, const Operation& operation,
                                 Timestamp now) {
    const bool accepts = operation.kind == OperationKind::kAccept;
    const bool discards = operation.kind == OperationKind::kDiscard && !operation.reason.empty();
    if (exception.status != ExceptionStatus::kOpen || !(accepts || discards)) return std::nullopt;
    if (operation.seen != 0 && operation.seen != exception.version) return std::nullopt;
    const std::string_view verb = accepts ? kAccepted : kDiscarded;
    const bool again = !exception.closing.empty();
    if (again && !exception.closing.starts_with(verb)) return std::nullopt;
    if (!again) {
        exception.closed_by = operation.actor;
        exception.closing =
            std::string{verb} + (operation.reason.empty() ? "" : ": " + operation.reason);
    }
    exception.updated_at = now;
    return HoldAnswer{exception.version,
                      accepts ? HoldAnswer::Verdict::kResume : HoldAnswer::Verdict::kDiscard};
}

}  // namespace syncline::hub
