#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/connectors/rest/quota.h"
#include "agent/connectors/rest/template.h"
#include "agent/core/mapping.h"
#include "shared/base/result.h"
#include "shared/base/timestamp.h"
#include "shared/base/toml_reader.h"

namespace syncline::agent::rest {

/// How one kind of platform is spoken to: a checked TOML profile. README.md is its reference; every
/// member below is described there under the same name.

enum class AuthKind : std::uint8_t {
    kNone,
    kBasic,
    kBearer,
    kApiKey,
    kClientCredentials,
    kPassword,
    kJwtBearer,  ///< RFC 7523: an assertion signed by our key.
    kRefreshToken,
    kSession,  ///< `login` opens it.
    kOauth1,   ///< Each request is signed.
};

using NamedTemplates = std::vector<std::pair<std::string, Template>>;

/// One kind of request.
struct RequestSpec {
    std::string method = "GET";
    Template path;
    NamedTemplates query;
    NamedTemplates headers;
    Template body;            ///< Empty: no body.
    bool body_query = false;  ///< It holds a query: values in it are escaped as such, too.
    Duration timeout{0};      ///< Zero: the profile's.
    bool tells_each = false;  ///< A 2xx says of each record whether it is a success.
};

/// What a reply must say (`[[probe.holds]]`), and what is wrong where it says something else.
struct Condition {
    std::string path;
    std::vector<std::string> values;
    std::string otherwise;
};

/// Several records in one request (`[update.batch]` and its kin), and how the reply tells of each.
struct BatchSpec {
    std::size_t max = 0;  ///< Records.
    RequestSpec request;  ///< `{each}` in it is what `each` makes of every record, by comma.
    /// The request of commands that come of a backfill; empty: the same.
    std::optional<RequestSpec> on_backfill;
    Template each;
    bool each_in_query = false;  ///< In a parameter; else in the body.
    std::string results;         ///< Path of a list in the reply; empty: the reply itself.
    std::string by;              ///< Path in a result of what it is about; see key_name().
    bool ordered = false;        ///< The list has one for each record, in their order.
    std::string errors;          ///< Path of another list in the reply: failures.
    std::string errors_by;       ///< Path in one of them of what it is about: one, or a list.
    std::string success;         ///< Path in a result: nothing but true is a success.
    std::string status;          ///< Path in a result: what would be the status of a single reply.
    std::string body;            ///< Path in a result: what would be its body.

    /// The value that `by` and `errors_by` tell.
    [[nodiscard]] std::string_view key_name() const {
        return each.uses("ref") ? "ref" : each.uses("id") ? "id" : "marker";
    }
};

struct AuthSpec {
    AuthKind kind = AuthKind::kNone;
    std::string header = "X-Api-Key";  ///< kApiKey, kSession.
    std::string prefix;                ///< The same: before the key.
    RequestSpec login;                 ///< kSession.
    Template session;                  ///< kSession: made of the login's reply; empty: no header.
    bool session_base64 = false;
    bool cookies = false;  ///< kSession: those that the login set are sent with each request.
    /// What each request that is no GET must carry against forgery: a token, asked for by a GET of
    /// this path, and the cookies that came with it. Empty path: nothing.
    RequestSpec csrf;
    std::string csrf_header = "x-csrf-token";
    struct Jwt {
        std::string audience;  ///< kJwtBearer: `aud`.
        Duration lifetime = std::chrono::seconds{120};
        std::vector<std::pair<std::string, std::string>> claims;  ///< Beside iss, sub, aud, exp.
    } jwt;
    std::string token_url;        ///< Absolute, or a path below the base URL.
    bool client_in_body = false;  ///< Client id and secret in the form, not as Basic.
    std::string scope;
    std::string token_path = "access_token";
    std::string expires_path = "expires_in";  ///< Seconds; absent in a reply: until refused.
    std::string base_url_path;                ///< Where the reply names another base URL.
    Duration expiry_margin = std::chrono::seconds{30};
    Duration denied_pause = std::chrono::seconds{300};

    /// By a token or session that is fetched first, and again when it has ended.
    [[nodiscard]] bool is_fetched() const { return fetches_token() || kind == AuthKind::kSession; }
    [[nodiscard]] bool fetches_token() const {
        return kind >= AuthKind::kClientCredentials && kind <= AuthKind::kRefreshToken;
    }
};

enum class NextPage : std::uint8_t {
    kKeyset,  ///< The next query begins after the last row's (stamp, id).
    kId,      ///< The same by the id alone, where stamps are told coarser than they are kept.
    kUrl,     ///< The reply holds the next page's URL; the keyset is only for a restart.
    kToken,   ///< The reply holds a token for {page.token}.
    kLink,    ///< Keyset; a `Link` header with rel="next" says that an empty page is not the end.
};

/// Does the last row say where to go on?
[[nodiscard]] inline bool is_keyset(NextPage next) {
    return next != NextPage::kUrl && next != NextPage::kToken;
}

/// How the records of an object that changed are read, page by page.
struct ReadSpec {
    RequestSpec request;
    std::string records;  ///< Path of the list of records in the reply; empty: the reply itself.
    NextPage next = NextPage::kKeyset;
    std::string next_path;         ///< kUrl, kToken.
    bool short_page_ends = false;  ///< kKeyset: a page that is not full is the last one.
    std::string deleted_path;      ///< True in a record that is deleted, or of `deleted_values`.
    std::vector<std::string> deleted_values;
    /// kUrl, kToken: where a page tells what the next pass begins with, so that none has a window.
    std::string resume_path;
    std::string end_path;       ///< True in the last page, though it tells a next one.
    std::string fields_below;   ///< Part of the fields' paths that {fields} leaves out.
    bool fields_whole = false;  ///< {fields} has only the first part of each path.
    Template where;             ///< Around a {clause} that is not empty.
    Template filter_and;        ///< Around the object's own {filter}, in clauses.
    Template all, all_after;    ///< Every record; the same, after the cursor.
    Template from, after;       ///< Changed in [from, until); the same, after the cursor.
    std::string stamp_format = "%Y-%m-%dT%H:%M:%SZ";
    Duration resolution = std::chrono::seconds{1};  ///< Of stamps.
    Duration overlap = std::chrono::seconds{600};
    Duration safety = std::chrono::seconds{5};
    std::uint32_t page_min = 1;
    std::uint32_t page_max = 500;
    bool verify_window = false;
    // Of a feed of deletions only.
    std::string id_path;
    std::string stamp_path;

    /// Is there an order by which reading goes on behind the last row? Otherwise the platform's
    /// pages have one of their own, and a pass that loses its page begins again.
    [[nodiscard]] bool goes_by_row() const {
        if (!resume_path.empty()) return false;
        const auto names_row = [](const Template& clause) {
            return clause.uses("cursor.stamp") || clause.uses("cursor.id");
        };
        return is_keyset(next) || names_row(after) || names_row(all_after);
    }
};

struct LookupSpec {
    RequestSpec request;
    std::string record;  ///< Path of the record (fetch) or of the list of records (find).
    std::string etag;    ///< Path of its version in the record; empty: the reply's ETag.
    std::optional<BatchSpec> batch;  ///< Of a fetch; its results are records.
};

struct WriteSpec {
    RequestSpec request;
    /// A header has `{etag}`: the record is read first, and written only as long as it is the same.
    bool conditional = false;
    bool marker_in_body = false;
    std::string id_path;
    bool id_in_location = false;  ///< The last segment of the reply's Location is the id.
    std::string record_path;      ///< Empty: the reply does not hold the record.
    std::string created_path;     ///< Upsert: true if the record is new.
    /// The request of commands that come of a backfill; empty: the same.
    std::optional<RequestSpec> on_backfill;
    std::optional<BatchSpec> batch;
};

/// How a question is put (`[asks.NAME]`), and how the platform is asked for an operation.
struct AskSpec {
    std::string name;
    RequestSpec request;
    /// Where the reply holds each field of the output; empty: it holds them by their names.
    std::vector<std::pair<std::string, std::string>> reply;
    std::string root;  ///< Path of what `reply` starts from; empty: the reply itself.
};

/// How an operation is carried out (`[operations.NAME]`).
struct OperationSpec {
    std::string name;
    AskSpec call;
    bool idempotent = false;  ///< The platform knows it by {idempotency_key}, or it is in itself.
    std::optional<AskSpec> find;  ///< How to find out whether it was.
};

/// How the platform says by itself what changed: Bayeux (CometD) by long polling.
struct PushSpec {
    Template path;     ///< Where all messages go.
    Template channel;  ///< Of an object; {event} is what `event_names` make of {native}.
    /// The longest ending of {native} that is here is replaced.
    std::vector<std::pair<std::string, std::string>> event_names;
    Duration wait = std::chrono::seconds{110};  ///< The longest answer, unless the server advises.
    std::size_t fetches_max = 50;  ///< Where more records are named at once, they are read.
    // Paths in the data of an event.
    std::string native;
    std::string ids;        ///< One id, or a list.
    std::string replay_id;  ///< Empty: the server cannot go back.
    std::string change;
    std::string origin;
    std::string key = "Id";                ///< Objects with another key are read.
    std::vector<std::string> read_when;    ///< Changes of which no record is named.
    std::vector<std::string> gaps;         ///< Changes that say nothing but the record.
    std::vector<std::string> own_origins;  ///< An origin that ends so is ourselves.
    std::vector<std::string> replay_lost;  ///< In an error: the replay id is of no use any more.
    std::string failure_path;              ///< In a message: a reason beside its `error`.
};

/// What an answer that is no success means, and so what may be done about it.
enum class ErrorClass : std::uint8_t {
    kRetry,      ///< Nothing happened: kUnavailable.
    kUnknown,    ///< kAmbiguous for a write, else kUnavailable.
    kThrottle,   ///< Nothing happened, pause: kThrottled.
    kAuth,       ///< Nothing happened; a new session may do.
    kDenied,     ///< Nothing happened; no session will do: kDenied.
    kForbidden,  ///< Not for this user: kInvalid for a write, kDenied for a read.
    kConflict,   ///< kConflict.
    kPermanent,  ///< kInvalid.
    kGone,       ///< kNotFound.
    kRestart,    ///< Reading: the page's URL or token is spent, go on from the keyset.
    kCsrf,       ///< Nothing happened; a new token against forgery may do.
};

struct ErrorRule {
    struct Statuses {
        int from = 0, to = 0;
    };
    std::vector<Statuses> statuses;  ///< Empty: any.
    std::vector<std::string> codes;  ///< One of them at a code path; empty: any.
    std::vector<std::string> texts;  ///< One of them within the reply's text; empty: any.
    ErrorClass meaning = ErrorClass::kPermanent;
};

struct ErrorSpec {
    std::vector<std::string> code_paths;
    std::vector<std::string> message_paths;
    std::vector<std::string> inside_paths;  ///< Present in a 2xx: it is an error after all.
    std::string success_path;               ///< Present and false in a 2xx: the same.
    std::vector<ErrorRule> rules;
    Duration pause_default = std::chrono::seconds{0};
    Duration pause_max = std::chrono::hours{1};
    std::string reset_header;   ///< Read if there is no Retry-After.
    bool reset_is_unix = true;  ///< Else seconds from now.
};

struct Profile {
    std::string name;
    std::string summary;  ///< One line for `syncline-agent init`.
    std::string api;
    Literal literal = Literal::kNone;
    Duration timeout = std::chrono::seconds{60};
    Duration connect_timeout = std::chrono::seconds{10};
    std::size_t response_bytes_max = 16u << 20;
    Duration read_back_lag{0};
    Duration clock_difference_max = std::chrono::hours{24};
    RequestSpec probe;
    std::vector<Condition> probe_holds;
    NamedTemplates headers;  ///< On every request but those for tokens.
    AuthSpec auth;
    QuotaSpec quota;
    ErrorSpec errors;
    ReadSpec read;
    bool has_deletes = false;
    ReadSpec deletes;
    LookupSpec fetch;
    bool has_find = false;
    LookupSpec find;
    bool has_upsert = false;
    WriteSpec create, update, remove, upsert;
    std::vector<AskSpec> asks;              ///< Sorted by name.
    std::vector<OperationSpec> operations;  ///< The same.
    std::optional<PushSpec> push;
    // Defaults of the object mappings.
    std::string key;
    std::string changed;
    std::string changed_format;
    std::string marker;
    std::string marker_write_path;
    std::map<NativeType, BoxForm> boxes;  ///< `[values.decimal]`, `[values.date]`, ...
    bool text_only = false;
    bool trim = false;
    bool false_is_null = false;
    std::string timestamp_format;
    int timestamp_decimals = -1;
};

/// `kind` of a table, by the names that README.md has.
[[nodiscard]] AuthKind read_auth_kind(TomlReader& table, AuthKind fallback);

/// The questions of a table, whose own take the place of those of the same name in `asks`.
void read_asks(TomlReader table, std::vector<AskSpec>& asks);

void read_operations(TomlReader table, std::vector<OperationSpec>& operations);

/// kInvalid: all problems, each with file:line:column. Also what TomlReader::load() says.
[[nodiscard]] Result<Profile> load_profile(const std::filesystem::path& file);
[[nodiscard]] Result<Profile> parse_profile(std::string_view text, std::string_view file);

}  // namespace syncline::agent::rest
