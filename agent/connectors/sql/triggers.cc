#include "agent/connectors/sql/triggers.h"

#include <set>

namespace syncline::agent::sql {
namespace {

/// A name in MariaDB has at most 64 characters.
constexpr std::size_t kNameMax = 64;

struct TriggerParts {
    std::string name;    ///< Without its event; not quoted.
    std::string outbox;  ///< Quoted.
    std::string native;  ///< Quoted as a text.
    std::string key;     ///< Quoted.
};

std::string trigger_name(std::string_view outbox, const SqlObject& object) {
    constexpr std::size_t kEventMax = 7;
    const std::string name = std::string{outbox} + "_" + object.mapping.object.text;
    return name.substr(0, kNameMax - kEventMax);
}

std::string values(const TriggerParts& parts, const char* row, const char* kind) {
    return "(" + parts.native + ", " + row + "." + parts.key + ", '" + kind + "')";
}

/// Each is one statement, so that no client needs another DELIMITER. VALUES and not SELECT where
/// it can be: for a SELECT InnoDB locks the counter of the whole table.
std::string insert_into(const TriggerParts& parts, const char* row, const char* kind) {
    return "INSERT INTO " + parts.outbox + " (table_name, record, kind)\n    VALUES " +
           values(parts, row, kind);
}

/// Objects on one table share its triggers.
template <class Print>
void for_each_table(const std::vector<SqlObject>& objects, std::string_view outbox, Print print) {
    std::set<std::string> done;
    for (const SqlObject& object : objects) {
        const std::string& native = object.mapping.native;
        if (object.detection != Detection::kOutbox || !done.insert(native).second) continue;
        TriggerParts parts{.name = trigger_name(outbox, object),
                           .outbox = sql_identifier(outbox),
                           .native = sql_text(native),
                           .key = sql_identifier(object.mapping.key)};
        print(std::move(parts), native);
    }
}

}  // namespace

std::string mariadb_triggers(const std::vector<SqlObject>& objects, std::string_view database,
                             std::string_view outbox) {
    const std::string table = sql_identifier(database) + "." + sql_identifier(outbox);
    std::string sql =
        "-- What changed, for syncline-agent, which takes out what it has stored. Each trigger "
        "runs "
        "in the\n-- transaction of the change, with the rights of who makes it here.\n"
        "CREATE TABLE IF NOT EXISTS " +
        table +
        " (\n    seq bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY,\n"
        "    table_name varchar(129) NOT NULL,\n    record varchar(768) NOT NULL,\n"
        "    kind char(6) NOT NULL\n"
        ") ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;\n";
    for_each_table(objects, outbox, [&](TriggerParts parts, const std::string& native) {
        parts.outbox = table;
        const auto dot = native.find('.');
        const bool qualified = dot != std::string::npos;
        const std::string schema = qualified ? native.substr(0, dot) : std::string{database};
        const std::string where = sql_identifier(schema) + "." +
                                  sql_identifier(qualified ? native.substr(dot + 1) : native);
        const auto trigger = [&](const char* event, const char* what, const std::string& body) {
            const std::string name =
                sql_identifier(schema) + "." + sql_identifier(parts.name + event);
            sql += "\nDROP TRIGGER IF EXISTS " + name + ";\nCREATE TRIGGER " + name + " AFTER " +
                   what + " ON " + where + " FOR EACH ROW\n    " + body + ";\n";
        };
        // Nobody may write while a trigger is dropped and not made again yet.
        sql += "\nLOCK TABLES " + where + " WRITE;\n";
        trigger("_insert", "INSERT", insert_into(parts, "NEW", "insert"));
        trigger("_update", "UPDATE", insert_into(parts, "NEW", "update"));
        // BINARY: a collation may take the new key for the old one.
        trigger("_rekey", "UPDATE",
                "INSERT INTO " + table + " (table_name, record, kind)\n    SELECT " + parts.native +
                    ", OLD." + parts.key + ", 'delete' FROM DUAL\n" + "    WHERE NOT (BINARY NEW." +
                    parts.key + " <=> BINARY OLD." + parts.key + ")");
        trigger("_delete", "DELETE", insert_into(parts, "OLD", "delete"));
        sql += "\nUNLOCK TABLES;\n";
    });
    return sql;
}

std::string sqlite_triggers(const std::vector<SqlObject>& objects, std::string_view outbox) {
    std::string sql =
        "-- What changed, for syncline-agent, which takes out what it has stored.\n"
        "BEGIN IMMEDIATE;\nCREATE TABLE IF NOT EXISTS " +
        sql_identifier(outbox) +
        " (\n    seq INTEGER PRIMARY KEY AUTOINCREMENT,\n    table_name TEXT NOT NULL,\n"
        "    record TEXT NOT NULL,\n    kind TEXT NOT NULL\n);\n";
    for_each_table(objects, outbox, [&](const TriggerParts& parts, const std::string& native) {
        const auto trigger = [&](const char* event, const std::string& what,
                                 const std::string& body) {
            const std::string name = sql_identifier(parts.name + event);
            sql += "\nDROP TRIGGER IF EXISTS " + name + ";\nCREATE TRIGGER " + name + " AFTER " +
                   what + " BEGIN\n    " + body + ";\nEND;\n";
        };
        const std::string on = " ON " + sql_identifier(native);
        trigger("_insert", "INSERT" + on, insert_into(parts, "NEW", "insert"));
        trigger("_update", "UPDATE" + on, insert_into(parts, "NEW", "update"));
        trigger("_rekey",
                "UPDATE" + on + " WHEN NEW." + parts.key + " IS NOT OLD." + parts.key +
                    " COLLATE BINARY",
                insert_into(parts, "OLD", "delete"));
        trigger("_delete", "DELETE" + on, insert_into(parts, "OLD", "delete"));
    });
    return sql + "\nCOMMIT;\n";
}

}  // namespace syncline::agent::sql
