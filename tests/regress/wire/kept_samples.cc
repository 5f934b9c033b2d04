#include "hub/core/event.h"
#include "hub/core/reconciliation.h"
#include "hub/core/start.h"
#include "hub/core/state_codec.h"
#include "hub/core/step.h"
#include "tests/regress/wire/samples.h"

namespace syncline::test {
namespace {

using namespace hub;

const PlatformId kErp{"erp"};
const PlatformId kShop{"shop"};
const EntityKey kEntity{ObjectName{"customer"}, EntityId{"0197-ada"}};
const FieldName kName{"name"};
const Fields kFields{{FieldName{"amount"}, *Decimal::parse("1.50")}, {FieldName{"name"}, "Ada"}};

Care care() {
    return {.severity = ExceptionSeverity::kCritical,
            .material = false,
            .assignee = "ann",
            .due = Timestamp{50},
            .assigned = true,
            .dated = true,
            .tags = {"vip"},
            .remarks = {{Timestamp{40}, "bob", "called"}},
            .done = {"op-1"}};
}

RecordState record() {
    return {
        .platform = kErp,
        .record = RecordId{"E-1"},
        .presence = Presence::kPresent,
        .rev = {3, 17},
        .mirror = {{kName, "ada"}},
        .generation = 5,
        .pending = Pending{CommandKind::kUpdate, kFields, {{kName, "ada"}}, Timestamp{9}, true},
        .unanswered = {Timestamp{8}, Timestamp{9}},
        .held = {FieldName{"amount"}, kName},
        .left = {kName},
        .attempts = {{kName, 2, Timestamp{8}}},
        .forms = {{kName, "Ada"}},
        .instead = {{kName, "Adele"}},
        .doubt_settled = 4,
        .blocked = true,
        .others = {{RecordId{"E-2"}, {3, 2}, Timestamp{7}, kFields, OtherRecord::Standing::kApart}},
        .told_as = {{kName, FieldName{"title"}}}};
}

EntityState entity() {
    EntityState state{
        .key = kEntity,
        .version = 12,
        .deleted = true,
        .merged_into = EntityId{"other"},
        .canonical = {{FieldName{"amount"}, *Decimal::parse("1.50"), {kShop, {1, 2}, Timestamp{3}}},
                      {kName, "Ada", {kErp, {3, 17}, Timestamp{5}}}},
        .records = {record(), {.platform = kShop, .presence = Presence::kUnlinked}},
        .policy = "policy-hash",
        .policy_version = 3,
        .match_rules = 77,
        .log_hash = std::string(32, '\x5A'),
        .writes = {1, UINT64_MAX}};
    state.proposals = {{kName, "Adele", kShop}};
    state.exceptions = {
        {"command.rejected", kErp, {kName}, "why", kFields, Timestamp{6}, 11, care()}};
    state.handovers = {{"op-2",
                        EntityId{"to"},
                        Handover::Why::kUnmerged,
                        "ann: twice",
                        {{kErp,
                          RecordId{"E-3"},
                          {3, 4},
                          Timestamp{7},
                          kFields,
                          {{kName, "x"}},
                          OtherRecord::Standing::kGone}}}};
    state.taken_in = {{EntityId{"from"},
                       "op-3",
                       {{kErp, RecordId{"E-4"}, Presence::kGone}},
                       {{kName, "after", "before", {kErp, {1, 1}, Timestamp{2}}}}}};
    state.forgotten =
        Forgotten{"op-4", "ann", Timestamp{10}, 12, {kErp}, Forgotten::Phase::kLog, {21, 22}};
    state.outbox = {{"command.rejected@erp", "body", EntityState::Outgoing::What::kStatus},
                    {"", "event", EntityState::Outgoing::What::kEvent},
                    {"", "start", EntityState::Outgoing::What::kStart}};
    return state;
}

Mark mark() {
    return {.partition = {7},
            .fence = 12,
            .holder = HubId{"hub-1"},
            .inputs_created = Timestamp{1},
            .floor = 1'000,
            .policy = 3,
            .reconsidered = 2,
            .commands = {Timestamp{2}, 20},
            .exceptions = {Timestamp{3}, 30},
            .events = {Timestamp{4}, 40},
            .scheduled = Timestamp{5},
            .sources = {{kErp, {9, 11}}, {kShop, {8, 1}}}};
}

Operation operation() {
    return {.kind = OperationKind::kLink,
            .entity = kEntity,
            .exception = "record.ambiguous",
            .id = "op-5",
            .actor = "ann",
            .reason = "seen",
            .at = Timestamp{60},
            .seen = 12,
            .text = "vip",
            .due = Timestamp{70},
            .values = kFields,
            .other = EntityId{"other"},
            .platform = kErp,
            .record = RecordId{"E-5"},
            .change = "body"};
}

ExceptionRecord exception() {
    return {.kind = "write.review",
            .entity = kEntity,
            .status = ExceptionStatus::kRejected,
            .platform = kErp,
            .record = "E-1",
            .reason = "why",
            .proposed = kFields,
            .canonical = {{kName, "Adele"}},
            .opened_at = Timestamp{6},
            .updated_at = Timestamp{7},
            .source = "sync.in.erp.7 sequence 4",
            .raw = std::string{"\x00\xFF", 2},
            .version = 12,
            .care = care(),
            .closed_by = "bob",
            .closing = "accepted: it is so"};
}

LogEntry log_entry() {
    LogEntry entry{
        .entity = kEntity,
        .version = 12,
        .at = Timestamp{6},
        .policy = "policy-hash",
        .policy_version = 3,
        .inputs = {"erp change 5/3/17"},
        .quiet = {{0, "shop change 5/3/16"}},
        .decisions = {{kName, kErp, "before", "Ada", Verdict::kNotNext, "customer.toml:12"}},
        .commands = {{kShop, CommandKind::kDelete, 5, {kName}}},
        .notes = {"deleted"},
        .trace = "00-ab-cd-01",
        .erased = {3, 4}};
    entry.refused = LogEntry::Refusal{"op-6", "not now"};
    entry.foreign_keys = {{{kEntity.object, "email", "ada@example.com"}, EntityId{"holder"}}};
    entry.foreign_records = {{kErp, kEntity.object, RecordId{"E-9"}}};
    entry.previous = std::string(32, '\xA5');
    return entry;
}

BusinessEvent event() {
    return {.entity = kEntity,
            .name = "confirmed",
            .key = "C-1",
            .generation = "12",
            .version = 2,
            .source = "policy",
            .at = Timestamp{6},
            .trace = "00-ab-cd-01",
            .body = EventSpec::Body::kMessagePack,
            .fields = kFields};
}

WorkflowStart start() {
    return {WorkflowName{"order_to_cash"}, "order/o/3", kFields, "no number", "00-ab-cd-01"};
}

Reconciliation reconciliation() {
    return {.platform = kErp,
            .partition = {7},
            .request = {Timestamp{1'000}, ReconcileMode::kReview},
            .began_at = Timestamp{1'001},
            .read_at = Timestamp{1'002},
            .compared_at = Timestamp{1'003},
            .inventory = "body",
            .objects = {{.object = kEntity.object,
                         .records = 1,
                         .known = 2,
                         .unlinked = 3,
                         .found = {4, 5, 6, 7},
                         .agreements = {8, 9, 10, 11},
                         .drifts = {{RecordId{"E-1"}, DriftKind::kMissing}},
                         .buckets = 12,
                         .differing = 13,
                         .unseen = {kName},
                         .verified_through = Timestamp{14}}}};
}

}  // namespace

std::vector<Sample> kept_samples() {
    const auto write = [](const auto& value) { return encode(value); };
    return {
        sample_of("entity", entity(), write, decode_entity),
        sample_of("mark", mark(), write, decode_mark),
        sample_of("operation", operation(), write, decode_operation),
        sample_of("exception", exception(), write, decode_exception),
        sample_of("log_entry", log_entry(), write, decode_log_entry),
        sample_of("event", event(), write, decode_event),
        sample_of("start", start(), write, decode_start),
        sample_of("reconciliation", reconciliation(), write, decode_reconciliation),
    };
}

}  // namespace syncline::test
