#include "agent/init/answers.h"

#include <algorithm>
#include <utility>

#include "agent/connectors/rest/rest.h"
#include "shared/base/nearest_name.h"
#include "shared/policy/policy_toml.h"

namespace syncline::agent::init {
namespace {

using enum AnswerKind;

std::unexpected<Error> must(const std::string& what) {
    return fail(ErrorKind::kInvalid, "must be " + what);
}

Result<void> check_secret(std::string_view answer) {
    for (const std::string_view source : {"credential:", "file:", "env:"}) {
        if (answer.starts_with(source) && answer.size() > source.size()) return {};
    }
    return must(
        "credential:NAME, file:PATH or env:NAME, which say where the secret stands; the secret "
        "itself belongs into no file of settings, and is not asked for");
}

std::string list_of(const std::vector<std::string>& names) {
    std::string text;
    for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
    return text;
}

Question secret(std::string key, std::string text) {
    const std::string name = key.substr(key.rfind('.') + 1);
    return {.key = std::move(key),
            .text = std::move(text),
            .kind = kSecret,
            .fallback = "credential:secret_" + name};
}

std::vector<Question> database_questions(const char* tls_ca_text) {
    Question password =
        secret("connector.password", "Where the user's password stands, if it has one");
    password.required = false;
    return {
        {"connector.host", "Host of the database, or the path of its Unix socket"},
        {"connector.database", "Name of the database"},
        {.key = "connector.user", .text = "The user that reads and writes", .fallback = "syncline"},
        std::move(password),
        {.key = "connector.tls",
         .text = "How the connection is secured; a Unix socket needs nothing",
         .fallback = "verify-full",
         .implied = true,
         .choices = {"verify-full", "require", "disable"}},
        {.key = "connector.tls_ca", .text = tls_ca_text, .required = false}};
}

std::vector<Question> webhook_questions() {
    return {
        {.key = "connector.listen",
         .text = "Address and port that pushes come to, behind a proxy that ends TLS",
         .fallback = "127.0.0.1:8090"},
        {.key = "connector.route.path", .text = "Path of the pushes", .fallback = "/hooks"},
        {.key = "connector.route.signature",
         .text = "How the platform signs them",
         .fallback = "standard",
         .choices = {"standard", "github", "hubspot_v3", "zendesk", "frappe"}},
        secret("connector.route.key", "Where the key of the signature stands"),
        {.key = "connector.route.complete",
         .text = "Does a push hold every mapped field? Needed where nothing else can fetch",
         .kind = kPlain,
         .fallback = "true",
         .choices = {"true", "false"}},
    };
}

const char* name_of(rest::AuthKind kind) {
    switch (kind) {
        case rest::AuthKind::kNone: return "none";
        case rest::AuthKind::kBasic: return "basic";
        case rest::AuthKind::kBearer: return "bearer";
        case rest::AuthKind::kApiKey: return "api_key";
        case rest::AuthKind::kClientCredentials: return "oauth2_client_credentials";
        case rest::AuthKind::kPassword: return "oauth2_password";
        case rest::AuthKind::kJwtBearer: return "oauth2_jwt_bearer";
        case rest::AuthKind::kRefreshToken: return "oauth2_refresh_token";
        case rest::AuthKind::kSession: return "session";
        case rest::AuthKind::kOauth1: return "oauth1";
    }
    return "none";
}

const char* native_text(std::string_view kind) {
    if (kind == "file") return "Files whose names begin so hold it; * takes every file";
    if (kind == "rest" || kind == "webhook") return "The platform's own name of it: a resource";
    if (kind == "exec") return "The program's own name of it";
    return "The table that holds it";
}

}  // namespace

Result<void> check_answer(const Question& question, std::string_view answer) {
    if (!question.required && answer == kNone) return {};
    if (!question.choices.empty()) {
        const auto& choices = question.choices;
        if (std::ranges::find(choices, answer) != choices.end()) return {};
        return must("one of " + list_of(choices) + did_you_mean(answer, choices));
    }
    for (const char c : answer) {
        if (static_cast<unsigned char>(c) < 0x20) return must("without control characters");
    }
    switch (question.kind) {
        case kName:
            if (is_policy_name(answer)) return {};
            return must(
                "a name as the policy has it: small letters, digits and `_`, a letter "
                "first, 64 at most");
        case kUrl:
            if ((answer.starts_with("https://") || answer.starts_with("http://")) &&
                answer.find_first_of("?#@ ") == std::string_view::npos) {
                return {};
            }
            return must("like https://host[:port][/path]");
        case kSecret: return check_secret(answer);
        default: break;
    }
    return answer.empty() && question.required ? must("answered") : Result<void>{};
}

void Answers::set(Answer answer) {
    const auto at = std::ranges::find(all_, answer.key, &Answer::key);
    if (at == all_.end()) {
        all_.push_back(std::move(answer));
    } else {
        *at = std::move(answer);
    }
}

void Answers::drop(std::string_view key) {
    std::erase_if(all_, [&](const Answer& answer) { return answer.key == key; });
}

const Answer* Answers::find(std::string_view key) const {
    const auto at = std::ranges::find(all_, key, &Answer::key);
    return at == all_.end() ? nullptr : &*at;
}

std::string Answers::value(std::string_view key) const {
    const Answer* const answer = find(key);
    return answer == nullptr ? "" : answer->value;
}

std::vector<std::string> Answers::names_below(std::string_view key) const {
    const std::string begin = std::string{key} + ".";
    std::vector<std::string> names;
    for (const Answer& answer : all_) {
        if (!answer.key.starts_with(begin)) continue;
        std::string name = answer.key.substr(begin.size());
        name.resize(std::min(name.size(), name.find('.')));
        if (std::ranges::find(names, name) == names.end()) names.push_back(std::move(name));
    }
    return names;
}

Question platform_question(std::string fallback) {
    return {.key = "platform",
            .text = "The platform's name in the policy",
            .kind = kName,
            .fallback = std::move(fallback)};
}

std::vector<Question> agent_questions(const std::string& platform) {
    return {{.key = "store",
             .text = "The one file that this agent keeps; relative to this file",
             .fallback = "/var/lib/syncline/" + platform + ".db"},
            {.key = "nats.urls",
             .text = "Servers of NATS, blanks between",
             .kind = kWords,
             .fallback = "nats://127.0.0.1:4222"},
            {.key = "nats.credentials_file",
             .text = "File of the agent's credentials at NATS",
             .required = false}};
}

std::vector<Question> connector_questions(std::string_view kind) {
    if (kind == "rest") {
        return {{"connector.base_url", "Address of the platform, such as https://acme.example.com",
                 kUrl}};
    }
    if (kind == "mariadb" || kind == "postgres") {
        return database_questions("PEM file of who signed the database's certificate");
    }
    if (kind == "sqlite") return {{"connector.file", "The database's file, which must be there"}};
    if (kind == "file") {
        return {{"connector.directory", "The folder; in/ and out/ are made below it"}};
    }
    if (kind == "exec") {
        return {{"connector.command", "The program and its words, blanks between", kWords}};
    }
    return webhook_questions();
}

Question auth_question(rest::AuthKind profile_kind) {
    return {.key = "connector.auth.kind",
            .text = "How to log in",
            .fallback = name_of(profile_kind),
            .implied = true,
            .choices = {"none", "basic", "bearer", "api_key", "oauth2_client_credentials",
                        "oauth2_password", "oauth2_jwt_bearer", "oauth2_refresh_token", "session",
                        "oauth1"}};
}

std::vector<Question> credential_questions(std::string_view auth_kind,
                                           const rest::Profile& profile) {
    std::vector<Question> questions;
    for (int kind = 0; kind <= static_cast<int>(rest::AuthKind::kOauth1); ++kind) {
        if (name_of(static_cast<rest::AuthKind>(kind)) != auth_kind) continue;
        rest::AuthSpec auth;
        auth.kind = static_cast<rest::AuthKind>(kind);
        if (auth.fetches_token()) {
            questions.push_back({.key = "connector.auth.token_url",
                                 .text = "Where tokens are fetched, absolute or below the address",
                                 .fallback = profile.auth.token_url,
                                 .implied = true});
        }
        if (auth.kind == rest::AuthKind::kJwtBearer) {
            questions.push_back({.key = "connector.auth.audience",
                                 .text = "Whom the assertion is for: the server of tokens",
                                 .fallback = profile.auth.jwt.audience,
                                 .implied = !profile.auth.jwt.audience.empty()});
        }
        for (const rest::CredentialKey& one : rest::credentials_of(auth.kind)) {
            const std::string key = "connector.auth." + std::string{one.key};
            if (one.is_secret) {
                questions.push_back(secret(key, "Where the " + std::string{one.text} + " stands"));
            } else {
                questions.push_back({key, "The " + std::string{one.text}});
            }
        }
    }
    return questions;
}

std::vector<Question> object_questions(std::string_view kind, const std::string& object,
                                       const rest::Profile* profile) {
    const std::string at = "objects." + object + ".";
    const bool implied = profile != nullptr;
    const auto of_profile = [&](const std::string rest::Profile::*member) {
        return implied ? profile->*member : std::string{};
    };
    std::vector<Question> questions{{at + "native", native_text(kind)},
                                    {.key = at + "key",
                                     .text = "Path of a record's id",
                                     .fallback = of_profile(&rest::Profile::key),
                                     .implied = implied}};
    if (kind != "file" && kind != "webhook") {
        questions.push_back({.key = at + "marker",
                             .text = "Path of a field that may hold Syncline's id of the entity, "
                                     "so that nothing is made twice",
                             .fallback = of_profile(&rest::Profile::marker),
                             .required = false,
                             .implied = implied});
    }
    if (kind == "rest" || kind == "mariadb" || kind == "sqlite") {
        // A database that has triggers needs none; what is missing is then told at the end.
        questions.push_back({.key = at + "changed",
                             .text = "Path of the stamp of the last change",
                             .fallback = of_profile(&rest::Profile::changed),
                             .required = kind == "rest",
                             .implied = implied});
    }
    return questions;
}

}  // namespace syncline::agent::init
