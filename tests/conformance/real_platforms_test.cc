// The rest connector and its profiles against the real programs: a Request Tracker and a Tryton.
#include <chrono>
#include <map>
#include <optional>
#include <set>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/conformance/rest_connector.h"

namespace syncline::test {
namespace {

using namespace std::chrono_literals;

struct Real {
    const char* server;
    const char* program;  ///< Of its package.
    Value extra;          ///< Of the field `extra`, which the platform keeps in a form of its own.
    /// The agent's file; the password, or what takes its place, is `secret`.
    std::string (*config)(const NodeServer& server, const std::string& secret);
    const char* credential;  ///< Of the READY line.
};

std::string request_tracker(const NodeServer& server, const std::string& secret) {
    return R"(
[connector]
kind = "rest"
profile = "request_tracker"
overlap_s = 1
safety_s = 0
base_url = ")" +
           server.url() + "\"\n[connector.auth]\ntoken = " + secret + R"(
[objects.record]
native = "ticket"
filter = "Queue = 'General'"
marker = "CustomFields.name=Syncline.values.0"
[objects.record.create]
Queue = "General"
[objects.record.fields]
text = "Subject"
status = "Status"
extra = { path = "CustomFields.name=Severity.values.0", write_path = "CustomFields.Severity" }
)";
}

std::string tryton(const NodeServer& server, const std::string& secret) {
    return R"(
[connector]
kind = "rest"
profile = "tryton"
overlap_s = 1
safety_s = 0
base_url = ")" +
           server.ready("api") + "\"\n[connector.auth]\nusername = \"" + server.ready("user") +
           "\"\npassword = " + secret + R"(
[objects.record]
native = "party.party"
filter = '["id", ">", 1]'
[objects.record.fields]
text = "name"
active = { path = "active", type = "bool" }
extra = { path = "credit_limit_amount", type = "decimal", decimals = 2 }
)";
}

class RealPlatform : public testing::TestWithParam<Real> {
protected:
    void SetUp() override {
        if (!std::filesystem::exists(GetParam().program)) {
            GTEST_SKIP() << "not installed: " << GetParam().program
                         << " (tests/support/install without --no-platforms)";
        }
        server_.emplace(GetParam().server);
        connector_ = connector(server_->ready(GetParam().credential));
    }
    std::unique_ptr<agent::Connector> connector(const std::string& credential) {
        return connector_from(
            GetParam().config(*server_, secret_in(*server_, "secret", credential)));
    }
    Command command(CommandKind kind, const std::string& text) const {
        Command one;
        one.kind = kind;
        one.entity = {ObjectName{"record"}, EntityId{"entity1"}};
        one.generation = 1;
        if (!text.empty()) one.fields.set(FieldName{"text"}, Value{text});
        return one;
    }
    /// What is new since the cursor: texts by id; null: deleted.
    std::map<std::string, Value> read() {
        // A window ends at a whole second that has passed.
        std::this_thread::sleep_for(2'050ms);
        std::map<std::string, Value> seen;
        for (int pages = 0; pages < 100; ++pages) {
            auto batch = connector_->read(cursor_, 100, {});
            if (!batch) throw std::runtime_error(batch.error().what);
            for (const agent::Record& record : batch->records) {
                const Value* text = record.fields.find(FieldName{"text"});
                seen[record.id.text] = record.deleted || text == nullptr ? Value{} : *text;
            }
            for (const auto& reject : batch->rejects) ADD_FAILURE() << reject.reason;
            cursor_ = batch->next;
            if (!batch->more) return seen;
        }
        throw std::runtime_error("reading does not end");
    }

    std::optional<NodeServer> server_;
    std::unique_ptr<agent::Connector> connector_;
    agent::Cursor cursor_;
};

TEST_P(RealPlatform, IsReadAndWritten) {
    ASSERT_TRUE(connector_->connect({}));
    read();
    const std::string text = "O'Brien \"&\" \\ ^%é";
    const auto made = connector_->write(command(CommandKind::kCreate, text), {});
    ASSERT_TRUE(made) << made.error().what;
    EXPECT_EQ(read()[made->id.text], Value{text});
    Command update = command(CommandKind::kUpdate, "second");
    update.record = made->id;
    const auto updated = connector_->write(update, {});
    ASSERT_TRUE(updated) << updated.error().what;
    EXPECT_EQ(read()[made->id.text], Value{"second"});
    const auto fetched = connector_->fetch(ObjectName{"record"}, made->id, {});
    ASSERT_TRUE(fetched) << fetched.error().what;
    ASSERT_TRUE(*fetched);
    EXPECT_EQ(*(*fetched)->fields.find(FieldName{"text"}), Value{"second"});
    const auto again = connector_->write(command(CommandKind::kCreate, "third"), {});
    ASSERT_TRUE(again) << again.error().what;
    EXPECT_TRUE(again->existed);
    EXPECT_EQ(again->id, made->id);
    Command remove = command(CommandKind::kDelete, "");
    remove.record = made->id;
    const auto removed = connector_->write(remove, {});
    ASSERT_TRUE(removed) << removed.error().what;
    const auto gone = connector_->fetch(ObjectName{"record"}, made->id, {});
    ASSERT_TRUE(gone) << gone.error().what;
    EXPECT_FALSE(*gone);
}

TEST_P(RealPlatform, KeepsAValueInItsOwnForm) {
    const FieldName extra{"extra"};
    Command one = command(CommandKind::kCreate, "with extra");
    one.entity.entity = EntityId{"entity-extra"};
    one.fields.set(extra, GetParam().extra);
    const auto made = connector_->write(one, {});
    ASSERT_TRUE(made) << made.error().what;
    const auto held = [&] {
        const auto fetched = connector_->fetch(ObjectName{"record"}, made->id, {});
        const Value* const value = fetched && *fetched ? (*fetched)->fields.find(extra) : nullptr;
        return value == nullptr ? Value{"not told"} : *value;
    };
    EXPECT_EQ(held(), GetParam().extra) << display(held());
    Command emptied = command(CommandKind::kUpdate, "");
    emptied.record = made->id;
    emptied.fields.set(extra, Value{});
    const auto done = connector_->write(emptied, {});
    ASSERT_TRUE(done) << done.error().what;
    EXPECT_EQ(held(), Value{}) << display(held());
}

TEST_P(RealPlatform, ReadsEachRecordOnceOverManyPages) {
    std::set<std::string> made;
    for (int i = 0; i < 25; ++i) {
        Command one = command(CommandKind::kCreate, "record " + std::to_string(i));
        one.entity.entity = EntityId{"entity" + std::to_string(i)};
        const auto written = connector_->write(one, {});
        ASSERT_TRUE(written) << written.error().what;
        made.insert(written->id.text);
    }
    std::this_thread::sleep_for(2'050ms);
    std::multiset<std::string> seen;
    while (true) {
        const auto batch = connector_->read(cursor_, 7, {});
        ASSERT_TRUE(batch) << batch.error().what;
        for (const agent::Record& record : batch->records) {
            if (made.contains(record.id.text)) seen.insert(record.id.text);
        }
        cursor_ = batch->next;
        if (!batch->more) break;
    }
    EXPECT_EQ(seen.size(), made.size());
    EXPECT_EQ(std::set<std::string>(seen.begin(), seen.end()), made);
}

TEST_P(RealPlatform, RefusesWhoItDoesNotKnow) {
    const auto stranger = connector("1-nobody-0123456789abcdef0123456789abcdef");
    const auto done = stranger->connect({});
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().kind, ErrorKind::kDenied) << done.error().what;
}

INSTANTIATE_TEST_SUITE_P(Programs, RealPlatform,
                         testing::Values(Real{"rt", "/usr/share/request-tracker5/libexec/rt-server",
                                              Value{"high"}, request_tracker, "token"},
                                         Real{"tryton", "/usr/bin/trytond",
                                              Value{*Decimal::parse("2500.5")}, tryton,
                                              "password"}),
                         [](const auto& one) { return std::string{one.param.server}; });

}  // namespace
}  // namespace syncline::test
