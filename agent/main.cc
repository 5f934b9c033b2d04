// syncline-agent: flags and configuration, then the loop.
#include <malloc.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <random>

#include "agent/agent.h"
#include "agent/agent_config.h"
#include "agent/lease.h"
#include "agent/nats_start.h"
#include "agent/subcommands.h"
#include "agent/thread_executor.h"
#include "agent/thread_list_executor.h"
#include "shared/base/boot_time.h"
#include "shared/base/clock.h"
#include "shared/base/reload.h"
#include "shared/base/service.h"
#include "shared/base/version.h"
#include "shared/command_line/describe.h"
#include "shared/nats/event_loop.h"
#include "shared/nats/nats_link.h"

namespace syncline::agent {
namespace {

constexpr int kExitFine = 0;
constexpr int kExitFailed = 1;
constexpr int kExitConfig = 2;
/// How long a stop may take before what is under way is left in the ledger for the next start.
constexpr Duration kStopLimit = std::chrono::seconds{10};
constexpr Duration kLongestWait = std::chrono::seconds{60};
/// How long giving the lease back may take; after that the next agent waits until it expires.
constexpr Duration kReleaseLimit = std::chrono::seconds{1};

std::atomic<nats::EventLoop*> loop_to_wake{nullptr};

void wake_loop() {
    if (nats::EventLoop* loop = loop_to_wake.load()) loop->wake();
}

int complain(const std::string& text, int code) {
    std::fprintf(stderr, "syncline-agent: %s\n", text.c_str());
    return code;
}

void write_note(NoteLevel level, std::string_view text) {
    switch (level) {
        case NoteLevel::kDebug: return log::debug(text);
        case NoteLevel::kInfo: return log::info(text);
        case NoteLevel::kWarning: return log::warning(text);
        case NoteLevel::kError: return log::error(text);
    }
}

void report_status(const nats::LinkStatus& status) {
    using State = nats::LinkStatus::State;
    if (status.state == State::kConnected && !status.error.what.empty()) {
        log::error("NATS refuses something that we do; a person must act",
                   {{"error", status.error}});
    } else if (status.state == State::kConnected) {
        log::info("connected to NATS",
                  {{"server", status.server}, {"version", status.server_version}});
    } else if (status.state == State::kRefused) {
        log::error("NATS refuses us; a person must act", {{"error", status.error}});
    } else if (status.state == State::kWaiting) {
        log::warning("no connection to NATS; changes are kept", {{"error", status.error}});
    }
}

std::uint64_t random_seed() {
    std::random_device device;
    return std::uint64_t{device()} << 32 | device();
}

std::string hex(std::uint64_t number) {
    char text[17];
    std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(number));
    return text;
}

std::string host_name() {
    char host[256] = "";
    gethostname(host, sizeof host - 1);
    return host;
}

/// What the agent's file says now.
using ReadAnew = std::function<Result<AgentConfig>()>;

class Program {
public:
    Program(AgentConfig config, std::unique_ptr<Store> store, ReadAnew read, Reload& reload)
        : config_(std::move(config)),
          store_(std::move(store)),
          link_(loop_, nats_options()),
          read_(std::move(read)),
          reload_(reload) {
        loop_to_wake = &loop_;
    }
    ~Program() { loop_to_wake = nullptr; }
    Program(const Program&) = delete;
    Program& operator=(const Program&) = delete;

    /// Did it get as far as its work? If not, the settings are of no use.
    [[nodiscard]] bool has_begun() const { return begun_; }
    /// Settings that want a new start; nullopt: it is to end.
    [[nodiscard]] std::optional<AgentConfig> take_next() { return std::exchange(next_, {}); }

    int run() {
        if (config_.telemetry.on()) {
            auto tracer = telemetry::Tracer::start(config_.telemetry, "syncline-agent",
                                                   config_.settings.platform.text);
            if (!tracer) return complain(tracer.error().what, kExitConfig);
            tracer_ = std::move(*tracer);
        }
        if (config_.standby) {
            if (auto held = take_lease(); !held) return complain(held.error().what, kExitFailed);
            if (!lease_->is_held()) return kExitFine;
        }
        const int code = be_active();
        end_parts();
        // Nobody need wait until it expires. A new start in this process takes it up again.
        if (lease_ && !next_) give_lease_back();
        return code;
    }

private:
    int be_active() {
        const Term* term = lease_ ? &term_ : nullptr;
        auto executor = ThreadExecutor::make(
            config_.connector, config_.settings.writing.concurrency, [this] { loop_.wake(); },
            term);
        if (!executor) return complain(executor.error().what, kExitConfig);
        executor_ = std::move(*executor);
        if (config_.lists.make_door) {
            lists_.emplace(
                config_.lists.make_door, [this] { loop_.wake(); }, term);
        }
        agent_.emplace(Agent::Parts{config_.settings, clock_, *store_, link_, *executor_, points_,
                                    write_note, random_seed(), lists_ ? &*lists_ : nullptr,
                                    config_.lists.names, &*executor_, &link_, &*executor_,
                                    tracer_.get()});
        if (auto started = agent_->start(); !started) {
            return complain(started.error().what, kExitFailed);
        }
        begun_ = true;
        log::info("agent is ready", {{"platform", config_.settings.platform.text},
                                     {"epoch", store_->epoch()},
                                     {"version", kVersion}});
        service::notify("READY=1");
        while (!service::stop_requested() && !next_) {
            if (lease_ && lease_->is_lost()) return stand_down();
            if (service::take_reload_request()) reload();
            if (auto turned = turn(); !turned) {
                return complain(
                    "the store can not be written, starting again is safe: " + turned.error().what,
                    kExitFailed);
            }
        }
        return stop();
    }

    /// Waits until this agent is the active one, or is to end or to begin anew.
    Result<void> take_lease() {
        lease_.emplace(Lease::Parts{.link = link_,
                                    .term = term_,
                                    .clock = clock_,
                                    .boot = boot_time,
                                    .note = write_note,
                                    .platform = config_.settings.platform,
                                    .store = store_->instance(),
                                    .host = host_name(),
                                    .run = config_.settings.run,
                                    .version = config_.settings.version,
                                    .own_term = own_term()});
        log::info("stands by", {{"platform", config_.settings.platform.text},
                                {"host", host_name()},
                                {"store", store_->instance()}});
        service::notify("READY=1");
        while (!lease_->is_held()) {
            if (service::take_reload_request()) reload();
            if (service::stop_requested() || next_) {
                begun_ = true;  // To stand by is all that it had to do so far.
                give_lease_back();
                return {};
            }
            loop_.poll(at_most_watchdog(lease_->wait()));
            lease_->pump();
            if (lease_->is_lost()) next_ = config_;
            beat();
        }
        log::info("holds the lease: this agent is the active one",
                  {{"platform", config_.settings.platform.text}, {"host", host_name()}});
        if (lease_->is_continued()) return {};
        return store_->transaction([this](Transaction& transaction) {
            transaction.begin_as_new(clock_.now());
            transaction.set_text(keys::kLeaseTerm, lease_->term_name());
        });
    }

    [[nodiscard]] std::string own_term() {
        std::string term;
        // An error shows at the next transaction.
        std::ignore = store_->transaction(
            [&](Transaction& transaction) { term = transaction.text(keys::kLeaseTerm); });
        return term;
    }

    void give_lease_back() {
        lease_->release();
        const Duration limit = clock_.steady() + kReleaseLimit;
        while (!lease_->is_released() && clock_.steady() < limit) {
            loop_.poll(std::chrono::milliseconds{50});
        }
    }

    /// As kill -9 would: what is under way is left in the ledger. It goes on with the same
    /// settings.
    int stand_down() {
        end_parts();
        next_ = config_;
        return kExitFine;
    }

    nats::NatsOptions nats_options() {
        nats::NatsOptions options = config_.nats;
        options.on_status = report_status;
        return options;
    }

    void reload() {
        service::notify("RELOADING=1");
        auto config = read_();
        switch (reload_.judge(config ? Result<void>{} : fail(config.error()))) {
            case Reload::What::kNothing: break;
            case Reload::What::kInPlace: log::set_level(config->log.level); break;
            case Reload::What::kNewStart: next_ = *std::move(config); return;
        }
        service::notify("READY=1");
    }

    Result<void> turn() {
        Duration wait = std::min(agent_->next_deadline() - clock_.steady(), kLongestWait);
        if (lease_) wait = std::min(wait, lease_->wait());
        loop_.poll(std::max(at_most_watchdog(wait), Duration{0}));
        if (lease_) {
            lease_->pump();
            if (lease_->is_lost()) return {};
        }
        executor_->deliver();
        if (lists_) lists_->deliver();
        auto done = agent_->on_timer();
        beat();
        return done;
    }

    [[nodiscard]] static Duration at_most_watchdog(Duration wait) {
        const Duration watchdog = service::watchdog_interval();
        return watchdog.count() > 0 ? std::min(wait, watchdog) : wait;
    }
    void beat() {
        const Duration watchdog = service::watchdog_interval();
        if (watchdog.count() <= 0 || clock_.steady() < watchdog_due_) return;
        watchdog_due_ = clock_.steady() + watchdog;
        service::notify("WATCHDOG=1");
    }

    int stop() {
        log::info("agent stops", {{"platform", config_.settings.platform.text}});
        if (!next_) service::notify("STOPPING=1");
        agent_->stop();
        const Duration limit = clock_.steady() + kStopLimit;
        while (!agent_->is_quiet() && clock_.steady() < limit) {
            loop_.poll(std::chrono::milliseconds{50});
            if (lease_) lease_->pump();
            executor_->deliver();
            if (auto done = agent_->on_timer(); !done)
                return complain(done.error().what, kExitFailed);
        }
        end_parts();
        log::info("agent has stopped", {{"platform", config_.settings.platform.text}});
        return kExitFine;
    }

    void end_parts() {
        executor_.reset();
        lists_.reset();
        agent_.reset();
    }

    AgentConfig config_;
    SystemClock clock_;
    SyncPoints points_;
    std::unique_ptr<Store> store_;
    nats::EventLoop loop_;
    nats::NatsLink link_;
    Term term_;
    std::optional<Lease> lease_;  ///< Null: there is no stand-by.
    std::unique_ptr<telemetry::Tracer> tracer_;
    std::unique_ptr<ThreadExecutor> executor_;
    std::optional<ThreadListExecutor> lists_;
    std::optional<Agent> agent_;
    Duration watchdog_due_{0};
    ReadAnew read_;
    Reload& reload_;
    bool begun_ = false;
    std::optional<AgentConfig> next_;
};

Ended<AgentConfig> run_with(AgentConfig config, const ReadAnew& read, Reload& reload) {
    log::start(config.log);
    config.settings.version = kVersion;
    config.settings.run = hex(random_seed());
    const SystemClock clock;
    auto store = Store::open({.path = config.store.string(),
                              .platform = config.settings.platform,
                              .instance = config.settings.run,
                              .now = clock.now()});
    if (!store) return {.code = complain(store.error().what, kExitFailed), .next = {}};
    Program program{std::move(config), std::move(*store), read, reload};
    const int code = program.run();
    // One that has failed is not begun anew in here.
    if (code != kExitFine) return {code, program.has_begun(), {}};
    return {code, program.has_begun(), program.take_next()};
}

/// `syncline-agent erp.toml`: whoever writes so means an option.
void explain_file(int argc, char** argv) {
    for (int i = 1; i < argc; ++i) {
        std::error_code ignored;
        if (!std::filesystem::is_regular_file(argv[i], ignored)) continue;
        std::fprintf(stderr,
                     "To run the agent of a file: syncline-agent --config %s\n"
                     "To check the file, or ask its platform: syncline-agent check %s, probe %s\n",
                     argv[i], argv[i], argv[i]);
        return;
    }
}

int run(int argc, char** argv) {
    CLI::App app{
        "syncline-agent: keeps one platform in agreement with the others.\n"
        "Reads what changes there, carries out what the hubs decide, loses nothing.",
        "syncline-agent"};
    std::string file;
    bool check = false;
    auto* config_option = app.add_option("-c,--config", file,
                                         "The agent's file; configs/agent.toml lists every setting")
                              ->check(CLI::ExistingFile);
    app.add_flag("--check-config", check, "The same as `check`, of the file of --config");
    Subcommands subcommands{app};
    add_description_flag(app);
    app.set_version_flag("--version", "syncline-agent " + std::string{kVersion});
    app.footer(
        "Exit codes: 0 stopped cleanly, 1 failed, 2 wrong usage or configuration.\n"
        "Signals: SIGTERM finishes what is under way and ends; nothing is lost by SIGKILL.\n"
        "SIGHUP reads the file anew and says what has changed; one that is not sound is left.");
    try {
        app.parse(argc, argv);
        if (!subcommands.any() && config_option->empty()) throw CLI::RequiredError("--config");
    } catch (const CLI::ExtrasError& error) {
        app.exit(error);
        explain_file(argc, argv);
        return kExitConfig;
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? kExitFine : kExitConfig;
    }
    if (subcommands.any()) return subcommands.run();
    if (check) return check_agent_file(file);
    const SystemClock clock;
    auto config = load_agent_config(file, clock);
    if (!config) return complain(config.error().what, kExitConfig);
    const auto read = [&] { return load_agent_config(file, clock); };
    service::handle_stop_signals(wake_loop);
    start_nats_lean();
    return run_reloading(file, *std::move(config), [&](const AgentConfig& now, Reload& reload) {
        return run_with(now, read, reload);
    });
}

}  // namespace
}  // namespace syncline::agent

int main(int argc, char** argv) {
    // One arena for the main thread, one for the others, and early give-back: an agent's memory is
    // part of what it promises.
    mallopt(M_ARENA_MAX, 2);
    mallopt(M_TRIM_THRESHOLD, 256 << 10);
    mallopt(M_MMAP_THRESHOLD, 128 << 10);
    try {
        return syncline::agent::run(argc, argv);
    } catch (const std::exception& error) {
        return syncline::agent::complain(std::string{"a defect of ours: "} + error.what(), 1);
    }
}
