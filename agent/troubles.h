#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "agent/commit_queue.h"
#include "agent/core/field_watch.h"
#include "agent/environment.h"
#include "agent/settings.h"
#include "agent/store.h"
#include "shared/model/trouble.h"

namespace syncline::agent {

/// Tells the hub what is wrong with what the platform tells of an object as a whole, and when it is
/// over: mapped fields that are in its records no more, and records that cannot be used. Says no
/// values of records. What was told last is in the store. Threading: the agent's.
class Troubles {
public:
    struct Parts {
        const Environment& environment;
        const AgentSettings& settings;
        Store& store;
        CommitQueue& commits;
    };
    explicit Troubles(const Parts& parts) : p_(parts) {}

    /// Takes up what the store remembers.
    [[nodiscard]] Result<void> start();
    /// A record that is there, as it was read, and not as it was before.
    void read(const Record& record);
    /// One that cannot be used was kept.
    void rejected() { is_news_ = true; }
    /// `read_whole`: everything that there is has been read at least once.
    void pump(bool read_whole);
    [[nodiscard]] Duration next_deadline() const;

private:
    using Place = std::pair<ObjectName, TroubleKind>;
    struct Told {
        Timestamp since;
        std::string reason;
        Duration at{0};  ///< When, by the steady clock; 0: before this start.
    };
    using AllTold = std::map<Place, Told>;
    [[nodiscard]] AllTold look(Transaction& transaction, bool read_whole);
    [[nodiscard]] std::string fields_reason(const ObjectName& object, bool read_whole) const;
    void compare(Transaction& transaction, AllTold& all, const Place& place, std::string reason);
    void tell(Transaction& transaction, const Place& place, const Told& told);
    static void save(Transaction& transaction, const AllTold& all);
    void take_up(const std::string& text);

    Parts p_;
    std::map<ObjectName, FieldWatch> watches_;
    AllTold told_;               ///< What stands at the hub.
    std::uint64_t rejects_ = 0;  ///< As they were looked at last.
    bool is_news_ = true;        ///< There may be something to tell.
    bool retell_ = true;         ///< After a start: the hub may have lost it.
    bool busy_ = false;
    Duration look_at_{0};
};

}  // namespace syncline::agent
