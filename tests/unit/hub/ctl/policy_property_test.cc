#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <map>
#include <random>
#include <set>

#include "hub/core/decide.h"
#include "hub/core/state_codec.h"
#include "hub/ctl/policy_plan_core.h"
#include "shared/base/json.h"
#include "shared/policy/policy_toml.h"

// What holds for any policy and any history: random policies, random worlds, one entity in them.

namespace syncline::ctl {
namespace {

const ObjectName kGoods{"item"};
const std::vector<std::string> kPlatforms{"a", "b", "c"};
const std::vector<std::string> kFields{"f1", "f2", "f3"};

class Dice {
public:
    explicit Dice(std::uint64_t seed) : random_(seed) {}
    std::size_t below(std::size_t n) {
        return std::uniform_int_distribution<std::size_t>{0, n - 1}(random_);
    }
    bool chance(int percent) { return below(100) < static_cast<std::size_t>(percent); }
    const std::string& of(const std::vector<std::string>& texts) {
        return texts[below(texts.size())];
    }

private:
    std::mt19937_64 random_;
};

/// The rules of a field, and who owns it by some of them.
struct FieldRules {
    std::string toml;
    std::set<std::string> owners;
    bool reverts = false;  ///< Whoever does not own it, in whatever stage.
    bool shared = false;
};

FieldRules rules_of(Dice& dice, const std::string& field) {
    FieldRules rules;
    const auto rule = [&](const std::string& when, const std::string& rest) {
        rules.toml += "[[objects.item.own]]\nfields = [\"" + field + "\"]\n" + when + rest;
    };
    const auto owned = [&](const std::string& when, const std::string& otherwise) {
        const std::string& owner = dice.of(kPlatforms);
        rules.owners.insert(owner);
        rule(when, "owner = \"" + owner + "\"\notherwise = \"" + otherwise + "\"\n");
    };
    if (dice.chance(20)) {
        rules.shared = true;
        rule("", dice.chance(50) ? "resolve = \"latest\"\n"
                                 : "resolve = \"priority\"\npriority = [\"b\", \"a\", \"c\"]\n");
        return rules;
    }
    const std::string otherwise =
        dice.chance(60) ? "revert" : dice.of({"ignore", "review", "propose", "accept"});
    rules.reverts = otherwise == "revert";
    if (dice.chance(50)) owned("when = 'stage == \"s1\"'\n", otherwise);
    owned("", otherwise);
    return rules;
}

struct RandomPolicy {
    Policy policy;
    std::map<std::string, FieldRules> rules;
};

RandomPolicy random_policy(Dice& dice, std::uint64_t version) {
    RandomPolicy made;
    std::string toml = "[policy]\nname = \"random\"\n";
    for (const std::string& platform : kPlatforms) toml += "[platforms." + platform + "]\n";
    toml +=
        "[objects.item.fields]\n"
        "stage = { type = \"enum\", values = [\"s1\", \"s2\"], required = true }\n";
    for (const std::string& field : kFields) toml += field + " = \"string\"\n";
    for (const std::string& field : kFields) {
        made.rules[field] = rules_of(dice, field);
        toml += made.rules[field].toml;
    }
    toml += "[[objects.item.own]]\nfields = [\"stage\"]\nowner = \"a\"\notherwise = \"revert\"\n";
    for (const std::string& platform : kPlatforms) {
        toml += "[objects.item.on." + platform + "]\nfields = [\"*\"]\non_delete = \"restore\"\n" +
                (platform == "a" ? "founds = true\n" : "receives = true\n");
    }
    made.policy = *parse_policy({{"random.toml", toml}});
    made.policy.version = version;
    return made;
}

/// Three platforms with a record each, whose commands wait for their turn, and the hub's core.
class World {
public:
    World(Dice& dice, const Policy& policy) : dice_(dice), policy_(&policy) {
        state.key = {kGoods, EntityId{"e"}};
        edit("a");
    }

    /// Somebody at the platform edits something; a value is written once and nowhere else.
    void edit(const std::string& platform) {
        Side& side = sides[platform];
        side.held.set(FieldName{"stage"}, Value{dice_.of({"s1", "s2"})});
        for (const std::string& field : kFields) {
            if (!dice_.chance(40)) continue;
            const std::string value = platform + std::to_string(++values_);
            writers[value] = platform;
            side.held.set(FieldName{field}, Value{value});
        }
        side.exists = true;
        tell(platform);
    }
    /// The oldest command of a platform is carried out. False: there is none.
    bool carry_out() {
        std::vector<std::string> waiting;
        for (auto& [name, side] : sides) {
            if (side.command) waiting.push_back(name);
        }
        if (waiting.empty()) return false;
        const std::string platform = dice_.of(waiting);
        Side& side = sides[platform];
        const Command command = *std::exchange(side.command, std::nullopt);
        for (const auto& [name, value] : command.fields) {
            side.held.set(name,
                          side.rewrites ? Value{"own form " + std::to_string(++values_)} : value);
        }
        side.exists = true;
        ++carried_out;
        Outcome outcome;
        outcome.platform = command.platform;
        outcome.entity = state.key;
        outcome.record = RecordId{platform + "-1"};
        outcome.rev = {1, ++side.rev};
        outcome.generation = outcome.ledger_generation = command.generation;
        outcome.decided_at = command.decided_at;
        outcome.fields = side.held;
        outcome.done_at = {++now_};
        take(outcome);
        return true;
    }
    /// Every command is carried out, and what follows from that; false: it does not end.
    bool settle(int most) {
        for (int i = 0; i < most; ++i) {
            if (!carry_out()) return true;
        }
        return false;
    }
    /// It was written and taken back so often that a person is asked.
    [[nodiscard]] bool is_with_a_person(const std::string& platform,
                                        const std::string& field) const {
        const hub::RecordState* record = state.record(PlatformId{platform});
        return record != nullptr && record->holds(FieldName{field});
    }
    void put_in_force(const Policy& policy) {
        policy_ = &policy;
        take(hub::PolicyChanged{});
    }

    struct Side {
        Fields held;
        bool exists = false;
        bool rewrites = false;  ///< It stores another value than it is given, each time.
        std::uint64_t rev = 0;
        std::optional<Command> command;
    };
    hub::EntityState state;
    std::map<std::string, Side> sides;
    std::map<std::string, std::string> writers;  ///< Of each value, who wrote it.
    std::map<std::string, std::string> first;    ///< Of each field, what was canonical first.
    std::vector<Command> commanded;              ///< By the last input.
    int carried_out = 0;

    [[nodiscard]] hub::Context context() const { return {{now_ * 1'000'000'000}, {}, 7}; }

private:
    void tell(const std::string& platform) {
        Side& side = sides[platform];
        Change change;
        change.key = {PlatformId{platform}, kGoods, RecordId{platform + "-1"}};
        change.rev = {1, ++side.rev};
        change.number = {{}, {1, side.rev}};
        change.fields = side.held;
        change.seen_at = {++now_};
        take(change);
    }
    void take(hub::Input input) {
        ++now_;
        hub::Step step = hub::decide(*policy_, state, {&input, 1}, context());
        state = step.next;
        EXPECT_EQ(*hub::decode_entity(encode(state)), state) << "stored as it is";
        commanded = step.commands;
        for (const hub::CanonicalField& field : state.canonical) {
            const auto* text = field.value.get<std::string>();
            if (text != nullptr) first.try_emplace(field.name.text, *text);
        }
        for (const Command& command : step.commands) {
            Side& side = sides[command.platform.text];
            if (!side.command || side.command->generation < command.generation) {
                side.command = command;
            }
        }
    }

    Dice& dice_;
    const Policy* policy_;
    std::uint64_t values_ = 0;
    std::int64_t now_ = 0;
};

void live(Dice& dice, World& world, int steps) {
    for (int i = 0; i < steps; ++i) {
        const std::string& platform = dice.of(kPlatforms);
        if (dice.chance(50) && world.sides[platform].exists) {
            world.edit(platform);
        } else {
            world.carry_out();
        }
    }
}

constexpr std::uint64_t kWorlds = 400;
/// Three platforms, four fields, and each field may be commanded a few times before it counts as
/// not converging.
constexpr int kCommandsMost = 200;

TEST(PolicyProperty, NoWriteOfANonOwnerSurvives) {
    std::uint64_t reverted = 0;
    for (std::uint64_t seed = 1; seed <= kWorlds; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        Dice dice{seed};
        const RandomPolicy random = random_policy(dice, 1);
        World world{dice, random.policy};
        ASSERT_TRUE(world.settle(kCommandsMost));
        live(dice, world, 30);
        ASSERT_TRUE(world.settle(kCommandsMost));
        for (const auto& [field, rules] : random.rules) {
            if (!rules.reverts || rules.shared) continue;
            const hub::CanonicalField* agreed = world.state.find(FieldName{field});
            for (const auto& [platform, side] : world.sides) {
                const Value* held = side.held.find(FieldName{field});
                const auto* text = held == nullptr ? nullptr : held->get<std::string>();
                if (text == nullptr || agreed == nullptr) continue;
                if (world.is_with_a_person(platform, field)) continue;
                EXPECT_EQ(*text, *agreed->value.get<std::string>()) << field << " on " << platform;
                // What is said first stands until the owner speaks.
                const std::string& writer = world.writers.at(*text);
                EXPECT_TRUE(rules.owners.contains(writer) || world.first.at(field) == *text)
                    << field << " = " << *text << " on " << platform;
                ++reverted;
            }
        }
    }
    EXPECT_GT(reverted, kWorlds) << "else nothing was looked at";
}

TEST(PolicyProperty, NoLoopExceedsItsBoundWhateverAPlatformMakesOfIt) {
    int most = 0;
    for (std::uint64_t seed = 1; seed <= kWorlds; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        Dice dice{seed};
        const RandomPolicy random = random_policy(dice, 1);
        World world{dice, random.policy};
        for (const std::string& platform : kPlatforms) {
            world.sides[platform].rewrites = dice.chance(50);
        }
        live(dice, world, 20);
        const int before = world.carried_out;
        ASSERT_TRUE(world.settle(kCommandsMost)) << "commands without end";
        most = std::max(most, world.carried_out - before);
        for (const auto& [name, side] : world.sides) EXPECT_FALSE(side.command) << name;
    }
    RecordProperty("commands_most", most);
    EXPECT_GT(most, 3) << "else nothing went to and fro";
}

using Told = std::tuple<std::string, int, std::vector<std::pair<std::string, std::string>>>;

std::set<Told> told(const std::vector<Command>& commands) {
    std::set<Told> all;
    for (const Command& command : commands) {
        std::vector<std::pair<std::string, std::string>> fields;
        for (const auto& [name, value] : command.fields) {
            fields.emplace_back(name.text, to_json(value));
        }
        all.emplace(command.platform.text, static_cast<int>(command.kind), std::move(fields));
    }
    return all;
}

TEST(PolicyProperty, WhatAPlanSaysOfTheStatesIsWhatApplyingDoes) {
    std::uint64_t differing = 0;
    for (std::uint64_t seed = 1; seed <= kWorlds; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        Dice dice{seed};
        const RandomPolicy active = random_policy(dice, 1);
        const RandomPolicy proposed = random_policy(dice, 2);
        World world{dice, active.policy};
        live(dice, world, 30);
        if (dice.chance(70)) std::ignore = world.settle(kCommandsMost);
        PolicyPlan plan{active.policy, proposed.policy, 10};
        plan.take_stored(world.state, world.context());
        std::set<Told> planned;
        for (const PlanDifference& difference : plan.examples) {
            planned.merge(told(difference.commands_then));
        }
        world.put_in_force(proposed.policy);
        EXPECT_EQ(planned, told(world.commanded));
        differing += planned.empty() ? 0 : 1;
    }
    EXPECT_GT(differing, kWorlds / 20) << "else nothing was planned";
}

}  // namespace
}  // namespace syncline::ctl
