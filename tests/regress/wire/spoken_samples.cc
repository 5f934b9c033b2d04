#include "shared/wire/codec.h"
#include "shared/wire/hold_codec.h"
#include "shared/wire/list_codec.h"
#include "shared/wire/operation_codec.h"
#include "shared/wire/retell_codec.h"
#include "shared/wire/trouble_codec.h"
#include "tests/regress/wire/samples.h"

namespace syncline::test {
namespace {

const PlatformId kCrm{"crm"};
const ObjectName kCustomer{"customer"};
const EntityId kAda{"0197-ada"};
const Numbering kNumber{{7}, {9, 11}};
const char* const kTrace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const std::string kDigest = "00112233445566778899aabbccddeeff";
const std::string kOther = "ffeeddccbbaa99887766554433221100";

/// A value of every type.
Fields all_types() {
    return {{FieldName{"amount"}, *Decimal::parse("-12.50")},
            {FieldName{"born"}, Date{-3'000}},
            {FieldName{"count"}, -42},
            {FieldName{"flag"}, true},
            {FieldName{"list"}, Value::List{1, "two", Value{}}},
            {FieldName{"map"}, Value::Map{{"a", 1}, {"b", *Decimal::parse("0.1")}}},
            {FieldName{"name"}, "Åda"},
            {FieldName{"none"}, Value{}},
            {FieldName{"seen"}, Timestamp{1'767'607'200'000'000'001}}};
}

Change change() {
    return {.key = {kCrm, kCustomer, RecordId{"001/ä"}},
            .entity = kAda,
            .number = kNumber,
            .rev = {3, 17},
            .kind = ChangeKind::kUpsert,
            .origin = ChangeOrigin::kReconcile,
            .fields = all_types(),
            .marker = EntityId{"marked"},
            .seen_at = Timestamp{1'767'607'200'000'000'000},
            .changed_at = Timestamp{1'767'607'199'000'000'000},
            .trace = kTrace};
}

Outcome outcome() {
    return {.platform = kCrm,
            .entity = {kCustomer, kAda},
            .record = RecordId{"001"},
            .number = kNumber,
            .rev = {3, 18},
            .generation = 5,
            .decided_at = Timestamp{100},
            .ledger_generation = 6,
            .status = OutcomeStatus::kFenced,
            .fields = {{FieldName{"name"}, "Ada"}},
            .as_commanded = {FieldName{"name"}},
            .deleted = true,
            .reason = "why",
            .code = "E-7",
            .attempts = 4,
            .done_at = Timestamp{200},
            .trace = kTrace,
            .fence = 12};
}

Command command() {
    return {.kind = CommandKind::kCreate,
            .platform = kCrm,
            .entity = {kCustomer, kAda},
            .record = RecordId{"001"},
            .generation = 5,
            .partition = {7},
            .fence = 12,
            .fields = all_types(),
            .expected = {{FieldName{"name"}, "A"}},
            .decided_at = Timestamp{100},
            .doubt_settled = 3,
            .origin = ChangeOrigin::kBackfill,
            .policy = "policy-hash",
            .trace = kTrace};
}

Inventory inventory() {
    return {.platform = kCrm,
            .number = kNumber,
            .request = {Timestamp{1'000}, ReconcileMode::kReview},
            .began_at = Timestamp{1'001},
            .read_at = Timestamp{1'002},
            .revisions = 99,
            .objects = {{.object = kCustomer,
                         .records = 12,
                         .sums = BucketSums::of({1, UINT64_MAX}),
                         .unlinked = 2,
                         .found = {1, 2, 3, 4},
                         .drifts = {{RecordId{"r"}, DriftKind::kExtra}},
                         .held = 8,
                         .unseen = {FieldName{"phone"}}}}};
}

Receipt receipt() {
    return {.platform = kCrm,
            .marks = {{{7}, 9, 11, 12}},
            .resends = {{{8}, 9, 4}},
            .links = {{kCustomer, RecordId{"001"}, kAda}},
            .epoch = 9,
            .full_read = true};
}

Retell retell() {
    return {.platform = kCrm,
            .partition = {7},
            .request = {Timestamp{1'000}, ReconcileMode::kReport},
            .objects = {{.object = kCustomer,
                         .buckets = 4,
                         .differing = {1, 3},
                         .known = {RecordId{"a"}, RecordId{"b"}}}}};
}

OperationCall operation_call() {
    return {.platform = kCrm,
            .operation = "create_fulfilment",
            .key = "order_to_cash/C-1 2/fulfil~2",
            .attempt = 3,
            .partition = {7},
            .input = all_types(),
            .undoes = true,
            .decided_at = Timestamp{5},
            .trace = kTrace,
            .again = true};
}

OperationResult operation_result() {
    return {.platform = kCrm,
            .key = "order_to_cash/C-1 2/fulfil~2",
            .attempt = 3,
            .number = kNumber,
            .what = OperationResult::What::kRefused,
            .error = ErrorClass::kTimeout,
            .fields = {{FieldName{"number"}, "F-1"}},
            .text = "it says no",
            .done_at = Timestamp{6},
            .trace = kTrace};
}

HoldNotice hold() {
    return {.platform = kCrm,
            .number = kNumber,
            .lane = {kCustomer, Direction::kOut},
            .hold = 4,
            .status = HoldNotice::Status::kDiscarded,
            .tripped = MassKind::kBlank,
            .limit = "more than 10 %",
            .window = Duration{60'000'000'000},
            .counts = {1, 2, 3},
            .records = 500,
            .held = 20,
            .since = Timestamp{7},
            .sample = {{MassKind::kOverwrite, RecordId{"r"}, kAda}}};
}

Trouble trouble() {
    return {.platform = kCrm,
            .number = kNumber,
            .object = kCustomer,
            .kind = TroubleKind::kRecords,
            .since = Timestamp{7},
            .reason = "3 records have no name"};
}

ListNews list_news(ListNews::Kind kind) {
    ListNews news{.platform = kCrm,
                  .number = kNumber,
                  .list = ListName{"price"},
                  .kind = kind,
                  .at = Timestamp{8}};
    if (kind == ListNews::Kind::kParts) news.bodies = {"one", "two"};
    if (kind == ListNews::Kind::kRead) {
        news.manifest = {2, {kDigest, ""}};
        news.request = {Timestamp{9}, ListRequest::Mode::kWhole, "ann"};
        news.take = {0, kOther};
    }
    if (kind == ListNews::Kind::kNotApplied) {
        news.take = {3, kDigest};
        news.why = "the table is locked";
    }
    return news;
}

struct Reference {
    EntityId entity;
    std::vector<RecordKey> waiting;
};
std::string write_reference(const Reference& one) {
    return wire::encode_reference(one.entity, one.waiting);
}
Result<Reference> read_reference(std::string_view body) {
    auto entity = wire::decode_reference(body);
    auto waiting = wire::decode_waiting(body);
    if (!entity) return fail(entity.error());
    if (!waiting) return fail(waiting.error());
    return Reference{*entity, *waiting};
}

}  // namespace

std::vector<Sample> spoken_samples() {
    const auto write = [](const auto& value) { return wire::encode(value); };
    const ListRows rows{{"A", all_types()}, {"B", {}}};
    return {
        sample_of("change", change(), write, wire::decode_change),
        sample_of("outcome", outcome(), write, wire::decode_outcome),
        sample_of("command", command(), write, wire::decode_command),
        sample_of("inventory", inventory(), write, wire::decode_inventory),
        sample_of("receipt", receipt(), write, wire::decode_receipt),
        sample_of("reference", Reference{kAda, {{kCrm, kCustomer, RecordId{"g"}}}}, write_reference,
                  read_reference),
        sample_of("retell", retell(), write, wire::decode_retell),
        sample_of("operation_call", operation_call(), write, wire::decode_operation_call),
        sample_of("operation_result", operation_result(), write, wire::decode_operation_result),
        sample_of("hold", hold(), write, wire::decode_hold),
        sample_of("trouble", trouble(), write, wire::decode_trouble),
        sample_of("list_parts", list_news(ListNews::Kind::kParts), write, wire::decode_list_news),
        sample_of("list_read", list_news(ListNews::Kind::kRead), write, wire::decode_list_news),
        sample_of("list_not_applied", list_news(ListNews::Kind::kNotApplied), write,
                  wire::decode_list_news),
        sample_of("list_rows", rows, wire::encode_list_rows, wire::decode_list_rows),
        sample_of("list_manifest", ListManifest{2, {kDigest, ""}}, write,
                  wire::decode_list_manifest),
    };
}

}  // namespace syncline::test
