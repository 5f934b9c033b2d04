#include "agent/connectors/rest/writer.h"

#include <algorithm>

#include "agent/connectors/rest/reader.h"
#include "agent/core/expected.h"
#include "agent/core/value_path.h"
#include "shared/base/json.h"

namespace syncline::agent::rest {
namespace {

/// "https://host/record/v1/customer/17" is 17.
std::string last_segment(std::string_view url) {
    const auto end = url.find_first_of("?#");
    url = url.substr(0, end);
    const auto slash = url.rfind('/');
    return slash == std::string_view::npos ? std::string{} : std::string{url.substr(slash + 1)};
}

}  // namespace

Result<Value::Map> native_of(const ObjectMapping& mapping, const Command& command,
                             bool with_marker) {
    auto native = to_native(mapping, command.fields);
    if (!native || !with_marker || mapping.marker.empty()) return native;
    const auto done =
        set_path(*native, mapping.marker_written_at(), Value{command.entity.entity.text});
    if (!done) return fail(done.error(), mapping.object.text + ", marker");
    return native;
}

Variables command_variables(const Profile& profile, const ObjectMapping& mapping,
                            const Command& command) {
    Variables variables = object_variables(profile, mapping);
    variables["marker"] = command.entity.entity.text;
    variables["idempotency_key"] = idempotency_key(command);
    return variables;
}

Result<const ObjectMapping*> Writer::mapping_of(const ObjectName& object) const {
    const auto& objects = door_.settings().objects;
    const auto at = std::ranges::find(objects, object, &ObjectMapping::object);
    if (at == objects.end()) {
        return fail(ErrorKind::kInvalid, "the object `" + object.text + "` is not mapped here");
    }
    return &*at;
}

Result<std::optional<Record>> Writer::fetch(const ObjectName& object, const RecordId& id,
                                            std::stop_token stop) {
    const auto mapping = mapping_of(object);
    if (!mapping) return fail(mapping.error());
    auto found = look(**mapping, id, stop);
    if (!found) return fail(found.error());
    if (!*found) return std::nullopt;
    return std::move((*found)->record);
}

Result<std::optional<Writer::Found>> Writer::look(const ObjectMapping& mapping, const RecordId& id,
                                                  std::stop_token stop) {
    const Profile& profile = door_.settings().profile;
    Variables variables = object_variables(profile, mapping);
    variables["id"] = id.text;
    const auto answer = door_.call(profile.fetch.request, variables, Intent::kRead, stop);
    if (!answer) {
        if (answer.error().meaning == ErrorClass::kGone) return std::nullopt;
        return fail(answer.error().error);
    }
    const std::string path = named_path(profile.fetch.record, mapping);
    const Value* const found = at_path(answer->json, path);
    if (found == nullptr) {
        // `records.0`, or `0`: an empty list says that there is no such record.
        const auto dot = path.rfind('.');
        const Value* const list =
            at_path(answer->json, dot == std::string::npos ? "" : path.substr(0, dot));
        const auto* rows = list == nullptr ? nullptr : list->get<Value::List>();
        if (rows != nullptr && rows->empty()) return std::nullopt;
    }
    const auto* row = found == nullptr ? nullptr : found->get<Value::Map>();
    if (row == nullptr) {
        return fail(ErrorKind::kUnavailable, "the reply holds no record at `" + path + "`");
    }
    if (says_deleted(profile.read, *row)) return std::nullopt;
    auto record = to_canonical(mapping, *row);
    if (!record) return fail(record.error());
    const std::string& etag = profile.fetch.etag;
    return Found{std::move(*record), etag.empty() ? answer->etag : text_at(Value{*row}, etag)};
}

Result<std::string> Writer::version_of(const ObjectMapping& mapping, const Command& command,
                                       const RecordId& id, std::stop_token stop) {
    auto found = look(mapping, id, stop);
    // Only the look failed: nothing was written.
    if (!found) return fail(found.error(), "look-up before the write");
    if (!*found)
        return fail(ErrorKind::kNotFound, mapping.object.text + " " + id.text + " is gone");
    if (const auto field = unexpected_field(mapping, command, (*found)->record)) {
        return fail(ErrorKind::kConflict, field->text + " is not as expected");
    }
    if ((*found)->etag.empty()) {
        return fail(ErrorKind::kInvalid,
                    "the record tells no version, by which it would be changed: [fetch] `etag`");
    }
    return std::move((*found)->etag);
}

Result<std::optional<Record>> Writer::find(const ObjectName& object, const EntityId& entity,
                                           std::stop_token stop) {
    const auto mapping = mapping_of(object);
    if (!mapping) return fail(mapping.error());
    const Profile& profile = door_.settings().profile;
    if (!profile.has_find || (*mapping)->marker.empty()) {
        return fail(ErrorKind::kUnsupported, object.text + " has no marker to be found by");
    }
    Variables variables = object_variables(profile, **mapping);
    variables["marker"] = entity.text;
    const auto answer = door_.call(profile.find.request, variables, Intent::kRead, stop);
    if (!answer) {
        if (answer.error().meaning == ErrorClass::kGone) return std::nullopt;
        return fail(answer.error().error);
    }
    const std::string path = named_path(profile.find.record, **mapping);
    const Value* const found = at_path(answer->json, path);
    const auto* many = found == nullptr ? nullptr : found->get<Value::List>();
    const bool is_one = found != nullptr && found->get<Value::Map>() != nullptr;
    if (many == nullptr && !is_one) {
        return fail(ErrorKind::kUnavailable, "the reply holds no records at `" + path + "`");
    }
    std::optional<Record> only;
    for (const Value& value : is_one ? Value::List{*found} : *many) {
        const auto* row = value.get<Value::Map>();
        if (row == nullptr || says_deleted(profile.read, *row)) continue;
        auto record = to_canonical(**mapping, *row);
        if (!record) return fail(record.error());
        if (record->marker != entity) {
            return fail(ErrorKind::kUnsupported,
                        "asked for `" + (*mapping)->marker + "` = " + entity.text +
                            ", got another record: the platform ignores the condition");
        }
        if (only) {
            return fail(ErrorKind::kInvalid, "the records " + only->id.text + " and " +
                                                 record->id.text + " of " + object.text +
                                                 " both hold the marker " + entity.text);
        }
        only = std::move(*record);
    }
    return only;
}

Result<Written> Writer::send(const WriteSpec& spec, const Sending& sending, std::stop_token stop) {
    const auto& [mapping, variables, known, origin] = sending;
    const bool quiet = origin == ChangeOrigin::kBackfill && spec.on_backfill;
    const RequestSpec& request = quiet ? *spec.on_backfill : spec.request;
    const auto answer = door_.call(request, variables, Intent::kWrite, stop);
    if (!answer) {
        const Failure& failure = answer.error();
        // Without a record there is nothing that could be gone: the place for it is not there.
        const bool no_place = failure.meaning == ErrorClass::kGone && known.empty();
        return fail(no_place ? ErrorKind::kInvalid : failure.error.kind, failure.error.what);
    }
    return written_of(spec, sending, *answer);
}

Result<Written> Writer::written_of(const WriteSpec& spec, const Sending& sending,
                                   const Door::Reply& reply) {
    const ObjectMapping& mapping = sending.mapping;
    const RecordId& known = sending.known;
    Written written;
    written.id = known;
    const bool by_key = spec.id_path.empty() && known.empty();
    const std::string id_path = by_key ? mapping.key : named_path(spec.id_path, mapping);
    if (!id_path.empty()) {
        std::string text = text_at(reply.json, id_path);
        if (!text.empty()) written.id = RecordId{std::move(text)};
    }
    if (spec.id_in_location && written.id.empty()) {
        written.id = RecordId{last_segment(reply.location)};
    }
    if (written.id.empty()) {
        return fail(ErrorKind::kAmbiguous,
                    "HTTP " + std::to_string(reply.status) + " without an id at `" + id_path + "`");
    }
    if (!spec.created_path.empty()) {
        const Value* const created = at_path(reply.json, spec.created_path);
        const bool* const flag = created == nullptr ? nullptr : created->get<bool>();
        written.existed = flag != nullptr && !*flag;
    }
    if (!spec.record_path.empty()) {
        const Value* const record = at_path(reply.json, named_path(spec.record_path, mapping));
        const auto* row = record == nullptr ? nullptr : record->get<Value::Map>();
        // A record that does not map is fetched by the agent, which then says why.
        const auto mapped = row == nullptr ? Result<Record>{fail(ErrorKind::kNotFound, "")}
                                           : to_canonical(mapping, *row);
        if (mapped) written.record = *mapped;
    }
    return written;
}

bool Writer::creates_by_upsert(const ObjectMapping& mapping) const {
    return door_.settings().profile.has_upsert && !mapping.marker.empty();
}

Result<Value::Map> Writer::created_values(const WriteSpec& spec, const ObjectMapping& mapping,
                                          const Command& command) {
    auto native = native_of(mapping, command, spec.marker_in_body);
    if (!native) return native;
    for (const auto& [path, value] : mapping.created_with) {
        if (auto done = set_path(*native, path, value); !done) return fail(done.error(), "create");
    }
    return native;
}

Result<Written> Writer::create(const ObjectMapping& mapping, const Command& command,
                               std::stop_token stop) {
    const Profile& profile = door_.settings().profile;
    const bool upsert = creates_by_upsert(mapping);
    if (!upsert && profile.has_find && !mapping.marker.empty()) {
        auto existing = find(command.entity.object, command.entity.entity, stop);
        if (!existing) {
            // Only the look-up failed: whatever happened to it, nothing was written.
            return fail(existing.error(), "look-up before the create");
        }
        if (*existing) {
            auto written = update(mapping, command, (*existing)->id, stop);
            if (written) written->existed = true;
            return written;
        }
    }
    const WriteSpec& spec = upsert ? profile.upsert : profile.create;
    const auto native = created_values(spec, mapping, command);
    if (!native) return fail(native.error());
    Variables variables = command_variables(profile, mapping, command);
    variables["values"] = to_json(Value{*native});
    return send(spec, {mapping, variables, {}, command.origin}, stop);
}

Result<Written> Writer::update(const ObjectMapping& mapping, const Command& command,
                               const RecordId& id, std::stop_token stop) {
    const Profile& profile = door_.settings().profile;
    const auto native = native_of(mapping, command, profile.update.marker_in_body);
    if (!native) return fail(native.error());
    if (native->empty()) return Written{.id = id};
    Variables variables = command_variables(profile, mapping, command);
    variables["id"] = id.text;
    variables["values"] = to_json(Value{*native});
    if (profile.update.conditional) {
        auto version = version_of(mapping, command, id, stop);
        if (!version) return fail(version.error());
        variables["etag"] = std::move(*version);
    }
    return send(profile.update, {mapping, variables, id, command.origin}, stop);
}

Result<Written> Writer::remove(const ObjectMapping& mapping, const Command& command,
                               std::stop_token stop) {
    const Profile& profile = door_.settings().profile;
    Variables variables = command_variables(profile, mapping, command);
    variables["id"] = command.record->text;
    Result<std::string> version{std::string{}};
    if (profile.remove.conditional) version = version_of(mapping, command, *command.record, stop);
    if (version) variables["etag"] = *version;
    auto written =
        version ? send(profile.remove, {mapping, variables, *command.record, command.origin}, stop)
                : Result<Written>{fail(version.error())};
    if (!written && written.error().kind == ErrorKind::kNotFound) {
        return Written{.id = *command.record, .existed = false};  // Gone is what was asked for.
    }
    return written;
}

Result<Written> Writer::write(const Command& command, std::stop_token stop) {
    const auto mapping = mapping_of(command.entity.object);
    if (!mapping) return fail(mapping.error());
    if (command.kind == CommandKind::kCreate) return create(**mapping, command, stop);
    if (!command.record || command.record->empty()) {
        return fail(ErrorKind::kInvalid, "the command names no record");
    }
    if (command.kind == CommandKind::kDelete) return remove(**mapping, command, stop);
    return update(**mapping, command, *command.record, stop);
}

}  // namespace syncline::agent::rest
