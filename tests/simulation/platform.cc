#include "tests/simulation/platform.h"

#include <algorithm>
#include <charconv>
#include <tuple>
#include <utility>

namespace syncline::sim {
namespace {

constexpr std::string_view kStubborn = "SYSTEM";

std::string trimmed(std::string_view text) {
    const auto first = text.find_first_not_of(' ');
    if (first == std::string_view::npos) return {};
    return std::string{text.substr(first, text.find_last_not_of(' ') - first + 1)};
}

/// `L;low;first;stamp;id` reads what changed, `F;start;id` everything.
std::vector<std::string> parts_of(const std::string& text) {
    std::vector<std::string> parts(1);
    for (const char c : text) {
        if (c == ';') {
            parts.emplace_back();
        } else {
            parts.back() += c;
        }
    }
    return parts;
}

Duration time_of(const std::string& text) {
    std::int64_t value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return Duration{value};
}

std::string text_of(Duration time) { return std::to_string(time.count()); }

}  // namespace

FieldName native_name(const FieldName& field) {
    const auto* renamed = std::ranges::find(kRenamedFields, field.text, &RenamedField::later);
    return renamed == std::end(kRenamedFields) ? field : FieldName{renamed->first};
}

Fields mapped(const Fields& fields) {
    Fields out;
    for (const auto& [name, value] : fields) {
        if (native_name(name) == name) out.set(name, value);
    }
    return out;
}

const Platform::Version* Platform::Row::as_of(Duration time) const {
    for (auto version = versions.rbegin(); version != versions.rend(); ++version) {
        if (version->visible <= time) return &*version;
    }
    return nullptr;
}

// ---- Writing. -------------------------------------------------------------------------------

Mutation Platform::begin(const RecordKey& key, Writer writer) const {
    Mutation mutation;
    mutation.at = world_.now();
    mutation.writer = writer;
    mutation.key = key;
    return mutation;
}

void Platform::set(Version& next, Mutation& mutation, const FieldName& name,
                   const Value& value) const {
    const Fields held = normal_form(Fields{{name, value}});
    const Value* before = next.fields.find(name);
    const Value* expected = mutation.expected.find(name);
    mutation.fields.push_back({name, before == nullptr ? Value{} : *before, *held.find(name),
                               expected == nullptr ? Value{} : *expected});
    next.fields.set(name, *held.find(name));
}

void Platform::automate(Version& next, Mutation& mutation, const Fields& before) const {
    const auto changed = [&](const FieldName& name) {
        const Value* was = before.find(name);
        const Value* is = next.fields.find(name);
        return is != nullptr && (was == nullptr || !(*was == *is));
    };
    for (const PlatformNature::Derived& rule : nature_.derived) {
        if (changed(rule.when)) {
            set(next, mutation, rule.set, Value{"by " + display(*next.fields.find(rule.when))});
        }
    }
    if (nature_.stubborn) set(next, mutation, *nature_.stubborn, Value{kStubborn});
}

void Platform::commit(Row& row, Version next, Mutation mutation, Duration stamp) {
    next.visible = world_.now();
    next.stamp = stamp;
    std::string what = std::string{mutation.created   ? "create "
                                   : mutation.deleted ? "delete "
                                                      : "update "} +
                       row.key.record.text;
    if (mutation.writer == Writer::kSyncline) {
        what += " of " + mutation.entity.entity.text + " g" + std::to_string(mutation.generation);
    } else if (mutation.writer == Writer::kUser) {
        what += " by a user";
    }
    for (const Mutation::Field& field : mutation.fields) {
        what += " " + field.name.text + "=" + display(field.after);
    }
    world_.note(name(), what);
    row.versions.push_back(std::move(next));
    log_.push_back(std::move(mutation));
}

RecordId Platform::create(const ObjectName& object, Fields fields, Writer writer) {
    RecordId id{name() + "-" + std::to_string(++ids_)};
    Row& row = rows_[id];
    row.key = {nature_.id, object, id};
    Mutation mutation = begin(row.key, writer);
    mutation.created = true;
    Version next;
    for (const auto& [field, value] : fields) set(next, mutation, field, value);
    automate(next, mutation, {});
    commit(row, std::move(next), std::move(mutation), world_.now());
    return id;
}

bool Platform::edit(const RecordId& id, const Fields& fields, Writer writer) {
    Row& row = rows_.at(id);
    if (row.current().deleted || row.locked_until > world_.now()) return false;
    const auto carry_out = [this, id, fields, writer](Duration stamp) {
        Row& it = rows_.at(id);
        Version next = it.current();
        Mutation mutation = begin(it.key, writer);
        for (const auto& [field, value] : fields) set(next, mutation, field, value);
        automate(next, mutation, it.current().fields);
        commit(it, std::move(next), std::move(mutation), stamp);
    };
    if (!world_.random().chance(trouble.late_commit)) {
        carry_out(world_.now());
        return true;
    }
    // The transaction takes its stamp now and commits later; until then the record is locked.
    const Duration stamp = world_.now();
    const Duration length =
        world_.random().between(std::chrono::milliseconds{100}, nature_.overlap * 9 / 10);
    row.locked_until = stamp + length;
    world_.after(length, [carry_out, stamp] { carry_out(stamp); });
    return true;
}

bool Platform::remove(const RecordId& id) {
    Row& row = rows_.at(id);
    if (row.current().deleted || row.locked_until > world_.now()) return false;
    Mutation mutation = begin(row.key, Writer::kUser);
    mutation.deleted = true;
    Version next;
    next.deleted = true;
    commit(row, std::move(next), std::move(mutation), world_.now());
    return true;
}

bool Platform::revive(const RecordId& id, Fields fields) {
    Row& row = rows_.at(id);
    if (!row.current().deleted) return false;
    Mutation mutation = begin(row.key, Writer::kUser);
    mutation.created = true;
    Version next;
    // What it held in its former life is empty now, and a platform says so.
    for (const Version& former : row.versions) {
        for (const auto& [field, value] : former.fields) {
            if (fields.find(field) == nullptr) fields.set(field, Value{});
        }
    }
    for (const auto& [field, value] : fields) set(next, mutation, field, value);
    automate(next, mutation, {});
    commit(row, std::move(next), std::move(mutation), world_.now());
    return true;
}

// ---- Commands. ------------------------------------------------------------------------------

Mutation Platform::of_command(const RecordKey& key, const Command& command) const {
    Mutation mutation = begin(key, Writer::kSyncline);
    mutation.kid = idempotency_key(command);
    mutation.entity = command.entity;
    mutation.generation = command.generation;
    mutation.fence = command.fence;
    mutation.partition = command.partition;
    mutation.expected = command.expected;
    return mutation;
}

Result<void> Platform::validate(const Fields& fields) const {
    if (!nature_.picky) return {};
    for (const auto& [name, value] : fields) {
        const auto* text = value.get<std::string>();
        if (text != nullptr && text->find('!') != std::string::npos) {
            return fail(ErrorKind::kInvalid, name.text + " must not contain an exclamation mark");
        }
    }
    return {};
}

agent::Written Platform::answer(const Row& row, bool existed) const {
    agent::Written written{row.key.record, existed, {}};
    if (nature_.tells_record && !row.current().deleted) {
        written.record = to_record(row, row.current());
    }
    return written;
}

Result<agent::Written> Platform::apply(const Command& command) {
    if (auto good = validate(command.fields); !good) return fail(good.error());
    if (command.kind == CommandKind::kCreate) return apply_create(command);
    const auto at = rows_.find(*command.record);
    if (at == rows_.end() || at->second.current().deleted) {
        return fail(ErrorKind::kNotFound, "there is no record " + command.record->text);
    }
    Row& row = at->second;
    if (row.locked_until > world_.now()) return fail(ErrorKind::kUnavailable, "locked");
    if (command.kind == CommandKind::kUpdate) return apply_update(row, command, false);
    Mutation mutation = of_command(row.key, command);
    mutation.deleted = true;
    Version next;
    next.deleted = true;
    commit(row, std::move(next), std::move(mutation), world_.now());
    return answer(row, false);
}

Result<agent::Written> Platform::apply_create(const Command& command) {
    if (nature_.upsert) {
        for (auto& [id, row] : rows_) {
            const Version& current = row.current();
            if (!current.deleted && current.marker == command.entity.entity) {
                return apply_update(row, command, true);
            }
        }
    }
    const RecordId id{name() + "-" + std::to_string(++ids_)};
    Row& row = rows_[id];
    row.key = {nature_.id, command.entity.object, id};
    Mutation mutation = of_command(row.key, command);
    mutation.created = true;
    Version next;
    if (nature_.marker) next.marker = command.entity.entity;
    for (const auto& [field, value] : command.fields) set(next, mutation, field, value);
    automate(next, mutation, {});
    commit(row, std::move(next), std::move(mutation), world_.now());
    return answer(row, false);
}

Result<agent::Written> Platform::apply_update(Row& row, const Command& command, bool existed) {
    if (nature_.conditional) {
        for (const auto& [name, value] : command.expected) {
            const Value* held = row.current().fields.find(name);
            if (!((held == nullptr ? Value{} : *held) == value)) {
                return fail(ErrorKind::kConflict, name.text + " is not as expected");
            }
        }
    }
    Version next = row.current();
    Mutation mutation = of_command(row.key, command);
    for (const auto& [field, value] : command.fields) set(next, mutation, field, value);
    automate(next, mutation, row.current().fields);
    commit(row, std::move(next), std::move(mutation), world_.now());
    return answer(row, existed);
}

// ---- Reading. -------------------------------------------------------------------------------

Fields Platform::normal_form(const Fields& fields) const {
    Fields out;
    for (const auto& [name, value] : fields) {
        Value held = value;
        if (const auto* text = value.get<std::string>(); text != nullptr && nature_.trims) {
            held = Value{trimmed(*text)};
        }
        if (const auto* text = held.get<std::string>(); text != nullptr && text->empty()) {
            held = Value{};
        }
        if (const auto* number = value.get<Decimal>()) {
            held = Value{number->rounded(nature_.decimals)};
        }
        out.set(name, std::move(held));
    }
    return out;
}

agent::Record Platform::to_record(const Row& row, const Version& version) const {
    agent::Record record;
    record.object = row.key.object;
    record.id = row.key.record;
    record.deleted = version.deleted;
    record.fields = version.fields;
    record.marker = version.marker;
    record.changed_at = Timestamp{SimClock::kStart} + version.stamp;
    return record;
}

std::optional<agent::Record> Platform::read(const RecordId& id, Duration as_of) const {
    const auto at = rows_.find(id);
    if (at == rows_.end()) return std::nullopt;
    const Version* version = at->second.as_of(as_of);
    if (version == nullptr || version->deleted) return std::nullopt;
    return to_record(at->second, *version);
}

std::optional<agent::Record> Platform::find(const EntityId& entity, Duration as_of) const {
    for (const auto& [id, row] : rows_) {
        const Version* version = row.as_of(as_of);
        if (version != nullptr && !version->deleted && version->marker == entity) {
            return to_record(row, *version);
        }
    }
    return std::nullopt;
}

agent::Cursor Platform::full_read_start() const { return {"F;;"}; }

agent::Batch Platform::list(const agent::Cursor& from, std::size_t max, Duration as_of) const {
    const std::vector<std::string> at = parts_of(from.text.empty() ? "F;;" : from.text);
    const bool full = at[0] == "F";
    agent::Batch batch;
    // A sweep ends where it began: what is changed while it runs is for the next one.
    const std::string first =
        (full ? at[1] : at[2]).empty() ? text_of(as_of) : (full ? at[1] : at[2]);
    std::vector<std::pair<std::pair<Duration, RecordId>, const Row*>> found;
    for (const auto& [id, row] : rows_) {
        const Version* version = row.as_of(as_of);
        if (version == nullptr) continue;
        const std::pair place{full ? Duration{0} : version->stamp, id};
        if (full ? version->deleted : version->stamp <= time_of(at[1]) - reread_) continue;
        const std::pair last = full ? std::pair{Duration{0}, RecordId{at[2]}}
                                    : std::pair{time_of(at[3]), RecordId{at[4]}};
        if (place > last || last.second.empty()) found.emplace_back(place, &row);
    }
    std::sort(found.begin(), found.end());
    batch.more = found.size() > max;
    if (batch.more) found.resize(max);
    for (const auto& [place, row] : found) {
        batch.records.push_back(to_record(*row, *row->as_of(as_of)));
    }
    if (!batch.more) {
        batch.next.text = "L;" + first + ";;;";
    } else if (full) {
        batch.next.text = "F;" + first + ";" + found.back().first.second.text;
    } else {
        batch.next.text = "L;" + at[1] + ";" + first + ";" + text_of(found.back().first.first) +
                          ";" + found.back().first.second.text;
    }
    return batch;
}

Result<Value> Platform::operate(const agent::OperationRequest& request) {
    const Value* number = request.input.find(FieldName{"number"});
    const auto* text = number == nullptr ? nullptr : number->get<std::string>();
    const bool may_refuse = request.name == "do_or_refuse";
    if (may_refuse && text != nullptr && text->ends_with('x')) {
        return fail(ErrorKind::kInvalid, "no such number: " + *text);
    }
    int& times = operations_[request.key];
    if (times == 0 || !nature_.knows_keys) ++times;
    world_.note(name(), "carries out " + request.key);
    return Value{Value::Map{{"made", text == nullptr ? "" : *text}}};
}

std::optional<Value> Platform::find_operation(const std::string& key) const {
    if (!operations_.contains(key)) return std::nullopt;
    return Value{Value::Map{{"made", std::string{"found"}}}};
}

}  // namespace syncline::sim
