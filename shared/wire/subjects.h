#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "shared/base/result.h"
#include "shared/model/hold.h"
#include "shared/model/ids.h"
#include "shared/model/trouble.h"

/// Every subject, stream and bucket that Syncline uses (design.md 5). Nothing else spells one.
namespace syncline::subjects {

inline constexpr std::string_view kPrefix = "sync";

inline constexpr std::string_view kStreamIn = "SYNC_IN";
inline constexpr std::string_view kStreamState = "SYNC_STATE";
inline constexpr std::string_view kStreamCommands = "SYNC_CMD";
inline constexpr std::string_view kStreamEvents = "SYNC_EVT";
inline constexpr std::string_view kStreamExceptions = "SYNC_EXC";
inline constexpr std::string_view kStreamLog = "SYNC_LOG";
/// The streams behind the key-value buckets `sync_lease`, `sync_agent` and `sync_policy`.
inline constexpr std::string_view kStreamLease = "KV_sync_lease";
inline constexpr std::string_view kStreamAgent = "KV_sync_agent";
inline constexpr std::string_view kStreamPolicy = "KV_sync_policy";

/// The stream that takes a subject of ours; empty for one that none stores.
[[nodiscard]] std::string_view stream_of(std::string_view subject);

/// Reversible: letters, digits, `-` and `_` stand for themselves, any other byte is `=XX` in hex.
/// An empty text is `=`, so a token is never empty.
[[nodiscard]] std::string encode_token(std::string_view text);
/// kInvalid: not something that encode_token() makes.
[[nodiscard]] Result<std::string> decode_token(std::string_view token);

// Inputs to the hub (SYNC_IN).
[[nodiscard]] std::string change(const RecordKey& record, Partition partition);
[[nodiscard]] std::string outcome(const PlatformId& platform, const EntityKey& entity,
                                  Partition partition);
/// What an agent holds of a partition after the reconciliation `run`.
[[nodiscard]] std::string inventory(const PlatformId& platform, Partition partition,
                                    std::string_view run);
/// What an agent tells of a lane that it holds, or held.
[[nodiscard]] std::string hold(const PlatformId& platform, Partition partition, const Lane& lane);
/// What an agent tells of a trouble with what its platform tells (Trouble).
[[nodiscard]] std::string trouble(const PlatformId& platform, Partition partition,
                                  const ObjectName& object, TroubleKind kind);
/// What an agent tells of a list (ListNews); `id` tells it from others.
[[nodiscard]] std::string list_news(const PlatformId& platform, Partition partition,
                                    const ListName& list, std::string_view id);
/// An operator's action; `kind` is `accept`, `reject`, `retry`, ...
[[nodiscard]] std::string operation(Partition partition, std::string_view kind,
                                    std::string_view id);
[[nodiscard]] std::string all_operations();
/// Everything that goes to one partition.
[[nodiscard]] std::string inputs_of(Partition partition);
/// Everything that an agent tells.
[[nodiscard]] std::string inputs_from(const PlatformId& platform);
[[nodiscard]] std::string all_inputs();

/// What became of the operation of that key (OperationResult).
[[nodiscard]] std::string operation_result(const PlatformId& platform, Partition partition,
                                           std::string_view key);
/// Something for an instance of a workflow, whoever says it; in the instance's partition.
[[nodiscard]] std::string instance_input(Partition partition, std::string_view instance);

enum class InputKind {
    kChange,
    kOutcome,
    kInventory,
    kHold,
    kTrouble,
    kList,
    kOperationResult,
    kOperation,
    kInstance
};
struct InputSubject {
    InputKind kind = InputKind::kChange;
    PlatformId platform;  ///< Empty for kOperation and kInstance.
    Partition partition;
    /// Operation: its kind. Result of an operation: the instance. Inventory: nothing of interest.
    std::string object;
    /// Record id, entity id, operation id, instance, run, step, direction of the lane, ...
    std::string key;
};
/// kInvalid: not an input subject.
[[nodiscard]] Result<InputSubject> parse_input(std::string_view subject);

/// Puts a version of the policy in force, from this place of the stream on; for every hub.
[[nodiscard]] std::string policy_activation();

/// Whatever was told of the record, of the entity's commands; all operations of a partition.
[[nodiscard]] std::string changes_of(const RecordKey& record);
[[nodiscard]] std::string outcomes_of(const EntityKey& entity);
[[nodiscard]] std::string operations_of(Partition partition);

// State (SYNC_STATE).
[[nodiscard]] std::string entity(const EntityKey& key, Partition partition);
[[nodiscard]] std::string entities_of(Partition partition);
[[nodiscard]] std::string entities_of(const ObjectName& object);
[[nodiscard]] std::string all_entities();
[[nodiscard]] std::string link(const RecordKey& record);
[[nodiscard]] std::string links_of(const PlatformId& platform);
[[nodiscard]] std::string match_key(const ObjectName& object, std::string_view rule,
                                    std::string_view normalised);
[[nodiscard]] std::string mark(Partition partition);
[[nodiscard]] std::string all_marks();
/// What the newest reconciliation of the platform's records came to in a partition.
[[nodiscard]] std::string reconciliation(const PlatformId& platform, Partition partition);
[[nodiscard]] std::string reconciliations_of(Partition partition);
[[nodiscard]] std::string all_reconciliations();
/// What the hubs know of a list (ListState), and a part of it by its digest (ListRows or
/// ListManifest).
[[nodiscard]] std::string list_state(const ListName& list);
[[nodiscard]] std::string all_list_states();
[[nodiscard]] std::string list_part(const ListName& list, std::string_view digest);
[[nodiscard]] std::string list_parts_of(const ListName& list);
/// An instance of a workflow, and what a person is asked about one of its steps; `key` is
/// `workflow/instance/step`.
[[nodiscard]] std::string instance(std::string_view id, Partition partition);
[[nodiscard]] std::string instances_of(Partition partition);
[[nodiscard]] std::string all_instances();
[[nodiscard]] std::string approval(std::string_view key);
[[nodiscard]] std::string approvals_of(std::string_view instance);
[[nodiscard]] std::string all_approvals();
/// How far a webhook has got.
[[nodiscard]] std::string webhook(std::string_view name);
[[nodiscard]] std::string all_webhooks();
/// What an indicator says, and how an alert stands.
[[nodiscard]] std::string indicator(std::string_view name);
[[nodiscard]] std::string all_indicators();
[[nodiscard]] std::string alert(std::string_view name);
[[nodiscard]] std::string all_alerts();
/// That a stream has lost something, by the hub that noticed it. What is stored before it, a mark
/// above all, may not know.
[[nodiscard]] std::string loss();
/// The entity named by a subject that entity() made.
[[nodiscard]] Result<EntityKey> parse_entity(std::string_view subject);
/// The record named by a subject that link() made.
[[nodiscard]] Result<RecordKey> parse_link(std::string_view subject);

// Commands (SYNC_CMD).
[[nodiscard]] std::string command(const PlatformId& platform, const EntityKey& entity);
[[nodiscard]] std::string commands_of(const PlatformId& platform);
/// Those of one entity, of all platforms.
[[nodiscard]] std::string commands_of(const EntityKey& entity);
/// An operation of a workflow (OperationCall), and all of an instance at any platform.
[[nodiscard]] std::string operation_call(const PlatformId& platform, std::string_view key);
[[nodiscard]] std::string operation_calls_of(std::string_view instance);
[[nodiscard]] bool is_operation_call(std::string_view subject);
/// What an agent is asked to read once more from the start: after a loss, the commands of its
/// platform or the platform's records; or the records, to reconcile them (ReconcileRequest) or to
/// tell those that were not told yet (BackfillRequest). The newest message stands; its body names
/// the request.
enum class Again { kCommands, kRecords, kReconcile, kBackfill };
[[nodiscard]] std::string again(const PlatformId& platform, Again what);
/// What the hub knows of records of a partition whose inventory says something else (Retell).
[[nodiscard]] std::string retell(const PlatformId& platform, Partition partition);
/// What a person wants done about a hold of a lane (HoldAnswer).
[[nodiscard]] std::string hold_answer(const PlatformId& platform, const Lane& lane);
/// That a list shall be read (ListRequest), and which generation an agent shall have (ListTake).
enum class ListWish { kRead, kTake };
[[nodiscard]] std::string list_wish(const PlatformId& platform, ListWish wish,
                                    const ListName& list);
struct ListWishSubject {
    ListWish wish = ListWish::kRead;
    ListName list;
};
/// What list_wish() made of it; nothing for any other subject.
[[nodiscard]] std::optional<ListWishSubject> parse_list_wish(std::string_view subject);
/// Whatever these four make, of one platform and of all.
[[nodiscard]] std::string wishes_of(const PlatformId& platform);
[[nodiscard]] std::string all_wishes();
/// Something that again(), retell(), hold_answer() or list_wish() made.
[[nodiscard]] bool is_again(std::string_view subject);
[[nodiscard]] bool is_retell(std::string_view subject);
/// The lane of a subject that hold_answer() made; nothing for any other.
[[nodiscard]] std::optional<Lane> parse_hold_answer(std::string_view subject);

// Exceptions and decisions.
[[nodiscard]] std::string exception(const EntityKey& entity, std::string_view kind);
[[nodiscard]] std::string exceptions_of(const EntityKey& entity);
[[nodiscard]] std::string all_exceptions();
[[nodiscard]] std::string log(const EntityKey& entity);
[[nodiscard]] std::string all_logs();

// Business events. One is the only one of its subject. `key` is what business knows it by.
[[nodiscard]] std::string event(const EntityKey& entity, std::string_view name,
                                std::string_view key, std::string_view generation);
[[nodiscard]] std::string events_of(const EntityKey& entity);
/// Those of an object, or of one event of it; of all if both are empty.
[[nodiscard]] std::string events_of(const ObjectName& object, std::string_view name);
/// Those of an event that have the key.
[[nodiscard]] std::string events_of(const ObjectName& object, std::string_view name,
                                    std::string_view key);
struct EventSubject {
    EntityKey entity;
    std::string name;
    std::string key;
};
/// kInvalid: not the subject of an event.
[[nodiscard]] Result<EventSubject> parse_event(std::string_view subject);

// Without store.
[[nodiscard]] std::string receipts_of(const PlatformId& platform);
[[nodiscard]] std::string all_receipts();
/// A question to a platform, or one that hubs answer by asking several.
[[nodiscard]] std::string ask(const PlatformId& platform, std::string_view name);
[[nodiscard]] std::string ask_hubs(std::string_view name);
[[nodiscard]] std::string asks_of(const PlatformId& platform);
[[nodiscard]] std::string asks_of_hubs();
[[nodiscard]] std::string all_asks();
/// What an agent is called as a service, and where it, and whoever is one, tells about itself.
[[nodiscard]] std::string service_of(const PlatformId& platform);
[[nodiscard]] std::string service_verbs(std::string_view service);
[[nodiscard]] std::string service_info(std::string_view service);  ///< Empty: of all.
[[nodiscard]] std::string all_service_verbs();
/// What a workflow has to say to whoever sent it something; `asker` is of his own choice.
[[nodiscard]] std::string told(std::string_view asker);
[[nodiscard]] std::string all_told();

// Key-value entries: presence of hubs and agents.
[[nodiscard]] std::string hub_presence(const HubId& hub);
[[nodiscard]] std::string all_hub_presence();
[[nodiscard]] std::string agent_presence(const PlatformId& platform);
[[nodiscard]] std::string all_agent_presence();
// Key-value entries: versions of the policy. What a version is made of, where in SYNC_IN it came
// into force, its files by their hash, and who approves of it.
[[nodiscard]] std::string policy_version(std::uint64_t number);
[[nodiscard]] std::string all_policy_versions();
[[nodiscard]] std::string policy_start(std::uint64_t number);
[[nodiscard]] std::string all_policy_starts();
[[nodiscard]] std::string policy_file(std::string_view hash);
[[nodiscard]] std::string all_policy_files();
[[nodiscard]] std::string policy_approval(std::uint64_t number, std::string_view actor);
[[nodiscard]] std::string policy_approvals_by(std::string_view actor);
[[nodiscard]] std::string all_policy_approvals();
struct PolicyEntry {
    enum class Kind { kVersion, kStart, kApproval };
    Kind kind = Kind::kVersion;
    std::uint64_t number = 0;  ///< Of the version.
};
/// kInvalid: not an entry about a version, e.g. a file.
[[nodiscard]] Result<PolicyEntry> parse_policy_entry(std::string_view subject);
/// The last token, decoded: the id of the hub or the platform.
[[nodiscard]] Result<std::string> last_token(std::string_view subject);

/// What a stream listens to.
[[nodiscard]] std::string events_wildcard();
[[nodiscard]] std::string state_wildcard();
[[nodiscard]] std::string commands_wildcard();

}  // namespace syncline::subjects
