#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "hub/workflow/input.h"
#include "hub/workflow/instance.h"
#include "shared/policy/policy.h"

/// Which instances begin, and which of them an event concerns. Pure: the shell looks where it is
/// told to, and hands over what it finds.
namespace syncline::hub::workflow {

/// A workflow that is to begin, or why it cannot.
struct Begun {
    WorkflowName workflow;
    Result<Start> start;
};

/// What began it, for an instance without key: its id is made of that. The same cause gives the
/// same instance, so that an input that comes back begins nothing anew.
struct Cause {
    std::string id;
    std::string requester = {};
    std::string trace = {};
};

/// The one that a change of an entity begins (hub/core/start.h says when), with the context that
/// its trigger gives. kNotFound: no such workflow; kInvalid: the key is missing.
[[nodiscard]] Result<Start> begun_by_change(const Policy& policy, const WorkflowName& workflow,
                                            const Fields& context, const Cause& cause);
[[nodiscard]] std::vector<Begun> begun_by_event(const Policy& policy, std::string_view event,
                                                const Fields& fields, const Cause& cause);
/// Those of which a moment of the schedule is after `done` and not after `now`; of several missed
/// the newest. Its text is the field `at`.
[[nodiscard]] std::vector<Begun> begun_by_schedule(const Policy& policy, Timestamp done,
                                                   Timestamp now);
/// kNotFound: no such workflow; kDenied: it has no trigger "api"; kInvalid: the key is missing.
[[nodiscard]] Result<Start> begun_by_api(const Policy& policy, const WorkflowName& workflow,
                                         const Fields& context, const Cause& cause);
/// The start that a request of kind kStart asks for. `parent`: whose request it is.
[[nodiscard]] Start begun_by_call(const Request& request, const Instance& parent);

/// Names and keys of the events that the instance waits for, or may come to wait for as far as its
/// context tells by now. An event of any of them is its input.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> events_of(const Policy& policy,
                                                                         const Instance& instance);

}  // namespace syncline::hub::workflow
