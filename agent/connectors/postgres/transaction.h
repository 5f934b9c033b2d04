#pragma once

#include <stop_token>
#include <utility>

#include "agent/connectors/postgres/session.h"

namespace syncline::agent::postgres {

/// Runs `inside` between BEGIN and COMMIT; an error of it rolls back. kAmbiguous: the connection
/// was lost while the transaction was being committed, and only then.
template <class T, class Inside>
[[nodiscard]] Result<T> in_transaction(Session& session, const std::stop_token& stop,
                                       Inside inside) {
    if (auto begun = session.run({.sql = "BEGIN"}, stop); !begun) return fail(begun.error());
    Result<T> done = inside();
    if (!done) {
        if (!session.usable() || !session.run({.sql = "ROLLBACK"}, stop)) session.close();
        return done;
    }
    const Statement commit{.sql = "COMMIT", .if_lost = IfLost::kInDoubt};
    if (auto committed = session.run(commit, stop); !committed) return fail(committed.error());
    return done;
}

}  // namespace syncline::agent::postgres
