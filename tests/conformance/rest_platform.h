#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/conformance/connector_conformance.h"
#include "tests/conformance/rest_connector.h"

namespace syncline::test {

/// A stand-in of tests/support/platforms with the profile that we ship for it: records of one table
/// of which one field is mapped.
class RestPlatform : public Platform {
public:
    RestPlatform(const std::string& name, std::string table, std::string field,
                 std::vector<std::string> flags = {})
        : server(name, std::move(flags)), table_(std::move(table)), field_(std::move(field)) {}

    std::unique_ptr<agent::Connector> connector() override { return connector_from(config()); }
    std::string create(const std::string& text) override {
        return server.create(table_, {{field_, text}});
    }
    void create_many(std::size_t count, const std::string& text) override {
        for (std::size_t i = 0; i < count; ++i) create(text);
    }
    void edit(const std::string& id, const std::string& text) override {
        server.edit(table_, id, {{field_, text}});
    }
    void remove(const std::string& id) override { server.remove(table_, id); }
    /// A window ends at a whole second that has passed.
    void settle() override { std::this_thread::sleep_for(std::chrono::milliseconds{2'050}); }
    std::optional<std::size_t> count() override { return server.row_count(table_); }
    void clear_faults() override { server.clear(); }

    std::vector<Fault> faults() override {
        using enum ErrorKind;
        const auto armed = [this](Value::Map fault) {
            return [this, fault] { server.fault(fault); };
        };
        return {
            // For good, since a read on a dead connection is repeated by itself.
            {"reset_before", armed({{"kind", "reset_before"}, {"count", "always"}}), kUnavailable,
             kAmbiguous},
            {"status_500", armed({{"kind", "status"}, {"status", 500}}), kUnavailable, kAmbiguous},
            {"status_503", armed({{"kind", "status"}, {"status", 503}}), kUnavailable, kAmbiguous},
            {"status_502", armed({{"kind", "status"}, {"status", 502}}), kUnavailable, kAmbiguous},
            {"html_200", armed({{"kind", "html_200"}}), kUnavailable, kAmbiguous},
            {"throttle", armed({{"kind", "throttle"}, {"retry_after", "7"}}), kThrottled,
             kThrottled},
            {"lost_reply", armed({{"kind", "drop_reply_after_commit"}}), kUnavailable, kAmbiguous,
             true},
            {"status_after_commit", armed({{"kind", "status_after_commit"}, {"status", 500}}),
             kUnavailable, kAmbiguous, true},
            {"conflict", armed({{"kind", "status"}, {"status", 412}}), kConflict, kConflict},
        };
    }

    /// One that offers the operation `rename`.
    std::unique_ptr<agent::Connector> operating(const std::string& path,
                                                const std::string& method) {
        return connector_from(
            config() + "[connector.operations.rename]\nidempotent = true\nmethod = \"" + method +
            "\"\npath = \"" + path + "\"\nbody = '{{\"" + field_ + "\":\"{input.name}\"}}'\n");
    }

    /// Until a request has met the one fault that is armed, and is under way.
    void wait_for_fault() {
        const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{20};
        while (server.has_armed_faults()) {
            if (std::chrono::steady_clock::now() > deadline) throw std::runtime_error("no request");
            std::this_thread::sleep_for(std::chrono::milliseconds{5});
        }
    }

    NodeServer server;

protected:
    [[nodiscard]] virtual std::string config() const = 0;

    /// Of a secret from the READY line.
    [[nodiscard]] std::string secret(const std::string& name) const {
        return secret_in(server, name, server.ready(name));
    }

private:
    std::string table_;
    std::string field_;
};

}  // namespace syncline::test
