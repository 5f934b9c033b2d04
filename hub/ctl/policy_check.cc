#include <algorithm>

#include "hub/ctl/cli.h"
#include "hub/ctl/contracts.h"
#include "hub/ctl/program.h"
#include "hub/ctl/text.h"
#include "shared/contracts/compatibility.h"
#include "shared/policy/check.h"
#include "shared/policy/policy_toml.h"

namespace syncline::ctl {
namespace {

struct CheckOptions {
    std::string directory;
    std::string against;
    bool strict = false;
};

/// "customer.toml:12:3: what is wrong" as a finding; what does not look so stays whole.
Finding parse_finding(std::string line) {
    Finding finding{Level::kError, "policy.syntax", {}, {}, {}};
    const auto place = line.find(": ");
    const bool placed =
        place != std::string::npos && line.substr(0, place).find(':') != std::string::npos;
    finding.where = placed ? line.substr(0, place) : "";
    finding.message = placed ? line.substr(place + 2) : std::move(line);
    return finding;
}

void add_lines(Output& out, std::string_view text) {
    while (!text.empty()) {
        const auto end = text.find('\n');
        if (end != 0) out.add(parse_finding(std::string{text.substr(0, end)}));
        if (end == std::string_view::npos) return;
        text.remove_prefix(end + 1);
    }
}

/// A finding's place with the folder before it, so that an editor can jump there.
std::string in_folder(const std::string& directory, const std::string& place) {
    if (place.empty()) return directory;
    return directory.ends_with('/') ? directory + place : directory + "/" + place;
}

void summary(Output& out, const CheckOptions& options, const Policy* policy) {
    const auto count = [&](Level level) {
        return static_cast<std::uint64_t>(
            std::ranges::count(out.findings(), level, &Finding::level));
    };
    const std::uint64_t errors = count(Level::kError);
    const std::uint64_t warnings = count(Level::kWarning);
    out.set("directory", options.directory);
    out.set("errors", number(errors));
    out.set("warnings", number(warnings));
    if (policy != nullptr) {
        Value::List objects;
        for (const ObjectSpec& object : policy->objects) objects.emplace_back(object.name.text);
        out.set("name", policy->name);
        out.set("hash", policy->hash);
        out.set("platforms", number(policy->platforms.size()));
        out.set("objects", std::move(objects));
        out.line("policy " + policy->name + " " + short_hash(policy->hash) + ": " +
                 count_text(policy->objects.size(), "object", "objects") + ", " +
                 count_text(policy->platforms.size(), "platform", "platforms"));
    }
    const bool clean = errors == 0 && warnings == 0;
    out.line(clean ? "no errors, no warnings"
                   : count_text(errors, "error", "errors") + ", " +
                         count_text(warnings, "warning", "warnings"),
             errors > 0 ? Style::kRed
             : clean    ? Style::kGreen
                        : Style::kYellow);
}

/// Its contracts with those that it is to follow.
Result<void> compare(Program& program, const CheckOptions& options, const Policy& policy) {
    if (options.against.empty()) return {};
    const auto before = named_policy(program, options.against);
    if (!before) return fail(before.error());
    add_findings(program.out(), options.directory, contracts::check_evolution(*before, policy));
    program.out().set("against", before->hash);
    return {};
}

Result<Exit> check_policy(Program& program, const CheckOptions& options) {
    Output& out = program.out();
    const auto policy = load_policy(options.directory);
    if (!policy) {
        const Error& error = policy.error();
        if (error.kind != ErrorKind::kInvalid) {
            return fail(ErrorKind::kInvalid,
                        "policy directory " + options.directory + ": " + error.what);
        }
        add_lines(out, error.what);
        out.in_all(
            [&](Finding& finding) { finding.where = in_folder(options.directory, finding.where); });
    } else {
        add_findings(out, options.directory, check(*policy));
        if (auto compared = compare(program, options, *policy); !compared) {
            return fail(compared.error());
        }
    }
    summary(out, options, policy ? &*policy : nullptr);
    const bool bad = out.has(Level::kError) || (options.strict && out.has(Level::kWarning));
    return bad ? Exit::kFindings : Exit::kFine;
}

}  // namespace

void add_policy(CLI::App& app, Program& program) {
    auto* policy = app.add_subcommand(
        "policy", "Policies: check, test and plan one, apply it, see and undo what was applied");
    policy->require_subcommand(1);
    add_policy_test(*policy, program);
    add_policy_plan(*policy, program);
    add_policy_apply(*policy, program);
    add_policy_history(*policy, program);
    auto* command = policy->add_subcommand(
        "check", "Everything wrong with the policy of a directory, before anything runs");
    const auto options = std::make_shared<CheckOptions>();
    command->add_option("DIR", options->directory, "The directory with the policy's *.toml files")
        ->required();
    command->add_option("--against", options->against,
                        "The policy that it is to follow, for the contracts: a directory, the "
                        "number of a version, or `active`");
    command->add_flag("--strict", options->strict, "Exit with 1 on warnings too");
    command->callback([&program, options] {
        program.choose("policy check", [options](Program& p) { return check_policy(p, *options); });
    });
}

}  // namespace syncline::ctl
