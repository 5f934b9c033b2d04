#pragma once

#include <optional>
#include <vector>

#include "agent/connectors/connector.h"
#include "agent/connectors/rest/batch.h"
#include "agent/connectors/rest/door.h"
#include "agent/core/mapping.h"

namespace syncline::agent::rest {

/// Records: look one up, find one by its marker, create, update, delete. Of looking up, updating,
/// deleting and creating by upsert also several in one request.
class Writer {
public:
    /// `door` must outlive the writer.
    explicit Writer(Door& door) : door_(door) {}

    /// As the functions of Connector of the same names.
    Result<std::optional<Record>> fetch(const ObjectName& object, const RecordId& id,
                                        std::stop_token stop);
    Result<std::optional<Record>> find(const ObjectName& object, const EntityId& entity,
                                       std::stop_token stop);
    Result<Written> write(const Command& command, std::stop_token stop);

    // batch_writer.cc
    [[nodiscard]] std::size_t write_max(const Command& command) const;
    Result<Each<Written>> write_all(const std::vector<Command>& commands, std::stop_token stop);
    [[nodiscard]] std::size_t fetch_max(const ObjectName& object, const RecordId& id) const;
    Result<Each<std::optional<Record>>> fetch_all(const ObjectName& object,
                                                  const std::vector<RecordId>& ids,
                                                  std::stop_token stop);
    /// The most that both say.
    [[nodiscard]] std::size_t batch_max() const;

private:
    struct Found {
        Record record;
        std::string etag;
    };
    Result<std::optional<Found>> look(const ObjectMapping& mapping, const RecordId& id,
                                      std::stop_token stop);
    /// The version that `command` may change.
    Result<std::string> version_of(const ObjectMapping& mapping, const Command& command,
                                   const RecordId& id, std::stop_token stop);
    Result<const ObjectMapping*> mapping_of(const ObjectName& object) const;
    Result<Written> create(const ObjectMapping& mapping, const Command& command,
                           std::stop_token stop);
    Result<Written> update(const ObjectMapping& mapping, const Command& command, const RecordId& id,
                           std::stop_token stop);
    Result<Written> remove(const ObjectMapping& mapping, const Command& command,
                           std::stop_token stop);
    /// What a write needs beside its WriteSpec.
    struct Sending {
        const ObjectMapping& mapping;
        const Variables& variables;
        RecordId known;  ///< Empty: the record is to be made.
        ChangeOrigin origin = ChangeOrigin::kLive;
    };
    Result<Written> send(const WriteSpec& spec, const Sending& sending, std::stop_token stop);
    /// What a reply that is a success says was written.
    static Result<Written> written_of(const WriteSpec& spec, const Sending& sending,
                                      const Door::Reply& reply);
    [[nodiscard]] bool creates_by_upsert(const ObjectMapping& mapping) const;
    /// What a new record holds on the platform.
    static Result<Value::Map> created_values(const WriteSpec& spec, const ObjectMapping& mapping,
                                             const Command& command);
    /// How such commands are written.
    [[nodiscard]] const WriteSpec* batched_spec(const Command& command) const;
    [[nodiscard]] std::size_t limited(const std::optional<BatchSpec>& batch) const;
    struct BatchCall;
    Door::Answer send_batch(const BatchCall& call, std::stop_token stop);
    Result<Written> written_part(const BatchCall& call, std::size_t at, const Part& part,
                                 int status);

    Door& door_;
};

/// What a command's request may name, but for its values.
[[nodiscard]] Variables command_variables(const Profile& profile, const ObjectMapping& mapping,
                                          const Command& command);
/// Those, by the platform's names. `with_marker`: and the entity's id.
[[nodiscard]] Result<Value::Map> native_of(const ObjectMapping& mapping, const Command& command,
                                           bool with_marker);

}  // namespace syncline::agent::rest
