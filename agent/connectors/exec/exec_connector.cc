#include "agent/connectors/exec/exec_connector.h"

#include <algorithm>

#include "agent/connectors/exec/cursor.h"
#include "agent/connectors/exec/door.h"
#include "agent/core/value_path.h"
#include "shared/base/json.h"
#include "shared/base/log.h"
#include "shared/base/utf8.h"

namespace syncline::agent {
namespace {

using exec::Door;
using exec::Page;
using exec::ReadState;
using exec::Settings;

/// A connector that waits for changes does so for a second at most.
constexpr Duration kWaitMost{std::chrono::milliseconds{900}};

bool is_about_all(ErrorKind kind) {
    return kind == ErrorKind::kThrottled || kind == ErrorKind::kDenied;
}

Result<Record> record_from(const ObjectMapping& mapping, const Value::Map& native) {
    auto record = to_canonical(mapping, native);
    if (record) record->partial = record->fields.size() < mapping.fields.size();
    return record;
}

class ExecConnector final : public Connector {
public:
    ExecConnector(std::shared_ptr<const Settings> settings, const Clock& clock,
                  exec::StderrLog::Sink sink)
        : door_(std::move(settings), clock, std::move(sink)) {}

    Result<void> connect(std::stop_token stop) override { return door_.session().open(stop); }
    Result<Batch> read(const Cursor& from, std::size_t max, std::stop_token stop) override {
        return read_objects(from, max, Wait::kForChanges, stop);
    }
    Result<Batch> survey(const Cursor& from, std::size_t max, std::stop_token stop) override {
        return read_objects(from, max, Wait::kNever, stop);
    }
    Result<std::optional<Record>> fetch(const ObjectName& object, const RecordId& id,
                                        std::stop_token stop) override;
    Result<std::optional<Record>> find(const ObjectName& object, const EntityId& entity,
                                       std::stop_token stop) override;
    Result<Written> write(const Command& command, std::stop_token stop) override;
    Result<Value> ask(const std::string& name, const Fields& input, std::stop_token stop) override;
    [[nodiscard]] std::vector<std::string> questions() const override {
        return door_.settings().questions;
    }
    Result<Value> operate(const OperationRequest& request, std::stop_token stop) override;
    Result<std::optional<Value>> find_operation(const OperationRequest& request,
                                                std::stop_token stop) override;
    [[nodiscard]] std::vector<OperationTraits> operations() const override {
        return door_.settings().operations;
    }
    [[nodiscard]] Fields normal_form(const ObjectName& object, const Fields& fields) const override;
    [[nodiscard]] Duration throttle_pause() const override {
        return door_.session().throttle_pause();
    }
    [[nodiscard]] Traits traits() const override {
        const exec::Capabilities& can = door_.settings().capabilities;
        return {.create_is_idempotent = can.create_is_idempotent,
                .has_marker = can.has_marker,
                .can_fetch = can.can_fetch,
                .waits_for_changes = can.waits_for_changes,
                .read_back_lag = door_.settings().read_back_lag};
    }

private:
    enum class Wait : std::uint8_t { kForChanges, kNever };
    Result<Batch> read_objects(const Cursor& from, std::size_t max, Wait wait,
                               const std::stop_token& stop);
    static void take(const ObjectMapping& mapping, Page page, Batch& batch);
    void warn(const std::string& what);
    [[nodiscard]] Result<const ObjectMapping*> mapping_of(const ObjectName& object) const;

    Door door_;
    std::string warned_;
};

Result<const ObjectMapping*> ExecConnector::mapping_of(const ObjectName& object) const {
    const auto& objects = door_.settings().objects;
    const auto at = std::ranges::find(objects, object, &ObjectMapping::object);
    if (at != objects.end()) return &*at;
    return fail(ErrorKind::kInvalid, "the object `" + object.text + "` is not mapped here");
}

/// What the program says of one object goes into the batch.
void ExecConnector::take(const ObjectMapping& mapping, Page page, Batch& batch) {
    for (const Value::Map& native : page.records) {
        auto record = record_from(mapping, native);
        if (record) {
            batch.records.push_back(std::move(*record));
            continue;
        }
        batch.rejects.push_back(
            {mapping.object, text_at(Value{native}, mapping.key), record.error().what,
             std::string{cut_utf8(to_json(Value{native}), exec::kRawBytesMax)}});
    }
    for (std::string& id : page.deleted) {
        batch.records.push_back(
            {.object = mapping.object, .id = RecordId{std::move(id)}, .deleted = true});
    }
    for (Batch::Reject& reject : page.rejects) {
        reject.object = mapping.object;
        batch.rejects.push_back(std::move(reject));
    }
}

/// Asks one object after the other, so that none waits for another that has much to tell. One that
/// cannot be read is left out, with a warning, as long as others can; but not in its first read,
/// whose end must mean that all was seen.
Result<Batch> ExecConnector::read_objects(const Cursor& from, std::size_t max, Wait wait,
                                          const std::stop_token& stop) {
    auto state = ReadState::decode(from.text);
    if (!state) return fail(state.error());
    if (auto opened = door_.session().open(stop); !opened) return fail(opened.error());
    const auto& objects = door_.settings().objects;
    const bool waits = wait == Wait::kForChanges && traits().waits_for_changes;
    const Duration pause = waits ? kWaitMost / static_cast<int>(objects.size()) : Duration{0};
    const auto first = std::ranges::find(objects, state->turn,
                                         [](const ObjectMapping& o) { return o.object.text; });
    const auto begin =
        first == objects.end() ? std::size_t{0} : static_cast<std::size_t>(first - objects.begin());
    Batch batch;
    std::optional<Error> failed;
    std::size_t done = 0;
    for (std::size_t i = 0; i < objects.size(); ++i) {
        const ObjectMapping& mapping = objects[(begin + i) % objects.size()];
        state->turn = mapping.object.text;
        const std::size_t taken = batch.records.size() + batch.rejects.size();
        if (taken >= std::max<std::size_t>(max, 1)) {
            batch.more = true;
            break;
        }
        ReadState::Position& position = state->objects[mapping.object.text];
        const bool at_once = taken > 0 || batch.more;
        auto page =
            door_.read(mapping, {position.cursor, position.full},
                       std::max<std::size_t>(max, 1) - taken, at_once ? Duration{0} : pause, stop);
        if (!page) {
            if (!failed) failed = page.error();
            if (position.full || is_about_all(page.error().kind) || stop.stop_requested()) {
                return fail(page.error(), mapping.native);
            }
            warn(mapping.native + " is not read: " + page.error().what);
            continue;
        }
        ++done;
        position.cursor = page->next;
        position.full = position.full && page->more;
        batch.more = batch.more || page->more;
        take(mapping, std::move(*page), batch);
    }
    if (done == 0 && failed) return fail(*failed);
    batch.next.text = state->encode();
    return batch;
}

void ExecConnector::warn(const std::string& what) {
    if (warned_ != what) log::warning(what);
    warned_ = what;
}

Result<std::optional<Record>> ExecConnector::fetch(const ObjectName& object, const RecordId& id,
                                                   std::stop_token stop) {
    if (!traits().can_fetch) {
        return fail(ErrorKind::kUnsupported,
                    "the program has no `fetch`, by `capabilities` in [connector]");
    }
    const auto mapping = mapping_of(object);
    if (!mapping) return fail(mapping.error());
    const auto native = door_.fetch(**mapping, id, stop);
    if (!native) return fail(native.error());
    if (!*native) return std::nullopt;
    return record_from(**mapping, **native);
}

Result<std::optional<Record>> ExecConnector::find(const ObjectName& object, const EntityId& entity,
                                                  std::stop_token stop) {
    if (!traits().has_marker) {
        return fail(ErrorKind::kUnsupported,
                    "the program has no `find`, by `capabilities` in [connector]");
    }
    const auto mapping = mapping_of(object);
    if (!mapping) return fail(mapping.error());
    const auto native = door_.find(**mapping, entity, stop);
    if (!native) return fail(native.error());
    if (!*native) return std::nullopt;
    return record_from(**mapping, **native);
}

Result<Written> ExecConnector::write(const Command& command, std::stop_token stop) {
    const auto mapping = mapping_of(command.entity.object);
    if (!mapping) return fail(mapping.error());
    const auto effect = door_.write(**mapping, command, stop);
    const bool removal = command.kind == CommandKind::kDelete;
    // A deletion that is repeated finds nothing: that is what was wanted.
    const bool gone = removal && !effect && effect.error().kind == ErrorKind::kNotFound;
    if (!effect && !gone) return fail(effect.error());
    Written written{.id = command.record.value_or(RecordId{})};
    if (removal) return written;
    written.existed = effect->existed;
    if (!effect->record) return written;
    written.id = RecordId{text_at(Value{*effect->record}, (*mapping)->key)};
    auto record = record_from(**mapping, *effect->record);
    // What was written was written; that it cannot be mapped comes out when it is read.
    if (record) written.record = std::move(*record);
    return written;
}

Result<Value> ExecConnector::ask(const std::string& name, const Fields& input,
                                 std::stop_token stop) {
    const auto& known = door_.settings().questions;
    if (std::ranges::find(known, name) == known.end()) {
        return fail(ErrorKind::kUnsupported, "[connector.asks." + name + "] is missing");
    }
    return door_.ask(name, input, stop);
}

Result<Value> ExecConnector::operate(const OperationRequest& request, std::stop_token stop) {
    const auto& known = door_.settings().operations;
    if (std::ranges::find(known, request.name, &OperationTraits::name) == known.end()) {
        return fail(ErrorKind::kUnsupported,
                    "[connector.operations." + request.name + "] is missing");
    }
    return door_.operate(request, stop);
}

Result<std::optional<Value>> ExecConnector::find_operation(const OperationRequest& request,
                                                           std::stop_token stop) {
    const auto& known = door_.settings().operations;
    const auto at = std::ranges::find(known, request.name, &OperationTraits::name);
    if (at == known.end() || at->on_doubt != OnDoubt::kLook) {
        return fail(ErrorKind::kUnsupported,
                    "[connector.operations." + request.name + "] has no `find = true`");
    }
    return door_.find_operation(request, stop);
}

Fields ExecConnector::normal_form(const ObjectName& object, const Fields& fields) const {
    const auto mapping = mapping_of(object);
    return mapping ? agent::normal_form(**mapping, fields).value_or(fields) : fields;
}

}  // namespace

std::unique_ptr<Connector> make_exec_connector(std::shared_ptr<const exec::Settings> settings,
                                               const Clock& clock, exec::StderrLog::Sink sink) {
    return std::make_unique<ExecConnector>(std::move(settings), clock, std::move(sink));
}

}  // namespace syncline::agent
