// synclinectl: the operator's command line. See README.md.
#include <cstdlib>
#include <exception>

#include "hub/ctl/cli.h"
#include "hub/ctl/program.h"
#include "shared/command_line/describe.h"

namespace syncline::ctl {
namespace {

constexpr const char* kFooter =
    "Exit codes: 0 fine; 1 something is wrong with what was looked at; 2 wrong usage, file or\n"
    "policy; 3 NATS cannot be used; 4 not found; 5 refused.\n"
    "Environment: SYNCLINE_NATS_URL, SYNCLINE_NATS_PASSWORD (with --user), SYNCLINE_CONNECTION,\n"
    "SYNCLINE_POLICY, SYNCLINE_SECURITY, NO_COLOR.";

void add_globals(CLI::App& app, Program::Globals& globals) {
    const char* group = "Connection";
    app.add_option("--server,-s", globals.servers, "URLs of NATS servers, with commas between")
        ->envname("SYNCLINE_NATS_URL")
        ->delimiter(',')
        ->take_all()
        ->default_val(std::vector<std::string>{Program::kServer})
        ->group(group);
    app.add_option("--creds", globals.credentials_file, "Credentials file, as nsc writes it")
        ->type_name("FILE")
        ->group(group);
    app.add_option("--nkey", globals.nkey_file, "File with a user's seed")
        ->type_name("FILE")
        ->group(group);
    app.add_option("--user", globals.user, "User; the password comes from --password-file")
        ->group(group);
    app.add_option("--password-file", globals.password_file, "File that holds the password alone")
        ->type_name("FILE")
        ->group(group);
    app.add_option("--tls-ca", globals.tls_ca_file, "Authorities of the server's certificate")
        ->type_name("FILE")
        ->group(group);
    app.add_option("--tls-cert", globals.tls_cert_file, "Our certificate")
        ->type_name("FILE")
        ->group(group);
    app.add_option("--tls-key", globals.tls_key_file, "Its key")->type_name("FILE")->group(group);
    app.add_option("--inbox-prefix", globals.inbox_prefix, "What reply subjects start with")
        ->capture_default_str()
        ->group(group);
    app.add_option("--connection", globals.connection,
                   "File that says all of that, as security makes it; --server counts before it")
        ->type_name("FILE")
        ->envname("SYNCLINE_CONNECTION")
        ->group(group);
    app.add_option("--timeout", globals.timeout_s, "Seconds to wait for NATS, each time")
        ->check(CLI::Range(0.1, 600.0))
        ->capture_default_str()
        ->group(group);
    app.add_option("--policy", globals.policy,
                   "Look at things by the policy of this directory, not by the one in force")
        ->type_name("DIR")
        ->envname("SYNCLINE_POLICY");
    app.add_flag("--mask-pii", globals.mask_pii,
                 "Hide the values of fields that the policy classifies as personal")
        ->envname("SYNCLINE_MASK_PII");
    app.add_flag("--json", globals.json, "One JSON object instead of text");
    app.add_flag("--no-color", globals.no_color, "Never colour; off anyway if not on a terminal");
}

/// Whether --json stands anywhere: an error of the command line is told as it would have been.
bool wants_json(int argc, char** argv) {
    for (int i = 1; i < argc; ++i) {
        if (std::string_view{argv[i]} == "--json") return true;
    }
    return false;
}

int usage_error(const CLI::App& app, const CLI::ParseError& error, bool json) {
    if (error.get_exit_code() == 0) return app.exit(error);  // --help.
    Output out{stdout, stderr, {.json = json, .colour = Colour::kNever}};
    const Error told{ErrorKind::kInvalid, std::string{error.what()} + "; see synclinectl --help"};
    out.finish("", Exit::kUsage, &told);
    return static_cast<int>(Exit::kUsage);
}

int run(int argc, char** argv) {
    CLI::App app{"synclinectl: looks into a Syncline installation and acts on it, over NATS.",
                 "synclinectl"};
    app.footer(kFooter);
    app.require_subcommand(1);
    app.fallthrough();
    catch_signals();
    Program program;
    add_globals(app, program.globals);
    add_description_flag(app);
    add_commands(app, program);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return usage_error(app, error, wants_json(argc, argv));
    }
    return static_cast<int>(program.run());
}

}  // namespace
}  // namespace syncline::ctl

int main(int argc, char** argv) {
    try {
        return syncline::ctl::run(argc, argv);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "synclinectl: a defect of ours: %s\n", error.what());
        return EXIT_FAILURE;
    }
}
