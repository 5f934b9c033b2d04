#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "shared/base/result.h"

namespace syncline::agent::rest {

/// How a value from outside is made harmless inside a platform's query language.
enum class Literal : std::uint8_t {
    kNone,          ///< It stands alone in a parameter: nothing to do.
    kSoql,          ///< Between single quotes, backslash escapes (Salesforce).
    kEncodedQuery,  ///< A `^` is doubled; what could start a script is refused (ServiceNow).
    kOdata,         ///< Between single quotes, which are doubled.
    kJson,          ///< Part of a JSON text, within its quotes or as a number.
};

/// Where the rendered text goes, which decides how values are encoded there.
enum class Context : std::uint8_t {
    kClause,  ///< Part of another template: as its Literal says.
    kQuery,   ///< A query parameter: as its Literal says; the caller percent-encodes the whole.
    kPath,    ///< Percent-encoded, one segment each.
    kHeader,  ///< Line breaks refused.
    kJson,    ///< Inside a JSON string.
};

using Variables = std::map<std::string, std::string, std::less<>>;

/// Escapes `value` for the inside of a literal. kInvalid: it cannot be written there safely.
[[nodiscard]] Result<std::string> escape_literal(Literal literal, std::string_view value);

/// Text with placeholders in braces: "Id > '{cursor.id}'"; `{{` and `}}` are braces.
///
/// Placeholders are of two kinds. What the configuration says (`{native}`, `{fields}`, `{filter}`,
/// `{where}` ...) is part of the language and goes in as it is. What comes from the platform or
/// from a command (`{id}`, `{marker}`, `{cursor.id}` ...) is a value and is always encoded.
class Template {
public:
    Template() = default;
    /// `more`: values that only this template may name; one that ends in a dot is a prefix.
    /// kInvalid: a brace without partner, or a placeholder that does not exist.
    static Result<Template> parse(std::string_view text,
                                  std::span<const std::string_view> more = {});

    [[nodiscard]] bool empty() const { return pieces_.empty(); }
    [[nodiscard]] bool uses(std::string_view name) const;
    /// Of all placeholders that begin so.
    [[nodiscard]] std::vector<std::string> names(std::string_view prefix) const;
    /// Does a value stand behind a single quote, as it does in a query?
    [[nodiscard]] bool quotes_a_value() const;
    /// Every `variables` that is missing is empty. kInvalid: a value cannot be encoded safely; in
    /// JSON, one that stands outside quotes and is no number, true, false or null.
    [[nodiscard]] Result<std::string> render(const Variables& variables, Context context,
                                             Literal literal = Literal::kNone) const;

private:
    struct Piece {
        std::string text;  ///< Plain, or the name of the placeholder.
        bool placeholder = false;
        bool value = false;  ///< Comes from outside.
    };
    std::vector<Piece> pieces_;
};

}  // namespace syncline::agent::rest
