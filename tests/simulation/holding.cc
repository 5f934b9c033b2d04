#include "tests/simulation/holding.h"

#include <map>
#include <string>
#include <tuple>

#include "hub/core/holds.h"
#include "hub/core/state_codec.h"
#include "shared/wire/subjects.h"

namespace syncline::sim {
namespace {

using std::chrono::seconds;

constexpr std::uint64_t kHoldChances = 0x6272'6561'6b65'7200;

}  // namespace

Holding::Holding(World& world, MemoryBroker& broker, const Setup& setup, std::uint64_t seed)
    : world_(world), broker_(broker), setup_(setup), random_(seed ^ kHoldChances) {
    on_ = random_.one_in(4);
}

agent::MassSettings Holding::limits() {
    agent::MassSettings settings;
    settings.window = random_.between(seconds{10}, seconds{180});
    settings.percent_from = random_.between(1, 5);
    for (agent::LaneLimits& direction : settings.limits) {
        for (agent::MassLimit& limit : direction) {
            limit = {.on = random_.one_in(2),
                     .count = random_.between(1, 8),
                     .percent = static_cast<std::uint32_t>(random_.between(10, 100))};
        }
    }
    return settings;
}

void Holding::begin() { next(); }

void Holding::next() {
    world_.after(random_.between(seconds{2}, seconds{60}), [this] {
        std::map<std::string, MessagePtr> newest;
        for (const MessagePtr& message : broker_.all(subjects::kStreamExceptions)) {
            newest[message->subject] = message;
        }
        for (const auto& [subject, message] : newest) answer(message);
        next();
    });
}

void Holding::answer(const MessagePtr& message) {
    const auto exception = hub::decode_exception(message->body);
    if (!exception || exception->status != hub::ExceptionStatus::kOpen) return;
    if (!hub::lane_of(exception->kind, exception->entity.object) || !broker_.up()) return;
    hub::Operation operation{.kind = hub::OperationKind::kAccept,
                             .entity = exception->entity,
                             .exception = exception->kind + "@" + exception->platform.text,
                             .id = "hold" + std::to_string(++answers_),
                             .actor = "operator",
                             .at = Timestamp{SimClock::kStart} + world_.now(),
                             .seen = exception->version};
    world_.note("operator", "resumes " + operation.exception);
    const Partition partition = entity_partition(operation.entity, setup_.partitions);
    std::ignore =
        broker_.publish(subjects::operation(partition, hub::name_of(operation.kind), operation.id),
                        hub::encode(operation), std::nullopt);
}

}  // namespace syncline::sim
