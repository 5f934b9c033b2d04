#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "agent/agent.h"
#include "hub/hub.h"
#include "tests/simulation/memory_link.h"
#include "tests/simulation/memory_vfs.h"
#include "tests/simulation/planted.h"
#include "tests/simulation/sim_executor.h"

namespace syncline::sim {

/// Where a process is to die next: at the n-th time that it reaches a sync point.
struct DeathWish {
    std::string point;   ///< Empty: nowhere.
    bool after = false;  ///< Agents: after the step, else before it.
    std::uint32_t count = 1;
    bool with_power = false;  ///< Agents: the host loses its power.
};

/// What all processes share.
struct Site {
    World& world;
    MemoryBroker& broker;
    const std::vector<PolicyFile>& policy;  ///< That hubs are started with.
    std::vector<nats::StreamConfig> streams;
    Planted planted = Planted::kNone;
};

/// One hub process: starts, dies, is paused, starts again.
class HubProcess {
public:
    HubProcess(Site& site, std::string name, hub::HubOptions options);
    ~HubProcess();
    HubProcess(const HubProcess&) = delete;
    HubProcess& operator=(const HubProcess&) = delete;

    void start();
    /// Dies and comes back after a while.
    void crash(Duration down);
    /// Stands still; the server may have closed the connection by the end.
    void pause(Duration length);
    [[nodiscard]] bool running() const { return hub_ != nullptr; }
    [[nodiscard]] bool quiescent() const { return hub_ && hub_->ready() && hub_->quiescent(); }
    [[nodiscard]] hub::Hub* hub() { return hub_.get(); }
    [[nodiscard]] MemoryLink* link() { return link_.get(); }
    [[nodiscard]] SimClock& clock() { return clock_; }
    [[nodiscard]] const std::string& name() const { return name_; }

    NetworkFaults network;
    DeathWish death;
    Duration restart_least = std::chrono::milliseconds{200};
    Duration restart_most = std::chrono::seconds{15};
    bool stay_down = false;
    std::uint64_t deaths = 0;
    hub::HubCounters total;  ///< Of the lives before this one.

private:
    class Points;
    void end();
    void turn_soon();
    void idle();

    Site& site_;
    std::string name_;
    hub::HubOptions options_;
    SimClock clock_;
    std::uint32_t process_;
    Ticket ticket_;
    bool turn_due_ = false;
    std::unique_ptr<Points> points_;
    std::unique_ptr<MemoryLink> link_;
    std::unique_ptr<nats::Link> wrapped_;
    std::unique_ptr<hub::Hub> hub_;
};

/// One agent process with its host's disk and its platform.
class AgentProcess {
public:
    AgentProcess(Site& site, Platform& platform, agent::AgentSettings settings);
    ~AgentProcess();
    AgentProcess(const AgentProcess&) = delete;
    AgentProcess& operator=(const AgentProcess&) = delete;

    void start();
    enum class Loss { kProcess, kPower, kStore };
    void crash(Loss loss, Duration down);
    void pause(Duration length);
    [[nodiscard]] bool running() const { return agent_ != nullptr; }
    [[nodiscard]] agent::Agent* agent() { return agent_.get(); }
    [[nodiscard]] agent::Store* store() { return store_.get(); }
    [[nodiscard]] MemoryLink* link() { return link_.get(); }
    [[nodiscard]] MemoryDisk& disk() { return disk_; }
    [[nodiscard]] SimClock& clock() { return clock_; }
    [[nodiscard]] Platform& platform() { return platform_; }
    [[nodiscard]] const std::string& name() const { return name_; }

    NetworkFaults network;
    DeathWish death;
    Duration restart_least = std::chrono::milliseconds{200};
    Duration restart_most = std::chrono::seconds{15};
    bool stay_down = false;
    std::uint64_t deaths = 0;
    std::uint64_t wipes = 0;  ///< How often the store was lost.

private:
    class Points;
    void end();
    bool open();
    void turn_soon();
    void turn();
    void wake();

    Site& site_;
    Platform& platform_;
    agent::AgentSettings settings_;
    std::string name_;
    SimClock clock_;
    MemoryDisk disk_;
    std::uint32_t process_;
    Ticket ticket_;
    bool turn_due_ = false;
    Duration wake_at_ = Duration::max();
    std::uint64_t lives_ = 0;
    std::unique_ptr<Points> points_;
    std::unique_ptr<MemoryLink> link_;
    std::unique_ptr<nats::Link> wrapped_;
    std::unique_ptr<SimExecutor> executor_;
    std::unique_ptr<agent::Store> store_;
    std::unique_ptr<agent::Agent> agent_;
};

}  // namespace syncline::sim
