#include "agent/connectors/rest/asker.h"

#include <algorithm>

#include "agent/core/value_path.h"
#include "shared/base/json.h"

namespace syncline::agent::rest {
namespace {

/// What a list or a map is made of goes as JSON.
std::string text_of(const Value& value) {
    const auto text = scalar_text(value);
    return text ? *text : to_json(value);
}

Variables variables_of(const Profile& profile, const Fields& input) {
    Variables variables{{"api", profile.api}};
    Value::Map values;
    for (const auto& [name, value] : input) {
        variables["input." + name.text] = text_of(value);
        values.emplace(name.text, value);
    }
    variables["values"] = to_json(Value{std::move(values)});
    return variables;
}

}  // namespace

Result<Value> Asker::ask(const std::string& name, const Fields& input, std::stop_token stop) {
    const Profile& profile = door_.settings().profile;
    const auto spec = std::ranges::find(profile.asks, name, &AskSpec::name);
    if (spec == profile.asks.end()) {
        return fail(ErrorKind::kUnsupported,
                    "neither the profile nor [connector.asks] says how `" + name + "` is asked");
    }
    const auto answer =
        door_.call(spec->request, variables_of(profile, input), Intent::kRead, stop);
    if (!answer) return fail(answer.error().error);
    const Value* const root = at_path(answer->json, spec->root);
    if (root == nullptr || root->is_null()) {
        return fail(ErrorKind::kNotFound, "the reply holds nothing at `" + spec->root + "`");
    }
    if (spec->reply.empty()) return *root;
    Value::Map out;
    for (const auto& [field, path] : spec->reply) {
        if (const Value* found = at_path(*root, path)) out.emplace(field, *found);
    }
    return Value{std::move(out)};
}

}  // namespace syncline::agent::rest
