#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/connectors/connector.h"
#include "tests/simulation/world.h"

namespace syncline::sim {

enum class Writer : std::uint8_t { kUser, kAutomation, kSyncline };

/// One applied change of one record: what really happened, for the checkers.
struct Mutation {
    struct Field {
        FieldName name;
        Value before;
        Value after;
        Value expected;  ///< Of Syncline: what the hub believed the field to hold.
    };
    Duration at{0};
    Writer writer = Writer::kUser;
    RecordKey key;
    bool created = false;
    bool deleted = false;
    std::vector<Field> fields;  ///< Of Syncline: all that were commanded, changed or not.
    std::string kid;            ///< Idempotency key of the command; empty for others.
    EntityKey entity;
    std::uint64_t generation = 0;
    std::uint64_t fence = 0;
    Partition partition;
    Fields expected;
};

/// How a platform behaves for good.
struct PlatformNature {
    PlatformId id;
    bool upsert = false;       ///< A create with a known external id updates.
    bool marker = true;        ///< Holds the entity's id in a field and finds by it.
    bool tells_record = true;  ///< A write answers with the record.
    bool conditional = false;  ///< A write is refused if the expected values are not there.
    bool revives = false;      ///< A deleted record may come back under its id.
    bool trims = true;
    int decimals = 4;
    bool knows_keys = true;     ///< An operation's key: it is done once. Else it can be looked for.
    bool picky = false;         ///< Refuses text that contains an exclamation mark.
    std::size_t batch_max = 1;  ///< Records that it takes or shows in one call.
    Duration lag{0};            ///< Reads may be this old.
    Duration overlap = std::chrono::seconds{3};  ///< Longest transaction.
    /// When `when` changes, `set` is made from it, in the same transaction.
    struct Derived {
        FieldName when;
        FieldName set;
    };
    std::vector<Derived> derived;
    std::optional<FieldName> stubborn;  ///< Set to a fixed text by every write.
};

/// What goes wrong for a while. Chances are per million.
struct PlatformTrouble {
    bool outage = false;
    bool denied = false;
    std::uint64_t unavailable = 0;        ///< Refused before anything is applied.
    std::uint64_t ambiguous_applied = 0;  ///< Applied, and the answer is lost.
    std::uint64_t ambiguous_lost = 0;     ///< Not applied, and the answer is lost.
    std::uint64_t late = 0;               ///< Applied after the caller has given up waiting.
    std::uint64_t throttled = 0;
    std::uint64_t slow = 0;
    std::uint64_t late_commit = 0;  ///< A user's transaction that stays open for a while.
};

/// Fields that a later policy may rename. Nobody brings the platforms' agents up to date: they know
/// the first name only.
struct RenamedField {
    std::string_view first;
    std::string_view later;
};
inline constexpr RenamedField kRenamedFields[] = {
    {"alias", "nickname"}, {"credit", "credit_line"}, {"phone", "mobile"}};
/// What the platforms call a field of whatever policy.
[[nodiscard]] FieldName native_name(const FieldName& field);
/// What an agent's mapping leaves of the fields: those that it knows.
[[nodiscard]] Fields mapped(const Fields& fields);

/// A business system with users of its own, seen from outside by a connector.
class Platform {
public:
    Platform(World& world, PlatformNature nature)
        : world_(world), nature_(std::move(nature)), reread_(nature_.overlap + nature_.lag) {}

    struct Version {
        Duration visible{0};
        Duration stamp{0};
        Fields fields;
        bool deleted = false;
        std::optional<EntityId> marker;
    };
    struct Row {
        RecordKey key;
        std::vector<Version> versions;
        Duration locked_until{0};
        [[nodiscard]] const Version& current() const { return versions.back(); }
        [[nodiscard]] const Version* as_of(Duration time) const;
    };

    [[nodiscard]] const PlatformNature& nature() const { return nature_; }
    /// Planted: reads do not go back.
    void forget_overlap() { reread_ = Duration{0}; }
    [[nodiscard]] const std::string& name() const { return nature_.id.text; }
    PlatformTrouble trouble;

    // ---- Users.
    RecordId create(const ObjectName& object, Fields fields, Writer writer = Writer::kUser);
    /// False if it is gone or somebody else is at it.
    bool edit(const RecordId& id, const Fields& fields, Writer writer = Writer::kUser);
    bool remove(const RecordId& id);
    bool revive(const RecordId& id, Fields fields);

    // ---- What a connector sees.
    Result<agent::Written> apply(const Command& command);
    [[nodiscard]] std::optional<agent::Record> read(const RecordId& id, Duration as_of) const;
    [[nodiscard]] std::optional<agent::Record> find(const EntityId& entity, Duration as_of) const;
    [[nodiscard]] agent::Batch list(const agent::Cursor& from, std::size_t max,
                                    Duration as_of) const;
    [[nodiscard]] agent::Cursor full_read_start() const;
    [[nodiscard]] Fields normal_form(const Fields& fields) const;

    // ---- Operations of workflows.
    Result<Value> operate(const agent::OperationRequest& request);
    [[nodiscard]] std::optional<Value> find_operation(const std::string& key) const;

    // ---- Ground truth.
    /// How often each operation was carried out, by key.
    [[nodiscard]] const std::map<std::string, int>& operations() const { return operations_; }
    [[nodiscard]] const std::map<RecordId, Row>& rows() const { return rows_; }
    [[nodiscard]] const std::vector<Mutation>& log() const { return log_; }

private:
    Mutation begin(const RecordKey& key, Writer writer) const;
    void commit(Row& row, Version next, Mutation mutation, Duration stamp);
    void automate(Version& next, Mutation& mutation, const Fields& before) const;
    void set(Version& next, Mutation& mutation, const FieldName& name, const Value& value) const;
    [[nodiscard]] agent::Record to_record(const Row& row, const Version& version) const;
    Result<agent::Written> apply_create(const Command& command);
    Result<agent::Written> apply_update(Row& row, const Command& command, bool existed);
    [[nodiscard]] Result<void> validate(const Fields& fields) const;
    [[nodiscard]] agent::Written answer(const Row& row, bool existed) const;
    [[nodiscard]] Mutation of_command(const RecordKey& key, const Command& command) const;

    World& world_;
    PlatformNature nature_;
    /// How far a read goes back before its cursor: a transaction takes so long, and a page may come
    /// from a replica that lags behind the one of the page before.
    Duration reread_;
    std::map<RecordId, Row> rows_;
    std::vector<Mutation> log_;
    std::map<std::string, int> operations_;
    std::uint64_t ids_ = 0;
};

}  // namespace syncline::sim
