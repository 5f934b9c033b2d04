#include <algorithm>
#include <charconv>
#include <memory>

#include "hub/ctl/capacity.h"
#include "hub/ctl/cli.h"
#include "hub/ctl/program.h"
#include "hub/ctl/text.h"
#include "shared/model/member.h"
#include "shared/nats/streams.h"
#include "shared/wire/subjects.h"

// What an installation will need: what its streams say of a day, times a growth, by measured costs.

namespace syncline::ctl {
namespace {

constexpr Duration kDay = std::chrono::hours{24};
/// Less is no rate to plan by.
constexpr Duration kShortest = std::chrono::minutes{10};

struct CapacityOptions {
    std::string over = "24h";
    double growth = 1;
    double peak = 10;
    std::uint64_t inputs_per_day = 0;
    std::uint64_t entities = 0;
};

struct Looked {
    CapacityInputs inputs;
    Duration over{0};  ///< How much of the past the rates are of.
};

double whole(const Value& map, std::string_view name) {
    const Value* value = member(map, name);
    const auto* count = value == nullptr ? nullptr : value->get<std::int64_t>();
    return count == nullptr ? 0 : static_cast<double>(*count);
}

/// What one is like where there are none yet; `tests/bench/run hub` has measured these, of
/// customers of 291 bytes. How many of them an input or an entity leads to is known to nobody then.
struct Reference {
    std::string_view stream;
    double bytes;
    bool by_input;  ///< As many a day as there are inputs; else as many as there are entities.
};
constexpr Reference kReferences[] = {{subjects::kStreamIn, 329, true},
                                     {subjects::kStreamLog, 709, true},
                                     {subjects::kStreamState, 878, false},
                                     {subjects::kStreamCommands, 425, false}};
/// With fewer, their mean says nothing of others.
constexpr double kTellingMessages = 1'000;

/// How many messages of a stream are of that much of the past, for a day.
Result<double> rate_of(Session& session, const std::string& stream, double last, Timestamp now,
                       Duration over) {
    const auto from = session.sequence_at(stream, Timestamp{now.ns - over.count()});
    if (!from) return fail(from.error());
    const double seen = std::max(0.0, last + 1 - static_cast<double>(*from));
    return seen * (static_cast<double>(kDay.count()) / static_cast<double>(over.count()));
}

Result<Looked> look(Session& session, const CapacityOptions& options, Duration over) {
    Looked out{.inputs = {.growth = options.growth, .peak = options.peak}, .over = over};
    const Timestamp now = session.clock().now();
    const auto inputs = session.stream_info(subjects::kStreamIn);
    if (!inputs) return fail(inputs.error());
    out.over = std::min(over, Duration{now.ns - inputs->created.ns});
    if (out.over < kShortest && options.inputs_per_day == 0) {
        return fail(ErrorKind::kInvalid, "this installation is " + duration_text(out.over) +
                                             " old, which tells nothing of a day: wait, or give "
                                             "--inputs-per-day");
    }
    out.over = std::max(out.over, Duration{std::chrono::seconds{1}});
    for (const nats::StreamConfig& wanted : nats::stream_configs()) {
        if (wanted.name.starts_with("KV_")) continue;  // Kilobytes.
        const auto info = session.jetstream("STREAM.INFO", wanted.name, Value{Value::Map{}});
        if (!info) return fail(info.error());
        const Value* config = member(*info, "config");
        const Value* state = member(*info, "state");
        if (config == nullptr || state == nullptr) {
            return fail(ErrorKind::kUnavailable,
                        wanted.name + ": the server's answer lacks a part");
        }
        const auto rate = rate_of(session, wanted.name, whole(*state, "last_seq"), now, out.over);
        if (!rate) return fail(rate.error());
        out.inputs.replicas =
            std::max(out.inputs.replicas, static_cast<unsigned>(whole(*config, "num_replicas")));
        const double messages = whole(*state, "messages");
        const double bytes = whole(*state, "bytes");
        out.inputs.streams.push_back(
            {.name = wanted.name,
             .messages = messages,
             .bytes = bytes,
             .bytes_each = messages > 0 ? bytes / messages : 0,
             .per_day = *rate,
             .keep = Duration{static_cast<std::int64_t>(whole(*config, "max_age"))}});
    }
    nats::ConsumeSpec entities;
    entities.stream = subjects::kStreamState;
    entities.filters = {subjects::all_entities()};
    const auto counted = session.count({entities});
    if (!counted) return fail(counted.error());
    out.inputs.entities = static_cast<double>(counted->front());
    return out;
}

StreamLoad* stream_named(CapacityInputs& inputs, std::string_view name) {
    const auto found = std::ranges::find(inputs.streams, name, &StreamLoad::name);
    return found == inputs.streams.end() ? nullptr : &*found;
}

/// Where there are few messages, what one takes is a reference's.
void refer(CapacityInputs& inputs) {
    for (const Reference& reference : kReferences) {
        StreamLoad* load = stream_named(inputs, reference.stream);
        if (load == nullptr || load->messages >= kTellingMessages) continue;
        load->bytes_each = reference.bytes;
        load->messages = std::max(load->messages, inputs.entities);
        if (reference.by_input) load->per_day = std::max(load->per_day, inputs.inputs_per_day);
    }
}

/// What was given instead of what was seen; streams that grow with it do so in proportion.
void override_by(const CapacityOptions& options, CapacityInputs& inputs) {
    if (const StreamLoad* in = stream_named(inputs, subjects::kStreamIn)) {
        inputs.inputs_per_day = in->per_day;
    }
    if (options.inputs_per_day != 0) {
        const auto wanted = static_cast<double>(options.inputs_per_day);
        const double factor = inputs.inputs_per_day > 0 ? wanted / inputs.inputs_per_day : 1;
        for (StreamLoad& one : inputs.streams) {
            if (one.keep.count() > 0) one.per_day *= factor;
        }
        inputs.inputs_per_day = wanted;
    }
    if (options.entities != 0 && inputs.entities > 0) {
        const double factor = static_cast<double>(options.entities) / inputs.entities;
        for (StreamLoad& one : inputs.streams) {
            if (one.keep.count() == 0) one.messages *= factor;
        }
    }
    if (options.entities != 0) inputs.entities = static_cast<double>(options.entities);
}

std::string number_text(double value, int digits = 0) {
    char text[64];
    const auto end =
        std::to_chars(text, text + sizeof text, value, std::chars_format::fixed, digits);
    return {text, end.ptr};
}

std::uint64_t rounded(double value) { return static_cast<std::uint64_t>(value + 0.5); }

void show(Output& out, const Looked& looked, const Capacity& plan) {
    const CapacityInputs& inputs = looked.inputs;
    out.line("Looked at " + duration_text(looked.over) + ": " + number_text(inputs.inputs_per_day) +
             " inputs a day, " + number_text(inputs.entities) + " entities. Planned for " +
             number_text(inputs.growth, 1) + " times as much, and a busiest minute of " +
             number_text(inputs.peak, 1) + " times the mean.");
    Table table{{"WHAT", "NEEDED", "WHY"}, {}};
    const auto row = [&](const char* what, std::string needed, std::string why) {
        table.rows.push_back({what, right_cell(std::move(needed)), std::move(why)});
    };
    row("hubs", std::to_string(plan.hubs),
        number_text(plan.inputs_per_second_peak, 1) + " inputs/s at the peak, " +
            number_text(plan.hub_inputs_per_second) +
            " by a hub at half a processor; one may fail");
    row("memory of a hub", bytes_text(rounded(plan.hub_memory)),
        "entities that it keeps, " + std::to_string(inputs.cached_entities) + " at most");
    row("NATS servers", std::to_string(inputs.replicas),
        inputs.replicas == 1 ? "streams have one copy; three survive a server" : "as many copies");
    row("processors of a server", number_text(std::max(plan.server_processors, 0.1), 1),
        "half busy at the peak; at least one, better two");
    row("memory of a server", bytes_text(rounded(plan.server_memory)), "its index of the entities");
    row("disk of a server", bytes_text(rounded(plan.server_disk)),
        "as below; leave as much free again");
    out.table(table);
    out.heading("Disk");
    Table disk{{"STREAM", "NOW", "A DAY", "KEPT", "NEEDED"}, {}};
    for (std::size_t at = 0; at < plan.streams.size(); ++at) {
        const StreamLoad& load = inputs.streams[at];
        disk.rows.push_back(
            {load.name, right_cell(bytes_text(rounded(load.bytes))),
             right_cell(load.keep.count() > 0 ? number_text(load.per_day) : "-"),
             right_cell(load.keep.count() > 0 ? duration_text(load.keep) : "the newest"),
             right_cell(bytes_text(rounded(plan.streams[at].bytes)))});
    }
    out.table(disk);
}

void set_capacity(Output& out, const Looked& looked, const Capacity& plan) {
    Value::List streams;
    for (std::size_t at = 0; at < plan.streams.size(); ++at) {
        streams.emplace_back(
            Value::Map{{"stream", plan.streams[at].name},
                       {"bytes_now", number(rounded(looked.inputs.streams[at].bytes))},
                       {"messages_per_day", number(rounded(looked.inputs.streams[at].per_day))},
                       {"bytes", number(rounded(plan.streams[at].bytes))}});
    }
    out.set("looked_at_seconds",
            number(static_cast<std::uint64_t>(
                std::chrono::duration_cast<std::chrono::seconds>(looked.over).count())));
    out.set("inputs_per_day", number(rounded(plan.inputs_per_day)));
    out.set("inputs_per_second_peak", number(rounded(std::ceil(plan.inputs_per_second_peak))));
    out.set("entities", number(rounded(plan.entities)));
    out.set("hubs", number(plan.hubs));
    out.set("hub_memory_bytes", number(rounded(plan.hub_memory)));
    out.set("servers", number(looked.inputs.replicas));
    out.set("server_millicores", number(rounded(plan.server_processors * 1'000)));
    out.set("server_memory_bytes", number(rounded(plan.server_memory)));
    out.set("server_disk_bytes", number(rounded(plan.server_disk)));
    out.set("streams", std::move(streams));
}

Result<Exit> plan(Program& program, const CapacityOptions& options) {
    const auto over = parse_duration(options.over);
    if (!over) return fail(ErrorKind::kInvalid, "--over: " + over.error().what);
    const auto session = program.connect();
    if (!session) return fail(session.error());
    auto looked = look(**session, options, *over);
    if (!looked) return fail(looked.error());
    override_by(options, looked->inputs);
    refer(looked->inputs);
    const Capacity capacity = plan_capacity(looked->inputs, kMeasuredCosts);
    set_capacity(program.out(), *looked, capacity);
    show(program.out(), *looked, capacity);
    return Exit::kFine;
}

}  // namespace

void add_plan_capacity(CLI::App& app, Program& program) {
    auto* command = app.add_subcommand(
        "plan-capacity", "How many hubs, and how much of the servers, this installation will need");
    const auto options = std::make_shared<CapacityOptions>();
    command->add_option("--growth", options->growth, "Times as much traffic and as many entities")
        ->check(CLI::Range(0.01, 1e6))
        ->capture_default_str();
    command->add_option("--peak", options->peak, "The busiest minute against the mean of a day")
        ->check(CLI::Range(1.0, 1e4))
        ->capture_default_str();
    command->add_option("--over", options->over, "How much of the past to look at: 24h, 7d")
        ->capture_default_str();
    command->add_option("--inputs-per-day", options->inputs_per_day, "Instead of what is seen");
    command->add_option("--entities", options->entities, "Instead of those that there are");
    command->callback([&program, options] {
        program.choose("plan-capacity", [options](Program& p) { return plan(p, *options); });
    });
}

}  // namespace syncline::ctl
