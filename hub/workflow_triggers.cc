#include "hub/workflow_triggers.h"

#include <algorithm>

#include "hub/event_message.h"
#include "shared/base/log.h"
#include "shared/wire/subjects.h"

namespace syncline::hub {
namespace {

constexpr Duration kLookEvery = std::chrono::seconds{1};
constexpr Duration kPassEvery = std::chrono::seconds{10};
/// Of events that concern nobody the marks say only now and then how far they are known.
constexpr std::uint64_t kQuietLag = 1'000;

bool has(const Policy& policy, Trigger::On on) {
    return std::ranges::any_of(policy.workflows, [&](const Workflow& workflow) {
        return std::ranges::any_of(workflow.triggers,
                                   [&](const Trigger& one) { return one.on == on; });
    });
}

/// As a message of the instance that it begins, or that says why none can begin. Of what is begun
/// by an event the id is the event's.
workflow::Message message_of(workflow::Begun begun, const std::string& cause, const char* trigger) {
    workflow::Message message;
    message.input.id = cause;
    if (begun.start) {
        message.instance = begun.start->instance;
        message.input.what = *std::move(begun.start);
        return message;
    }
    message.fault = begun.start.error().what;
    message.instance = workflow::instance_id(begun.workflow, cause);
    message.input.what = workflow::Start{.instance = message.instance,
                                         .workflow = begun.workflow,
                                         .trigger = trigger,
                                         .context = {},
                                         .requester = {},
                                         .trace = {}};
    return message;
}

}  // namespace

void WorkflowTriggers::tick() {
    std::vector<Partition> held = p_.partitions.held();
    if (held != held_) {
        p_.instances.keep_only({held.begin(), held.end()});
        held_ = held;
    }
    std::erase_if(held, [this](Partition one) { return !p_.instances.is_loaded(one); });
    if (held != readers_) {
        readers_ = std::move(held);
        reader_.reset();
    }
    if (readers_.empty()) return;
    if (p_.policies.newest().workflows.empty() && p_.instances.index().size() == 0) {
        reader_.reset();
        return pass_by();
    }
    if (!reader_) read();
    look_at_schedules();
}

/// Events of today begin nothing when the policy has workflows one day.
void WorkflowTriggers::pass_by() {
    const Duration now = p_.clock.steady();
    if (now - passed_ < kPassEvery) return;
    passed_ = now;
    const std::uint64_t last = p_.watch.info(subjects::kStreamEvents)->last_sequence;
    for (const Partition partition : readers_) {
        const bool any = p_.partitions.events_of(partition) != last;
        p_.partitions.events_done(partition, last, /*store=*/any);
    }
}

/// From where the first of the partitions has read to.
void WorkflowTriggers::read() {
    ++reader_id_;
    reads_.clear();
    floors_.clear();
    std::uint64_t start = UINT64_MAX;
    for (const Partition partition : readers_) {
        floors_[partition] = p_.partitions.events_of(partition);
        start = std::min(start, floors_[partition] + 1);
    }
    position_ = start - 1;
    stored_ = floors_;
    nats::ConsumeSpec spec;
    spec.stream = subjects::kStreamEvents;
    spec.filters = {subjects::events_wildcard()};
    spec.start_sequence = start;
    reader_ = p_.link.consume(std::move(spec), this);
}

bool WorkflowTriggers::concerns(const InstanceIndex::Due& instance, std::uint64_t sequence) const {
    const auto floor = floors_.find(instance.home);
    return floor != floors_.end() && sequence > floor->second;
}

void WorkflowTriggers::on_message(const nats::InMessage& message) {
    reader_->processed(1);
    Read& read = *reads_.emplace_back(std::make_unique<Read>(message.sequence));
    const auto about = subjects::parse_event(message.subject);
    if (about) {
        const Policy& policy = p_.policies.newest();
        const std::string name = about->entity.object.text + "." + about->name;
        for (const InstanceIndex::Due& one : p_.instances.index().awaiting({name, about->key})) {
            if (!concerns(one, message.sequence)) continue;
            workflow::Message event =
                p_.instances.event_message(one.instance, message.subject, message.body);
            event.input.at = message.stored_at;
            submit(read, one.home, std::move(event));
        }
        if (has(policy, Trigger::On::kEvent)) {
            const auto told = read_event(policy, message.subject, message.body);
            const std::string cause = "event/" + std::string{message.subject};
            const std::string trace{message.header ? message.header("traceparent") : ""};
            for (workflow::Begun& begun : workflow::begun_by_event(
                     policy, name, told ? told->fields : Fields{}, {cause, {}, trace})) {
                workflow::Message start = message_of(std::move(begun), cause, "event");
                const Partition home = p_.instances.home_of(start.instance);
                if (concerns({start.instance, home, {}}, message.sequence)) {
                    submit(read, home, std::move(start));
                }
            }
        }
    }
    one_done(reader_id_, message.sequence);
}

void WorkflowTriggers::submit(Read& read, Partition home, workflow::Message message) {
    ++read.outstanding;
    read.concerned.insert(home);
    p_.instances.submit(std::move(message), [this, id = reader_id_, sequence = read.sequence] {
        one_done(id, sequence);
    });
}

void WorkflowTriggers::one_done(std::uint64_t reader, std::uint64_t sequence) {
    if (reader != reader_id_) return;
    const auto at =
        std::ranges::find_if(reads_, [&](const auto& one) { return one->sequence == sequence; });
    if (at == reads_.end() || --(*at)->outstanding > 0) return;
    advance();
}

void WorkflowTriggers::advance() {
    std::set<Partition> concerned;
    while (!reads_.empty() && reads_.front()->outstanding == 0) {
        position_ = reads_.front()->sequence;
        concerned.merge(reads_.front()->concerned);
        reads_.pop_front();
    }
    for (auto& [partition, floor] : floors_) {
        if (floor >= position_) continue;
        floor = position_;
        const bool store =
            concerned.contains(partition) || position_ - stored_[partition] > kQuietLag;
        if (store) stored_[partition] = position_;
        p_.partitions.events_done(partition, position_, store);
    }
}

/// Each hub begins those whose instances are of its partitions.
void WorkflowTriggers::look_at_schedules() {
    const Policy& policy = p_.policies.newest();
    const Timestamp now = p_.time.now();
    if (now - looked_ < kLookEvery || !has(policy, Trigger::On::kSchedule)) return;
    looked_ = now;
    for (const Partition partition : readers_) {
        const Timestamp done = p_.partitions.scheduled_of(partition);
        for (workflow::Begun& begun : workflow::begun_by_schedule(policy, done, now)) {
            workflow::Message start =
                message_of(std::move(begun), "schedule/" + to_string(now), "schedule");
            if (p_.instances.home_of(start.instance) != partition) continue;
            if (!beginning_.try_emplace(start.instance, now).second) continue;
            const std::string instance = start.instance;
            p_.instances.submit(std::move(start), [this, instance, partition, now] {
                beginning_.erase(instance);
                p_.partitions.scheduled(partition, now);
            });
        }
    }
}

}  // namespace syncline::hub
