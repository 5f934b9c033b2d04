// syncline-hub: flags, configuration and policy, then the loop.
#include <fmt/format.h>
#ifdef SYNCLINE_MIMALLOC
#include <mimalloc.h>
#endif
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <cstdio>
#include <exception>

#include "hub/api/api.h"
#include "hub/asks.h"
#include "hub/hub.h"
#include "hub/hub_config.h"
#include "hub/hub_metrics.h"
#include "hub/indicators/indicators.h"
#include "hub/processes.h"
#include "hub/webhooks/webhooks.h"
#include "shared/base/clock.h"
#include "shared/base/json.h"
#include "shared/base/log.h"
#include "shared/base/reload.h"
#include "shared/base/service.h"
#include "shared/base/version.h"
#include "shared/command_line/describe.h"
#include "shared/http/client.h"
#include "shared/model/member.h"
#include "shared/nats/event_loop.h"
#include "shared/nats/nats_link.h"
#include "shared/nats/streams.h"
#include "shared/policy/ask.h"
#include "shared/policy/check.h"
#include "shared/policy/policy_toml.h"

namespace syncline::hub {
namespace {

constexpr int kExitFine = 0;
constexpr int kExitFailed = 1;
constexpr int kExitConfig = 2;
/// Of an answer of a webhook nothing is needed but its start, to show it.
constexpr std::size_t kWebhookReplyMost = 64u << 10;
/// How long a stop may take before what is unfinished is left to the other hubs.
constexpr Duration kStopLimit = std::chrono::seconds{15};

std::atomic<nats::EventLoop*> loop_to_wake{nullptr};

void wake_loop() {
    if (nats::EventLoop* loop = loop_to_wake.load()) loop->wake();
}

struct Flags {
    std::string config;
    std::string id;
    std::string policy;
    std::string url;
    bool check_config = false;
};

int complain(const std::string& text) {
    fmt::print(stderr, "syncline-hub: {}\n", text);
    return kExitConfig;
}

Result<HubConfig> configure(const Flags& flags) {
    auto config =
        flags.config.empty() ? Result<HubConfig>{HubConfig{}} : load_hub_config(flags.config);
    if (!config) return config;
    if (!flags.id.empty()) config->id = flags.id;
    if (!flags.policy.empty()) config->policy = flags.policy;
    if (!flags.url.empty()) config->nats.urls = {flags.url};
    if (config->id.empty()) {
        char host[256] = "hub";
        gethostname(host, sizeof host - 1);
        config->id = fmt::format("{}-{}", host, getpid());
    }
    config->options.id = HubId{config->id};
    config->options.partitions = static_cast<std::uint16_t>(config->streams.partitions);
    return config;
}

/// The files of a policy that is well-formed and has no error; warnings are logged.
Result<std::vector<PolicyFile>> sound_policy(const std::string& directory) {
    if (directory.empty()) return std::vector<PolicyFile>{};
    auto files = read_policy_files(directory);
    if (!files) return files;
    const auto policy = parse_policy(*files);
    if (!policy) return fail(policy.error());
    std::string errors;
    for (const Finding& finding : check(*policy)) {
        if (finding.severity == Severity::kError) errors += to_string(finding) + "\n";
        if (finding.severity == Severity::kWarning) log::warning(to_string(finding));
    }
    if (!errors.empty()) return fail(ErrorKind::kInvalid, "the policy has errors:\n" + errors);
    return files;
}

/// What an answer to a question says to the workflow that has put it: of one that hubs put together
/// the verdict and the reasons stand beside its values.
Instances::Answer answer_of(const Asks::Reply& reply) {
    const auto read = parse_json(reply.body);
    if (!read) return {ErrorClass::kUnavailable, {}, "the answer is no JSON"};
    if (const Value* error = member(*read, "error")) {
        ErrorClass kind = ErrorClass::kPermanent;
        if (reply.status == 404) kind = ErrorClass::kNotFound;
        if (reply.status == 401 || reply.status == 403) kind = ErrorClass::kDenied;
        if (reply.status == 429 || reply.status >= 500) kind = ErrorClass::kUnavailable;
        if (reply.status == 504) kind = ErrorClass::kTimeout;
        return {kind, {}, text_member(*error, "text")};
    }
    Instances::Answer answer;
    if (const Value* values = member(*read, "values")) {
        const auto* map = values->get<Value::Map>();
        for (const auto& [name, value] : map == nullptr ? Value::Map{} : *map) {
            answer.fields.set(FieldName{name}, value);
        }
    }
    for (const char* name : {"verdict", "reasons"}) {
        if (const Value* value = member(*read, name)) answer.fields.set(FieldName{name}, *value);
    }
    return answer;
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
        service::notify("STATUS=refused by NATS: " + status.error.what);
    } else if (status.state == State::kWaiting) {
        log::warning("no connection to NATS; trying again", {{"error", status.error}});
    }
}

/// The hub's file and the policy that it names, as they are now.
struct Settings {
    HubConfig config;
    std::vector<PolicyFile> policy;
};
using ReadAnew = std::function<Result<Settings>()>;

class Program {
public:
    Program(HubConfig config, std::vector<PolicyFile> policy, ReadAnew read, Reload& reload)
        : config_(std::move(config)),
          link_(loop_, with_status(config_.nats)),
          hub_(link_, clock_, std::move(policy), config_.options,
               nats::stream_configs(config_.streams), sync_points_),
          asks_({link_, clock_, config_.id, std::string{kVersion}}),
          processes_({link_, clock_, config_.id}),
          api_({.asks = asks_,
                .processes = processes_,
                .links = links_,
                .clock = clock_,
                .wake = [this] { loop_.wake(); },
                .nats = config_.nats,
                .metrics = [this] { return metrics_.exposition(); }}),
          webhooks_({.link = link_,
                     .clock = clock_,
                     .make_client =
                         [this] {
                             return std::make_unique<CurlClient>(
                                 CurlClient::Options{.response_bytes_max = kWebhookReplyMost,
                                                     .guard = config_.webhook_targets});
                         },
                     .links = links_,
                     .mail = config_.mail,
                     .wake = [this] { loop_.wake(); },
                     .show = [this](ExceptionRecord one) { hub_.show(std::move(one)); },
                     .count =
                         [this](const std::string& webhook, const char* what) {
                             ++webhook_requests_[{webhook, what}];
                         }}),
          indicators_({link_, clock_}),
          quotas_(link_, clock_),
          read_(std::move(read)),
          reload_(reload) {
        loop_to_wake = &loop_;
        hub_.answer_asks_by([this](const std::string& name, const Fields& input, auto answer) {
            asks_.ask(name, to_json(Value{to_map(input)}),
                      [answer = std::move(answer)](const Asks::Reply& reply) {
                          answer(answer_of(reply));
                      });
        });
    }

    ~Program() { loop_to_wake = nullptr; }
    Program(const Program&) = delete;
    Program& operator=(const Program&) = delete;

    /// Did it get as far as its work? If not, the settings are of no use.
    [[nodiscard]] bool has_begun() const { return begun_; }
    /// Settings that want a new start; nullopt: it is to end.
    [[nodiscard]] std::optional<Settings> take_next() { return std::exchange(next_, {}); }

    int run() {
        if (config_.metrics_port != 0) {
            if (auto opened = metrics_.open(config_.metrics_port); !opened) {
                return complain(opened.error().what);
            }
        }
        log::info("hub starts", {{"hub", config_.id}, {"version", kVersion}});
        if (auto opened = links_.open(config_.links); !opened) {
            return complain(opened.error().what);
        }
        if (auto opened = api_.open(config_.api); !opened) return complain(opened.error().what);
        begun_ = true;
        bool ready = false;
        Duration watchdog_due{0};
        while (!service::stop_requested() && !next_) {
            if (service::take_reload_request()) reload();
            loop_.poll(
                std::min({hub_.next_wait(), asks_.next_wait(), processes_.next_wait(),
                          webhooks_.next_wait(), indicators_.next_wait(), api_.next_wait()}));
            hub_.tick();
            asks_.follow(hub_.policy());
            processes_.follow(hub_.policy(), hub_.partitions());
            api_.deliver();
            api_.tick(hub_.ready() && link_.connected());
            asks_.tick();
            processes_.tick();
            webhooks_.follow(hub_.policy(), hub_.held(), hub_.partitions());
            webhooks_.tick();
            indicators_.follow(hub_.policy(), hub_.held(), hub_.partitions());
            indicators_.tick();
            if (is_measured() && hub_.ready()) quotas_.listen();
            metrics_.update({hub_, asks_, link_, webhook_requests_, indicators_, quotas_});
            if (!ready && hub_.ready()) {
                ready = true;
                log::info("hub is ready", {{"hub", config_.id}});
                service::notify("READY=1");
            }
            const Duration watchdog = service::watchdog_interval();
            if (watchdog.count() > 0 && clock_.steady() >= watchdog_due) {
                watchdog_due = clock_.steady() + watchdog;
                service::notify("WATCHDOG=1");
            }
        }
        return stop();
    }

private:
    [[nodiscard]] bool is_measured() const {
        return config_.metrics_port != 0 || config_.api.port != 0;
    }

    void reload() {
        service::notify("RELOADING=1");
        auto settings = read_();
        switch (reload_.judge(settings ? Result<void>{} : fail(settings.error()))) {
            case Reload::What::kNothing: break;
            case Reload::What::kInPlace: log::set_level(settings->config.log.level); break;
            case Reload::What::kNewStart: next_ = *std::move(settings); return;
        }
        service::notify("READY=1");
    }

    static nats::NatsOptions with_status(nats::NatsOptions options) {
        options.on_status = report_status;
        return options;
    }

    int stop() {
        log::info("hub stops: handing over its partitions", {{"hub", config_.id}});
        if (!next_) service::notify("STOPPING=1");
        webhooks_.stop();
        hub_.stop();
        const Duration limit = clock_.steady() + kStopLimit;
        while (!hub_.stopped() && clock_.steady() < limit && link_.connected()) {
            loop_.poll(hub_.next_wait());
            hub_.tick();
        }
        hub_.leave();
        const Duration leave = clock_.steady() + std::chrono::seconds{1};
        while (link_.open() > 0 && clock_.steady() < leave) loop_.poll(hub_.next_wait());
        const bool clean = hub_.stopped();
        log::info(clean ? "hub has stopped" : "hub stopped with work unfinished; others take over",
                  {{"hub", config_.id}});
        return clean ? kExitFine : kExitFailed;
    }

    HubConfig config_;
    SystemClock clock_;
    SyncPoints sync_points_;
    nats::EventLoop loop_;
    nats::NatsLink link_;
    Hub hub_;
    Asks asks_;
    Processes processes_;
    DecisionLinks links_;
    HubMetrics metrics_;
    Api api_;
    WebhookRequests webhook_requests_;
    webhooks::Webhooks webhooks_;
    indicators::Indicators indicators_;
    AgentQuotas quotas_;
    ReadAnew read_;
    Reload& reload_;
    bool begun_ = false;
    std::optional<Settings> next_;
};

Ended<Settings> run_with(Settings settings, const ReadAnew& read, Reload& reload) {
    std::unique_ptr<telemetry::Tracer> tracer;
    HubConfig& config = settings.config;
    log::start(config.log);
    if (config.telemetry.on()) {
        auto started = telemetry::Tracer::start(config.telemetry, "syncline-hub", config.id);
        if (!started) return {.code = complain(started.error().what), .next = {}};
        tracer = std::move(*started);
        config.options.spans = tracer.get();
    }
    Program program{std::move(config), std::move(settings.policy), read, reload};
    const int code = program.run();
    return {code, program.has_begun(), program.take_next()};
}

/// The entities in memory are many and each is looked at seldom: with pages of 2 MiB the processor
/// finds them sooner. Where the system gives none, nothing changes.
void use_large_pages() {
#ifdef SYNCLINE_MIMALLOC
    mi_option_enable(mi_option_large_os_pages);
#endif
}

int run(int argc, char** argv) {
    CLI::App app{
        "syncline-hub: decides what each platform must be told, and remembers why.\n"
        "Any number of hubs share the work; start more to go faster.",
        "syncline-hub"};
    Flags flags;
    app.add_option("-c,--config", flags.config, "The hub's file; configs/hub.toml lists it all")
        ->check(CLI::ExistingFile);
    app.add_option("--id", flags.id, "Name among the hubs [host name and process id]");
    app.add_option("--policy", flags.policy,
                   "Directory of the policy that becomes version 1 if there is none yet")
        ->check(CLI::ExistingDirectory);
    app.add_option("--server", flags.url, "NATS, instead of the file's `nats.urls`")
        ->envname("SYNCLINE_NATS_URL");
    app.add_flag("--check-config", flags.check_config, "Check configuration and policy, then end");
    add_description_flag(app);
    app.set_version_flag("--version", "syncline-hub " + std::string{kVersion});
    app.footer(
        "Exit codes: 0 stopped cleanly, 1 stopped with work unfinished, 2 wrong usage,\n"
        "configuration or policy. Signals: SIGTERM hands the partitions over and ends; SIGHUP\n"
        "reads the file anew and says what has changed; one that is not sound is left.");
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? kExitFine : kExitConfig;
    }
    const auto read = [&]() -> Result<Settings> {
        auto configured = configure(flags);
        if (!configured) return fail(configured.error());
        auto policy = sound_policy(configured->policy);
        if (!policy) return fail(policy.error());
        return Settings{*std::move(configured), *std::move(policy)};
    };
    const auto config = configure(flags);
    if (!config) return complain(config.error().what);
    log::start(config->log);  // Before the policy is read: its warnings are logged.
    auto settings = read();
    if (!settings) return complain(settings.error().what);
    if (flags.check_config) {
        fmt::print("configuration and policy are sound\n");
        return kExitFine;
    }
    service::handle_stop_signals(wake_loop);
    return run_reloading(
        flags.config, *std::move(settings),
        [&](const Settings& now, Reload& reload) { return run_with(now, read, reload); });
}

}  // namespace
}  // namespace syncline::hub

int main(int argc, char** argv) {
    try {
        syncline::hub::use_large_pages();
        return syncline::hub::run(argc, argv);
    } catch (const std::exception& error) {
        fmt::print(stderr, "syncline-hub: a defect of ours: {}\n", error.what());
        return 1;
    }
}
