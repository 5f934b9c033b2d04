#include "tests/simulation/processes.h"

#include <algorithm>
#include <utility>

namespace syncline::sim {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

/// A process paused for longer than this may find its connection closed.
constexpr Duration kServerPatience = std::chrono::seconds{20};
constexpr Duration kIdleTick = milliseconds{250};
constexpr Duration kTurnMost = microseconds{400};

}  // namespace

// ---- Hub. -----------------------------------------------------------------------------------

class HubProcess::Points final : public SyncPoints {
public:
    explicit Points(HubProcess& process) : process_(process) {}
    void reached(std::string_view name) override {
        DeathWish& wish = process_.death;
        if (wish.point != name || --wish.count > 0) return;
        wish = {};
        process_.site_.world.note(process_.name_, "dies at " + std::string{name});
        throw Crashed{};
    }

private:
    HubProcess& process_;
};

HubProcess::HubProcess(Site& site, std::string name, hub::HubOptions options)
    : site_(site), name_(std::move(name)), options_(std::move(options)), clock_(site.world) {
    process_ = site_.world.add_process(
        name_, [this] { crash(site_.world.random().between(restart_least, restart_most)); });
    points_ = std::make_unique<Points>(*this);
}

HubProcess::~HubProcess() { end(); }

void HubProcess::start() {
    if (hub_ || stay_down) return;
    ticket_ = site_.world.begin_life(process_);
    turn_due_ = false;
    site_.world.note(name_, "starts");
    link_ = std::make_unique<MemoryLink>(site_.world, site_.broker, network, ticket_, name_);
    link_->on_event = [this] { turn_soon(); };
    wrapped_ = plant_link(site_.planted, Role::kHub, site_.world, *link_);
    nats::Link& link = wrapped_ ? *wrapped_ : *link_;
    hub_ =
        std::make_unique<hub::Hub>(link, clock_, site_.policy, options_, site_.streams, *points_);
    idle();
}

void HubProcess::idle() {
    site_.world.after(kIdleTick + site_.world.random().between(Duration{0}, milliseconds{20}),
                      ticket_, [this] {
                          turn_soon();
                          idle();
                      });
}

void HubProcess::turn_soon() {
    if (turn_due_) return;
    turn_due_ = true;
    site_.world.after(site_.world.random().between(Duration{0}, kTurnMost), ticket_, [this] {
        turn_due_ = false;
        hub_->tick();
        link_->end_of_turn();
    });
}

void HubProcess::end() {
    if (!hub_) return;
    const hub::HubCounters& counts = hub_->counters();
    total.inputs += counts.inputs;
    total.decisions += counts.decisions;
    total.amnesia += counts.amnesia;
    total.conflicts += counts.conflicts;
    total.gaps += counts.gaps;
    site_.world.end_life(process_);
    hub_.reset();
    wrapped_.reset();
    link_.reset();
}

void HubProcess::crash(Duration down) {
    if (!hub_) return;
    ++deaths;
    site_.world.note(name_, "is dead");
    end();
    site_.world.after(down, [this] { start(); });
}

void HubProcess::pause(Duration length) {
    if (!hub_ || site_.world.paused(process_)) return;
    site_.world.note(name_, "stands still");
    site_.world.pause(process_);
    site_.world.after(length, [this, length, ticket = ticket_] {
        if (!site_.world.lives(ticket)) return;
        site_.world.note(name_, "goes on");
        site_.world.resume(process_);
        if (length > kServerPatience && site_.world.random().one_in(2)) {
            link_->break_connection();
        }
    });
}

// ---- Agent. ---------------------------------------------------------------------------------

class AgentProcess::Points final : public agent::SyncPoints {
public:
    explicit Points(AgentProcess& process) : process_(process) {}
    void reached(std::string_view point, Moment moment) override {
        DeathWish& wish = process_.death;
        if (wish.point != point || wish.after != (moment == Moment::kAfter)) return;
        if (--wish.count > 0) return;
        process_.site_.world.note(process_.name_, "dies at " + std::string{point});
        throw Crashed{};
    }

private:
    AgentProcess& process_;
};

AgentProcess::AgentProcess(Site& site, Platform& platform, agent::AgentSettings settings)
    : site_(site),
      platform_(platform),
      settings_(std::move(settings)),
      name_("agent-" + platform.name()),
      clock_(site.world),
      disk_(name_, site.world.random()) {
    disk_.lying = site_.planted == Planted::kLyingSync;
    process_ = site_.world.add_process(name_, [this] {
        const bool power = std::exchange(death, {}).with_power;
        crash(power ? Loss::kPower : Loss::kProcess,
              site_.world.random().between(restart_least, restart_most));
    });
    points_ = std::make_unique<Points>(*this);
}

AgentProcess::~AgentProcess() { end(); }

bool AgentProcess::open() {
    disk_.attach();
    auto store = agent::Store::open({.path = disk_.path_of("store.db"),
                                     .vfs = MemoryDisk::kVfsName,
                                     .platform = platform_.nature().id,
                                     .instance = name_,
                                     .now = clock_.now()});
    if (!store) {
        site_.world.note(name_, "cannot open its store: " + store.error().what);
        if (store.error().kind == ErrorKind::kCorrupt) {
            site_.world.violate("I9", name_ + ": " + store.error().what);
        }
        return false;
    }
    store_ = std::move(*store);
    return true;
}

void AgentProcess::start() {
    if (agent_ || stay_down) return;
    ticket_ = site_.world.begin_life(process_);
    turn_due_ = false;
    wake_at_ = Duration::max();
    site_.world.note(name_, "starts");
    if (!open()) {
        site_.world.end_life(process_);
        disk_.detach();
        site_.world.after(std::chrono::seconds{2}, [this] { start(); });
        return;
    }
    link_ = std::make_unique<MemoryLink>(site_.world, site_.broker, network, ticket_, name_);
    link_->on_event = [this] { turn_soon(); };
    wrapped_ = plant_link(site_.planted, Role::kAgent, site_.world, *link_);
    nats::Link& link = wrapped_ ? *wrapped_ : *link_;
    executor_ = plant_executor(site_.planted, site_.world, platform_, ticket_);
    executor_->on_event = [this] { turn_soon(); };
    settings_.run = std::to_string(++lives_);
    agent_ = std::make_unique<agent::Agent>(agent::Agent::Parts{
        .settings = settings_,
        .clock = clock_,
        .store = *store_,
        .link = link,
        .executor = *executor_,
        .points = *points_,
        .note = {},
        .seed = site_.world.random().next(),
        .operation_executor = settings_.operating.operations.empty() ? nullptr : executor_.get()});
    site_.world.after(Duration{0}, ticket_, [this] {
        if (auto started = agent_->start(); !started) {
            site_.world.note(name_, "cannot start: " + started.error().what);
            throw Crashed{};
        }
        turn_soon();
    });
}

void AgentProcess::turn_soon() {
    if (turn_due_) return;
    turn_due_ = true;
    site_.world.after(site_.world.random().between(Duration{0}, kTurnMost), ticket_,
                      [this] { turn(); });
}

void AgentProcess::turn() {
    turn_due_ = false;
    if (auto done = agent_->on_timer(); !done) {
        site_.world.note(name_, "gives up: " + done.error().what);
        throw Crashed{};
    }
    link_->end_of_turn();
    wake();
}

void AgentProcess::wake() {
    const Duration next = agent_->next_deadline();
    if (next == agent::kNever) return;
    const Duration now = site_.world.now();
    // A deadline in the past means "at once", but time must pass.
    const Duration at = std::max(next, now + milliseconds{1});
    if (at >= wake_at_ && wake_at_ > now) return;
    wake_at_ = at;
    site_.world.after(at - now, ticket_, [this, at] {
        if (wake_at_ != at) return;
        wake_at_ = Duration::max();
        turn_soon();
    });
}

void AgentProcess::end() {
    if (!agent_) return;
    site_.world.end_life(process_);
    disk_.detach();
    agent_.reset();
    store_.reset();
    executor_.reset();
    wrapped_.reset();
    link_.reset();
}

void AgentProcess::crash(Loss loss, Duration down) {
    if (agent_) {
        ++deaths;
        site_.world.note(name_, loss == Loss::kPower   ? "loses its power"
                                : loss == Loss::kStore ? "loses its store"
                                                       : "is dead");
        end();
    }
    if (loss == Loss::kPower) disk_.lose_power();
    if (loss == Loss::kStore) {
        ++wipes;
        disk_.wipe();
    }
    site_.world.after(down, [this] { start(); });
}

void AgentProcess::pause(Duration length) {
    if (!agent_ || site_.world.paused(process_)) return;
    site_.world.note(name_, "stands still");
    site_.world.pause(process_);
    site_.world.after(length, [this, length, ticket = ticket_] {
        if (!site_.world.lives(ticket)) return;
        site_.world.note(name_, "goes on");
        site_.world.resume(process_);
        if (length > kServerPatience && site_.world.random().one_in(2)) {
            link_->break_connection();
        }
    });
}

}  // namespace syncline::sim
