#include "shared/policy/expression_native.h"

#include <algorithm>

#include "shared/policy/expression_operators.h"

namespace syncline::expression {
namespace {

bool is_leaf(const Node& node) { return node.kind != Node::Kind::kOperation; }

const Value& value_at(const Node& node, const Fields& fields) {
    static const Value kNull;
    if (node.kind == Node::Kind::kLiteral) return node.literal;
    const Value* value = fields.find(std::string_view{node.field});
    return value == nullptr ? kNull : *value;
}

Operand leaf(const Node& node, const Fields& fields) { return Operand::of(value_at(node, fields)); }

bool leaves_equal(const std::vector<Node>& operands, const Fields& fields) {
    const Value& left = value_at(operands[0], fields);
    const Value& right = value_at(operands[1], fields);
    const auto* left_text = left.get<std::string>();  // Nearly always two texts.
    const auto* right_text = right.get<std::string>();
    if (left_text != nullptr && right_text != nullptr) return *left_text == *right_text;
    return equal(Operand::of(left), Operand::of(right));
}

}  // namespace

bool runs_natively(const Node& node) {
    if (is_leaf(node)) return true;
    switch (node.operation) {
        case Operator::kOr:
        case Operator::kAnd:
        case Operator::kNot: return std::ranges::all_of(node.operands, runs_natively);
        case Operator::kEqual:
        case Operator::kNotEqual:
        case Operator::kLess:
        case Operator::kLessEqual:
        case Operator::kGreater:
        case Operator::kGreaterEqual:
        case Operator::kOneOf:
        case Operator::kEmpty: return std::ranges::all_of(node.operands, is_leaf);
        default: return false;
    }
}

Result<bool> holds_natively(const Node& node, const Fields& fields) {
    if (is_leaf(node)) return leaf(node, fields).truthy();
    const std::vector<Node>& operands = node.operands;
    switch (node.operation) {
        case Operator::kOr:
        case Operator::kAnd: {
            const bool decides = node.operation == Operator::kOr;
            for (const Node& operand : operands) {
                auto holds = holds_natively(operand, fields);
                if (!holds || *holds == decides) return holds;
            }
            return !decides;
        }
        case Operator::kNot: {
            auto holds = holds_natively(operands[0], fields);
            if (holds) *holds = !*holds;
            return holds;
        }
        case Operator::kEqual: return leaves_equal(operands, fields);
        case Operator::kNotEqual: return !leaves_equal(operands, fields);
        case Operator::kOneOf: {
            const Operand asked = leaf(operands[0], fields);
            return std::any_of(operands.begin() + 1, operands.end(), [&](const Node& candidate) {
                return equal(asked, leaf(candidate, fields));
            });
        }
        case Operator::kEmpty: return is_empty(leaf(operands[0], fields));
        default:
            return ordered(node.operation, leaf(operands[0], fields), leaf(operands[1], fields));
    }
}

}  // namespace syncline::expression
