#include "agent/connectors/rest/cases.h"

#include <algorithm>
#include <cstdlib>
#include <deque>
#include <fstream>
#include <iterator>

#include "agent/connectors/rest/jwt.h"
#include "agent/connectors/rest/rest.h"
#include "agent/core/value_path.h"
#include "shared/base/json.h"
#include "shared/base/toml_reader.h"
#include "shared/http/percent_decode.h"

namespace syncline::agent::rest {
namespace {

enum class Action : std::uint8_t { kRead, kFetch, kFind, kCreate, kUpdate, kDelete };
enum class Loss : std::uint8_t { kNone, kRequest, kReply };

constexpr TomlReader::Choice<Action> kActions[] = {
    {"read", Action::kRead},     {"fetch", Action::kFetch},   {"find", Action::kFind},
    {"create", Action::kCreate}, {"update", Action::kUpdate}, {"delete", Action::kDelete},
};
constexpr TomlReader::Choice<Loss> kLosses[] = {
    {"none", Loss::kNone}, {"request", Loss::kRequest}, {"reply", Loss::kReply}};

/// A request that must come, and its answer.
struct Exchange {
    std::string request;  ///< "GET /path?name=value", nothing of it percent-encoded but `&`.
    std::string body;     ///< Empty: not looked at.
    std::vector<std::pair<std::string, std::string>> headers;  ///< That must be there.
    HttpResponse reply;
    Loss loses = Loss::kNone;
};

struct Case {
    std::string name;
    std::string place;
    Action action = Action::kRead;
    ObjectName object;
    std::string id;
    std::string entity;
    Value fields;                               ///< A map.
    std::optional<Value> batch;                 ///< A list of maps, each with what is above.
    ChangeOrigin origin = ChangeOrigin::kLive;  ///< Of a write.
    std::uint32_t rounds = 1;
    std::vector<Exchange> exchanges;
    Value expect;
    std::string says;
    std::optional<Value> quota;
};

class CaseClock final : public Clock {
public:
    explicit CaseClock(Timestamp now) : now_(now) {}
    [[nodiscard]] Timestamp now() const override { return now_; }
    [[nodiscard]] Duration steady() const override { return std::chrono::hours{1}; }

private:
    Timestamp now_;
};

bool mentions(const std::filesystem::path& file, const std::string& text) {
    std::ifstream in{file};
    const std::string all{std::istreambuf_iterator<char>{in}, {}};
    return all.find(text) != std::string::npos;
}

/// Method, path and sorted parameters, decoded.
std::string normal_request(std::string_view request) {
    const auto question = request.find('?');
    std::string out = percent_decode(request.substr(0, question));
    std::vector<std::string> parameters;
    std::string_view query =
        question == std::string_view::npos ? std::string_view{} : request.substr(question + 1);
    while (!query.empty()) {
        const std::string_view one = query.substr(0, query.find('&'));
        query.remove_prefix(std::min(query.size(), one.size() + 1));
        parameters.push_back(percent_decode(one));
    }
    std::ranges::sort(parameters);
    for (const std::string& one : parameters) out += "\n  " + one;
    return out;
}

/// What cannot be told beforehand, such as a signature, stands as `*` at the end.
bool is_same_body(const std::string& one, const std::string& other) {
    if (other.ends_with('*')) return one.starts_with(other.substr(0, other.size() - 1));
    const auto a = parse_json(one);
    const auto b = parse_json(other);
    return a && b ? *a == *b : one == other;
}

/// Answers what the case says, as long as it is asked what the case says.
class ScriptedClient final : public HttpClient {
public:
    ScriptedClient(const Case& script, std::string base_url, std::string& problem)
        : left_(script.exchanges.begin(), script.exchanges.end()),
          base_url_(std::move(base_url)),
          problem_(problem) {}
    ~ScriptedClient() override {
        if (problem_.empty() && !left_.empty()) {
            problem_ = "the platform is not asked: " + left_.front().request;
        }
    }

    Result<HttpResponse> send(const HttpRequest& request, std::stop_token /*stop*/) override {
        const auto wrong = [&](const std::string& what) {
            if (problem_.empty()) problem_ = what;
            return fail(ErrorKind::kInternal, what);
        };
        const bool ours = request.url.starts_with(base_url_);
        const std::string asked =
            request.method + " " + (ours ? request.url.substr(base_url_.size()) : request.url);
        if (left_.empty())
            return wrong("the platform is asked once more: " + normal_request(asked));
        const Exchange exchange = std::move(left_.front());
        left_.pop_front();
        if (normal_request(asked) != normal_request(exchange.request)) {
            return wrong("the platform is asked\n" + normal_request(asked) + "\nand not\n" +
                         normal_request(exchange.request));
        }
        if (!exchange.body.empty() && !is_same_body(request.body, exchange.body)) {
            return wrong(asked + " has the body\n" + request.body + "\nand not\n" + exchange.body);
        }
        for (const auto& header : exchange.headers) {
            if (std::ranges::find(request.headers, header) == request.headers.end()) {
                return wrong(asked + " has no header " + header.first + ": " + header.second);
            }
        }
        if (exchange.loses == Loss::kRequest) {
            return fail(ErrorKind::kUnavailable, "not connected");
        }
        if (exchange.loses == Loss::kReply) {
            const bool harmless = request.method == "GET" || request.changes_nothing;
            return fail(harmless ? ErrorKind::kUnavailable : ErrorKind::kAmbiguous,
                        "the connection broke");
        }
        return exchange.reply;
    }

private:
    std::deque<Exchange> left_;
    std::string base_url_;
    std::string& problem_;
};

Value json_in(TomlReader& table, std::string_view key, std::string_view fallback) {
    auto json = parse_json(table.text(key, fallback));
    if (json) return *std::move(json);
    table.problem(key, "is not JSON: " + json.error().what);
    return {};
}

Exchange read_exchange(TomlReader table, const std::string& date) {
    Exchange exchange;
    exchange.request = table.text("request");
    exchange.body = table.text("body", "");
    TomlReader headers = table.table("headers");
    for (const std::string& name : headers.keys()) {
        exchange.headers.emplace_back(name, headers.text(name));
    }
    exchange.loses = table.choice("loses", kLosses, Loss::kNone);
    exchange.reply.status = table.integer<int>("status", {100, 599}, 200);
    exchange.reply.body = table.text("reply", "");
    exchange.reply.headers["date"] = date;
    TomlReader told = table.table("reply_headers");
    for (const std::string& name : told.keys()) {
        std::string lower = name;
        std::ranges::transform(lower, lower.begin(), [](char c) {
            return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
        });
        exchange.reply.headers[lower] = told.text(name);
    }
    return exchange;
}

Case read_case(TomlReader table, const std::string& date) {
    Case one;
    one.name = table.text("name");
    one.place = to_string(table.place());
    one.action = table.choice("do", kActions);
    const bool reads = one.action == Action::kRead;
    if (!reads) one.object = ObjectName{table.text("object")};
    const bool by_entity = one.action == Action::kFind || one.action == Action::kCreate;
    if (table.has("batch")) {
        one.batch = json_in(table, "batch", "[]");
        if (reads || one.action == Action::kFind || one.batch->get<Value::List>() == nullptr) {
            table.problem("batch", "must be a list, and of records that are fetched or written");
        }
    } else {
        if (by_entity) one.entity = table.text("entity");
        if (!reads && !by_entity) one.id = table.text("id");
    }
    one.fields = json_in(table, "fields", "{}");
    static constexpr TomlReader::Choice<ChangeOrigin> kOrigins[] = {
        {"live", ChangeOrigin::kLive}, {"backfill", ChangeOrigin::kBackfill}};
    one.origin = table.choice("origin", kOrigins, ChangeOrigin::kLive);
    one.rounds = table.integer<std::uint32_t>("rounds", {1, 100}, 1);
    for (TomlReader& exchange : table.tables("exchanges")) {
        one.exchanges.push_back(read_exchange(exchange, date));
    }
    one.expect = json_in(table, "expect", "{}");
    one.says = table.text("says", "");
    if (table.has("quota")) one.quota = json_in(table, "quota", "{}");
    return one;
}

Value shown(const Record& record) {
    Value::Map fields;
    for (const auto& [name, value] : record.fields) fields.emplace(name.text, value);
    Value::Map out{{"id", record.id.text}};
    if (record.changed_at.ns != 0) out.emplace("changed_at", to_string(record.changed_at));
    if (record.marker) out.emplace("marker", record.marker->text);
    if (record.deleted) {
        out.emplace("deleted", true);
    } else {
        out.emplace("fields", std::move(fields));
    }
    return Value{std::move(out)};
}

Value shown(const Error& error, const Connector& connector) {
    Value::Map out{{"error", std::string{name_of(error.kind)}}};
    const auto pause =
        std::chrono::duration_cast<std::chrono::seconds>(connector.throttle_pause()).count();
    if (pause > 0) out.emplace("pause_s", std::int64_t{pause});
    return Value{std::move(out)};
}

/// What came of it, and the text of an error.
struct Came {
    Value of;
    std::string says;
};

Came failed(const Error& error, const Connector& connector) {
    return {shown(error, connector), error.what};
}

Came read_rounds(Connector& connector, std::uint32_t rounds) {
    Value::List records;
    Value::List rejects;
    std::string notes;
    Cursor cursor;
    for (std::uint32_t round = 0; round < rounds;) {
        const auto batch = connector.read(cursor, 1'000, {});
        if (!batch) return failed(batch.error(), connector);
        for (const Record& record : batch->records) records.push_back(shown(record));
        for (const Batch::Reject& reject : batch->rejects) rejects.emplace_back(reject.reason);
        for (const std::string& note : batch->notes) notes += note + "\n";
        cursor = batch->next;
        if (!batch->more) ++round;
    }
    Value::Map out{{"records", std::move(records)}};
    if (!rejects.empty()) out.emplace("rejects", std::move(rejects));
    return {Value{std::move(out)}, notes};
}

Value shown(const Written& written) {
    Value::Map out{{"id", written.id.text}};
    if (written.existed) out.emplace("existed", true);
    if (written.record) out.emplace("record", shown(*written.record));
    return Value{std::move(out)};
}

Value shown(const std::optional<Record>& record) {
    return Value{Value::Map{{"record", record ? shown(*record) : Value{}}}};
}

Came looked_up(const Result<std::optional<Record>>& found, const Connector& connector) {
    if (!found) return failed(found.error(), connector);
    return {shown(*found), {}};
}

Command command_of(const Case& one) {
    Command command;
    command.kind = one.action == Action::kCreate   ? CommandKind::kCreate
                   : one.action == Action::kUpdate ? CommandKind::kUpdate
                                                   : CommandKind::kDelete;
    command.entity = {one.object, EntityId{one.entity.empty() ? "entity1" : one.entity}};
    command.generation = 1;
    command.origin = one.origin;
    if (!one.id.empty()) command.record = RecordId{one.id};
    if (const auto* fields = one.fields.get<Value::Map>()) {
        for (const auto& [name, value] : *fields) command.fields.set(FieldName{name}, value);
    }
    return command;
}

Came written(Connector& connector, const Case& one) {
    const auto done = connector.write(command_of(one), {});
    if (!done) return failed(done.error(), connector);
    return {shown(*done), {}};
}

/// The cases of which a batch is made.
std::vector<Case> cases_of(const Case& batch) {
    std::vector<Case> members;
    const auto* list = batch.batch->get<Value::List>();
    for (const Value& value : list == nullptr ? Value::List{} : *list) {
        Case& one = members.emplace_back(batch);
        one.id = text_at(value, "id");
        one.entity = text_at(value, "entity");
        const Value* const fields = at_path(value, "fields");
        one.fields = fields == nullptr ? Value{} : *fields;
    }
    return members;
}

/// What became of each, and the texts of all errors and notes.
template <class T>
Came came_of(const Result<Each<T>>& all, const Connector& connector) {
    if (!all) return failed(all.error(), connector);
    Value::List results;
    std::string says;
    for (const Result<T>& one : all->results) {
        results.push_back(one ? shown(*one) : shown(one.error(), connector));
        if (!one) says += one.error().what + "\n";
    }
    Value::Map out{{"results", std::move(results)}};
    if (!all->notes.empty()) {
        out.emplace("notes", Value::List(all->notes.begin(), all->notes.end()));
    }
    return {Value{std::move(out)}, says};
}

Came acted_together(Connector& connector, const Case& batch) {
    std::vector<Command> commands;
    std::vector<RecordId> ids;
    std::size_t most = 10'000;
    for (const Case& one : cases_of(batch)) {
        commands.push_back(command_of(one));
        ids.emplace_back(one.id);
        most = std::min(most, one.action == Action::kFetch
                                  ? connector.fetch_max(one.object, ids.back())
                                  : connector.write_max(commands.back()));
    }
    if (most < commands.size()) {
        const std::string why = "at most " + std::to_string(most) + " of these go together";
        return failed({ErrorKind::kUnsupported, why}, connector);
    }
    if (batch.action != Action::kFetch)
        return came_of(connector.write_all(commands, {}), connector);
    return came_of(connector.fetch_all(batch.object, ids, {}), connector);
}

Came acted(Connector& connector, const Case& one) {
    if (one.batch) return acted_together(connector, one);
    switch (one.action) {
        case Action::kRead: return read_rounds(connector, one.rounds);
        case Action::kFetch:
            return looked_up(connector.fetch(one.object, RecordId{one.id}, {}), connector);
        case Action::kFind:
            return looked_up(connector.find(one.object, EntityId{one.entity}, {}), connector);
        case Action::kCreate:
        case Action::kUpdate:
        case Action::kDelete: return written(connector, one);
    }
    return {};
}

Value shown(const CallCost& cost) {
    Value::Map out{{"calls", std::int64_t{cost.calls}}};
    const auto add = [&](const char* name, const std::optional<std::uint64_t>& number) {
        if (number) out.emplace(name, static_cast<std::int64_t>(*number));
    };
    add("limit", cost.told.limit);
    add("used", cost.told.used);
    add("remaining", cost.told.remaining);
    if (const auto resets = cost.told.resets_in) {
        out.emplace("resets_in_s", std::int64_t{*resets / std::chrono::seconds{1}});
    }
    return Value{std::move(out)};
}

CaseResult run_case(const std::shared_ptr<const Settings>& settings, const Clock& clock,
                    const Case& one) {
    CaseResult result{one.name, one.place, {}};
    Came came;
    Value quota;
    {
        const auto connector = make_rest_connector(
            settings, std::make_shared<Session>(settings, clock),
            std::make_unique<ScriptedClient>(one, settings->base_url, result.problem), clock);
        came = acted(*connector, one);
        quota = shown(connector->take_cost());
    }
    if (!result.problem.empty()) {
        if (!came.says.empty()) result.problem += "\n" + came.says;
    } else if (to_json(came.of) != to_json(one.expect)) {
        result.problem = "comes to\n" + to_json(came.of) + "\nand not\n" + to_json(one.expect) +
                         (came.says.empty() ? "" : "\n" + came.says);
    } else if (!came.says.contains(one.says)) {
        result.problem = "says\n" + came.says + "\nand not\n" + one.says;
    } else if (one.quota && to_json(quota) != to_json(*one.quota)) {
        result.problem = "costs\n" + to_json(quota) + "\nand not\n" + to_json(*one.quota);
    }
    return result;
}

}  // namespace

Result<std::vector<CaseResult>> run_cases(const std::filesystem::path& file) {
    ::setenv("SYNCLINE_CASE_SECRET", "s3cret", /*overwrite=*/1);
    if (mentions(file, "SYNCLINE_CASE_KEY")) {  // To make one takes a moment.
        static const std::string key = make_rsa_key();
        ::setenv("SYNCLINE_CASE_KEY", key.c_str(), /*overwrite=*/1);
    }
    auto root = TomlReader::load(file);
    if (!root) return fail(root.error());
    const auto now = parse_timestamp(root->text("now", "2026-01-05T10:20:00Z"));
    if (!now) root->problem("now", now.error().what);
    const CaseClock clock{now.value_or(Timestamp{})};
    TomlReader connector = root->table("connector");
    TomlReader objects = root->table("objects");
    std::ignore = connector.text("kind", "rest");
    const std::filesystem::path folder = std::filesystem::absolute(file).parent_path();
    // By name as an agent finds it, else in the folder above, of which the cases are a part.
    const std::filesystem::path near = folder / "profiles";
    const auto settings = read_rest_settings(
        connector, objects,
        {clock, folder, std::filesystem::exists(near) ? near : folder.parent_path()});
    std::vector<Case> cases;
    for (TomlReader& table : root->tables("cases")) {
        cases.push_back(read_case(table, http_date(clock.now())));
    }
    const auto sound = root->finish();
    if (!settings) return fail(settings.error());
    if (!sound) return fail(sound.error());
    std::vector<CaseResult> results;
    for (const Case& one : cases) results.push_back(run_case(*settings, clock, one));
    return results;
}

}  // namespace syncline::agent::rest
