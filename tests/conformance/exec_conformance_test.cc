// The exec connector with the example that we ship, customers.py, as its platform; configured by
// the TOML that is shipped with it.
#include <fstream>
#include <sstream>
#include <stdexcept>

#include <sqlite3.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "agent/connectors/registry.h"
#include "shared/base/clock.h"
#include "tests/conformance/connector_conformance.h"

namespace syncline::test {
namespace {

namespace fs = std::filesystem;
using enum ErrorKind;

const fs::path kExamples = fs::path{SYNCLINE_SOURCE_DIR} / "configs" / "exec";

std::string text_of(const fs::path& file) {
    std::ostringstream text;
    text << std::ifstream{file}.rdbuf();
    return text.str();
}

void replace(std::string& text, const std::string& from, const std::string& to) {
    const std::size_t at = text.find(from);
    if (at == std::string::npos) throw std::runtime_error("the example has no " + from);
    text.replace(at, from.size(), to);
}

class Customers final : public Platform {
public:
    Customers() {
        std::string pattern = (fs::temp_directory_path() / "syncline-exec-XXXXXX").string();
        folder_ = ::mkdtemp(pattern.data());
        fs::copy_file(kExamples / "customers.py", folder_ / "customers.py");
    }
    ~Customers() override { fs::remove_all(folder_); }

    std::unique_ptr<agent::Connector> connector() override {
        std::string text = text_of(kExamples / "customers.toml");
        const fs::path faults =
            fs::path{SYNCLINE_SOURCE_DIR} / "tests" / "conformance" / "exec_faults.py";
        replace(text, "[\"python3\", \"customers.py\"",
                "[\"python3\", \"" + faults.string() +
                    "\", \"fault\", \"/usr/bin/python3\", \"customers.py\"");
        replace(text, "kind = \"exec\"",
                "kind = \"exec\"\ntimeout_ms = 1500\nline_bytes_max = 65536");
        auto root = TomlReader::parse(text, "customers.toml");
        if (!root) throw std::runtime_error(root.error().what);
        std::ignore = root->text("platform");
        std::ignore = root->text("store");
        const auto factory = agent::make_connector(*root, {clock_, folder_, folder_});
        if (!factory) throw std::runtime_error(factory.error().what);
        if (auto done = root->finish(); !done) throw std::runtime_error(done.error().what);
        auto made = (*factory)();
        if (!made) throw std::runtime_error(made.error().what);
        return std::move(*made);
    }

    std::string create(const std::string& text) override {
        run("INSERT INTO customers (name) VALUES (?)", {text});
        return run("SELECT max(no) FROM customers");
    }
    void create_many(std::size_t count, const std::string& text) override {
        run("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < " +
                std::to_string(count) + ") INSERT INTO customers (name) SELECT ? FROM n",
            {text});
    }
    void edit(const std::string& id, const std::string& text) override {
        run("UPDATE customers SET name = ? WHERE no = ?", {text, id});
    }
    void remove(const std::string& id) override { run("DELETE FROM customers WHERE no = ?", {id}); }
    void settle() override {}
    std::optional<std::size_t> count() override {
        return std::stoul(run("SELECT count(*) FROM customers"));
    }

    std::vector<Fault> faults() override {
        const auto armed = [this](const char* word) {
            return [this, word] { std::ofstream{folder_ / "fault"} << word; };
        };
        std::vector<Fault> all;
        for (const char* word : {"killed", "exit", "hang", "plain_text", "wrong_id", "not_utf8",
                                 "too_long", "ambiguous"}) {
            all.push_back({word, armed(word), kUnavailable, kAmbiguous});
        }
        for (const char* word : {"killed@committed", "hang@committed", "half_a_line@committed",
                                 "plain_text@committed", "ambiguous@committed"}) {
            all.push_back({word, armed(word), kUnavailable, kAmbiguous, true});
        }
        all.push_back({"unavailable", armed("unavailable"), kUnavailable, kUnavailable});
        all.push_back({"throttled", armed("throttled"), kThrottled, kThrottled});
        all.push_back({"conflict", armed("conflict"), kConflict, kConflict});
        all.push_back({"invalid", armed("invalid"), kInvalid, kInvalid});
        all.push_back({"denied", armed("denied"), kDenied, kDenied});
        return all;
    }
    void clear_faults() override { fs::remove(folder_ / "fault"); }

private:
    /// The first column of the first row; empty if there is none.
    std::string run(const std::string& sql, const std::vector<std::string>& values = {}) {
        sqlite3* database = nullptr;
        sqlite3_stmt* statement = nullptr;
        std::string told;
        bool good = sqlite3_open((folder_ / "customers.db").c_str(), &database) == SQLITE_OK;
        sqlite3_busy_timeout(database, 10'000);
        good =
            good && sqlite3_prepare_v2(database, sql.c_str(), -1, &statement, nullptr) == SQLITE_OK;
        for (int i = 0; i < static_cast<int>(values.size()) && good; ++i) {
            const std::string& value = values[static_cast<std::size_t>(i)];
            sqlite3_bind_text(statement, i + 1, value.c_str(), -1, SQLITE_TRANSIENT);
        }
        int code = good ? sqlite3_step(statement) : SQLITE_ERROR;
        if (code == SQLITE_ROW) {
            told = reinterpret_cast<const char*>(sqlite3_column_text(statement, 0));
            code = sqlite3_step(statement);
        }
        const std::string error = code == SQLITE_DONE ? "" : sqlite3_errmsg(database);
        sqlite3_finalize(statement);
        sqlite3_close(database);
        if (!error.empty()) throw std::runtime_error(sql + ": " + error);
        return told;
    }

    SystemClock clock_;
    fs::path folder_;
};

const bool registered =
    register_connector_conformance("exec", [] { return std::make_unique<Customers>(); });

}  // namespace
}  // namespace syncline::test
