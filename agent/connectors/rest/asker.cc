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

Variables variables_of(const Profile& profile, const OperationRequest& request) {
    Variables variables = variables_of(profile, request.input);
    variables["idempotency_key"] = request.key;
    return variables;
}

AskSpec limited(AskSpec spec, Duration limit) {
    spec.request.timeout = limit;
    return spec;
}

}  // namespace

/// Nothing, if the reply holds nothing at the root.
Result<std::optional<Value>> Asker::put(const AskSpec& spec, const Variables& variables,
                                        Intent intent, std::stop_token stop) {
    const auto answer = door_.call(spec.request, variables, intent, stop);
    if (!answer) return fail(answer.error().error);
    const Value* const root = at_path(answer->json, spec.root);
    if (root == nullptr || root->is_null()) return std::nullopt;
    if (spec.reply.empty()) return *root;
    Value::Map out;
    for (const auto& [field, path] : spec.reply) {
        if (const Value* found = at_path(*root, path)) out.emplace(field, *found);
    }
    return Value{std::move(out)};
}

Result<Value> Asker::ask(const std::string& name, const Fields& input, std::stop_token stop) {
    const Profile& profile = door_.settings().profile;
    const auto spec = std::ranges::find(profile.asks, name, &AskSpec::name);
    if (spec == profile.asks.end()) {
        return fail(ErrorKind::kUnsupported,
                    "neither the profile nor [connector.asks] says how `" + name + "` is asked");
    }
    auto told = put(*spec, variables_of(profile, input), Intent::kRead, stop);
    if (!told) return fail(std::move(told.error()));
    if (!*told) {
        return fail(ErrorKind::kNotFound, "the reply holds nothing at `" + spec->root + "`");
    }
    return **std::move(told);
}

Result<const OperationSpec*> Asker::spec_of(const std::string& operation) const {
    const Profile& profile = door_.settings().profile;
    const auto spec = std::ranges::find(profile.operations, operation, &OperationSpec::name);
    if (spec != profile.operations.end()) return &*spec;
    return fail(ErrorKind::kUnsupported,
                "neither the profile nor [connector.operations] says how `" + operation +
                    "` is carried out");
}

Result<Value> Asker::operate(const OperationRequest& request, std::stop_token stop) {
    const auto spec = spec_of(request.name);
    if (!spec) return fail(spec.error());
    auto told = put(limited((*spec)->call, request.limit),
                    variables_of(door_.settings().profile, request), Intent::kWrite, stop);
    if (!told) {
        // It was the reply that was too large.
        if (told.error().kind == ErrorKind::kTooLarge) told.error().kind = ErrorKind::kAmbiguous;
        return fail(std::move(told.error()));
    }
    return std::move(*told).value_or(Value::Map{});
}

Result<std::optional<Value>> Asker::find_operation(const OperationRequest& request,
                                                   std::stop_token stop) {
    const auto spec = spec_of(request.name);
    if (!spec) return fail(spec.error());
    if (!(*spec)->find) {
        return fail(ErrorKind::kUnsupported, "`" + request.name + "` has no `find`");
    }
    auto told = put(limited(*(*spec)->find, request.limit),
                    variables_of(door_.settings().profile, request), Intent::kRead, stop);
    if (!told && told.error().kind == ErrorKind::kNotFound) return std::nullopt;
    return told;
}

}  // namespace syncline::agent::rest
