#include "hub/core/input_name.h"

namespace syncline::hub {
namespace {

constexpr std::string_view kForeignRecord = "identity.foreign_record";

std::string text_of(const Numbering& number) {
    return std::to_string(number.partition.value) + "/" + std::to_string(number.seq.epoch) + "/" +
           std::to_string(number.seq.n);
}

}  // namespace

std::string name_of(const Input& input) {
    if (const auto* change = std::get_if<Change>(&input)) {
        return change->key.platform.text + " change " + text_of(change->number);
    }
    if (const auto* outcome = std::get_if<Outcome>(&input)) {
        return outcome->platform.text + " outcome " + text_of(outcome->number) +
               (outcome->code == kForeignRecord ? " refused" : "");
    }
    if (const auto* takeover = std::get_if<Takeover>(&input)) {
        return "records by operation " + takeover->handover.id;
    }
    if (const auto* arrived = std::get_if<HandedOver>(&input)) {
        return "arrival of operation " + arrived->id;
    }
    if (const auto* erased = std::get_if<Erased>(&input)) return "erasure by " + erased->id;
    const auto* operation = std::get_if<Operation>(&input);
    return operation == nullptr ? "recheck" : "operation " + operation->id;
}

bool was_told(const Input& input) {
    return !std::holds_alternative<Recheck>(input) && !std::holds_alternative<PolicyChanged>(input);
}

void refuse_as_foreign(Outcome& outcome) {
    const bool refusal =
        outcome.status != OutcomeStatus::kFenced && outcome.status != OutcomeStatus::kStale;
    if (refusal) outcome.status = OutcomeStatus::kRejected;
    outcome.reason = "record " + outcome.record->text +
                     " belongs to another entity already; merge the two (synclinectl merge)";
    outcome.code = kForeignRecord;
    outcome.record.reset();
    outcome.rev = {};  // What it was of says nothing of the record that the entity has.
    outcome.fields.clear();
}

}  // namespace syncline::hub
