#include <algorithm>

#include "hub/api/route.h"
#include "shared/base/version.h"

namespace syncline::hub::api {
namespace {

using In = Parameter::In;
using Type = Parameter::Type;

Value::Map schema_of(const Parameter& one) {
    Value::Map schema;
    switch (one.type) {
        case Type::kText:
            schema.emplace("type", "string");
            schema.emplace("maxLength", static_cast<std::int64_t>(one.bytes_most));
            break;
        case Type::kInteger:
            schema.emplace("type", "integer");
            schema.emplace("minimum", one.least);
            if (one.most != std::numeric_limits<std::int64_t>::max()) {
                schema.emplace("maximum", one.most);
            }
            break;
        case Type::kBoolean: schema.emplace("type", "boolean"); break;
        case Type::kTexts:
            schema.emplace("type", "array");
            schema.emplace("items", Value::Map{{"type", "string"}});
            break;
        case Type::kFiles:
            schema.emplace("type", "object");
            schema.emplace("additionalProperties", Value::Map{{"type", "string"}});
            break;
        case Type::kMap:
        case Type::kAny: schema.emplace("type", "object"); break;
    }
    if (!one.one_of.empty()) {
        schema.emplace("enum", Value::List{one.one_of.begin(), one.one_of.end()});
    }
    return schema;
}

Value parameters_of(const Route& route) {
    Value::List list;
    for (const Parameter& one : route.parameters) {
        if (one.in == In::kBody) continue;
        list.emplace_back(Value::Map{{"name", one.name},
                                     {"in", one.in == In::kPath ? "path" : "query"},
                                     {"required", one.in == In::kPath || one.required},
                                     {"description", one.about},
                                     {"schema", schema_of(one)}});
    }
    return list;
}

Value body_of(const Route& route) {
    Value::Map properties;
    Value::List required;
    for (const Parameter& one : route.parameters) {
        if (one.in != In::kBody || one.type == Type::kAny) continue;
        Value::Map schema = schema_of(one);
        schema.emplace("description", one.about);
        properties.emplace(one.name, std::move(schema));
        if (one.required) required.emplace_back(one.name);
    }
    const bool any = std::ranges::any_of(
        route.parameters, [](const Parameter& one) { return one.type == Type::kAny; });
    Value::Map schema{{"type", "object"}};
    if (!any) schema.emplace("additionalProperties", false);
    if (!properties.empty()) schema.emplace("properties", std::move(properties));
    if (!required.empty()) schema.emplace("required", std::move(required));
    return Value::Map{{"content", Value::Map{{"application/json",
                                              Value::Map{{"schema", Value{std::move(schema)}}}}}}};
}

Value answer_of(std::string_view description, std::string_view type, Value schema) {
    return Value::Map{
        {"description", description},
        {"content", Value::Map{{std::string{type}, Value::Map{{"schema", std::move(schema)}}}}}};
}

std::string media_type_of(const Route& route) {
    if (route.id == "events") return "text/event-stream";
    const bool text = route.id == "metrics" || route.id == "livez" || route.id == "readyz";
    return text ? "text/plain" : "application/json";
}

Value operation_of(const Route& route) {
    const std::string type = media_type_of(route);
    Value::Map schema{{"type", type == "application/json" ? "object" : "string"}};
    Value::Map operation{
        {"operationId", route.id},
        {"summary", route.about},
        {"parameters", parameters_of(route)},
        {"responses",
         Value::Map{{"200", answer_of("The answer", type, Value{std::move(schema)})},
                    {"default", answer_of("What is wrong", "application/problem+json",
                                          Value::Map{{"$ref", "#/components/schemas/Problem"}})}}}};
    if (route.method == Method::kPost) operation.emplace("requestBody", body_of(route));
    if (route.is_public) {
        operation.emplace("security", Value::List{});
    } else {
        operation.emplace("x-role", name_of(route.role));
    }
    return operation;
}

Value problem_schema() {
    Value::Map properties;
    for (const char* name : {"type", "title", "detail", "kind", "where", "hint"}) {
        properties.emplace(name, Value::Map{{"type", "string"}});
    }
    properties.emplace("status", Value::Map{{"type", "integer"}});
    properties.emplace("findings", Value::Map{{"type", "array"}});
    return Value::Map{{"type", "object"},
                      {"description", "RFC 9457"},
                      {"required", Value::List{"type", "title", "status"}},
                      {"properties", std::move(properties)}};
}

/// "{key*}" is ours; OpenAPI knows "{key}".
std::string path_of(const Route& route) {
    std::string path = route.path;
    std::erase(path, '*');
    return path;
}

}  // namespace

Value openapi() {
    std::map<std::string, Value::Map> paths;
    for (const Route& route : routes()) {
        paths[path_of(route)].emplace(route.method == Method::kGet ? "get" : "post",
                                      operation_of(route));
    }
    Value::Map listed;
    for (auto& [path, operations] : paths) listed.emplace(path, std::move(operations));
    Value::Map schemes{{"token", Value::Map{{"type", "http"}, {"scheme", "bearer"}}},
                       {"session", Value::Map{{"type", "apiKey"},
                                              {"in", "cookie"},
                                              {"name", std::string{Identity::kCookie}}}}};
    return Value::Map{
        {"openapi", "3.1.0"},
        {"info", Value::Map{{"title", "Syncline"}, {"version", std::string{kVersion}}}},
        {"servers", Value::List{Value::Map{{"url", "."}}}},
        {"security",
         Value::List{Value::Map{{"token", Value::List{}}}, Value::Map{{"session", Value::List{}}}}},
        {"paths", std::move(listed)},
        {"components", Value::Map{{"schemas", Value::Map{{"Problem", problem_schema()}}},
                                  {"securitySchemes", std::move(schemes)}}}};
}

}  // namespace syncline::hub::api
