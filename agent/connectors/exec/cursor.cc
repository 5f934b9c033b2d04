#include "agent/connectors/exec/cursor.h"

#include "agent/core/value_path.h"
#include "shared/base/json.h"

namespace syncline::agent::exec {

Result<ReadState> ReadState::decode(std::string_view text) {
    ReadState state;
    if (text.empty()) return state;
    const auto bad = [] { return fail(ErrorKind::kCorrupt, "the cursor is not one of `exec`"); };
    const auto json = parse_json(text);
    if (!json || text_at(*json, "v") != "1") return bad();
    state.turn = text_at(*json, "turn");
    const Value* const objects = at_path(*json, "objects");
    const auto* map = objects == nullptr ? nullptr : objects->get<Value::Map>();
    if (map == nullptr) return bad();
    for (const auto& [name, value] : *map) {
        const auto* one = value.get<Value::Map>();
        const Value* const cursor = one == nullptr ? nullptr : at_path(*one, "cursor");
        const auto* own = cursor == nullptr ? nullptr : cursor->get<std::string>();
        if (own == nullptr) return bad();
        state.objects[name] = {.cursor = *own, .full = one->contains("full")};
    }
    return state;
}

std::string ReadState::encode() const {
    Value::Map map;
    for (const auto& [name, position] : objects) {
        Value::Map one{{"cursor", position.cursor}};
        if (position.full) one.emplace("full", true);
        map.emplace(name, std::move(one));
    }
    return to_json(Value::Map{{"v", 1}, {"turn", turn}, {"objects", std::move(map)}});
}

}  // namespace syncline::agent::exec
