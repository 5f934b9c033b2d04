#include "hub/ctl/program.h"

#include <algorithm>
#include <cstdlib>

#include <unistd.h>

#include "hub/ctl/actor.h"
#include "hub/ctl/cli.h"
#include "hub/ctl/policy_store.h"
#include "shared/base/toml_reader.h"
#include "shared/nats/options_toml.h"
#include "shared/policy/policy_toml.h"

namespace syncline::ctl {
namespace {

bool has(const char* variable) {
    const char* value = std::getenv(variable);
    return value != nullptr && *value != '\0';
}

/// https://no-color.org, and terminals that say they cannot.
Colour colour_for(const Program::Globals& globals) {
    const char* term = std::getenv("TERM");
    const bool dumb = term != nullptr && std::string_view{term} == "dumb";
    const bool wanted = !globals.no_color && !globals.json && !has("NO_COLOR") && !dumb;
    return wanted && ::isatty(STDOUT_FILENO) != 0 ? Colour::kAlways : Colour::kNever;
}

}  // namespace

void Program::choose(std::string name, Run run) {
    command_ = std::move(name);
    run_ = std::move(run);
}

Exit Program::run() {
    out_ = std::make_unique<Output>(stdout, stderr,
                                    Output::Options{.json = globals.json,
                                                    .colour = colour_for(globals),
                                                    .terminal = ::isatty(STDOUT_FILENO) != 0});
    // First, as it also says by which name we act.
    const auto read = read_connection();
    const Result<Exit> done = read ? run_(*this) : fail(read.error());
    if (done) {
        if (!told_) out_->finish(command_, *done, nullptr);
        return *done;
    }
    const Exit exit = unreachable_ ? Exit::kUnreachable : exit_of(done.error().kind);
    out_->finish(command_, exit, &done.error());
    return exit;
}

Result<nats::NatsOptions> Program::nats_options() const {
    if (from_file_) return *from_file_;
    nats::NatsOptions options;
    options.urls = globals.servers;
    options.name = "synclinectl";
    options.credentials_file = globals.credentials_file;
    options.nkey_seed_file = globals.nkey_file;
    options.user = globals.user;
    options.tls_ca_file = globals.tls_ca_file;
    options.tls_cert_file = globals.tls_cert_file;
    options.tls_key_file = globals.tls_key_file;
    options.inbox_prefix = globals.inbox_prefix;
    for (const std::string& url : options.urls) {
        const bool scheme = url.starts_with("nats://") || url.starts_with("tls://");
        if (!scheme || url.find('@') != std::string::npos) {
            return fail(ErrorKind::kInvalid,
                        "--server takes nats://host:port or tls://host:port; who we are is told by "
                        "--creds, --nkey or --user, so that it stays out of process lists");
        }
    }
    const int ways = (globals.credentials_file.empty() ? 0 : 1) +
                     (globals.nkey_file.empty() ? 0 : 1) + (globals.user.empty() ? 0 : 1);
    if (ways > 1) return fail(ErrorKind::kInvalid, "give one of --creds, --nkey and --user");
    if (!globals.user.empty()) {
        options.password = globals.password_file.empty()
                               ? Secret{Secret::Source::kEnvironment, "SYNCLINE_NATS_PASSWORD"}
                               : Secret{Secret::Source::kFile, globals.password_file};
    }
    return options;
}

CommandResult Program::run_in(Surroundings surroundings) {
    around_ = std::move(surroundings);
    globals.json = true;
    out_ = std::make_unique<Output>(nullptr, nullptr, Output::Options{.json = true});
    const auto done = run_(*this);
    CommandResult told{.exit = done ? *done : exit_of(done.error().kind),
                       .data = out_->take_data(),
                       .findings = out_->findings(),
                       .error = done ? std::nullopt : std::optional{done.error()},
                       .unreachable = unreachable_ || !around_.session->link().connected()};
    return told;
}

std::string Program::actor() const { return is_embedded() ? around_.actor : ctl::actor(); }

bool Program::may_see(const ObjectName& object) const {
    return around_.objects.empty() ||
           std::ranges::find(around_.objects, object.text) != around_.objects.end();
}

Result<void> Program::read_connection() {
    if (globals.connection.empty()) return {};
    for (const std::string* other : {&globals.credentials_file, &globals.nkey_file, &globals.user,
                                     &globals.tls_cert_file, &globals.tls_key_file}) {
        if (other->empty()) continue;
        return fail(ErrorKind::kInvalid, "--connection says who we are; give it alone");
    }
    auto file = TomlReader::load(globals.connection);
    if (!file) return fail(file.error());
    const std::string who = file->text("actor", "");
    nats::NatsOptions options = nats::read_nats_options(file->table("nats"), {});
    if (auto done = file->finish(); !done) return fail(done.error());
    options.name = "synclinectl";
    if (globals.servers_given()) options.urls = globals.servers;
    if (!who.empty()) act_as(who);
    from_file_ = std::move(options);
    return {};
}

Result<Session*> Program::connect() {
    if (around_.session != nullptr) return around_.session;
    if (session_ != nullptr) return session_.get();
    auto options = nats_options();
    if (!options) return fail(options.error());
    const auto timeout =
        std::chrono::duration_cast<Duration>(std::chrono::duration<double>{globals.timeout_s});
    auto session = Session::open(std::move(*options), timeout);
    if (!session) {
        unreachable_ = true;
        return fail(session.error());
    }
    session_ = std::move(*session);
    return session_.get();
}

Result<const Policy*> Program::policy() {
    if (policy_) return policy_.get();
    if (globals.policy.empty()) return policy_in_force();
    auto loaded = load_policy(globals.policy);
    if (!loaded) {
        return fail(ErrorKind::kInvalid,
                    "the policy of " + globals.policy + " cannot be used: " + loaded.error().what);
    }
    policy_ = std::make_shared<const Policy>(std::move(*loaded));
    return policy_.get();
}

Result<const Policy*> Program::policy_in_force() {
    const auto session = connect();
    if (!session) return fail(session.error());
    if (around_.memory != nullptr) {
        auto known = around_.memory->policy_in_force(**session);
        if (!known) return fail(known.error());
        policy_ = *std::move(known);
        return policy_.get();
    }
    const auto history = read_history(**session);
    if (!history) return fail(history.error());
    const StoredVersion* active = history->active();
    if (active == nullptr) {
        return fail(ErrorKind::kNotFound, "no policy is in force; give one by --policy DIR");
    }
    auto policy = read_policy(**session, active->version);
    if (!policy) return fail(policy.error());
    policy_ = std::make_shared<const Policy>(*std::move(policy));
    return policy_.get();
}

Result<Secrets> Program::secrets() {
    const auto loaded = policy();
    const bool none = !loaded && loaded.error().kind == ErrorKind::kNotFound;
    if (none && !globals.mask_pii) return Secrets{};
    if (!loaded) return fail(loaded.error());
    return Secrets{**loaded, hides()};
}

void add_key(CLI::App& command, std::string& object, std::string& key) {
    command.add_option("OBJECT", object, "The object: customer")->required();
    command.add_option("KEY", key, "Entity id, platform:record-id, or the value of a match key")
        ->required();
}

Exit verdict(const Output& out) {
    return out.has(Level::kError) || out.has(Level::kWarning) ? Exit::kFindings : Exit::kFine;
}

}  // namespace syncline::ctl
