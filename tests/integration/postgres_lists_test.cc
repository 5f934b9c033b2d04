#include "agent/connectors/postgres/postgres_lists.h"

#include "tests/integration/postgres_fixture.h"

namespace syncline::agent::postgres {
namespace {

const ListName kPrice{"price"};

class PostgresListsTest : public PostgresConnectorTest {
protected:
    PostgresListsTest() {
        db_->run(
            "SET ROLE syncline; CREATE TABLE erp.price (sku text PRIMARY KEY, "
            "amount numeric(12,2) CHECK (amount >= 0), note text, extra text)");
    }
    std::unique_ptr<ListDoor> door() {
        const std::string text = "[connector]\nkind = \"postgres\"\nhost = \"127.0.0.1\"\nport = " +
                                 std::to_string(server_.port()) +
                                 "\ndatabase = \"erp\"\nuser = \"syncline\"\ntls = \"disable\"\n"
                                 "password = { env = \"SYNCLINE_TEST_PG_PASSWORD\" }\n" +
                                 R"([lists.price]
native = "erp.price"
key = "sku"
[lists.price.fields]
amount = { path = "amount", type = "decimal", decimals = 2 }
note = "note"
)";
        auto root = TomlReader::parse(text, "agent.toml");
        EXPECT_TRUE(root);
        TomlReader connector = root->table("connector");
        std::ignore = connector.text("kind");
        TomlReader lists = root->table("lists");
        auto factory = make_postgres_lists(connector, lists, {clock_, ".", "."});
        const auto done = root->finish();
        EXPECT_TRUE(done) << done.error().what;
        return *(*factory)();
    }
    static ListRows rows(int count, const std::string& note) {
        ListRows out;
        for (int i = 0; i < count; ++i) {
            Fields fields;
            fields.set(FieldName{"amount"}, Value{*Decimal::parse(std::to_string(i) + ".5")});
            fields.set(FieldName{"note"}, Value{note});
            out.push_back({"sku-" + std::to_string(1'000 + i), fields});
        }
        return out;
    }
};

TEST_F(PostgresListsTest, AreReplacedAndReadAsTheyWere) {
    const auto made = door();
    ASSERT_TRUE(made->replace(kPrice, rows(100, "first"), {}));
    auto back = made->read(kPrice, {});
    ASSERT_TRUE(back) << back.error().what;
    std::ranges::sort(*back, {}, &ListRow::key);
    EXPECT_EQ(*back, rows(100, "first"));
    db_->run(
        "UPDATE erp.price SET extra = 'ours'; UPDATE erp.price SET note = 'by hand' WHERE "
        "sku = 'sku-1003'; INSERT INTO erp.price VALUES ('by hand', 1, 'x', 'y')");
    const std::string before = db_->value("SELECT txid_current()");
    ASSERT_TRUE(made->replace(kPrice, rows(99, "first"), {}));
    EXPECT_EQ(db_->value("SELECT count(*) FROM erp.price"), "99");
    EXPECT_EQ(db_->value("SELECT note FROM erp.price WHERE sku = 'sku-1003'"), "first");
    EXPECT_EQ(db_->value("SELECT count(*) FROM erp.price WHERE xmin::text::bigint > " + before),
              "1")
        << "rows that are the same are not written";
    EXPECT_EQ(db_->value("SELECT count(*) FROM erp.price WHERE extra = 'ours'"), "99");
}

TEST_F(PostgresListsTest, ReadersSeeOneOrTheOther) {
    const auto made = door();
    ASSERT_TRUE(made->replace(kPrice, rows(500, "0"), {}));
    std::atomic<bool> goes_on = true;
    std::atomic<int> halves = 0;
    std::atomic<int> reads = 0;
    std::thread reader{[&] {
        PostgresClient client{server_, "erp"};
        while (goes_on) {
            const auto found =
                client.run("SELECT count(*), count(DISTINCT note) FROM erp.price").at(0);
            ++reads;
            if (found != PostgresClient::Row{"500", "1"}) ++halves;
        }
    }};
    for (int i = 1; i <= 10; ++i) {
        EXPECT_TRUE(made->replace(kPrice, rows(500, std::to_string(i)), {}));
    }
    goes_on = false;
    reader.join();
    EXPECT_GT(reads, 10);
    EXPECT_EQ(halves, 0) << "of " << reads;
}

TEST_F(PostgresListsTest, ARowThatIsRefusedChangesNothing) {
    const auto made = door();
    ASSERT_TRUE(made->replace(kPrice, rows(10, "first"), {}));
    ListRows bad = rows(10, "second");
    bad[7].fields.set(FieldName{"amount"}, Value{std::int64_t{-1}});
    const auto done = made->replace(kPrice, bad, {});
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().kind, ErrorKind::kInvalid);
    EXPECT_THAT(done.error().what, HasSubstr("the row `sku-1007`"));
    EXPECT_EQ(db_->value("SELECT count(*) FROM erp.price WHERE note = 'first'"), "10");
    EXPECT_TRUE(made->replace(kPrice, rows(10, "third"), {}));
    EXPECT_EQ(db_->value("SELECT count(*) FROM erp.price WHERE note = 'third'"), "10");
}

}  // namespace
}  // namespace syncline::agent::postgres
