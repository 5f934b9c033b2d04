#include "hub/core/state_codec.h"
#include "hub/hub.h"
#include "shared/wire/codec.h"
#include "shared/wire/hold_codec.h"
#include "shared/wire/list_codec.h"
#include "shared/wire/operation_codec.h"
#include "shared/wire/subjects.h"
#include "shared/wire/trouble_codec.h"

// What comes in, and where it goes.

namespace syncline::hub {
namespace {

using Kind = subjects::InputKind;

/// A record that belongs to no entity, as an exception.
ExceptionRecord about_record(const Change& change, ExceptionCode kind, std::string reason) {
    return {.kind = std::string{kind},
            .entity = {change.key.object, founded_entity(change.key)},
            .platform = change.key.platform,
            .record = change.key.record.text,
            .reason = std::move(reason),
            .proposed = change.fields,
            .raw = wire::encode(change)};
}

}  // namespace

void Hub::on_input(const nats::InMessage& message, const subjects::InputSubject& subject,
                   const WorkId& work, std::uint64_t fence) {
    const Policy* policy = held_back_.empty() ? policies_.at(message.sequence) : nullptr;
    if (policy == nullptr) {
        held_back_.push_back({std::string{message.subject}, std::string{message.body},
                              message.sequence, work, fence});
        return;
    }
    take_input({message.subject, message.body, message.sequence}, subject,
               {.work = work, .fence = fence, .policy = policy});
}

void Hub::release_held_back() {
    while (!held_back_.empty()) {
        const HeldBack& first = held_back_.front();
        const bool ours = partitions_->is_held(first.work);
        const Policy* policy = ours ? policies_.at(first.sequence) : nullptr;
        if (ours && policy == nullptr) return;
        const HeldBack input = std::move(held_back_.front());
        held_back_.pop_front();
        if (!ours) continue;  // Whoever holds the partition by now reads it again.
        take_input({input.subject, input.body, input.sequence},
                   *subjects::parse_input(input.subject),
                   {.work = input.work, .fence = input.fence, .policy = policy});
    }
}

void Hub::take_input(const Raw& raw, const subjects::InputSubject& about, Queued queued) {
    const auto refuse = [&](ExceptionCode kind, const std::string& why) {
        keep({.kind = std::string{kind},
              .entity = {ObjectName{about.object}, EntityId{about.key}},
              .platform = about.platform,
              .reason = std::string{raw.subject} + " sequence " + std::to_string(raw.sequence) +
                        ": " + why,
              .raw = std::string{raw.body}},
             {queued.work, {}});
    };
    const auto undecodable = [&](const std::string& why) {
        ++counters_.poisoned;
        refuse(exceptions::kUndecodable, why);
    };
    // In a later version it stays in the agent's spool, and what follows is a gap until an update.
    const auto unreadable = [&](const Error& error) {
        const bool later = error.kind == ErrorKind::kUnsupported;
        if (later) partitions_->await_update(queued.work.partition, about.platform);
        undecodable(error.what);
    };
    // The subject is what the server's permissions hold an agent to, so the body must agree.
    const auto next = [&](const PlatformId& platform, const Numbering& number) {
        if (platform == about.platform && number.partition == about.partition) {
            return partitions_->next_in_order(queued.work, platform, number.seq);
        }
        refuse(exceptions::kForeignPlatform,
               "the body says platform " + platform.text + ", partition " +
                   std::to_string(number.partition.value) + "; an agent speaks for another");
        return false;
    };
    // What an agent tells, if it is the next one of it.
    const auto told = [&](auto read, const auto& take) {
        if (!read) return unreadable(read.error());
        if (next(read->platform, read->number)) take(*std::move(read));
    };
    if (about.kind == Kind::kChange) {
        auto change = wire::decode_change(raw.body);
        if (!change) return unreadable(change.error());
        if (!next(change->key.platform, change->number)) return;
        take_change(std::move(*change), std::move(queued));
    } else if (about.kind == Kind::kOutcome) {
        told(wire::decode_outcome(raw.body),
             [&](Outcome one) { take_outcome(std::move(one), std::move(queued)); });
    } else if (about.kind == Kind::kInventory) {
        told(wire::decode_inventory(raw.body),
             [&](Inventory one) { reconciliations_.submit(std::move(one), queued.work); });
    } else if (about.kind == Kind::kHold) {
        told(wire::decode_hold(raw.body),
             [&](HoldNotice one) { agent_reports_.submit(std::move(one), queued.work); });
    } else if (about.kind == Kind::kTrouble) {
        told(wire::decode_trouble(raw.body),
             [&](Trouble one) { agent_reports_.submit(std::move(one), queued.work); });
    } else if (about.kind == Kind::kList) {
        told(wire::decode_list_news(raw.body),
             [&](ListNews one) { lists_.submit(std::move(one), queued.work); });
    } else if (about.kind == Kind::kOperationResult) {
        told(wire::decode_operation_result(raw.body), [&](const OperationResult& one) {
            take_instance_input(workflow::message_of(one), queued.work);
        });
    } else if (about.kind == Kind::kInstance) {
        auto message = workflow::decode_message(raw.body);
        if (!message) return undecodable(message.error().what);
        take_instance_input(*std::move(message), queued.work);
    } else {
        auto operation = decode_operation(raw.body);
        if (!operation) return undecodable(operation.error().what);
        const std::string refused = take_operation(*std::move(operation), std::move(queued));
        if (!refused.empty()) undecodable(refused);
    }
}

/// Why it cannot be taken; empty if it was, and only then `queued` was.
std::string Hub::take_operation(Operation operation, Queued&& queued) {
    if (Lists::takes(operation)) {
        lists_.submit(std::move(operation), queued.work);
    } else if (AgentReports::takes(operation)) {
        agent_reports_.submit(std::move(operation), queued.work);
    } else if (KeptExceptions::takes(operation)) {
        kept_exceptions_.submit(std::move(operation), std::move(queued));
    } else if (queued.policy->object(operation.entity.object) == nullptr) {
        return "the policy has no object " + operation.entity.object.text;
    } else {
        const EntityKey entity = operation.entity;
        queued.input = std::move(operation);
        entities_.submit(entity, std::move(queued));
    }
    return {};
}

/// What an exception keeps, by a person's word. Its place among its agent's messages is long past.
void Hub::take_kept(const ExceptionRecord& kept, Queued queued) {
    auto change = wire::decode_change(kept.raw);
    if (change && change->key.platform == kept.platform) {
        return take_change(*std::move(change), std::move(queued));
    }
    auto outcome = wire::decode_outcome(kept.raw);
    if (outcome && outcome->platform == kept.platform) {
        return take_outcome(*std::move(outcome), std::move(queued));
    }
    if (kept.kind == exceptions::kNotStarted) {
        if (auto message = workflow::decode_message(kept.raw)) {
            message->fault.clear();
            return take_instance_input(*std::move(message), queued.work);
        }
    }
    auto operation = decode_operation(kept.raw);
    const bool ours = operation && queued.policy->object(operation->entity.object) != nullptr;
    if (!ours) {
        ExceptionRecord again = kept;
        again.status = ExceptionStatus::kOpen;
        again.closed_by.clear();
        again.closing.clear();
        return keep(std::move(again), {queued.work, {}});
    }
    const EntityKey entity = operation->entity;
    queued.input = *std::move(operation);
    entities_.submit(entity, std::move(queued));
}

void Hub::take_change(Change change, Queued queued) {
    const ObjectSpec* object = queued.policy->object(change.key.object);
    if (object == nullptr || object->binding(change.key.platform) == nullptr) {
        return keep(about_record(change, exceptions::kUnknownObject,
                                 "the policy has no object " + change.key.object.text +
                                     " on platform " + change.key.platform.text +
                                     "; add it, or take it out of the agent's file"),
                    {queued.work, {}});
    }
    const EntityKey entity{change.key.object, change.entity.value_or(EntityId{})};
    queued.input = std::move(change);
    if (entity.entity.empty()) return placing_.submit(std::move(queued));
    entities_.submit(entity, std::move(queued));
}

void Hub::take_outcome(Outcome outcome, Queued queued) {
    if (queued.policy->object(outcome.entity.object) == nullptr) {
        return keep({.kind = std::string{exceptions::kUnknownObject},
                     .entity = outcome.entity,
                     .platform = outcome.platform,
                     .reason = "the policy has no object " + outcome.entity.object.text,
                     .raw = wire::encode(outcome)},
                    {queued.work, {}});
    }
    if (outcome.status == OutcomeStatus::kFenced && outcome.fence > queued.fence) {
        // Either another hub holds it now, or the marks went back in time and the fences with them.
        return partitions_->outfence(queued.work.partition, outcome.fence);
    }
    const EntityKey entity = outcome.entity;
    queued.input = std::move(outcome);
    entities_.submit(entity, std::move(queued));
}

void Hub::on_undecidable(Queued queued, const Error& error) {
    ++counters_.poisoned;
    EntityKey about;
    PlatformId platform;
    std::string raw;
    if (const auto* change = std::get_if<Change>(&queued.input)) {
        about = {change->key.object, change->entity.value_or(founded_entity(change->key))};
        platform = change->key.platform;
        raw = wire::encode(*change);
    } else if (const auto* outcome = std::get_if<Outcome>(&queued.input)) {
        about = outcome->entity;
        platform = outcome->platform;
        raw = wire::encode(*outcome);
    } else if (const auto* operation = std::get_if<Operation>(&queued.input)) {
        about = operation->entity;
        raw = encode(*operation);
    } else if (const auto* takeover = std::get_if<Takeover>(&queued.input)) {
        about = {takeover->from.object, takeover->handover.to};
    } else {
        return on_done(queued.work);  // Nobody's input: it was ours.
    }
    keep({.kind = std::string{exceptions::kUndecodable},
          .entity = about,
          .platform = platform,
          .reason = error.what,
          .raw = std::move(raw)},
         {queued.work, {}});
}

void Hub::on_unplaceable(Queued queued, ExceptionCode kind, const std::string& reason) {
    const Change change = std::get<Change>(queued.input);
    if (change.kind == ChangeKind::kDelete) {
        newest_kept_.erase(change.key);
        return kept_exceptions_.gone(change.key, queued.work);
    }
    const bool waits = kind == exceptions::kUnmatched;
    Kept kept{queued.work, {}};
    if (waits) kept.unmatched = std::move(queued);
    keep(about_record(change, kind, reason), std::move(kept));
}

}  // namespace syncline::hub
