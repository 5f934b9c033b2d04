#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "agent/connectors/connector.h"
#include "shared/base/result.h"
#include "shared/base/timestamp.h"

namespace syncline::agent {

/// Speaks to the platform for the agent. Two implementations: ThreadExecutor, with connectors on
/// threads of their own, and the simulator's.
///
/// Threading: one thread, the agent's. A completion is called exactly once, on that thread, never
/// from within the call that asked for it, and never after the agent is gone.
class Executor {
public:
    template <class T>
    struct Answer {
        Result<T> result;
        Duration pause{0};  ///< What kThrottled asked for, if it said.
        CallCost cost;      ///< For PlatformGate::answered().
        Duration took{0};   ///< Of the platform to give a result; 0: it did not.
    };
    template <class T>
    using Done = std::function<void(Answer<T>)>;

    virtual ~Executor() = default;

    /// Connector::read. At most one is under way.
    virtual void read(const Cursor& from, std::size_t max, Done<Batch> done) = 0;
    /// Connector::survey. One after the other, and each waits for what read() is doing.
    virtual void survey(const Cursor& from, std::size_t max, Done<Batch> done) = 0;
    /// Connector::count, the same. Where nothing can count, `done` is never called.
    virtual void count(Done<std::uint64_t> done) { std::ignore = done; }
    /// Connector::listen. At most one is under way, and nothing waits for it. Where nothing is
    /// pushed `done` is never called.
    virtual void listen(const std::string& position, Done<Pushed> done) {
        std::ignore = position;
        std::ignore = done;
    }
    /// Connector::stored, in order with the reads around it.
    virtual void stored(const Cursor& cursor) = 0;

    /// Connector::fetch, find and write. The agent keeps few of them under way: at most twice
    /// `concurrency`.
    virtual void fetch(const ObjectName& object, const RecordId& id,
                       Done<std::optional<Record>> done) = 0;
    virtual void find(const ObjectName& object, const EntityId& entity,
                      Done<std::optional<Record>> done) = 0;
    virtual void write(const Command& command, Done<Written> done) = 0;

    /// Connector::write_max, write_all, fetch_max and fetch_all; one call each.
    [[nodiscard]] virtual std::size_t write_max(const Command& command) const {
        std::ignore = command;
        return 1;
    }
    virtual void write_all(const std::vector<Command>& commands, Done<Each<Written>> done) {
        std::ignore = commands;
        std::ignore = done;
    }
    [[nodiscard]] virtual std::size_t fetch_max(const ObjectName& object,
                                                const RecordId& id) const {
        std::ignore = object;
        std::ignore = id;
        return 1;
    }
    virtual void fetch_all(const ObjectName& object, const std::vector<RecordId>& ids,
                           Done<Each<std::optional<Record>>> done) {
        std::ignore = object;
        std::ignore = ids;
        std::ignore = done;
    }

    [[nodiscard]] virtual Cursor full_read_start() const = 0;
    [[nodiscard]] virtual Connector::Traits traits() const = 0;
    /// What `fields` of an object read back as once the platform stored them.
    [[nodiscard]] virtual Fields normal_form(const ObjectName& object,
                                             const Fields& fields) const = 0;
};

}  // namespace syncline::agent
