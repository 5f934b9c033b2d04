#include "agent/connectors/sql/position.h"

#include <utility>

#include "shared/base/json.h"

namespace syncline::agent::sql {
namespace {

/// Whole numbers as such, all else as text: a key or a stamp is nothing else.
Value shown_datum(const Datum& datum) {
    if (datum.kind != Datum::Kind::kInteger) return Value{datum.text};
    const auto number = Decimal::parse(datum.text);
    if (!number) return Value{datum.text};
    const auto small = number->to_int64();
    return small ? Value{*small} : Value{*number};
}

std::optional<Datum> read_datum(const Value& value) {
    if (const auto* text = value.get<std::string>()) return Datum::of_text(*text);
    if (const auto* number = value.get<std::int64_t>()) return Datum::of_integer(*number);
    const auto* decimal = value.get<Decimal>();
    if (decimal == nullptr || !decimal->is_whole()) return std::nullopt;
    return Datum{Datum::Kind::kInteger, decimal->text()};
}

std::unexpected<Error> no_cursor(const char* why) { return fail(ErrorKind::kInvalid, why); }

/// The optional members of an object's position, and what each must be.
Result<ObjectPosition> read_object_position(const Value& value) {
    const auto* map = value.get<Value::Map>();
    if (map == nullptr) return no_cursor("an object's place is no table");
    ObjectPosition position{.full = false};
    for (const auto& [name, member] : *map) {
        const auto* text = member.get<std::string>();
        if (name == "full" && member == Value{true}) {
            position.full = true;
        } else if (name == "key" || name == "stamp") {
            auto datum = read_datum(member);
            if (!datum) return no_cursor("a key or stamp is neither text nor a whole number");
            (name == "key" ? position.key : position.stamp) = std::move(datum);
        } else if (name == "began" && text != nullptr) {
            const auto time = parse_timestamp(*text);
            if (!time) return fail(time.error());
            position.began = *time;
        } else {
            return no_cursor("an object's place has a member that is not known");
        }
    }
    return position;
}

Result<Position> read_position(const Value& value) {
    const auto* map = value.get<Value::Map>();
    if (map == nullptr) return no_cursor("no table");
    Position position;
    for (const auto& [name, member] : *map) {
        const auto* text = member.get<std::string>();
        const auto* number = member.get<std::int64_t>();
        const auto* objects = member.get<Value::Map>();
        if (name == "at" && text != nullptr) {
            position.at = ObjectName{*text};
        } else if (name == "seq" && number != nullptr && *number >= 0) {
            position.seq = static_cast<std::uint64_t>(*number);
        } else if (name == "objects" && objects != nullptr) {
            for (const auto& [object, place] : *objects) {
                auto read = read_object_position(place);
                if (!read) return fail(read.error());
                position.objects.emplace(ObjectName{object}, std::move(*read));
            }
        } else {
            return no_cursor("a member that is not known");
        }
    }
    return position;
}

}  // namespace

Cursor to_cursor(const Position& position) {
    Value::Map objects;
    for (const auto& [name, place] : position.objects) {
        Value::Map shown;
        if (place.full) shown.emplace("full", true);
        if (place.stamp) shown.emplace("stamp", shown_datum(*place.stamp));
        if (place.key) shown.emplace("key", shown_datum(*place.key));
        if (place.began) shown.emplace("began", to_string(*place.began));
        objects.emplace(name.text, std::move(shown));
    }
    Value::Map all{{"objects", std::move(objects)}};
    if (!position.at.empty()) all.emplace("at", position.at.text);
    if (position.seq) all.emplace("seq", static_cast<std::int64_t>(*position.seq));
    return {to_json(Value{std::move(all)})};
}

Result<Position> parse_position(const Cursor& cursor) {
    if (cursor.text.empty()) return Position{};
    const auto json = parse_json(cursor.text);
    auto position = json ? read_position(*json) : Result<Position>{fail(json.error())};
    if (!position) {
        return fail(position.error(), "'" + cursor.text + "' is no cursor of this connector");
    }
    return position;
}

void end_round(ObjectPosition& position, std::optional<Timestamp> last, Settled settled) {
    const bool was_full = position.full;
    position.full = false;
    position.began.reset();
    if (!was_full && last && *last < settled.moment) return;
    position.stamp = std::move(settled.stamp);
    position.key.reset();
}

}  // namespace syncline::agent::sql
