#include "hub/core/state_codec.h"
#include "hub/hub.h"
#include "shared/wire/subjects.h"

// What the hub says of versions of the policy.
namespace syncline::hub {

void Hub::on_policy_refused(std::uint64_t version, const std::string& why) {
    refused_policies_.insert(version);
    tell_of_policy(version, ExceptionStatus::kOpen,
                   "version " + std::to_string(version) +
                       " of the policy does not come into force: " + why +
                       "; plan and apply it again");
}

void Hub::on_policy_activated() {
    entities_.reconsider_visited();
    for (const std::uint64_t version : std::exchange(refused_policies_, {})) {
        tell_of_policy(
            version, ExceptionStatus::kResolved,
            "version " + std::to_string(policies_.newest().version) + " has come into force since");
    }
}

void Hub::tell_of_policy(std::uint64_t version, ExceptionStatus status, std::string reason) {
    const Timestamp now = clock_.now();
    ExceptionRecord exception{.kind = std::string{exceptions::kPolicyRefused},
                              .entity = {ObjectName{"_policy"}, EntityId{std::to_string(version)}},
                              .status = status,
                              .reason = std::move(reason),
                              .opened_at = now,
                              .updated_at = now};
    apply_rules(exception);
    using What = ExceptionEvent::What;
    counters_.count(exception.kind, exception.care.severity,
                    status == ExceptionStatus::kOpen ? What::kOpened : What::kClosed);
    effects_.publish_last(subjects::exception(exception.entity, exception.kind), encode(exception),
                          nullptr, 0);
}

}  // namespace syncline::hub
