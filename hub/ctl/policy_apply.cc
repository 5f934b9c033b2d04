#include <algorithm>
#include <memory>
#include <set>

#include "hub/ctl/actor.h"
#include "hub/ctl/cli.h"
#include "hub/ctl/cluster.h"
#include "hub/ctl/contracts.h"
#include "hub/ctl/policy_likeness.h"
#include "hub/ctl/policy_store.h"
#include "hub/ctl/program.h"
#include "hub/ctl/text.h"
#include "shared/contracts/compatibility.h"
#include "shared/policy/check.h"
#include "shared/wire/subjects.h"

// Another version of the policy: stored, approved, put in force.

namespace syncline::ctl {
namespace {

struct ApplyOptions {
    std::string directory;
    std::string plan;
    std::uint64_t version = 0;  ///< That is approved, or rolled back to; 0: the one before.
    std::string reason;
    std::string wait = "10s";
    bool dry_run = false;
};

std::string version_text(std::uint64_t number) { return "version " + std::to_string(number); }

std::string made_by(const StoredVersion& stored) {
    return stored.version.author + " (" + stored.version.reason + ")";
}

/// Are there fields that were not taken from the platform before, under whatever name?
bool takes_more(const ObjectSpec& object, const Binding& before, const Binding& after) {
    std::vector<FieldName> known;
    for (const FieldName& field : before.fields) known.push_back(object.name_now(field));
    std::ranges::sort(known);
    return !std::ranges::includes(known, after.fields);
}

/// Whose records must be read anew: what a platform holds in a field that the policy did not take
/// from it before, nobody knows; and records that match nothing wait at keys of the rules before.
std::set<std::string> to_read_again(const Policy& before, const Policy& after) {
    std::set<std::string> platforms;
    for (const ObjectSpec& object : after.objects) {
        const ObjectSpec* known = before.object(object.name);
        for (const Binding& binding : object.bindings) {
            const Binding* bound = known == nullptr ? nullptr : known->binding(binding.platform);
            const bool more = bound == nullptr || takes_more(object, *bound, binding);
            if (more || !match_alike(*known, object)) platforms.insert(binding.platform.text);
        }
    }
    return platforms;
}

class Applying {
public:
    Applying(Program& program, Session& session, PolicyHistory history, Duration wait)
        : program_(program),
          session_(session),
          history_(std::move(history)),
          wait_(wait),
          actor_(program.actor()) {}

    Result<Exit> apply(const ApplyOptions& options);
    Result<Exit> approve(const ApplyOptions& options);
    Result<Exit> roll_back(const ApplyOptions& options);

private:
    Result<void> agree_with_plan(const ApplyOptions& options, const std::string& hash) const;
    Result<Exit> store(PolicyVersion version, const ApplyOptions& options);
    Result<Exit> activate_if_wanted(const StoredVersion& stored);
    Result<Exit> activate(const StoredVersion& stored);
    Result<std::uint64_t> publish_activation(const StoredVersion& stored);
    Result<bool> is_in_force(std::uint64_t number);
    void tell_undone(const Policy& before, const Policy& after);
    void tell_read_again(const PolicyVersion& version);
    Result<void> tell_hubs(std::uint64_t number);
    void tell_version(const PolicyVersion& version);

    Program& program_;
    Session& session_;
    PolicyHistory history_;
    Duration wait_;
    std::string actor_;
};

Result<void> Applying::agree_with_plan(const ApplyOptions& options, const std::string& hash) const {
    const StoredVersion* active = history_.active();
    if (active == nullptr) return {};  // The first one changes nothing.
    if (options.plan.empty()) {
        return fail(ErrorKind::kDenied,
                    "look at what it would change first: synclinectl policy plan " +
                        options.directory +
                        " ends with the name of the plan; then give --plan NAME");
    }
    const auto base = plan_base(options.plan);
    if (!base) return fail(base.error());
    if (*base != active->version.number) {
        return fail(ErrorKind::kConflict, "the plan was made on " + version_text(*base) + ", and " +
                                              version_text(active->version.number) + " by " +
                                              made_by(*active) + " is in force; plan again");
    }
    if (options.plan == plan_name(*base, hash)) return {};
    return fail(ErrorKind::kConflict,
                "the plan is of other files than " + options.directory + " holds now; plan again");
}

Result<Exit> Applying::apply(const ApplyOptions& options) {
    const auto files = read_policy_files(options.directory);
    if (!files) return fail(files.error());
    const auto policy = parse_policy(*files);
    if (!policy) return fail(policy.error());
    std::vector<syncline::Finding> found = check(*policy);
    std::erase_if(found, [](const auto& one) { return one.severity != Severity::kError; });
    add_findings(program_.out(), options.directory, found);
    if (program_.out().has(Level::kError)) return Exit::kFindings;
    const StoredVersion* active = history_.active();
    // One that is lost may be wanted again.
    const bool lost = active != nullptr && history_.relied_on > active->version.number;
    if (active != nullptr && !lost && active->version.hash == policy->hash) {
        return fail(ErrorKind::kConflict, version_text(active->version.number) +
                                              ", which is in force, is this very policy");
    }
    if (auto agreed = agree_with_plan(options, policy->hash); !agreed) return fail(agreed.error());
    PolicyVersion version = version_of(0, policy->name, *files);
    version.plan = options.plan;
    if (active != nullptr) {
        const auto before = read_policy(session_, active->version);
        if (!before) return fail(before.error());
        add_findings(program_.out(), options.directory,
                     contracts::check_evolution(*before, *policy));
        if (program_.out().has(Level::kError)) return Exit::kFindings;
        const auto again = to_read_again(*before, *policy);
        version.read_again.assign(again.begin(), again.end());
    }
    if (!options.dry_run) {
        if (auto stored = store_files(session_, *files); !stored) return fail(stored.error());
    }
    return store(std::move(version), options);
}

Result<Exit> Applying::roll_back(const ApplyOptions& options) {
    const StoredVersion* active = history_.active();
    const StoredVersion* target = options.version == 0 ? history_.before_active() : nullptr;
    if (options.version != 0) {
        const auto at = history_.versions.find(options.version);
        if (at != history_.versions.end() && at->second.was_in_force()) target = &at->second;
    }
    if (target == nullptr || active == nullptr) {
        return fail(ErrorKind::kNotFound,
                    options.version == 0 ? "no version was in force before"
                                         : version_text(options.version) + " was never in force");
    }
    if (target->version.hash == active->version.hash) {
        return fail(ErrorKind::kConflict, version_text(active->version.number) +
                                              ", which is in force, is that very policy");
    }
    PolicyVersion version = target->version;
    version.restores = target->version.number;
    version.plan.clear();
    const auto before = read_policy(session_, active->version);
    const auto after = read_policy(session_, target->version);
    if (before && after) {
        tell_undone(*before, *after);
        const auto again = to_read_again(*before, *after);
        version.read_again.assign(again.begin(), again.end());
    }
    return store(std::move(version), options);
}

/// Going back undoes what the contracts have come to since: said, but not refused.
void Applying::tell_undone(const Policy& before, const Policy& after) {
    for (const contracts::ContractChange& change : contracts::changes_between(before, after)) {
        if (!change.broken) continue;
        program_.out().add({Level::kWarning,
                            std::string{contracts::kBrokenByVersion},
                            change.object.text + ": " + change.what +
                                ", which breaks compatibility = \"" + name_of(change.promised) +
                                "\"",
                            "tell who writes or reads its records",
                            {}});
    }
}

Result<Exit> Applying::approve(const ApplyOptions& options) {
    const auto at = history_.versions.find(options.version);
    if (at == history_.versions.end()) {
        return fail(ErrorKind::kNotFound, "there is no " + version_text(options.version));
    }
    StoredVersion& stored = at->second;
    const StoredVersion* active = history_.active();
    if (stored.was_in_force()) {
        return fail(ErrorKind::kConflict, version_text(options.version) + " is or was in force");
    }
    if (active != nullptr && stored.version.base != active->version.number) {
        return fail(ErrorKind::kConflict,
                    version_text(options.version) + " was made on " +
                        version_text(stored.version.base) + ", and " +
                        version_text(active->version.number) + " by " + made_by(*active) +
                        " is in force; its author has to plan and apply it again");
    }
    if (account_of(stored.version.author) == account_of(actor_)) {
        return fail(ErrorKind::kDenied, version_text(options.version) +
                                            " is by you; another person has to approve of it");
    }
    const PolicyApproval approval{actor_, stored.version.hash, options.reason,
                                  program_.clock().now()};
    const std::string body = to_text(approval);
    const auto published =
        session_.publish({.subject = subjects::policy_approval(options.version, actor_),
                          .body = body,
                          .headers = {},
                          .expected_sequence = 0});
    const bool before = !published && published.error().kind == ErrorKind::kConflict;
    if (!published && !before) return fail(published.error());
    if (!before) stored.approvals.push_back(approval);
    program_.out().line(version_text(options.version) +
                        (before ? " was approved by you before" : " approved by " + actor_));
    return activate_if_wanted(stored);
}

/// `version` has its files, and where they are from.
Result<Exit> Applying::store(PolicyVersion version, const ApplyOptions& options) {
    const StoredVersion* active = history_.active();
    version.number = history_.next_number();
    version.base = active == nullptr ? 0 : active->version.number;
    version.author = actor_;
    version.reason = options.reason;
    version.at = program_.clock().now();
    tell_version(version);
    if (options.dry_run) {
        program_.out().line("Nothing was published.", Style::kGreen);
        return Exit::kFine;
    }
    const std::string body = to_text(version);
    const auto published = session_.publish({.subject = subjects::policy_version(version.number),
                                             .body = body,
                                             .headers = {},
                                             .expected_sequence = 0});
    if (!published && published.error().kind == ErrorKind::kConflict) {
        return fail(ErrorKind::kConflict, "somebody else made " + version_text(version.number) +
                                              " just now; see synclinectl policy history");
    }
    if (!published) return fail(published.error());
    StoredVersion& stored = history_.versions[version.number];
    stored.version = std::move(version);
    return activate_if_wanted(stored);
}

void Applying::tell_version(const PolicyVersion& version) {
    Output& out = program_.out();
    out.set("version", number(version.number));
    out.set("hash", version.hash);
    out.set("base", number(version.base));
    const std::string of =
        version.restores == 0 ? "" : ", the files of " + version_text(version.restores);
    out.line({Cell{version_text(version.number), Style::kBold},
              Cell{"  policy " + version.name + " " + short_hash(version.hash) + of}});
}

Result<Exit> Applying::activate_if_wanted(const StoredVersion& stored) {
    if (stored.version.number == 1) {
        program_.out().line("in force from the first input on", Style::kGreen);
        program_.out().set("in_force", true);
        return Exit::kFine;
    }
    const StoredVersion* active = history_.active();
    const auto policy =
        active == nullptr ? Result<Policy>{Policy{}} : read_policy(session_, active->version);
    if (!policy) return fail(policy.error());
    const std::size_t needed = policy->approvals;
    const std::size_t people = stored.wanted_by();
    if (people >= needed) return activate(stored);
    program_.out().set("in_force", false);
    program_.out().set("approvals_missing", number(needed - people));
    program_.out().line("waits for " + count_text(needed - people, "more person", "more people") +
                            ": synclinectl policy approve " + std::to_string(stored.version.number),
                        Style::kYellow);
    return Exit::kFine;
}

Result<std::uint64_t> Applying::publish_activation(const StoredVersion& stored) {
    PolicyActivation activation{
        stored.version.number, stored.version.hash, {}, actor_, program_.clock().now()};
    for (const PolicyApproval& approval : stored.approvals) {
        activation.approved_by.push_back(approval.actor);
    }
    const std::string subject = subjects::policy_activation();
    const auto last = session_.get_last(subjects::kStreamIn, subject);
    if (!last) return fail(last.error());
    const std::string body = to_text(activation);
    return session_.publish({.subject = subject,
                             .body = body,
                             .headers = {},
                             .expected_sequence = *last ? (*last)->sequence : 0});
}

/// kConflict: the hubs refuse it, and why.
Result<bool> Applying::is_in_force(std::uint64_t number) {
    const auto history = read_history(session_);
    if (!history) return fail(history.error());
    const auto at = history->versions.find(number);
    if (at == history->versions.end()) return false;
    if (at->second.start) return true;
    // What hubs said before is about an activation before.
    const bool news = at->second.refused != history_.versions[number].refused;
    if (news) return fail(ErrorKind::kConflict, at->second.refused);
    return false;
}

Result<Exit> Applying::activate(const StoredVersion& stored) {
    const std::uint64_t version = stored.version.number;
    const auto sequence = publish_activation(stored);
    if (!sequence && sequence.error().kind == ErrorKind::kConflict) {
        return fail(ErrorKind::kConflict,
                    "another version came into force just now; see synclinectl policy history");
    }
    if (!sequence) return fail(sequence.error());
    program_.out().set("sequence", number(*sequence));
    const Duration end = session_.clock().steady() + wait_;
    Result<bool> in_force = false;
    while ((in_force = is_in_force(version)) && !*in_force && !interrupted()) {
        const Duration left = end - session_.clock().steady();
        if (left.count() <= 0) break;
        std::ignore = session_.until([] { return false; },
                                     std::min<Duration>(left, std::chrono::milliseconds{100}));
    }
    if (!in_force) return fail(in_force.error());
    program_.out().set("in_force", *in_force);
    if (!*in_force) {
        program_.out().add({Level::kWarning, "policy.not_in_force_yet",
                            "the activation is stored, but no hub has read it yet",
                            "It comes into force once a hub runs: synclinectl status",
                            version_text(version)});
        return Exit::kFindings;
    }
    program_.out().line("in force from input " + std::to_string(*sequence) + " on", Style::kGreen);
    if (auto told = tell_hubs(version); !told) return fail(told.error());
    tell_read_again(stored.version);
    return Exit::kFine;
}

void Applying::tell_read_again(const PolicyVersion& version) {
    Value::List list;
    for (const std::string& platform : version.read_again) {
        list.emplace_back(platform);
        program_.out().line("the agent of " + platform +
                            " is asked to read its records anew: the policy takes more from them "
                            "than before");
    }
    program_.out().set("read_again", std::move(list));
}

/// Which hubs have it by now; those that are busy come to it by themselves.
Result<void> Applying::tell_hubs(std::uint64_t number) {
    std::size_t all = 0;
    std::size_t there = 0;
    const Duration end = session_.clock().steady() + wait_;
    for (;;) {
        auto cluster = read_cluster(session_);
        if (!cluster) return fail(cluster.error());
        all = cluster->hubs.size();
        there = static_cast<std::size_t>(std::ranges::count_if(cluster->hubs, [&](const auto& hub) {
            return hub.said.count("policy_version") >= number;
        }));
        if (there == all || session_.clock().steady() >= end || interrupted()) break;
        std::ignore = session_.until([] { return false; }, std::chrono::milliseconds{200});
    }
    program_.out().set("hubs", ctl::number(all));
    program_.out().set("hubs_there", ctl::number(there));
    program_.out().line(std::to_string(there) + " of " +
                        count_text(all, "hub decides", "hubs decide") + " by it");
    return {};
}

using Action = Result<Exit> (Applying::*)(const ApplyOptions&);

Result<Exit> run(Program& program, const ApplyOptions& options, Action action) {
    const auto wait = parse_duration(options.wait);
    if (!wait) return fail(wait.error(), "--wait");
    if (options.reason.empty()) {
        return fail(ErrorKind::kInvalid, "--reason is empty: people will want to know");
    }
    const auto session = program.connect();
    if (!session) return fail(session.error());
    auto history = read_history(**session);
    if (!history) return fail(history.error());
    const auto relied_on = read_relied_on(**session, *history);
    if (!relied_on) return fail(relied_on.error());
    Applying applying{program, **session, *std::move(history), *wait};
    return (applying.*action)(options);
}

}  // namespace

void add_policy_apply(CLI::App& policy, Program& program) {
    const auto add = [&](const char* name, const char* what, Action action) {
        auto* command = policy.add_subcommand(name, what);
        const auto options = std::make_shared<ApplyOptions>();
        command->add_option("--reason", options->reason, "Why; kept with the version")->required();
        command->add_option("--wait", options->wait, "How long to wait until hubs decide by it")
            ->capture_default_str();
        command->callback([&program, options, name, action] {
            program.choose(std::string{"policy "} + name,
                           [options, action](Program& p) { return run(p, *options, action); });
        });
        return std::pair{command, options};
    };
    const auto [apply, applied] =
        add("apply", "Makes the policy of a directory the next version, and puts it in force",
            &Applying::apply);
    apply->add_option("DIR", applied->directory, "The directory with the policy")->required();
    apply->add_option("--plan", applied->plan,
                      "The plan that you have seen, as `policy plan` names it");
    apply->add_flag("--dry-run", applied->dry_run, "Look at everything, publish nothing");
    const auto [approve, approved] =
        add("approve", "Wants a version that another person made", &Applying::approve);
    approve->add_option("VERSION", approved->version, "Its number")->required();
    const auto [roll_back, rolled] =
        add("rollback", "Makes the files of a version that was in force the next version",
            &Applying::roll_back);
    roll_back->add_option("--to", rolled->version, "Its number [the one in force before]");
    roll_back->add_flag("--dry-run", rolled->dry_run, "Say what would be done, publish nothing");
}

}  // namespace syncline::ctl
