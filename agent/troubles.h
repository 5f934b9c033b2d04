#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "agent/commit_queue.h"
#include "agent/connectors/connector.h"
#include "agent/core/field_watch.h"
#include "agent/environment.h"
#include "agent/settings.h"
#include "agent/store.h"
#include "shared/model/trouble.h"

namespace syncline::agent {

/// Tells the hub what is wrong with what the platform tells of an object as a whole, and when it is
/// over: mapped fields that are in its records no more, and records that cannot be used. Says
/// fields and numbers, nothing of a record. What was told last is in the store. Threading: the
/// agent's.
class Troubles {
public:
    struct Parts {
        const Environment& environment;
        const AgentSettings& settings;
        Store& store;
        CommitQueue& commits;
    };
    explicit Troubles(const Parts& parts) : p_(parts) {}

    /// Takes up what the store remembers. `is_new`: nothing was read of the platform before.
    [[nodiscard]] Result<void> start(bool is_new);
    /// Which fields a record tells. Nothing: it is not watched, or does not say.
    struct Sight {
        ObjectName object;
        FieldWatch::Sight fields;
    };
    [[nodiscard]] std::optional<Sight> sight(const Record& record) const;
    /// Records that were not as they were before, once that is stored.
    void saw(const std::vector<Sight>& sights);
    /// A reconciliation reads the platform whole, from the beginning to the end.
    void survey_begins();
    void surveyed(const std::vector<Record>& records);
    void survey_ends();
    /// What a connector found where it looked.
    void looked(const std::vector<Batch::Looked>& objects);
    /// Mapped fields that the object's records do not have (any more).
    [[nodiscard]] std::vector<FieldName> unseen(const ObjectName& object, bool read_whole) const;
    /// A record that cannot be used was kept.
    void rejected() { is_news_ = true; }
    /// The hub may have lost what it was told.
    void retell() { retell_ = is_news_ = true; }
    /// `read_whole`: everything that there is has been read at least once.
    void pump(bool read_whole);
    [[nodiscard]] Duration next_deadline() const;

private:
    using Place = std::pair<ObjectName, TroubleKind>;
    struct Finding {
        std::string reason;       ///< Empty: there is no trouble.
        std::uint64_t count = 0;  ///< Of fields, or of records.
        std::set<std::string> fields;
    };
    struct Told {
        Timestamp since;
        Finding finding;
        Duration at{0};  ///< When, by the steady clock; 0: before this start.
    };
    /// What a look comes to, once it is stored.
    struct Looked {
        std::map<Place, Told> told;
        std::vector<std::string> notes;
    };
    [[nodiscard]] Looked look(Transaction& transaction, bool read_whole);
    [[nodiscard]] Finding missing_fields(const MappedObject& object, bool read_whole) const;
    [[nodiscard]] Finding unusable(Transaction& transaction, const MappedObject& object) const;
    void compare(Transaction& transaction, Looked& looked, const Place& place, Finding finding);
    void tell(Transaction& transaction, const Place& place, Timestamp since,
              const std::string& reason);
    static std::string text_of(const std::map<Place, Told>& told);
    void take_up(std::string_view text);

    Parts p_;
    std::map<ObjectName, FieldWatch> watches_;
    std::map<Place, Told> told_;  ///< What stands at the hub.
    std::uint64_t rejects_ = 0;   ///< As they were looked at last.
    bool is_news_ = true;         ///< There may be something to tell.
    bool retell_ = true;          ///< After a start, too.
    bool remembers_ = false;      ///< The store knows what was told.
    bool busy_ = false;
    Duration look_at_{0};
};

}  // namespace syncline::agent
