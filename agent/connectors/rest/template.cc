#include "agent/connectors/rest/template.h"

#include <algorithm>
#include <array>

#include "agent/core/value_path.h"
#include "shared/base/json.h"
#include "shared/http/client.h"

namespace syncline::agent::rest {
namespace {

/// What the configuration says.
constexpr std::array<std::string_view, 17> kWords{
    "singular",   "base_url", "api",    "native", "fields",      "fields_json",
    "key",        "changed",  "filter", "values", "values_and",  "each",
    "filter_and", "where",    "clause", "limit",  "marker_field"};
/// What comes from outside: always encoded.
constexpr std::array<std::string_view, 9> kValues{"id",           "ref",        "marker",
                                                  "cursor.stamp", "cursor.id",  "from",
                                                  "until",        "page.token", "idempotency_key"};

/// What a question is asked about, or an operation done with, field by field.
constexpr std::string_view kInput = "input.";

bool in(const auto& names, std::string_view name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

std::string list_of(const auto& names) {
    std::string out;
    for (const std::string_view name : names) {
        out += (out.empty() ? "{" : ", {") + std::string{name} + "}";
    }
    return out;
}

bool has_control(std::string_view text) {
    return std::any_of(text.begin(), text.end(),
                       [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

std::unexpected<Error> unsafe(std::string_view value, const char* where) {
    return fail(ErrorKind::kInvalid, "'" + std::string{value.substr(0, 64)} +
                                         "' cannot be written safely into " + where);
}

Result<std::string> escape_soql(std::string_view value) {
    std::string out;
    for (const char c : value) {
        switch (c) {
            case '\'': out += "\\'"; break;
            case '"': out += "\\\""; break;
            case '\\': out += "\\\\"; break;
            case '\n': out += "\\n"; break;
            case '\r': out += "\\r"; break;
            case '\t': out += "\\t"; break;
            default:
                if (has_control({&c, 1})) return unsafe(value, "a SOQL literal");
                out += c;
        }
    }
    return out;
}

Result<std::string> escape_encoded_query(std::string_view value) {
    // A script is evaluated by the server; a line break ends a clause in some versions. Both have
    // no escape, so they are refused.
    if (has_control(value) || value.find("javascript:") != std::string_view::npos) {
        return unsafe(value, "an encoded query");
    }
    std::string out;
    for (const char c : value) out += c == '^' ? std::string{"^^"} : std::string(1, c);
    return out;
}

Result<std::string> escape_odata(std::string_view value) {
    if (has_control(value)) return unsafe(value, "an OData literal");
    std::string out;
    for (const char c : value) out += c == '\'' ? std::string{"''"} : std::string(1, c);
    return out;
}

std::string escape_json(std::string_view value) {
    const std::string quoted = to_json(Value{std::string{value}});
    return quoted.substr(1, quoted.size() - 2);
}

/// What may stand in JSON without quotes; nothing is null.
Result<std::string> json_scalar(std::string_view value) {
    if (value.empty()) return "null";
    const auto parsed = parse_json(value);
    if (parsed && scalar_text(*parsed) && parsed->get<std::string>() == nullptr) {
        return std::string{value};
    }
    return unsafe(value, "JSON outside quotes, where only a number, true, false or null may stand");
}

/// Does text that begins within quotes, or not, end within them?
bool ends_in_quotes(std::string_view text, bool within) {
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\\' && within)
            ++i;
        else if (text[i] == '"')
            within = !within;
    }
    return within;
}

Result<std::string> encode(std::string_view value, Context context, Literal literal) {
    switch (context) {
        case Context::kClause:
        case Context::kQuery: return escape_literal(literal, value);
        case Context::kPath:
            // An HTTP client takes dot segments out of a path, which would change its meaning.
            if (value.empty() || value == "." || value == "..") return unsafe(value, "a path");
            return percent_encode(value);
        case Context::kHeader:
            if (has_control(value)) return unsafe(value, "a header");
            return std::string{value};
        case Context::kJson: {
            const auto literal_text = escape_literal(literal, value);
            if (!literal_text) return literal_text;
            return literal == Literal::kJson ? *literal_text : escape_json(*literal_text);
        }
    }
    return fail(ErrorKind::kInternal, "unknown context");
}

}  // namespace

Result<std::string> escape_literal(Literal literal, std::string_view value) {
    switch (literal) {
        case Literal::kNone: return std::string{value};
        case Literal::kSoql: return escape_soql(value);
        case Literal::kEncodedQuery: return escape_encoded_query(value);
        case Literal::kOdata: return escape_odata(value);
        case Literal::kJson: return escape_json(value);
    }
    return fail(ErrorKind::kInternal, "unknown kind of literal");
}

Result<Template> Template::parse(std::string_view text, std::span<const std::string_view> more) {
    const auto is_more = [&](std::string_view name) {
        return std::ranges::any_of(more, [&](std::string_view one) {
            return one.ends_with('.') ? name.starts_with(one) : name == one;
        });
    };
    Template result;
    std::string plain;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        const bool doubled = i + 1 < text.size() && text[i + 1] == c;
        if ((c == '{' || c == '}') && doubled) {
            plain += c;
            ++i;
        } else if (c == '{') {
            const auto end = text.find('}', i);
            const std::string_view name = text.substr(i + 1, end - i - 1);
            const bool value = in(kValues, name) || name.starts_with(kInput) || is_more(name);
            if (end == std::string_view::npos || (!value && !in(kWords, name))) {
                return fail(ErrorKind::kInvalid,
                            "has no placeholder {" + std::string{name} + "}; there are " +
                                list_of(kWords) + " and " + list_of(kValues) +
                                ", and in a question or an operation {input.FIELD}" +
                                "; a brace is written twice");
            }
            if (!plain.empty()) result.pieces_.push_back({std::move(plain), false, false});
            plain.clear();
            result.pieces_.push_back({std::string{name}, true, value});
            i = end;
        } else if (c == '}') {
            return fail(ErrorKind::kInvalid, "has a } without {; a brace is written twice");
        } else {
            plain += c;
        }
    }
    if (!plain.empty()) result.pieces_.push_back({std::move(plain), false, false});
    return result;
}

bool Template::uses(std::string_view name) const {
    return std::any_of(pieces_.begin(), pieces_.end(),
                       [&](const Piece& piece) { return piece.placeholder && piece.text == name; });
}

std::vector<std::string> Template::names(std::string_view prefix) const {
    std::vector<std::string> out;
    for (const Piece& piece : pieces_) {
        if (piece.placeholder && piece.text.starts_with(prefix)) out.push_back(piece.text);
    }
    return out;
}

bool Template::quotes_a_value() const {
    for (std::size_t i = 1; i < pieces_.size(); ++i) {
        if (pieces_[i].value && pieces_[i - 1].text.ends_with('\'')) return true;
    }
    return false;
}

Result<std::string> Template::render(const Variables& variables, Context context,
                                     Literal literal) const {
    // Of the query's parameters only those that hold JSON are meant.
    const bool holds_json = !pieces_.empty() && !pieces_.front().placeholder &&
                            (pieces_.front().text[0] == '[' || pieces_.front().text[0] == '{');
    const bool is_json = context == Context::kJson ||
                         (literal == Literal::kJson && (context == Context::kClause || holds_json));
    if (literal == Literal::kJson && context == Context::kQuery && !is_json) {
        literal = Literal::kNone;
    }
    std::string out;
    bool within = false;
    for (const Piece& piece : pieces_) {
        if (!piece.placeholder) {
            within = ends_in_quotes(piece.text, within);
            out += piece.text;
            continue;
        }
        const auto at = variables.find(piece.text);
        const std::string_view value = at == variables.end() ? std::string_view{} : at->second;
        if (!piece.value) {
            out += value;
            continue;
        }
        auto encoded = is_json && !within ? json_scalar(value) : encode(value, context, literal);
        if (!encoded) return fail(encoded.error(), "{" + piece.text + "}");
        out += *encoded;
    }
    return out;
}

}  // namespace syncline::agent::rest
