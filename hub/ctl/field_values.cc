#include "hub/ctl/field_values.h"

#include "shared/base/json.h"

namespace syncline::ctl {

Result<Value::Map> field_values(const std::vector<std::string>& words, const std::string& json) {
    Value::Map map;
    if (!json.empty()) {
        const auto read = parse_json(json);
        if (!read) return fail(read.error(), "--input");
        const auto* given = read->get<Value::Map>();
        if (given == nullptr) return fail(ErrorKind::kInvalid, "--input must be a JSON object");
        map = *given;
    }
    for (const std::string& word : words) {
        const auto equals = word.find('=');
        if (equals == std::string::npos || equals == 0) {
            return fail(ErrorKind::kInvalid, "`" + word + "` is not FIELD=VALUE");
        }
        const std::string text = word.substr(equals + 1);
        auto read = parse_json(text);
        map.insert_or_assign(word.substr(0, equals), read ? *std::move(read) : Value{text});
    }
    return map;
}

}  // namespace syncline::ctl
