#include "agent/connectors/exec/door.h"

#include "agent/core/value_path.h"
#include "shared/base/json.h"

namespace syncline::agent::exec {
namespace {

const char* call_of(CommandKind kind) {
    return kind == CommandKind::kCreate   ? "create"
           : kind == CommandKind::kDelete ? "delete"
                                          : "update";
}

/// The record that was asked for, by what it holds at `path`.
Result<void> expect_at(const Value::Map& record, const std::string& path, const std::string& text) {
    const std::string told = text_at(Value{record}, path);
    if (told == text) return {};
    return fail(ErrorKind::kInvalid, "the record has " + shown(told, 80) + " at `" + path +
                                         "`, and " + shown(text, 80) + " was asked for");
}

Value::Map values_of(const Fields& input) {
    Value::Map values;
    for (const auto& [field, value] : input) values.emplace(field.text, value);
    return values;
}

Value::Map members_of(const OperationRequest& request) {
    return {{"name", request.name}, {"key", request.key}, {"input", values_of(request.input)}};
}

}  // namespace

Result<Page> Door::read(const ObjectMapping& mapping, const From& from, std::size_t max,
                        Duration wait, const std::stop_token& stop) {
    Value::Map members{{"object", mapping.native},
                       {"cursor", from.cursor.empty() ? Value{} : Value{from.cursor}},
                       {"max", static_cast<std::int64_t>(max)},
                       {"full", from.full}};
    if (!mapping.filter.empty()) members.emplace("filter", mapping.filter);
    if (wait.count() > 0) {
        members.emplace("wait_ms", std::int64_t{wait / std::chrono::milliseconds{1}});
    }
    const auto result = session_.call("read", std::move(members), Intent::kRead, stop);
    if (!result) return fail(result.error());
    auto page = decode_page(*result);
    if (!page) return session_.refuse("read", page.error(), Intent::kRead);
    if (page->more && page->next == from.cursor) {
        return session_.refuse("read",
                               {ErrorKind::kInvalid,
                                "`more` is true, but `next` is the cursor that"
                                " was asked from; reading would never end"},
                               Intent::kRead);
    }
    return page;
}

Result<std::optional<Value::Map>> Door::fetch(const ObjectMapping& mapping, const RecordId& id,
                                              const std::stop_token& stop) {
    const auto result = session_.call("fetch", {{"object", mapping.native}, {"record", id.text}},
                                      Intent::kRead, stop);
    if (!result && result.error().kind == ErrorKind::kNotFound) return std::nullopt;
    if (!result) return fail(result.error());
    auto record = decode_record(*result);
    if (!record) return session_.refuse("fetch", record.error(), Intent::kRead);
    if (!*record) return std::nullopt;
    if (auto same = expect_at(**record, mapping.key, id.text); !same) {
        return session_.refuse("fetch", same.error(), Intent::kRead);
    }
    return record;
}

Result<std::optional<Value::Map>> Door::find(const ObjectMapping& mapping, const EntityId& entity,
                                             const std::stop_token& stop) {
    const auto result = session_.call("find", {{"object", mapping.native}, {"entity", entity.text}},
                                      Intent::kRead, stop);
    if (!result && result.error().kind == ErrorKind::kNotFound) return std::nullopt;
    if (!result) return fail(result.error());
    auto record = decode_record(*result);
    if (!record) return session_.refuse("find", record.error(), Intent::kRead);
    if (!*record) return std::nullopt;
    if (auto same = expect_at(**record, mapping.marker, entity.text); !same) {
        return session_.refuse("find", same.error(), Intent::kRead);
    }
    return record;
}

Result<Effect> Door::write(const ObjectMapping& mapping, const Command& command,
                           const std::stop_token& stop) {
    const char* const call = call_of(command.kind);
    const bool create = command.kind == CommandKind::kCreate;
    Value::Map members{{"object", mapping.native},
                       {"entity", command.entity.entity.text},
                       {"key", idempotency_key(command)}};
    if (command.origin == ChangeOrigin::kBackfill) members.emplace("origin", "backfill");
    if (!create) {
        if (!command.record) return fail(ErrorKind::kInvalid, "the command names no record");
        members.emplace("record", command.record->text);
        auto expected = to_native(mapping, command.expected);
        if (!expected) return fail(expected.error());
        members.emplace("expected", std::move(*expected));
    }
    if (command.kind != CommandKind::kDelete) {
        auto values = to_native(mapping, command.fields);
        if (!values) return fail(values.error());
        if (create && !mapping.marker.empty()) {
            auto set = set_path(*values, mapping.marker, Value{command.entity.entity.text});
            if (!set) return fail(set.error(), "marker");
        }
        members.emplace("values", std::move(*values));
    }
    const auto result = session_.call(call, std::move(members), Intent::kWrite, stop);
    if (!result) return fail(result.error());
    auto effect = decode_effect(*result);
    if (!effect) return session_.refuse(call, effect.error(), Intent::kWrite);
    if (create && (!effect->record || text_at(Value{*effect->record}, mapping.key).empty())) {
        return session_.refuse(
            call,
            {ErrorKind::kInvalid, "the result must have a `record` with `" + mapping.key +
                                      "`, by which it is known from now on"},
            Intent::kWrite);
    }
    if (!create && effect->record) {
        if (auto same = expect_at(*effect->record, mapping.key, command.record->text); !same) {
            return session_.refuse(call, same.error(), Intent::kWrite);
        }
    }
    return std::move(*effect);
}

Result<std::optional<Value>> Door::output_of(std::string_view call, Value::Map members,
                                             const Terms& terms, const std::stop_token& stop) {
    const auto result = session_.call(call, std::move(members), terms, stop);
    if (!result) return fail(result.error());
    auto output = decode_output(*result);
    if (!output) return session_.refuse(call, output.error(), terms.intent);
    if (!*output) return std::nullopt;
    return Value{**std::move(output)};
}

Result<Value> Door::must_output(std::string_view call, Value::Map members, const Terms& terms,
                                const std::stop_token& stop) {
    auto output = output_of(call, std::move(members), terms, stop);
    if (!output) return fail(output.error());
    if (*output) return **std::move(output);
    return session_.refuse(call, {ErrorKind::kInvalid, "`output` must be an object, and is null"},
                           terms.intent);
}

Result<Value> Door::ask(const std::string& name, const Fields& input, const std::stop_token& stop) {
    return must_output("ask", {{"name", name}, {"input", values_of(input)}}, Intent::kRead, stop);
}

Result<Value> Door::operate(const OperationRequest& request, const std::stop_token& stop) {
    return must_output("operate", members_of(request), {Intent::kWrite, request.limit}, stop);
}

Result<std::optional<Value>> Door::find_operation(const OperationRequest& request,
                                                  const std::stop_token& stop) {
    return output_of("find_operation", members_of(request), {Intent::kRead, request.limit}, stop);
}

}  // namespace syncline::agent::exec
