#include "agent/connectors/rest/profile.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <span>
#include <tuple>

#include "agent/core/time_format.h"
#include "shared/base/toml_reader.h"

namespace syncline::agent::rest {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr TomlReader::Choice<Literal> kLiterals[] = {
    {"none", Literal::kNone},   {"soql", Literal::kSoql}, {"encoded_query", Literal::kEncodedQuery},
    {"odata", Literal::kOdata}, {"json", Literal::kJson},
};
constexpr TomlReader::Choice<bool> kClientAuth[] = {{"basic", false}, {"body", true}};
constexpr TomlReader::Choice<NextPage> kNextPages[] = {
    {"keyset", NextPage::kKeyset}, {"id", NextPage::kId},     {"url", NextPage::kUrl},
    {"token", NextPage::kToken},   {"link", NextPage::kLink},
};
constexpr TomlReader::Choice<ErrorClass> kErrorClasses[] = {
    {"retry", ErrorClass::kRetry},       {"unknown", ErrorClass::kUnknown},
    {"throttle", ErrorClass::kThrottle}, {"auth", ErrorClass::kAuth},
    {"denied", ErrorClass::kDenied},     {"forbidden", ErrorClass::kForbidden},
    {"conflict", ErrorClass::kConflict}, {"permanent", ErrorClass::kPermanent},
    {"gone", ErrorClass::kGone},         {"restart", ErrorClass::kRestart},
    {"csrf", ErrorClass::kCsrf},
};
constexpr TomlReader::Choice<bool> kResetKinds[] = {{"unix", true}, {"seconds", false}};

/// Values that only a login, and what is made of its reply, may name.
constexpr std::string_view kLoginValues[] = {"username", "password"};
constexpr std::string_view kSessionValues[] = {"username", "reply."};

Template template_of(TomlReader& table, std::string_view key, std::string_view fallback = "",
                     std::span<const std::string_view> more = {}) {
    auto parsed = Template::parse(table.text(key, fallback), more);
    if (parsed) return *parsed;
    table.problem(key, parsed.error().what);
    return {};
}

NamedTemplates named_templates(TomlReader table, std::span<const std::string_view> more = {}) {
    NamedTemplates result;
    for (const std::string& key : table.keys()) {
        result.emplace_back(key, template_of(table, key, "", more));
    }
    return result;
}

std::string time_format(TomlReader& table, std::string_view key, std::string_view fallback) {
    std::string format = table.text(key, fallback);
    if (format.empty()) return format;
    if (const auto good = check_time_format(format); !good) table.problem(key, good.error().what);
    return format;
}

RequestSpec request_of(TomlReader& table, std::string_view method, std::string_view body = "",
                       std::span<const std::string_view> more = {}) {
    RequestSpec spec;
    spec.method = table.text("method", method);
    for (const char c : spec.method) {
        if (c < 'A' || c > 'Z') {
            table.problem("method", "must be an HTTP method in capital letters");
            break;
        }
    }
    spec.path = template_of(table, "path", "", more);
    if (!table.text("path").starts_with('/')) table.problem("path", "must begin with a /");
    spec.query = named_templates(table.table("query"), more);
    spec.headers = named_templates(table.table("headers"), more);
    spec.body = template_of(table, "body", body, more);
    spec.body_query = table.boolean("body_query", false);
    if (!spec.body_query && spec.body.quotes_a_value()) {
        table.problem("body",
                      "has a value between single quotes, as a query has it: write "
                      "body_query = true if it is one, else leave the quotes out");
    }
    return spec;
}

AuthSpec read_auth(TomlReader table) {
    AuthSpec auth;
    auth.kind = read_auth_kind(table, auth.kind);
    auth.header = table.text("header", auth.header);
    auth.prefix = table.text("prefix", auth.prefix);
    auth.token_url = table.text("token_url", auth.token_url);
    auth.client_in_body = table.choice("client_auth", kClientAuth, auth.client_in_body);
    auth.scope = table.text("scope", auth.scope);
    auth.token_path = table.text("token_path", auth.token_path);
    auth.expires_path = table.text("expires_path", auth.expires_path);
    auth.base_url_path = table.text("base_url_path", auth.base_url_path);
    auth.expiry_margin = table.seconds("expiry_margin_s", {0, 3'600}, seconds{30});
    auth.denied_pause = table.seconds("denied_pause_s", {1, 86'400}, seconds{300});
    if (auth.fetches_token() && auth.token_url.empty()) {
        table.problem("token_url", "must be set for an OAuth flow");
    }
    TomlReader jwt = table.table("jwt");
    auth.jwt.audience = jwt.text("audience", "");
    auth.jwt.lifetime = jwt.seconds("lifetime_s", {10, 3'600}, seconds{120});
    TomlReader claims = jwt.table("claims");
    for (const std::string& name : claims.keys()) {
        static constexpr std::string_view kOurs[] = {"iss", "sub", "aud", "exp", "iat"};
        if (std::ranges::find(kOurs, name) != std::end(kOurs)) {
            claims.key_problem(name, "is written by the agent");
        }
        auth.jwt.claims.emplace_back(name, claims.text(name));
    }
    auth.session = template_of(table, "session", "", kSessionValues);
    auth.session_base64 = table.boolean("session_base64", auth.session_base64);
    auth.cookies = table.boolean("cookies", auth.cookies);
    if (auto login = table.optional_table("login")) {
        auth.login = request_of(*login, "POST", "", kLoginValues);
    }
    if (auto csrf = table.optional_table("csrf")) {
        auth.csrf = request_of(*csrf, "GET");
        auth.csrf_header = csrf->text("header", auth.csrf_header);
    }
    if (auth.kind == AuthKind::kSession && auth.login.path.empty()) {
        table.problem("login", "must say how a session is opened");
    }
    if (auth.kind == AuthKind::kSession && auth.session.empty() && !auth.cookies) {
        table.problem("session", "must say what carries the session, or `cookies` be true");
    }
    return auth;
}

void read_clauses(TomlReader& table, ReadSpec& read) {
    read.where = template_of(table, "where", "{clause}");
    read.filter_and = template_of(table, "filter_and", "{filter}");
    read.all = template_of(table, "all", "{filter}");
    read.all_after = template_of(table, "all_after");
    read.from = template_of(table, "from");
    read.after = template_of(table, "after");
    read.stamp_format = time_format(table, "stamp_format", read.stamp_format);
    read.resolution = table.milliseconds("resolution_ms", {1, 60'000}, milliseconds{1'000});
    read.overlap = table.seconds("overlap_s", {0, 86'400}, seconds{600});
    read.safety = table.seconds("safety_s", {0, 3'600}, seconds{5});
    read.verify_window = table.boolean("verify_window", read.verify_window);
    const bool keyset = is_keyset(read.next);
    if (keyset && read.after.empty()) table.problem("after", "must be set to page by keyset");
    if (keyset && read.all_after.empty()) {
        table.problem("all_after", "must be set to page by keyset");
    }
}

ReadSpec read_reading(TomlReader table) {
    ReadSpec read;
    read.request = request_of(table, "GET");
    read.records = table.text("records", read.records);
    read.next = table.choice("next", kNextPages, read.next);
    read.next_path = table.text("next_path", read.next_path);
    read.short_page_ends = table.boolean("short_page_ends", read.short_page_ends);
    read.deleted_path = table.text("deleted_path", read.deleted_path);
    read.deleted_values = table.texts("deleted_values", {});
    read.resume_path = table.text("resume_path", read.resume_path);
    read.end_path = table.text("end_path", read.end_path);
    read.fields_below = table.text("fields_below", read.fields_below);
    read.fields_whole = table.boolean("fields_whole", read.fields_whole);
    read_clauses(table, read);
    read.page_min = table.integer<std::uint32_t>("page_min", {1, 100'000}, read.page_min);
    read.page_max = table.integer<std::uint32_t>("page_max", {1, 100'000}, read.page_max);
    if (read.page_min > read.page_max) table.problem("page_min", "must not be over page_max");
    const bool told = !is_keyset(read.next);
    if (told && read.next_path.empty())
        table.problem("next_path", "must say where the reply tells");
    if (!told && !read.resume_path.empty()) {
        table.problem("resume_path", "is for `next` by url or token");
    }
    return read;
}

/// Where a batch's request has its records: in the body, or in one parameter.
void place_each(TomlReader& table, BatchSpec& batch) {
    const auto in_query = std::ranges::count_if(
        batch.request.query, [](const auto& one) { return one.second.uses("each"); });
    batch.each_in_query = in_query > 0;
    if (in_query + (batch.request.body.uses("each") ? 1 : 0) != 1) {
        table.problem("each",
                      "must stand once, as {each} in the body or in a parameter of `query`");
    }
}

void read_batch_reply(TomlReader reply, BatchSpec& batch) {
    batch.results = reply.text("results", "");
    batch.by = reply.text("by", "");
    batch.ordered = reply.boolean("ordered", batch.ordered);
    if (!batch.ordered && batch.by.empty()) {
        reply.problem("by",
                      "must say which record a result is of, or `ordered` be true: without it a "
                      "failure would be told of the wrong record, so write them singly");
    }
    batch.errors = reply.text("errors", "");
    batch.errors_by = reply.text("errors_by", "");
    if (batch.errors.empty() != batch.errors_by.empty()) {
        reply.problem("errors_by", "must be set with `errors`, and only with it");
    }
    if (batch.ordered && !batch.errors.empty()) {
        reply.problem("errors", "is for results that are not `ordered`");
    }
    batch.success = reply.text("success", "");
    batch.status = reply.text("status", "");
    batch.body = reply.text("body", "");
}

/// `[update.batch]` and its kin.
std::optional<BatchSpec> read_batch(TomlReader& of, std::string_view method) {
    auto table = of.optional_table("batch");
    if (!table) return std::nullopt;
    BatchSpec batch;
    batch.max = table->integer<std::size_t>("max", {2, 10'000});
    batch.request = request_of(*table, method);
    batch.request.tells_each = true;
    batch.each = template_of(*table, "each");
    place_each(*table, batch);
    if (batch.key_name() == "marker" && !batch.each.uses("marker")) {
        table->problem("each", "must have {id}, {marker} or {ref}");
    }
    read_batch_reply(table->table("reply"), batch);
    return batch;
}

LookupSpec read_lookup(TomlReader& table, std::string_view path_key) {
    LookupSpec lookup;
    lookup.request = request_of(table, "GET");
    lookup.record = table.text(path_key, "");
    return lookup;
}

void put(NamedTemplates& into, NamedTemplates more) {
    for (auto& [name, text] : more) {
        const auto at = std::ranges::find(into, name, &NamedTemplates::value_type::first);
        if (at == into.end()) {
            into.emplace_back(name, std::move(text));
        } else {
            at->second = std::move(text);
        }
    }
}

/// `[create.on_backfill]` and its kin: what is added to the request, or takes the place of it.
std::optional<RequestSpec> read_on_backfill(TomlReader& table, const RequestSpec& request) {
    auto more = table.optional_table("on_backfill");
    if (!more) return std::nullopt;
    RequestSpec spec = request;
    put(spec.query, named_templates(more->table("query")));
    put(spec.headers, named_templates(more->table("headers")));
    if (more->has("body")) spec.body = template_of(*more, "body", "");
    return spec;
}

constexpr std::string_view kEtag[] = {"etag"};

/// Of a record that is there.
WriteSpec read_write(TomlReader table, std::string_view method, std::string_view body,
                     std::span<const std::string_view> more = {}) {
    WriteSpec write;
    write.request = request_of(table, method, body, more);
    write.conditional = std::ranges::any_of(
        write.request.headers, [](const auto& header) { return header.second.uses("etag"); });
    write.marker_in_body = table.boolean("marker_in_body", write.marker_in_body);
    write.id_path = table.text("id_path", "");
    write.id_in_location = table.boolean("id_in_location", false);
    write.record_path = table.text("record_path", "");
    write.created_path = table.text("created_path", "");
    write.on_backfill = read_on_backfill(table, write.request);
    return write;
}

/// The same, of what may be written in batches.
WriteSpec read_batched_write(TomlReader table, std::string_view method, std::string_view body,
                             std::span<const std::string_view> more = {}) {
    WriteSpec write = read_write(table, method, body, more);
    write.batch = read_batch(table, write.request.method);
    if (!write.batch) return write;
    if (write.conditional) {
        table.problem("batch",
                      "cannot say which version each record must have, which the {etag} in a "
                      "header does: leave out one of them");
    }
    write.batch->on_backfill = read_on_backfill(table, write.batch->request);
    if (auto more_of = table.optional_table("on_backfill"); more_of && more_of->has("body")) {
        more_of->problem("body", "has no place in a batch: say it in `headers` or `query`");
    }
    return write;
}

/// "401", "5xx", "500-504".
bool parse_statuses(std::string_view text, ErrorRule::Statuses& statuses) {
    if (text.size() == 3 && text.substr(1) == "xx" && text[0] >= '1' && text[0] <= '5') {
        statuses.from = (text[0] - '0') * 100;
        statuses.to = statuses.from + 99;
        return true;
    }
    const auto dash = text.find('-');
    const auto number = [](std::string_view digits, int& value) {
        const char* const end = digits.data() + digits.size();
        const auto [at, status] = std::from_chars(digits.data(), end, value);
        return status == std::errc{} && at == end && value >= 100 && value <= 599;
    };
    if (!number(text.substr(0, dash), statuses.from)) return false;
    statuses.to = statuses.from;
    return dash == std::string_view::npos || number(text.substr(dash + 1), statuses.to);
}

ErrorRule read_rule(TomlReader table) {
    ErrorRule rule;
    const auto statuses = table.texts("status", {});
    for (std::size_t i = 0; i < statuses.size(); ++i) {
        ErrorRule::Statuses range;
        if (!parse_statuses(statuses[i], range)) {
            table.problem("status", i, "must be like \"401\", \"5xx\" or \"500-504\"");
        }
        rule.statuses.push_back(range);
    }
    rule.codes = table.texts("code", {});
    rule.texts = table.texts("text", {});
    rule.meaning = table.choice("class", kErrorClasses);
    return rule;
}

AskSpec read_ask(TomlReader& in, const std::string& name, std::string_view method,
                 std::string_view body) {
    AskSpec ask{.name = name, .request = request_of(in, method, body)};
    ask.root = in.text("root", "");
    TomlReader reply = in.table("reply");
    for (const std::string& field : reply.keys()) {
        ask.reply.emplace_back(field, reply.text(field));
    }
    return ask;
}

/// In the order of names; takes the place of one of the same name.
template <class Spec>
void put(std::vector<Spec>& specs, Spec spec) {
    const auto at = std::ranges::lower_bound(specs, spec.name, {}, &Spec::name);
    if (at != specs.end() && at->name == spec.name) {
        *at = std::move(spec);
    } else {
        specs.insert(at, std::move(spec));
    }
}

ErrorSpec read_errors(TomlReader table) {
    ErrorSpec errors;
    errors.code_paths = table.texts("code_paths", {});
    errors.message_paths = table.texts("message_paths", {});
    errors.inside_paths = table.texts("inside_paths", {});
    errors.success_path = table.text("success_path", "");
    for (TomlReader& rule : table.tables("rules")) errors.rules.push_back(read_rule(rule));
    errors.pause_default = table.seconds("pause_default_s", {0, 86'400}, seconds{0});
    errors.pause_max = table.seconds("pause_max_s", {1, 86'400}, seconds{3'600});
    errors.reset_header = table.text("reset_header", "");
    errors.reset_is_unix = table.choice("reset_kind", kResetKinds, errors.reset_is_unix);
    return errors;
}

PushSpec read_push(TomlReader table) {
    static constexpr TomlReader::Choice<int> kKinds[] = {{"cometd", 0}};
    static constexpr std::string_view kEvent[] = {"event"};
    std::ignore = table.choice("kind", kKinds);
    PushSpec push;
    push.path = template_of(table, "path");
    if (!table.text("path").starts_with('/')) table.problem("path", "must begin with a /");
    push.channel = template_of(table, "channel", "", kEvent);
    if (!table.text("channel").starts_with('/')) table.problem("channel", "must begin with a /");
    TomlReader names = table.table("event_names");
    for (const std::string& ending : names.keys()) {
        push.event_names.emplace_back(ending, names.text(ending));
    }
    push.wait = table.milliseconds("wait_ms", {1'000, 600'000}, milliseconds{110'000});
    push.fetches_max = table.integer<std::size_t>("fetches_max", {0, 10'000}, push.fetches_max);
    push.native = table.text("native");
    push.ids = table.text("ids");
    push.replay_id = table.text("replay_id", "");
    push.change = table.text("change", "");
    push.origin = table.text("origin", "");
    push.key = table.text("key", push.key);
    push.read_when = table.texts("read_when", {});
    push.gaps = table.texts("gaps", {});
    push.own_origins = table.texts("own_origins", {});
    push.replay_lost = table.texts("replay_lost", {});
    push.failure_path = table.text("failure_path", "");
    if (push.origin.empty() && !push.own_origins.empty()) {
        table.problem("own_origins", "needs `origin`, the path of what is compared");
    }
    if (push.change.empty() && !(push.read_when.empty() && push.gaps.empty())) {
        table.problem("change", "must say where `read_when` and `gaps` are found");
    }
    return push;
}

void read_http(TomlReader table, Profile& profile) {
    profile.timeout = table.milliseconds("timeout_ms", {10, 600'000}, milliseconds{60'000});
    profile.connect_timeout =
        table.milliseconds("connect_timeout_ms", {10, 120'000}, milliseconds{10'000});
    profile.response_bytes_max =
        table.integer<std::size_t>("response_bytes_max", {1'024, 256 << 20}, 16 << 20);
    profile.probe.path = template_of(table, "probe", "/");
    profile.clock_difference_max =
        table.seconds("clock_difference_max_s", {1, 31'536'000}, seconds{86'400});
    profile.headers = named_templates(table.table("headers"));
}

BoxForm::Names read_names(TomlReader table) {
    BoxForm::Names names;
    for (const std::string& key : table.keys()) names.emplace_back(key, table.text(key));
    return names;
}

/// What a platform makes an object of, as JSON has no type for it.
void read_box(TomlReader& values, NativeType type, Profile& profile) {
    auto table = values.optional_table(name_of(type));
    if (!table) return;
    BoxForm& box = profile.boxes[type];
    if (type == NativeType::kDecimal) {
        box.at = table->text("path");
    } else {
        box.parts = read_names(table->table("parts"));
        if (auto good = check_parts(box.parts); !good) table->problem("parts", good.error().what);
    }
    box.with = read_names(table->table("with"));
}

void read_values(TomlReader table, Profile& profile) {
    profile.literal = table.choice("literal", kLiterals, profile.literal);
    profile.key = table.text("key");
    profile.changed = table.text("changed");
    profile.changed_format = time_format(table, "changed_format", "");
    profile.marker = table.text("marker", "");
    profile.marker_write_path = table.text("marker_write_path", "");
    for (const NativeType type :
         {NativeType::kDecimal, NativeType::kDate, NativeType::kTimestamp}) {
        read_box(table, type, profile);
    }
    profile.text_only = table.boolean("text_only", profile.text_only);
    profile.trim = table.boolean("trim", profile.trim);
    profile.false_is_null = table.boolean("false_is_null", profile.false_is_null);
    profile.timestamp_format = time_format(table, "timestamp_format", "");
    profile.timestamp_decimals = table.integer<int>("timestamp_decimals", {-1, 9}, -1);
}

void read_lookups_and_writes(TomlReader& root, Profile& profile) {
    TomlReader fetch = root.table("fetch");
    profile.fetch = read_lookup(fetch, "record");
    profile.fetch.etag = fetch.text("etag", "");
    profile.fetch.batch = read_batch(fetch, "POST");
    if (auto table = root.optional_table("find")) {
        profile.has_find = true;
        profile.find = read_lookup(*table, "records");
    }
    if (auto table = root.optional_table("upsert")) {
        profile.has_upsert = true;
        profile.upsert = read_batched_write(*table, "PATCH", "{values}");
    }
    TomlReader create = root.table("create");
    profile.create = read_write(create, "POST", "{values}");
    if (create.has("batch")) {
        create.key_problem("batch",
                           "is nothing that we do: of a batch that is not answered nobody could "
                           "say which records it made. [upsert.batch] makes each once");
    }
    profile.update = read_batched_write(root.table("update"), "PATCH", "{values}", kEtag);
    profile.remove = read_batched_write(root.table("delete"), "DELETE", "", kEtag);
    profile.read_back_lag = root.milliseconds("read_back_lag_ms", {0, 600'000}, milliseconds{0});
}

Profile read_profile(TomlReader& root) {
    Profile profile;
    profile.name = root.text("name");
    profile.summary = root.text("summary", "");
    profile.api = root.text("api", "");
    read_http(root.table("http"), profile);
    read_values(root.table("values"), profile);
    profile.auth = read_auth(root.table("auth"));
    if (auto table = root.optional_table("probe")) {
        profile.probe = request_of(*table, "GET");
        for (TomlReader& holds : table->tables("holds")) {
            profile.probe_holds.push_back(
                {holds.text("path"), holds.texts("values"), holds.text("otherwise")});
        }
    }
    profile.errors = read_errors(root.table("errors"));
    profile.quota = read_quota(root.table("quota"));
    profile.read = read_reading(root.table("read"));
    if (auto table = root.optional_table("deletes")) {
        profile.has_deletes = true;
        profile.deletes = read_reading(*table);
        profile.deletes.id_path = table->text("id_path");
        profile.deletes.stamp_path = table->text("stamp_path");
    }
    read_lookups_and_writes(root, profile);
    if (auto table = root.optional_table("push")) profile.push = read_push(*table);
    read_asks(root.table("asks"), profile.asks);
    read_operations(root.table("operations"), profile.operations);
    return profile;
}

Result<Profile> checked(Result<TomlReader> root) {
    if (!root) return fail(root.error());
    Profile profile = read_profile(*root);
    if (const auto done = root->finish(); !done) return fail(done.error());
    return profile;
}

}  // namespace

AuthKind read_auth_kind(TomlReader& table, AuthKind fallback) {
    static constexpr TomlReader::Choice<AuthKind> kKinds[] = {
        {"none", AuthKind::kNone},
        {"basic", AuthKind::kBasic},
        {"bearer", AuthKind::kBearer},
        {"api_key", AuthKind::kApiKey},
        {"oauth2_client_credentials", AuthKind::kClientCredentials},
        {"oauth2_password", AuthKind::kPassword},
        {"oauth2_jwt_bearer", AuthKind::kJwtBearer},
        {"oauth2_refresh_token", AuthKind::kRefreshToken},
        {"session", AuthKind::kSession},
        {"oauth1", AuthKind::kOauth1},
    };
    return table.choice("kind", kKinds, fallback);
}

void read_asks(TomlReader table, std::vector<AskSpec>& asks) {
    for (const std::string& name : table.keys()) {
        TomlReader in = table.table(name);
        put(asks, read_ask(in, name, "GET", ""));
    }
}

void read_operations(TomlReader table, std::vector<OperationSpec>& operations) {
    for (const std::string& name : table.keys()) {
        TomlReader in = table.table(name);
        OperationSpec operation{.name = name, .call = read_ask(in, name, "POST", "{values}")};
        operation.idempotent = in.boolean("idempotent", operation.idempotent);
        if (auto find = in.optional_table("find")) {
            operation.find = read_ask(*find, name, "GET", "");
            if (operation.idempotent) {
                in.problem("find", "is never used of what is `idempotent`; leave out one of them");
            }
        }
        put(operations, std::move(operation));
    }
}

Result<Profile> load_profile(const std::filesystem::path& file) {
    return checked(TomlReader::load(file));
}

Result<Profile> parse_profile(std::string_view text, std::string_view file) {
    return checked(TomlReader::parse(text, file));
}

}  // namespace syncline::agent::rest
