#pragma once

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "shared/base/secret.h"
#include "shared/base/toml_reader.h"
#include "shared/http/client.h"
#include "shared/telemetry/span.h"

namespace syncline::telemetry {

struct TracerSettings {
    /// Of an OTLP receiver over HTTP, as `http://127.0.0.1:4318`; empty: there is no telemetry.
    std::string endpoint;
    std::uint32_t percent = 1;  ///< Of the changes, those whose way is followed.
    Secret authorization;       ///< The header Authorization, whole; may be unset.
    std::string ca_file;        ///< PEM; empty: the system's.
    [[nodiscard]] bool on() const { return !endpoint.empty(); }
};
/// `[telemetry]`: `endpoint`, `percent`, `authorization`, `ca_file`.
[[nodiscard]] TracerSettings read_tracer_settings(TomlReader table);

/// Sends spans to an OTLP receiver (JSON over HTTP, OTLP 1.3: POST <endpoint>/v1/traces) from a
/// thread of its own, some hundred at a time. Work never waits for it: what is too much, or cannot
/// be told after a few tries, is dropped and counted. The destructor tells what is left, for a
/// second at most. Threading: any.
class Tracer final : public SpanSink {
public:
    /// `service`: "syncline-hub"; `instance`: which of them. kInvalid, ...: see Secret::load().
    static Result<std::unique_ptr<Tracer>> start(const TracerSettings& settings,
                                                 std::string service, std::string instance);
    ~Tracer() override;
    Tracer(const Tracer&) = delete;
    Tracer& operator=(const Tracer&) = delete;

    [[nodiscard]] bool samples(std::uint64_t random) const override;
    void add(Span span) override;

    struct Counts {
        std::uint64_t sent = 0;
        std::uint64_t dropped = 0;
    };
    [[nodiscard]] Counts counts() const;

private:
    Tracer(TracerSettings settings, std::string resource, std::string authorization);
    void run(std::stop_token stop);
    [[nodiscard]] bool send(const std::vector<Span>& spans, std::stop_token stop);

    TracerSettings settings_;
    std::string resource_;  ///< JSON.
    std::string authorization_;
    CurlClient client_;
    mutable std::mutex mutex_;
    std::condition_variable_any news_;
    std::vector<Span> waiting_;
    Counts counts_;
    bool failing_ = false;
    std::jthread thread_;  ///< Last: it ends before the rest goes.
};

/// The request's body, as OTLP's JSON form has it: ids in hexadecimal, times as texts.
[[nodiscard]] std::string otlp_json(const std::string& resource, const std::vector<Span>& spans);
/// The `resource` of that.
[[nodiscard]] std::string otlp_resource(std::string_view service, std::string_view instance);

}  // namespace syncline::telemetry
