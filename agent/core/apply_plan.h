#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "agent/connectors/connector.h"
#include "shared/base/result.h"
#include "shared/model/command.h"
#include "shared/model/outcome.h"

/// What to do with a command: all the rules that keep an effect on a platform from happening twice,
/// out of order or unnoticed. Values in, values out; commands.h performs what is decided here.
namespace syncline::agent {

enum class LedgerState : std::uint8_t {
    kIntent = 0,      ///< About to be sent, or sent: without a result it is in doubt.
    kNotApplied = 1,  ///< Known to have had no effect: may be tried again.
    kInDoubt = 2,     ///< Sent, and the result is unknown: read back before anything else.
    kDone = 3,        ///< Finished, `status` says how; its outcome is in the spool.
};

/// What the agent remembers of the newest command it took up for an entity.
struct LedgerEntry {
    std::uint64_t generation = 0;
    LedgerState state = LedgerState::kIntent;
    OutcomeStatus status = OutcomeStatus::kApplied;  ///< Of kDone.
    std::uint32_t attempts = 0;                      ///< That counted against the budget.
    std::optional<RecordId> record;
    std::string command;  ///< Encoded; empty once done.
};

enum class Admission : std::uint8_t {
    kExecute,   ///< New, or known to have had no effect.
    kVerify,    ///< The same command was under way when the agent stopped.
    kStale,     ///< The ledger holds it or a newer one, or it was told to a store that is no more.
    kDoubtful,  ///< An earlier create may have made the record, and nobody has looked.
    kFenced,    ///< A newer holder of its partition has commanded before.
};
/// A hub's clock and the broker's, at most: see hub/broker_time.h.
constexpr Duration kHubClockOff{std::chrono::seconds{5}};

struct Admitting {
    std::uint64_t fence_max = 0;  ///< The greatest seen for the command's partition.
    /// When this store was new, by the broker's clock. What was decided before may have been
    /// carried out by one that was lost, and stands again behind what this one began with, if a hub
    /// that is not sure that it was stored tells it once more. What a hub decides when it has been
    /// refused is of a later generation, whatever the time is there.
    Timestamp began;  ///< 0: not known.
};
[[nodiscard]] Admission admit(const Command& command, const std::optional<LedgerEntry>& ledger,
                              const Admitting& admitting);

/// A create that the platform would do twice is preceded by a look for its record.
enum class FirstStep : std::uint8_t { kWrite, kLook };
[[nodiscard]] FirstStep first_step(CommandKind kind, const Connector::Traits& traits);

enum class AfterWrite : std::uint8_t {
    kApplied,   ///< And the answer says what the record holds, where that matters.
    kReadBack,  ///< Done, but what the record holds now must be read.
    kRetry,     ///< Nothing happened; the platform could not be reached.
    kPause,     ///< Nothing happened; the platform asks for a pause.
    kVerify,    ///< It may have happened.
    kRejected,  ///< Refused for good.
    kConflict,  ///< The record did not hold what was expected.
    kGone,      ///< The record does not exist.
    kDenied,    ///< The credentials do not do.
};
[[nodiscard]] AfterWrite after_write(CommandKind kind, const Result<Written>& result);

/// How a write whose result is unknown can be cleared up.
enum class Proof : std::uint8_t {
    kFetch,   ///< Read the record and compare.
    kFind,    ///< Look for the record by its marker.
    kRepeat,  ///< The platform makes one of two.
    kNone,    ///< Not at all: a person decides.
};
[[nodiscard]] Proof proof_for(CommandKind kind, const Connector::Traits& traits);

enum class AfterLook : std::uint8_t {
    kApplied,     ///< The record is as the command wants it.
    kWriteAgain,  ///< It certainly has had no effect (or setting it again is harmless).
    kFound,       ///< A create's record is there, whatever it holds by now.
    kLookAgain,   ///< A create's record is not there, but one look is not enough: wait, look.
    kGone,        ///< The record to be updated does not exist.
    kEdited,      ///< Somebody has set other values since: the hub decides again.
};
/// What the record holds in the command's fields.
enum class Held : std::uint8_t {
    kWanted,    ///< What the command sets.
    kExpected,  ///< What was there before, as the hub knew it.
    kOther,
};
/// `looks`: how many there were, with this.
[[nodiscard]] AfterLook after_look(CommandKind kind, const std::optional<Record>& found, Held held,
                                   std::uint32_t looks);
/// Looks for a create's record, a read-back lag apart, that must fail before it is made again.
inline constexpr std::uint32_t kLooksBeforeCreate = 2;

/// True if `record` has every field of `wanted`, and with that value. Both in normal form.
[[nodiscard]] bool holds(const Record& record, const Fields& wanted);
/// `wanted`: the command's fields in normal form.
[[nodiscard]] Held what_holds(const Record& record, const Command& command, const Fields& wanted);

}  // namespace syncline::agent
