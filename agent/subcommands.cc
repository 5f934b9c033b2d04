#include "agent/subcommands.h"

#include <algorithm>
#include <cstdio>

#include "agent/agent_config.h"
#include "agent/cases_command.h"
#include "agent/triggers_command.h"
#include "shared/base/clock.h"

namespace syncline::agent {
namespace {

CLI::Option* add_file(CLI::App& command, std::filesystem::path& file) {
    return command.add_option("file", file, "The agent's file")
        ->required()
        ->check(CLI::ExistingFile);
}

}  // namespace

int check_agent_file(const std::filesystem::path& file) {
    const auto config = load_agent_config(file, SystemClock{});
    if (config) {
        std::puts("the configuration is sound");
        return 0;
    }
    std::fprintf(stderr, "syncline-agent: %s\n", config.error().what.c_str());
    return 2;
}

Subcommands::Subcommands(CLI::App& app) {
    add_init(app);
    add_check(app);
    add_probe(app);
    add_cases(app);
    add_connector_test(app);
    add_triggers(app);
}

bool Subcommands::any() const {
    return std::ranges::any_of(all_, [](const Subcommand& one) { return one.app->parsed(); });
}

int Subcommands::run() const {
    for (const Subcommand& one : all_) {
        if (one.app->parsed()) return one.run();
    }
    return 2;
}

void Subcommands::add_check(CLI::App& app) {
    CLI::App* command = app.add_subcommand(
        "check",
        "Checks an agent's file and its profile, without asking the platform or NATS. Says every\n"
        "problem with its line and column; exit code 2 if there is one");
    add_file(*command, check_file_);
    all_.push_back({command, [this] { return check_agent_file(check_file_); }});
}

void Subcommands::add_cases(CLI::App& app) {
    CLI::App* command = app.add_subcommand(
        "cases",
        "Tries a REST profile on its cases, without a network: what it asks a platform, and what\n"
        "it makes of the answers (configs/profiles/cases)");
    command->add_option("files", case_files_, "Files of cases")
        ->required()
        ->check(CLI::ExistingFile);
    command->add_flag("--json", cases_as_json_, "One JSON document");
    all_.push_back({command, [this] { return run_cases_command(case_files_, cases_as_json_); }});
}

void Subcommands::add_connector_test(CLI::App& app) {
    CLI::App* connector = app.add_subcommand("connector", "About the connector of a file");
    connector->require_subcommand(1);
    CLI::App* command = connector->add_subcommand(
        "test",
        "Tries the program of an `exec` connector on all that the protocol asks of it. Reads "
        "only,\n"
        "unless --write names an object. Exit codes: 0 all holds, 1 some does not, 2 wrong usage");
    add_file(*command, connector_test_.file);
    command
        ->add_option("--write", connector_test_.write,
                     "WRITES TO THE PLATFORM: makes, changes and deletes one record of OBJECT")
        ->type_name("OBJECT");
    command->add_option("--set", connector_test_.set, "What that record shall hold in a field")
        ->type_name("FIELD=VALUE")
        ->allow_extra_args(false);
    command->add_flag("--json", connector_test_.as_json, "One JSON document");
    all_.push_back({command, [this] { return run_connector_test(connector_test_); }});
}

void Subcommands::add_init(CLI::App& app) {
    CLI::App* command = app.add_subcommand(
        "init",
        "Writes an agent's file with comments, by asking; or without asking, if there is a --set.\n"
        "The file is one that an agent takes. Secrets are named by where they stand, and not asked "
        "for");
    command->add_option("--profile", init_.profile, "A platform of --list, or a profile's file");
    command->add_option("--connector", init_.connector, "A connector of --list");
    command->add_option("--set", init_.settings, "A setting as it is called in the file; repeated")
        ->type_name("KEY=VALUE")
        ->allow_extra_args(false);
    command->add_option("--output,-o", init_.output, "The file; PLATFORM.toml if there is none");
    command->add_option("--profiles", init_.profiles, "Folder of the profiles")
        ->check(CLI::ExistingDirectory);
    command->add_flag("--force", init_.force, "Replace a file that is there");
    command->add_flag("--list", init_.list, "Say which profiles and connectors there are, and end");
    command->add_flag("--probe", init_.probe,
                      "Then `probe`: log in and look at what is not mapped");
    command->footer(
        "  syncline-agent init --list\n"
        "  syncline-agent init --profile zendesk --output support.toml\n"
        "  syncline-agent init --profile zendesk --output support.toml \\\n"
        "      --set platform=support --set connector.base_url=https://acme.zendesk.com \\\n"
        "      --set connector.auth.username=me@acme.com/token \\\n"
        "      --set connector.auth.password=env:ZENDESK_TOKEN \\\n"
        "      --set objects.case.native=tickets --set objects.case.fields.title=subject\n"
        "A field's type: --set objects.order.fields.amount:decimal=Amount\n"
        "Exit codes: 0 written, 1 it cannot be written or --probe found problems, 2 nothing is\n"
        "written: an answer is wrong or missing, or the file is there already.");
    all_.push_back({command, [this] { return run_init_command(init_); }});
}

void Subcommands::add_probe(CLI::App& app) {
    CLI::App* command = app.add_subcommand(
        "probe",
        "Logs in to the platform, reads a little of each object, and shows what comes beside\n"
        "what is mapped. Changes nothing, there or here, unless --write is given");
    add_file(*command, probe_file_);
    command->add_option("--object", probe_options_.objects, "Only this object; may be repeated");
    command->add_option("--records", probe_options_.records, "How many to read of each object")
        ->check(CLI::Range(1, 10'000))
        ->capture_default_str();
    command
        ->add_option(
            "--write", probe_write_,
            "WRITES TO THE PLATFORM: one value of that record that comes back as it is, to "
            "see whether that may be done")
        ->type_name("OBJECT/RECORD");
    command->add_flag("!--no-values", probe_options_.with_values, "Show no values of records");
    command->add_flag("--json", probe_as_json_, "One JSON document");
    all_.push_back({command, [this] { return run_probe(); }});
}

int Subcommands::run_probe() {
    if (!probe_write_.empty()) {
        const auto slash = probe_write_.find('/');
        if (slash == std::string::npos || slash == 0 || slash + 1 == probe_write_.size()) {
            std::fprintf(stderr,
                         "syncline-agent: --write must be OBJECT/RECORD, such as customer/4711, "
                         "not %s\n",
                         probe_write_.c_str());
            return 2;
        }
        probe_options_.write = {ObjectName{probe_write_.substr(0, slash)},
                                RecordId{probe_write_.substr(slash + 1)}};
    }
    return run_probe_command(probe_file_, probe_options_, probe_as_json_);
}

void Subcommands::add_triggers(CLI::App& app) {
    CLI::App* command = app.add_subcommand(
        "triggers",
        "Prints the SQL that makes the outbox and the triggers of the objects with outbox = true\n"
        "in an agent's file (connectors mariadb and sqlite); a person runs it in the database");
    add_file(*command, triggers_file_);
    all_.push_back(
        {command, [this] { return run_triggers_command(triggers_file_, SystemClock{}); }});
}

}  // namespace syncline::agent
