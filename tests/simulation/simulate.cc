#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "shared/base/json.h"
#include "tests/simulation/faults.h"
#include "tests/simulation/scenario.h"

/// Runs simulated worlds and says which of them broke a promise.
namespace syncline::sim {
namespace {

constexpr const char* kHelp =
    R"(simulate: runs whole simulated worlds and checks that Syncline kept its promises

    simulate [--from N] [--worlds N] [--jobs N]     many seeds, from N on
    simulate --seed N [--verbose]                   one seed; verbose prints everything that happens
    simulate --without 'WORD ...' ...               no faults whose names begin so: 'broker site'
    simulate --brief ...                            many more of a fifth of the length
    simulate --planted NAME [--worlds N]            with a bug planted: succeeds if it is caught in
                                                    a world that is well without it
    simulate --list-planted                         the bugs that can be planted
    simulate --list-faults                          the kinds of trouble
    simulate --twice                                each seed two times: the same hash (I18)
    simulate --bench                                one line of JSON: worlds per minute

    --json      results as one JSON object
Exit code: 0 all well, 1 a promise was broken (or a planted bug was not caught), 2 wrong use.
)";

struct Options {
    std::uint64_t from = 1;
    std::uint64_t worlds = 100;
    std::uint64_t jobs = 1;
    bool single = false;
    bool brief = false;
    bool verbose = false;
    bool json = false;
    bool bench = false;
    bool twice = false;
    const PlantedBug* planted = nullptr;
    std::string without;
    std::FILE* terminal = nullptr;  ///< For progress; none if nobody looks.
};

/// Sums over all worlds of a run.
struct Totals {
    std::uint64_t worlds = 0;
    std::uint64_t events = 0;
    std::uint64_t edits = 0;
    std::uint64_t effects = 0;
    std::uint64_t injected = 0;
    std::uint64_t deaths = 0;
    std::uint64_t simulated_seconds = 0;
    std::vector<std::uint64_t> failed;
    std::set<std::string> kinds;
};

std::string command_line(const Options& options, std::uint64_t seed) {
    std::string text = "simulate --seed " + std::to_string(seed);
    if (options.planted != nullptr) text += " --planted " + std::string{options.planted->name};
    if (options.brief) text += " --brief";
    if (!options.without.empty()) text += " --without '" + options.without + "'";
    return text;
}

void print_failure(const Options& options, const RunResult& result) {
    std::printf("\nseed %llu broke a promise (%s; %llu edits, %llu effects)\n",
                static_cast<unsigned long long>(result.seed), result.setup.c_str(),
                static_cast<unsigned long long>(result.edits),
                static_cast<unsigned long long>(result.effects));
    std::string faults;
    for (const std::string& fault : result.faults) faults += " " + fault;
    std::printf("  faults:%s\n", faults.empty() ? " none" : faults.c_str());
    std::size_t shown = 0;
    for (const Violation& violation : result.violations) {
        if (++shown > 8) break;
        std::printf("  %s: %s%s%s\n", violation.invariant.c_str(), violation.what.c_str(),
                    violation.about.empty() ? "" : "  ", violation.about.c_str());
    }
    if (result.violations.size() > shown) {
        std::printf("  and %zu more\n", result.violations.size() - shown);
    }
    if (!result.timeline.empty()) std::printf("  its last steps:\n");
    for (const std::string& line : result.timeline) std::printf("    %s\n", line.c_str());
    std::printf("  again: %s --verbose\n", command_line(options, result.seed).c_str());
}

RunOptions run_options(const Options& options, std::uint64_t seed) {
    RunOptions run;
    run.seed = seed;
    run.print = options.verbose;
    run.without = options.without;
    run.brief = options.brief;
    if (options.planted != nullptr) run.planted = options.planted->bug;
    return run;
}

/// One seed; with `twice` the same again, which must be the same.
RunResult run_seed(const Options& options, std::uint64_t seed) {
    RunOptions run = run_options(options, seed);
    RunResult result = run_world(run);
    if (options.planted != nullptr && !result.violations.empty()) {
        // It counts as caught only where the same world is well without the bug.
        run.planted = Planted::kNone;
        run.with = options.planted->faults;
        if (!run_world(run).violations.empty()) result.violations.clear();
    }
    if (options.twice) {
        run.trace = true;  // It must make no difference whether anybody looks.
        const RunResult again = run_world(run);
        if (again.hash != result.hash || again.events != result.events) {
            result.violations.push_back({"I18", "two runs of one seed differ", {}});
        }
    }
    return result;
}

// ---- Workers: processes, because a broken promise may be a crash. --------------------------

struct Worker {
    pid_t pid = 0;
    int pipe = -1;
    std::string buffer;
    std::uint64_t at = 0;  ///< The seed it is at.
};

/// `seed failed events edits effects injected deaths seconds kinds...` by line.
void report(int pipe, const RunResult& result) {
    std::string line = std::to_string(result.seed);
    for (const std::uint64_t number :
         {std::uint64_t{!result.violations.empty()}, result.events, result.edits, result.effects,
          result.injected, result.deaths,
          static_cast<std::uint64_t>(result.simulated / std::chrono::seconds{1})}) {
        line += " " + std::to_string(number);
    }
    for (const std::string& fault : result.faults) line += " " + fault;
    line += "\n";
    if (write(pipe, line.data(), line.size()) < 0) std::exit(2);
}

Worker start_worker(const Options& options, std::uint64_t first) {
    int ends[2];
    if (pipe(ends) != 0) std::exit(2);
    std::fflush(stdout);
    const pid_t pid = fork();
    if (pid < 0) std::exit(2);
    if (pid > 0) {
        close(ends[1]);
        return {pid, ends[0], {}, first};
    }
    close(ends[0]);
    for (std::uint64_t seed = first; seed < options.from + options.worlds; seed += options.jobs) {
        const RunResult result = run_seed(options, seed);
        std::fflush(stdout);  // _Exit() does not, and a file's buffer is large.
        report(ends[1], result);
    }
    std::_Exit(0);
}

void take_line(Totals& totals, const std::string& line) {
    std::vector<std::string> words(1);
    for (const char c : line) {
        if (c == ' ') {
            words.emplace_back();
        } else {
            words.back() += c;
        }
    }
    const auto number = [&](std::size_t i) { return std::strtoull(words[i].c_str(), nullptr, 10); };
    ++totals.worlds;
    if (number(1) != 0) totals.failed.push_back(number(0));
    totals.events += number(2);
    totals.edits += number(3);
    totals.effects += number(4);
    totals.injected += number(5);
    totals.deaths += number(6);
    totals.simulated_seconds += number(7);
    for (std::size_t i = 8; i < words.size(); ++i) totals.kinds.insert(words[i]);
}

/// Takes what the worker said. False: it has ended.
bool listen(Worker& worker, const Options& options, Totals& totals) {
    char chunk[4096];
    const ssize_t count = read(worker.pipe, chunk, sizeof chunk);
    if (count > 0) worker.buffer.append(chunk, static_cast<std::size_t>(count));
    for (auto end = worker.buffer.find('\n'); end != std::string::npos;
         end = worker.buffer.find('\n')) {
        take_line(totals, worker.buffer.substr(0, end));
        worker.buffer.erase(0, end + 1);
        worker.at += options.jobs;
    }
    if (count > 0) return true;
    close(worker.pipe);
    int status = 0;
    waitpid(worker.pid, &status, 0);
    if (status != 0) {
        std::printf("\nseed %llu ended the program (status %d): I14\n  again: %s --verbose\n",
                    static_cast<unsigned long long>(worker.at), status,
                    command_line(options, worker.at).c_str());
        totals.failed.push_back(worker.at);
        ++totals.worlds;
    }
    return false;
}

void show_progress(const Options& options, const Totals& totals) {
    if (options.terminal == nullptr) return;
    std::fprintf(options.terminal, "\r%llu of %llu worlds, %zu failed",
                 static_cast<unsigned long long>(totals.worlds),
                 static_cast<unsigned long long>(options.worlds), totals.failed.size());
    std::fflush(options.terminal);
}

Totals run_all(const Options& options) {
    Totals totals;
    std::vector<Worker> workers;
    for (std::uint64_t job = 0; job < std::min(options.jobs, options.worlds); ++job) {
        workers.push_back(start_worker(options, options.from + job));
    }
    while (!workers.empty()) {
        std::vector<pollfd> wait;
        for (const Worker& worker : workers) wait.push_back({worker.pipe, POLLIN, 0});
        poll(wait.data(), wait.size(), -1);
        for (std::size_t i = wait.size(); i-- > 0;) {
            if (wait[i].revents == 0 || listen(workers[i], options, totals)) continue;
            const std::uint64_t next = workers[i].at + options.jobs;
            const bool died = !totals.failed.empty() && totals.failed.back() == workers[i].at;
            const bool more = died && next < options.from + options.worlds;
            workers.erase(workers.begin() + static_cast<std::ptrdiff_t>(i));
            if (more) workers.push_back(start_worker(options, next));
        }
        show_progress(options, totals);
        const bool caught = options.planted != nullptr && !totals.failed.empty();
        if (!caught) continue;
        for (const Worker& worker : workers) {
            kill(worker.pid, SIGKILL);
            waitpid(worker.pid, nullptr, 0);
        }
        break;
    }
    if (options.terminal != nullptr) std::fprintf(options.terminal, "\n");
    std::sort(totals.failed.begin(), totals.failed.end());
    return totals;
}

// ---- Results. -------------------------------------------------------------------------------

std::string to_line(const Options& options, const Totals& totals) {
    const auto number = [](std::uint64_t value) { return Value{static_cast<std::int64_t>(value)}; };
    Value::List failed;
    for (const std::uint64_t seed : totals.failed) failed.push_back(number(seed));
    return to_json(Value{
        Value::Map{{"from", number(options.from)},
                   {"worlds", number(totals.worlds)},
                   {"failed", std::move(failed)},
                   {"planted", options.planted == nullptr ? Value{} : Value{options.planted->name}},
                   {"simulated_hours", number(totals.simulated_seconds / 3'600)},
                   {"events", number(totals.events)},
                   {"edits", number(totals.edits)},
                   {"effects", number(totals.effects)},
                   {"faults_injected", number(totals.injected)},
                   {"fault_kinds", number(totals.kinds.size())},
                   {"process_deaths", number(totals.deaths)}}});
}

int finish(const Options& options, const Totals& totals) {
    if (options.json) {
        std::printf("%s\n", to_line(options, totals).c_str());
    } else {
        std::printf(
            "%llu worlds, %.1f simulated hours, %llu edits, %llu effects, %llu faults of "
            "%zu kinds, %llu process deaths: %zu failed\n",
            static_cast<unsigned long long>(totals.worlds),
            static_cast<double>(totals.simulated_seconds) / 3'600.0,
            static_cast<unsigned long long>(totals.edits),
            static_cast<unsigned long long>(totals.effects),
            static_cast<unsigned long long>(totals.injected), totals.kinds.size(),
            static_cast<unsigned long long>(totals.deaths), totals.failed.size());
    }
    if (options.planted != nullptr) {
        std::printf(totals.failed.empty() ? "%s was NOT caught\n" : "%s was caught\n",
                    std::string{options.planted->name}.c_str());
        return totals.failed.empty() ? 1 : 0;
    }
    return totals.failed.empty() ? 0 : 1;
}

int run_single(const Options& options) {
    RunOptions run = run_options(options, options.from);
    run.trace = true;
    const RunResult result = run_world(run);
    if (!result.violations.empty()) print_failure(options, result);
    std::printf(
        "seed %llu: %s, %.0f simulated seconds, %llu events, %llu edits, %llu effects, hash "
        "%016llx: %s\n",
        static_cast<unsigned long long>(result.seed), result.setup.c_str(),
        static_cast<double>(result.simulated.count()) / 1e9,
        static_cast<unsigned long long>(result.events),
        static_cast<unsigned long long>(result.edits),
        static_cast<unsigned long long>(result.effects),
        static_cast<unsigned long long>(result.hash),
        result.violations.empty() ? "well" : "FAILED");
    return result.violations.empty() ? 0 : 1;
}

int run_bench(Options options) {
    options.jobs = 1;
    const auto begin = std::chrono::steady_clock::now();
    const Totals totals = run_all(options);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    std::printf(
        "{\"bench\":\"simulation\",\"worlds_per_minute\":%.0f,\"simulated_hours\":%.1f,"
        "\"worlds\":%llu,\"failed\":%zu}\n",
        static_cast<double>(totals.worlds) * 60.0 / took.count(),
        static_cast<double>(totals.simulated_seconds) / 3'600.0,
        static_cast<unsigned long long>(totals.worlds), totals.failed.size());
    return totals.failed.empty() ? 0 : 1;
}

int run_many(const Options& options) {
    const Totals totals = run_all(options);
    std::size_t shown = 0;
    for (const std::uint64_t seed : totals.failed) {
        if (options.json || options.planted != nullptr || shown == 3) break;
        ++shown;
        RunOptions run = run_options(options, seed);
        run.trace = true;
        // In a process of its own: it may be one that does not come back.
        std::fflush(stdout);
        const pid_t pid = fork();
        if (pid == 0) {
            print_failure(options, run_world(run));
            std::fflush(stdout);
            std::_Exit(0);
        }
        waitpid(pid, nullptr, 0);
    }
    if (!options.json && totals.failed.size() > shown && options.planted == nullptr) {
        std::printf("failed seeds:");
        for (const std::uint64_t seed : totals.failed) {
            std::printf(" %llu", static_cast<unsigned long long>(seed));
        }
        std::printf("\n");
    }
    return finish(options, totals);
}

// ---- The command line. ----------------------------------------------------------------------

int list_planted() {
    for (const PlantedBug& bug : planted_bugs()) {
        std::printf("%-22s %4u seeds  %s\n", std::string{bug.name}.c_str(), bug.seeds,
                    std::string{bug.what}.c_str());
    }
    return 0;
}

int list_faults() {
    for (const FaultKind& kind : fault_kinds()) std::printf("%-24s %s\n", kind.name, kind.what);
    return 0;
}

[[noreturn]] void misused(const std::string& what) {
    std::fprintf(stderr, "simulate: %s\n\n%s", what.c_str(), kHelp);
    std::exit(2);
}

int run(int argc, char** argv) {
    Options options;
    bool worlds_given = false;
    const auto number_after = [&](int& i) {
        if (i + 1 >= argc) misused(std::string{argv[i]} + " wants a number");
        char* end = nullptr;
        const std::uint64_t value = std::strtoull(argv[++i], &end, 10);
        if (end == argv[i] || *end != '\0') misused(std::string{argv[i]} + " is not a number");
        return value;
    };
    for (int i = 1; i < argc; ++i) {
        const std::string_view word = argv[i];
        if (word == "--help") return std::printf("%s", kHelp) < 0;
        if (word == "--list-planted") return list_planted();
        if (word == "--list-faults") return list_faults();
        if (word == "--seed") {
            options.from = number_after(i);
            options.single = true;
        } else if (word == "--from") {
            options.from = number_after(i);
        } else if (word == "--worlds") {
            options.worlds = number_after(i);
            worlds_given = true;
        } else if (word == "--jobs") {
            options.jobs = std::max<std::uint64_t>(number_after(i), 1);
        } else if (word == "--planted") {
            if (i + 1 < argc) options.planted = find_planted(argv[++i]);
            if (options.planted == nullptr) misused("no such bug; see --list-planted");
        } else if (word == "--without") {
            if (i + 1 >= argc) misused("--without wants beginnings of faults; see --list-faults");
            options.without = argv[++i];
        } else if (word == "--json") {
            options.json = true;
        } else if (word == "--verbose") {
            options.verbose = true;
        } else if (word == "--brief") {
            options.brief = true;
        } else if (word == "--twice") {
            options.twice = true;
        } else if (word == "--bench") {
            options.bench = true;
        } else {
            misused("what is " + std::string{word} + "?");
        }
    }
    if (options.planted != nullptr && !worlds_given) options.worlds = options.planted->seeds;
    if (isatty(STDERR_FILENO) == 1 && !options.json) {
        options.terminal = fdopen(dup(STDERR_FILENO), "w");
    }
    // What the programs say about the faults they meet is not what this is about.
    if (!options.verbose && std::freopen("/dev/null", "w", stderr) == nullptr) return 2;
    if (options.single) return run_single(options);
    return options.bench ? run_bench(options) : run_many(options);
}

}  // namespace
}  // namespace syncline::sim

int main(int argc, char** argv) {
    try {
        return syncline::sim::run(argc, argv);
    } catch (const std::exception& error) {
        std::printf("simulate: %s\n", error.what());
        return 2;
    }
}
