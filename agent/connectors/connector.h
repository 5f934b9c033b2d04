#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <tuple>
#include <vector>

#include "agent/core/quota.h"
#include "shared/base/result.h"
#include "shared/base/timestamp.h"
#include "shared/model/command.h"
#include "shared/model/ids.h"
#include "shared/model/value.h"

namespace syncline::agent {

/// A record as its platform holds it, mapped to canonical fields.
struct Record {
    ObjectName object;
    RecordId id;
    bool deleted = false;
    Fields fields;         ///< Every mapped field that the platform told.
    bool partial = false;  ///< The platform told only some (a push, an unchanged TOASTed column).
    std::optional<EntityId> marker;  ///< From the marker field, if the object has one.
    std::string version;             ///< The platform's own version or stamp; may be empty.
    Timestamp changed_at;            ///< As the platform says; 0 if it says nothing.
};

/// A position in what a platform has to tell; the connector's own text. Empty is the beginning.
struct Cursor {
    std::string text;
    friend bool operator==(const Cursor&, const Cursor&) = default;
};

/// One look at the platform. Records seen again are harmless: the agent compares digests.
struct Batch {
    std::vector<Record> records;
    Cursor next;        ///< Where to go on; stored in the same transaction as the records.
    bool more = false;  ///< There is more at once; otherwise wait for the poll interval.
    /// What could not be mapped: kept and shown, the rest flows.
    struct Reject {
        ObjectName object;
        std::string id;      ///< May be empty: a record without key.
        std::string reason;  ///< What, where, why.
        std::string raw;     ///< The platform's own text, cut at 16 KiB.
    };
    std::vector<Reject> rejects;
    /// What is certain of a mapping, unlike a field that a record leaves out.
    struct Looked {
        ObjectName object;
        std::vector<FieldName> absent;  ///< Mapped, and the platform has no such column (any more).
    };
    std::vector<Looked>
        looked;  ///< Of each object whose table was looked at, with none absent too.
    /// For the log, where nothing is lost yet but somebody should look: an object that cannot be
    /// read while the others can, records that the platform sent without being asked.
    std::vector<std::string> notes;
};

/// What a platform has said by itself: which records changed, never what they hold now. It may come
/// twice, late, in any order, and say too much; reading tells all of it, too, only later.
struct Pushed {
    struct Touched {
        ObjectName object;
        RecordId record;
        bool only_if_known = false;  ///< One that the agent has not met may not be of the object.
    };
    std::vector<Touched> records;
    bool read = false;     ///< Something changed whose record is not named: read.
    std::string position;  ///< Where to go on; stored in the same transaction as the records.
    std::uint64_t events = 0;
    std::uint64_t own = 0;           ///< Of these, what the agent itself had written.
    Duration pause{0};               ///< Before the next call, as the platform asks.
    std::string trouble;             ///< It listens, but not to all that it should; else empty.
    std::vector<std::string> notes;  ///< For the log.
};

/// What a write did.
struct Written {
    RecordId id;
    bool existed = false;          ///< A create found its record already there (marker, upsert).
    std::optional<Record> record;  ///< The record afterwards, if the platform told it.
};

/// What became of each of several that went to the platform in one call, in the order of asking.
template <class T>
struct Each {
    std::vector<Result<T>> results;
    std::vector<std::string> notes;  ///< For the log: an answer about a record that was not sent.
};

/// Something to be done once. `key` is the same in all attempts of it and in no other.
struct OperationRequest {
    std::string name;  ///< As in the configuration.
    std::string key;
    Fields input;
    Duration limit{std::chrono::minutes{1}};  ///< Longest time for the platform's answer.
};

/// What may be done where nobody knows whether an operation had its effect.
enum class OnDoubt : std::uint8_t {
    kTell,    ///< Nothing: a person must look.
    kRepeat,  ///< Carry it out again: the platform knows it by its key, and does it once.
    kLook,    ///< Look for it by Connector::find_operation().
};
struct OperationTraits {
    std::string name;
    OnDoubt on_doubt = OnDoubt::kTell;
};

/// One platform's door. Retry, back-off, rate limits, circuit breaking, which commands go together
/// and the ledger are the agent's; a connector only speaks. Errors steer: kUnavailable and
/// kThrottled mean nothing happened and it may be tried again, kAmbiguous means that it may have
/// happened, kConflict that the record did not hold what was expected, kNotFound that it is gone,
/// kInvalid that the platform refused for good, kDenied that the credentials do not do.
///
/// Threading: an object is used by one thread at a time. The agent makes one for reading and a
/// few for writing. No call may outlast its own time limit or ignore `stop` for more than a second.
class Connector {
public:
    virtual ~Connector() = default;

    /// Opens sessions. Called before the first use and again, with back-off, after kUnavailable
    /// from any call. Harmless when repeated.
    virtual Result<void> connect(std::stop_token stop) = 0;

    /// Records changed after `from`, at most about `max`. With `full`, all records from `from` on,
    /// whether changed or not.
    virtual Result<Batch> read(const Cursor& from, std::size_t max, std::stop_token stop) = 0;

    /// Whether read() will find what it needs beside the records: a publication, triggers. Changes
    /// nothing. Notes of what need not be wrong.
    virtual Result<std::vector<std::string>> check_reading(std::stop_token stop) {
        std::ignore = stop;
        return {};
    }

    /// The start of a full read of one or all objects, in the form of a cursor for read().
    virtual Cursor full_read_start() const { return {}; }

    /// The same for a cursor that began at full_read_start(), beside the reading that goes on: what
    /// read() and stored() stand at is not touched. For comparing, so what is read may be a little
    /// older or newer than what read() has told.
    virtual Result<Batch> survey(const Cursor& from, std::size_t max, std::stop_token stop) {
        return read(from, max, stop);
    }

    /// How many records a full read of all objects would show now, for a progress bar: asked once
    /// when one begins, or goes on after a start. kUnsupported: that cannot be told, or costs as
    /// much as reading them.
    virtual Result<std::uint64_t> count(std::stop_token stop) {
        std::ignore = stop;
        return fail(ErrorKind::kUnsupported, "this platform is not asked how many records it has");
    }

    /// Tells a push source that everything up to `stored` is durable here (logical replication
    /// confirms its LSN, a file is moved to done/). Called after each stored batch.
    virtual Result<void> stored(const Cursor& stored) {
        std::ignore = stored;
        return {};
    }

    /// Waits until the platform says that something changed, after what `position` stands for, or
    /// as long as one of its answers takes; empty is from now on. Only if traits() has `push`. Any
    /// error: it cannot be heard now, and is tried again. Used by a thread and a connector of its
    /// own, and connect() is not called.
    virtual Result<Pushed> listen(const std::string& position, std::stop_token stop) {
        std::ignore = position;
        std::ignore = stop;
        return fail(ErrorKind::kUnsupported, "this platform says nothing by itself");
    }

    /// One record now; nullopt if it does not exist (any more).
    virtual Result<std::optional<Record>> fetch(const ObjectName& object, const RecordId& id,
                                                std::stop_token stop) = 0;

    /// The record whose marker field holds `entity`; nullopt if there is none. kUnsupported: the
    /// platform has no marker, so a create in doubt cannot be verified.
    virtual Result<std::optional<Record>> find(const ObjectName& object, const EntityId& entity,
                                               std::stop_token stop) = 0;

    /// Makes the record hold what the command says. `command.record` is set except for creates,
    /// which must write the marker `command.entity.entity` where the object has one.
    virtual Result<Written> write(const Command& command, std::stop_token stop) = 0;

    /// How many commands like this one write_all() takes; 1: it goes by itself. Touches no network.
    [[nodiscard]] virtual std::size_t write_max(const Command& command) const {
        std::ignore = command;
        return 1;
    }
    /// write() of commands of one object, kind and origin, each of another record, in one call.
    /// What one of them came to is told of that one; kAmbiguous: the platform does not say. An
    /// error of the whole is that of each; kUnsupported: nothing happened, as they were refused
    /// together: each goes by itself, so that the right one is told.
    virtual Result<Each<Written>> write_all(const std::vector<Command>& commands,
                                            std::stop_token stop) {
        std::ignore = commands;
        std::ignore = stop;
        return fail(ErrorKind::kUnsupported, "this platform takes one record at a time");
    }
    /// The same for fetch(). kUnsupported, of the whole or of one: each, or that one, is fetched
    /// by itself.
    [[nodiscard]] virtual std::size_t fetch_max(const ObjectName& object,
                                                const RecordId& id) const {
        std::ignore = object;
        std::ignore = id;
        return 1;
    }
    virtual Result<Each<std::optional<Record>>> fetch_all(const ObjectName& object,
                                                          const std::vector<RecordId>& ids,
                                                          std::stop_token stop) {
        std::ignore = object;
        std::ignore = ids;
        std::ignore = stop;
        return fail(ErrorKind::kUnsupported, "this platform shows one record at a time");
    }

    /// Answers a question that is named in the configuration, at once and without doing anything:
    /// the output's fields by name. kNotFound: the platform does not know what is asked about.
    /// kInvalid: it refuses the question. kUnsupported: there is no such question.
    virtual Result<Value> ask(const std::string& name, const Fields& input, std::stop_token stop) {
        std::ignore = input;
        std::ignore = stop;
        return fail(ErrorKind::kUnsupported, "the question `" + name + "` is not answered here");
    }
    /// Those that ask() answers, sorted.
    [[nodiscard]] virtual std::vector<std::string> questions() const { return {}; }

    /// Carries out an operation that is named in the configuration: the output's fields by name.
    /// kInvalid, kNotFound, kConflict: the platform refuses it, for good. kUnsupported: there is no
    /// such operation. kAmbiguous, and any other kind than those of the class comment: it may have
    /// been carried out.
    virtual Result<Value> operate(const OperationRequest& request, std::stop_token stop) {
        std::ignore = stop;
        return fail(ErrorKind::kUnsupported,
                    "there is no operation `" + request.name + "` on this platform");
    }
    /// Whether it was carried out: what it came to; nullopt if it was not, for certain. Only of
    /// those whose OnDoubt is kLook.
    virtual Result<std::optional<Value>> find_operation(const OperationRequest& request,
                                                        std::stop_token stop) {
        std::ignore = stop;
        return fail(ErrorKind::kUnsupported, "`" + request.name + "` cannot be looked for");
    }
    /// Those that operate() carries out, sorted.
    [[nodiscard]] virtual std::vector<OperationTraits> operations() const { return {}; }

    /// What `fields` read back as once the platform stored them, by the mapping's own rules.
    [[nodiscard]] virtual Fields normal_form(const ObjectName& object, const Fields& fields) const {
        std::ignore = object;
        return fields;
    }

    /// Pause that the last kThrottled asked for, measured from now; zero if it did not say.
    [[nodiscard]] virtual Duration throttle_pause() const { return Duration{0}; }

    /// What was sent since this was called last, and what the platform said of its quota. A
    /// connector that does not count says one call.
    [[nodiscard]] virtual CallCost take_cost() { return {}; }

    /// Of a platform that says what changed.
    struct Push {
        std::size_t fetches_max =
            50;                  ///< Where more records are named at once, reading is cheaper.
        Duration read_after{0};  ///< How long after a change read() is certain to show it.
        friend bool operator==(const Push&, const Push&) = default;
    };
    /// What the agent may rely on.
    struct Traits {
        bool create_is_idempotent = false;  ///< Upsert by a unique external id.
        bool has_marker = false;            ///< find() works.
        bool can_fetch = true;              ///< fetch() works; else what is read is all there is.
        bool waits_for_changes = false;     ///< read() blocks until there is something (up to 1 s).
        /// While a batch is stored after which there is more, that may be read: stored() of the
        /// former comes after the read(), perhaps never.
        bool reads_ahead = false;
        Duration read_back_lag{0};      ///< How long a read may lag behind a write.
        QuotaSettings quota;            ///< Limit and window, unless they are declared.
        std::optional<Push> push = {};  ///< listen() works, and is wanted.
        std::size_t batch_max = 1;      ///< The most that write_max() or fetch_max() say.
    };
    [[nodiscard]] virtual Traits traits() const = 0;
};

}  // namespace syncline::agent
