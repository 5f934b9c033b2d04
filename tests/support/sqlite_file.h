#pragma once

#include <sqlite3.h>
#include <stdlib.h>

#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

namespace syncline::test {

/// The place of an SQLite file in a temporary folder of its own, which goes with this.
class SqliteFile {
public:
    SqliteFile() {
        std::string pattern =
            (std::filesystem::temp_directory_path() / "syncline-sqlite-XXXXXX").string();
        if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp " + pattern);
        folder_ = pattern;
    }
    ~SqliteFile() {
        std::error_code ignored;
        std::filesystem::remove_all(folder_, ignored);
    }
    SqliteFile(const SqliteFile&) = delete;
    SqliteFile& operator=(const SqliteFile&) = delete;
    [[nodiscard]] std::filesystem::path path() const { return folder_ / "app.db"; }

private:
    std::filesystem::path folder_;
};

/// The application's own connection; makes the file. An SQL error throws std::runtime_error.
class SqliteClient {
public:
    using Row = std::vector<std::string>;
    explicit SqliteClient(const std::filesystem::path& file) {
        if (sqlite3_open(file.c_str(), &handle_) != SQLITE_OK) throw std::runtime_error("open");
        sqlite3_busy_timeout(handle_, 5'000);
    }
    ~SqliteClient() { sqlite3_close(handle_); }
    SqliteClient(const SqliteClient&) = delete;
    SqliteClient& operator=(const SqliteClient&) = delete;

    /// All rows of all the statements; NULL is the text "NULL".
    std::vector<Row> run(const std::string& sql) {
        std::vector<Row> rows;
        const auto take = [](void* out, int count, char** values, char** /*names*/) {
            Row row;
            for (int i = 0; i < count; ++i) row.emplace_back(values[i] ? values[i] : "NULL");
            static_cast<std::vector<Row>*>(out)->push_back(std::move(row));
            return 0;
        };
        char* error = nullptr;
        if (sqlite3_exec(handle_, sql.c_str(), take, &rows, &error) != SQLITE_OK) {
            const std::string why = error;
            sqlite3_free(error);
            throw std::runtime_error(sql + ": " + why);
        }
        return rows;
    }
    /// The only value of the only row.
    std::string value(const std::string& sql) { return run(sql).at(0).at(0); }
    [[nodiscard]] bool in_transaction() const { return sqlite3_get_autocommit(handle_) == 0; }

private:
    sqlite3* handle_ = nullptr;
};

}  // namespace syncline::test
