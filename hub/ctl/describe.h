#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "hub/core/step.h"
#include "hub/ctl/output.h"
#include "hub/workflow/message.h"
#include "shared/model/command.h"
#include "shared/model/hold.h"
#include "shared/model/inventory.h"
#include "shared/model/list.h"
#include "shared/model/trouble.h"
#include "shared/model/value.h"
#include "shared/nats/link.h"
#include "shared/policy/policy.h"

/// Syncline's messages and states for people and for JSON. Pure.
namespace syncline::ctl {

/// Which fields a policy classifies as secret, whose values are never shown, and as personal, whose
/// values are shown unless that is asked for. Without a policy (`--policy`) nothing is known of it.
class Secrets {
public:
    /// From which class on values are hidden.
    enum class Hides : std::uint8_t { kSecret, kPersonal };

    Secrets() = default;
    explicit Secrets(const Policy& policy, Hides hides = Hides::kSecret);
    /// What either of them calls secret.
    Secrets(const Policy& one, const Policy& other, Hides hides) : Secrets(one, hides) {
        fields_.merge(Secrets{other, hides}.fields_);
    }
    [[nodiscard]] bool hides(const ObjectName& object, const FieldName& field) const {
        return fields_.contains({object.text, field.text});
    }
    /// The value, or what stands for a hidden one.
    [[nodiscard]] Value shown(const ObjectName& object, const FieldName& field,
                              const Value& value) const;
    /// shown() as text for a table.
    [[nodiscard]] std::string text(const ObjectName& object, const FieldName& field,
                                   const Value& value) const;

private:
    /// What is shown instead, if anything is.
    [[nodiscard]] const char* instead(const ObjectName& object, const FieldName& field,
                                      const Value& value) const;

    /// What stands for their values.
    std::map<std::pair<std::string, std::string>, const char*> fields_;
};

[[nodiscard]] const char* name_of(hub::Presence presence);
[[nodiscard]] const char* name_of(hub::ExceptionStatus status);
[[nodiscard]] const char* name_of(CommandKind kind);
[[nodiscard]] const char* name_of(ChangeKind kind);
[[nodiscard]] const char* name_of(ChangeOrigin origin);
[[nodiscard]] const char* name_of(OutcomeStatus status);
[[nodiscard]] Style style_of(hub::Verdict verdict);
/// The platform whose value it is about, or "operator".
[[nodiscard]] std::string who_of(const hub::FieldDecision& decision);

/// "5/3"; JSON has no integers beyond 53 bits everywhere.
[[nodiscard]] std::string text_of(const Revision& revision);
/// The first twelve digits of a policy's hash.
[[nodiscard]] std::string short_hash(std::string_view hash);
/// "3 (cf9cd0db6014)": a version of the policy; without a number the hash alone.
[[nodiscard]] std::string policy_text(std::uint64_t version, std::string_view hash);
/// "a, b, c".
[[nodiscard]] std::string joined(const std::vector<FieldName>& names);
[[nodiscard]] std::string joined(const std::vector<std::string>& texts);
/// `a = 1, b = "x"`.
[[nodiscard]] std::string fields_text(const ObjectName& object, const Fields& fields,
                                      const Secrets& secrets);

[[nodiscard]] Value value_of(const hub::EntityState& state, const Secrets& secrets);
[[nodiscard]] Value value_of(const hub::Forgotten& forgotten);
/// "forgotten by anna@host at ...: nothing of before is kept".
[[nodiscard]] std::string standing_of(const hub::Forgotten& forgotten);
[[nodiscard]] Value value_of(const hub::LogEntry& entry, const Secrets& secrets);
[[nodiscard]] Value value_of(const hub::ExceptionRecord& exception, const Secrets& secrets);
[[nodiscard]] Value value_of(const Command& command, const Secrets& secrets);

/// A message of SYNC_IN, decoded as far as it goes.
using InputBody = std::variant<std::monostate, Change, Outcome, Inventory, HoldNotice, Trouble,
                               ListNews, hub::Operation, OperationResult, hub::workflow::Message>;
struct DecodedInput {
    InputBody body;     ///< monostate: not decodable.
    std::string error;  ///< Why not.
};
/// By its subject.
[[nodiscard]] DecodedInput decode_input(std::string_view subject, std::string_view body);
/// By trying: for the raw input of an exception, whose subject is not kept.
[[nodiscard]] DecodedInput decode_raw(std::string_view body);
[[nodiscard]] Value value_of(const InputBody& input, const Secrets& secrets);

/// One line: "crm change customer 003x upsert rev 1/4: name = ...".
[[nodiscard]] std::string line_of(const InputBody& input, const Secrets& secrets);
[[nodiscard]] std::string line_of(const Command& command, const Secrets& secrets);
[[nodiscard]] std::string line_of(const hub::LogEntry& entry, const Secrets& secrets);
[[nodiscard]] std::string line_of(const hub::ExceptionRecord& exception, const Secrets& secrets);

}  // namespace syncline::ctl
