#include "hub/core/state_codec.h"
#include "hub/hub.h"

// What the hub does for instances of workflows. See instances.h.

namespace syncline::hub {

void Hub::take_instance_input(workflow::Message message, const WorkId& work) {
    instances_.submit(std::move(message), [this, work] { on_done(work); });
}

/// A person hears that something should have begun and did not, and can have it tried again.
void Hub::keep_unstarted(const workflow::Message& message, const std::string& why,
                         Instances::Done then) {
    const auto* start = std::get_if<workflow::Start>(&message.input.what);
    ExceptionRecord exception{.kind = std::string{exceptions::kNotStarted},
                              .entity = workflow::entity_of(message.instance),
                              .platform = {},
                              .record = start == nullptr ? "" : start->workflow.text,
                              .reason = why + "; it was to begin by " + message.input.id,
                              .proposed = start == nullptr ? Fields{} : start->context,
                              .raw = workflow::encode(message)};
    keep(std::move(exception),
         {.work = {instances_.home_of(message.instance), kNoHold, 0}, .then = std::move(then)});
}

}  // namespace syncline::hub
