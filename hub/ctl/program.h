#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "hub/ctl/describe.h"
#include "hub/ctl/memory.h"
#include "hub/ctl/output.h"
#include "hub/ctl/session.h"
#include "shared/policy/policy.h"

namespace CLI {
class App;
}

namespace syncline::ctl {

/// What a command runs in, where that is not synclinectl: a hub's desk.
struct Surroundings {
    Session* session = nullptr;        ///< Used instead of a connection of its own.
    Memory* memory = nullptr;          ///< What need not be read each time; may be null.
    std::string actor;                 ///< Who acts.
    std::vector<std::string> objects;  ///< Those that may be seen and acted on; none: all.
    std::vector<std::string> regions;  ///< The same; see Sight.
};

/// What has come of a command that was run there.
struct CommandResult {
    Exit exit = Exit::kFine;
    Value::Map data;
    std::vector<Finding> findings;
    std::optional<Error> error;
    bool unreachable = false;  ///< NATS is.
};

/// What all commands share: the global options, the output, and the connection once it is needed.
class Program {
public:
    /// Servers are looked for here where nothing else is said.
    static constexpr const char* kServer = "nats://127.0.0.1:4222";
    struct Globals {
        std::vector<std::string> servers;
        std::string credentials_file;
        std::string nkey_file;
        std::string user;
        std::string password_file;
        std::string tls_ca_file;
        std::string tls_cert_file;
        std::string tls_key_file;
        std::string inbox_prefix = "_INBOX";
        std::string connection;  ///< File with all of that; empty: none.
        std::string policy;      ///< Directory; empty: none.
        double timeout_s = 5;
        bool json = false;
        bool no_color = false;
        bool mask_pii = false;
        [[nodiscard]] bool servers_given() const {
            return servers != std::vector<std::string>{kServer};
        }
    };
    using Run = std::function<Result<Exit>(Program&)>;

    /// A command says what it does once the command line is understood.
    void choose(std::string name, Run run);
    /// Runs what was chosen; tells its findings and error.
    Exit run();
    /// The same for a hub: nothing is written anywhere.
    CommandResult run_in(Surroundings surroundings);

    Globals globals;
    [[nodiscard]] Output& out() { return *out_; }
    [[nodiscard]] const std::string& command() const { return command_; }
    /// Who acts: the account that runs synclinectl, or whom the hub knows.
    [[nodiscard]] std::string actor() const;
    /// Whether things of that object may be seen and acted on.
    [[nodiscard]] bool may_see(const ObjectName& object) const;
    /// Of which things may be seen and acted on; none: of all. Sight knows what that means.
    [[nodiscard]] const std::vector<std::string>& regions() const { return around_.regions; }
    [[nodiscard]] bool sees_all() const {
        return around_.objects.empty() && around_.regions.empty();
    }
    /// Is it no person's own terminal? Then nobody is asked anything.
    [[nodiscard]] bool is_embedded() const { return around_.session != nullptr; }
    [[nodiscard]] Memory* memory() const { return around_.memory; }
    /// The connection, made at the first call.
    [[nodiscard]] Result<Session*> connect();
    /// The policy of --policy, else the one in force. kInvalid: it cannot be loaded. kNotFound:
    /// none was given, and none is in force.
    [[nodiscard]] Result<const Policy*> policy();
    /// What that policy calls secret, and with --mask-pii personal; nothing if there is none, which
    /// with --mask-pii is an error.
    [[nodiscard]] Result<Secrets> secrets();
    /// What is hidden of whatever policy.
    [[nodiscard]] Secrets::Hides hides() const {
        return globals.mask_pii ? Secrets::Hides::kPersonal : Secrets::Hides::kSecret;
    }
    [[nodiscard]] const Clock& clock() const { return clock_; }
    /// The command has finished its output itself.
    void already_told() { told_ = true; }

private:
    Result<nats::NatsOptions> nats_options() const;
    Result<void> read_connection();
    Result<const Policy*> policy_in_force();

    SystemClock clock_;
    std::string command_;
    Run run_;
    std::unique_ptr<Output> out_;
    std::optional<nats::NatsOptions> from_file_;
    std::unique_ptr<Session> session_;
    Surroundings around_;
    std::shared_ptr<const Policy> policy_;
    bool unreachable_ = false;
    bool told_ = false;
};

/// Adds the commands that there are, or only the one of that name.
void add_commands(CLI::App& app, Program& program, std::string_view only = {});

// One line for each command; each is in a file of its name.
void add_policy(CLI::App& app, Program& program);
void add_policy_test(CLI::App& policy, Program& program);     ///< Under `policy`.
void add_policy_plan(CLI::App& policy, Program& program);     ///< The same.
void add_policy_apply(CLI::App& policy, Program& program);    ///< apply, approve, rollback.
void add_policy_history(CLI::App& policy, Program& program);  ///< history, show, export.
void add_contracts(CLI::App& app, Program& program);
void add_status(CLI::App& app, Program& program);
void add_top(CLI::App& app, Program& program);
void add_plan_capacity(CLI::App& app, Program& program);
void add_backfill(CLI::App& app, Program& program);
void add_backup(CLI::App& app, Program& program);
void add_restore(CLI::App& app, Program& program);
void add_ask(CLI::App& app, Program& program);
void add_workflows(CLI::App& app, Program& program);
void add_workflow_definitions(CLI::App& workflows, Program& program);  ///< The same.
void add_approvals(CLI::App& app, Program& program);
void add_entity(CLI::App& app, Program& program);
void add_entity_list(CLI::App& entity, Program& program);  ///< Under `entity`.
void add_log(CLI::App& app, Program& program);
void add_blame(CLI::App& app, Program& program);
void add_audit(CLI::App& app, Program& program);
void add_audit_rebuild(CLI::App& audit, Program& program);  ///< Under `audit`.
void add_exceptions(CLI::App& app, Program& program);
void add_events(CLI::App& app, Program& program);
void add_webhooks(CLI::App& app, Program& program);
void add_indicators(CLI::App& app, Program& program);
void add_alerts(CLI::App& app, Program& program);
void add_facts(CLI::App& app, Program& program);
void add_forget(CLI::App& app, Program& program);
void add_identity(CLI::App& app, Program& program);  ///< merge, unmerge, link, unlink.
void add_replay(CLI::App& app, Program& program);
void add_reconcile(CLI::App& app, Program& program);
void add_lists(CLI::App& app, Program& program);
void add_security(CLI::App& app, Program& program);
void add_tap(CLI::App& app, Program& program);
void add_timeline(CLI::App& app, Program& program);
void add_doctor(CLI::App& app, Program& program);
void add_token(CLI::App& app, Program& program);
void add_version(CLI::App& app, Program& program);

/// OBJECT and KEY of a command about one entity, as locate() takes them.
void add_key(CLI::App& command, std::string& object, std::string& key);

/// Warnings and errors among the findings make a command end with 1.
[[nodiscard]] Exit verdict(const Output& out);

}  // namespace syncline::ctl
