#include "agent/connectors/postgres/operation.h"

#include "agent/connectors/postgres/transaction.h"
#include "shared/base/json.h"

namespace syncline::agent::postgres {
namespace {

/// `:key` in the SQL.
constexpr const char* kKey = "key";

/// What goes wrong with our own table is no fault of the operation, which waits.
std::unexpected<Error> not_now(const Error& error, const std::string& what) {
    return fail(ErrorKind::kUnavailable, what + ": " + error.what);
}

Result<void> ensure_table(Session& session, const std::string& table, const std::stop_token& stop) {
    const auto found = session.run(
        {.sql = "SELECT pg_catalog.to_regclass($1)", .parameters = {table}, .prepare = true}, stop);
    if (!found) return not_now(found.error(), "looking for " + table);
    if (found->get(0, 0)) return {};
    const std::string create = "CREATE TABLE IF NOT EXISTS " + table +
                               " (key text PRIMARY KEY, result jsonb,"
                               " done_at timestamptz NOT NULL DEFAULT now())";
    const auto made = session.run({.sql = create}, stop);
    if (made) return {};
    return not_now(made.error(), "make it by hand: " + create);
}

/// All but BEGIN and COMMIT.
Result<Value> operate_inside(Session& session, const std::string& table, const Question& operation,
                             const OperationRequest& request, const std::stop_token& stop) {
    // Waits for one of the same key that is on its way.
    auto first = session.run(
        {.sql = "INSERT INTO " + table + " (key) VALUES ($1) ON CONFLICT (key) DO NOTHING",
         .parameters = {request.key},
         .prepare = true},
        stop);
    if (!first) return not_now(first.error(), table);
    if (first->affected() == 0) {
        auto known = session.run({.sql = "SELECT result FROM " + table + " WHERE key = $1",
                                  .parameters = {request.key},
                                  .prepare = true},
                                 stop);
        if (!known) return not_now(known.error(), table);
        if (known->size() == 0) return fail(ErrorKind::kUnavailable, "it was removed just now");
        return parse_json(known->text(0, 0));
    }
    Fields input = request.input;
    input.set(FieldName{kKey}, request.key);
    // Not prepared: a plan that was made for the tables of before is refused.
    auto rows =
        session.run({.sql = "WITH q AS (" + operation.sql + ") SELECT row_to_json(q) FROM q",
                     .parameters = parameters_of(operation, input),
                     .limit = request.limit},
                    stop);
    if (!rows) {
        Error error = rows.error();
        const bool refused =
            error.kind == ErrorKind::kConflict || session.sqlstate() == "42501";  // No privilege.
        if (refused) error.kind = ErrorKind::kInvalid;
        return fail(std::move(error));
    }
    if (rows->size() == 0) {
        return fail(ErrorKind::kNotFound, "the statement gives no row, so nothing was done");
    }
    if (rows->size() > 1) {
        return fail(ErrorKind::kInvalid, "the statement gives more than one row; nothing was done");
    }
    const std::string told = rows->text(0, 0);
    auto kept = session.run({.sql = "UPDATE " + table + " SET result = $2::jsonb WHERE key = $1",
                             .parameters = {request.key, told},
                             .prepare = true},
                            stop);
    if (!kept) return not_now(kept.error(), table);
    return parse_json(told);
}

}  // namespace

Result<Value> carry_out_operation(Session& session, const std::string& table,
                                  const Question& operation, const OperationRequest& request,
                                  const std::stop_token& stop) {
    if (auto there = ensure_table(session, table, stop); !there) return fail(there.error());
    return in_transaction<Value>(
        session, stop, [&] { return operate_inside(session, table, operation, request, stop); });
}

}  // namespace syncline::agent::postgres
