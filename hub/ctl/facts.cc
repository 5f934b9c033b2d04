#include <memory>

#include "hub/core/state_codec.h"
#include "hub/ctl/cli.h"
#include "hub/ctl/facts_core.h"
#include "hub/ctl/program.h"
#include "hub/ctl/text.h"
#include "shared/wire/codec.h"
#include "shared/wire/subjects.h"

namespace syncline::ctl {
namespace {

struct FactsOptions {
    std::string from = "30d";
    std::string to;
    std::string show;
    std::size_t limit = 20;
};

using More = Session::More;

/// What cannot be read is counted; `tap` and `exceptions` show it.
Result<std::uint64_t> read_inputs(Session& session, Facts& facts, Timestamp first) {
    const auto from = session.sequence_at(subjects::kStreamIn, first);
    if (!from) return fail(from.error());
    std::uint64_t unreadable = 0;
    const auto read =
        session.read_each({.stream = std::string{subjects::kStreamIn},
                           .filters = {subjects::all_inputs()},
                           .start_sequence = *from},
                          [&](const nats::InMessage& message) {
                              const auto about = subjects::parse_input(message.subject);
                              if (!about) return More::kWanted;
                              if (about->kind == subjects::InputKind::kChange) {
                                  const auto change = wire::decode_change(message.body);
                                  if (change)
                                      facts.take(message.sequence, message.stored_at, *change);
                                  if (!change) ++unreadable;
                              } else if (about->kind == subjects::InputKind::kOutcome) {
                                  const auto outcome = wire::decode_outcome(message.body);
                                  if (outcome)
                                      facts.take(message.sequence, message.stored_at, *outcome);
                                  if (!outcome) ++unreadable;
                              }
                              return More::kWanted;
                          });
    facts.end_of_inputs();
    if (!read) return fail(read.error());
    return unreadable;
}

Result<void> read_rest(Session& session, Facts& facts, Timestamp first) {
    auto read = session.read_each({.stream = std::string{subjects::kStreamState},
                                   .filters = {subjects::all_marks()},
                                   .last_per_subject = true},
                                  [&](const nats::InMessage& message) {
                                      const auto mark = hub::decode_mark(message.body);
                                      if (mark) facts.take(*mark);
                                      return More::kWanted;
                                  });
    if (!read) return read;
    read = session.read_each({.stream = std::string{subjects::kStreamExceptions},
                              .filters = {subjects::all_exceptions()}},
                             [&](const nats::InMessage& message) {
                                 const auto exception = hub::decode_exception(message.body);
                                 if (exception) facts.take(message.sequence, *exception);
                                 return More::kWanted;
                             });
    if (!read) return read;
    const auto from = session.sequence_at(subjects::kStreamLog, first);
    if (!from) return fail(from.error());
    return session.read_each({.stream = std::string{subjects::kStreamLog},
                              .filters = {subjects::all_logs()},
                              .start_sequence = *from},
                             [&](const nats::InMessage& message) {
                                 const auto entry = hub::decode_log_entry(message.body);
                                 if (entry) facts.take(message.sequence, *entry);
                                 return More::kWanted;
                             });
}

/// Most take less than a second.
std::string short_text(Duration duration) {
    const auto ms = duration.count() / 1'000'000;
    return ms < 10'000 ? std::to_string(ms) + " ms" : duration_text(duration);
}

void tell_times(Output& out, const char* name, const char* what, const Facts::Times& times) {
    out.set(name, Value::Map{{"count", number(times.count)},
                             {"median_ms", Value{times.median.count() / 1'000'000}},
                             {"p99_ms", Value{times.p99.count() / 1'000'000}}});
    if (times.count == 0) return;
    out.line(std::string{what} + ": " + short_text(times.median) + " in the middle, " +
             short_text(times.p99) + " for 99 of 100");
}

void tell(Output& out, const Facts& facts, std::optional<Fact> shown, std::uint64_t unreadable) {
    Table table{{"FACT", "COUNT", ""}, {}, 0};
    Value::Map counts;
    for (std::size_t i = 0; i < kFacts; ++i) {
        const Fact fact = static_cast<Fact>(i);
        table.rows.push_back(
            {name_of(fact), number_cell(facts.count(fact)), Cell{meaning_of(fact), Style::kDim}});
        counts.emplace(name_of(fact), number(facts.count(fact)));
    }
    out.table(table);
    out.set("facts", std::move(counts));
    out.line();
    tell_times(out, "until_seen", "From the platform's own stamp until its agent saw it",
               facts.until_seen());
    tell_times(out, "until_decided", "From there until a hub had decided it",
               facts.until_decided());
    out.set("unreadable", number(unreadable));
    if (unreadable > 0) {
        out.add({Level::kWarning,
                 "facts.unreadable",
                 count_text(unreadable, "input", "inputs") + " cannot be read and are not counted",
                 "synclinectl exceptions list --kind input.undecodable",
                 {}});
    }
    if (!shown) return;
    out.heading(std::string{"Of "} + name_of(*shown));
    Table entries{{"STREAM", "SEQUENCE", "AT", "WHAT"}, {}, 0};
    Value::List list;
    for (const FactEntry& entry : facts.shown()) {
        entries.rows.push_back({std::string{entry.stream}, number_cell(entry.sequence),
                                time_text(entry.at), entry.what});
        list.push_back(Value::Map{{"stream", std::string{entry.stream}},
                                  {"sequence", number(entry.sequence)},
                                  {"at", entry.at},
                                  {"what", text_value(entry.what)}});
    }
    out.table(entries);
    out.set("entries", std::move(list));
    const std::uint64_t more = facts.count(*shown) - facts.shown().size();
    if (more > 0) {
        out.line(std::to_string(more) + " more; --limit shows them", Style::kDim);
    }
}

std::optional<Fact> fact_named(const std::string& name) {
    for (std::size_t i = 0; i < kFacts; ++i) {
        if (name == name_of(static_cast<Fact>(i))) return static_cast<Fact>(i);
    }
    return std::nullopt;
}

Result<Exit> run(Program& program, const FactsOptions& options) {
    const Timestamp now = program.clock().now();
    const auto first = parse_moment(options.from, now);
    if (!first) return fail(first.error(), "--from");
    const auto end = options.to.empty() ? Result<Timestamp>{now} : parse_moment(options.to, now);
    if (!end) return fail(end.error(), "--to");
    const std::optional<Fact> shown = fact_named(options.show);
    const auto session = program.connect();
    if (!session) return fail(session.error());
    Facts facts{*first, *end, shown.value_or(Fact::kChanges), shown ? options.limit : 0};
    if (auto read = read_rest(**session, facts, *first); !read) return fail(read.error());
    const auto unreadable = read_inputs(**session, facts, *first);
    if (!unreadable) return fail(unreadable.error());
    Output& out = program.out();
    out.set("from", *first);
    out.set("to", *end);
    tell(out, facts, shown, *unreadable);
    return verdict(out);
}

}  // namespace

void add_facts(CLI::App& app, Program& program) {
    auto* command = app.add_subcommand(
        "facts", "What was done, counted from the streams: every number shows its entries");
    const auto options = std::make_shared<FactsOptions>();
    command->add_option("--from", options->from, "Since then: 30d, 2h, 2026-01-05")
        ->capture_default_str();
    command->add_option("--to", options->to, "Until then; else until now");
    std::vector<std::string> names;
    for (std::size_t i = 0; i < kFacts; ++i) names.emplace_back(name_of(static_cast<Fact>(i)));
    command->add_option("--show", options->show, "Show the entries of that number")
        ->check(CLI::IsMember(names));
    command->add_option("--limit", options->limit, "How many entries to show")
        ->capture_default_str();
    command->callback([&program, options] {
        program.choose("facts", [options](Program& p) { return run(p, *options); });
    });
}

}  // namespace syncline::ctl
