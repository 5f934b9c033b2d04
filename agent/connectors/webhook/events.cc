#include "agent/connectors/webhook/events.h"

#include <algorithm>
#include <utility>

#include "agent/core/value_path.h"

namespace syncline::agent::webhook {
namespace {

constexpr std::size_t kRawMax = 16u << 10;

bool holds(const Condition& condition, const Value& item, const Value& event) {
    const Value* value = at_path(item, condition.path);
    if (value == nullptr) value = at_path(event, condition.path);
    if (value == nullptr) return false;
    const auto text = scalar_text(*value);
    return text && std::ranges::find(condition.values, *text) != condition.values.end();
}

std::string cut_json(const Value& value) {
    std::string text = to_json(value);
    if (text.size() > kRawMax) text.resize(kRawMax);
    return text;
}

Result<Record> record_of(const EventShape& shape, const ObjectMapping& mapping, const Value& item,
                         bool deleted) {
    const Value* const found = at_path(item, shape.record);
    const auto* const native = found == nullptr ? nullptr : found->get<Value::Map>();
    if (native == nullptr) {
        return fail(ErrorKind::kInvalid, "there is no record at `" + shape.record + "`");
    }
    if (!deleted) {
        auto record = to_canonical(mapping, *native);
        if (record) record->partial = !shape.complete;
        return record;
    }
    ObjectMapping key_only = mapping;  // A delete may tell nothing but the key.
    key_only.fields.clear();
    key_only.marker.clear();
    auto record = to_canonical(key_only, *native);
    if (record) record->deleted = true;
    return record;
}

void add_item(const EventShape& shape, const ObjectMapping& mapping, const Value& item,
              const Value& event, PushedEvent& out) {
    const bool wanted = shape.accept_when.path.empty() || holds(shape.accept_when, item, event);
    const bool deleted = !shape.deleted_when.path.empty() && holds(shape.deleted_when, item, event);
    if (!wanted && !deleted) return;
    auto record = record_of(shape, mapping, item, deleted);
    if (record) {
        out.records.push_back(std::move(*record));
    } else {
        out.rejects.push_back(
            {.object = mapping.object, .reason = record.error().what, .raw = cut_json(item)});
    }
}

}  // namespace

Result<PushedEvent> events_of(const EventShape& shape, const ObjectMapping& mapping,
                              std::string_view body, const JsonLimits& limits) {
    auto event = parse_json(body, limits);
    if (!event) return fail(event.error());
    const Value* const items = at_path(*event, shape.items);
    if (items == nullptr) {
        return fail(ErrorKind::kInvalid, "there is nothing at `" + shape.items + "`");
    }
    PushedEvent out;
    if (const auto* list = items->get<Value::List>()) {
        for (const Value& item : *list) add_item(shape, mapping, item, *event, out);
    } else {
        add_item(shape, mapping, *items, *event, out);
    }
    return out;
}

}  // namespace syncline::agent::webhook
