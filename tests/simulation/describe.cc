#include "tests/simulation/describe.h"

#include "hub/core/reconciliation.h"
#include "hub/core/state_codec.h"
#include "hub/workflow/instance_codec.h"
#include "hub/workflow/message.h"
#include "shared/wire/codec.h"
#include "shared/wire/operation_codec.h"
#include "shared/wire/subjects.h"
#include "tests/simulation/memory_broker.h"

namespace syncline::sim {
namespace {

std::string text_of(const Fields& fields) {
    std::string text;
    for (const auto& [name, value] : fields) text += " " + name.text + "=" + display(value);
    return text;
}

std::string text_of(const Revision& rev) {
    return std::to_string(rev.epoch % 100'000) + "/" + std::to_string(rev.n);
}

std::string text_of(const Numbering& number) {
    return " #" + std::to_string(number.partition.value) + ":" + text_of(number.seq);
}

constexpr const char* kCommands[] = {"update", "create", "delete", "forget"};
constexpr const char* kStatuses[] = {"applied", "rejected", "gave up", "in doubt", "stale",
                                     "fenced",  "conflict", "gone",    "discarded"};
constexpr const char* kPresences[] = {"absent", "present", "gone", "unlinked"};

std::string of_input(std::string_view subject, std::string_view body) {
    const auto parsed = subjects::parse_input(subject);
    using subjects::InputKind;
    if (!parsed || parsed->kind == InputKind::kOperation || parsed->kind == InputKind::kHold ||
        parsed->kind == InputKind::kList || parsed->kind == InputKind::kTrouble) {
        return {};
    }
    if (parsed->kind == subjects::InputKind::kChange) {
        const auto change = wire::decode_change(body);
        if (!change) return change.error().what;
        return "change" + text_of(change->number) + " rev " + text_of(change->rev) +
               (change->kind == ChangeKind::kDelete ? " deleted" : text_of(change->fields)) +
               (change->entity ? " of " + change->entity->text : "");
    }
    if (parsed->kind == subjects::InputKind::kInstance) {
        const auto message = hub::workflow::decode_message(body);
        return message ? name_of(message->input) : message.error().what;
    }
    if (parsed->kind == subjects::InputKind::kOperationResult) {
        const auto result = wire::decode_operation_result(body);
        return result ? result->key + " " + std::to_string(static_cast<int>(result->what)) + " " +
                            result->text
                      : result.error().what;
    }
    if (parsed->kind == subjects::InputKind::kInventory) {
        const auto inventory = wire::decode_inventory(body);
        if (!inventory) return inventory.error().what;
        std::string text = "inventory" + text_of(inventory->number) + ":";
        for (const Inventory::Object& object : inventory->objects) {
            text += " " + std::to_string(object.records) + " records, " +
                    std::to_string(object.unlinked) + " unlinked";
        }
        return text;
    }
    const auto outcome = wire::decode_outcome(body);
    if (!outcome) return outcome.error().what;
    return "outcome" + text_of(outcome->number) + " g" + std::to_string(outcome->generation) + " " +
           kStatuses[static_cast<int>(outcome->status)] +
           (outcome->record ? " " + outcome->record->text : "") + " rev " + text_of(outcome->rev) +
           text_of(outcome->fields) + " " + outcome->reason;
}

std::string of_reconciliation(std::string_view body) {
    const auto one = hub::decode_reconciliation(body);
    if (!one) return one.error().what;
    std::string text = one->compared_at.ns == 0 ? "not compared yet" : "compared";
    for (const hub::ReconciledObject& object : one->objects) {
        text += "; " + std::to_string(object.records) + " records, " +
                std::to_string(object.known) + " known, " + std::to_string(object.differing) +
                " buckets differ, through " + to_string(object.verified_through);
    }
    return text;
}

std::string of_state(std::string_view body) {
    const auto state = hub::decode_entity(body);
    if (!state) return state.error().what;
    std::string text = "v" + std::to_string(state->version) + (state->deleted ? " deleted" : "");
    if (state->is_merged()) text += " merged into " + state->merged_into.text;
    for (const hub::RecordState& record : state->records) {
        text += "; " + record.platform.text + " " + kPresences[static_cast<int>(record.presence)] +
                (record.record ? " " + record.record->text : "") + " g" +
                std::to_string(record.generation) + " rev " + text_of(record.rev) +
                (record.blocked ? " blocked" : "");
        for (const hub::OtherRecord& other : record.others) text += " beside:" + other.record.text;
        for (const FieldName& field : record.held) text += " held:" + field.text;
        if (record.pending) {
            text += std::string{" pending "} + kCommands[static_cast<int>(record.pending->kind)] +
                    text_of(record.pending->fields);
        }
    }
    return text;
}

std::string of_log(std::string_view body) {
    const auto entry = hub::decode_log_entry(body);
    if (!entry) {
        const auto step = hub::workflow::decode_log_entry(body);
        if (!step) return entry.error().what;
        std::string text = "r" + std::to_string(step->revision);
        for (const std::string& input : step->inputs) text += "; " + input;
        for (const std::string& line : step->decided) text += "; " + line;
        return text;
    }
    std::string text = "v" + std::to_string(entry->version);
    for (const auto& decision : entry->decisions) {
        text += "; " + decision.field.text + " of " + decision.from.text + " " +
                display(decision.before) + ">" + display(decision.value) + " " +
                hub::name_of(decision.verdict);
    }
    for (const std::string& note : entry->notes) text += "; " + note;
    text += "; by";
    for (const std::string& input : entry->inputs) text += " <" + input + ">";
    for (const auto& quiet : entry->quiet) text += " <quiet " + quiet.input + ">";
    return text;
}

std::string of_exception(std::string_view body) {
    const auto exception = hub::decode_exception(body);
    if (!exception) return exception.error().what;
    return exception->status == hub::ExceptionStatus::kOpen ? "open" : "resolved";
}

}  // namespace

std::string describe(std::string_view subject, std::string_view body) {
    if (subject_matches(subjects::all_inputs(), subject)) return of_input(subject, body);
    if (subject_matches(subjects::all_entities(), subject)) return of_state(body);
    if (subject_matches(subjects::all_reconciliations(), subject)) return of_reconciliation(body);
    if (subject_matches(subjects::all_logs(), subject)) return of_log(body);
    if (subject_matches(subjects::all_exceptions(), subject)) return of_exception(body);
    if (!subject_matches(subjects::commands_wildcard(), subject)) {
        const auto holder = wire::decode_reference(body);  // A link or a match key.
        return holder ? holder->text : std::string{};
    }
    const auto command = wire::decode_command(body);
    if (!command) return command.error().what;
    return std::string{kCommands[static_cast<int>(command->kind)]} + " g" +
           std::to_string(command->generation) + " fence " +
           std::to_string(command->partition.value) + ":" + std::to_string(command->fence) +
           text_of(command->fields);
}

}  // namespace syncline::sim
