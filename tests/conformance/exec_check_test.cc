// `syncline-agent connector test`: on the examples that we ship, which hold, and on customers.py
// with one defect each, which the check that is meant for it must find.
#include <fstream>
#include <sstream>
#include <stdexcept>

#include <sqlite3.h>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/connector_command.h"
#include "agent/connectors/exec/check.h"
#include "shared/base/json.h"

namespace syncline::agent {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;

/// The examples in a folder of their own, with 43 customers, some of which have a marker.
class Examples : public testing::Test {
protected:
    Examples() {
        std::string pattern = (fs::temp_directory_path() / "syncline-exec-XXXXXX").string();
        folder = ::mkdtemp(pattern.data());
        for (const auto& entry :
             fs::directory_iterator{fs::path{SYNCLINE_SOURCE_DIR} / "configs" / "exec"}) {
            if (entry.is_regular_file()) fs::copy(entry, folder);
        }
        run("CREATE TABLE customers (no INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT, email TEXT,"
            " credit_limit INTEGER, syncline_id TEXT UNIQUE);"
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 43)"
            "INSERT INTO customers (name, credit_limit, syncline_id)"
            " SELECT 'name ' || i, i, iif(i % 5, NULL, 'entity ' || i) FROM n;");
    }
    ~Examples() override { fs::remove_all(folder); }

    void run(const char* sql) {
        sqlite3* database = nullptr;
        const bool good = sqlite3_open((folder / "customers.db").c_str(), &database) == SQLITE_OK &&
                          sqlite3_exec(database, sql, nullptr, nullptr, nullptr) == SQLITE_OK;
        const std::string error = good ? "" : sqlite3_errmsg(database);
        sqlite3_close(database);
        if (!good) throw std::runtime_error(error);
    }
    void change(const std::string& name, const std::string& from, const std::string& to) {
        std::ostringstream text;
        text << std::ifstream{folder / name}.rdbuf();
        std::string all = text.str();
        const std::size_t at = all.find(from);
        if (at == std::string::npos) throw std::runtime_error(name + " has no " + from);
        std::ofstream{folder / name} << all.replace(at, from.size(), to);
    }
    /// The exit code; what it printed is in `out` and `err`.
    int test(ConnectorTest how) {
        how.file = folder / how.file;
        testing::internal::CaptureStdout();
        testing::internal::CaptureStderr();
        const int code = run_connector_test(how);
        out = testing::internal::GetCapturedStdout();
        err = testing::internal::GetCapturedStderr();
        return code;
    }

    fs::path folder;
    std::string out;
    std::string err;
};

TEST_F(Examples, TheOneInPythonHolds) {
    EXPECT_EQ(test({.file = "customers.toml", .write = "customer", .set = {}}), 0) << out;
    EXPECT_THAT(out, HasSubstr("(records: 43, pages: 1, rejects: 0)"));
    EXPECT_THAT(out, HasSubstr("26 of 26 checks hold"));
    EXPECT_THAT(out, Not(HasSubstr("not checked")));
    EXPECT_THAT(out, Not(HasSubstr("\x1b"))) << "no terminal, no colours";
    EXPECT_THAT(err, HasSubstr("makes, changes and deletes one record of `customer`"));
}

TEST_F(Examples, TheOneInShellHolds) {
    EXPECT_EQ(test({.file = "products.toml", .write = "", .set = {}}), 0) << out;
    EXPECT_THAT(out, HasSubstr("(records: 3, pages: 1, rejects: 0)"));
    EXPECT_THAT(out, HasSubstr("12 of 12 checks hold"));
    EXPECT_THAT(out, HasSubstr("Nothing was written"));
}

TEST_F(Examples, JsonTellsEachCheck) {
    EXPECT_EQ(
        test({.file = "products.toml", .write = "product", .set = {"name=x"}, .as_json = true}), 1);
    const auto json = parse_json(out);
    ASSERT_TRUE(json) << out;
    const auto& map = *json->get<Value::Map>();
    EXPECT_EQ(map.at("failed"), Value{1});
    EXPECT_EQ(map.at("held"), Value{12});
    const auto& last = *map.at("checks").get<Value::List>()->back().get<Value::Map>();
    EXPECT_EQ(last.at("check"), Value{"create makes a record"});
    EXPECT_EQ(last.at("verdict"), Value{"fail"});
    EXPECT_THAT(display(last.at("found")), HasSubstr("products can be read, and that is all"));
}

TEST_F(Examples, WhatIsNotSoundIsTwo) {
    EXPECT_EQ(test({.file = "customers.toml", .write = "order", .set = {}}), 2);
    EXPECT_THAT(err, HasSubstr("the file maps no such object"));
    EXPECT_EQ(test({.file = "customers.toml", .write = "", .set = {"name=x"}}), 2);
    EXPECT_EQ(test({.file = "customers.toml", .write = "customer", .set = {"nmae=x"}}), 2);
    EXPECT_THAT(err, HasSubstr("--set nmae=x: must be FIELD=VALUE"));
    change("customers.toml", "capabilities", "capabilites");
    EXPECT_EQ(test({.file = "customers.toml", .write = "", .set = {}}), 2);
    EXPECT_THAT(err, HasSubstr("unknown key `connector.capabilites`"));
    change("customers.toml", "kind = \"exec\"", "kind = \"file\"\ndirectory = \"x\"");
    change("customers.toml", "command", "#");
    change("customers.toml", "capabilites", "#");
    EXPECT_EQ(test({.file = "customers.toml", .write = "", .set = {}}), 2);
    EXPECT_THAT(err, HasSubstr("customers.toml:6:8: only connectors of the kind \"exec\""));
}

TEST_F(Examples, AProgramThatDoesNotStartIsToldWithItsLastWords) {
    change("customers.py", "import sys", "import no_such_module");
    EXPECT_EQ(test({.file = "customers.toml", .write = "", .set = {}}), 1);
    EXPECT_THAT(out, HasSubstr("ended with exit code 1"));
    EXPECT_THAT(out, HasSubstr("No module named 'no_such_module'"));
    EXPECT_THAT(out, HasSubstr("0 of 1 checks hold"));
}

struct Defect {
    const char* name;
    const char* from;
    const char* to;
    const char* check;  ///< That fails, as it is printed.
};
class Defects : public Examples, public testing::WithParamInterface<Defect> {};
TEST_P(Defects, AreFound) {
    change("customers.py", GetParam().from, GetParam().to);
    EXPECT_EQ(test({.file = "customers.toml", .write = "customer", .set = {}}), 1);
    EXPECT_THAT(out, HasSubstr(std::string{"FAIL  "} + GetParam().check)) << err;
}
constexpr const char* kCursorText = "int(cursor or 0)";
INSTANTIATE_TEST_SUITE_P(
    Program, Defects,
    testing::Values(
        Defect{"unknown_call", "if call is None or", "if",
               "a call that it does not know is refused"},
        Defect{"unknown_object", "request.pop(\"object\", \"customers\") != \"customers\"",
               "not request.pop(\"object\", \"customers\")",
               "an object that it does not know is refused"},
        Defect{"not_in_order", "ORDER BY seq LIMIT", "ORDER BY seq DESC LIMIT",
               "customer: small pages tell what one full read tells"},
        Defect{"ends_too_soon", "\"more\": len(rows) == max", "\"more\": False",
               "customer: small pages tell what one full read tells"},
        Defect{"ignores_max", "(int(cursor or 0), max)", "(int(cursor or 0), max * 2)",
               "customer: no page has more than `max` records and ids"},
        Defect{"tells_once", "for row in rows}\n",
               "for row in rows}\n    db.execute(\"DELETE FROM "
               "changes WHERE seq <= ?\", (rows[-1][\"seq\"] if rows else 0,))\n",
               "customer: reading again tells the same"},
        Defect{"keeps_its_place", kCursorText,
               "hello.__dict__.setdefault('known', not cursor) and int(cursor or 0) or 0",
               "customer: a cursor goes on in another process where it stopped"},
        Defect{"takes_any_cursor", kCursorText, "int(cursor) if (cursor or '').isdigit() else 0",
               "customer: a cursor that is none is refused"},
        Defect{"fetch_differs", "return {\"record\": one(\"no\", record)}\n",
               "found = one(\"no\", record)\n    return {\"record\": found and found | {\"name\": "
               "\"?\"}}\n",
               "customer: fetch tells what read tells"},
        Defect{"fetch_makes_up", "return {\"record\": one(\"no\", record)}\n",
               "return {\"record\": one(\"no\", record) or {\"no\": record}}\n",
               "customer: a record that there is not is null"},
        Defect{"find_by_pattern", "{column} = ?\"", "{column} LIKE ?\"",
               "customer: an entity that there is not is null, whatever its text"},
        Defect{"creates_twice", "    if found:\n", "    if not found and values.pop(\"x\", 0):\n",
               "customer: the same create again makes no second record"},
        Defect{"forgets_values", "INSERT INTO customers ({names}) VALUES",
               "INSERT INTO customers (name, email, credit_limit, syncline_id) SELECT 'x', email, "
               "credit_limit, syncline_id FROM (SELECT 1) JOIN (SELECT {names}) --",
               "customer: create makes a record"},
        Defect{"ignores_expected", "if now[name] not in", "if False and now[name] not in",
               "customer: update refuses what is not as expected, and changes nothing"},
        Defect{"updates_nothing", "for name, value in values.items():", "for name, value in ():",
               "customer: update changes a field, and repeating it is harmless"},
        Defect{"deletes_nothing", "DELETE FROM customers WHERE no = ?",
               "SELECT * FROM customers WHERE no = ?",
               "customer: delete makes it be gone, and repeating it is harmless"},
        Defect{"silent_about_gone", "raise Refused(\"not_found\"", "return  # ",
               "customer: update of what is gone is refused"}),
    [](const auto& row) { return std::string{row.param.name}; });

}  // namespace
}  // namespace syncline::agent
