#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "hub/core/mark.h"
#include "hub/core/step.h"
#include "hub/ctl/output.h"
#include "hub/ctl/session.h"

/// What runs and what the streams hold, read in one go for `status` and `doctor`.
namespace syncline::ctl {

/// A JSON object that a hub or an agent announced. Written by other versions too, so every field
/// may be missing.
class Announced {
public:
    Announced() = default;
    explicit Announced(Value::Map fields) : fields_(std::move(fields)) {}
    /// Empty if it is missing or no text.
    [[nodiscard]] std::string text(std::string_view name) const;
    /// 0 if it is missing or no whole number; numbers as text count too.
    [[nodiscard]] std::uint64_t count(std::string_view name) const;
    [[nodiscard]] bool flag(std::string_view name) const;
    /// The zero time if it is missing or no time.
    [[nodiscard]] Timestamp time(std::string_view name) const;
    [[nodiscard]] Announced inner(std::string_view name) const;
    [[nodiscard]] const Value* find(std::string_view name) const;
    [[nodiscard]] const Value::Map& fields() const { return fields_; }

private:
    Value::Map fields_;
};

struct Presence {
    std::string id;  ///< Of the hub, or the platform.
    Announced said;
    Timestamp heard_at;  ///< When the server stored it.
    std::string broken;  ///< Why it cannot be read; empty if it can.
};

struct PartitionView {
    Partition partition;
    std::optional<hub::Mark> mark;
    std::string broken;     ///< Why the mark cannot be read.
    std::uint64_t lag = 0;  ///< Inputs of this partition after the mark's floor.
};

struct StreamView {
    std::string name;
    std::optional<nats::StreamInfo> info;  ///< Nothing: it does not exist.
};

struct ExceptionView {
    hub::ExceptionRecord record;
    std::string subject;
    std::uint64_t sequence = 0;
    Timestamp stored_at;
};

struct Cluster {
    Timestamp now;                        ///< The server's clock if it tells, else ours.
    std::optional<Duration> clock_ahead;  ///< Ours minus the server's.
    std::string server_version;
    std::uint16_t partitions = 0;
    std::vector<StreamView> streams;
    std::vector<Presence> hubs;
    std::vector<Presence> agents;
    std::vector<PartitionView> marks;  ///< One for each partition.
    std::vector<ExceptionView> open_exceptions;
    std::vector<std::string> damaged;  ///< Subjects of exceptions that cannot be read.

    [[nodiscard]] const StreamView* stream(std::string_view name) const;
    [[nodiscard]] bool installed() const;
};

class Memory;

/// A stream that does not exist reads as empty. With a memory the exceptions come from its board.
[[nodiscard]] Result<Cluster> read_cluster(Session& session, Memory* memory = nullptr);

/// The newest message of each exception; `damaged` gets the subjects of what cannot be decoded.
[[nodiscard]] Result<std::vector<ExceptionView>> read_exceptions(Session& session,
                                                                 const std::string& filter,
                                                                 std::vector<std::string>& damaged);

}  // namespace syncline::ctl
