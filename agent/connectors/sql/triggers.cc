#include "agent/connectors/sql/triggers.h"

#include <array>
#include <cstdint>
#include <set>

#include "agent/connectors/sql/mariadb_catalogue.h"
#include "agent/connectors/sql/sqlite_session.h"

namespace syncline::agent::sql {
namespace {

/// A name in MariaDB has at most 64 characters.
constexpr std::size_t kNameMax = 64;

struct TriggerParts {
    ObjectName object;   ///< Gives the triggers their names.
    std::string outbox;  ///< Quoted.
    std::string native;  ///< Quoted as a text.
    std::string key;     ///< Quoted.
};

/// Eight hexadecimal digits: FNV-1a of 32 bits, since nobody attacks it.
std::string hash_of_name(std::string_view name) {
    std::uint32_t hash = 2'166'136'261;
    for (const char c : name) {
        hash ^= static_cast<unsigned char>(c);
        hash *= 16'777'619;
    }
    std::array<char, 8> digits{};
    for (char& digit : digits) {
        digit = "0123456789abcdef"[hash >> 28];
        hash <<= 4;
    }
    return {digits.begin(), digits.end()};
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
template <class FullName, class Print>
void for_each_table(const std::vector<SqlObject>& objects, std::string_view outbox,
                    FullName full_name, Print print) {
    std::set<std::string> done;
    for (const SqlObject& object : objects) {
        const std::string& native = object.mapping.native;
        if (object.detection != Detection::kOutbox) continue;
        if (!done.insert(full_name(native)).second) continue;
        TriggerParts parts{.object = object.mapping.object,
                           .outbox = sql_identifier(outbox),
                           .native = sql_text(native),
                           .key = sql_identifier(object.mapping.key)};
        print(std::move(parts), native);
    }
}

}  // namespace

std::string trigger_name(std::string_view outbox, const ObjectName& object,
                         std::string_view event) {
    constexpr std::size_t kEventMax = 7;
    constexpr std::size_t kRoom = kNameMax - kEventMax;
    constexpr std::size_t kHash = 9;
    std::string name = std::string{outbox} + "_" + object.text;
    if (name.size() > kRoom) {
        const std::string hash = "_" + hash_of_name(name);
        std::size_t cut = kRoom - kHash;
        // Not within a character.
        while ((static_cast<unsigned char>(name[cut]) & 0xc0) == 0x80) --cut;
        name = name.substr(0, cut) + hash;
    }
    return name + std::string{event};
}

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
    const auto full_name = [&](const std::string& native) {
        return full_mariadb_name(native, database);
    };
    for_each_table(objects, outbox, full_name, [&](TriggerParts parts, const std::string& native) {
        parts.outbox = table;
        const auto dot = native.find('.');
        const bool qualified = dot != std::string::npos;
        const std::string schema = qualified ? native.substr(0, dot) : std::string{database};
        const std::string where = sql_identifier(schema) + "." +
                                  sql_identifier(qualified ? native.substr(dot + 1) : native);
        const auto trigger = [&](const char* event, const char* what, const std::string& body) {
            const std::string name = sql_identifier(schema) + "." +
                                     sql_identifier(trigger_name(outbox, parts.object, event));
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
    const auto print = [&](const TriggerParts& parts, const std::string& native) {
        const auto trigger = [&](const char* event, const std::string& what,
                                 const std::string& body) {
            const std::string name = sql_identifier(trigger_name(outbox, parts.object, event));
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
    };
    for_each_table(objects, outbox, full_sqlite_name, print);
    return sql + "\nCOMMIT;\n";
}

}  // namespace syncline::agent::sql
