#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "agent/connectors/exec/process.h"
#include "agent/connectors/exec/protocol.h"
#include "agent/connectors/exec/settings.h"
#include "shared/base/clock.h"

namespace syncline::agent::exec {

/// Whether a request that may have been received could have changed anything.
enum class Intent : std::uint8_t { kRead, kWrite };

/// How a call is to be taken.
struct Terms {
    Intent intent = Intent::kRead;
    std::optional<Duration> limit;  ///< For the answer; default: `timeout_ms`.

    Terms(Intent of) : intent(of) {}  // NOLINT: most calls have the default limit.
    Terms(Intent of, Duration within) : intent(of), limit(within) {}
};

/// The conversation with one program: starts it, says hello, asks one thing at a time, and kills it
/// when it does not keep to the protocol. The next call then starts it anew.
/// Lifetime: not longer than `clock`. Threading: not synchronised.
class Session {
public:
    /// `sink` takes what the program writes to its standard error.
    Session(std::shared_ptr<const Settings> settings, const Clock& clock, StderrLog::Sink sink)
        : settings_(std::move(settings)), clock_(clock), sink_(std::move(sink)) {}

    /// Starts the program unless it runs. kUnavailable: it cannot be started, does not say hello as
    /// it should, or can less than the configuration builds upon. kDenied: it says so itself, or a
    /// secret may not be read.
    [[nodiscard]] Result<void> open(const std::stop_token& stop);

    /// The result of one call. The program's own errors by their class, but for what only reads
    /// `ambiguous` is kUnavailable. kUnavailable: nothing happened. kAmbiguous, for kWrite alone:
    /// the request may have been received, but there is no answer that can be understood.
    [[nodiscard]] Result<Value::Map> call(std::string_view name, Value::Map members,
                                          const Terms& terms, const std::stop_token& stop);

    /// A result of `name` that is not as the protocol says: kills the program; the error of call().
    [[nodiscard]] std::unexpected<Error> refuse(std::string_view name, const Error& what,
                                                Intent intent);

    /// As the program told; of the last start.
    [[nodiscard]] const Capabilities& capabilities() const { return capabilities_; }
    /// Of the last kThrottled; zero if it did not say.
    [[nodiscard]] Duration throttle_pause() const { return pause_; }
    /// Ends the program; the next call starts another.
    void close() { process_.reset(); }
    [[nodiscard]] bool running() const { return process_ != nullptr; }

private:
    [[nodiscard]] Result<Process::Spec> spec() const;
    [[nodiscard]] Result<void> hello(const std::stop_token& stop);
    [[nodiscard]] Result<Answer> exchange(std::string_view name, Value::Map members, Duration limit,
                                          const std::stop_token& stop);
    void drop();

    std::shared_ptr<const Settings> settings_;
    const Clock& clock_;
    StderrLog::Sink sink_;
    std::unique_ptr<Process> process_;
    std::uint64_t last_id_ = 0;
    Capabilities capabilities_;
    Duration pause_{0};
};

}  // namespace syncline::agent::exec
