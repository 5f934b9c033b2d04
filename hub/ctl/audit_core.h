#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "hub/core/state.h"
#include "shared/base/sha256.h"
#include "shared/base/timestamp.h"
#include "shared/model/ids.h"

/// Is the decision log what the hubs wrote? Each entry names the hash of the entity's entry before
/// it, and the entity's state the hash of the newest one. Pure: the command reads, this judges.
namespace syncline::ctl {

struct AuditProblem {
    enum class Kind : std::uint8_t {
        kDamaged,      ///< An entry cannot be read, or is not about the subject that it stands at.
        kAltered,      ///< An entry is not the one that the next one was written after.
        kMissing,      ///< Entries between two of an entity are not there.
        kMoved,        ///< An entry stands behind one that was written after it.
        kTail,         ///< The newest entries of an entity are not there.
        kRemoved,      ///< Messages are gone from inside the stream, or before their time.
        kContradicts,  ///< An entry is another than the anchor says.
        // What no one did: what a lost store leaves behind.
        kBeginsAnew,  ///< The state was lost, and with it what came before.
        kWentBack,    ///< The store went back: later entries were given up.
    };
    Kind kind = Kind::kDamaged;
    EntityKey entity;  ///< Empty if it is about the stream.
    std::uint64_t sequence = 0;
    std::string what;
};
/// Stable codes: "audit.altered".
[[nodiscard]] const char* code_of(AuditProblem::Kind kind);
/// Does a lost store explain it? Else somebody did it, or a disk.
[[nodiscard]] bool is_by_loss(AuditProblem::Kind kind);

/// The newest entry of an entity, as somebody outside keeps it.
struct AuditHead {
    EntityKey entity;
    std::uint64_t version = 0;
    std::string hash;
};

/// Takes the log in the order of the stream, and then the states.
class Audit {
public:
    struct Stream {
        std::uint64_t first = 0;
        std::uint64_t last = 0;
        Timestamp now;
        Duration max_age{0};  ///< 0: entries are kept for ever.
    };
    /// `anchor`: heads of an earlier time that must still stand.
    Audit(Stream stream, std::vector<AuditHead> anchor);

    void take(std::string_view subject, std::uint64_t sequence, Timestamp stored_at,
              std::string_view body);
    /// All that was stored has been taken.
    void end_of_log();
    /// What a state says of its newest entry. False: the log has another one as the newest, which
    /// may be because it is older than the state: ask for the newest of now, and take_newest() it.
    [[nodiscard]] bool take_state(const hub::EntityState& state);
    void take_newest(const hub::EntityState& state, std::optional<std::string_view> body);

    std::uint64_t entries = 0;
    std::uint64_t repeated = 0;   ///< The same entry once more, by a hub that came back.
    std::uint64_t unchained = 0;  ///< By hubs that did not chain yet.
    std::uint64_t states = 0;
    std::uint64_t anchored = 0;  ///< Of the anchor's heads: found as they were.
    /// Earlier entries of an entity that an entry of it says are erased, by a person's word: that
    /// they are not there is no problem.
    struct Erasure {
        std::uint64_t sequence = 0;  ///< Of the entry that says it.
        std::uint64_t entries = 0;
    };
    [[nodiscard]] const std::map<EntityKey, Erasure>& erasures() const { return erasures_; }
    [[nodiscard]] std::size_t entities() const { return heads_.size(); }
    [[nodiscard]] std::vector<AuditHead> heads() const;
    std::vector<AuditProblem> problems;

private:
    struct Entry {
        std::uint64_t version = 0;
        Sha256 hash{};
    };
    struct Chain {
        std::vector<Entry> newest;  ///< The last few, oldest first.
        bool chained = false;
    };
    /// Sequences that are not there, judged once all that may excuse it was read.
    struct Gap {
        std::uint64_t first = 0;
        std::uint64_t last = 0;
        std::uint64_t before = 0;  ///< What stands behind it.
        const char* how = "";
    };
    void check_place(std::uint64_t sequence, Timestamp stored_at);
    void judge_gaps();
    void excuse_erased();
    void check_link(Chain& chain, const EntityKey& entity, std::uint64_t sequence,
                    const Entry& entry, const std::string& previous);
    void add(AuditProblem::Kind kind, const EntityKey& entity, std::uint64_t sequence,
             std::string what);

    Stream stream_;
    std::uint64_t position_ = 0;
    std::vector<Gap> gaps_;
    std::set<std::uint64_t> erased_;
    std::map<EntityKey, Erasure> erasures_;
    std::unordered_map<EntityKey, Chain> heads_;
    std::unordered_map<EntityKey, AuditHead> anchor_;
};

}  // namespace syncline::ctl
