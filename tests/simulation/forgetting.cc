#include "tests/simulation/forgetting.h"

#include <algorithm>
#include <set>
#include <tuple>

#include "hub/core/state_codec.h"
#include "hub/core/work.h"
#include "shared/wire/codec.h"
#include "shared/wire/subjects.h"

namespace syncline::sim {
namespace {

using std::chrono::seconds;

constexpr std::uint64_t kForgetChances = 0x666f'7267'6574'0000;

std::vector<hub::EntityState> all_states(MemoryBroker& broker) {
    std::vector<hub::EntityState> states;
    for (const MessagePtr& message : broker.all(subjects::kStreamState)) {
        if (!subject_matches(subjects::all_entities(), message->subject)) continue;
        if (auto state = hub::decode_entity(message->body)) states.push_back(*std::move(state));
    }
    return states;
}

bool is_nowhere(const hub::EntityState& state) {
    return std::ranges::all_of(state.records, [](const hub::RecordState& record) {
        return record.presence != hub::Presence::kPresent &&
               std::ranges::all_of(record.others, [](const hub::OtherRecord& other) {
                   return other.standing == hub::OtherRecord::Standing::kGone;
               });
    });
}

// A hub's clock may be wrong, and the operation itself is erased: its id says when it was asked
// for.
std::string id_of(std::uint64_t number, Timestamp now) {
    return "forget" + std::to_string(number) + "-" + std::to_string(now.ns);
}
Timestamp asked_at(const std::string& id) {
    return Timestamp{std::stoll(id.substr(id.find('-') + 1))};
}

/// What the streams still hold of one entity.
class Remains {
public:
    Remains(MemoryBroker& broker, const hub::EntityState& state)
        : broker_(broker), state_(state), asked_at_(asked_at(state.forgotten->id)) {
        for (const hub::RecordState& record : state.records) {
            if (record.record) records_.emplace(record.platform, *record.record);
            for (const hub::OtherRecord& other : record.others) {
                records_.emplace(record.platform, other.record);
            }
        }
    }

    std::vector<Violation> find() {
        look_at_log();
        look_at_told(subjects::kStreamEvents, subjects::events_of(state_.key), "an event");
        look_at_told(subjects::kStreamExceptions, subjects::exceptions_of(state_.key),
                     "an exception");
        look_at_inputs();
        look_at_commands();
        return std::move(found_);
    }

private:
    [[nodiscard]] bool is_before(const BrokerMessage& message) const {
        return message.stored_at <= asked_at_;
    }
    void found(const BrokerMessage& message, const char* what) {
        found_.push_back({"I23",
                          std::string{what} + " of before it was forgotten is still there: " +
                              message.subject + " " + std::to_string(message.sequence),
                          state_.key.entity.text});
    }
    void look_at_log() {
        for (const MessagePtr& message : broker_.all(subjects::kStreamLog)) {
            if (message->subject != subjects::log(state_.key)) continue;
            const auto entry = hub::decode_log_entry(message->body);
            const bool before =
                entry && (entry->version < state_.forgotten->version || is_before(*message));
            if (before) found(*message, "an entry");
        }
    }
    void look_at_told(std::string_view stream, const std::string& subjects, const char* what) {
        for (const MessagePtr& message : broker_.all(stream)) {
            // A leader's clock may be so far from another's.
            const bool before = message->stored_at + seconds{1} <= asked_at_;
            if (before && subject_matches(subjects, message->subject)) {
                found(*message, what);
            }
        }
    }
    void look_at_inputs() {
        // What lives again may have got records that it had given away before it was forgotten.
        if (!state_.deleted && !state_.is_merged()) return;
        for (const MessagePtr& message : broker_.all(subjects::kStreamIn)) {
            if (!is_before(*message)) continue;
            const auto about = subjects::parse_input(message->subject);
            if (!about) continue;
            if (about->kind == subjects::InputKind::kChange) {
                const auto change = wire::decode_change(message->body);
                if (!change || change->fields.empty()) continue;
                // A record that it got later was another's until then.
                if (change->entity != state_.key.entity) continue;
                if (!records_.contains({change->key.platform, change->key.record})) continue;
                found(*message, "a change");
            } else if (about->kind == subjects::InputKind::kOutcome) {
                const auto outcome = wire::decode_outcome(message->body);
                if (!outcome || outcome->fields.empty()) continue;
                if (outcome->entity == state_.key) found(*message, "an outcome");
            }
        }
    }
    void look_at_commands() {
        for (const MessagePtr& message : broker_.all(subjects::kStreamCommands)) {
            if (!is_before(*message)) continue;
            const auto command = wire::decode_command(message->body);
            if (command && command->entity == state_.key && !command->fields.empty()) {
                found(*message, "a command");
            }
        }
    }

    MemoryBroker& broker_;
    const hub::EntityState& state_;
    Timestamp asked_at_;
    std::set<std::pair<PlatformId, RecordId>> records_;
    std::vector<Violation> found_;
};

}  // namespace

Forgetting::Forgetting(World& world, MemoryBroker& broker, const Setup& setup, std::uint64_t seed)
    : world_(world), broker_(broker), setup_(setup), random_(seed ^ kForgetChances) {
    on_ = random_.one_in(4);
}

void Forgetting::begin() {
    if (on_) next();
}

void Forgetting::next() {
    world_.after(random_.between(seconds{5}, seconds{90}), [this] {
        if (over_) return;
        if (broker_.up()) ask();
        next();
    });
}

/// An entity that is not merged into another one, and those that are merged into it.
void Forgetting::ask() {
    const std::vector<hub::EntityState> states = all_states(broker_);
    // Of one that a platform still has it is refused, which is to be tried too.
    const bool any = random_.one_in(6);
    std::vector<EntityId> candidates;
    for (const hub::EntityState& state : states) {
        if (!state.is_merged() && (any || is_nowhere(state))) {
            candidates.push_back(state.key.entity);
        }
    }
    if (candidates.empty()) return;
    std::vector<EntityId> all{candidates[random_.below(candidates.size())]};
    ask({states.front().key.object, all.front()}, {});
    for (std::size_t i = 0; i < all.size() && !any; ++i) {
        for (const hub::EntityState& state : states) {
            if (state.merged_into != all[i]) continue;
            ask(state.key, state.merged_into);
            all.push_back(state.key.entity);
        }
    }
}

void Forgetting::ask(const EntityKey& entity, const EntityId& merged_into) {
    const Timestamp now = Timestamp{SimClock::kStart} + world_.now();
    const hub::Operation operation{.kind = hub::OperationKind::kForget,
                                   .entity = entity,
                                   .id = id_of(++asked_, now),
                                   .actor = "privacy",
                                   .at = now,
                                   .other = merged_into};
    world_.note("operator", "has " + operation.entity.entity.text + " forgotten");
    const Partition partition = entity_partition(operation.entity, setup_.partitions);
    std::ignore =
        broker_.publish(subjects::operation(partition, hub::name_of(operation.kind), operation.id),
                        hub::encode(operation), std::nullopt);
}

std::vector<Violation> check_forgotten(MemoryBroker& broker) {
    std::vector<Violation> violations;
    for (const hub::EntityState& state : all_states(broker)) {
        if (!state.forgotten) continue;
        if (state.forgotten->phase != hub::Forgotten::Phase::kDone) {
            std::string waits;
            for (const PlatformId& platform : state.forgotten->waits_for) {
                waits += " " + platform.text;
            }
            violations.push_back({"I23",
                                  "it is still not forgotten" +
                                      (waits.empty() ? std::string{} : ", waiting for" + waits),
                                  state.key.entity.text});
            continue;
        }
        for (Violation& one : Remains{broker, state}.find()) violations.push_back(std::move(one));
    }
    return violations;
}

}  // namespace syncline::sim
