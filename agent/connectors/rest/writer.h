#pragma once

#include <optional>

#include "agent/connectors/connector.h"
#include "agent/connectors/rest/door.h"
#include "agent/core/mapping.h"

namespace syncline::agent::rest {

/// Single records: look one up, find one by its marker, create, update, delete.
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

    Door& door_;
};

}  // namespace syncline::agent::rest
