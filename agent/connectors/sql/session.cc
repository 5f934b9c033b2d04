#include "agent/connectors/sql/session.h"

namespace syncline::agent::sql {
namespace {

std::string doubled(std::string_view text, char quote) {
    std::string out{quote};
    for (const char c : text) {
        if (c == quote) out += quote;
        out += c;
    }
    return out + quote;
}

}  // namespace

std::unexpected<Error> table_altered(Session& session, const Error& error) {
    session.close();
    return fail(ErrorKind::kUnavailable,
                error.what + " (the table was altered; it is looked at anew)");
}

std::string sql_identifier(std::string_view name) { return doubled(name, '`'); }

std::string sql_text(std::string_view text) { return doubled(text, '\''); }

}  // namespace syncline::agent::sql
