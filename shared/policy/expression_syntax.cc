#include "shared/policy/expression_syntax.h"

#include <algorithm>
#include <optional>

#include "shared/base/nearest_name.h"
#include "shared/policy/expression_tokens.h"

namespace syncline::expression {
namespace {

struct Function {
    std::string_view name;
    Operator operation;
    std::size_t arguments_min;
    std::size_t arguments_max;
};
constexpr Function kFunctions[] = {
    {"contains", Operator::kContains, 2, 2}, {"one_of", Operator::kOneOf, 2, Limits::kOperandsMax},
    {"empty", Operator::kEmpty, 1, 1},       {"upper", Operator::kUpper, 1, 1},
    {"lower", Operator::kLower, 1, 1},       {"sub", Operator::kSub, 2, 3},
    {"find", Operator::kFind, 2, 4},         {"len", Operator::kLength, 1, 1},
};

struct Binary {
    std::string_view symbol;
    Operator operation;
    int precedence;  ///< Lua 5.4 manual, 3.4.8; a greater one binds tighter.
};
constexpr Binary kBinaries[] = {
    {"or", Operator::kOr, 1},        {"and", Operator::kAnd, 2},
    {"<", Operator::kLess, 3},       {">", Operator::kGreater, 3},
    {"<=", Operator::kLessEqual, 3}, {">=", Operator::kGreaterEqual, 3},
    {"~=", Operator::kNotEqual, 3},  {"==", Operator::kEqual, 3},
    {"..", Operator::kConcat, 4},    {"+", Operator::kAdd, 5},
    {"-", Operator::kSubtract, 5},   {"*", Operator::kMultiply, 6},
};
constexpr int kPrecedenceComparison = 3;
constexpr int kPrecedenceUnary = 7;

/// Operations whose operands are kept in one flat list: their order of evaluation is the same,
/// and a long chain does not get deep.
bool is_flat(Operator operation) {
    return operation == Operator::kOr || operation == Operator::kAnd ||
           operation == Operator::kConcat;
}

bool is_field_name(std::string_view name) {
    return name[0] >= 'a' && name[0] <= 'z' && std::ranges::all_of(name, [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
           });
}

Node operation_of(Operator operation, std::vector<Node> operands) {
    Node node{.kind = Node::Kind::kOperation, .operation = operation};
    for (const Node& operand : operands) node.depth = std::max(node.depth, operand.depth + 1);
    node.operands = std::move(operands);
    return node;
}

Node literal_of(Value value) { return Node{.literal = std::move(value)}; }

class Parser {
public:
    explicit Parser(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}

    Result<Node> run() {
        auto node = binary(0);
        if (node && token().kind != Token::Kind::kEnd) return unexpected();
        return node;
    }

private:
    [[nodiscard]] const Token& token() const { return tokens_[at_]; }
    bool accept(std::string_view symbol) {
        if (token().kind != Token::Kind::kSymbol || token().text != symbol) return false;
        ++at_;
        return true;
    }
    [[nodiscard]] std::unexpected<Error> unexpected() const {
        if (token().kind == Token::Kind::kEnd) {
            return syntax_error(token().at, "the expression ends too early");
        }
        return syntax_error(token().at, "`" + token().text + "` does not fit here");
    }

    /// Checks what would overrun Lua's compiler or our own stack.
    Result<Node> checked(Node node, std::size_t at) const {
        if (node.depth > Limits::kDepthMax) return syntax_error(at, "nested too deeply");
        if (node.operands.size() > Limits::kOperandsMax && node.operation == Operator::kConcat) {
            return syntax_error(at, "more than 100 operands");
        }
        return node;
    }

    [[nodiscard]] const Binary* binary_here() const {
        if (token().kind != Token::Kind::kSymbol) return nullptr;
        for (const Binary& candidate : kBinaries) {
            if (candidate.symbol == token().text) return &candidate;
        }
        return nullptr;
    }

    /// An operand and all operators behind it that bind tighter than `outer`.
    Result<Node> binary(int outer) {
        auto left = unary();
        while (left) {
            const Binary* found = binary_here();
            if (found == nullptr || found->precedence <= outer) return left;
            const std::size_t at = token().at;
            if (found->precedence == kPrecedenceComparison) {
                if (auto fits = comparable(*left, at); !fits) return fail(fits.error());
            }
            ++at_;
            auto right = binary(found->precedence);
            if (!right) return right;
            left = checked(joined(*found, std::move(*left), std::move(*right)), at);
        }
        return left;
    }

    /// Two traps of Lua that are never meant.
    static Result<void> comparable(const Node& left, std::size_t at) {
        if (left.kind != Node::Kind::kOperation || left.parenthesised) return {};
        if (left.operation == Operator::kNot) {
            return syntax_error(at,
                                "`not` binds tighter than a comparison; write `not (a == b)` "
                                "or `a ~= b`");
        }
        if (left.operation >= Operator::kEqual && left.operation <= Operator::kGreaterEqual) {
            return syntax_error(at, "comparisons do not chain; write `a < b and b < c`");
        }
        return {};
    }

    static Node joined(const Binary& binary, Node left, Node right) {
        std::vector<Node> operands;
        const bool extends = is_flat(binary.operation) && left.kind == Node::Kind::kOperation &&
                             left.operation == binary.operation;
        if (extends) {
            operands = std::move(left.operands);
        } else {
            operands.push_back(std::move(left));
        }
        operands.push_back(std::move(right));
        return operation_of(binary.operation, std::move(operands));
    }

    Result<Node> unary() {
        const std::size_t at = token().at;
        std::optional<Operator> operation;
        if (accept("not")) operation = Operator::kNot;
        if (!operation && accept("-")) operation = Operator::kNegate;
        if (!operation && accept("#")) operation = Operator::kLength;
        if (++nesting_ > Limits::kDepthMax) return syntax_error(at, "nested too deeply");
        Result<Node> node = operation ? binary(kPrecedenceUnary) : postfix();
        --nesting_;
        if (!node || !operation) return node;
        std::vector<Node> operands;
        operands.push_back(std::move(*node));
        return checked(operation_of(*operation, std::move(operands)), at);
    }

    Result<Node> postfix() {
        const std::size_t at = token().at;
        const bool literal = token().kind == Token::Kind::kText ||
                             token().kind == Token::Kind::kNumber || is_constant();
        auto node = primary();
        while (node && !literal) {
            std::vector<Node> operands;
            if (accept(":")) {
                operands.push_back(std::move(*node));
                node = named_call(std::move(operands));
            } else if (accept(".")) {
                if (token().kind != Token::Kind::kName) return unexpected();
                operands.push_back(std::move(*node));
                operands.push_back(literal_of(tokens_[at_++].text));
                node = checked(operation_of(Operator::kIndex, std::move(operands)), at);
            } else if (accept("[")) {
                auto index = binary(0);
                if (!index) return index;
                if (!accept("]")) return unexpected();
                operands.push_back(std::move(*node));
                operands.push_back(std::move(*index));
                node = checked(operation_of(Operator::kIndex, std::move(operands)), at);
            } else {
                return node;
            }
        }
        return node;
    }

    [[nodiscard]] bool is_constant() const {
        return token().kind == Token::Kind::kName &&
               (token().text == "nil" || token().text == "true" || token().text == "false");
    }

    Result<Node> primary() {
        const Token& first = token();
        switch (first.kind) {
            case Token::Kind::kText: ++at_; return literal_of(first.text);
            case Token::Kind::kNumber: return number();
            case Token::Kind::kName: return name();
            default: break;
        }
        if (!accept("(")) return unexpected();
        auto node = binary(0);
        if (!node) return node;
        if (!accept(")")) return unexpected();
        node->parenthesised = true;
        return node;
    }

    Result<Node> number() {
        const Token& first = tokens_[at_++];
        auto value = Decimal::parse(first.text);
        if (!value) return syntax_error(first.at, value.error().what);
        if (++numbers_ > Limits::kNumbersMax) return syntax_error(first.at, "over 100 numbers");
        return literal_of(*value);
    }

    Result<Node> name() {
        const Token& first = token();
        if (is_constant()) {
            ++at_;
            return literal_of(first.text == "nil" ? Value{} : Value{first.text == "true"});
        }
        const Token& next = tokens_[at_ + 1];
        if (next.kind == Token::Kind::kSymbol && next.text == "(") return named_call({});
        if (!is_field_name(first.text)) {
            return syntax_error(first.at, "`" + first.text + "` is no name of a field");
        }
        ++at_;
        return Node{.kind = Node::Kind::kField, .field = first.text};
    }

    /// `name(arguments)` with the first argument given already where it was called as a method.
    Result<Node> named_call(std::vector<Node> arguments) {
        if (token().kind != Token::Kind::kName) return unexpected();
        const Token& called = tokens_[at_++];
        const auto* function = std::ranges::find(kFunctions, called.text, &Function::name);
        if (function == std::end(kFunctions)) {
            std::vector<std::string> names;
            for (const Function& known : kFunctions) names.emplace_back(known.name);
            return syntax_error(called.at, "there is no function `" + called.text +
                                               "`; there are contains, one_of, empty, upper, "
                                               "lower, sub, find, len" +
                                               did_you_mean(called.text, names));
        }
        if (!accept("(")) return unexpected();
        for (bool first = true; !accept(")"); first = false) {
            if (!first && !accept(",")) return unexpected();
            auto argument = binary(0);
            if (!argument) return argument;
            arguments.push_back(std::move(*argument));
        }
        return call_of(*function, std::move(arguments), called.at);
    }

    Result<Node> call_of(const Function& function, std::vector<Node> arguments, std::size_t at) {
        if (arguments.size() < function.arguments_min ||
            arguments.size() > function.arguments_max) {
            return syntax_error(
                at, "`" + std::string{function.name} + "` got a wrong number of arguments");
        }
        if (function.operation == Operator::kFind && arguments.size() == 4) {
            const bool* plain = arguments.back().literal.get<bool>();
            if (plain == nullptr || !*plain) {
                return syntax_error(at, "`find` looks for plain text only, never for a pattern");
            }
            arguments.pop_back();
        }
        return checked(operation_of(function.operation, std::move(arguments)), at);
    }

    std::vector<Token> tokens_;
    std::size_t at_ = 0;
    std::uint32_t nesting_ = 0;
    std::size_t numbers_ = 0;
};

}  // namespace

Result<Node> parse(std::string_view text) {
    auto tokens = tokens_of(text);
    if (!tokens) return fail(std::move(tokens.error()));
    return Parser{std::move(*tokens)}.run();
}

}  // namespace syncline::expression
