#include "agent/connectors/postgres/question.h"

#include <algorithm>

#include "agent/core/value_path.h"
#include "shared/base/json.h"

namespace syncline::agent::postgres {
namespace {

bool is_name_start(char c) { return (c >= 'a' && c <= 'z') || c == '_'; }
bool is_name(char c) { return is_name_start(c) || (c >= '0' && c <= '9'); }

/// How much of `sql` is one quoted text or comment; 0: it begins with neither.
Result<std::size_t> quoted(std::string_view sql) {
    const auto until = [&](std::string_view end, std::size_t from) -> Result<std::size_t> {
        const auto at = sql.find(end, from);
        if (at == std::string_view::npos) {
            return fail(ErrorKind::kInvalid, "has a quote or a comment without its end");
        }
        return at + end.size();
    };
    if (sql.starts_with("--")) return std::min(sql.find('\n'), sql.size());
    if (sql.starts_with("/*")) return until("*/", 2);
    if (sql[0] == '\'' || sql[0] == '"') return until(sql.substr(0, 1), 1);
    if (sql[0] == '$' && sql.size() > 1 && (sql[1] == '$' || is_name_start(sql[1]))) {
        const auto end = sql.find('$', 1);
        if (end != std::string_view::npos) return until(sql.substr(0, end + 1), end + 1);
    }
    return 0;
}

Parameter parameter_of(const Value* value) {
    if (value == nullptr || value->is_null()) return std::nullopt;
    const auto text = scalar_text(*value);
    return text ? *text : to_json(*value);
}

}  // namespace

Result<Question> parse_question(std::string_view sql) {
    Question question;
    while (!sql.empty()) {
        const auto length = quoted(sql);
        if (!length) return fail(length.error());
        std::size_t plain = std::max(*length, std::size_t{1});
        if (*length == 0 && sql.starts_with("::")) plain = 2;
        if (*length == 0 && plain == 1 && sql[0] == ';') {
            if (sql.find_first_not_of("; \t\n") != std::string_view::npos) {
                return fail(ErrorKind::kInvalid, "must be one statement");
            }
            break;
        }
        if (*length == 0 && plain == 1 && sql[0] == ':' && sql.size() > 1 &&
            is_name_start(sql[1])) {
            std::size_t end = 2;
            while (end < sql.size() && is_name(sql[end])) ++end;
            const std::string name{sql.substr(1, end - 1)};
            auto at = std::ranges::find(question.input, name);
            if (at == question.input.end()) at = question.input.insert(at, name);
            question.sql += "$" + std::to_string(at - question.input.begin() + 1);
            sql.remove_prefix(end);
            continue;
        }
        question.sql += sql.substr(0, plain);
        sql.remove_prefix(plain);
    }
    return question;
}

Questions read_questions(TomlReader table) {
    Questions questions;
    for (const std::string& name : table.keys()) {
        TomlReader in = table.table(name);
        auto question = parse_question(in.text("sql"));
        if (question) {
            questions.emplace(name, *std::move(question));
        } else {
            in.problem("sql", question.error().what);
        }
    }
    return questions;
}

std::vector<Parameter> parameters_of(const Question& question, const Fields& input) {
    std::vector<Parameter> parameters;
    for (const std::string& name : question.input) {
        parameters.push_back(parameter_of(input.find(name)));
    }
    return parameters;
}

Result<Value> put_question(Session& session, const Question& question, const Fields& input,
                           const std::stop_token& stop) {
    if (auto begun = session.run({.sql = "BEGIN READ ONLY"}, stop); !begun)
        return fail(begun.error());
    auto rows = session.run({.sql = "SELECT row_to_json(q) FROM (" + question.sql + ") q LIMIT 2",
                             .parameters = parameters_of(question, input),
                             .prepare = true},
                            stop);
    if (session.usable() && !session.run({.sql = "ROLLBACK"}, stop)) session.close();
    if (!rows) return fail(rows.error());
    if (rows->size() == 0) return fail(ErrorKind::kNotFound, "the query finds no row");
    if (rows->size() > 1) {
        return fail(ErrorKind::kInvalid, "the query finds more than one row; it must find one");
    }
    return parse_json(rows->text(0, 0));
}

}  // namespace syncline::agent::postgres
