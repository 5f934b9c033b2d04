#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "agent/connectors/connector.h"

namespace syncline::test {

/// What a platform must let itself be asked to do, so that the suite can try its connector: one
/// object, mapped with at least one text field. Every function throws what goes wrong.
///
/// What a platform has no way to do is left empty; the suite then checks that the connector says
/// so (kUnsupported) rather than skipping.
class Platform {
public:
    virtual ~Platform() = default;

    /// A new connector, as after a restart of the agent.
    virtual std::unique_ptr<agent::Connector> connector() = 0;
    [[nodiscard]] virtual ObjectName object() const { return ObjectName{"customer"}; }
    /// A canonical text field that commands may set.
    [[nodiscard]] virtual FieldName field() const { return FieldName{"name"}; }

    /// Somebody makes a record on the platform; its id.
    virtual std::string create(const std::string& text) = 0;
    /// Many at once, under one stamp if the platform can.
    virtual void create_many(std::size_t count, const std::string& text) = 0;
    virtual void edit(const std::string& id, const std::string& text) = 0;
    virtual void remove(const std::string& id) = 0;
    /// Lets what was done become visible to the next read.
    virtual void settle() = 0;
    /// How many records there are; nullopt: nobody can tell.
    virtual std::optional<std::size_t> count() = 0;

    [[nodiscard]] virtual bool can_fetch() const { return true; }
    [[nodiscard]] virtual bool tells_deletions() const { return true; }

    /// One fault and what a read or a write must say to it.
    struct Fault {
        std::string name;
        std::function<void()> arm;
        ErrorKind read;
        ErrorKind write;
        bool committed = false;  ///< The write takes place although it fails.
        /// Where a write begins with a look-up: arms it for what changes something alone.
        std::function<void()> arm_write = {};

        void hit_write() const { (arm_write ? arm_write : arm)(); }
    };
    [[nodiscard]] virtual std::vector<Fault> faults() { return {}; }
    virtual void clear_faults() {}

    /// A text that the field does not take, so that a write of it is refused (kInvalid); for
    /// platforms whose connectors write several records in one call.
    [[nodiscard]] virtual std::string refused_text() const { return {}; }
    /// Faults of the reply to several, after which nothing may be believed of any: names, how to
    /// arm.
    [[nodiscard]] virtual std::vector<std::pair<std::string, std::function<void()>>>
    batch_faults() {
        return {};
    }
};

/// Makes a fresh, empty platform.
using PlatformMaker = std::function<std::unique_ptr<Platform>()>;

/// Registers the whole suite for one connector, as `Conformance/<name>.*`. Call it before
/// GoogleTest's main runs, from the initialiser of a global.
bool register_connector_conformance(const std::string& name, PlatformMaker maker);

}  // namespace syncline::test
