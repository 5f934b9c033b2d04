#include "tests/simulation/sim_executor.h"

#include <algorithm>
#include <utility>

namespace syncline::sim {
namespace {

using std::chrono::milliseconds;

/// How long the agent waits for an answer before it gives up.
constexpr Duration kCallTimeout = std::chrono::seconds{10};

}  // namespace

Duration SimExecutor::latency() {
    if (world_.random().chance(platform_.trouble.slow)) {
        return world_.random().between(milliseconds{200}, milliseconds{5'000});
    }
    return world_.random().between(milliseconds{2}, milliseconds{60});
}

Duration SimExecutor::stale_time() {
    const Duration lag = platform_.nature().lag;
    if (lag == Duration{0} || world_.random().one_in(2)) return world_.now();
    return world_.now() - world_.random().between(Duration{0}, lag);
}

std::optional<Error> SimExecutor::refusal() {
    const PlatformTrouble& trouble = platform_.trouble;
    Random& random = world_.random();
    if (trouble.outage) return Error{ErrorKind::kUnavailable, "connection refused"};
    if (trouble.denied) return Error{ErrorKind::kDenied, "401: token revoked"};
    if (random.chance(trouble.throttled)) return Error{ErrorKind::kThrottled, "429"};
    if (random.chance(trouble.unavailable)) return Error{ErrorKind::kUnavailable, "503"};
    return std::nullopt;
}

template <class T>
void SimExecutor::answer(Done<T> done, Result<T> result, Duration delay) {
    Duration pause{0};
    if (!result && result.error().kind == ErrorKind::kThrottled && world_.random().one_in(2)) {
        pause = world_.random().between(milliseconds{500}, milliseconds{8'000});
    }
    // Short beside what it takes here, so that some calls wait for others.
    const Duration took = result ? delay / 4 : Duration{0};
    world_.after(delay, ticket_,
                 [this, done = std::move(done), result = std::move(result), pause, took] {
                     done(Answer<T>{result, pause, {}, took});
                     if (on_event) on_event();
                 });
}

template <class T>
void SimExecutor::ask(Done<T> done, std::function<Result<T>(Platform&)> question) {
    const Duration there = latency();
    world_.after(there, ticket_, [this, done = std::move(done), question = std::move(question)] {
        const Duration back = latency();
        if (auto error = refusal()) return answer<T>(done, fail(*error), back);
        answer<T>(done, question(platform_), back);
    });
}

void SimExecutor::read(const agent::Cursor& from, std::size_t max, Done<agent::Batch> done) {
    ask<agent::Batch>(std::move(done), [this, from, max](Platform& platform) {
        return Result<agent::Batch>{platform.list(from, max, stale_time())};
    });
}

void SimExecutor::survey(const agent::Cursor& from, std::size_t max, Done<agent::Batch> done) {
    read(from, max, std::move(done));
}

void SimExecutor::fetch(const ObjectName&, const RecordId& id,
                        Done<std::optional<agent::Record>> done) {
    using Answered = std::optional<agent::Record>;
    ask<Answered>(std::move(done), [this, id](Platform& platform) {
        return Result<Answered>{platform.read(id, stale_time())};
    });
}

void SimExecutor::find(const ObjectName&, const EntityId& entity,
                       Done<std::optional<agent::Record>> done) {
    using Answered = std::optional<agent::Record>;
    ask<Answered>(std::move(done), [this, entity](Platform& platform) -> Result<Answered> {
        if (!platform.nature().marker) return fail(ErrorKind::kUnsupported, "no marker field");
        return platform.find(entity, stale_time());
    });
}

// What happens to a write happens at the platform, whether the agent lives to hear of it or not.
template <class T>
void SimExecutor::change(Done<T> done, std::function<Result<T>(Platform&)> what) {
    const Duration back = latency();
    world_.after(latency(), [this, alive = ticket_, world = &world_, platform = &platform_,
                             what = std::move(what), done = std::move(done), back] {
        const auto reply = [&](Result<T> result, Duration delay) {
            if (world->lives(alive)) answer<T>(done, std::move(result), delay);
        };
        // While the agent is dead `this` is gone: only the platform is touched then.
        const PlatformTrouble& trouble = platform->trouble;
        Random& random = world->random();
        if (trouble.outage) return reply(fail(ErrorKind::kUnavailable, "connection refused"), back);
        if (trouble.denied) return reply(fail(ErrorKind::kDenied, "401: token revoked"), back);
        if (random.chance(trouble.throttled))
            return reply(fail(ErrorKind::kThrottled, "429"), back);
        if (random.chance(trouble.unavailable)) {
            return reply(fail(ErrorKind::kUnavailable, "503"), back);
        }
        const Result<T> lost = fail(ErrorKind::kAmbiguous, "no answer in time");
        if (random.chance(trouble.ambiguous_lost)) return reply(lost, kCallTimeout);
        if (random.chance(trouble.late) && platform->nature().lag > Duration{0}) {
            const Duration later = random.between(milliseconds{1}, platform->nature().lag);
            world->after(later, [platform, what] { std::ignore = what(*platform); });
            return reply(lost, milliseconds{1});
        }
        Result<T> result = what(*platform);
        if (random.chance(trouble.ambiguous_applied)) return reply(lost, kCallTimeout);
        reply(std::move(result), back);
    });
}

void SimExecutor::write(const Command& told, Done<agent::Written> done) {
    Command command = told;
    command.fields = mapped(told.fields);
    command.expected = mapped(told.expected);
    change<agent::Written>(std::move(done),
                           [command](Platform& platform) { return platform.apply(command); });
}

/// Now and then the reply does not tell of one of them, or all are refused together.
void SimExecutor::write_all(const std::vector<Command>& told,
                            Done<agent::Each<agent::Written>> done) {
    std::vector<Command> commands = told;
    for (Command& command : commands) {
        command.fields = mapped(command.fields);
        command.expected = mapped(command.expected);
    }
    using All = agent::Each<agent::Written>;
    const bool refused = world_.random().one_in(30);
    const std::size_t silent = world_.random().one_in(10)
                                   ? world_.random().between(0, commands.size() - 1)
                                   : commands.size();
    change<All>(std::move(done), [commands, refused, silent](Platform& platform) -> Result<All> {
        if (refused) return fail(ErrorKind::kUnsupported, "not together");
        All all;
        for (const Command& command : commands) all.results.push_back(platform.apply(command));
        if (silent < commands.size()) {
            all.results[silent] = fail(ErrorKind::kAmbiguous, "the reply does not tell of it");
        }
        return all;
    });
}

void SimExecutor::fetch_all(const ObjectName&, const std::vector<RecordId>& ids,
                            Done<agent::Each<std::optional<agent::Record>>> done) {
    using All = agent::Each<std::optional<agent::Record>>;
    ask<All>(std::move(done), [this, ids](Platform& platform) -> Result<All> {
        All all;
        for (const RecordId& id : ids) {
            if (world_.random().one_in(20)) {
                all.results.emplace_back(fail(ErrorKind::kUnsupported, "not told"));
            } else {
                all.results.emplace_back(platform.read(id, stale_time()));
            }
        }
        return all;
    });
}

void SimExecutor::operate(const agent::OperationRequest& request, Done<Value> done) {
    change<Value>(std::move(done),
                  [request](Platform& platform) { return platform.operate(request); });
}

void SimExecutor::find_operation(const agent::OperationRequest& request,
                                 Done<std::optional<Value>> done) {
    using Answered = std::optional<Value>;
    ask<Answered>(std::move(done), [key = request.key](Platform& platform) {
        return Result<Answered>{platform.find_operation(key)};
    });
}

agent::Connector::Traits SimExecutor::traits() const {
    const PlatformNature& nature = platform_.nature();
    return {.create_is_idempotent = nature.upsert,
            .has_marker = nature.marker,
            .waits_for_changes = false,
            .reads_ahead = nature.upsert,  // In some worlds.
            .read_back_lag = nature.lag,
            .batch_max = nature.batch_max};
}

Fields SimExecutor::normal_form(const ObjectName&, const Fields& fields) const {
    return platform_.normal_form(mapped(fields));
}

}  // namespace syncline::sim
