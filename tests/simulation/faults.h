#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "tests/simulation/processes.h"

namespace syncline::sim {

/// One kind of trouble; each seed has its own selection ("swarm testing").
struct FaultKind {
    const char* name;
    const char* what;
};
/// Every kind there is.
[[nodiscard]] const std::vector<FaultKind>& fault_kinds();

/// What a world's processes and things are, for whoever breaks them.
struct Cast {
    std::vector<std::unique_ptr<Platform>> platforms;
    std::vector<std::unique_ptr<HubProcess>> hubs;
    std::vector<std::unique_ptr<AgentProcess>> agents;
};

/// Breaks things at random until heal(), then mends them all.
class Faults {
public:
    Faults(World& world, MemoryBroker& broker, Cast& cast);

    /// Draws which kinds this world has; a quarter of the worlds have none.
    void draw();
    /// Kinds that this world has in any case; separated by blanks.
    /// Takes out the kinds that begin with one of the words.
    void remove(std::string_view beginnings);
    void add(std::string_view kinds);
    void begin();
    /// Everything is well from now on; what is down comes back.
    void heal();

    [[nodiscard]] const std::set<std::string>& enabled() const { return enabled_; }
    [[nodiscard]] bool has(const char* name) const { return enabled_.contains(name); }
    [[nodiscard]] std::uint64_t injected() const { return injected_; }
    /// Messages that power cuts and deletions took from the broker.
    [[nodiscard]] std::uint64_t broker_losses() const { return broker_losses_; }

private:
    void set_rates();
    void set_network(NetworkFaults& network);
    void set_platform(Platform& platform);
    /// Calls `what` again and again while faults last, if `name` is enabled.
    void now_and_then(const char* name, Duration pause, std::function<void()> what);
    void begin_processes();
    void begin_broker();
    void begin_platforms();
    void begin_disks();
    void restart_broker(bool power);
    [[nodiscard]] HubProcess& some_hub();
    [[nodiscard]] AgentProcess& some_agent();
    [[nodiscard]] MemoryLink* some_link();
    [[nodiscard]] Duration some_time(Duration least, Duration most);

    World& world_;
    MemoryBroker& broker_;
    Cast& cast_;
    std::set<std::string> enabled_;
    bool healed_ = false;
    std::uint64_t injected_ = 0;
    std::uint64_t broker_losses_ = 0;
};

}  // namespace syncline::sim
