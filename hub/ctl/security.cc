// `synclinectl security`: who may use the server, as files.
#include <algorithm>
#include <functional>
#include <iterator>
#include <memory>
#include <optional>

#include "hub/ctl/cli.h"
#include "hub/ctl/program.h"
#include "hub/ctl/security/actions.h"
#include "hub/ctl/security/check.h"
#include "hub/ctl/security/server_config.h"
#include "hub/ctl/text.h"

namespace syncline::ctl {
namespace {

using namespace security;
using nats::Role;

/// From then on a certificate's end is told.
constexpr std::chrono::days kToldBefore{30};
constexpr std::size_t kAnswerShown = 100;

struct SecurityOptions {
    std::string directory;
    bool dry_run = false;
};

std::string day_of(Timestamp time) { return to_string(time).substr(0, 10); }

/// What was done, or would be.
Value::List tell(Output& out, const Changes& changes) {
    Value::List all;
    for (const Changes::Told& one : changes.told()) {
        out.line({Cell{one.what + "  ", one.what == "new" ? Style::kGreen : Style::kYellow},
                  Cell{one.file}, Cell{one.note.empty() ? "" : "  " + one.note, Style::kDim}});
        Value::List lines;
        for (const std::string& line : one.lines) {
            if (one.file.ends_with(".conf")) out.line("    " + line, Style::kDim);
            lines.emplace_back(line);
        }
        all.emplace_back(Value::Map{{"change", one.what},
                                    {"file", one.file},
                                    {"note", one.note},
                                    {"lines", std::move(lines)}});
    }
    return all;
}

void say_reload(Output& out, const Directory& directory, const Installation& installation) {
    const std::string from = (directory.root() / kServerFolder).string();
    if (!installation.server_place.empty()) {
        out.line("copy " + from + "/* to " + installation.server_place +
                 " on the server's machine, readable by nats-server alone");
    }
    // nats-server (2.10 to 2.15) ties what a new account is let into at the reload after.
    out.line("then, twice: nats-server --signal reload=PID");
}

/// Does what was planned, or only shows it.
Result<Exit> carry_out(Program& program, const SecurityOptions& options, const Directory& directory,
                       const Installation& installation, const Changes& changes) {
    Output& out = program.out();
    out.set("directory", directory.root().string());
    out.set("dry_run", options.dry_run);
    if (!options.dry_run) {
        if (auto done = changes.apply(); !done) return fail(done.error());
    }
    out.set("changes", tell(out, changes));
    if (changes.empty()) {
        out.line("nothing to do");
    } else if (options.dry_run) {
        out.line("Nothing was written.");
    } else {
        say_reload(out, directory, installation);
    }
    return Exit::kFine;
}

void say_files(Output& out, const Directory& directory, const Installation& installation,
               const User& user) {
    if (user.keys.empty()) return;
    const Key& key = user.keys.back();
    const std::string folder =
        (directory.root() / folder_of(user.member.name, key.number)).string();
    const bool person = user.member.role != Role::kHub && user.member.role != Role::kAgent;
    if (!installation.place.empty()) {
        out.line("copy " + folder + "/* to " + installation.place +
                 " where it runs, readable by it alone");
    }
    const std::string file = place_of(directory, installation, user, key) + "/" + kSettingsFile;
    out.line(person ? "then: synclinectl --connection " + file + " status"
                    : "its settings: the [nats] of " + file);
}

Result<Exit> init(Program& program, const SecurityOptions& options, const InitOptions& what) {
    const auto directory = Directory::open(options.directory, Directory::Need::kMake);
    if (!directory) return fail(directory.error());
    Changes changes{directory->root()};
    const auto known = plan_init(*directory, what, program.clock().now(), changes);
    if (!known) return fail(known.error());
    auto exit = carry_out(program, options, *directory, *known, changes);
    if (exit && !changes.empty() && !options.dry_run) {
        program.out().line(
            "next: synclinectl security hub add; agent add PLATFORM; operator add "
            "NAME; viewer add NAME; keeper add NAME");
    }
    return exit;
}

/// Opens, plans by `plan`, and carries out.
Result<Exit> change(
    Program& program, const SecurityOptions& options, const std::string& name,
    const std::function<Result<void>(const Directory&, Installation&, Timestamp, Changes&)>& plan) {
    const auto directory = Directory::open(options.directory, Directory::Need::kUse);
    if (!directory) return fail(directory.error());
    auto known = directory->installation();
    if (!known) return fail(known.error());
    Changes changes{directory->root()};
    if (auto planned = plan(*directory, *known, program.clock().now(), changes); !planned) {
        return fail(planned.error());
    }
    auto exit = carry_out(program, options, *directory, *known, changes);
    program.out().set("user", name);
    const User* user = known->find(name);
    if (exit && !options.dry_run && user != nullptr && !user->revoked()) {
        say_files(program.out(), *directory, *known, *user);
    }
    return exit;
}

void find_expiring(Output& out, const std::string& what, Timestamp not_after, Timestamp now,
                   const std::string& hint) {
    if (not_after > now + kToldBefore) return;
    const bool over = not_after <= now;
    out.add({over ? Level::kError : Level::kWarning,
             over ? "security.expired" : "security.expires",
             what + (over ? " was good until " : " is good until ") + day_of(not_after),
             hint,
             {}});
}

void find_stale(Output& out, const Directory& directory, const Installation& known) {
    Changes changes{directory.root()};
    directory.derive(known, changes);
    for (const Changes::Told& one : changes.told()) {
        out.add({Level::kWarning,
                 "security.stale",
                 one.file + " is not what it should be",
                 "synclinectl security init " + directory.root().string() + " writes it anew",
                 {}});
    }
}

Result<Exit> show(Program& program, const SecurityOptions& options) {
    const auto directory = Directory::open(options.directory, Directory::Need::kUse);
    if (!directory) return fail(directory.error());
    const auto known = directory->installation();
    if (!known) return fail(known.error());
    Output& out = program.out();
    const Timestamp now = program.clock().now();
    out.line("installation " + known->name + ", " + known->url() + "; authority until " +
             day_of(known->authority_not_after) + ", server until " +
             day_of(known->server_not_after));
    Table table{{"USER", "ROLE", "ACCOUNT", "KNOWN BY", "KEY", "GOOD UNTIL", ""}, {}};
    Value::List users;
    for (const User& user : known->users) {
        for (const Key& key : user.keys) {
            const std::string state = user.revoked()         ? "revoked " + day_of(user.revoked_at)
                                      : user.keys.size() > 1 ? "being rotated"
                                                             : "";
            const char* by = name_of(key.nkey.empty() ? Auth::kCertificate : Auth::kNkey);
            table.rows.push_back({user.member.name, nats::name_of(user.member.role),
                                  account_of(user), by, number_cell(key.number),
                                  day_of(key.not_after), state});
            users.emplace_back(Value::Map{{"user", user.member.name},
                                          {"role", nats::name_of(user.member.role)},
                                          {"account", account_of(user)},
                                          {"auth", by},
                                          {"key", number(key.number)},
                                          {"serial", key.serial},
                                          {"nkey", key.nkey},
                                          {"not_after", to_string(key.not_after)},
                                          {"revoked", user.revoked()}});
            if (user.revoked()) continue;
            find_expiring(out, user.member.name, key.not_after, now,
                          "synclinectl security rotate " + user.member.name);
        }
    }
    find_expiring(out, "the server's certificate", known->server_not_after, now,
                  "synclinectl security init " + directory->root().string() + " --renew");
    find_expiring(out, "the authority", known->authority_not_after, now,
                  "synclinectl security init " + directory->root().string() +
                      " --renew-authority, and ca.pem to every machine");
    find_stale(out, *directory, *known);
    if (known->users.empty()) {
        out.line("no users yet");
    } else {
        out.table(table);
    }
    out.set("users", std::move(users));
    return verdict(out);
}

// ---- check. ---------------------------------------------------------------------------------

std::vector<Tried> try_all(Program& program, const Directory& directory, const Installation& known,
                           Duration timeout) {
    const std::vector<std::string>& servers = program.globals.servers;
    std::vector<Tried> all;
    const auto settings = [&](const std::string& folder,
                              const std::string& user) -> std::optional<nats::NatsOptions> {
        auto options = options_in(folder);
        if (!options) {
            all.push_back({.user = user, .what = "connect", .expected_allowed = true});
            all.back().answer = options.error().what;
            return std::nullopt;
        }
        if (program.globals.servers_given()) options->urls = servers;
        return *std::move(options);
    };
    const auto platforms = known.platforms();
    for (const User& user : known.users) {
        if (user.revoked()) continue;
        for (const Key& key : user.keys) {
            const std::string folder =
                (directory.root() / folder_of(user.member.name, key.number)).string();
            const auto options = settings(folder, user.member.name);
            if (!options) continue;
            auto tried = try_as(user.member, platforms, *options, timeout, program.clock());
            std::ranges::move(tried, std::back_inserter(all));
        }
    }
    for (const auto& [folder, user] : directory.revoked()) {
        if (const auto options = settings(folder, user)) {
            all.push_back(
                try_to_connect(user + " (revoked)", false, *options, timeout, program.clock()));
        }
    }
    return all;
}

Result<Exit> check(Program& program, const SecurityOptions& options, bool all_shown) {
    const auto directory = Directory::open(options.directory, Directory::Need::kUse);
    if (!directory) return fail(directory.error());
    const auto known = directory->installation();
    if (!known) return fail(known.error());
    Output& out = program.out();
    const auto timeout = std::chrono::duration_cast<Duration>(
        std::chrono::duration<double>{program.globals.timeout_s});
    const auto tried = try_all(program, *directory, *known, timeout);
    Table table{{"", "USER", "TRIES TO", "SUBJECT", "IS", "THE SERVER SAYS"}, {}};
    Value::List listed;
    std::size_t bad = 0;
    for (const Tried& one : tried) {
        bad += one.good() ? 0U : 1U;
        const std::string answer = clipped(printable(one.answer), kAnswerShown);
        if (!one.good() || all_shown) {
            table.rows.push_back(
                {Cell{one.good() ? "ok" : "BAD", one.good() ? Style::kGreen : Style::kRed},
                 one.user, one.what, one.subject, name_of(one.outcome), answer});
        }
        listed.emplace_back(Value::Map{{"user", one.user},
                                       {"what", one.what},
                                       {"subject", one.subject},
                                       {"expected", one.expected_allowed ? "allowed" : "refused"},
                                       {"outcome", name_of(one.outcome)},
                                       {"ok", one.good()},
                                       {"answer", text_value(one.answer)}});
        if (one.good()) continue;
        out.add({Level::kError,
                 "security.not_" + std::string{one.expected_allowed ? "allowed" : "refused"},
                 one.user + ": " + one.what + ": " + name_of(one.outcome) + ": " + answer,
                 "Has the server the files of now? nats-server --signal reload=PID, twice",
                 one.subject});
    }
    if (!table.rows.empty()) out.table(table);
    out.line(count_text(tried.size(), "attempt", "attempts") + ", " + std::to_string(bad) +
             " not as they should be");
    out.set("attempts", std::move(listed));
    find_stale(out, *directory, *known);
    return verdict(out);
}

// ---- The command line. ----------------------------------------------------------------------

using Shared = std::shared_ptr<SecurityOptions>;

Shared add_directory(CLI::App& command, bool changes) {
    auto options = std::make_shared<SecurityOptions>();
    command.add_option("--dir,-d", options->directory, "The directory that init has made")
        ->envname("SYNCLINE_SECURITY")
        ->type_name("DIR")
        ->required();
    if (changes) {
        command.add_flag("--dry-run,-n", options->dry_run, "Show what would change; write nothing");
    }
    return options;
}

void add_init(CLI::App& group, Program& program) {
    auto* command = group.add_subcommand(
        "init", "An authority, the server's certificate and configuration, in a directory");
    const auto options = std::make_shared<SecurityOptions>();
    const auto what = std::make_shared<InitOptions>();
    command->add_option("DIR", options->directory, "The directory; made, or brought up to date")
        ->required();
    command->add_option("--name", what->name, "Name of the installation; at first")
        ->capture_default_str();
    command->add_option("--host", what->hosts, "Names and addresses of the server")->delimiter(',');
    command->add_option("--listen", what->listen, "Where it listens [127.0.0.1:4222]");
    command->add_option("--leaf-listen", what->leaf_listen,
                        "Where leaf nodes come in; - for none [none]");
    command->add_option("--place", what->place,
                        "Folder that users' files are copied to; - for where they are");
    command->add_option("--server-place", what->server_place, "The same for the server's files");
    command->add_option("--days", what->days, "How long certificates are good [397]")
        ->check(CLI::Range(1, 3'650));
    command->add_option("--authority-days", what->authority_days, "How long the authority is")
        ->check(CLI::Range(1, 36'500))
        ->capture_default_str();
    command->add_flag("--renew", what->renew, "A new certificate for the server, on the same key");
    command->add_flag("--renew-authority", what->renew_authority,
                      "The same for the authority, and then the server");
    command->add_flag("--dry-run,-n", options->dry_run, "Show what would change; write nothing");
    command->callback([&program, options, what] {
        program.choose("security init",
                       [options, what](Program& p) { return init(p, *options, *what); });
    });
}

void add_auth(CLI::App& command, Auth& auth, bool& given) {
    command
        .add_option_function<std::string>(
            "--auth",
            [&auth, &given](const std::string& text) {
                auth = text == "nkey" ? Auth::kNkey : Auth::kCertificate;
                given = true;
            },
            "By what the server knows it [certificate]")
        ->check(CLI::IsMember({"certificate", "nkey"}));
}

/// `agent add`, `hub add`, ...
void add_adding(CLI::App& group, Program& program, Role role, const char* help) {
    const std::string kind = nats::name_of(role);
    auto* of_role = group.add_subcommand(kind, help);
    of_role->require_subcommand(1);
    auto* command = of_role->add_subcommand("add", help);
    const Shared options = add_directory(*command, true);
    const auto what = std::make_shared<AddOptions>();
    const auto name = std::make_shared<std::string>();
    const auto lists = std::make_shared<std::vector<std::string>>();
    what->member.role = role;
    if (role == Role::kAgent) {
        command->add_option("PLATFORM", *name, "The platform: crm")->required();
        command->add_option("--list", *lists, "Reference data that it is given: price")
            ->delimiter(',');
    } else if (role == Role::kHub) {
        command->add_option("NAME", *name, "One for all hubs, or one for each [hub]");
    } else {
        command->add_option("NAME", *name, "The person, or program: ann")->required();
    }
    add_auth(*command, what->auth, what->auth_given);
    command->add_option("--days", what->days, "How long its certificates are good")
        ->check(CLI::Range(1, 3'650));
    command->callback([&program, options, what, name, lists, role, kind] {
        program.choose("security " + kind + " add", [=](Program& p) -> Result<Exit> {
            what->member.name = name->empty() ? kind : kind + "-" + *name;
            what->member.platform = PlatformId{role == Role::kAgent ? *name : std::string{}};
            what->member.actor = role == Role::kOperator ? *name : std::string{};
            what->member.lists.clear();
            for (const std::string& list : *lists) what->member.lists.emplace_back(list);
            return change(
                p, *options, what->member.name,
                [&](const Directory& directory, Installation& known, Timestamp now,
                    Changes& changes) { return plan_add(directory, known, *what, now, changes); });
        });
    });
    for (CLI::App* inner : of_role->get_subcommands({})) inner->fallthrough();
}

void add_revoke(CLI::App& group, Program& program) {
    auto* command = group.add_subcommand("revoke", "The server knows the user no longer");
    const Shared options = add_directory(*command, true);
    const auto name = std::make_shared<std::string>();
    command->add_option("NAME", *name, "As security show lists it: agent-crm")->required();
    command->callback([&program, options, name] {
        program.choose("security revoke", [=](Program& p) {
            return change(p, *options, *name,
                          [&](const Directory& directory, Installation& known, Timestamp now,
                              Changes& changes) {
                              return plan_revoke(directory, known, *name, now, changes);
                          });
        });
    });
}

void add_rotate(CLI::App& group, Program& program) {
    auto* command =
        group.add_subcommand("rotate", "A second key for a user, the first good until --finish");
    const Shared options = add_directory(*command, true);
    const auto what = std::make_shared<RotateOptions>();
    command->add_option("NAME", what->name, "As security show lists it: agent-crm")->required();
    auto* finish = command->add_flag_callback(
        "--finish", [what] { what->step = RotateOptions::Step::kFinish; },
        "Only the new key is good from now on");
    command
        ->add_flag_callback(
            "--cancel", [what] { what->step = RotateOptions::Step::kCancel; },
            "Only the old key is good from now on")
        ->excludes(finish);
    add_auth(*command, what->auth, what->auth_given);
    command->callback([&program, options, what] {
        program.choose("security rotate", [=](Program& p) {
            return change(p, *options, what->name,
                          [&](const Directory& directory, Installation& known, Timestamp now,
                              Changes& changes) {
                              return plan_rotate(directory, known, *what, now, changes);
                          });
        });
    });
}

}  // namespace

void add_security(CLI::App& app, Program& program) {
    auto* group = app.add_subcommand(
        "security", "Who may use the NATS server: certificates, keys, permissions, as files");
    group->require_subcommand(1);
    add_init(*group, program);
    add_adding(*group, program, Role::kHub, "Hubs: they decide, and own the streams");
    add_adding(*group, program, Role::kAgent, "An agent: it speaks for its platform alone");
    add_adding(*group, program, Role::kOperator, "A person who looks and acts");
    add_adding(*group, program, Role::kViewer, "A person, or a program, that only looks");
    add_adding(*group, program, Role::kKeeper, "Who backs up and restores, and could destroy");
    add_revoke(*group, program);
    add_rotate(*group, program);
    auto* show_command = group->add_subcommand("show", "Who is there, known by what, until when");
    const Shared shown = add_directory(*show_command, false);
    show_command->callback([&program, shown] {
        program.choose("security show", [shown](Program& p) { return show(p, *shown); });
    });
    auto* check_command = group->add_subcommand(
        "check", "Each user tries at the server what it must not do, and what it must");
    const Shared checked = add_directory(*check_command, false);
    const auto all_shown = std::make_shared<bool>(false);
    check_command->add_flag("--all", *all_shown, "Show also what is as it should be");
    check_command->callback([&program, checked, all_shown] {
        program.choose("security check",
                       [=](Program& p) { return check(p, *checked, *all_shown); });
    });
    for (CLI::App* inner : group->get_subcommands({})) inner->fallthrough();
}

}  // namespace syncline::ctl
