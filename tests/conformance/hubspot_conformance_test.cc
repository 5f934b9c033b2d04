// The rest connector with the profile that we ship for HubSpot, against its stand-in.
#include <stdexcept>

#include <gtest/gtest.h>

#include "tests/conformance/rest_platform.h"

namespace syncline::test {
namespace {

using namespace std::chrono_literals;
using enum ErrorKind;

class HubSpot final : public RestPlatform {
public:
    /// The search lags by half a second and ends at 400 rows, so that neither goes unnoticed.
    explicit HubSpot(std::vector<std::string> flags = {})
        : RestPlatform("hubspot", "companies", "name", [&flags] {
              std::vector<std::string> all{"--burst-limit",  "0",   "--search-limit",    "0",
                                           "--index-lag-ms", "500", "--search-rows-max", "400"};
              all.insert(all.end(), flags.begin(), flags.end());
              return all;
          }()) {}
    [[nodiscard]] bool tells_deletions() const override { return false; }
    [[nodiscard]] std::string refused_text() const override { return std::string(70'000, 'x'); }
    std::vector<std::pair<std::string, std::function<void()>>> batch_faults() override {
        return {{"result_missing", [this] {
                     server.fault({{"kind", "result_missing"}, {"rows", 100}});
                 }}};
    }
    std::unique_ptr<agent::Connector> overlapping(int seconds) {
        return connector_from(config(seconds));
    }

protected:
    [[nodiscard]] std::string config() const override { return config(2); }
    [[nodiscard]] std::string config(int overlap_s) const {
        return R"(
[connector]
kind = "rest"
profile = "hubspot"
safety_s = 0
timeout_ms = 5_000
overlap_s = )" +
               std::to_string(overlap_s) + "\nbase_url = \"" + server.url() +
               "\"\n[connector.auth]\ntoken = " + secret("token") + R"(
[objects.customer]
native = "companies"
[objects.customer.fields]
name = "properties.name"
number = "properties.account_number"
employees = { path = "properties.numberofemployees", type = "integer" }
[objects.person]
native = "contacts"
changed = "properties.lastmodifieddate"
[objects.person.fields]
email = "properties.email"
)";
    }
};

const bool registered_hubspot =
    register_connector_conformance("hubspot", [] { return std::make_unique<HubSpot>(); });

Command command_of(CommandKind kind, const std::string& entity, Fields fields) {
    Command command;
    command.kind = kind;
    command.platform = PlatformId{"p"};
    command.entity = {ObjectName{"customer"}, EntityId{entity}};
    command.generation = 1;
    command.fields = std::move(fields);
    return command;
}

Command update_of(const std::string& id, const std::string& field, const std::string& text) {
    Command command =
        command_of(CommandKind::kUpdate, "e-" + id, {{FieldName{field}, Value{text}}});
    command.record = RecordId{id};
    return command;
}

std::size_t rows_of_one_pass(agent::Connector& connector, agent::Cursor& cursor) {
    std::size_t rows = 0;
    while (true) {
        const auto batch = connector.read(cursor, 100, {});
        if (!batch) throw std::runtime_error(batch.error().what);
        rows += batch->records.size();
        cursor = batch->next;
        if (!batch->more) return rows;
    }
}

TEST(HubSpotStandIn, ARecordThatTheIndexDoesNotShowYetIsFoundByItsMarker) {
    ASSERT_TRUE(registered_hubspot);
    HubSpot platform{{"--index-lag-ms", "60000"}};
    const Command create =
        command_of(CommandKind::kCreate, "e1", {{FieldName{"name"}, Value{"Acme"}}});
    platform.server.fault({{"kind", "drop_reply_after_commit"}});
    const auto lost = platform.connector()->write(create, {});
    ASSERT_FALSE(lost);
    EXPECT_EQ(lost.error().kind, kAmbiguous);
    const auto connector = platform.connector();
    agent::Cursor cursor;
    EXPECT_EQ(rows_of_one_pass(*connector, cursor), 0u);
    const auto again = connector->write(create, {});
    ASSERT_TRUE(again) << again.error().what;
    EXPECT_TRUE(again->existed);
    EXPECT_EQ(platform.count(), 1u);
}

/// The window has passed its stamp when the index shows it.
TEST(HubSpotStandIn, TheOverlapFindsWhatTheIndexShowsLate) {
    HubSpot platform{{"--index-lag-ms", "5000"}};
    const auto connector = platform.overlapping(9);
    agent::Cursor cursor;
    ASSERT_EQ(rows_of_one_pass(*connector, cursor), 0u);
    platform.create("late");
    std::this_thread::sleep_for(1'500ms);
    ASSERT_EQ(rows_of_one_pass(*connector, cursor), 0u);
    std::this_thread::sleep_for(4'000ms);
    EXPECT_EQ(rows_of_one_pass(*connector, cursor), 1u);
}

/// The first attempt is still under way when it is told again: neither sees the other.
TEST(HubSpotStandIn, ACreateThatOvertakesItselfMakesOneRecord) {
    HubSpot platform;
    const Command create =
        command_of(CommandKind::kCreate, "e1", {{FieldName{"name"}, Value{"Acme"}}});
    platform.server.fault({{"kind", "late_commit"}, {"method", "POST"}, {"delay_ms", 3'000}});
    const auto slow_one = platform.connector();
    Result<agent::Written> slow = fail(kInternal, "not asked");
    std::jthread first{[&] { slow = slow_one->write(create, {}); }};
    platform.wait_for_fault();
    const auto fast = platform.connector()->write(create, {});
    first.join();
    ASSERT_TRUE(fast) << fast.error().what;
    EXPECT_EQ(platform.count(), 1u);
    ASSERT_FALSE(slow);
    // Not "refused for good": whoever decides again finds the record.
    EXPECT_EQ(slow.error().kind, kConflict) << slow.error().what;
}

TEST(HubSpotStandIn, AUniqueValueOfAnotherRecordIsAConflict) {
    HubSpot platform;
    platform.server.create("companies", {{"name", "a"}, {"account_number", "A-1"}});
    const std::string b = platform.create("b");
    const std::string c = platform.create("c");
    const auto connector = platform.connector();
    const auto single = connector->write(update_of(b, "number", "A-1"), {});
    ASSERT_FALSE(single);
    EXPECT_EQ(single.error().kind, kConflict) << single.error().what;
    const std::vector<Command> both{update_of(b, "number", "A-1"), update_of(c, "number", "A-2")};
    const auto together = connector->write_all(both, {});
    ASSERT_TRUE(together) << together.error().what;
    ASSERT_FALSE(together->results[0]);
    EXPECT_EQ(together->results[0].error().kind, kConflict) << together->results[0].error().what;
    EXPECT_TRUE(together->results[1]);
    platform.server.create("contacts", {{"email", "a@x.example"}});
    const std::string person = platform.server.create("contacts", {{"email", "b@x.example"}});
    Command email = update_of(person, "email", "a@x.example");
    email.entity.object = ObjectName{"person"};
    const auto taken = connector->write(email, {});
    ASSERT_FALSE(taken);
    EXPECT_EQ(taken.error().kind, kConflict) << taken.error().what;
}

/// An account whose batches are refused whole: each record goes by itself, and nothing is lost.
TEST(HubSpotStandIn, ABatchThatIsRefusedWholeGoesSingly) {
    HubSpot platform{{"--multi-status", "off"}};
    const std::string a = platform.create("a");
    const std::string b = platform.create("b");
    const std::vector<Command> both{update_of(a, "name", "A"),
                                    update_of(b, "name", platform.refused_text())};
    const auto connector = platform.connector();
    const auto together = connector->write_all(both, {});
    ASSERT_FALSE(together);
    EXPECT_EQ(together.error().kind, kUnsupported) << together.error().what;
    EXPECT_TRUE(connector->write(both[0], {}));
    const auto refused = connector->write(both[1], {});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, kInvalid);
}

TEST(HubSpotStandIn, TheEndOfADayIsNoPauseOfTenSeconds) {
    HubSpot platform;
    const auto connector = platform.connector();
    ASSERT_TRUE(connector->connect({}));
    platform.server.fault({{"kind", "throttle"}, {"path", "/search"}});
    const auto paused = connector->read({}, 10, {});
    ASSERT_FALSE(paused);
    EXPECT_EQ(paused.error().kind, kThrottled);
    EXPECT_GT(connector->throttle_pause(), 9s);
    platform.server.fault({{"kind", "throttle"}, {"variant", "daily"}, {"path", "/search"}});
    const auto ended = platform.connector()->read({}, 10, {});
    ASSERT_FALSE(ended);
    EXPECT_EQ(ended.error().kind, kDenied);
}

}  // namespace
}  // namespace syncline::test
