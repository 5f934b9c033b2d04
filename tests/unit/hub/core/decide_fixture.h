#pragma once

#include <gtest/gtest.h>

#include "hub/core/decide.h"
#include "hub/core/state_codec.h"
#include "hub/core/work.h"
#include "shared/policy/policy_toml.h"

namespace syncline::hub {
inline constexpr const char* kPolicy = R"(
[policy]
name = "test"
[platforms.crm]
[platforms.erp]
[platforms.desk]

[objects.item.fields]
name = { type = "string", required = true }
stage = { type = "enum", values = ["draft", "live"], required = true }
price = "decimal"
note = "string"
colour = "string"
size = "string"
phone = "string"
rank = "string"

[[objects.item.own]]
fields = ["price"]
when = 'stage == "draft"'
owner = "crm"
otherwise = "revert"
[[objects.item.own]]
fields = ["price", "stage"]
owner = "erp"
otherwise = "accept"
[[objects.item.own]]
fields = ["note"]
owner = "erp"
otherwise = "ignore"
[[objects.item.own]]
fields = ["colour"]
owner = "erp"
otherwise = "review"
[[objects.item.own]]
fields = ["size"]
owner = "erp"
otherwise = "propose"
[[objects.item.own]]
fields = ["phone"]
resolve = "latest"
[[objects.item.own]]
fields = ["rank"]
resolve = "priority"
priority = ["erp", "crm"]
[[objects.item.own]]
fields = ["name"]
owner = "crm"
otherwise = "revert"

[objects.item.on.crm]
fields = ["*"]
founds = true
on_delete = "propagate"
[objects.item.on.erp]
fields = ["*"]
founds = true
receives = true
on_delete = "restore"
[objects.item.on.desk]
fields = ["name", "stage"]
receives = true
receives_when = 'name == "desk"'
on_delete = "unlink"
)";

inline const PlatformId kCrm{"crm"};
inline const PlatformId kErp{"erp"};
inline const PlatformId kDesk{"desk"};
inline const FieldName kName{"name"};

class Decide : public testing::Test {
protected:
    Decide() : policy_(*parse_policy({{"test.toml", kPolicy}})) {
        state_.key = {ObjectName{"item"}, EntityId{"e1"}};
    }

    Change change(const PlatformId& from, Fields fields) {
        Change out;
        out.key = {from, ObjectName{"item"}, RecordId{from.text + "-1"}};
        out.rev = {1, ++revs_[from]};
        out.number = {{}, {1, out.rev.n}};
        out.fields = std::move(fields);
        out.seen_at = {++now_};
        return out;
    }
    Outcome outcome(const Command& command, Fields fields) {
        Outcome out;
        out.platform = command.platform;
        out.entity = command.entity;
        out.record = command.record.value_or(RecordId{command.platform.text + "-1"});
        out.rev = {1, ++revs_[command.platform]};
        out.generation = out.ledger_generation = command.generation;
        out.decided_at = command.decided_at;
        out.fields = std::move(fields);
        return out;
    }
    /// The record holds what was commanded, and the agent knows it for that.
    Outcome carried_out(const Command& command) {
        Outcome out = outcome(command, command.fields);
        for (const auto& [name, value] : command.fields) out.as_commanded.push_back(name);
        return out;
    }
    Outcome in_doubt(const Command& command) {
        Outcome out = outcome(command, {});
        out.record.reset();
        out.rev = {};
        out.status = OutcomeStatus::kInDoubt;
        return out;
    }
    Change deletion(const PlatformId& from) {
        Change out = change(from, {});
        out.kind = ChangeKind::kDelete;
        return out;
    }
    Change another(const PlatformId& from, const char* record, Fields fields) {
        Change out = change(from, std::move(fields));
        out.key.record = RecordId{record};
        return out;
    }
    Fields with(const char* field, const char* value) const { return with({{field, value}}); }
    Fields with(std::initializer_list<std::pair<const char*, const char*>> values) const {
        Fields out = full_;
        for (const auto& [field, value] : values) out.set(FieldName{field}, value);
        return out;
    }
    Operation act(OperationKind kind) const {
        Operation out;
        out.kind = kind;
        out.entity = state_.key;
        out.exception = state_.exceptions.at(0).kind;
        out.actor = "test";
        return out;
    }
    Operation merge_into(const char* other) const {
        Operation out;
        out.kind = OperationKind::kMerge;
        out.entity = state_.key;
        out.id = "merge";
        out.other = EntityId{other};
        return out;
    }
    Step take(Input input) {
        const Context context{{now_ * 1'000'000'000}, {}, 7};
        Step step = decide(policy_, state_, {&input, 1}, context);
        state_ = step.next;
        // What is stored is what is decided on next time.
        EXPECT_EQ(*decode_entity(encode(state_)), state_);
        return step;
    }
    /// An entity that all three platforms hold alike.
    void settle(const Fields& fields) {
        answer(take(change(kCrm, fields)));
        for (const RecordState& record : state_.records) {
            ASSERT_FALSE(record.pending) << record.platform.text;
        }
    }
    /// Every command is carried out to the letter, and so on until there is none.
    void answer(Step step) {
        while (!step.commands.empty()) {
            const Command command = step.commands.front();
            std::vector<Command> rest(step.commands.begin() + 1, step.commands.end());
            step = take(outcome(command, command.fields));
            step.commands.insert(step.commands.end(), rest.begin(), rest.end());
        }
    }
    const Value& canonical(std::string_view name) {
        static const Value kAbsent;
        const CanonicalField* field = state_.find(FieldName{name});
        return field == nullptr ? kAbsent : field->value;
    }
    const Fields full_{{kName, "bolt"},
                       {FieldName{"stage"}, "draft"},
                       {FieldName{"price"}, *Decimal::parse("2.5")},
                       {FieldName{"note"}, "n"},
                       {FieldName{"colour"}, "red"},
                       {FieldName{"size"}, "M"},
                       {FieldName{"phone"}, "1"},
                       {FieldName{"rank"}, "a"}};

    Policy policy_;
    EntityState state_;
    std::map<PlatformId, std::uint64_t> revs_;
    std::int64_t now_ = 0;
};

}  // namespace syncline::hub
