#include <algorithm>
#include <memory>

#include "hub/core/state_codec.h"
#include "hub/ctl/cli.h"
#include "hub/ctl/decisions.h"
#include "hub/ctl/lookup.h"
#include "hub/ctl/program.h"
#include "hub/ctl/sight.h"
#include "hub/ctl/text.h"
#include "shared/wire/subjects.h"

namespace syncline::ctl {
namespace {

struct LogOptions {
    std::string object;
    std::string key;
    std::uint64_t limit = 0;
    std::string since;
    std::uint64_t before = 0;
};

void show_entry(Output& out, const hub::LogEntry& entry, const Secrets& secrets) {
    out.line({Cell{time_text(entry.at), Style::kBold},
              Cell{"  v" + std::to_string(entry.version) + "  "}, Cell{joined(entry.inputs)},
              Cell{"  policy " + policy_text(entry.policy_version, entry.policy), Style::kDim}});
    Table table{{}, {}, 48};
    for (const hub::FieldDecision& decision : entry.decisions) {
        const ObjectName& object = entry.entity.object;
        table.rows.push_back({"   ", decision.field.text,
                              secrets.text(object, decision.field, decision.before) + " -> " +
                                  secrets.text(object, decision.field, decision.value),
                              Cell{hub::name_of(decision.verdict), style_of(decision.verdict)},
                              who_of(decision), Cell{decision.rule, Style::kDim}});
    }
    out.table(table);
    for (const auto& command : entry.commands) {
        out.line("     command " + command.platform.text + " " + name_of(command.kind) +
                     " generation " + std::to_string(command.generation) + ": " +
                     joined(command.fields),
                 Style::kCyan);
    }
    for (const std::string& note : entry.notes) out.line("     " + note);
}

Result<Exit> show(Program& program, const LogOptions& options) {
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
    Sight sight{program, **session};
    auto located = sight.locate(ObjectName{options.object}, options.key);
    // Decisions may outlive the state; an entity id is enough to find them.
    if (!located && located.error().kind != ErrorKind::kNotFound) return fail(located.error());
    const EntityKey key =
        located ? located->key : EntityKey{ObjectName{options.object}, EntityId{options.key}};
    if (auto seen = sight.check(key, options.key); !seen) return fail(seen.error());
    Output& out = program.out();
    auto entries = read_decisions(**session, out, key);
    if (!entries) return fail(entries.error());
    if (entries->empty() && out.findings().empty() && !located) return fail(located.error());
    std::erase_if(*entries, [&](const hub::LogEntry& entry) { return entry.at < since; });
    const std::uint64_t found = entries->size();
    if (options.limit > 0 && found > options.limit) {
        entries->erase(entries->begin(),
                       entries->end() - static_cast<std::ptrdiff_t>(options.limit));
        out.line("(" + std::to_string(found - options.limit) + " older not shown)", Style::kDim);
    }
    Value::List list;
    for (const hub::LogEntry& entry : *entries) {
        list.push_back(value_of(entry, *secrets));
        show_entry(out, entry, *secrets);
    }
    if (entries->empty()) out.line("no decisions");
    out.set("entity", key.entity.text);
    out.set("found", number(found));
    out.set("entries", std::move(list));
    return verdict(out);
}

/// The newest decisions of everything, the newest first: a page of the stream, read backwards.
class Newest {
public:
    Newest(Program& program, Session& session, const Secrets& secrets, const LogOptions& options)
        : program_(program),
          session_(session),
          secrets_(secrets),
          options_(options),
          sight_(program, session) {}

    Result<Exit> run() {
        const auto info = session_.stream_info(subjects::kStreamLog);
        if (!info) return fail(info.error());
        const std::uint64_t limit =
            options_.limit == 0 ? 50 : std::min<std::uint64_t>(options_.limit, kNewestMost);
        std::uint64_t end = info->last_sequence + 1;  // The first that is not wanted.
        if (options_.before != 0) end = std::min(end, options_.before);
        const std::uint64_t first = std::max<std::uint64_t>(info->first_sequence, 1);
        const std::uint64_t last_looked = end > first + kLookedMost ? end - kLookedMost : first;
        while (found_.size() < limit && end > last_looked) {
            const std::uint64_t window = sight_.is_bound() ? std::max(limit, kWindow) : limit;
            const std::uint64_t begin = std::max(last_looked, end > window ? end - window : first);
            if (auto read = read_between(begin, end); !read) return fail(read.error());
            end = begin;
        }
        if (found_.size() > limit) {
            found_.resize(limit);
            end = found_.back().first;
        }
        return show(end > first, end);
    }

private:
    static constexpr std::uint64_t kNewestMost = 500;
    /// Entries that one page looks at: for who sees few of them it may be short, or empty.
    static constexpr std::uint64_t kLookedMost = 5'000;
    static constexpr std::uint64_t kWindow = 250;

    Result<void> read_between(std::uint64_t begin, std::uint64_t end) {
        std::vector<std::pair<std::uint64_t, hub::LogEntry>> page;
        const auto read =
            session_.read_each({.stream = std::string{subjects::kStreamLog},
                                .filters = {},
                                .start_sequence = begin,
                                .window = static_cast<std::size_t>(end - begin)},
                               [&](const nats::InMessage& message) {
                                   if (message.sequence >= end) return Session::More::kEnough;
                                   auto entry = hub::decode_log_entry(message.body);
                                   // What is no decision about an entity is one about an instance
                                   // of a workflow.
                                   if (entry && program_.may_see(entry->entity.object)) {
                                       page.emplace_back(message.sequence, *std::move(entry));
                                   }
                                   return message.sequence + 1 >= end ? Session::More::kEnough
                                                                      : Session::More::kWanted;
                               });
        if (!read) return read;
        for (auto at = page.rbegin(); at != page.rend(); ++at) {
            const auto seen = sight_.sees(at->second.entity);
            if (!seen) return fail(seen.error());
            if (*seen) found_.push_back(std::move(*at));
        }
        return {};
    }

    /// `end`: what is older was not looked at.
    Result<Exit> show(bool more, std::uint64_t end) {
        Output& out = program_.out();
        Value::List list;
        for (const auto& [sequence, entry] : found_) {
            Value::Map map = *value_of(entry, secrets_).get<Value::Map>();
            map.emplace("sequence", number(sequence));
            list.emplace_back(std::move(map));
            out.line(entry.entity.object.text + " " + entry.entity.entity.text);
            show_entry(out, entry, secrets_);
        }
        if (found_.empty()) out.line("no decisions");
        out.set("entries", std::move(list));
        out.set("next", more ? Value{std::to_string(end)} : Value{});
        if (more) out.line("older ones: --before " + std::to_string(end), Style::kDim);
        return verdict(out);
    }

    Program& program_;
    Session& session_;
    const Secrets& secrets_;
    const LogOptions& options_;
    Sight sight_;
    std::vector<std::pair<std::uint64_t, hub::LogEntry>> found_;
};

Result<Exit> show_log(Program& program, const LogOptions& options) {
    if (!options.object.empty()) return show(program, options);
    if (!options.since.empty()) {
        return fail(ErrorKind::kInvalid, "--since is for the log of one entity: OBJECT KEY");
    }
    const auto secrets = program.secrets();
    if (!secrets) return fail(secrets.error());
    const auto session = program.connect();
    if (!session) return fail(session.error());
    return Newest{program, **session, *secrets, options}.run();
}

}  // namespace

void add_log(CLI::App& app, Program& program) {
    auto* command = app.add_subcommand(
        "log",
        "What was decided about an entity, oldest first; or about all of them, newest first");
    const auto options = std::make_shared<LogOptions>();
    auto* object = command->add_option("OBJECT", options->object, "The object: customer");
    auto* key = command->add_option("KEY", options->key,
                                    "Entity id, platform:record-id, or the value of a match key");
    object->needs(key);
    command->add_option("--before", options->before,
                        "Without OBJECT and KEY: only what stands before this in SYNC_LOG");
    command->add_option("--limit", options->limit,
                        "Only the newest N decisions; 0: all of an entity, 50 of everything");
    command->add_option("--since", options->since,
                        "Only decisions since then: 2h, 2026-01-05, 2026-01-05T10:00:00Z");
    command->callback([&program, options] {
        program.choose("log", [options](Program& p) { return show_log(p, *options); });
    });
}

}  // namespace syncline::ctl
