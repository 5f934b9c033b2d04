#pragma once

#include "hub/core/step.h"
#include "hub/ctl/cli.h"
#include "hub/ctl/exceptions_filter.h"
#include "hub/ctl/program.h"

namespace syncline::ctl {

/// What an action command was told.
struct ActOptions {
    hub::OperationKind kind = hub::OperationKind::kRetry;
    std::string object;  ///< Of one; empty: those that `filter` finds.
    std::string entity;
    std::string exception;
    ExceptionFilter filter;
    bool yes = false;  ///< Do it, if they are several.
    bool dry_run = false;
    std::size_t most = 100;
    std::string reason;
    std::string wait = "10s";
    std::string text;     ///< --to, --name or --text.
    bool nobody = false;  ///< For kAssign.
    std::string due_in;   ///< For kDue, one of these three.
    std::string due_at;
    bool never = false;
    std::vector<std::string> sets;  ///< For kEdit: `field=value`.
};

/// What the options say alone, without which exception it is about. kInvalid: they make no sense.
[[nodiscard]] Result<hub::Operation> operation_of(const ActOptions& options, Timestamp now);

/// The values of `--set field=value`, as the object's fields have them; an empty value empties the
/// field. Texts, dates and decimals are written as they are, all else as JSON. kInvalid: which one
/// is wrong, and why.
[[nodiscard]] Result<Fields> values_of(const ObjectSpec& object,
                                       const std::vector<std::string>& sets);

/// The options of the action commands.
void add_action_options(CLI::App& command, ActOptions& options);

/// `exceptions kinds`.
void add_exception_kinds(CLI::App& group, Program& program);
/// `exceptions to-rule`.
void add_exception_to_rule(CLI::App& group, Program& program);
/// `exceptions accept`, `reject`, `retry`, `discard`, `edit`, `assign`, `tag`, `untag`, `note` and
/// `due`.
void add_exception_actions(CLI::App& group, Program& program);

}  // namespace syncline::ctl
