#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "shared/base/clock.h"
#include "shared/model/ids.h"
#include "shared/nats/link.h"

namespace syncline::hub {

/// What an agent announces of its platform's quota.
struct AgentQuota {
    std::uint64_t limit = 0;
    std::uint64_t used = 0;
    std::uint64_t reserve = 0;
    std::map<std::string, std::string> slowed;  ///< Lanes that do not flow: "slowed", "rests".
    Timestamp used_up_at;                       ///< 0: not in this window.
};
/// Of an agent's presence; nullopt if it tells of no quota, or is of a version that did not.
[[nodiscard]] std::optional<AgentQuota> agent_quota(std::string_view presence);

/// The quotas of all platforms, as their agents say. Threading: the link's.
class AgentQuotas final : public nats::MessageSink {
public:
    AgentQuotas(nats::Link& link, const Clock& clock) : link_(link), clock_(clock) {}

    /// Begins to listen, once the streams are there; harmless when repeated.
    void listen();
    void on_message(const nats::InMessage& message) override;
    struct Told {
        AgentQuota quota;
        Duration heard{0};  ///< By the steady clock.
    };
    /// Also of agents that have fallen silent; is_silent() tells.
    [[nodiscard]] const std::map<PlatformId, Told>& all() const { return told_; }
    [[nodiscard]] bool is_silent(const Told& told) const;

private:
    nats::Link& link_;
    const Clock& clock_;
    std::unique_ptr<nats::Subscription> reader_;
    std::map<PlatformId, Told> told_;
};

}  // namespace syncline::hub
