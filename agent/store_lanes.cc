#include <algorithm>
#include <utility>

#include "agent/store.h"
#include "shared/wire/hold_codec.h"

namespace syncline::agent {
namespace {

/// Objects of more fields than that: blankings of the others are not known.
constexpr std::size_t kFieldsMost = 2'048;

/// What a change takes on disk, roughly.
std::uint64_t size_of(const RecordId& id, std::string_view body) {
    return 2 * id.text.size() + body.size() + 48;
}

}  // namespace

// ---- Lanes ----------------------------------------------------------------------------------

void Store::load_lanes() {
    sqlite::Query lanes = database_->query(
        "SELECT object, direction, window, phase, hold, blind, told, answered, verdict, through"
        " FROM lanes");
    while (lanes.next()) {
        const Lane lane{ObjectName{lanes.text(0)}, static_cast<Direction>(lanes.integer(1))};
        LaneState& state = held_.lanes[lane];
        state.window = MassWindow::parse(lanes.text(2));
        state.phase = static_cast<LaneState::Phase>(lanes.integer(3));
        auto hold = wire::decode_hold(lanes.text(4));
        if (!hold) {
            database_->fail_with(
                {ErrorKind::kCorrupt, "a lane of the store: " + hold.error().what});
            return;
        }
        state.hold = *std::move(hold);
        state.blind = lanes.integer(5) != 0;
        state.told = lanes.unsigned_integer(6);
        state.answered = lanes.unsigned_integer(7);
        state.verdict = static_cast<HoldAnswer::Verdict>(lanes.integer(8));
        state.through.ns = lanes.integer(9);
    }
    sqlite::Query withheld = database_->query(
        "SELECT o.name, count(*), sum(w.bytes), max(w.n) FROM withheld w"
        " JOIN objects o ON o.id = w.object GROUP BY w.object");
    while (withheld.next()) {
        held_.withheld[std::string{withheld.text(0)}] = {withheld.unsigned_integer(1),
                                                         withheld.unsigned_integer(2)};
        held_.withheld_last = std::max(held_.withheld_last, withheld.unsigned_integer(3));
    }
    sqlite::Query fields = database_->query(
        "SELECT o.name, f.name, f.number FROM fields f JOIN objects o ON o.id = f.object");
    while (fields.next()) {
        held_.fields[std::string{fields.text(0)}].emplace(fields.text(1),
                                                          fields.unsigned_integer(2));
    }
}

void Store::save_lanes() {
    for (const Lane& lane : std::exchange(held_.changed_lanes, {})) {
        const LaneState& state = held_.lanes.at(lane);
        HoldNotice hold = state.hold;
        hold.platform = platform_;
        hold.lane = lane;
        database_->run(
            "INSERT OR REPLACE INTO lanes"
            " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
            lane.object.text, static_cast<int>(lane.direction), state.window.text(),
            static_cast<int>(state.phase), sqlite::Blob{wire::encode(hold)}, state.blind,
            state.told, state.answered, static_cast<int>(state.verdict), state.through.ns);
    }
}

const LaneState* Store::lane(const Lane& lane) const {
    const auto found = held_.lanes.find(lane);
    return found == held_.lanes.end() ? nullptr : &found->second;
}

std::uint64_t Store::withheld(const ObjectName& object) const {
    const auto found = held_.withheld.find(object.text);
    return found == held_.withheld.end() ? 0 : found->second.changes;
}

std::uint64_t Store::withheld_bytes() const {
    std::uint64_t sum = 0;
    for (const auto& [object, withheld] : held_.withheld) sum += withheld.bytes;
    return sum;
}

LaneState& Transaction::change_lane(const Lane& lane) {
    store_.held_.changed_lanes.insert(lane);
    return store_.held_.lanes[lane];
}

// ---- Changes that are withheld --------------------------------------------------------------

void Transaction::withhold(const ObjectName& object, const RecordId& id, std::string_view body) {
    release(object, id);
    const std::uint64_t bytes = size_of(id, body);
    database_.run("INSERT INTO withheld VALUES(?1, ?2, ?3, ?4, ?5)", ++store_.held_.withheld_last,
                  object_number(object), id.text, bytes, sqlite::Blob{body});
    Store::Withheld& sum = store_.held_.withheld[object.text];
    ++sum.changes;
    sum.bytes += bytes;
}

std::optional<std::string> Transaction::withheld_of(const ObjectName& object, const RecordId& id) {
    if (store_.withheld(object) == 0) return std::nullopt;
    sqlite::Query row = database_.query("SELECT body FROM withheld WHERE object = ?1 AND id = ?2",
                                        object_number(object), id.text);
    if (!row.next()) return std::nullopt;
    return std::string{row.text(0)};
}

void Transaction::release(const ObjectName& object, const RecordId& id) {
    if (store_.withheld(object) == 0) return;
    std::uint64_t bytes = 0;
    {
        sqlite::Query row =
            database_.query("SELECT bytes FROM withheld WHERE object = ?1 AND id = ?2",
                            object_number(object), id.text);
        if (!row.next()) return;
        bytes = row.unsigned_integer(0);
    }
    database_.run("DELETE FROM withheld WHERE object = ?1 AND id = ?2", object_number(object),
                  id.text);
    Store::Withheld& sum = store_.held_.withheld[object.text];
    --sum.changes;
    sum.bytes -= bytes;
}

std::vector<std::string> Transaction::withheld(const ObjectName& object, std::size_t max) {
    std::vector<std::string> found;
    sqlite::Query rows =
        database_.query("SELECT body FROM withheld WHERE object = ?1 ORDER BY n LIMIT ?2",
                        object_number(object), max);
    while (rows.next()) found.emplace_back(rows.text(0));
    return found;
}

void Transaction::drop_withheld(const ObjectName& object) {
    database_.run("DELETE FROM withheld WHERE object = ?1", object_number(object));
    store_.held_.withheld.erase(object.text);
}

// ---- Fields that hold something -------------------------------------------------------------

std::optional<std::size_t> Transaction::field_number(const ObjectName& object,
                                                     const FieldName& field) {
    auto& known = store_.held_.fields[object.text];
    const auto found = known.find(field.text);
    if (found != known.end()) return found->second;
    if (known.size() >= kFieldsMost) return std::nullopt;
    const std::size_t number = known.size();
    database_.run("INSERT INTO fields VALUES(?1, ?2, ?3)", object_number(object), number,
                  field.text);
    known.emplace(field.text, number);
    return number;
}

FilledFields Transaction::filled(const ObjectName& object, const FilledFields& before,
                                 const Fields& fields) {
    FilledFields filled = before;
    for (const auto& [name, value] : fields) {
        if (const auto number = field_number(object, name)) filled.set(*number, !is_blank(value));
    }
    return filled;
}

bool Transaction::blanks(const ObjectName& object, const FilledFields& before,
                         const Fields& fields) {
    if (before.bytes().empty()) return false;
    const auto& known = store_.held_.fields[object.text];
    return std::ranges::any_of(fields, [&](const auto& entry) {
        if (!is_blank(entry.second)) return false;
        const auto number = known.find(entry.first.text);
        return number != known.end() && before.has(number->second);
    });
}

std::uint64_t Transaction::count_of(const ObjectName& object) {
    sqlite::Query row = database_.query(
        "SELECT count(*) FROM records WHERE object = ?1 AND deleted = 0", object_number(object));
    return row.next() ? row.unsigned_integer(0) : 0;
}

}  // namespace syncline::agent
