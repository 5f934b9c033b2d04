#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "hub/core/list_state.h"
#include "hub/entities.h"
#include "hub/policies.h"
#include "hub/reliable_publisher.h"

namespace syncline::hub {

/// Reference data: has the sources asked for their lists, takes in what they read, and tells the
/// others which generation is the newest one. A generation's parts and its manifest are stored
/// first, each under its digest; then all that the manifest names is read back and compared with
/// what the list's fields say; only then the list's state, one message replaced by compare-and-set,
/// names it. So nobody is ever pointed at half of one, and whoever takes the partition goes on.
///
/// Each list has a home partition, whose hub does all of it, one thing at a time for each list.
/// Threading: the link's.
class Lists final : nats::PublishSink, DeliverySink {
public:
    Lists(nats::Link& link, const Clock& clock, const HubOptions& options, HubCounters& counters,
          Policies& policies, ReliablePublisher& effects)
        : link_(link),
          clock_(clock),
          options_(options),
          counters_(counters),
          policies_(policies),
          effects_(effects) {}

    // ---- What it asks of the hub; to be set before anything is called.
    /// What was submitted is done.
    std::function<void(const WorkId&)> on_done;
    /// Says of an exception that opens what the policy's rules do.
    std::function<void(ExceptionRecord&)> apply_rules;
    std::function<bool(Partition)> holds;

    void submit(ListNews news, const WorkId& work);
    /// Is it an answer to a list that is held?
    [[nodiscard]] static bool takes(const Operation& operation);
    void submit(Operation operation, const WorkId& work);
    /// What is known may be lost; inputs come again with the partitions.
    void forget_all();
    /// What a stream was known to hold it may hold no more.
    void forget_seen();
    void tick();
    [[nodiscard]] std::size_t busy() const;

    /// Lists whose home this hub holds.
    [[nodiscard]] std::vector<const ListState*> states() const;

private:
    struct Upkeep {};  ///< What is to be done without an input.
    struct Job {
        std::variant<Upkeep, ListNews, Operation> what;
        std::optional<WorkId> work;
    };
    /// What is under way for the first job.
    struct Run {
        std::size_t waiting = 0;  ///< Answers that are still to come.
        std::string digest;
        ListManifest before;
        std::map<std::string, std::size_t> places;  ///< Of a digest among the new parts.
        std::deque<std::string> to_fetch;
        std::uint64_t rows = 0;
        std::string problem;
        bool lacks = false;  ///< Something of the new generation is not there.
        ListRows old_rows;   ///< Of the parts that differ.
        ListRows new_rows;
        std::set<std::string> keep;  ///< Upkeep: parts that stay.
    };
    struct Told {
        ListTake take;
        Duration again_at{0};
    };
    struct Home {
        bool loaded = false;
        ListState state;
        std::uint64_t sequence = 0;  ///< Of its message; 0: there is none.
        ListState next;              ///< Being stored.
        std::deque<Job> jobs;
        std::optional<Run> run;
        std::uint64_t attempt = 0;  ///< Answers of an earlier one are ignored.
        Duration again_at{0};
        Duration look_at{0};
        Duration whole_at{0};  ///< Not before then is all asked for once more.
        std::map<PlatformId, Told> told;
        /// Of what may be wrong: what its exception says, empty: none is open. Unknown ones are
        /// not in it.
        std::map<std::pair<std::string, PlatformId>, std::string> raised;
        std::set<std::pair<std::string, PlatformId>> raising;
    };
    using Found = Result<std::optional<nats::StoredMessage>>;

    [[nodiscard]] Partition home_of(const ListName& list) const;
    [[nodiscard]] const ListSpec* spec_of(const ListName& list) const;
    void add(const ListName& list, Job job);
    void load(const ListName& list, Home& home);
    void start(const ListName& list, Home& home);
    void finish(const ListName& list, Home& home);
    void again_later(Home& home);
    void store(const ListName& list, Home& home, ListState next);

    // Jobs.
    void take_parts(const ListName& list, Home& home, const ListNews& news);
    void take_read(const ListName& list, Home& home, const ListNews& news);
    void settle_read(const ListName& list, Home& home, const ListNews& news);
    void read_before(const ListName& list, Home& home, const ListNews& news);
    void plan_parts(const ListName& list, Home& home, const ListNews& news);
    void fetch_parts(const ListName& list, Home& home);
    void take_part(const ListName& list, Home& home, const std::string& digest,
                   const std::optional<nats::StoredMessage>& found);
    void judge(const ListName& list, Home& home);
    void take_target(const ListName& list, Home& home, const ListNews& news);
    void take_answer(const ListName& list, Home& home, const Operation& operation);
    void keep_up(const ListName& list, Home& home);
    void purge(const ListName& list, Home& home, const std::string& manifest);
    void ask_whole(const ListName& list, Home& home, const std::string& actor);

    // Looking.
    void look(const ListName& list, Home& home);
    void ask_when_due(const ListName& list, const ListSpec& spec);
    void tell_targets(const ListName& list, Home& home, const ListSpec& spec);
    void raise(const ListName& list, Home& home, const ListSpec& spec);
    void raise(const ListName& list, const std::pair<std::string, PlatformId>& about,
               const std::string& reason);
    void change_exception(const ListName& list, const std::pair<std::string, PlatformId>& about,
                          const std::string& reason, const Found& found);

    /// Reads the newest message; `take` gets the home, if that is still at the same attempt.
    void get(const ListName& list, Home& home, std::string_view stream, const std::string& subject,
             std::function<void(Home&, const Found&)> take);
    [[nodiscard]] std::uint64_t token(std::function<void(const Result<std::uint64_t>&)> then);
    [[nodiscard]] Home* home(const ListName& list);
    void on_published(std::uint64_t token, const Result<std::uint64_t>& sequence) override;
    void on_delivered(std::uint64_t token) override { on_published(token, std::uint64_t{0}); }

    nats::Link& link_;
    const Clock& clock_;
    const HubOptions& options_;
    HubCounters& counters_;
    Policies& policies_;
    ReliablePublisher& effects_;
    std::map<ListName, Home> homes_;
    std::map<std::uint64_t, std::function<void(const Result<std::uint64_t>&)>> waiting_;
    std::uint64_t tokens_ = 0;
    std::uint64_t attempts_ = 0;
    Duration look_at_{0};
    std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

}  // namespace syncline::hub
