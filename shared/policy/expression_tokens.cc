#include "shared/policy/expression_tokens.h"

#include <algorithm>
#include <array>

#include "shared/base/utf8.h"
#include "shared/policy/expression_syntax.h"

namespace syncline::expression {
namespace {

constexpr std::array<std::string_view, 22> kReservedWords{
    "and",      "break",  "do",   "else", "elseif", "end",  "false", "for",
    "function", "goto",   "if",   "in",   "local",  "nil",  "not",   "or",
    "repeat",   "return", "then", "true", "until",  "while"};

/// Longer ones first.
constexpr std::array<std::string_view, 18> kSymbols{
    "==", "~=", "<=", ">=", "..", "<", ">", "+", "-", "*", "#", "(", ")", "[", "]", ",", ":", "."};

struct Hint {
    std::string_view symbol;
    std::string_view what;
};
/// What people write out of habit, before kSymbols is tried.
constexpr Hint kHints[] = {
    {"--", "comments are not allowed here; two minus signs need a blank between them"},
    {"[[", "write text in quotes"},
    {"[=", "write text in quotes"},
    {"...", "`...` has no meaning here"},
    {"::", "labels are statements of Lua; only one expression is allowed here"},
    {"!=", "write `~=` for `not equal`"},
    {"&&", "write `and`"},
    {"||", "write `or`"},
    {"!", "write `not`"},
    {"==", ""},
    {"=", "an expression assigns nothing; write `==` to compare"},
    {"<<", "there are no bit operations"},
    {">>", "there are no bit operations"},
    {"~=", ""},
    {"~", "there are no bit operations"},
    {"&", "there are no bit operations"},
    {"|", "there are no bit operations"},
    {"/", "division is not exact; multiply instead"},
    {"%", "there is no remainder; numbers are exact decimals"},
    {"^", "there are no powers; multiply instead"},
    {"{", "there are no table constructors; use one_of(field, ...)"},
    {"}", "there are no table constructors"},
    {";", "only one expression is allowed here"},
};

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

class Lexer {
public:
    explicit Lexer(std::string_view text) : text_(text) {}

    Result<std::vector<Token>> run() {
        std::vector<Token> tokens;
        for (;;) {
            while (at_ < text_.size() &&
                   (peek() == ' ' || peek() == '\t' || peek() == '\n' || peek() == '\r')) {
                ++at_;
            }
            auto token = next();
            if (!token) return fail(std::move(token.error()));
            tokens.push_back(std::move(*token));
            if (tokens.back().kind == Token::Kind::kEnd) return tokens;
        }
    }

private:
    [[nodiscard]] char peek(std::size_t ahead = 0) const {
        return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
    }

    Result<Token> next() {
        if (at_ >= text_.size()) return Token{Token::Kind::kEnd, "", at_};
        const char c = peek();
        if (is_letter(c)) return word();
        if (is_digit(c) || (c == '.' && is_digit(peek(1)))) return number();
        if (c == '"' || c == '\'') return quoted_text();
        return symbol();
    }

    Result<Token> word() {
        const std::size_t start = at_;
        while (is_letter(peek()) || is_digit(peek())) ++at_;
        std::string text{text_.substr(start, at_ - start)};
        if (text == "and" || text == "or" || text == "not") {
            return Token{Token::Kind::kSymbol, std::move(text), start};
        }
        const bool value = text == "nil" || text == "true" || text == "false";
        if (!value && is_reserved_word(text)) {
            return syntax_error(start, "`" + text +
                                           "` belongs to statements and functions of Lua; "
                                           "only one expression is allowed here");
        }
        return Token{Token::Kind::kName, std::move(text), start};
    }

    Result<Token> number() {
        const std::size_t start = at_;
        while (is_digit(peek())) ++at_;
        if (peek() == '.' && peek(1) != '.') ++at_;
        while (is_digit(peek())) ++at_;
        if (peek() == 'e' || peek() == 'E') {
            ++at_;
            if (peek() == '+' || peek() == '-') ++at_;
            while (is_digit(peek())) ++at_;
        }
        if (is_letter(peek()) || is_digit(peek()) || (peek() == '.' && peek(1) != '.')) {
            return syntax_error(start, "not a decimal number; hexadecimal is not accepted");
        }
        return Token{Token::Kind::kNumber, std::string{text_.substr(start, at_ - start)}, start};
    }

    Result<Token> quoted_text() {
        const std::size_t start = at_;
        const char quote = text_[at_++];
        std::string value;
        while (peek() != quote) {
            if (at_ >= text_.size() || peek() == '\n') return syntax_error(start, "unclosed text");
            if (peek() != '\\') {
                value += text_[at_++];
                continue;
            }
            switch (peek(1)) {
                case 'n': value += '\n'; break;
                case 't': value += '\t'; break;
                case 'r': value += '\r'; break;
                case '\\':
                case '"':
                case '\'': value += peek(1); break;
                default: return syntax_error(at_, "the escapes are \\n \\t \\r \\\\ \\\" and \\'");
            }
            at_ += 2;
        }
        ++at_;
        return Token{Token::Kind::kText, std::move(value), start};
    }

    Result<Token> symbol() {
        const std::string_view rest = text_.substr(at_);
        for (const Hint& hint : kHints) {
            if (!rest.starts_with(hint.symbol)) continue;
            if (hint.what.empty()) break;
            return syntax_error(at_, std::string{hint.what});
        }
        for (const std::string_view symbol : kSymbols) {
            if (!rest.starts_with(symbol)) continue;
            at_ += symbol.size();
            return Token{Token::Kind::kSymbol, std::string{symbol}, at_ - symbol.size()};
        }
        return syntax_error(at_, "this character has no meaning here");
    }

    std::string_view text_;
    std::size_t at_ = 0;
};

}  // namespace

bool is_reserved_word(std::string_view word) {
    return std::ranges::find(kReservedWords, word) != kReservedWords.end();
}

std::unexpected<Error> syntax_error(std::size_t at, const std::string& what) {
    return fail(ErrorKind::kInvalid, "at character " + std::to_string(at + 1) + ": " + what);
}

Result<std::vector<Token>> tokens_of(std::string_view text) {
    if (text.size() > Limits::kBytesMax) {
        return syntax_error(Limits::kBytesMax, "an expression has at most " +
                                                   std::to_string(Limits::kBytesMax) + " bytes");
    }
    if (const auto bad = find_invalid_utf8(text); bad != std::string_view::npos) {
        return syntax_error(bad, "not valid UTF-8");
    }
    return Lexer{text}.run();
}

}  // namespace syncline::expression
