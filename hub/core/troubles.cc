#include "hub/core/troubles.h"

#include "shared/model/hold.h"

namespace syncline::hub {

ExceptionCode kind_of(TroubleKind kind) {
    return kind == TroubleKind::kFields ? exceptions::kPlatformFields
                                        : exceptions::kPlatformRecords;
}

ReportNews take(std::optional<ExceptionRecord>& exception, const Trouble& trouble, Timestamp now) {
    const auto since = static_cast<std::uint64_t>(trouble.since.ns);
    const bool open = exception && exception->status == ExceptionStatus::kOpen;
    if (trouble.reason.empty()) {
        if (!open) return ReportNews::kNothing;
        exception->status = ExceptionStatus::kResolved;
        exception->updated_at = now;
        return ReportNews::kClosed;
    }
    if (open && exception->reason == trouble.reason) return ReportNews::kNothing;
    const bool settled = exception && !open && !exception->closed_by.empty();
    if (settled && exception->version == since) return ReportNews::kNothing;
    if (!open) {
        exception = ExceptionRecord{.kind = std::string{kind_of(trouble.kind)},
                                    .entity = lane_entity(trouble.object),
                                    .platform = trouble.platform,
                                    .opened_at = now,
                                    .version = since};
    }
    exception->version = since;
    exception->reason = trouble.reason;
    exception->updated_at = now;
    return open ? ReportNews::kUpdated : ReportNews::kOpened;
}

}  // namespace syncline::hub
