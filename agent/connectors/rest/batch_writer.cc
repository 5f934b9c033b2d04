#include <algorithm>
#include <utility>

#include "agent/connectors/rest/reader.h"
#include "agent/connectors/rest/writer.h"
#include "agent/core/value_path.h"
#include "shared/base/json.h"

/// The part of Writer that puts several records into one request.
namespace syncline::agent::rest {
namespace {

/// A list in a parameter is taken apart at its commas.
bool can_stand(const BatchSpec& batch, std::string_view id) {
    return !batch.each_in_query || id.find(',') == std::string_view::npos;
}

/// Refused as a whole for what one of them may be: then each is sent alone, and told of itself.
bool is_refused(const Failure& failure) {
    const ErrorKind kind = failure.error.kind;
    return kind == ErrorKind::kInvalid || kind == ErrorKind::kConflict ||
           kind == ErrorKind::kNotFound || kind == ErrorKind::kUnsupported ||
           kind == ErrorKind::kTooLarge;
}

Error of_the_whole(const Failure& failure) {
    if (!is_refused(failure)) return failure.error;
    return {ErrorKind::kUnsupported, "refused as a batch: " + failure.error.what};
}

std::vector<std::string> notes_of(const ObjectMapping& mapping, std::vector<std::string> notes) {
    for (std::string& note : notes) note = "a batch of " + mapping.object.text + ": " + note;
    return notes;
}

}  // namespace

/// One request: its records and how each is known in the reply.
struct Writer::BatchCall {
    const BatchSpec& spec;
    const ObjectMapping& mapping;
    Variables variables;
    ChangeOrigin origin = ChangeOrigin::kLive;
    Intent intent = Intent::kRead;
    const WriteSpec* write = nullptr;
    std::vector<std::size_t> places = {};  ///< Of each record in what was asked for.
    std::vector<Variables> records = {};
    std::vector<RecordId> known = {};  ///< Empty: to be made.
    std::vector<std::string> keys = {};

    void add(std::size_t place, Variables record, RecordId id) {
        record["ref"] = std::to_string(place + 1);
        keys.push_back(record[std::string{spec.key_name()}]);
        records.push_back(std::move(record));
        known.push_back(std::move(id));
        places.push_back(place);
    }
};

std::size_t Writer::limited(const std::optional<BatchSpec>& batch) const {
    return batch ? std::min(batch->max, door_.settings().batch_max) : 1;
}

std::size_t Writer::batch_max() const {
    const Profile& profile = door_.settings().profile;
    const std::optional<BatchSpec> none;
    return std::max({limited(profile.has_upsert ? profile.upsert.batch : none),
                     limited(profile.update.batch), limited(profile.remove.batch),
                     limited(profile.fetch.batch)});
}

const WriteSpec* Writer::batched_spec(const Command& command) const {
    const auto mapping = mapping_of(command.entity.object);
    if (!mapping) return nullptr;
    const Profile& profile = door_.settings().profile;
    const bool creates = command.kind == CommandKind::kCreate;
    if (creates && !creates_by_upsert(**mapping)) return nullptr;
    if (!creates && (!command.record || command.record->empty())) return nullptr;
    const WriteSpec& spec = creates                                ? profile.upsert
                            : command.kind == CommandKind::kDelete ? profile.remove
                                                                   : profile.update;
    const std::string& id = creates ? command.entity.entity.text : command.record->text;
    return spec.batch && can_stand(*spec.batch, id) ? &spec : nullptr;
}

std::size_t Writer::write_max(const Command& command) const {
    const WriteSpec* const spec = batched_spec(command);
    return spec == nullptr ? 1 : limited(spec->batch);
}

std::size_t Writer::fetch_max(const ObjectName& object, const RecordId& id) const {
    const auto& batch = door_.settings().profile.fetch.batch;
    return mapping_of(object) && batch && can_stand(*batch, id.text) ? limited(batch) : 1;
}

Door::Answer Writer::send_batch(const BatchCall& call, std::stop_token stop) {
    const Profile& profile = door_.settings().profile;
    auto each = render_each(profile, call.spec, call.records);
    if (!each) {
        return std::unexpected<Failure>(Failure{ErrorClass::kPermanent, each.error(), {}});
    }
    Variables variables = call.variables;
    variables["each"] = std::move(*each);
    const bool quiet = call.origin == ChangeOrigin::kBackfill && call.spec.on_backfill;
    const RequestSpec& request = quiet ? *call.spec.on_backfill : call.spec.request;
    return door_.call(request, variables, call.intent, stop);
}

Result<Written> Writer::written_part(const BatchCall& call, std::size_t at, const Part& part,
                                     int status) {
    const ErrorSpec& errors = door_.settings().profile.errors;
    const RecordId& known = call.known[at];
    if (const auto failure = judge_part(errors, call.spec, part, status, Intent::kWrite)) {
        const bool is_delete = call.write == &door_.settings().profile.remove;
        if (failure->meaning == ErrorClass::kGone && is_delete) return Written{.id = known};
        const bool no_place = failure->meaning == ErrorClass::kGone && known.empty();
        return fail(no_place ? ErrorKind::kInvalid : failure->error.kind, failure->error.what);
    }
    const Door::Reply reply{
        .status = status, .json = body_of(call.spec, part), .link = {}, .location = {}, .etag = {}};
    return written_of(*call.write, {call.mapping, call.records[at], known, call.origin}, reply);
}

Result<Each<Written>> Writer::write_all(const std::vector<Command>& commands,
                                        std::stop_token stop) {
    const WriteSpec* const spec = commands.empty() ? nullptr : batched_spec(commands.front());
    if (spec == nullptr) return fail(ErrorKind::kUnsupported, "these are not written in a batch");
    const Profile& profile = door_.settings().profile;
    const ObjectMapping& mapping = **mapping_of(commands.front().entity.object);
    BatchCall call{.spec = *spec->batch,
                   .mapping = mapping,
                   .variables = object_variables(profile, mapping),
                   .origin = commands.front().origin,
                   .intent = Intent::kWrite,
                   .write = spec};
    Each<Written> all;
    for (const Command& command : commands) {
        const std::size_t place = all.results.size();
        const bool creates = command.kind == CommandKind::kCreate;
        const RecordId id = creates ? RecordId{} : *command.record;
        all.results.emplace_back(Written{.id = id});
        Variables record = command_variables(profile, mapping, command);
        record["id"] = id.text;
        if (command.kind != CommandKind::kDelete) {
            const auto values = creates ? created_values(*spec, mapping, command)
                                        : native_of(mapping, command, spec->marker_in_body);
            if (!values) all.results.back() = fail(values.error());
            if (!values || (!creates && values->empty())) continue;
            record["values"] = to_json(Value{*values});
            record["values_and"] = members_of(*values);
        }
        call.add(place, std::move(record), id);
    }
    if (call.records.empty()) return all;
    const auto answer = send_batch(call, stop);
    if (!answer) return fail(of_the_whole(answer.error()));
    Parts parts = attribute(call.spec, answer->json, call.keys);
    for (std::size_t i = 0; i < call.places.size(); ++i) {
        all.results[call.places[i]] = written_part(call, i, parts.each[i], answer->status);
    }
    all.notes = notes_of(mapping, std::move(parts.notes));
    return all;
}

Result<Each<std::optional<Record>>> Writer::fetch_all(const ObjectName& object,
                                                      const std::vector<RecordId>& ids,
                                                      std::stop_token stop) {
    const auto mapping = mapping_of(object);
    const Profile& profile = door_.settings().profile;
    if (!mapping || !profile.fetch.batch) {
        return fail(ErrorKind::kUnsupported, "these are not fetched in a batch");
    }
    BatchCall call{.spec = *profile.fetch.batch,
                   .mapping = **mapping,
                   .variables = object_variables(profile, **mapping)};
    for (const RecordId& id : ids) {
        Variables record = call.variables;
        record["id"] = id.text;
        call.add(call.places.size(), std::move(record), id);
    }
    const auto answer = send_batch(call, stop);
    if (!answer) return fail(of_the_whole(answer.error()));
    Parts parts = attribute(call.spec, answer->json, call.keys);
    const auto found = [&](std::size_t i) -> Result<std::optional<Record>> {
        const Part& part = parts.each[i];
        if (call.spec.ordered && part.told != nullptr && part.told->is_null()) return std::nullopt;
        const auto failure =
            judge_part(profile.errors, call.spec, part, answer->status, Intent::kRead);
        if (failure) return fail(ErrorKind::kUnsupported, failure->error.what);
        const Value body = body_of(call.spec, part);
        const auto* row = body.get<Value::Map>();
        if (row == nullptr) return fail(ErrorKind::kUnsupported, "the result is no record");
        if (says_deleted(profile.read, *row)) return std::nullopt;
        auto record = to_canonical(**mapping, *row);
        if (!record) return fail(record.error());
        if (record->id != ids[i]) {
            return fail(ErrorKind::kUnsupported, "the result is of another record");
        }
        return std::move(*record);
    };
    Each<std::optional<Record>> all{.results = {},
                                    .notes = notes_of(**mapping, std::move(parts.notes))};
    for (std::size_t i = 0; i < ids.size(); ++i) all.results.push_back(found(i));
    return all;
}

}  // namespace syncline::agent::rest
