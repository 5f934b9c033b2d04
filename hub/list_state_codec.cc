#include "hub/list_state_codec.h"

#include <algorithm>

#include "shared/base/json.h"

namespace syncline::hub {
namespace {

using Row = wire::ListDifference::Row;

Value number(std::uint64_t value) { return Value{static_cast<std::int64_t>(value)}; }
Value text_of(Timestamp time) { return time.ns == 0 ? Value{} : Value{to_string(time)}; }

Value value_of(const wire::ListDifference& changes) {
    Value::List sample;
    for (const Row& row : changes.sample) {
        sample.emplace_back(Value::Map{{"what", name_of(row.what)}, {"key", row.key}});
    }
    return Value::Map{{"added", number(changes.added)},
                      {"changed", number(changes.changed)},
                      {"removed", number(changes.removed)},
                      {"sample", std::move(sample)}};
}

Value value_of(const ListGeneration& one) {
    return Value::Map{{"generation", number(one.number)},  {"digest", one.digest},
                      {"rows", number(one.rows)},          {"read_at", text_of(one.read_at)},
                      {"taken_at", text_of(one.taken_at)}, {"actor", one.actor},
                      {"changes", value_of(one.changes)}};
}

Value value_of(const ListTarget& one) {
    return Value::Map{{"generation", number(one.has.generation)},
                      {"digest", one.has.digest},
                      {"at", text_of(one.at)},
                      {"failed_generation", number(one.failed.generation)},
                      {"failed_digest", one.failed.digest},
                      {"failed_at", text_of(one.failed_at)},
                      {"why", one.why}};
}

Value value_of(const std::vector<std::string>& texts) {
    Value::List out;
    for (const std::string& text : texts) out.emplace_back(text);
    return out;
}

/// Reads members of a JSON object; what is not there, or something else, is empty.
class In {
public:
    explicit In(const Value& value) : map_(value.get<Value::Map>()) {}

    [[nodiscard]] bool good() const { return map_ != nullptr; }
    [[nodiscard]] const Value* at(std::string_view key) const {
        if (map_ == nullptr) return nullptr;
        const auto found = map_->find(key);
        return found == map_->end() ? nullptr : &found->second;
    }
    [[nodiscard]] std::string text(std::string_view key) const {
        const Value* value = at(key);
        const auto* held = value == nullptr ? nullptr : value->get<std::string>();
        return held == nullptr ? std::string{} : *held;
    }
    [[nodiscard]] std::uint64_t whole(std::string_view key) const {
        const Value* value = at(key);
        const auto* held = value == nullptr ? nullptr : value->get<std::int64_t>();
        return held == nullptr ? 0 : static_cast<std::uint64_t>(std::max<std::int64_t>(*held, 0));
    }
    [[nodiscard]] Timestamp time(std::string_view key) const {
        return parse_timestamp(text(key)).value_or(Timestamp{});
    }
    void each(std::string_view key, const auto& take) const {
        const Value* value = at(key);
        const auto* list = value == nullptr ? nullptr : value->get<Value::List>();
        if (list == nullptr) return;
        for (const Value& item : *list) take(item);
    }
    [[nodiscard]] In inner(std::string_view key) const {
        static const Value kNone;
        const Value* value = at(key);
        return In{value == nullptr ? kNone : *value};
    }
    [[nodiscard]] const Value::Map* map() const { return map_; }

private:
    const Value::Map* map_;
};

wire::ListDifference changes_of(const In& in) {
    wire::ListDifference out;
    out.added = in.whole("added");
    out.changed = in.whole("changed");
    out.removed = in.whole("removed");
    in.each("sample", [&](const Value& value) {
        const In one{value};
        for (const Row::What what : {Row::What::kAdded, Row::What::kChanged, Row::What::kRemoved}) {
            if (one.text("what") == name_of(what)) out.sample.push_back({what, one.text("key")});
        }
    });
    return out;
}

ListGeneration generation_of(const In& in) {
    return {.number = in.whole("generation"),
            .digest = in.text("digest"),
            .rows = in.whole("rows"),
            .read_at = in.time("read_at"),
            .taken_at = in.time("taken_at"),
            .actor = in.text("actor"),
            .changes = changes_of(in.inner("changes"))};
}

ListTarget target_of(const In& in) {
    return {.has = {in.whole("generation"), in.text("digest")},
            .at = in.time("at"),
            .failed = {in.whole("failed_generation"), in.text("failed_digest")},
            .failed_at = in.time("failed_at"),
            .why = in.text("why")};
}

}  // namespace

std::string encode(const ListState& state) {
    Value::List history;
    for (const ListGeneration& one : state.history) history.push_back(value_of(one));
    Value::Map targets;
    for (const auto& [platform, target] : state.targets) {
        targets.emplace(platform.text, value_of(target));
    }
    return to_json(Value::Map{{"list", state.list.text},
                              {"since", text_of(state.since)},
                              {"read_at", text_of(state.read_at)},
                              {"current", value_of(state.current)},
                              {"history", std::move(history)},
                              {"held", state.held ? value_of(*state.held) : Value{}},
                              {"dropped", state.dropped},
                              {"settled_by", state.settled_by},
                              {"settled", state.settled},
                              {"settled_at", text_of(state.settled_at)},
                              {"refused", state.refused},
                              {"refused_digest", state.refused_digest},
                              {"answered", text_of(state.answered)},
                              {"trouble", state.trouble},
                              {"incomplete", state.incomplete},
                              {"garbage", value_of(state.garbage)},
                              {"targets", std::move(targets)}});
}

Result<ListState> decode_list_state(std::string_view body) {
    const auto value = parse_json(body);
    if (!value) return fail(value.error(), "state of a list");
    const In in{*value};
    if (!in.good() || in.text("list").empty()) {
        return fail(ErrorKind::kInvalid, "state of a list: it names none");
    }
    ListState state;
    state.list = ListName{in.text("list")};
    state.since = in.time("since");
    state.read_at = in.time("read_at");
    state.current = generation_of(in.inner("current"));
    in.each("history", [&](const Value& one) { state.history.push_back(generation_of(In{one})); });
    if (const In held = in.inner("held"); held.good()) state.held = generation_of(held);
    state.dropped = in.text("dropped");
    state.settled_by = in.text("settled_by");
    state.settled = in.text("settled");
    state.settled_at = in.time("settled_at");
    state.refused = in.text("refused");
    state.refused_digest = in.text("refused_digest");
    state.answered = in.time("answered");
    state.trouble = in.text("trouble");
    state.incomplete = in.text("incomplete");
    in.each("garbage", [&](const Value& one) {
        const auto* text = one.get<std::string>();
        if (text != nullptr && is_list_digest(*text)) state.garbage.push_back(*text);
    });
    if (const Value::Map* targets = in.inner("targets").map()) {
        for (const auto& [platform, target] : *targets) {
            state.targets.emplace(PlatformId{platform}, target_of(In{target}));
        }
    }
    return state;
}

}  // namespace syncline::hub
