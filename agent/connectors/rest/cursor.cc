#include "agent/connectors/rest/cursor.h"

#include "agent/core/value_path.h"
#include "shared/base/json.h"

namespace syncline::agent::rest {
namespace {

void put_time(Value::Map& map, const char* key, const std::optional<Timestamp>& time) {
    if (time) map.emplace(key, to_string(*time));
}

bool take_time(const Value::Map& map, const char* key, std::optional<Timestamp>& time) {
    const Value* const value = at_path(map, key);
    if (value == nullptr) return true;
    const auto* text = value->get<std::string>();
    const auto parsed = parse_timestamp(text == nullptr ? "" : *text);
    if (parsed) time = *parsed;
    return parsed.has_value();
}

std::string take_text(const Value::Map& map, const char* key) {
    const Value* const value = at_path(map, key);
    return value == nullptr ? std::string{} : scalar_text(*value).value_or("");
}

Value::Map encode(const Position& position) {
    Value::Map map;
    put_time(map, "watermark", position.watermark);
    put_time(map, "until", position.until);
    put_time(map, "from", position.from);
    put_time(map, "stamp", position.stamp);
    if (position.stamp) map.emplace("id", position.id);
    if (!position.page.empty()) map.emplace("page", position.page);
    if (position.round_done) map.emplace("done", true);
    return map;
}

bool decode(const Value::Map& map, Position& position) {
    position.id = take_text(map, "id");
    position.page = take_text(map, "page");
    position.round_done = map.contains("done");
    return take_time(map, "watermark", position.watermark) &&
           take_time(map, "until", position.until) && take_time(map, "from", position.from) &&
           take_time(map, "stamp", position.stamp);
}

}  // namespace

Result<ReadState> ReadState::decode(std::string_view text) {
    ReadState state;
    if (text.empty()) return state;
    const auto bad = [] { return fail(ErrorKind::kCorrupt, "the cursor is not one of `rest`"); };
    const auto json = parse_json(text);
    const auto* root = json ? json->get<Value::Map>() : nullptr;
    if (root == nullptr || take_text(*root, "v") != "1") return bad();
    state.turn = take_text(*root, "turn");
    const Value* const streams = at_path(*root, "streams");
    const auto* map = streams == nullptr ? nullptr : streams->get<Value::Map>();
    if (map == nullptr) return bad();
    for (const auto& [name, value] : *map) {
        const auto* one = value.get<Value::Map>();
        if (one == nullptr || !rest::decode(*one, state.streams[name])) return bad();
    }
    return state;
}

std::string ReadState::encode() const {
    Value::Map map;
    for (const auto& [name, position] : streams) map.emplace(name, rest::encode(position));
    return to_json(Value::Map{{"v", 1}, {"turn", turn}, {"streams", std::move(map)}});
}

}  // namespace syncline::agent::rest
