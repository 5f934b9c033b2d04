#include "hub/ctl/policy_likeness.h"

#include <gtest/gtest.h>

#include <array>
#include <deque>
#include <random>
#include <string>

#include "hub/core/decide.h"
#include "hub/core/rehearsal.h"
#include "shared/policy/policy_toml.h"

namespace syncline::ctl {
namespace {

constexpr const char* kFrame = R"([policy]
name = "test"
[platforms.crm]
[platforms.erp]
[objects.item.fields]
number = { type = "string", required = true }
stage = { type = "enum", values = ["new", "live", "done"], required = true }
price = "decimal"
note = "string"
[objects.item.stages]
field = "stage"
initial = ["new"]
next = { new = ["live"], live = ["new", "done"], done = [] }
[[objects.item.match]]
name = "number"
on = ["number"]
[objects.item.on.crm]
fields = ["*"]
founds = true
receives = true
on_delete = "review"
[objects.item.on.erp]
fields = ["*"]
founds = true
receives = true
on_delete = "propagate"
)";

/// Random policies that differ in rules, and what platforms say and answer.
class Generator {
public:
    explicit Generator(unsigned seed) : random_(seed) {}

    std::size_t below(std::size_t limit) { return random_() % limit; }
    template <std::size_t N>
    std::string any(const std::array<const char*, N>& of) {
        return of[below(N)];
    }

    std::string rules() {
        std::string text;
        for (std::size_t i = 1 + below(3); i > 0; --i) text += one_more();
        return text + "[[objects.item.own]]\nfields = ['*']\nowner = 'crm'\n";
    }
    std::string one_more() {
        return rule(any(std::array{"'price'", "'note'", "'stage'", "'price', 'note'"}),
                    any(std::array{"when = 'stage == \"new\"'\n", "when = 'price == nil'\n",
                                   "when = 'stage ~= \"live\"'\n", ""}));
    }

    hub::Input change() {
        Change change;
        const PlatformId platform{any(std::array{"crm", "erp"})};
        const std::string number = std::to_string(below(3));
        change.key = {platform, ObjectName{"item"}, RecordId{number}};
        if (below(12) == 0) change.key.record.text += "b";
        change.rev = {1, ++revs_[change.key]};
        change.seen_at = {static_cast<std::int64_t>(revs_[change.key])};
        if (below(30) == 0) {
            change.kind = ChangeKind::kDelete;
            return change;
        }
        change.fields.set(FieldName{"number"}, number);
        change.fields.set(FieldName{"stage"}, any(std::array{"new", "live", "done", "odd"}));
        if (below(3) != 0) change.fields.set(FieldName{"price"}, Value{static_cast<int>(below(2))});
        if (below(3) != 0) change.fields.set(FieldName{"note"}, any(std::array{"a", "b"}));
        return change;
    }

    hub::Input answer(const Command& command) {
        Outcome outcome{.platform = command.platform, .entity = command.entity};
        outcome.record = command.record.value_or(RecordId{"made"});
        outcome.rev = {1, ++revs_[{command.platform, command.entity.object, *outcome.record}]};
        outcome.generation = outcome.ledger_generation = command.generation;
        outcome.decided_at = command.decided_at;
        outcome.fields = command.fields;
        if (below(8) == 0) outcome.status = OutcomeStatus::kRejected;
        if (below(8) == 0) outcome.fields.set(FieldName{"note"}, "its own");
        for (const auto& [name, value] : command.fields) outcome.as_commanded.push_back(name);
        return outcome;
    }

private:
    std::string rule(const std::string& fields, const std::string& when) {
        return "[[objects.item.own]]\nfields = [" + fields + "]\n" + when +
               any(std::array{"owner = 'crm'\n", "owner = 'erp'\n",
                              "owner = 'erp'\notherwise = 'review'\n",
                              "owner = 'crm'\notherwise = 'propose'\n",
                              "owner = 'erp'\notherwise = 'accept'\n", "resolve = 'latest'\n"});
    }

    std::mt19937 random_;
    std::map<RecordKey, std::uint64_t> revs_;
};

/// What a policy makes of an input, but for the places of its rules.
std::string made_of(const Policy& policy, const hub::Rehearsal::Taken& taken) {
    const hub::Step step = decide(policy, taken.before, taken.inputs, taken.context);
    std::string text;
    for (const hub::FieldDecision& decision : step.log.decisions) {
        text += decision.field.text + " " + name_of(decision.verdict) + "\n";
    }
    for (const Command& command : step.commands) {
        text += command.platform.text + std::to_string(static_cast<int>(command.kind));
        for (const auto& [name, value] : command.fields) text += name.text + display(value);
    }
    for (const hub::OpenException& open : step.next.exceptions) text += open.kind + "\n";
    for (const hub::CanonicalField& field : step.next.canonical) text += display(field.value);
    return text;
}

class PolicyLikeness : public testing::TestWithParam<unsigned> {};
TEST_P(PolicyLikeness, CoversOnlyWhatBothDecideAlike) {
    Generator generator{GetParam()};
    int covered = 0;
    int open = 0;
    for (int round = 0; round < 60; ++round) {
        const std::string rules = generator.rules();
        const std::string other = generator.one_more() + rules;
        const Policy active = *parse_policy({{"a.toml", kFrame + rules}});
        const Policy proposed = *parse_policy({{"p.toml", kFrame + other}});
        const Likeness likeness{active.objects[0], proposed.objects[0]};
        hub::Rehearsal history{active};
        std::deque<Command> commands;
        for (int i = 0; i < 60; ++i) {
            hub::Rehearsal::Taken taken;
            const hub::Context context{Timestamp{i + 1}, {}, 0};
            if (!commands.empty() && generator.below(2) == 0) {
                const Command command = commands.front();
                commands.pop_front();
                taken = history.take(command.entity, generator.answer(command), context);
            } else {
                taken = history.take(std::get<Change>(generator.change()), context);
            }
            commands.insert(commands.end(), taken.commands.begin(), taken.commands.end());
            if (taken.inputs.size() != 1) continue;
            if (!likeness.covers(taken.before, taken.inputs[0])) {
                ++open;
                continue;
            }
            ++covered;
            ASSERT_EQ(made_of(active, taken), made_of(proposed, taken)) << rules << "\n" << other;
        }
    }
    EXPECT_GT(covered, 300);
    EXPECT_GT(open, 200);
}
INSTANTIATE_TEST_SUITE_P(Seeds, PolicyLikeness, testing::Range(1U, 9U));

TEST(PolicyLikeness, CoversNothingWhereMoreThanRulesDiffers) {
    const std::string rules = "[[objects.item.own]]\nfields = ['*']\nowner = 'crm'\n";
    const Policy policy = *parse_policy({{"a.toml", kFrame + rules}});
    const auto covers = [&](const std::string& from, const std::string& to) {
        std::string text = kFrame;
        text.replace(text.find(from), from.size(), to);
        const Policy other = *parse_policy({{"p.toml", text + rules}});
        return Likeness{policy.objects[0], other.objects[0]}.covers({}, Change{});
    };
    EXPECT_TRUE(covers("next = {", "next = {"));
    EXPECT_FALSE(covers("next = { new = [\"live\"]", "next = { new = [\"live\", \"done\"]"));
    EXPECT_FALSE(covers("price = \"decimal\"", "price = \"integer\""));
    EXPECT_FALSE(covers("note = \"string\"", "note = \"string\"\nmore = \"string\""));
    EXPECT_FALSE(covers("on = [\"number\"]", "on = [\"number:lower\"]"));
    EXPECT_FALSE(covers("on_delete = \"propagate\"", "on_delete = \"unlink\""));
    EXPECT_FALSE(covers("receives = true", "receives = true\nreceives_when = 'price == nil'"));
    EXPECT_FALSE(covers("[objects.item.fields]",
                        "[objects.item]\nattempts_max = 7\n"
                        "[objects.item.fields]"));
}

}  // namespace
}  // namespace syncline::ctl
