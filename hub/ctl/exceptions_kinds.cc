#include <memory>

#include "hub/ctl/exceptions_act.h"
#include "hub/ctl/exceptions_filter.h"
#include "shared/policy/exception_kinds.h"

namespace syncline::ctl {
namespace {

/// The actions that apply to a kind, with what each comes to.
std::vector<std::pair<const char*, std::string_view>> actions_of(const ExceptionKind& kind) {
    std::vector<std::pair<const char*, std::string_view>> all{{"accept", kind.accept},
                                                              {"reject", kind.reject},
                                                              {"retry", kind.retry},
                                                              {"discard", kind.discard},
                                                              {"edit", kind.edit}};
    std::erase_if(all, [](const auto& action) { return action.second.empty(); });
    return all;
}

Value value_of(const ExceptionKind& kind) {
    Value::Map actions;
    for (const auto& [name, comes_to] : actions_of(kind)) {
        actions.emplace(name, std::string{comes_to});
    }
    return Value::Map{{"kind", std::string{kind.code}},     {"severity", name_of(kind.severity)},
                      {"holder", name_of(kind.holder)},     {"meaning", std::string{kind.meaning}},
                      {"advice", std::string{kind.advice}}, {"closes", std::string{kind.closes}},
                      {"actions", std::move(actions)}};
}

void show_one(Output& out, const ExceptionKind& kind) {
    out.line({Cell{std::string{kind.code}, Style::kBold}, Cell{"  "},
              Cell{name_of(kind.severity), style_of(kind.severity)}});
    Table facts{{}, {}, 0};
    const auto fact = [&](const char* name, std::string_view text) {
        facts.rows.push_back({Cell{name, Style::kDim}, Cell{std::string{text}}});
    };
    fact("meaning", kind.meaning);
    fact("what to do", kind.advice);
    fact("closes", kind.closes);
    for (const auto& [name, comes_to] : actions_of(kind)) fact(name, comes_to);
    out.table(facts);
}

Result<Exit> kinds(Program& program, const std::string& wanted) {
    Output& out = program.out();
    if (!wanted.empty() && exception_kind(wanted) == nullptr) {
        return fail(ErrorKind::kNotFound,
                    "there is no kind " + wanted + "; `synclinectl exceptions kinds` lists all");
    }
    Value::List values;
    Table table{{"KIND", "SEVERITY", "HELD BY", "ACTIONS", "MEANING"}, {}, 80};
    for (const ExceptionKind& kind : kExceptionKinds) {
        if (!wanted.empty() && kind.code != wanted) continue;
        values.push_back(value_of(kind));
        std::string actions;
        for (const auto& [name, comes_to] : actions_of(kind)) {
            actions += (actions.empty() ? "" : " ") + std::string{name};
        }
        table.rows.push_back(
            {std::string{kind.code}, Cell{name_of(kind.severity), style_of(kind.severity)},
             name_of(kind.holder), actions.empty() ? "-" : actions, std::string{kind.meaning}});
    }
    out.set("kinds", std::move(values));
    if (wanted.empty()) {
        out.table(table);
    } else {
        show_one(out, *exception_kind(wanted));
    }
    return Exit::kFine;
}

}  // namespace

void add_exception_kinds(CLI::App& group, Program& program) {
    auto* command = group.add_subcommand("kinds", "The kinds there are, and what to do about each");
    const auto wanted = std::make_shared<std::string>();
    command->add_option("KIND", *wanted, "One kind in full: ownership.review");
    command->callback([&program, wanted] {
        program.choose("exceptions kinds", [wanted](Program& p) { return kinds(p, *wanted); });
    });
}

}  // namespace syncline::ctl
