#include "hub/api/route.h"

#include <algorithm>
#include <charconv>

#include "shared/base/json.h"
#include "shared/base/nearest_name.h"
#include "shared/base/utf8.h"
#include "shared/http/percent_decode.h"
#include "shared/model/member.h"

namespace syncline::hub::api {
namespace {

using In = Parameter::In;
using Type = Parameter::Type;
using As = Parameter::As;

constexpr std::size_t kListMost = 1'000;

std::vector<std::string_view> segments_of(std::string_view path) {
    std::vector<std::string_view> out;
    path.remove_prefix(path.starts_with('/') ? 1 : 0);
    for (;;) {
        const auto slash = path.find('/');
        out.push_back(path.substr(0, slash));
        if (slash == std::string_view::npos) return out;
        path.remove_prefix(slash + 1);
    }
}

bool is_variable(std::string_view segment) { return segment.starts_with('{'); }
bool is_greedy(std::string_view segment) { return segment.ends_with("*}"); }
std::string_view name_of_variable(std::string_view segment) {
    return segment.substr(1, segment.size() - (is_greedy(segment) ? 3 : 2));
}

using Given = std::map<std::string, std::string, std::less<>>;

/// What stands at the variables of a template; nothing: the path is another.
std::optional<Given> match(const std::vector<std::string_view>& wanted,
                           const std::vector<std::string_view>& path) {
    Given given;
    if (path.size() < wanted.size()) return std::nullopt;
    const std::size_t extra = path.size() - wanted.size();  // Of the greedy one.
    std::size_t at = 0;
    for (const std::string_view segment : wanted) {
        if (!is_variable(segment)) {
            if (path[at++] != segment) return std::nullopt;
            continue;
        }
        std::string text = percent_decode(path[at++]);
        if (is_greedy(segment)) {
            for (std::size_t i = 0; i < extra; ++i) text += "/" + percent_decode(path[at++]);
        }
        if (text.empty()) return std::nullopt;
        given.emplace(name_of_variable(segment), std::move(text));
    }
    return at == path.size() ? std::optional{std::move(given)} : std::nullopt;
}

const Parameter* find(const Route& route, std::string_view name, In in) {
    const auto at = std::ranges::find_if(
        route.parameters, [&](const Parameter& one) { return one.in == in && one.name == name; });
    return at == route.parameters.end() ? nullptr : &*at;
}

std::vector<std::string> names_of(const Route& route, In in) {
    std::vector<std::string> names;
    for (const Parameter& one : route.parameters) {
        if (one.in == in) names.push_back(one.name);
    }
    return names;
}

/// Nothing in it can be wrong later: in a log, on a terminal, in a header.
std::string fault_of(const Parameter& parameter, const std::string& text) {
    if (text.size() > parameter.bytes_most) {
        return "is longer than " + std::to_string(parameter.bytes_most) + " bytes";
    }
    if (find_invalid_utf8(text) != std::string_view::npos) return "is no UTF-8";
    const bool control = std::ranges::any_of(
        text, [](unsigned char c) { return (c < 0x20 && c != '\n' && c != '\t') || c == 0x7F; });
    if (control) return "holds control characters";
    if (parameter.one_of.empty() ||
        std::ranges::find(parameter.one_of, text) != parameter.one_of.end()) {
        return {};
    }
    std::string all;
    for (const std::string& one : parameter.one_of) all += (all.empty() ? "" : ", ") + one;
    return "must be one of " + all + did_you_mean(text, parameter.one_of);
}

std::string fault_of(const Parameter& parameter, std::int64_t number) {
    if (number >= parameter.least && number <= parameter.most) return {};
    return "must be a whole number from " + std::to_string(parameter.least) +
           (parameter.most == std::numeric_limits<std::int64_t>::max()
                ? " on"
                : " to " + std::to_string(parameter.most));
}

/// The value of a text, as a query or a path has it.
Result<Value> value_of(const Parameter& parameter, const std::string& text) {
    switch (parameter.type) {
        case Type::kInteger: {
            std::int64_t number = 0;
            const auto [at, error] =
                std::from_chars(text.data(), text.data() + text.size(), number);
            if (error != std::errc{} || at != text.data() + text.size()) {
                return fail(ErrorKind::kInvalid, "must be a whole number");
            }
            if (auto fault = fault_of(parameter, number); !fault.empty()) {
                return fail(ErrorKind::kInvalid, fault);
            }
            return Value{number};
        }
        case Type::kBoolean:
            if (text != "true" && text != "false" && text != "1" && text != "0") {
                return fail(ErrorKind::kInvalid, "must be true or false");
            }
            return Value{text == "true" || text == "1"};
        default: break;
    }
    if (auto fault = fault_of(parameter, text); !fault.empty()) {
        return fail(ErrorKind::kInvalid, fault);
    }
    if (parameter.type == Type::kTexts) return Value{Value::List{Value{text}}};
    return Value{text};
}

std::string fault_of_list(const Parameter& parameter, const Value& value) {
    const auto* list = value.get<Value::List>();
    if (list == nullptr) return "must be a list of texts";
    if (list->size() > kListMost) return "has too many elements";
    for (const Value& one : *list) {
        const auto* text = one.get<std::string>();
        if (text == nullptr) return "must be a list of texts";
        if (auto fault = fault_of(parameter, *text); !fault.empty()) return fault;
    }
    return {};
}

std::string fault_of_map(const Parameter& parameter, const Value& value) {
    const auto* map = value.get<Value::Map>();
    if (map == nullptr) return "must be an object";
    if (map->size() > kListMost) return "has too many members";
    for (const auto& [name, one] : *map) {
        const bool odd = name.empty() || name.find('=') != std::string::npos;
        if (odd || !fault_of(Parameter{}, name).empty()) return "has a member that is no name";
        const auto* text = one.get<std::string>();
        if (parameter.type == Type::kFiles && text == nullptr) return "must be texts by name";
        if (parameter.type == Type::kFiles || text == nullptr) continue;
        if (auto fault = fault_of(parameter, *text); !fault.empty()) return fault;
    }
    return {};
}

/// Of a value as a body has it.
std::string fault_of(const Parameter& parameter, const Value& value) {
    switch (parameter.type) {
        case Type::kText: {
            const auto* text = value.get<std::string>();
            return text == nullptr ? "must be a text" : fault_of(parameter, *text);
        }
        case Type::kInteger: {
            const auto* number = value.get<std::int64_t>();
            return number == nullptr ? "must be a whole number" : fault_of(parameter, *number);
        }
        case Type::kBoolean:
            return value.get<bool>() == nullptr ? "must be true or false" : std::string{};
        case Type::kTexts: return fault_of_list(parameter, value);
        case Type::kMap:
        case Type::kFiles: return fault_of_map(parameter, value);
        case Type::kAny: break;
    }
    return {};
}

bool is_null(const Value& value) { return value == Value{}; }

}  // namespace

const char* name_of(Method method) { return method == Method::kGet ? "GET" : "POST"; }

std::string Call::text(std::string_view name) const {
    const auto at = given.find(name);
    if (at == given.end()) return {};
    return plain_text(at->second);
}

bool Call::names_one() const { return route->one_or_several && !text("entity").empty(); }

Result<Call> find_route(std::string_view method, std::string_view path) {
    const auto parts = segments_of(path);
    bool other_method = false;
    for (const Route& route : routes()) {
        auto given = match(segments_of(route.path), parts);
        if (!given) continue;
        if (method != name_of(route.method)) {
            other_method = true;
            continue;
        }
        Call call{.route = &route};
        for (const auto& [name, text] : *given) {
            const Parameter* parameter = find(route, name, In::kPath);
            auto value = value_of(parameter == nullptr ? Parameter{} : *parameter, text);
            if (!value) return fail(ErrorKind::kInvalid, "path." + name + " " + value.error().what);
            call.given.emplace(name, *std::move(value));
        }
        return call;
    }
    if (other_method) return fail(ErrorKind::kUnsupported, "another method is wanted there");
    return fail(ErrorKind::kNotFound, "there is nothing at that path; see /v1/openapi.json");
}

std::optional<Wrong> take_query(Call& call, std::string_view query) {
    const Route& route = *call.route;
    while (!query.empty()) {
        const std::string_view pair = query.substr(0, query.find('&'));
        query.remove_prefix(std::min(pair.size() + 1, query.size()));
        if (pair.empty()) continue;
        std::string text{pair};
        std::ranges::replace(text, '+', ' ');
        const auto equals = text.find('=');
        const std::string name = percent_decode(std::string_view{text}.substr(0, equals));
        const std::string said = equals == std::string::npos
                                     ? ""
                                     : percent_decode(std::string_view{text}.substr(equals + 1));
        const Parameter* parameter = find(route, name, In::kQuery);
        if (parameter == nullptr && route.takes_more) continue;
        if (parameter == nullptr) {
            return Wrong{"query", "`" + name.substr(0, 64) + "` is not known here" +
                                      did_you_mean(name, names_of(route, In::kQuery))};
        }
        if (said.empty()) continue;
        auto value = value_of(*parameter, said);
        if (!value) return Wrong{"query." + name, value.error().what};
        const auto [at, added] = call.given.try_emplace(name, *value);
        if (added) continue;
        if (parameter->type != Type::kTexts) return Wrong{"query." + name, "is there twice"};
        Value::List list = *at->second.get<Value::List>();
        if (list.size() == kListMost) return Wrong{"query." + name, "has too many elements"};
        list.push_back(value->get<Value::List>()->front());
        at->second = Value{std::move(list)};
    }
    return std::nullopt;
}

std::optional<Wrong> take_body(Call& call, std::string_view body) {
    const Route& route = *call.route;
    const bool any = std::ranges::any_of(
        route.parameters, [](const Parameter& one) { return one.type == Type::kAny; });
    const auto read = parse_json(body.empty() ? "{}" : body);
    if (!read) return Wrong{"body", read.error().what};
    const auto* map = read->get<Value::Map>();
    if (map == nullptr) return Wrong{"body", "must be a JSON object"};
    if (any) return std::nullopt;
    for (const auto& [name, value] : *map) {
        const Parameter* parameter = find(route, name, In::kBody);
        if (parameter == nullptr) {
            return Wrong{"body", "`" + name.substr(0, 64) + "` is not known here" +
                                     did_you_mean(name, names_of(route, In::kBody))};
        }
        if (is_null(value)) continue;
        if (auto fault = fault_of(*parameter, value); !fault.empty()) {
            return Wrong{"body." + name, fault};
        }
        if (parameter->type == Type::kFiles) {
            call.files = *value.get<Value::Map>();
        }
        call.given.insert_or_assign(name, value);
    }
    return std::nullopt;
}

std::optional<Wrong> check_required(const Call& call) {
    for (const Parameter& one : call.route->parameters) {
        if (!one.required || one.in == In::kPath) continue;
        const auto at = call.given.find(one.name);
        if (at != call.given.end() && at->second != Value{std::string{}}) continue;
        return Wrong{(one.in == In::kQuery ? "query." : "body.") + one.name, "is missing"};
    }
    if (!call.names_one()) return std::nullopt;
    for (const char* name : {"object", "kind"}) {
        if (call.text(name).empty()) {
            return Wrong{std::string{"body."} + name, "is missing beside `entity`"};
        }
    }
    return std::nullopt;
}

std::vector<std::string> words_of(const Call& call, const std::string& folder) {
    std::vector<std::string> words = call.route->words;
    std::vector<std::string> behind;
    if (call.names_one()) {
        behind = {call.text("object"), call.text("entity"), call.text("kind")};
    }
    for (const Parameter& one : call.route->parameters) {
        const bool names = one.name == "object" || one.name == "entity" || one.name == "kind";
        if (call.names_one() && names) continue;
        const auto at = call.given.find(one.name);
        const Value* value = at == call.given.end() ? nullptr : &at->second;
        if (one.as == As::kFlag) {
            const auto* flag = value == nullptr ? nullptr : value->get<bool>();
            const std::string& word = flag != nullptr && *flag ? one.option : one.otherwise;
            if (!word.empty()) words.push_back(word);
            continue;
        }
        if (value == nullptr || one.as == As::kNothing) continue;
        std::vector<std::string> texts;
        if (one.type == Type::kFiles) {
            texts.push_back(folder);
        } else if (const auto* list = value->get<Value::List>()) {
            for (const Value& each : *list) texts.push_back(plain_text(each));
        } else if (const auto* map = value->get<Value::Map>()) {
            for (const auto& [name, each] : *map) {
                const bool text = each.get<std::string>() != nullptr || is_null(each);
                const std::string shown = is_null(each) ? "" : plain_text(each);
                texts.push_back(name + "=" + (text ? shown : to_json(each)));
            }
        } else {
            texts.push_back(plain_text(*value));
        }
        for (std::string& text : texts) {
            if (text.empty()) continue;
            if (one.as == As::kWord) {
                behind.push_back(std::move(text));
            } else {
                words.push_back(one.option + "=" + text);
            }
        }
    }
    if (!behind.empty()) words.emplace_back("--");
    words.insert(words.end(), behind.begin(), behind.end());
    return words;
}

}  // namespace syncline::hub::api
