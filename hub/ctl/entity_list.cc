#include <charconv>
#include <memory>
#include <tuple>

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
/// From here on a server answers one request with many messages.
constexpr std::string_view kBatchesSince = "2.11.0";

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

/// Takes the answers to one request for many messages; the last one has a status.
class Batch final : public nats::MessageSink {
public:
    void on_message(const nats::InMessage& message) override {
        const std::string status{message.header("Status")};
        if (!status.empty()) {
            done = true;
            return;
        }
        const std::string sequence{message.header("Nats-Sequence")};
        nats::StoredMessage one;
        one.subject = message.header("Nats-Subject");
        one.body = message.body;
        std::from_chars(sequence.data(), sequence.data() + sequence.size(), one.sequence);
        one.stored_at = parse_timestamp(message.header("Nats-Time-Stamp")).value_or(Timestamp{});
        one.deleted = message.deleted;
        messages.push_back(std::move(one));
    }
    std::vector<nats::StoredMessage> messages;
    bool done = false;
};

/// At most `count` states at and after `sequence`, by their places; fewer: there are no more. One
/// request where the server can do that, else one for each.
Result<std::vector<nats::StoredMessage>> read_states(Session& session, const ObjectName& object,
                                                     std::uint64_t sequence, std::size_t count) {
    const std::string filter = subjects::entities_of(object);
    const std::string stream{subjects::kStreamState};
    if (version_at_least(session.link().status().server_version, kBatchesSince)) {
        const std::string sample = nats::api::stream_info("X").subject;
        const std::string prefix = sample.substr(0, sample.find("STREAM.INFO"));
        const std::string body = to_json(Value::Map{{"seq", static_cast<std::int64_t>(sequence)},
                                                    {"batch", static_cast<std::int64_t>(count)},
                                                    {"next_by_subj", filter}});
        Batch batch;
        const auto asked = session.link().ask_all(prefix + "DIRECT.GET." + stream, body, &batch);
        std::ignore = session.until([] { return false; }, std::chrono::milliseconds{1});  // Sends it at once.
        if (session.until([&] { return batch.done; }, session.timeout())) {
            return std::move(batch.messages);
        }
        return fail(ErrorKind::kAmbiguous, "reading " + stream + ": no answer in time");
    }
    std::vector<nats::StoredMessage> out;
    while (out.size() < count) {
        auto one = session.next_from(stream, sequence, filter);
        if (!one) return fail(one.error());
        if (!*one) break;
        sequence = (*one)->sequence + 1;
        out.push_back(**std::move(one));
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
