#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "agent/connectors/sql/sql.h"
#include "agent/connectors/sql/sql_connector.h"
#include "shared/base/clock.h"

/// What the tests of the connector against real databases share; in each the test plays the agent.
namespace syncline::agent::sql {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

inline FieldMapping sql_field(const char* name, NativeType type = NativeType::kAuto) {
    return {.field = FieldName{name}, .path = name, .type = type};
}

/// Reads as the agent does and keeps the newest state of every record.
class SqlFollower {
public:
    explicit SqlFollower(SqlConnector& connector) : connector_(&connector) {}

    /// Reads and stores until there is no more.
    void follow(std::size_t max = 1'000) {
        told.clear();
        bool more = true;
        while (more && !testing::Test::HasFatalFailure()) more = step(max);
    }
    /// One batch, which the agent stores unless it is killed before.
    enum class Then : std::uint8_t { kStore, kForget };
    bool step(std::size_t max, Then then = Then::kStore) {
        const auto batch = connector_->read(cursor, max, {});
        EXPECT_TRUE(batch) << batch.error().what;
        if (!batch) return false;
        ++batches;
        for (const Record& record : batch->records) {
            told.push_back((record.deleted ? "-" : "+") + record.id.text);
            if (record.deleted) {
                state.erase(record.id.text);
            } else {
                state[record.id.text] = record;
            }
        }
        rejects.insert(rejects.end(), batch->rejects.begin(), batch->rejects.end());
        notes.insert(notes.end(), batch->notes.begin(), batch->notes.end());
        absent.clear();
        for (const Batch::Looked& one : batch->looked) {
            absent.insert(absent.end(), one.absent.begin(), one.absent.end());
        }
        if (then == Then::kForget) return batch->more;
        cursor = batch->next;
        const auto stored = connector_->stored(cursor);
        EXPECT_TRUE(stored) << stored.error().what;
        return batch->more;
    }
    std::string text(const std::string& id, const char* name) const {
        const auto at = state.find(id);
        if (at == state.end()) return "(no record)";
        const Value* value = at->second.fields.find(std::string_view{name});
        return value == nullptr ? "(no field)" : display(*value);
    }

    Cursor cursor;
    std::map<std::string, Record> state;
    std::vector<std::string> told;  ///< By the last follow(): "+7", "-7".
    std::vector<FieldName> absent;  ///< As the last batch says.
    std::vector<Batch::Reject> rejects;
    std::vector<std::string> notes;
    std::size_t batches = 0;

private:
    SqlConnector* connector_;
};

inline Command sql_command(CommandKind kind, const std::string& id, Fields fields) {
    static std::uint64_t generation = 0;
    Command command{.kind = kind,
                    .platform = PlatformId{"erp"},
                    .entity = {ObjectName{"customer"}, EntityId{"entity-of-" + id}},
                    .generation = ++generation,
                    .fields = std::move(fields)};
    if (kind != CommandKind::kCreate) command.record = RecordId{id};
    return command;
}
inline Fields sql_fields(const char* name, Value value) {
    return Fields{{FieldName{name}, std::move(value)}};
}

}  // namespace syncline::agent::sql
