#include <deque>
#include <memory>

#include "hub/ctl/cli.h"
#include "hub/ctl/describe.h"
#include "hub/ctl/program.h"
#include "hub/ctl/text.h"
#include "shared/base/json.h"
#include "shared/policy/event_catalogue.h"
#include "shared/wire/subjects.h"

namespace syncline::ctl {
namespace {

struct ShowEventsOptions {
    std::string event;
    std::string from = "30d";
    std::size_t limit = 50;
};

Result<Exit> list(Program& program) {
    const auto policy = program.policy();
    if (!policy) return fail(policy.error());
    Table table{{"EVENT", "TYPE", "TOLD BY", "WHEN", "CARRIES", "OWNER", "DESCRIPTION"}, {}};
    Value::List listed;
    for (const CatalogueEvent& event : event_catalogue(**policy)) {
        const auto dot = event.name.find('.');
        const std::string type = event.name + ".v" + std::to_string(event.version);
        table.rows.push_back({event.name, type, event.told_by, event.when, joined(event.fields),
                              event.owner, event.description});
        Value::List fields;
        for (const std::string& field : event.fields) fields.emplace_back(field);
        listed.emplace_back(
            Value::Map{{"event", event.name},
                       {"type", type},
                       {"told_by", event.told_by},
                       {"when", event.when},
                       {"fields", std::move(fields)},
                       {"owner", event.owner},
                       {"description", event.description},
                       {"subject", subjects::events_of(ObjectName{event.name.substr(0, dot)},
                                                       event.name.substr(dot + 1))}});
    }
    Output& out = program.out();
    out.set("events", std::move(listed));
    out.table(table);
    return Exit::kFine;
}

/// "order.confirmed", "order" or nothing, as a filter.
Result<std::string> filter_of(const std::string& event) {
    const auto dot = event.find('.');
    const std::string object = event.substr(0, dot);
    const std::string name = dot == std::string::npos ? "" : event.substr(dot + 1);
    if (dot != std::string::npos && (object.empty() || name.empty())) {
        return fail(ErrorKind::kInvalid, "--event is like order.confirmed, or order for all of it");
    }
    return subjects::events_of(ObjectName{object}, name);
}

Result<Exit> show_events(Program& program, const ShowEventsOptions& options) {
    const auto filter = filter_of(options.event);
    if (!filter) return fail(filter.error());
    const auto from = parse_moment(options.from, program.clock().now());
    if (!from) return fail(from.error(), "--from");
    const auto session = program.connect();
    if (!session) return fail(session.error());
    const auto first = (*session)->sequence_at(subjects::kStreamEvents, *from);
    if (!first) return fail(first.error());
    struct Told {
        Timestamp at;
        std::string type;
        std::string entity;
        std::string body;
        std::uint64_t sequence = 0;
    };
    std::deque<Told> told;
    std::uint64_t all = 0;
    nats::ConsumeSpec spec;
    spec.stream = subjects::kStreamEvents;
    spec.filters = {*filter};
    spec.start_sequence = *first;
    auto read = (*session)->read_each(std::move(spec), [&](const nats::InMessage& message) {
        ++all;
        told.push_back({message.stored_at, std::string{message.header("ce-type")},
                        std::string{message.header("ce-subject")}, std::string{message.body},
                        message.sequence});
        if (told.size() > options.limit) told.pop_front();
        return Session::More::kWanted;
    });
    if (!read) return fail(read.error());
    Table table{{"AT", "TYPE", "ENTITY", "DATA"}, {}};
    Value::List listed;
    for (const Told& one : told) {
        const auto data = parse_json(one.body);
        table.rows.push_back({to_string(one.at), one.type, one.entity,
                              data ? one.body : std::to_string(one.body.size()) + " bytes"});
        listed.emplace_back(Value::Map{{"at", one.at},
                                       {"type", one.type},
                                       {"entity", one.entity},
                                       {"sequence", number(one.sequence)},
                                       {"data", data ? *data : Value{}}});
    }
    Output& out = program.out();
    out.set("events", std::move(listed));
    out.set("count", number(all));
    out.table(table);
    if (all > told.size()) {
        out.line(std::to_string(all - told.size()) + " more before these; --limit shows them",
                 Style::kDim);
    }
    return Exit::kFine;
}

}  // namespace

void add_events(CLI::App& app, Program& program) {
    auto* command =
        app.add_subcommand("events", "Business events: which there are, which were told");
    command->require_subcommand(1);
    auto* catalogue =
        command->add_subcommand("list", "Those that are told under the policy in force");
    catalogue->callback([&program] { program.choose("events list", list); });
    auto* told = command->add_subcommand("show", "What was told, the newest last");
    const auto options = std::make_shared<ShowEventsOptions>();
    told->add_option("--event", options->event, "Of one event, order.confirmed, or of one object");
    told->add_option("--from", options->from, "Since then: 30d, 2h, 2026-01-05")
        ->capture_default_str();
    told->add_option("--limit", options->limit, "How many, the newest")->capture_default_str();
    told->callback([&program, options] {
        program.choose("events show", [options](Program& p) { return show_events(p, *options); });
    });
}

}  // namespace syncline::ctl
