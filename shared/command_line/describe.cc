#include "shared/command_line/describe.h"

#include <CLI/CLI.hpp>
#include <cstdio>

#include "shared/base/json.h"

namespace syncline {
namespace {

Value described(const CLI::Option& option) {
    Value::List names;
    for (const std::string& name : option.get_snames()) names.emplace_back("-" + name);
    for (const std::string& name : option.get_lnames()) names.emplace_back("--" + name);
    if (option.get_positional()) names.emplace_back(option.get_name(true));
    const bool flag = option.get_items_expected_max() == 0;  // It takes no value.
    return Value::Map{
        {"names", std::move(names)},
        {"positional", option.get_positional()},
        {"value", flag ? std::string{} : option.get_type_name()},
        {"repeats", !flag && option.get_items_expected_max() > 1},
        {"required", option.get_required()},
        {"text", option.get_description()},
        {"default", option.get_default_str()},
        {"environment", option.get_envname()},
        {"group", option.get_group()},
    };
}

Value described(const CLI::App& app) {
    Value::List options;
    for (const CLI::Option* option : app.get_options({})) {
        if (!option->get_group().empty()) options.push_back(described(*option));
    }
    Value::List commands;
    for (const CLI::App* command : app.get_subcommands(nullptr)) {
        if (!command->get_group().empty()) commands.push_back(described(*command));
    }
    return Value::Map{
        {"name", app.get_name()},
        {"text", app.get_description()},
        {"footer", app.get_footer()},
        {"takes_options_of_parent", app.get_fallthrough()},
        {"needs_command", app.get_require_subcommand_min() > 0},
        {"options", std::move(options)},
        {"commands", std::move(commands)},
    };
}

}  // namespace

void add_description_flag(CLI::App& app) {
    app.add_flag_callback("--describe-command-line",
                          [&app] {
                              std::puts(to_json_lines(described(app)).c_str());
                              throw CLI::Success{};
                          })
        ->group("");  // In no help.
}

}  // namespace syncline
