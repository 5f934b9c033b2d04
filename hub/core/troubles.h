#pragma once

#include <optional>

#include "hub/core/report_news.h"
#include "hub/core/step.h"
#include "shared/model/trouble.h"

/// Exceptions about what a platform tells as a whole, by its agent's word.
namespace syncline::hub {

/// `platform.fields` or `platform.records`.
[[nodiscard]] ExceptionCode kind_of(TroubleKind kind);

/// Nothing is opened again that a person has settled, unless it is another trouble or has grown.
/// What was told may come again from an earlier one on, and ends as it did.
ReportNews take(std::optional<ExceptionRecord>& exception, const Trouble& trouble, Timestamp now);

}  // namespace syncline::hub
