#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "hub/broker_time.h"
#include "hub/core/event.h"
#include "hub/core/start.h"
#include "hub/core/step.h"
#include "hub/hub_options.h"
#include "hub/instance_index.h"
#include "hub/policies.h"
#include "hub/reliable_publisher.h"
#include "hub/workflow/decide.h"
#include "hub/workflow/message.h"
#include "hub/workflow/triggers.h"
#include "shared/base/sync_points.h"
#include "shared/nats/link.h"

namespace syncline::hub {

/// The instances of workflows whose partitions this hub holds. Each does one thing at a time:
///
///     load (on a miss) > decide > store by compare-and-set > publish effects > look for events
///     that it has come to wait for and that were told before
///
/// while what arrives meanwhile waits, to be folded into one decision. An input is done once all of
/// that is stored. Inputs come by SYNC_IN, what hubs say themselves included (answers to asks,
/// timers, children): so an input whose effects a crash kept in comes again, and has them
/// published. Between steps only what an instance waits for is kept in memory.
/// Threading: the link's.
class Instances final : nats::PublishSink, nats::MessageSink, DeliverySink {
public:
    struct Parts {
        nats::Link& link;
        const Clock& clock;
        BrokerWatch& watch;
        Policies& policies;
        const HubOptions& options;
        HubCounters& counters;
        SyncPoints& sync_points;
        ReliablePublisher& effects;
        BrokerTime& time;
    };
    using Done = std::function<void()>;
    /// What came back of an ask: the fields, or the class of error and a text.
    struct Answer {
        std::optional<ErrorClass> error;
        Fields fields;
        std::string text;
    };

    explicit Instances(const Parts& parts) : p_(parts) {}
    ~Instances();

    /// Puts a question; `answer` is called once, or never. Not set: nobody can be asked.
    std::function<void(const std::string& name, const Fields& input,
                       std::function<void(Answer)> answer)>
        ask;
    /// Something that came for an instance and is of no use to it: to be kept and shown. `then` is
    /// called when that is stored.
    std::function<void(const workflow::Message& message, ExceptionCode kind, const std::string& why,
                       Done then)>
        keep;
    /// Shows an exception, with what the policy's rules make of it.
    std::function<void(ExceptionRecord& exception)> apply_rules;
    [[nodiscard]] Partition home_of(std::string_view instance) const {
        return workflow::home_of(instance, p_.options.partitions);
    }

    /// `done` is called when it is decided, stored and told.
    void submit(workflow::Message message, Done done);
    /// Publishes it as an input of its instance, whichever hub that is at. `sink` may be null.
    [[nodiscard]] workflow::Message event_message(const std::string& instance,
                                                  std::string_view subject,
                                                  std::string_view body) const;
    void send(const workflow::Message& message, DeliverySink* sink = nullptr,
              std::uint64_t token = 0);
    /// Begins the workflow that a change of an entity begins.
    void begin(const WorkflowStart& start, DeliverySink* sink, std::uint64_t token);
    /// Tells the instance what became of its write of an entity.
    void answer_write(const WriteAnswer& answer, DeliverySink* sink, std::uint64_t token);
    /// Learns what the partition's instances wait for; is_loaded() says when that is known. With
    /// `heal`, what they have out is published again, too.
    void load(Partition partition, bool heal);
    [[nodiscard]] bool is_loaded(Partition partition) const { return loaded_.contains(partition); }
    /// All others are other hubs' by now.
    void keep_only(const std::set<Partition>& held);
    [[nodiscard]] const InstanceIndex& index() const { return index_; }
    void forget_all();
    void tick();
    [[nodiscard]] std::size_t busy() const { return busy_; }

private:
    enum class Phase : std::uint8_t {
        kIdle,
        kLoading,
        kCatchingUp,  ///< The effects of whoever stored the state go out first.
        kStoring,
        kPublishing,
        kLooking,  ///< For events that were told before.
        kWaiting
    };
    struct Queued {
        workflow::Message message;
        Done done;
        bool heals = false;     ///< No message: what is out is to be published again.
        bool answered = false;  ///< Its asker has heard.
        bool event = false;  ///< It came by another stream, so perhaps before what was before it.
    };
    struct Slot {
        std::string id;
        std::string subject;
        Partition home;
        Phase phase = Phase::kIdle;
        bool loaded = false;
        bool told = false;          ///< The state's effects are out.
        bool again = false;         ///< What is being published may have been before,
        bool standing = false;      ///< and be of any step since it began.
        std::uint32_t attempt = 0;  ///< Callbacks of an older attempt are ignored.
        std::uint64_t sequence = 0;
        std::uint64_t least = 0;
        workflow::Instance state;
        std::deque<Queued> waiting;
        std::vector<Queued> works;  ///< Being decided.
        std::vector<workflow::Input> inputs;
        workflow::Step step;
        std::vector<InstanceIndex::Event> awaited;  ///< By the state before.
        std::size_t outstanding = 0;
        std::list<std::uint32_t>::iterator idle;
        std::uint32_t index = 0;
    };
    struct Retry {
        Duration due;
        std::uint32_t index;
        std::uint32_t attempt;
    };
    /// An entity that a workflow writes, being looked for.
    struct Search;

    Slot& find_or_make(const std::string& id);
    void evict();
    void advance(Slot& slot);
    void load_state(Slot& slot);
    void loaded(Slot& slot, Result<std::optional<nats::StoredMessage>> stored);
    [[nodiscard]] const Policy* policy_of(const Slot& slot);
    void decide_now(Slot& slot);
    void take_waiting(Slot& slot);
    [[nodiscard]] workflow::Context context_of() const;
    void fill_in(workflow::Input& input, Timestamp now) const;
    void store(Slot& slot);
    void stored(Slot& slot, std::uint64_t sequence);
    void note(const Slot& slot);
    [[nodiscard]] Timestamp due_of(const workflow::Instance& state) const;
    [[nodiscard]] bool is_to_compact(const Slot& slot) const;
    void purge(const Slot& slot);
    void publish_effects(Slot& slot, const workflow::Effects& effects,
                         const workflow::LogEntry* entry);
    void look_for_events(Slot& slot);
    void look_for(Slot& slot, const InstanceIndex::Event& event);
    void finish(Slot& slot);
    void restart(Slot& slot, Duration wait);
    void give_up(Slot& slot, const Error& error);
    void start_loading();
    [[nodiscard]] Slot* current(std::uint64_t token) const;
    static std::uint64_t token_of(const Slot& slot) {
        return std::uint64_t{slot.index} << 32 | slot.attempt;
    }

    // What a step asks for (instance_effects.cc).
    void publish(Slot& slot, const workflow::Effect& effect);
    void publish_request(Slot& slot, const workflow::Request& request);
    void put_question(const Slot& slot, const workflow::Request& request);
    void publish_call(Slot& slot, const workflow::Request& request);
    void publish_write(Slot& slot, const workflow::Request& request);
    void found_entity(Slot& slot, const workflow::Request& request,
                      const std::set<std::string>& found);
    void publish_approval(Slot& slot, const workflow::ApprovalNews& news);
    void publish_event(Slot& slot, const BusinessEvent& event);
    void emit(Slot& slot, const workflow::Request& request);
    [[nodiscard]] static std::string business_key(const Slot& slot, const Workflow* workflow);
    void publish_exception(Slot& slot, const workflow::ExceptionNews& news);
    void publish_told(Slot& slot, const workflow::Told& told);
    void answer(const Queued& work, const workflow::Told& told);
    void tell_parent(Slot& slot, const workflow::Start& start);
    void keep_unused(Slot& slot, const Queued& work, ExceptionCode kind, const std::string& why);
    void tell_refused(Slot& slot, const Queued& work, const workflow::Told& told);

    void on_published(std::uint64_t token, const Result<std::uint64_t>& sequence) override;
    void on_message(const nats::InMessage& message) override;
    void on_delivered(std::uint64_t token) override;
    [[nodiscard]] bool is_wanted(std::uint64_t token) const override {
        return current(token) != nullptr;
    }
    void effect_out(Slot& slot);

    Parts p_;
    InstanceIndex index_;
    std::vector<std::unique_ptr<Slot>> slab_;
    std::vector<std::uint32_t> free_;
    std::unordered_map<std::string, std::uint32_t> slots_;
    std::list<std::uint32_t> idle_;  ///< Longest idle first.
    std::vector<Retry> retries_;
    std::size_t busy_ = 0;

    std::map<Partition, bool> to_load_;  ///< And whether to heal.
    std::map<Partition, bool> loading_;
    std::set<Partition> loaded_;
    std::unique_ptr<nats::Subscription> loader_;
    std::deque<std::string> to_heal_;
    std::shared_ptr<int> alive_ = std::make_shared<int>();
};

}  // namespace syncline::hub
