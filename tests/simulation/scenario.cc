#include "tests/simulation/scenario.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "shared/nats/streams.h"
#include "shared/policy/policy_toml.h"
#include "shared/wire/subjects.h"
#include "tests/simulation/checkers.h"
#include "tests/simulation/faults.h"
#include "tests/simulation/forgetting.h"
#include "tests/simulation/holding.h"
#include "tests/simulation/processing.h"
#include "tests/simulation/reconciling.h"
#include "tests/simulation/workload.h"

namespace syncline::sim {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

/// Between two looks at the platforms' logs.
constexpr Duration kWatch = seconds{5};
/// I16: all must be right this long after everything was healed.
constexpr Duration kRestMost = minutes{45};
/// Nothing may have happened for so long.
constexpr Duration kQuiet = seconds{40};

agent::AgentSettings draw_settings(Random& random, const PlatformId& platform) {
    agent::AgentSettings settings;
    settings.platform = platform;
    settings.reading.poll = random.between(seconds{1}, seconds{6});
    settings.reading.batch_records = static_cast<std::uint32_t>(random.between(1, 30));
    settings.reading.settle = random.between(seconds{1}, seconds{30});
    settings.reading.retry = {seconds{1}, seconds{20}};
    settings.writing.retry = {seconds{1}, seconds{20}};
    settings.writing.concurrency = static_cast<std::uint32_t>(random.between(1, 4));
    settings.writing.window = static_cast<std::uint32_t>(random.between(1, 64));
    settings.writing.budget = {8, minutes{5}};
    settings.writing.breaker.pause = {seconds{3}, seconds{40}};
    settings.writing.denied_pause = seconds{10};
    settings.writing.throttle_max = seconds{20};
    settings.publishing.window = static_cast<std::uint32_t>(random.between(1, 64));
    settings.publishing.receipt = {seconds{5}, seconds{60}};
    settings.publishing.retry = {milliseconds{500}, seconds{10}};
    settings.spool.retention =
        random.one_in(4) ? random.between(minutes{2}, minutes{10}) : Duration{hours{24}};
    if (random.one_in(4)) settings.spool.entries_max = random.between(4, 40);
    if (random.one_in(4)) settings.rate = {static_cast<std::uint32_t>(random.between(2, 20)), 5};
    return settings;
}

/// Those that Processing's workflows ask for.
std::vector<agent::OperationSettings> operations_of(const Platform& platform) {
    std::vector<agent::OperationSettings> all;
    for (const char* name : {"do", "do_or_refuse", "undo"}) {
        agent::OperationSettings one;
        one.form.name = name;
        const std::string field = name == std::string{"undo"} ? "made" : "number";
        one.form.input.push_back({.name = FieldName{field}, .type = FieldType::kString});
        one.form.output.push_back({.name = FieldName{"made"}, .type = FieldType::kString});
        one.on_doubt =
            platform.nature().knows_keys ? agent::OnDoubt::kRepeat : agent::OnDoubt::kLook;
        all.push_back(std::move(one));
    }
    return all;
}

hub::HubOptions draw_options(Random& random, std::uint32_t number, std::uint16_t partitions) {
    hub::HubOptions options;
    options.id = HubId{"hub" + std::to_string(number)};
    options.partitions = partitions;
    options.window = random.between(2, 512);
    options.fold_max = random.between(1, 16);
    options.cache_entities = random.one_in(3) ? random.between(1, 6) : 1'000;
    options.warm_up = random.one_in(2);
    return options;
}

/// One world, from its making to its judgement.
class Scenario {
public:
    explicit Scenario(const RunOptions& options)
        : options_(options),
          world_(options.seed),
          broker_(world_),
          setup_(draw_setup(world_.random())),
          processing_(world_, broker_, setup_, options.seed),
          policy_(checked_policy()),
          hub_policy_{{"simulation.toml", plant_policy(options.planted, setup_.policy_text)}},
          site_{world_, broker_, hub_policy_,
                nats::stream_configs({.partitions = setup_.partitions}), options.planted},
          faults_(world_, broker_, cast_),
          holding_(world_, broker_, setup_, options.seed),
          forgetting_(world_, broker_, setup_, options.seed) {
        world_.keep_trace = options.trace;
        world_.print_trace = options.print;
        make_cast();
    }

    RunResult run();

private:
    [[nodiscard]] Policy checked_policy() const {
        auto policy = parse_policy({{"simulation.toml", setup_.policy_text}});
        if (!policy) throw std::runtime_error("the simulation's policy: " + policy.error().what);
        return std::move(*policy);
    }
    void make_cast();
    void start();
    void watch();
    [[nodiscard]] std::uint64_t activity() const;
    void come_to_rest();
    [[nodiscard]] RunResult result() const;

    RunOptions options_;
    World world_;
    MemoryBroker broker_;
    Setup setup_;
    Processing processing_;  ///< Before the policy, to which it adds.
    Policy policy_;
    std::vector<PolicyFile> hub_policy_;
    Site site_;
    Cast cast_;
    Faults faults_;
    Holding holding_;
    Forgetting forgetting_;
    std::unique_ptr<Workload> workload_;
    std::unique_ptr<PolicyChanges> policies_;
    std::unique_ptr<Reconciling> reconciling_;
    std::unique_ptr<Checkers> checkers_;
};

void Scenario::make_cast() {
    std::vector<Platform*> platforms;
    for (const PlatformNature& nature : setup_.platforms) {
        cast_.platforms.push_back(std::make_unique<Platform>(world_, nature));
        platforms.push_back(cast_.platforms.back().get());
        if (options_.planted == Planted::kNoOverlap) platforms.back()->forget_overlap();
    }
    Random& random = world_.random();
    for (std::uint32_t i = 0; i < setup_.hubs; ++i) {
        cast_.hubs.push_back(std::make_unique<HubProcess>(
            site_, "hub" + std::to_string(i), draw_options(random, i, setup_.partitions)));
    }
    for (Platform* platform : platforms) {
        agent::AgentSettings settings = draw_settings(random, platform->nature().id);
        if (holding_.on()) settings.breaker = holding_.limits();
        if (processing_.on()) settings.operating.operations = operations_of(*platform);
        cast_.agents.push_back(
            std::make_unique<AgentProcess>(site_, *platform, std::move(settings)));
    }
    workload_ = std::make_unique<Workload>(world_, setup_, policy_, platforms, broker_);
    std::vector<std::string> texts{setup_.policy_text};
    texts.insert(texts.end(), setup_.later_policies.begin(), setup_.later_policies.end());
    policies_ =
        std::make_unique<PolicyChanges>(world_, broker_, std::move(texts), options_.planted);
    reconciling_ = std::make_unique<Reconciling>(world_, broker_, setup_);
    checkers_ = std::make_unique<Checkers>(world_, broker_, *policies_, cast_, *workload_);
}

void Scenario::start() {
    Random& random = world_.random();
    for (auto& hub : cast_.hubs) {
        world_.after(random.between(Duration{0}, seconds{5}), [it = hub.get()] { it->start(); });
    }
    for (auto& agent : cast_.agents) {
        world_.after(random.between(Duration{0}, seconds{5}), [it = agent.get()] { it->start(); });
    }
    workload_->begin();
    policies_->begin();
    reconciling_->begin();
    holding_.begin();
    forgetting_.begin();
    processing_.begin(cast_);
    faults_.begin();
    watch();
}

void Scenario::watch() {
    checkers_->watch();
    processing_.watch();
    world_.after(kWatch, [this] { watch(); });
}

/// Grows whenever anything of consequence happens.
std::uint64_t Scenario::activity() const {
    std::uint64_t sum = 0;
    for (const std::string_view stream :
         {subjects::kStreamIn, subjects::kStreamState, subjects::kStreamCommands,
          subjects::kStreamExceptions, subjects::kStreamLog}) {
        sum += broker_.last_sequence(stream);
    }
    for (const auto& platform : cast_.platforms) sum += platform->log().size();
    return sum;
}

void Scenario::come_to_rest() {
    const Duration deadline = world_.now() + kRestMost;
    std::vector<Violation> findings;
    while (world_.violations().empty()) {
        const std::uint64_t before = activity();
        world_.run_until(world_.now() + kQuiet);
        if (!world_.violations().empty()) return;
        const bool quiet = policies_->settle() && activity() == before;
        if (quiet) {
            findings = checkers_->final_findings();
            std::ranges::move(processing_.final_findings(), std::back_inserter(findings));
            if (findings.empty() && reconciling_->settle()) return;
            if (findings.empty()) findings = reconciling_->final_findings();
        }
        if (world_.now() < deadline) continue;
        if (!quiet) world_.violate("I16", "it does not come to rest");
        for (const Violation& finding : findings) {
            world_.violate(finding.invariant, finding.what, finding.about);
        }
        return;
    }
}

RunResult Scenario::run() {
    faults_.draw();
    faults_.remove(options_.without);
    faults_.add(options_.with);
    if (const PlantedBug* bug = find_planted(options_.planted)) faults_.add(bug->faults);
    start();
    world_.run_until(options_.brief ? world_.random().between(seconds{20}, seconds{100})
                                    : world_.random().between(minutes{2}, minutes{12}));
    workload_->end();
    forgetting_.end();
    processing_.end();
    faults_.heal();
    if (world_.violations().empty()) come_to_rest();
    checkers_->watch();
    return result();
}

RunResult Scenario::result() const {
    RunResult out;
    out.seed = options_.seed;
    out.violations = world_.violations();
    out.faults.assign(faults_.enabled().begin(), faults_.enabled().end());
    out.setup = std::to_string(setup_.hubs) + " hubs, " + std::to_string(setup_.partitions) +
                " partitions, " + std::to_string(setup_.platforms.size()) + " platforms";
    if (options_.trace) {
        const std::string about = out.violations.empty() ? std::string{} : out.violations[0].about;
        out.timeline = world_.timeline(about, 40);
    }
    out.hash = world_.hash();
    out.events = world_.events();
    out.edits = workload_->edits();
    for (const auto& platform : cast_.platforms) {
        for (const Mutation& mutation : platform->log()) {
            if (mutation.writer == Writer::kSyncline) ++out.effects;
        }
    }
    out.injected = faults_.injected();
    for (const auto& hub : cast_.hubs) out.deaths += hub->deaths;
    for (const auto& agent : cast_.agents) out.deaths += agent->deaths;
    out.simulated = world_.now();
    return out;
}

}  // namespace

RunResult run_world(const RunOptions& options) {
    Scenario scenario{options};
    return scenario.run();
}

}  // namespace syncline::sim
