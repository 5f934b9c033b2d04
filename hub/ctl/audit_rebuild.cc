#include <map>
#include <memory>

#include "hub/core/rebuild.h"
#include "hub/core/state_codec.h"
#include "hub/ctl/cli.h"
#include "hub/ctl/policy_store.h"
#include "hub/ctl/program.h"
#include "hub/ctl/text.h"
#include "shared/wire/subjects.h"

// Are the states what the inputs make of them?

namespace syncline::ctl {
namespace {

using hub::Rebuild;

struct RebuildOptions {
    std::uint64_t show = 20;
};

Result<void> read_states(Session& session, Rebuild& rebuild) {
    return session.read_each({.stream = std::string{subjects::kStreamState},
                              .filters = {subjects::all_entities()},
                              .last_per_subject = true},
                             [&](const nats::InMessage& message) {
                                 const auto state = hub::decode_entity(message.body);
                                 if (!message.deleted && state) {
                                     rebuild.take_state(state->key, std::string{message.body});
                                 }
                                 return Session::More::kWanted;
                             });
}

Result<void> read_log(Session& session, Rebuild& rebuild) {
    return session.read_each(
        {.stream = std::string{subjects::kStreamLog}, .filters = {subjects::all_logs()}},
        [&](const nats::InMessage& message) {
            rebuild.take_entry(message.sequence, std::string{message.body});
            return Session::More::kWanted;
        });
}

Result<void> read_inputs(Session& session, Rebuild& rebuild) {
    return session.read_each({.stream = std::string{subjects::kStreamIn}, .filters = {}},
                             [&](const nats::InMessage& message) {
                                 rebuild.take_input(message.subject, message.body);
                                 return Session::More::kWanted;
                             });
}

/// The versions that decided, each read once. What hubs had before there were versions is what
/// --policy names.
class Versions {
public:
    Versions(Program& program, Session& session) : program_(program), session_(session) {}

    Result<void> read() {
        auto history = read_history(session_);
        if (!history) return fail(history.error());
        for (const auto& [version, stored] : history->versions) {
            auto policy = read_policy(session_, stored.version);
            if (policy) policies_.emplace(policy->hash, *std::move(policy));
        }
        if (!program_.globals.policy.empty()) {
            const auto given = program_.policy();
            if (!given) return fail(given.error());
            policies_.emplace((*given)->hash, **given);
        }
        return {};
    }

    [[nodiscard]] const Policy* find(const hub::LogEntry& entry) {
        const auto known = numbered_.find({entry.policy, entry.policy_version});
        if (known != numbered_.end()) return &known->second;
        const auto at = policies_.find(entry.policy);
        if (at == policies_.end()) return nullptr;
        Policy policy = at->second;
        policy.version = entry.policy_version;
        const std::pair key{entry.policy, entry.policy_version};
        return &numbered_.emplace(key, std::move(policy)).first->second;
    }

private:
    Program& program_;
    Session& session_;
    std::map<std::string, Policy> policies_;
    std::map<std::pair<std::string, std::uint64_t>, Policy> numbered_;
};

void tell(Output& out, const Rebuild& rebuild, const RebuildOptions& options) {
    std::uint64_t out_of_reach = 0;
    Value::List list;
    for (const Rebuild::Finding& finding : rebuild.findings) {
        const bool differs = finding.kind == Rebuild::Finding::Kind::kDiffers;
        if (!differs) ++out_of_reach;
        const std::string entity = finding.entity.object.text + " " + finding.entity.entity.text;
        list.push_back(Value::Map{{"object", finding.entity.object.text},
                                  {"entity", finding.entity.entity.text},
                                  {"differs", differs},
                                  {"sequence", number(finding.sequence)},
                                  {"what", finding.what}});
        if (out.findings().size() >= options.show) continue;
        out.add({differs ? Level::kError : Level::kInfo,
                 differs ? "audit.differs" : "audit.out_of_reach", entity + ": " + finding.what,
                 differs ? "Keep the streams as they are, and see what the hub of that time did: "
                           "synclinectl blame"
                         : "",
                 finding.sequence == 0 ? "its state"
                                       : "SYNC_LOG sequence " + std::to_string(finding.sequence)});
    }
    const std::uint64_t differ = rebuild.findings.size() - out_of_reach;
    out.set("rebuilt", number(rebuild.rebuilt));
    out.set("decided", number(rebuild.decided));
    out.set("differ", number(differ));
    out.set("out_of_reach", number(out_of_reach));
    out.set("entities", std::move(list));
    out.line(count_text(rebuild.decided, "entry", "entries") + " decided again from the inputs");
    if (out_of_reach > 0) {
        out.line(count_text(out_of_reach, "entity", "entities") +
                     " out of reach: what they were made of is not stored any more",
                 Style::kDim);
    }
    const std::string same = count_text(rebuild.rebuilt, "state", "states");
    if (differ == 0) {
        return out.line(same + " came out byte for byte as stored", Style::kGreen);
    }
    out.line(same + " came out byte for byte as stored, " + std::to_string(differ) + " did not",
             Style::kRed);
}

Result<Exit> rebuild_all(Program& program, const RebuildOptions& options) {
    const auto session = program.connect();
    if (!session) return fail(session.error());
    Versions versions{program, **session};
    if (auto read = versions.read(); !read) return fail(read.error());
    Rebuild rebuild;
    // Each is written before the next one is, so what is read later has all that is asked of it.
    if (auto read = read_states(**session, rebuild); !read) return fail(read.error());
    if (auto read = read_log(**session, rebuild); !read) return fail(read.error());
    if (auto read = read_inputs(**session, rebuild); !read) return fail(read.error());
    rebuild.run([&](const hub::LogEntry& entry) { return versions.find(entry); });
    tell(program.out(), rebuild, options);
    return verdict(program.out());
}

}  // namespace

void add_audit_rebuild(CLI::App& audit, Program& program) {
    auto* command = audit.add_subcommand(
        "rebuild",
        "Decides every input again from nothing and compares; nothing is written. Holds inputs, "
        "log and states in memory");
    const auto options = std::make_shared<RebuildOptions>();
    command->add_option("--show", options->show, "How many findings to show")
        ->capture_default_str();
    command->callback([&program, options] {
        program.choose("audit rebuild", [options](Program& p) { return rebuild_all(p, *options); });
    });
}

}  // namespace syncline::ctl
