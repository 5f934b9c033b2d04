#include <algorithm>
#include <map>
#include <memory>
#include <set>

#include "hub/core/state_codec.h"
#include "hub/ctl/cli.h"
#include "hub/ctl/describe.h"
#include "hub/ctl/lookup.h"
#include "hub/ctl/program.h"
#include "hub/ctl/sight.h"
#include "hub/ctl/text.h"
#include "shared/wire/codec.h"
#include "shared/wire/subjects.h"

namespace syncline::ctl {
namespace {

struct TimelineOptions {
    std::string object;
    std::string key;
    std::string trace;
    std::string since;
    std::vector<std::string> kinds;
    std::uint64_t limit = 0;
};

/// One thing that happened.
struct Event {
    Timestamp at;      ///< When the broker stored it.
    std::string kind;  ///< "change", "outcome", "operation", "decision", "command", "exception".
    std::string line;
    Value value;
    std::string subject;
    std::uint64_t sequence = 0;
};

/// How things of one moment follow from each other.
int order_of(const Event& event) {
    static constexpr std::string_view kOrder[] = {"change",   "outcome",   "operation",
                                                  "decision", "exception", "command"};
    return static_cast<int>(std::ranges::find(kOrder, event.kind) - std::begin(kOrder));
}

/// Gathers what the streams hold of one entity.
class Gatherer {
public:
    Gatherer(Session& session, const Secrets& secrets, Timestamp since)
        : session_(session), secrets_(secrets), since_(since) {}

    Result<void> about(const EntityKey& key) {
        auto stored = load_entity(session_, key);
        if (!stored) return fail(stored.error());
        if (*stored) inputs_of((*stored)->state);
        input_filters_.insert(with_wildcards(subjects::outcome(PlatformId{"p"}, key, Partition{}),
                                             {kPlatformToken, kPartToken}));
        if (auto read = inputs(key); !read) return read;
        if (auto read = read_all<hub::LogEntry>(subjects::kStreamLog, subjects::log(key),
                                                "decision", hub::decode_log_entry);
            !read) {
            return read;
        }
        if (auto read = read_all<hub::ExceptionRecord>(
                subjects::kStreamExceptions,
                with_wildcards(subjects::exception(key, "k"), {kExceptionKindToken}), "exception",
                hub::decode_exception);
            !read) {
            return read;
        }
        return read_all<Command>(
            subjects::kStreamCommands,
            with_wildcards(subjects::command(PlatformId{"p"}, key), {kPlatformToken}), "command",
            wire::decode_command);
    }

    /// Only what bears the trace.
    void keep(const std::string& trace) {
        std::erase_if(events, [&](const Event& event) {
            const auto* map = event.value.get<Value::Map>();
            const auto at = map == nullptr ? Value::Map::const_iterator{} : map->find("trace");
            const bool has = map != nullptr && at != map->end();
            const auto* text = has ? at->second.get<std::string>() : nullptr;
            return text == nullptr || text->find(trace) == std::string::npos;
        });
    }

    std::vector<Event> events;
    std::vector<std::string> damaged;

private:
    static constexpr std::size_t kPlatformToken = 2;
    static constexpr std::size_t kPartToken = 3;
    static constexpr std::size_t kExceptionKindToken = 4;

    void inputs_of(const hub::EntityState& state) {
        for (const hub::RecordState& record : state.records) {
            std::set<RecordId> ids;
            if (record.record) ids.insert(*record.record);
            for (const hub::OtherRecord& other : record.others) ids.insert(other.record);
            for (const RecordId& id : ids) {
                input_filters_.insert(with_wildcards(
                    subjects::change({record.platform, state.key.object, id}, Partition{}),
                    {kPartToken}));
            }
        }
    }

    /// By two readers, as servers of 2.10 refuse filters that overlap.
    Result<void> inputs(const EntityKey& key) {
        auto told = read_inputs({input_filters_.begin(), input_filters_.end()}, key);
        return told ? read_inputs({subjects::all_operations()}, key) : told;
    }

    Result<void> read_inputs(std::vector<std::string> filters, const EntityKey& key) {
        nats::ConsumeSpec spec{.stream = std::string{subjects::kStreamIn}};
        spec.filters = std::move(filters);
        return session_.read_each(std::move(spec), [&](const nats::InMessage& message) {
            if (message.stored_at < since_) return Session::More::kWanted;
            const DecodedInput input = decode_input(message.subject, message.body);
            const auto* action = std::get_if<hub::Operation>(&input.body);
            if (action != nullptr && action->entity != key) return Session::More::kWanted;
            const bool change = std::holds_alternative<Change>(input.body);
            if (std::holds_alternative<std::monostate>(input.body)) {
                damaged.push_back(std::string{message.subject} + ": " + input.error);
            } else {
                add(message,
                    change              ? "change"
                    : action != nullptr ? "operation"
                                        : "outcome",
                    line_of(input.body, secrets_), value_of(input.body, secrets_));
            }
            return Session::More::kWanted;
        });
    }

    template <class T>
    Result<void> read_all(std::string_view stream, std::string filter, const char* kind,
                          Result<T> (*decode)(std::string_view)) {
        return session_.read_each(
            {.stream = std::string{stream}, .filters = {std::move(filter)}},
            [&](const nats::InMessage& message) {
                if (message.deleted || message.stored_at < since_) return Session::More::kWanted;
                const auto decoded = decode(message.body);
                if (decoded) {
                    add(message, kind, line_of(*decoded, secrets_), value_of(*decoded, secrets_));
                } else {
                    damaged.push_back(std::string{message.subject} + ": " + decoded.error().what);
                }
                return Session::More::kWanted;
            });
    }

    void add(const nats::InMessage& message, const char* kind, std::string line, Value value) {
        events.push_back({message.stored_at, kind, std::move(line), std::move(value),
                          std::string{message.subject}, message.sequence});
    }

    Session& session_;
    const Secrets& secrets_;
    Timestamp since_;
    std::set<std::string> input_filters_;
};

/// The entities whose decisions bear the trace.
Result<std::set<EntityKey>> entities_of(Session& session, const std::string& trace) {
    std::set<EntityKey> found;
    const auto read = session.read_each(
        {.stream = std::string{subjects::kStreamLog}, .filters = {subjects::all_logs()}},
        [&](const nats::InMessage& message) {
            const auto entry = hub::decode_log_entry(message.body);
            if (entry && entry->trace.find(trace) != std::string::npos) {
                found.insert(entry->entity);
            }
            return Session::More::kWanted;
        });
    if (!read) return fail(read.error());
    if (found.empty()) {
        return fail(ErrorKind::kNotFound, "no decision bears the trace " + trace);
    }
    return found;
}

Result<std::set<EntityKey>> chosen(Program& program, Session& session,
                                   const TimelineOptions& options) {
    if (!options.trace.empty()) return entities_of(session, options.trace);
    Sight sight{program, session};
    auto located = sight.locate(ObjectName{options.object}, options.key);
    if (located) return std::set<EntityKey>{located->key};
    if (located.error().kind != ErrorKind::kNotFound) return fail(located.error());
    // What happened may outlive the state; an entity id is enough to find it.
    const EntityKey key{ObjectName{options.object}, EntityId{options.key}};
    if (auto seen = sight.check(key, options.key); !seen) return fail(seen.error());
    return std::set<EntityKey>{key};
}

Style event_style(const Event& event) {
    if (event.kind == "exception") return Style::kYellow;
    return event.kind == "command" || event.kind == "decision" ? Style::kCyan : Style::kPlain;
}

void show(Output& out, std::vector<Event>& events, const TimelineOptions& options) {
    std::ranges::stable_sort(events, [](const Event& a, const Event& b) {
        return std::tuple{a.at, order_of(a), a.sequence} <
               std::tuple{b.at, order_of(b), b.sequence};
    });
    const std::size_t found = events.size();
    if (options.limit > 0 && found > options.limit) {
        events.erase(events.begin(), events.end() - static_cast<std::ptrdiff_t>(options.limit));
        out.line("(" + std::to_string(found - options.limit) + " older not shown)", Style::kDim);
    }
    Value::List list;
    for (const Event& event : events) {
        out.line({Cell{time_text(event.at), Style::kDim}, Cell{"  "},
                  Cell{event.kind + std::string(11 - event.kind.size(), ' '), event_style(event)},
                  Cell{event.line}});
        list.push_back(Value::Map{{"at", event.at},
                                  {"kind", event.kind},
                                  {"line", event.line},
                                  {"subject", event.subject},
                                  {"sequence", number(event.sequence)},
                                  {"message", event.value}});
    }
    out.set("found", number(found));
    out.set("events", std::move(list));
}

Result<Exit> timeline(Program& program, const TimelineOptions& options) {
    if (options.trace.empty() == (options.object.empty() || options.key.empty())) {
        return fail(ErrorKind::kInvalid, "either OBJECT and KEY or --trace; see timeline --help");
    }
    Timestamp since{INT64_MIN};
    if (!options.since.empty()) {
        const auto parsed = parse_moment(options.since, program.clock().now());
        if (!parsed) return fail(parsed.error(), "--since");
        since = *parsed;
    }
    const auto secrets = program.secrets();
    if (!secrets) return fail(secrets.error());
    const auto session = program.connect();
    if (!session) return fail(session.error());
    const auto entities = chosen(program, **session, options);
    if (!entities) return fail(entities.error());
    Output& out = program.out();
    Gatherer gatherer{**session, *secrets, since};
    for (const EntityKey& entity : *entities) {
        if (auto gathered = gatherer.about(entity); !gathered) return fail(gathered.error());
    }
    if (!options.trace.empty()) gatherer.keep(options.trace);
    for (const std::string& what : gatherer.damaged) {
        out.add({Level::kError,
                 "timeline.damaged",
                 "a message cannot be read: " + what,
                 "Is this synclinectl older than what wrote it?",
                 {}});
    }
    std::vector<Event>& events = gatherer.events;
    std::erase_if(events, [&](const Event& event) {
        return !options.kinds.empty() &&
               std::ranges::find(options.kinds, event.kind) == options.kinds.end();
    });
    if (events.empty() && out.findings().empty()) {
        return fail(ErrorKind::kNotFound,
                    "nothing is known of " + options.object + " " + options.key +
                        (options.since.empty() ? "" : " since then") +
                        ": it is no entity id, no linked record and no match key");
    }
    show(out, events, options);
    return verdict(out);
}

}  // namespace

void add_timeline(CLI::App& app, Program& program) {
    auto* command = app.add_subcommand(
        "timeline", "What happened to an entity, from all streams, in order of time");
    const auto options = std::make_shared<TimelineOptions>();
    command->add_option("OBJECT", options->object, "The object: customer");
    command->add_option("KEY", options->key,
                        "An entity id, a record (crm:003x), or the value of a match key");
    command->add_option("--trace", options->trace,
                        "Everything that bears this trace id, of whatever entity");
    command->add_option("--since", options->since,
                        "Only what happened since then: 2h, 2026-01-05, 2026-01-05T10:00:00Z");
    command->add_option("--limit", options->limit, "Only the newest N; 0: all");
    command
        ->add_option("--kind", options->kinds,
                     "Only these: change, outcome, operation, decision, exception, command")
        ->check(
            CLI::IsMember({"change", "outcome", "operation", "decision", "exception", "command"}))
        ->delimiter(',');
    command->callback([&program, options] {
        program.choose("timeline", [options](Program& p) { return timeline(p, *options); });
    });
}

}  // namespace syncline::ctl
