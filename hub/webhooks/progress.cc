#include "hub/webhooks/progress.h"

#include "shared/base/json.h"

namespace syncline::hub::webhooks {
namespace {

Value number(std::uint64_t value) { return Value{static_cast<std::int64_t>(value)}; }
Value text_of(Timestamp time) { return time.ns == 0 ? Value{} : Value{to_string(time)}; }

/// Members of a JSON object; what is not there, or something else, is empty.
struct In {
    const Value::Map& map;

    [[nodiscard]] const Value* at(std::string_view key) const {
        const auto found = map.find(key);
        return found == map.end() ? nullptr : &found->second;
    }
    [[nodiscard]] std::string text(std::string_view key) const {
        const Value* value = at(key);
        const auto* text = value == nullptr ? nullptr : value->get<std::string>();
        return text == nullptr ? std::string{} : *text;
    }
    [[nodiscard]] std::uint64_t number(std::string_view key) const {
        const Value* value = at(key);
        const auto* number = value == nullptr ? nullptr : value->get<std::int64_t>();
        return number == nullptr || *number < 0 ? 0 : static_cast<std::uint64_t>(*number);
    }
    [[nodiscard]] bool flag(std::string_view key) const {
        const Value* value = at(key);
        const auto* flag = value == nullptr ? nullptr : value->get<bool>();
        return flag != nullptr && *flag;
    }
    [[nodiscard]] Timestamp time(std::string_view key) const {
        return parse_timestamp(text(key)).value_or(Timestamp{});
    }
};

}  // namespace

std::string encode(const Progress& progress) {
    return to_json(Value{Value::Map{{"position", number(progress.position)},
                                    {"position_at", text_of(progress.position_at)},
                                    {"taken", number(progress.taken)},
                                    {"refused", number(progress.refused)},
                                    {"taken_at", text_of(progress.taken_at)},
                                    {"failing_since", text_of(progress.failing_since)},
                                    {"failures", number(progress.failures)},
                                    {"why", progress.why},
                                    {"disabled", progress.disabled},
                                    {"told", progress.told}}});
}

Result<Progress> decode_progress(std::string_view body) {
    const auto read = parse_json(body);
    if (!read) return fail(read.error());
    const auto* map = read->get<Value::Map>();
    if (map == nullptr) return fail(ErrorKind::kInvalid, "it is no JSON object");
    const In in{*map};
    return Progress{.position = in.number("position"),
                    .position_at = in.time("position_at"),
                    .taken = in.number("taken"),
                    .refused = in.number("refused"),
                    .taken_at = in.time("taken_at"),
                    .failing_since = in.time("failing_since"),
                    .failures = in.number("failures"),
                    .why = in.text("why"),
                    .disabled = in.text("disabled"),
                    .told = in.flag("told")};
}

}  // namespace syncline::hub::webhooks
