#include "hub/core/state_codec.h"
#include "hub/ctl/describe_parts.h"
#include "hub/ctl/text.h"
#include "shared/wire/codec.h"
#include "shared/wire/hold_codec.h"
#include "shared/wire/list_codec.h"
#include "shared/wire/operation_codec.h"
#include "shared/wire/subjects.h"
#include "shared/wire/trouble_codec.h"

// Messages of SYNC_IN.

namespace syncline::ctl {
namespace {

const char* result_text(OperationResult::What what) {
    switch (what) {
        case OperationResult::What::kApplied: return "applied";
        case OperationResult::What::kRefused: return "refused";
        case OperationResult::What::kInDoubt: return "in doubt";
    }
    return "unknown";
}

Value value_of(const Change& change, const Secrets& secrets) {
    return Value::Map{{"input", "change"},
                      {"platform", change.key.platform.text},
                      {"object", change.key.object.text},
                      {"record", change.key.record.text},
                      {"entity", optional_text(change.entity)},
                      {"partition", number(change.number.partition.value)},
                      {"number", text_of(change.number.seq)},
                      {"rev", text_of(change.rev)},
                      {"kind", name_of(change.kind)},
                      {"origin", name_of(change.origin)},
                      {"fields", fields_value(change.key.object, change.fields, secrets)},
                      {"seen_at", time_value(change.seen_at)},
                      {"changed_at", time_value(change.changed_at)},
                      {"trace", change.trace}};
}

Value value_of(const Outcome& outcome, const Secrets& secrets) {
    return Value::Map{{"input", "outcome"},
                      {"platform", outcome.platform.text},
                      {"object", outcome.entity.object.text},
                      {"entity", outcome.entity.entity.text},
                      {"record", optional_text(outcome.record)},
                      {"partition", number(outcome.number.partition.value)},
                      {"number", text_of(outcome.number.seq)},
                      {"rev", text_of(outcome.rev)},
                      {"generation", number(outcome.generation)},
                      {"status", name_of(outcome.status)},
                      {"fields", fields_value(outcome.entity.object, outcome.fields, secrets)},
                      {"reason", outcome.reason},
                      {"code", outcome.code},
                      {"attempts", number(outcome.attempts)},
                      {"done_at", time_value(outcome.done_at)},
                      {"trace", outcome.trace}};
}

Value value_of(const hub::Operation& operation) {
    return Value::Map{{"input", "operation"},
                      {"kind", name_of(operation.kind)},
                      {"object", operation.entity.object.text},
                      {"entity", operation.entity.entity.text},
                      {"exception", operation.exception},
                      {"other", operation.other.text},
                      {"platform", operation.platform.text},
                      {"record", operation.record.text},
                      {"id", operation.id},
                      {"actor", operation.actor},
                      {"reason", operation.reason},
                      {"at", time_value(operation.at)}};
}

std::string line_of(const Change& change, const Secrets& secrets) {
    return change.key.platform.text + " change " + change.key.object.text + " " +
           change.key.record.text + " " + name_of(change.kind) + " rev " + text_of(change.rev) +
           (change.origin == ChangeOrigin::kLive ? "" : std::string{" "} + name_of(change.origin)) +
           (change.fields.empty() ? ""
                                  : ": " + fields_text(change.key.object, change.fields, secrets));
}

std::string line_of(const Outcome& outcome, const Secrets&) {
    return outcome.platform.text + " outcome " + outcome.entity.object.text + " " +
           outcome.entity.entity.text + " generation " + std::to_string(outcome.generation) + " " +
           name_of(outcome.status) + (outcome.reason.empty() ? "" : ": " + outcome.reason);
}

Value value_of(const Inventory& inventory) {
    Value::Map objects;
    for (const Inventory::Object& object : inventory.objects) {
        Value::Map counts{{"records", number(object.records)}};
        for (std::size_t kind = 0; kind < kDriftKinds; ++kind) {
            counts.emplace(name_of(static_cast<DriftKind>(kind)), number(object.found[kind]));
        }
        objects.emplace(object.object.text, std::move(counts));
    }
    return Value::Map{{"platform", inventory.platform.text},
                      {"partition", number(inventory.number.partition.value)},
                      {"run", std::to_string(inventory.request.asked_at.ns)},
                      {"began_at", inventory.began_at},
                      {"read_at", inventory.read_at},
                      {"objects", std::move(objects)}};
}

std::string line_of(const Inventory& inventory) {
    std::string out = inventory.platform.text + " inventory of partition " +
                      std::to_string(inventory.number.partition.value) + ":";
    for (const Inventory::Object& object : inventory.objects) {
        out += " " + object.object.text + " " + std::to_string(object.records);
    }
    return out;
}

Value value_of(const HoldNotice& notice) {
    Value::Map counts;
    for (std::size_t kind = 0; kind < kMassKinds; ++kind) {
        counts.emplace(name_of(static_cast<MassKind>(kind)), number(notice.counts[kind]));
    }
    Value::List sample;
    for (const HoldNotice::Sample& one : notice.sample) {
        sample.emplace_back(Value::Map{{"kind", name_of(one.kind)},
                                       {"record", one.record.text},
                                       {"entity", optional_text(one.entity)}});
    }
    return Value::Map{
        {"platform", notice.platform.text},
        {"object", notice.lane.object.text},
        {"direction", name_of(notice.lane.direction)},
        {"hold", std::to_string(notice.hold)},
        {"status", name_of(notice.status)},
        {"tripped", name_of(notice.tripped)},
        {"limit", notice.limit},
        {"window_ms",
         number(static_cast<std::uint64_t>(notice.window / std::chrono::milliseconds{1}))},
        {"counts", std::move(counts)},
        {"records", number(notice.records)},
        {"held", number(notice.held)},
        {"since", time_value(notice.since)},
        {"sample", std::move(sample)}};
}

std::string line_of(const HoldNotice& notice) {
    return notice.platform.text + " hold " + std::to_string(notice.hold) + " of " +
           notice.lane.object.text + " (" + name_of(notice.lane.direction) + ") " +
           name_of(notice.status) + ": " + std::to_string(notice.held) + " held, more than " +
           notice.limit + " " + name_of(notice.tripped);
}

Value value_of(const Trouble& trouble) {
    return Value::Map{{"platform", trouble.platform.text},
                      {"object", trouble.object.text},
                      {"kind", name_of(trouble.kind)},
                      {"since", time_value(trouble.since)},
                      {"reason", trouble.reason}};
}

std::string line_of(const Trouble& trouble) {
    return trouble.platform.text + " " + trouble.object.text + " " + name_of(trouble.kind) + ": " +
           (trouble.reason.empty() ? "over" : trouble.reason);
}

Value value_of(const ListNews& news) {
    return Value::Map{{"platform", news.platform.text},
                      {"list", news.list.text},
                      {"kind", name_of(news.kind)},
                      {"parts", number(news.bodies.size())},
                      {"rows", number(news.manifest.rows)},
                      {"request", to_text(news.request)},
                      {"generation", number(news.take.generation)},
                      {"digest", news.take.digest},
                      {"at", time_value(news.at)},
                      {"why", news.why}};
}

std::string line_of(const ListNews& news) {
    return news.platform.text + " list " + news.list.text + " " + name_of(news.kind) +
           (news.bodies.empty() ? "" : ": " + std::to_string(news.bodies.size())) +
           (news.take.digest.empty() ? "" : " " + news.take.digest) +
           (news.why.empty() ? "" : ": " + news.why);
}

std::string line_of(const hub::Operation& operation) {
    return std::string{"operation "} + name_of(operation.kind) + " " +
           operation.entity.object.text + " " + operation.entity.entity.text + " " +
           operation.exception + operation.other.text +
           (operation.record.empty()
                ? ""
                : " " + operation.platform.text + ":" + operation.record.text) +
           " by " + operation.actor + (operation.reason.empty() ? "" : ": " + operation.reason);
}

/// Values of workflows are not shown here: which of them are secret no policy says by object.
Value value_of(const OperationResult& result) {
    return Value::Map{
        {"type", "operation result"},
        {"platform", result.platform.text},
        {"key", result.key},
        {"attempt", std::int64_t{result.attempt}},
        {"what", result_text(result.what)},
        {"error",
         result.what == OperationResult::What::kRefused ? Value{name_of(result.error)} : Value{}},
        {"text", text_value(result.text)},
        {"done_at", time_value(result.done_at)}};
}

std::string line_of(const OperationResult& result) {
    return result.platform.text + " operation " + result.key + " " + result_text(result.what) +
           (result.text.empty() ? "" : ": " + result.text);
}

Value value_of(const hub::workflow::Message& message) {
    return Value::Map{{"type", "workflow input"},
                      {"instance", message.instance},
                      {"id", message.input.id},
                      {"what", hub::workflow::name_of(message.input)}};
}

std::string line_of(const hub::workflow::Message& message) {
    return "workflow " + message.instance + " " + hub::workflow::name_of(message.input);
}

template <class T>
DecodedInput decoded(Result<T> result) {
    if (!result) return {{}, result.error().what};
    return {std::move(*result), {}};
}

}  // namespace

DecodedInput decode_input(std::string_view subject, std::string_view body) {
    const auto parsed = subjects::parse_input(subject);
    if (!parsed) return {{}, parsed.error().what};
    switch (parsed->kind) {
        case subjects::InputKind::kChange: return decoded(wire::decode_change(body));
        case subjects::InputKind::kOutcome: return decoded(wire::decode_outcome(body));
        case subjects::InputKind::kInventory: return decoded(wire::decode_inventory(body));
        case subjects::InputKind::kHold: return decoded(wire::decode_hold(body));
        case subjects::InputKind::kTrouble: return decoded(wire::decode_trouble(body));
        case subjects::InputKind::kList: return decoded(wire::decode_list_news(body));
        case subjects::InputKind::kOperation: return decoded(hub::decode_operation(body));
        case subjects::InputKind::kOperationResult:
            return decoded(wire::decode_operation_result(body));
        case subjects::InputKind::kInstance: return decoded(hub::workflow::decode_message(body));
    }
    return {};
}

DecodedInput decode_raw(std::string_view body) {
    DecodedInput change = decoded(wire::decode_change(body));
    if (change.error.empty()) return change;
    DecodedInput outcome = decoded(wire::decode_outcome(body));
    if (outcome.error.empty()) return outcome;
    DecodedInput hold = decoded(wire::decode_hold(body));
    if (hold.error.empty()) return hold;
    DecodedInput list = decoded(wire::decode_list_news(body));
    if (list.error.empty()) return list;
    DecodedInput message = decoded(hub::workflow::decode_message(body));
    if (message.error.empty()) return message;
    DecodedInput operation = decoded(hub::decode_operation(body));
    return operation.error.empty() ? operation : change;
}

Value value_of(const InputBody& input, const Secrets& secrets) {
    if (const auto* change = std::get_if<Change>(&input)) return value_of(*change, secrets);
    if (const auto* outcome = std::get_if<Outcome>(&input)) return value_of(*outcome, secrets);
    if (const auto* inventory = std::get_if<Inventory>(&input)) return value_of(*inventory);
    if (const auto* hold = std::get_if<HoldNotice>(&input)) return value_of(*hold);
    if (const auto* trouble = std::get_if<Trouble>(&input)) return value_of(*trouble);
    if (const auto* list = std::get_if<ListNews>(&input)) return value_of(*list);
    if (const auto* action = std::get_if<hub::Operation>(&input)) return value_of(*action);
    if (const auto* result = std::get_if<OperationResult>(&input)) return value_of(*result);
    if (const auto* said = std::get_if<hub::workflow::Message>(&input)) return value_of(*said);
    return {};
}

std::string line_of(const InputBody& input, const Secrets& secrets) {
    if (const auto* change = std::get_if<Change>(&input)) return line_of(*change, secrets);
    if (const auto* outcome = std::get_if<Outcome>(&input)) return line_of(*outcome, secrets);
    if (const auto* inventory = std::get_if<Inventory>(&input)) return line_of(*inventory);
    if (const auto* hold = std::get_if<HoldNotice>(&input)) return line_of(*hold);
    if (const auto* trouble = std::get_if<Trouble>(&input)) return line_of(*trouble);
    if (const auto* list = std::get_if<ListNews>(&input)) return line_of(*list);
    if (const auto* action = std::get_if<hub::Operation>(&input)) return line_of(*action);
    if (const auto* result = std::get_if<OperationResult>(&input)) return line_of(*result);
    if (const auto* said = std::get_if<hub::workflow::Message>(&input)) return line_of(*said);
    return "not decodable";
}

}  // namespace syncline::ctl
