#include "hub/core/state_codec.h"
#include "hub/hub.h"

// What the hub does for instances of workflows. See instances.h.

namespace syncline::hub {

void Hub::take_instance_input(workflow::Message message, const WorkId& work) {
    instances_.submit(std::move(message), [this, work] { on_done(work); });
}

/// A person hears that something should have begun and did not, and can have it tried again; or
/// that a platform answers for another one.
void Hub::keep_unused(const workflow::Message& message, ExceptionCode kind, const std::string& why,
                      Instances::Done then) {
    const workflow::Input& input = message.input;
    ExceptionRecord exception{.kind = std::string{kind},
                              .entity = workflow::entity_of(message.instance),
                              .reason = why + "; it came as " + input.id,
                              .raw = workflow::encode(message)};
    if (const auto* start = std::get_if<workflow::Start>(&input.what)) {
        exception.record = start->workflow.text;
        exception.proposed = start->context;
    } else if (const auto* outcome = std::get_if<workflow::OperationOutcome>(&input.what)) {
        exception.platform = outcome->platform;
    }
    keep(std::move(exception),
         {.work = {instances_.home_of(message.instance), kNoHold, 0}, .then = std::move(then)});
}

}  // namespace syncline::hub
