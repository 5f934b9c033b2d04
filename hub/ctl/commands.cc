#include "hub/ctl/cli.h"
#include "hub/ctl/program.h"

namespace syncline::ctl {
namespace {

struct TopCommand {
    std::string_view name;  ///< Its first word.
    void (*add)(CLI::App& app, Program& program);
};

/// In the order of --help.
constexpr TopCommand kCommands[] = {
    {"policy", add_policy},
    {"contracts", add_contracts},
    {"status", add_status},
    {"top", add_top},
    {"plan-capacity", add_plan_capacity},
    {"ask", add_ask},
    {"backfill", add_backfill},
    {"workflows", add_workflows},
    {"approvals", add_approvals},
    {"entity", add_entity},
    {"log", add_log},
    {"timeline", add_timeline},
    {"blame", add_blame},
    {"audit", add_audit},
    {"exceptions", add_exceptions},
    {"", add_identity},
    {"forget", add_forget},
    {"events", add_events},
    {"webhooks", add_webhooks},
    {"indicators", add_indicators},
    {"alerts", add_alerts},
    {"facts", add_facts},
    {"replay", add_replay},
    {"reconcile", add_reconcile},
    {"lists", add_lists},
    {"security", add_security},
    {"backup", add_backup},
    {"restore", add_restore},
    {"tap", add_tap},
    {"doctor", add_doctor},
    {"token", add_token},
    {"version", add_version},
};

/// `merge` and the like are made by one function.
bool is_identity(std::string_view name) {
    return name == "merge" || name == "unmerge" || name == "link" || name == "unlink";
}

}  // namespace

void add_commands(CLI::App& app, Program& program, std::string_view only) {
    for (const TopCommand& command : kCommands) {
        const bool same = command.name.empty() ? is_identity(only) : command.name == only;
        if (only.empty() || same) command.add(app, program);
    }
    for (CLI::App* command : app.get_subcommands({})) {
        command->fallthrough();
        for (CLI::App* inner : command->get_subcommands({})) inner->fallthrough();
    }
}

}  // namespace syncline::ctl
