#include <algorithm>
#include <memory>

#include "hub/ctl/actor.h"
#include "hub/ctl/cli.h"
#include "hub/ctl/instances.h"
#include "hub/ctl/text.h"
#include "hub/instance_view.h"
#include "shared/policy/policy_version.h"
#include "shared/wire/subjects.h"

namespace syncline::ctl {
namespace {

using hub::workflow::ApprovalNews;
using hub::workflow::Decision;

struct DecideOptions {
    Decision::What what = Decision::What::kApprove;
    std::string key;
    std::string comment;
    std::string on_behalf_of;
};

/// Those that wait for somebody's word, the most urgent first.
Result<std::vector<ApprovalNews>> read_approvals(Session& session) {
    nats::ConsumeSpec spec;
    spec.stream = subjects::kStreamState;
    spec.filters = {subjects::all_approvals()};
    spec.last_per_subject = true;
    const auto stored = session.read_all(std::move(spec));
    if (!stored) return fail(stored.error());
    std::vector<ApprovalNews> all;
    for (const nats::StoredMessage& message : *stored) {
        auto news = hub::workflow::decode_approval(message.body);
        if (news && news->what != ApprovalNews::What::kWithdrawn) all.push_back(*std::move(news));
    }
    std::ranges::sort(all, {}, &ApprovalNews::until);
    return all;
}

std::string shown_text(const Fields& shown) {
    std::string text;
    for (const auto& [name, value] : shown) {
        text += (text.empty() ? "" : ", ") + name.text + " " + display(value);
    }
    return text;
}

Result<Exit> list(Program& program, const std::string& role) {
    const auto session = program.connect();
    if (!session) return fail(session.error());
    auto all = read_approvals(**session);
    if (!all) return fail(all.error());
    std::erase_if(*all, [&](const ApprovalNews& one) { return !role.empty() && one.role != role; });
    const Timestamp now = program.clock().now();
    Table table{{"APPROVAL", "ROLE", "MISSING", "UNTIL", "FOR", "WHAT"}, {}};
    Value::List values;
    for (const ApprovalNews& one : *all) {
        table.rows.push_back({one.key, one.role, number_cell(one.missing),
                              one.until == Timestamp{} ? "" : age_text(one.until, now),
                              one.requester, shown_text(one.shown)});
        values.emplace_back(hub::view_of(one));
    }
    Output& out = program.out();
    out.set("approvals", std::move(values));
    if (all->empty()) {
        out.line("nothing waits for an approval");
    } else {
        out.table(table);
    }
    return Exit::kFine;
}

Result<Exit> decide(Program& program, const DecideOptions& options) {
    const auto session = program.connect();
    if (!session) return fail(session.error());
    const auto all = read_approvals(**session);
    if (!all) return fail(all.error());
    const auto one = std::ranges::find(*all, options.key, &ApprovalNews::key);
    if (one == all->end()) {
        return fail(ErrorKind::kNotFound, "no approval " + options.key +
                                              " waits for anybody; `synclinectl approvals list` "
                                              "shows those that do");
    }
    const std::string who{account_of(program.actor())};
    const auto told = tell_instance(program, hub::workflow::instance_of(one->key),
                                    {{},
                                     {},
                                     Decision{.key = one->key,
                                              .what = options.what,
                                              .who = who,
                                              .roles = {},
                                              .seen = one->seen,
                                              .comment = options.comment,
                                              .on_behalf_of = options.on_behalf_of}});
    if (!told) return fail(told.error());
    Output& out = program.out();
    const bool approved = options.what == Decision::What::kApprove;
    out.line({{approved ? "approved" : "rejected", approved ? Style::kGreen : Style::kRed},
              {" by " + who + ": " + shown_text(one->shown)}});
    out.set("approval", Value{hub::view_of(*one)});
    out.set("who", who);
    return Exit::kFine;
}

void add_verdict(CLI::App& group, Program& program, Decision::What what, const char* name,
                 const char* help) {
    auto* command = group.add_subcommand(name, help);
    const auto options = std::make_shared<DecideOptions>();
    options->what = what;
    command->add_option("APPROVAL", options->key, "As `approvals list` shows it")->required();
    command->add_option("--comment", options->comment, "Kept with the decision");
    command->add_option("--on-behalf-of", options->on_behalf_of,
                        "Whose word it is, who has delegated it to you");
    command->callback([&program, options, name] {
        program.choose(std::string{"approvals "} + name,
                       [options](Program& p) { return decide(p, *options); });
    });
}

}  // namespace

void add_approvals(CLI::App& app, Program& program) {
    auto* group = app.add_subcommand("approvals", "What workflows ask people");
    group->require_subcommand(1);
    auto* list_command = group->add_subcommand("list", "What waits for somebody's word");
    const auto role = std::make_shared<std::string>();
    list_command->add_option("--role", *role, "Of one role");
    list_command->callback([&program, role] {
        program.choose("approvals list", [role](Program& p) { return list(p, *role); });
    });
    add_verdict(*group, program, Decision::What::kApprove, "approve", "Approve what is shown");
    add_verdict(*group, program, Decision::What::kReject, "reject", "Reject it");
}

}  // namespace syncline::ctl
