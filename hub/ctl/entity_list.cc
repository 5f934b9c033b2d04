#include <charconv>
#include <memory>

#include "hub/core/state_codec.h"
#include "hub/ctl/cli.h"
#include "hub/ctl/cluster.h"
#include "hub/ctl/program.h"
#include "hub/ctl/sight.h"
#include "hub/ctl/text.h"
#include "shared/base/base64.h"
#include "shared/wire/subjects.h"

// Entities of an object, a page at a time. Pages go by where states stand in the stream, which is
// when they changed last: a page costs the same whether there are ten entities or ten million.

namespace syncline::ctl {
namespace {

constexpr std::size_t kPageMost = 500;
/// Messages of the stream that one page looks at; of an object with few entities it may be short.
constexpr std::uint64_t kScanMost = 5'000;
constexpr std::size_t kWindow = 256;

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

struct PageStart {
    std::uint64_t sequence = 0;
    std::size_t count = 0;
};
struct StatesPage {
    std::vector<nats::StoredMessage> states;
    std::uint64_t next = 0;  ///< The place after which the next page begins; 0: there is none.
};

/// States at and after `sequence`, as many as are wanted or found in so much of the stream: what
/// else stands there is passed over here. A filter would have the server look through the subjects
/// of a million of them first, for a consumer as for a single message.
Result<StatesPage> read_states(Session& session, Sight& sight, const ObjectName& object,
                               PageStart start) {
    const auto [sequence, count] = start;
    StatesPage page;
    const auto is_seen = [&](std::string_view body) {
        if (!sight.is_bound()) return true;
        const auto state = hub::decode_entity(body);
        return state && sight.sees(*state);
    };
    std::uint64_t seen = 0;
    const auto read =
        session.read_each({.stream = std::string{subjects::kStreamState},
                           .filters = {},
                           .start_sequence = sequence,
                           .window = kWindow},
                          [&](const nats::InMessage& message) {
                              const auto key = subjects::parse_entity(message.subject);
                              const bool wanted = key && key->object == object &&
                                                  !message.deleted && is_seen(message.body);
                              if (wanted && page.states.size() == count) {
                                  page.next = page.states.back().sequence;
                                  return Session::More::kEnough;
                              }
                              if (wanted) {
                                  page.states.push_back({.subject = std::string{message.subject},
                                                         .body = std::string{message.body},
                                                         .sequence = message.sequence,
                                                         .stored_at = message.stored_at});
                              }
                              if (++seen < kScanMost || message.pending == 0)
                                  return Session::More::kWanted;
                              page.next = message.sequence;
                              return Session::More::kEnough;
                          });
    if (!read) return fail(read.error());
    return page;
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
    Sight sight{program, **session};
    Output& out = program.out();
    Value::List list;
    Table table{{"ENTITY", "VERSION", "RECORDS", "FIELDS"}, {}};
    const auto page = read_states(**session, sight, object, {*start, options.limit});
    if (!page) return fail(page.error());
    const std::string next = page->next == 0 ? "" : base64url(std::to_string(page->next));
    for (const nats::StoredMessage& message : page->states) {
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
