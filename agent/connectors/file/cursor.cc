#include "agent/connectors/file/cursor.h"

#include "agent/core/value_path.h"
#include "shared/base/json.h"

namespace syncline::agent::file {

Result<Position> Position::decode(std::string_view text) {
    Position position;
    if (text.empty()) return position;
    const auto json = parse_json(text);
    const auto* map = json ? json->get<Value::Map>() : nullptr;
    const auto text_of = [&](const char* key) {
        const Value* const value = map == nullptr ? nullptr : at_path(*map, key);
        return value == nullptr ? std::string{} : scalar_text(*value).value_or("");
    };
    const auto number_of = [&](const char* key) {
        const Value* const value = map == nullptr ? nullptr : at_path(*map, key);
        const auto* number = value == nullptr ? nullptr : value->get<std::int64_t>();
        return number == nullptr || *number < 0 ? 0u : static_cast<std::uint64_t>(*number);
    };
    position.file = text_of("file");
    const bool plain = position.file.find('/') == std::string::npos && position.file != "..";
    if (text_of("v") != "1" || !plain) {
        return fail(ErrorKind::kCorrupt, "the cursor is not one of `file`");
    }
    position.identity = text_of("identity");
    position.place = {number_of("offset"), number_of("line")};
    position.finished = text_of("finished") == "true";
    return position;
}

std::string Position::encode() const {
    return to_json(Value::Map{{"v", 1},
                              {"file", file},
                              {"identity", identity},
                              {"offset", static_cast<std::int64_t>(place.offset)},
                              {"line", static_cast<std::int64_t>(place.line)},
                              {"finished", finished}});
}

}  // namespace syncline::agent::file
