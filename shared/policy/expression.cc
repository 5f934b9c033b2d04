#include "shared/policy/expression.h"

#include <algorithm>
#include <set>
#include <utility>

#include "shared/policy/expression_lua.h"
#include "shared/policy/expression_native.h"
#include "shared/policy/expression_syntax.h"

namespace syncline {

using expression::Node;
using expression::Operator;

struct Expression::Compiled {
    std::string text;
    Node root;
    bool native = false;
    expression::Chunk chunk;
    std::vector<std::string> reads;
    std::vector<Comparison> comparisons;
    std::vector<std::string> opaque_reads;
};

namespace {

void collect_fields(const Node& node, std::set<std::string>& names) {
    if (node.kind == Node::Kind::kField) names.insert(node.field);
    for (const Node& operand : node.operands) collect_fields(operand, names);
}

bool compares(Operator operation) {
    return (operation >= Operator::kEqual && operation <= Operator::kGreaterEqual) ||
           operation == Operator::kOneOf;
}

void collect_comparisons(const Node& node, std::vector<Expression::Comparison>& found) {
    if (node.kind == Node::Kind::kOperation && compares(node.operation)) {
        const Node& first = node.operands.front();
        for (const Node& other : node.operands) {
            if (first.kind == Node::Kind::kField && other.kind == Node::Kind::kLiteral) {
                found.push_back({first.field, other.literal});
            } else if (first.kind == Node::Kind::kLiteral && other.kind == Node::Kind::kField) {
                found.push_back({other.field, first.literal});
            }
        }
    }
    for (const Node& operand : node.operands) collect_comparisons(operand, found);
}

/// Of a node of which only the truth matters.
void collect_opaque(const Node& node, std::set<std::string>& names) {
    if (node.kind != Node::Kind::kOperation) return;
    if (node.operation <= Operator::kNot) {
        for (const Node& operand : node.operands) collect_opaque(operand, names);
        return;
    }
    const auto is = [](Node::Kind kind) {
        return [kind](const Node& operand) { return operand.kind == kind; };
    };
    const Node& first = node.operands.front();
    const auto others = std::ranges::subrange(node.operands.begin() + 1, node.operands.end());
    const bool transparent =
        (node.operation == Operator::kEmpty && first.kind == Node::Kind::kField) ||
        (compares(node.operation) && first.kind != Node::Kind::kOperation &&
         std::ranges::all_of(others, is(first.kind == Node::Kind::kField ? Node::Kind::kLiteral
                                                                         : Node::Kind::kField)));
    if (!transparent) collect_fields(node, names);
}

}  // namespace

Expression::Expression(std::shared_ptr<const Compiled> compiled) : compiled_(std::move(compiled)) {}

Result<Expression> Expression::parse(std::string_view text) {
    auto root = expression::parse(text);
    if (!root) return fail(std::move(root.error()));
    auto compiled = std::make_shared<Compiled>();
    compiled->text = text;
    compiled->root = std::move(*root);
    compiled->native = expression::runs_natively(compiled->root);
    compiled->chunk = expression::chunk_of(compiled->root);
    if (auto taken = expression::compile(compiled->chunk); !taken) {
        return fail(std::move(taken.error()));
    }
    std::set<std::string> names;
    collect_fields(compiled->root, names);
    compiled->reads.assign(names.begin(), names.end());
    collect_comparisons(compiled->root, compiled->comparisons);
    names.clear();
    collect_opaque(compiled->root, names);
    compiled->opaque_reads.assign(names.begin(), names.end());
    return Expression{std::move(compiled)};
}

const std::string& Expression::text() const { return compiled_->text; }

Result<bool> Expression::holds(const Fields& fields) const {
    if (compiled_->native) return expression::holds_natively(compiled_->root, fields);
    const auto value = evaluate(fields);
    if (!value) return fail(value.error());
    const bool* truth = value->get<bool>();
    return !value->is_null() && (truth == nullptr || *truth);
}

Result<Value> Expression::evaluate(const Fields& fields) const {
    return expression::run(compiled_->chunk, fields);
}

const std::vector<std::string>& Expression::reads() const { return compiled_->reads; }

const std::vector<Expression::Comparison>& Expression::comparisons() const {
    return compiled_->comparisons;
}

const std::vector<std::string>& Expression::opaque_reads() const { return compiled_->opaque_reads; }

}  // namespace syncline
