#include <algorithm>
#include <charconv>
#include <map>
#include <memory>
#include <optional>

#include "hub/core/state_codec.h"
#include "hub/ctl/cli.h"
#include "hub/ctl/cluster.h"
#include "hub/ctl/program.h"
#include "hub/ctl/text.h"
#include "shared/base/base64.h"
#include "shared/base/json.h"
#include "shared/nats/jetstream_api.h"
#include "shared/wire/subjects.h"

// Entities of an object, a page at a time. Pages go by where states stand in the stream, which is
// when they changed last: a page costs the same whether there are ten entities or ten million.

namespace syncline::ctl {
namespace {

constexpr std::size_t kPageMost = 500;

struct EntityListOptions {
    std::string object;
    std::string after;
    std::size_t limit = 50;
};

Result<std::uint64_t> start_of(const EntityListOptions& options) {
    if (options.after.empty()) return 1;
    const auto text = parse_base64url(options.after);
    std::uint64_t sequence = 0;
    const char* const end = text ? text->data() + text->size() : nullptr;
    const auto [at, error] = text ? std::from_chars(text->data(), end, sequence)
                                  : std::from_chars_result{nullptr, std::errc::invalid_argument};
    if (error != std::errc{} || at != end || sequence == 0) {
        return fail(ErrorKind::kInvalid, "--after: write what the page before gave as `next`");
    }
    return sequence + 1;
}

std::string records_of(const hub::EntityState& state) {
    std::string text;
    for (const hub::RecordState& record : state.records) {
        if (!record.record) continue;
        text += (text.empty() ? "" : ", ") + record.platform.text + ":" + record.record->text;
    }
    return text;
}

std::string fields_of(const hub::EntityState& state, const Secrets& secrets) {
    std::string text;
    for (const hub::CanonicalField& field : state.canonical) {
        text += (text.empty() ? "" : ", ") + field.name.text + " = " +
                secrets.text(state.key.object, field.name, field.value);
    }
    return text;
}

Value summary_of(const hub::EntityState& state, const nats::StoredMessage& message,
                 const Secrets& secrets) {
    Value::Map fields;
    for (const hub::CanonicalField& field : state.canonical) {
        fields.emplace(field.name.text, secrets.shown(state.key.object, field.name, field.value));
    }
    Value::List records;
    for (const hub::RecordState& record : state.records) {
        records.emplace_back(
            Value::Map{{"platform", record.platform.text},
                       {"record", record.record ? Value{record.record->text} : Value{}},
                       {"presence", name_of(record.presence)},
                       {"pending", record.pending.has_value()}});
    }
    return Value::Map{{"entity", state.key.entity.text},
                      {"version", number(state.version)},
                      {"deleted", state.deleted},
                      {"merged_into", state.is_merged() ? Value{state.merged_into.text} : Value{}},
                      {"forgotten", state.forgotten.has_value()},
                      {"fields", std::move(fields)},
                      {"records", std::move(records)},
                      {"exceptions", number(state.exceptions.size())},
                      {"sequence", number(message.sequence)},
                      {"stored_at", message.stored_at}};
}

/// The first state at or after each of `count` places from `sequence` on, asked for all at once:
/// where states stand close together that is a page, and whatever stands between the least and the
/// greatest is among them. By their places, each once. A request for many messages (2.11) would do
/// the same, but has the server count what is left in a million of them.
Result<std::map<std::uint64_t, nats::StoredMessage>> read_burst(Session& session,
                                                                const std::string& filter,
                                                                std::uint64_t sequence,
                                                                std::size_t count) {
    struct Asked {
        std::map<std::uint64_t, nats::StoredMessage> found;
        std::size_t open = 0;
        std::optional<Error> error;
    };
    const auto asked = std::make_shared<Asked>();
    asked->open = count;
    const std::string sample = nats::api::stream_info("X").subject;
    const std::string subject = sample.substr(0, sample.find("STREAM.INFO")) + "STREAM.MSG.GET." +
                                std::string{subjects::kStreamState};
    for (std::size_t i = 0; i < count; ++i) {
        const Value body =
            Value::Map{{"seq", static_cast<std::int64_t>(sequence + i)}, {"next_by_subj", filter}};
        session.link().request(
            subject, to_json(body), [asked](const Result<std::string_view>& told) {
                --asked->open;
                auto message = told
                                   ? nats::api::parse_stored_message(*told)
                                   : Result<std::optional<nats::StoredMessage>>{fail(told.error())};
                if (!message) {
                    asked->error = message.error();
                } else if (*message) {
                    const std::uint64_t place = (*message)->sequence;
                    asked->found.emplace(place, **std::move(message));
                }
            });
    }
    if (!session.until([&] { return asked->open == 0; }, session.timeout())) {
        return fail(ErrorKind::kAmbiguous,
                    "reading " + std::string{subjects::kStreamState} + ": no answer in time");
    }
    if (asked->error) return fail(*asked->error);
    return std::move(asked->found);
}

/// At most `count` states at and after `sequence`; fewer: there are no more.
Result<std::vector<nats::StoredMessage>> read_states(Session& session, const ObjectName& object,
                                                     std::uint64_t sequence, std::size_t count) {
    const std::string filter = subjects::entities_of(object);
    std::vector<nats::StoredMessage> out;
    std::size_t burst = count;
    while (out.size() < count) {
        auto found = read_burst(session, filter, sequence, burst);
        if (!found) return fail(found.error());
        if (found->empty()) break;
        sequence = found->rbegin()->first + 1;
        // Where they stand far apart, most of the answers are the same one.
        if (found->size() * 4 < burst) burst = std::max<std::size_t>(1, burst / 4);
        for (auto& [place, message] : *found) {
            if (out.size() < count) out.push_back(std::move(message));
        }
    }
    return out;
}

Result<Exit> list_entities(Program& program, const EntityListOptions& options) {
    const auto start = start_of(options);
    if (!start) return fail(start.error());
    const auto secrets = program.secrets();
    if (!secrets) return fail(secrets.error());
    const auto policy = program.policy();
    const ObjectName object{options.object};
    if (policy && (*policy)->object(object) == nullptr) {
        return fail(ErrorKind::kNotFound, "the policy has no object " + options.object);
    }
    const auto session = program.connect();
    if (!session) return fail(session.error());
    Output& out = program.out();
    Value::List list;
    Table table{{"ENTITY", "VERSION", "RECORDS", "FIELDS"}, {}};
    auto messages = read_states(**session, object, *start, options.limit + 1);
    if (!messages) return fail(messages.error());
    std::string next;
    if (messages->size() > options.limit) {
        messages->resize(options.limit);
        next = base64url(std::to_string(messages->back().sequence));
    }
    for (const nats::StoredMessage& message : *messages) {
        if (message.deleted) continue;
        const auto state = hub::decode_entity(message.body);
        if (!state) {
            out.add({Level::kError, "entity.damaged",
                     "a state cannot be read: " + state.error().what,
                     "Is this synclinectl older than the hub?",
                     message.subject + " sequence " + std::to_string(message.sequence)});
            continue;
        }
        list.push_back(summary_of(*state, message, *secrets));
        table.rows.push_back({state->key.entity.text, number_cell(state->version),
                              records_of(*state), fields_of(*state, *secrets)});
    }
    out.set("object", options.object);
    out.set("entities", std::move(list));
    out.set("next", next.empty() ? Value{} : Value{next});
    if (table.rows.empty()) {
        out.line("no more entities of " + options.object);
    } else {
        out.table(table);
    }
    if (!next.empty()) out.line("the next page: --after " + next, Style::kDim);
    return verdict(out);
}

}  // namespace

void add_entity_list(CLI::App& entity, Program& program) {
    auto* command = entity.add_subcommand(
        "list", "Entities of an object, those first that have not changed for the longest");
    const auto options = std::make_shared<EntityListOptions>();
    command->add_option("OBJECT", options->object, "The object: customer")->required();
    command->add_option("--after", options->after, "The page after the one that said so");
    command->add_option("--limit", options->limit, "At most so many")
        ->check(CLI::Range(std::size_t{1}, kPageMost))
        ->capture_default_str();
    command->callback([&program, options] {
        program.choose("entity list", [options](Program& p) { return list_entities(p, *options); });
    });
}

}  // namespace syncline::ctl
