#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "agent/connectors/postgres/session.h"
#include "shared/base/toml_reader.h"
#include "shared/model/value.h"

namespace syncline::agent::postgres {

/// A question or an operation as SQL: one statement whose only row is the answer.
struct Question {
    std::string sql;                 ///< With $1, $2 ... for the parameters.
    std::vector<std::string> input;  ///< The field of each.
};
using Questions = std::map<std::string, Question, std::less<>>;

/// `:name` becomes a parameter, but not within quotes, comments or `::type`. kInvalid: a quote
/// without end, or more than one statement.
[[nodiscard]] Result<Question> parse_question(std::string_view sql);

/// `[connector.asks]`, `[connector.operations]`: `NAME = { sql = "SELECT ..." }`. Problems are
/// noted in `table`.
[[nodiscard]] Questions read_questions(TomlReader table);

/// The parameters in their order.
[[nodiscard]] std::vector<Parameter> parameters_of(const Question& question, const Fields& input);

/// Connector::ask(), in a transaction that cannot write.
[[nodiscard]] Result<Value> put_question(Session& session, const Question& question,
                                         const Fields& input, const std::stop_token& stop);

}  // namespace syncline::agent::postgres
