#pragma once

#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "agent/connectors/exec/protocol.h"
#include "agent/connectors/exec/session.h"
#include "agent/connectors/exec/settings.h"
#include "agent/core/mapping.h"
#include "shared/model/command.h"

namespace syncline::agent::exec {

/// The calls of the protocol, in the platform's own names and values. An answer that is not as the
/// protocol says is the error of Session::call(), and ends the program.
/// Lifetime and threading: as Session.
class Door {
public:
    Door(std::shared_ptr<const Settings> settings, const Clock& clock, StderrLog::Sink sink)
        : settings_(settings), session_(std::move(settings), clock, std::move(sink)) {}

    struct From {
        std::string cursor;  ///< Empty: the beginning.
        bool full = false;
    };
    /// `wait`: how long the program may wait for a change, if it can; zero: not at all.
    [[nodiscard]] Result<Page> read(const ObjectMapping& mapping, const From& from, std::size_t max,
                                    Duration wait, const std::stop_token& stop);
    /// nullopt: there is no such record. A record with another key than `id` is refused.
    [[nodiscard]] Result<std::optional<Value::Map>> fetch(const ObjectMapping& mapping,
                                                          const RecordId& id,
                                                          const std::stop_token& stop);
    /// nullopt: there is none. A record with another marker than `entity` is refused.
    [[nodiscard]] Result<std::optional<Value::Map>> find(const ObjectMapping& mapping,
                                                         const EntityId& entity,
                                                         const std::stop_token& stop);
    /// kInvalid: a value cannot be mapped; nothing was asked. A create's effect has a record with a
    /// key.
    [[nodiscard]] Result<Effect> write(const ObjectMapping& mapping, const Command& command,
                                       const std::stop_token& stop);
    /// The answer to a question of `[connector.asks]`.
    [[nodiscard]] Result<Value> ask(const std::string& name, const Fields& input,
                                    const std::stop_token& stop);
    /// An operation of `[connector.operations]`, and whether it was carried out: Connector's.
    [[nodiscard]] Result<Value> operate(const OperationRequest& request,
                                        const std::stop_token& stop);
    [[nodiscard]] Result<std::optional<Value>> find_operation(const OperationRequest& request,
                                                              const std::stop_token& stop);

    [[nodiscard]] Session& session() { return session_; }
    [[nodiscard]] const Session& session() const { return session_; }
    [[nodiscard]] const Settings& settings() const { return *settings_; }

private:
    [[nodiscard]] Result<std::optional<Value>> output_of(std::string_view call, Value::Map members,
                                                         const Terms& terms,
                                                         const std::stop_token& stop);
    [[nodiscard]] Result<Value> must_output(std::string_view call, Value::Map members,
                                            const Terms& terms, const std::stop_token& stop);

    std::shared_ptr<const Settings> settings_;
    Session session_;
};

}  // namespace syncline::agent::exec
