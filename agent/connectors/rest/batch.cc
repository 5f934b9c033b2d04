#include "agent/connectors/rest/batch.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "agent/core/value_path.h"
#include "shared/base/json.h"

namespace syncline::agent::rest {
namespace {

/// What a reply calls a record, for people.
std::string named(std::string_view id) {
    std::string out = "`";
    for (const char c : id.substr(0, 64)) {
        const auto byte = static_cast<unsigned char>(c);
        out += byte < 0x20 || byte >= 0x7f ? '?' : c;
    }
    return out + "`";
}

const Value::List* list_at(const Value& reply, const std::string& path) {
    const Value* const found = at_path(reply, path);
    return found == nullptr ? nullptr : found->get<Value::List>();
}

Part doubted(std::string why) {
    return {.told = nullptr, .is_failure = false, .why = std::move(why)};
}

void attribute_in_order(const BatchSpec& spec, const Value& reply,
                        std::span<const std::string> keys, Parts& parts) {
    const Value::List* const results = list_at(reply, spec.results);
    const auto doubt_all = [&](const std::string& why) {
        parts.each.assign(keys.size(), doubted(why));
    };
    if (results == nullptr || results->size() != keys.size()) {
        return doubt_all("the reply has " + std::to_string(results ? results->size() : 0) +
                         " results for " + std::to_string(keys.size()) + " records");
    }
    for (std::size_t i = 0; i < keys.size(); ++i) {
        const std::string told = text_at((*results)[i], spec.by);
        if (!told.empty() && told != keys[i]) {
            return doubt_all("the reply tells of " + named(told) + " in the place of " +
                             named(keys[i]) + ", so its order says nothing");
        }
        parts.each[i].told = &(*results)[i];
    }
}

/// Results that say themselves whose they are.
class ByKey {
public:
    ByKey(std::span<const std::string> keys, Parts& parts) : parts_(parts) {
        for (std::size_t i = 0; i < keys.size(); ++i) {
            if (!keys[i].empty()) places_.emplace(keys[i], i);
        }
        parts_.each.assign(keys.size(), doubted("the reply does not tell of this record"));
    }

    void take(const Value& result, const std::string& key, bool is_failure) {
        const auto place = places_.find(key);
        if (place == places_.end()) {
            parts_.notes.push_back(key.empty() ? "the reply tells of a record without saying which"
                                               : "the reply tells of " + named(key) +
                                                     ", which was not sent");
            return;
        }
        Part& part = parts_.each[place->second];
        part = told_.insert(place->second).second ? Part{&result, is_failure, {}}
                                                  : doubted("the reply tells of this record twice");
    }

private:
    Parts& parts_;
    std::map<std::string, std::size_t> places_;
    std::set<std::size_t> told_;
};

void attribute_by_key(const BatchSpec& spec, const Value& reply, std::span<const std::string> keys,
                      Parts& parts) {
    ByKey by_key{keys, parts};
    if (const Value::List* const results = list_at(reply, spec.results)) {
        for (const Value& result : *results) {
            by_key.take(result, text_at(result, spec.by), /*is_failure=*/false);
        }
    }
    const Value::List* const errors = spec.errors.empty() ? nullptr : list_at(reply, spec.errors);
    if (errors == nullptr) return;
    for (const Value& error : *errors) {
        const Value::List* const ids = list_at(error, spec.errors_by);
        if (ids == nullptr) {
            by_key.take(error, text_at(error, spec.errors_by), /*is_failure=*/true);
            continue;
        }
        for (const Value& id : *ids) {
            by_key.take(error, scalar_text(id).value_or(""), /*is_failure=*/true);
        }
        if (ids->empty()) by_key.take(error, "", /*is_failure=*/true);
    }
}

}  // namespace

Parts attribute(const BatchSpec& spec, const Value& reply, std::span<const std::string> keys) {
    Parts parts;
    parts.each.resize(keys.size());
    if (spec.ordered) {
        attribute_in_order(spec, reply, keys, parts);
    } else {
        attribute_by_key(spec, reply, keys, parts);
    }
    return parts;
}

Value body_of(const BatchSpec& spec, const Part& part) {
    const Value* const body = part.told == nullptr ? nullptr : at_path(*part.told, spec.body);
    return body == nullptr ? Value{} : *body;
}

std::optional<Failure> judge_part(const ErrorSpec& errors, const BatchSpec& spec, const Part& part,
                                  int status, Intent intent) {
    if (part.told == nullptr || part.told->is_null()) {
        const std::string why = part.told == nullptr ? part.why : "the result is null";
        return Failure{ErrorClass::kUnknown, {kind_of(ErrorClass::kUnknown, intent), why}, {}};
    }
    HttpResponse response;
    response.status = status;
    if (!spec.status.empty()) {
        const auto told = Decimal::parse(text_at(*part.told, spec.status));
        response.status = static_cast<int>(told ? told->to_int64().value_or(0) : 0);
    }
    const Value body = body_of(spec, part);
    response.body = to_json(body);
    const Value* const json = body.is_null() ? nullptr : &body;
    if (auto failure = judge(errors, response, json, intent)) return failure;
    const Value* const success = spec.success.empty() ? nullptr : at_path(*part.told, spec.success);
    const bool* const flag = success == nullptr ? nullptr : success->get<bool>();
    const bool confirmed = spec.success.empty() || (flag != nullptr && *flag);
    if (confirmed && !part.is_failure) return std::nullopt;
    return failure_of(errors, response, json, intent);
}

Result<std::string> render_each(const Profile& profile, const BatchSpec& spec,
                                std::span<const Variables> records) {
    std::string each;
    for (const Variables& record : records) {
        const auto one =
            spec.each_in_query
                ? spec.each.render(record, Context::kQuery, profile.literal)
                : spec.each.render(record, Context::kJson,
                                   spec.request.body_query ? profile.literal : Literal::kNone);
        if (!one) return fail(one.error(), "each");
        each += (each.empty() ? "" : ",") + *one;
    }
    return each;
}

std::string members_of(const Value::Map& values) {
    std::string out;
    for (const auto& [name, value] : values) {
        out += to_json(Value{name}) + ":" + to_json(value) + ",";
    }
    return out;
}

}  // namespace syncline::agent::rest
