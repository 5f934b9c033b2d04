// SIGHUP: settings are read anew while everything runs, and nothing is lost on the way.
#include <csignal>

#include <gtest/gtest.h>

#include "tests/integration/running_system.h"

namespace syncline::test {
namespace {

class Reloads : public RunningSystem {
protected:
    /// Replaces `from` in a file, which must be there.
    void edit(const std::string& name, const std::string& from, const std::string& to) const {
        std::string text = read(name);
        const auto at = text.find(from);
        ASSERT_NE(at, std::string::npos) << name;
        write(name, text.replace(at, from.size(), to));
    }
    [[nodiscard]] static bool soon_says(const Program& program, const std::string& text) {
        return until([&] { return program.says(text); });
    }
};

TEST_F(Reloads, TheLevelOfTheLogIsAppliedInPlace) {
    start_all();
    for (const auto& [program, file] :
         {std::pair{hub.get(), "hub.toml"}, {shop.get(), "shop.toml"}}) {
        write(file, read(file) + "[log]\nlevel = \"error\"\n");
        program->signal(SIGHUP);
        EXPECT_TRUE(soon_says(*program, "new settings, applied in place")) << file;
        EXPECT_TRUE(program->says("changed=log.level")) << program->said();
        edit(file, "level = \"error\"", "level = \"info\"");
        program->signal(SIGHUP);
    }
    drop("customers-a.jsonl", row("1", "Ada"));
    EXPECT_TRUE(arrives({"1"}));
    EXPECT_FALSE(shop->says("agent stops")) << shop->said();
    EXPECT_FALSE(hub->says("hub stops")) << hub->said();
}

TEST_F(Reloads, WhatElseChangesIsAppliedByANewStartInTheSameProcess) {
    start_all();
    drop("customers-a.jsonl", row("1", "Ada"));
    edit("shop.toml", "poll_ms = 100", "poll_ms = 50");
    shop->signal(SIGHUP);
    EXPECT_TRUE(soon_says(*shop, "applied by a new start"));
    EXPECT_TRUE(shop->says("changed=poll_ms")) << shop->said();
    drop("customers-b.jsonl", row("2", "Bob"));
    EXPECT_TRUE(arrives({"1", "2"}));
    edit("hub.toml", "watch_interval_ms = 200", "watch_interval_ms = 100");
    hub->signal(SIGHUP);
    EXPECT_TRUE(soon_says(*hub, "changed=limits.watch_interval_ms"));
    drop("customers-c.jsonl", row("3", "Cy"));
    EXPECT_TRUE(arrives({"1", "2", "3"}));
    EXPECT_EQ(shop->stop(), 0);
    EXPECT_EQ(hub->stop(), 0);
}

TEST_F(Reloads, AFileThatIsNotSoundIsLeft) {
    start_all();
    const std::string agent = read("shop.toml");
    write("shop.toml", "pol_ms = 5\n" + agent);
    shop->signal(SIGHUP);
    EXPECT_TRUE(soon_says(*shop, "the settings are not sound, those of before hold"));
    EXPECT_TRUE(shop->says("shop.toml:1:1")) << shop->said();
    write("hub.toml", "policy = 'nowhere'\n");
    hub->signal(SIGHUP);
    EXPECT_TRUE(soon_says(*hub, "the settings are not sound, those of before hold"));
    drop("customers-a.jsonl", row("1", "Ada"));
    EXPECT_TRUE(arrives({"1"}));
    write("shop.toml", agent);  // Put right, and nothing is left of it.
    shop->signal(SIGHUP);
    EXPECT_TRUE(soon_says(*shop, "changed=none"));
    drop("customers-b.jsonl", row("2", "Bob"));
    EXPECT_TRUE(arrives({"1", "2"}));
}

TEST_F(Reloads, SettingsThatCannotBeUsedAreTakenBack) {
    start_all();
    const std::string taken = std::to_string(server.port());
    write("hub.toml", "metrics_port = " + taken + "\n" + read("hub.toml"));
    hub->signal(SIGHUP);
    EXPECT_TRUE(soon_says(*hub, "the new settings cannot be used, those of before hold"));
    edit("shop.toml", "store = \"shop.db\"", "store = \"nowhere/shop.db\"");
    shop->signal(SIGHUP);
    EXPECT_TRUE(soon_says(*shop, "the new settings cannot be used, those of before hold"));
    drop("customers-a.jsonl", row("1", "Ada"));
    EXPECT_TRUE(arrives({"1"}));
    edit("shop.toml", "nowhere/shop.db", "shop.db");
    shop->signal(SIGHUP);
    drop("customers-b.jsonl", row("2", "Bob"));
    EXPECT_TRUE(arrives({"1", "2"}));
    EXPECT_EQ(shop->stop(), 0);
    EXPECT_EQ(hub->stop(), 0);
}

TEST_F(Reloads, ManyOfThemWhileChangesFlowLoseNothing) {
    start_all();
    std::set<std::string> all;
    for (int i = 0; i < 10; ++i) {
        std::string rows;
        for (int k = 0; k < 20; ++k) {
            const std::string number = std::to_string(i * 20 + k);
            rows += row(number, "name " + number);
            all.insert(number);
        }
        drop("customers-" + std::to_string(i) + ".jsonl", rows);
        for (const Program* program : {shop.get(), books.get(), hub.get(), shop.get()}) {
            program->signal(SIGHUP);
        }
    }
    EXPECT_TRUE(arrives(all));
    EXPECT_TRUE(shop->runs());
    EXPECT_EQ(books->stop(), 0);
}

}  // namespace
}  // namespace syncline::test
