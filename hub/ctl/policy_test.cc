#include <algorithm>
#include <filesystem>

#include "hub/ctl/cli.h"
#include "hub/ctl/describe.h"
#include "hub/ctl/policy_cases.h"
#include "hub/ctl/program.h"
#include "hub/ctl/text.h"

namespace syncline::ctl {
namespace {

struct TestOptions {
    std::string directory;
    std::string only;
    bool coverage = false;  ///< A rule that no test uses is an error.
};

Result<std::vector<PolicyCase>> read_cases(const Policy& policy, const std::string& directory) {
    auto files = read_policy_files(std::filesystem::path{directory} / "tests");
    if (!files) {
        if (files.error().kind != ErrorKind::kNotFound) return fail(std::move(files.error()));
        return fail(ErrorKind::kNotFound, directory +
                                              " has no tests: write tests/*.toml in it; "
                                              "configs/README.md tells how");
    }
    for (PolicyFile& file : *files) file.name = "tests/" + file.name;
    return parse_policy_cases(policy, *files);
}

/// Which rules decided something, and which nothing.
void tell_coverage(Output& out, const Policy& policy, const TestOptions& options,
                   const std::map<std::string, std::uint64_t>& decided) {
    Value::List rules;
    std::uint64_t used = 0;
    for (const ObjectSpec& object : policy.objects) {
        for (const OwnershipRule& rule : object.ownership) {
            const std::string place = to_string(rule.place);
            const auto count = decided.find(place);
            const std::uint64_t fields = count == decided.end() ? 0 : count->second;
            rules.emplace_back(Value::Map{
                {"place", place}, {"object", object.name.text}, {"decided", number(fields)}});
            if (fields > 0) {
                ++used;
            } else {
                out.add({options.coverage ? Level::kError : Level::kInfo, "policy.rule_untested",
                         "no test uses this rule for " + clipped(joined(rule.fields), 60) + " of " +
                             object.name.text,
                         "", options.directory + "/" + place});
            }
        }
    }
    out.line("rules used: " + std::to_string(used) + " of " + std::to_string(rules.size()));
    out.set("rules_used", number(used));
    out.set("rules", std::move(rules));
}

Result<Exit> test_policy(Output& out, const TestOptions& options) {
    const auto policy = load_policy(options.directory);
    if (!policy) return fail(policy.error());
    const auto cases = read_cases(*policy, options.directory);
    if (!cases) return fail(cases.error());
    std::map<std::string, std::uint64_t> decided;
    std::uint64_t passed = 0;
    std::uint64_t failed = 0;
    Value::List told;
    for (const PolicyCase& test : *cases) {
        if (!options.only.empty() && test.name.find(options.only) == std::string::npos) continue;
        const auto failures = run(*policy, test, decided);
        ++(failures.empty() ? passed : failed);
        out.line({Cell{failures.empty() ? "  ok      " : "  FAILED  ",
                       failures.empty() ? Style::kGreen : Style::kRed},
                  Cell{test.name}});
        for (const PolicyCaseFailure& failure : failures) {
            out.add({Level::kError, "policy.test_failed", test.name + ": " + failure.message, "",
                     options.directory + "/" + to_string(failure.place)});
        }
        told.emplace_back(Value::Map{
            {"name", test.name}, {"place", to_string(test.place)}, {"ok", failures.empty()}});
    }
    if (told.empty() && !options.only.empty()) {
        return fail(ErrorKind::kNotFound, "no test has `" + options.only + "` in its name");
    }
    out.set("directory", options.directory);
    out.set("tests", std::move(told));
    out.set("passed", number(passed));
    out.set("failed", number(failed));
    if (options.only.empty()) tell_coverage(out, *policy, options, decided);
    out.line(std::to_string(passed) + " passed, " + std::to_string(failed) + " failed",
             failed == 0 ? Style::kGreen : Style::kRed);
    return out.has(Level::kError) ? Exit::kFindings : Exit::kFine;
}

}  // namespace

void add_policy_test(CLI::App& policy, Program& program) {
    auto* command = policy.add_subcommand(
        "test", "Runs the tests that stand beside a policy, DIR/tests/*.toml, in memory");
    const auto options = std::make_shared<TestOptions>();
    command->add_option("DIR", options->directory, "The directory with the policy's *.toml files")
        ->required();
    command->add_option("--only", options->only, "Only tests with this text in their names");
    command->add_flag("--coverage", options->coverage, "Exit with 1 if no test uses some rule");
    command->callback([&program, options] {
        program.choose("policy test",
                       [options](Program& p) { return test_policy(p.out(), *options); });
    });
}

}  // namespace syncline::ctl
