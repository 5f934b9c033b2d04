#include "tests/simulation/faults.h"

#include <algorithm>
#include <sstream>
#include <utility>

#include "shared/wire/subjects.h"

namespace syncline::sim {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr const char* kHubPoints[] = {"H1", "H2", "H3", "H4", "H5", "H6", "H7", "H8"};

}  // namespace

const std::vector<FaultKind>& fault_kinds() {
    static const std::vector<FaultKind> kinds{
        {"net.slow", "messages take seconds, and hold up those behind them"},
        {"net.lose_publish", "a publish is never stored and never answered"},
        {"net.lose_ack", "a publish is stored, its answer lost"},
        {"net.late_store", "a publish is stored long after its time-out, behind later ones"},
        {"net.lose_core", "receipts and resend requests are lost"},
        {"net.lose_request", "a question to the server, or its answer, is lost"},
        {"net.no_leader", "the stream has no leader and refuses"},
        {"net.reset", "a connection breaks"},
        {"net.blackhole", "a connection delivers nothing for a while"},
        {"net.partition", "a client cannot reach the server for a while"},
        {"broker.restart", "the server is killed and comes back"},
        {"broker.power", "the server loses its power and the newest messages of each stream"},
        {"site.power", "server, hubs and agents lose their power together"},
        {"broker.delete_input", "an administrator deletes SYNC_IN"},
        {"broker.delete_commands", "an administrator deletes SYNC_CMD"},
        {"broker.delete_state", "an administrator deletes SYNC_STATE"},
        {"broker.delete_other", "another stream is deleted"},
        {"broker.full", "streams are full and refuse"},
        {"hub.crash", "a hub dies at any time"},
        {"hub.crash_point", "a hub dies between two steps of a commit"},
        {"hub.pause", "a hub stands still, longer than others wait for it"},
        {"hub.clock", "a hub's wall clock is set"},
        {"agent.crash", "an agent dies at any time"},
        {"agent.crash_point", "an agent dies between two steps of a commit"},
        {"agent.power", "an agent's host loses its power, and what was not synced"},
        {"agent.pause", "an agent stands still"},
        {"agent.wipe", "an agent's store is lost"},
        {"agent.clock", "an agent's wall clock is set"},
        {"disk.full", "an agent's disk is full for a while"},
        {"disk.sync_error", "a sync fails once"},
        {"platform.outage", "a platform is down for a while"},
        {"platform.denied", "a platform refuses the credentials for a while"},
        {"platform.unavailable", "a call fails before anything is applied"},
        {"platform.ambiguous", "a write is applied, its answer lost"},
        {"platform.lost_write", "a write is not applied, and nobody says so"},
        {"platform.late_write", "a write is applied after its time-out"},
        {"platform.throttled", "a platform asks for a pause"},
        {"platform.slow", "a platform answers late"},
        {"platform.late_commit", "a transaction commits with an old stamp"},
    };
    return kinds;
}

Faults::Faults(World& world, MemoryBroker& broker, Cast& cast)
    : world_(world), broker_(broker), cast_(cast) {}

void Faults::draw() {
    Random& random = world_.random();
    if (random.one_in(4)) return;
    // A few kinds at a time: most defects need few faults, and many at once hide each other.
    const std::uint64_t share = random.between(1, 5);
    for (const FaultKind& kind : fault_kinds()) {
        if (random.below(16) < share) enabled_.insert(kind.name);
    }
    broker_.behaviour.sync_interval = random.between(seconds{2}, minutes{2});
}

void Faults::add(std::string_view kinds) {
    std::istringstream in{std::string{kinds}};
    for (std::string kind; in >> kind;) enabled_.insert(kind);
}

void Faults::remove(std::string_view beginnings) {
    std::istringstream in{std::string{beginnings}};
    for (std::string word; in >> word;) {
        std::erase_if(enabled_, [&](const auto& kind) { return kind.starts_with(word); });
    }
}

void Faults::set_network(NetworkFaults& network) {
    Random& random = world_.random();
    const auto rate = [&](const char* name, std::uint64_t most) {
        return has(name) ? random.between(most / 20, most) : 0;
    };
    network.slow = rate("net.slow", 60'000);
    network.lose_publish = rate("net.lose_publish", 80'000);
    network.lose_ack = rate("net.lose_ack", 80'000);
    network.late_store = rate("net.late_store", 60'000);
    network.lose_core = rate("net.lose_core", 500'000);
    network.lose_request = rate("net.lose_request", 80'000);
    network.not_now = rate("net.no_leader", 80'000);
}

void Faults::set_platform(Platform& platform) {
    Random& random = world_.random();
    const auto rate = [&](const char* name, std::uint64_t most) {
        return has(name) ? random.between(most / 20, most) : 0;
    };
    PlatformTrouble& trouble = platform.trouble;
    trouble.unavailable = rate("platform.unavailable", 200'000);
    trouble.ambiguous_applied = rate("platform.ambiguous", 300'000);
    trouble.ambiguous_lost = rate("platform.lost_write", 200'000);
    trouble.late = rate("platform.late_write", 200'000);
    trouble.throttled = rate("platform.throttled", 200'000);
    trouble.slow = rate("platform.slow", 300'000);
    trouble.late_commit = rate("platform.late_commit", 500'000);
}

void Faults::begin() {
    for (auto& hub : cast_.hubs) set_network(hub->network);
    for (auto& agent : cast_.agents) set_network(agent->network);
    for (auto& platform : cast_.platforms) set_platform(*platform);
    begin_processes();
    begin_broker();
    begin_platforms();
    begin_disks();
}

void Faults::now_and_then(const char* name, Duration pause, std::function<void()> what) {
    if (!has(name)) return;
    world_.after(world_.random().between(Duration{0}, pause * 2), [=, this] {
        if (healed_) return;
        ++injected_;
        what();
        now_and_then(name, pause, what);
    });
}

HubProcess& Faults::some_hub() { return *cast_.hubs[world_.random().below(cast_.hubs.size())]; }
AgentProcess& Faults::some_agent() {
    return *cast_.agents[world_.random().below(cast_.agents.size())];
}

MemoryLink* Faults::some_link() {
    const std::size_t hubs = cast_.hubs.size();
    const std::size_t which = world_.random().below(hubs + cast_.agents.size());
    return which < hubs ? cast_.hubs[which]->link() : cast_.agents[which - hubs]->link();
}

Duration Faults::some_time(Duration least, Duration most) {
    // Short ones are more frequent.
    return least + world_.random().between(Duration{0}, (most - least) / 8) *
                       static_cast<Duration::rep>(world_.random().between(1, 8));
}

void Faults::begin_processes() {
    Random& random = world_.random();
    now_and_then("hub.crash", random.between(seconds{10}, seconds{120}),
                 [this] { some_hub().crash(some_time(milliseconds{100}, seconds{30})); });
    now_and_then("hub.crash_point", random.between(seconds{3}, seconds{60}), [this] {
        some_hub().death = {kHubPoints[world_.random().below(std::size(kHubPoints))], false,
                            static_cast<std::uint32_t>(world_.random().between(1, 3)), false};
    });
    now_and_then("hub.pause", random.between(seconds{20}, seconds{120}),
                 [this] { some_hub().pause(some_time(seconds{1}, seconds{60})); });
    now_and_then("agent.crash", random.between(seconds{10}, seconds{120}), [this] {
        some_agent().crash(AgentProcess::Loss::kProcess, some_time(milliseconds{100}, seconds{30}));
    });
    now_and_then("agent.crash_point", random.between(seconds{3}, seconds{60}), [this] {
        const auto& points = agent::kSyncPoints;
        some_agent().death = {
            std::string{points[world_.random().below(points.size())]}, world_.random().one_in(2),
            static_cast<std::uint32_t>(world_.random().between(1, 3)), world_.random().one_in(3)};
    });
    now_and_then("agent.power", random.between(seconds{15}, seconds{120}), [this] {
        some_agent().crash(AgentProcess::Loss::kPower, some_time(milliseconds{100}, seconds{30}));
    });
    now_and_then("agent.pause", random.between(seconds{20}, seconds{120}),
                 [this] { some_agent().pause(some_time(seconds{1}, seconds{60})); });
    now_and_then("agent.wipe", random.between(minutes{1}, minutes{5}), [this] {
        some_agent().crash(AgentProcess::Loss::kStore, some_time(milliseconds{100}, seconds{30}));
    });
    const auto jump = [this](SimClock& clock) {
        const Duration by = world_.random().between(Duration{0}, hours{48});
        clock.jump(world_.random().one_in(2) ? by : -by);
    };
    now_and_then("hub.clock", random.between(seconds{20}, seconds{120}),
                 [this, jump] { jump(some_hub().clock()); });
    now_and_then("agent.clock", random.between(seconds{20}, seconds{120}),
                 [this, jump] { jump(some_agent().clock()); });
}

void Faults::begin_broker() {
    Random& random = world_.random();
    now_and_then("net.reset", random.between(seconds{5}, seconds{60}), [this] {
        if (MemoryLink* link = some_link()) link->break_connection();
    });
    now_and_then("net.blackhole", random.between(seconds{15}, seconds{90}), [this] {
        if (MemoryLink* link = some_link()) {
            link->freeze(world_.now() + some_time(milliseconds{500}, seconds{25}));
        }
    });
    now_and_then("net.partition", random.between(seconds{20}, seconds{120}), [this] {
        if (MemoryLink* link = some_link()) {
            link->keep_away(world_.now() + some_time(seconds{1}, seconds{60}));
            link->break_connection();
        }
    });
    now_and_then("broker.restart", random.between(seconds{30}, seconds{120}),
                 [this] { restart_broker(false); });
    now_and_then("broker.power", random.between(seconds{40}, seconds{180}),
                 [this] { restart_broker(true); });
    now_and_then("site.power", random.between(seconds{60}, seconds{240}), [this] {
        restart_broker(true);
        for (auto& hub : cast_.hubs) hub->crash(some_time(milliseconds{100}, seconds{30}));
        for (auto& agent : cast_.agents) {
            agent->crash(AgentProcess::Loss::kPower, some_time(milliseconds{100}, seconds{30}));
        }
    });
    const auto remove = [this](std::string_view stream) {
        broker_losses_ += broker_.all(stream).size();
        broker_.delete_stream(stream);
    };
    const Duration rarely = random.between(minutes{2}, minutes{8});
    now_and_then("broker.delete_input", rarely, [=] { remove(subjects::kStreamIn); });
    now_and_then("broker.delete_commands", rarely, [=] { remove(subjects::kStreamCommands); });
    now_and_then("broker.delete_state", rarely, [=] { remove(subjects::kStreamState); });
    now_and_then("broker.delete_other", rarely, [=, this] {
        constexpr std::string_view kOthers[] = {subjects::kStreamExceptions, subjects::kStreamLog,
                                                subjects::kStreamLease, subjects::kStreamAgent,
                                                subjects::kStreamEvents};
        remove(kOthers[world_.random().below(std::size(kOthers))]);
    });
    now_and_then("broker.full", random.between(seconds{20}, seconds{120}), [this] {
        broker_.behaviour.refuse_as_full = true;
        world_.note("broker", "is full");
        world_.after(some_time(seconds{1}, seconds{40}),
                     [this] { broker_.behaviour.refuse_as_full = false; });
    });
}

void Faults::restart_broker(bool power) {
    if (!broker_.up()) return;
    if (power) {
        broker_losses_ += broker_.cut_power();
    } else {
        broker_.stop();
    }
    world_.after(some_time(milliseconds{200}, seconds{40}), [this] {
        if (!broker_.up()) broker_.start();
    });
}

void Faults::begin_platforms() {
    Random& random = world_.random();
    const auto some_platform = [this]() -> Platform& {
        return *cast_.platforms[world_.random().below(cast_.platforms.size())];
    };
    now_and_then("platform.outage", random.between(seconds{20}, seconds{120}), [=, this] {
        Platform& platform = some_platform();
        platform.trouble.outage = true;
        world_.note(platform.name(), "is down");
        world_.after(some_time(seconds{1}, seconds{90}), [this, it = &platform] {
            it->trouble.outage = false;
            world_.note(it->name(), "is up");
        });
    });
    now_and_then("platform.denied", random.between(seconds{30}, seconds{180}), [=, this] {
        Platform& platform = some_platform();
        platform.trouble.denied = true;
        world_.after(some_time(seconds{5}, seconds{60}),
                     [it = &platform] { it->trouble.denied = false; });
    });
}

void Faults::begin_disks() {
    Random& random = world_.random();
    now_and_then("disk.full", random.between(seconds{20}, seconds{90}), [this] {
        MemoryDisk& disk = some_agent().disk();
        disk.full = true;
        world_.after(some_time(seconds{1}, seconds{40}), [it = &disk] { it->full = false; });
    });
    now_and_then("disk.sync_error", random.between(seconds{15}, seconds{90}),
                 [this] { some_agent().disk().sync_errors = 1; });
}

void Faults::heal() {
    healed_ = true;
    world_.note("faults", "end");
    if (!broker_.up()) broker_.start();
    broker_.behaviour.refuse_as_full = false;
    for (auto& platform : cast_.platforms) platform->trouble = {};
    for (auto& hub : cast_.hubs) {
        hub->network = {};
        hub->death = {};
        if (hub->link() != nullptr) hub->link()->keep_away(Duration{0});
    }
    for (auto& agent : cast_.agents) {
        agent->network = {};
        agent->death = {};
        agent->disk().full = false;
        agent->disk().sync_errors = 0;
    }
}

}  // namespace syncline::sim
