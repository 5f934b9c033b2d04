#pragma once

#include <chrono>
#include <functional>
#include <map>
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
        const auto told = [](const char* kind, const std::string& setting, Value value) {
            return Value::Map{{"kind", kind}, {setting, std::move(value)}};
        };
        std::vector<Fault> all{
            // For good, since a read on a dead connection is repeated by itself.
            hitting("reset_before", told("reset_before", "count", "always"), kUnavailable,
                    kAmbiguous),
            hitting("status_500", told("status", "status", 500), kUnavailable, kAmbiguous),
            hitting("status_503", told("status", "status", 503), kUnavailable, kAmbiguous),
            hitting("status_502", told("status", "status", 502), kUnavailable, kAmbiguous),
            hitting("html_200", {{"kind", "html_200"}}, kUnavailable, kAmbiguous),
            hitting("throttle", told("throttle", "retry_after", "7"), kThrottled, kThrottled),
            hitting("lost_reply", {{"kind", "drop_reply_after_commit"}}, kUnavailable, kAmbiguous),
            hitting("status_after_commit", told("status_after_commit", "status", 500), kUnavailable,
                    kAmbiguous),
            hitting("conflict", told("status", "status", 412), kConflict, kConflict),
        };
        for (Fault& fault : all) {
            fault.committed = fault.name == "lost_reply" || fault.name == "status_after_commit";
        }
        if (looks_before_writing()) {
            // What fails is the look-up, so nothing was written.
            const Value::Map look{{"kind", "status"}, {"status", 500}, {"method", "GET"}};
            all.push_back(
                {"look_up", [this, look] { server.fault(look); }, kUnavailable, kUnavailable});
        }
        return all;
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
    /// Does the profile change records conditionally, so that a write begins with a GET?
    [[nodiscard]] virtual bool looks_before_writing() const { return false; }

    /// Of a secret from the READY line.
    [[nodiscard]] std::string secret(const std::string& name) const {
        return secret_in(server, name, server.ready(name));
    }

    /// A fault of a read, and of a write where it hurts.
    Fault hitting(const std::string& name, const Value::Map& told, ErrorKind read,
                  ErrorKind write) {
        Fault fault{name, [this, told] { server.fault(told); }, read, write};
        if (!looks_before_writing()) return fault;
        fault.arm_write = [this, told] {
            for (const char* method : {"POST", "PATCH"}) {
                Value::Map one = told;
                one.emplace("method", method);
                server.fault(one);
            }
        };
        return fault;
    }

private:
    std::string table_;
    std::string field_;
};

/// Reads until there is no more; ids with their text.
inline std::map<std::string, std::string> read_all(agent::Connector& connector,
                                                   agent::Cursor& cursor, std::size_t max = 200) {
    std::map<std::string, std::string> seen;
    for (int pages = 0; pages < 1'000; ++pages) {
        const auto batch = connector.read(cursor, max, {});
        if (!batch) throw std::runtime_error(batch.error().what);
        for (const agent::Record& record : batch->records) {
            seen[record.id.text] = display(*record.fields.find("name"));
        }
        cursor = batch->next;
        if (!batch->more) return seen;
    }
    throw std::runtime_error("reading does not end");
}

}  // namespace syncline::test
