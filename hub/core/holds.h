#pragma once

#include <optional>

#include "hub/core/report_news.h"
#include "hub/core/step.h"
#include "shared/model/hold.h"

/// Lanes that an agent's mass-change breaker holds, as exceptions: the newest message of each is
/// all there is of it. Pure.
namespace syncline::hub {

/// `breaker.held_in` or `breaker.held_out`.
[[nodiscard]] ExceptionCode kind_of(Direction direction);
/// The lane that an exception of one of these kinds is about; nothing for any other.
[[nodiscard]] std::optional<Lane> lane_of(std::string_view kind, const ObjectName& object);

ReportNews take(std::optional<ExceptionRecord>& exception, const HoldNotice& notice, Timestamp now);

/// The answer to a later hold, for an agent that has lost its store and its clock since, and so
/// numbers a new hold below it: it takes a greater number then, and tells it again. Nothing: it is
/// no such notice.
[[nodiscard]] std::optional<HoldAnswer> outnumbers(const std::optional<ExceptionRecord>& exception,
                                                   const HoldNotice& notice);

/// A person's answer: what to ask of the agent. It is noted in the exception, which stays open
/// until the agent has done it. Nothing: it does not apply, is to another hold than the one that
/// stands, or says otherwise than the answer before.
[[nodiscard]] std::optional<HoldAnswer> answer(ExceptionRecord& exception,
                                               const Operation& operation, Timestamp now);

}  // namespace syncline::hub
