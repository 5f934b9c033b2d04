#include "agent/connectors/rest/window.h"

#include "shared/model/decimal.h"

namespace syncline::agent::rest {

Timestamp floored(Timestamp time, Duration resolution) {
    const std::int64_t unit = resolution.count();
    const std::int64_t rest = time.ns % unit;
    return Timestamp{time.ns - rest - (rest < 0 ? unit : 0)};
}

namespace {

/// Of whole numbers; of other ids it is the platform's to say.
bool comes_before(const std::string& id, const std::string& other) {
    const auto one = Decimal::parse(id);
    const auto two = Decimal::parse(other);
    return one && two && *one < *two;
}

}  // namespace

bool within(NextPage next, const Position& position, const RowPlace& row) {
    if (position.from && (row.stamp < *position.from || row.stamp >= *position.until)) return false;
    if (!position.stamp || next == NextPage::kId) return true;
    if (row.stamp != *position.stamp) return row.stamp > *position.stamp;
    // Which of two ids comes first is the platform's to say: 9 before 10, or after it.
    return row.id != position.id;
}

Result<void> advanced(NextPage next, Position& position, const RowPlace& row) {
    const bool keyset = is_keyset(next);
    // Where the pages of a URL were fixed when the query ran, a row that was changed since shows
    // its new stamp among the old ones: going on from there after a restart would skip those
    // between.
    if (!keyset && row.stamp >= *position.until) return {};
    if (next != NextPage::kId && position.stamp && row.stamp < *position.stamp) {
        if (!keyset) return {};
        return fail(ErrorKind::kUnsupported,
                    "records are not in the order asked for: " + to_string(row.stamp) + " after " +
                        to_string(*position.stamp));
    }
    if (next == NextPage::kId && position.stamp && comes_before(row.id, position.id)) {
        return fail(ErrorKind::kUnsupported,
                    "records are not in the order asked for: " + row.id + " after " + position.id);
    }
    position.stamp = row.stamp;
    position.id = row.id;
    return {};
}

}  // namespace syncline::agent::rest
