#include "hub/ctl/replay.h"

#include <iostream>
#include <memory>
#include <unordered_map>

#include <unistd.h>

#include "hub/core/identity.h"
#include "hub/core/state_codec.h"
#include "hub/ctl/cli.h"
#include "hub/ctl/cluster.h"
#include "hub/ctl/lookup.h"
#include "hub/ctl/program.h"
#include "hub/ctl/recorded.h"
#include "hub/ctl/replay_live.h"
#include "hub/ctl/text.h"
#include "shared/wire/codec.h"
#include "shared/wire/subjects.h"

namespace syncline::ctl {
namespace {

struct ReplayOptions : LiveReplay {
    std::string full_read;
    bool dry_run = false;
    bool live = false;
    bool anew = false;
};

struct Recorded {
    Change change;
    std::uint64_t sequence = 0;
};

// ---- The dry run. -----------------------------------------------------------------------------

class DryRun {
public:
    DryRun(Program& program, Session& session, const Policy& policy, const ReplayOptions& options)
        : program_(program), session_(session), policy_(policy), options_(options) {}

    Result<Exit> run() {
        if (auto partitions = partition_count(session_)) {
            partitions_ = *partitions;
        } else {
            return fail(partitions.error());
        }
        const auto span = find_span(session_, program_.clock().now(), options_.from, options_.to);
        if (!span) return fail(span.error());
        if (auto read = read_changes(*span); !read) return fail(read.error());
        for (const Recorded& recorded : changes_) {
            if (auto done = decide_one(recorded); !done) return fail(done.error());
        }
        tell(*span);
        return Exit::kFine;
    }

private:
    Result<void> read_changes(const Span& span) {
        return read_recorded_changes(session_, span,
                                     {options_.platform, options_.object, options_.record},
                                     [&](std::uint64_t sequence, Result<Change> change) {
                                         take(sequence, std::move(change));
                                     });
    }

    void take(std::uint64_t sequence, Result<Change> change) {
        if (!change) {
            ++undecodable_;
            return;
        }
        // Sent twice or thrice is one change; as if new, only a record's newest one counts.
        auto& newest = newest_[change->key];
        const bool fresh = newest == 0 || changes_[newest - 1].change.rev < change->rev;
        if (!fresh) {
            ++again_;
            return;
        }
        if (options_.anew && newest != 0) {
            ++again_;
            changes_[newest - 1] = {std::move(*change), sequence};
            return;
        }
        changes_.push_back({std::move(*change), sequence});
        newest = changes_.size();
    }

    /// Where the hub would place it now. Nothing: it cannot be placed; the reason is counted.
    Result<std::optional<EntityId>> entity_of(const ObjectSpec& object, const Change& change) {
        if (change.entity) return change.entity;
        if (const auto placed = placed_.find(change.key); placed != placed_.end()) {
            return placed->second;
        }
        const hub::Lookups wanted = hub::lookups(object, change);
        hub::Found found;
        const auto read = [&](const std::string& subject) -> Result<std::optional<EntityId>> {
            const auto stored = session_.get_last(subjects::kStreamState, subject);
            if (!stored) return fail(stored.error());
            if (!*stored || (*stored)->deleted) return std::nullopt;
            auto entity = wire::decode_reference((*stored)->body);
            if (!entity || entity->empty()) return std::nullopt;
            return *entity;
        };
        auto link = read(subjects::link(change.key));
        if (!link) return fail(link.error());
        found.link = *link;
        for (const hub::Claim& claim : wanted.keys) {
            auto key = read(subjects::match_key(claim.object, claim.rule, claim.text));
            if (!key) return fail(key.error());
            found.keys.push_back(*key);
        }
        const hub::Placement placement = place(object, change, found);
        using Kind = hub::Placement::Kind;
        if (placement.kind == Kind::kAmbiguous || placement.kind == Kind::kUnmatched) {
            ++unplaceable_;
            return std::nullopt;
        }
        placed_.emplace(change.key, placement.entity);
        return placement.entity;
    }

    Result<hub::EntityState*> state_of(const EntityKey& key) {
        if (const auto at = states_.find(key); at != states_.end()) return &at->second;
        auto stored = load_entity(session_, key);
        if (!stored) return fail(stored.error());
        hub::EntityState state;
        state.key = key;
        if (*stored) state = std::move((*stored)->state);
        return &states_.emplace(key, std::move(state)).first->second;
    }

    Result<void> decide_one(const Recorded& recorded) {
        const Change& change = recorded.change;
        const ObjectSpec* object = policy_.object(change.key.object);
        if (object == nullptr || object->binding(change.key.platform) == nullptr) {
            ++unknown_;
            return {};
        }
        const auto entity = entity_of(*object, change);
        if (!entity) return fail(entity.error());
        if (!*entity) return {};
        const EntityKey key{change.key.object, **entity};
        const auto state = state_of(key);
        if (!state) return fail(state.error());
        const hub::Context context{program_.clock().now(), entity_partition(key, partitions_), 0};
        Replayed replayed = replay_one(policy_, **state, change, context,
                                       options_.anew ? History::kForget : History::kAsStored);
        replayed.sequence = recorded.sequence;
        results_.push_back(std::move(replayed));
        return {};
    }

    void tell(const Span& span);
    void show_counts(Output& out);
    void show_first(Output& out, const Secrets& secrets);

    Program& program_;
    Session& session_;
    const Policy& policy_;
    const ReplayOptions& options_;
    std::uint16_t partitions_ = 0;
    std::vector<Recorded> changes_;
    std::map<RecordKey, std::size_t> newest_;  ///< Place in changes_, plus one.
    std::map<RecordKey, EntityId> placed_;
    std::unordered_map<EntityKey, hub::EntityState> states_;
    std::vector<Replayed> results_;
    std::uint64_t again_ = 0;
    std::uint64_t undecodable_ = 0;
    std::uint64_t unplaceable_ = 0;
    std::uint64_t unknown_ = 0;
};

void DryRun::tell(const Span& span) {
    Output& out = program_.out();
    out.line("inputs " + std::to_string(span.first) + " to " + std::to_string(span.last) +
             ", policy " + short_hash(policy_.hash) +
             (options_.anew ? ", decided as if new on the state of now"
                            : ", decided on the state of now"));
    out.set("first_sequence", number(span.first));
    out.set("last_sequence", number(span.last));
    out.set("policy", policy_.hash);
    out.set("changes", number(changes_.size()));
    out.set("repeated_messages", number(again_));
    out.set("undecodable", number(undecodable_));
    out.set("unplaceable", number(unplaceable_));
    out.set("not_in_policy", number(unknown_));
    show_counts(out);
    show_first(out, Secrets{policy_, program_.hides()});
    const auto note = [&](std::uint64_t count, const char* what) {
        if (count > 0) out.line("left out, " + std::to_string(count) + ": " + what, Style::kDim);
    };
    note(again_, "messages sent again, or older than one that counts");
    note(undecodable_, "messages that do not decode");
    note(unplaceable_, "changes whose keys match several entities, or none that they may found");
    note(unknown_, "changes of an object or platform that the policy does not know");
    out.line("Nothing was published.", Style::kGreen);
}

void DryRun::show_counts(Output& out) {
    struct Row {
        std::uint64_t changes = 0, repeated = 0, nothing = 0, decided = 0, commands = 0;
    };
    std::map<std::pair<std::string, std::string>, Row> rows;
    for (const Replayed& result : results_) {
        Row& row = rows[{result.record.platform.text, result.record.object.text}];
        ++row.changes;
        row.repeated += result.result == Replayed::Result::kRepeated ? 1 : 0;
        row.nothing += result.result == Replayed::Result::kNothing ? 1 : 0;
        row.decided += result.result == Replayed::Result::kDecided ? 1 : 0;
        row.commands += result.commands.size();
    }
    Table table{{"PLATFORM", "OBJECT", "CHANGES", "KNOWN", "NO EFFECT", "DECIDED", "COMMANDS"}, {}};
    Value::List counts;
    for (const auto& [name, row] : rows) {
        table.rows.push_back({name.first, name.second, number_cell(row.changes),
                              number_cell(row.repeated), number_cell(row.nothing),
                              number_cell(row.decided), number_cell(row.commands)});
        counts.push_back(Value::Map{{"platform", name.first},
                                    {"object", name.second},
                                    {"changes", number(row.changes)},
                                    {"known", number(row.repeated)},
                                    {"no_effect", number(row.nothing)},
                                    {"decided", number(row.decided)},
                                    {"commands", number(row.commands)}});
    }
    out.set("counts", std::move(counts));
    if (rows.empty()) return out.line("no changes recorded there");
    out.line();
    out.table(table);
}

void DryRun::show_first(Output& out, const Secrets& secrets) {
    Value::List list;
    for (const Replayed& result : results_) {
        if (result.result != Replayed::Result::kDecided && result.commands.empty()) continue;
        if (list.size() == options_.show) break;
        if (list.empty()) out.heading("The first decisions");
        out.line({Cell{std::to_string(result.sequence) + "  ", Style::kDim},
                  Cell{result.record.platform.text + " " + result.record.record.text + "  ",
                       Style::kBold},
                  Cell{result.log ? line_of(*result.log, secrets) : std::string{"no decision"}}});
        Value::List commands;
        for (const Command& command : result.commands) {
            out.line("        " + line_of(command, secrets), Style::kCyan);
            commands.push_back(value_of(command, secrets));
        }
        list.push_back(
            Value::Map{{"sequence", number(result.sequence)},
                       {"platform", result.record.platform.text},
                       {"record", result.record.record.text},
                       {"entity", result.entity.text},
                       {"decision", result.log ? value_of(*result.log, secrets) : Value{}},
                       {"commands", std::move(commands)}});
    }
    out.set("decisions", std::move(list));
    if (!results_.empty()) out.line();
}

// ---- The full read. ---------------------------------------------------------------------------

Result<void> confirm(const ReplayOptions& options) {
    if (options.yes) return {};
    if (::isatty(STDIN_FILENO) == 0) {
        return fail(ErrorKind::kInvalid,
                    "a full read spends the platform's quota; confirm it with --yes");
    }
    std::fputs(("The agent of " + printable(options.full_read) +
                " will read everything of its platform and send it. Go on? [y/N] ")
                   .c_str(),
               stderr);
    std::string answer;
    std::getline(std::cin, answer);
    if (answer == "y" || answer == "Y" || answer == "yes") return {};
    return fail(ErrorKind::kConflict, "not confirmed; nothing was sent");
}

Result<Exit> full_read(Program& program, const ReplayOptions& options) {
    const auto session = program.connect();
    if (!session) return fail(session.error());
    const PlatformId platform{options.full_read};
    const auto presence =
        (*session)->get_last(subjects::kStreamAgent, subjects::agent_presence(platform));
    if (!presence && presence.error().kind != ErrorKind::kNotFound) return fail(presence.error());
    if (!presence || !*presence || (*presence)->deleted) {
        return fail(ErrorKind::kNotFound,
                    "no agent of platform " + platform.text +
                        " is heard of, and the request is not stored: start it first (systemctl "
                        "start syncline-agent@" +
                        platform.text + "), then ask again");
    }
    if (auto confirmed = confirm(options); !confirmed) return fail(confirmed.error());
    Receipt receipt;
    receipt.platform = platform;
    receipt.full_read = true;
    if (auto sent = (*session)->send(subjects::receipts_of(platform), wire::encode(receipt));
        !sent) {
        return fail(sent.error());
    }
    Output& out = program.out();
    out.set("platform", platform.text);
    out.line("asked the agent of " + platform.text +
             " for a full read; `synclinectl status` shows "
             "what it sends, `synclinectl tap --kind in --platform " +
             platform.text + "` each change");
    return Exit::kFine;
}

Result<Exit> replay(Program& program, const ReplayOptions& options) {
    const int modes =
        (options.dry_run ? 1 : 0) + (options.live ? 1 : 0) + (options.full_read.empty() ? 0 : 1);
    if (modes > 1) {
        return fail(ErrorKind::kInvalid, "give one of --dry-run, --live and --full-read");
    }
    if (!options.full_read.empty()) return full_read(program, options);
    if (!options.live && !options.exception.empty()) {
        return fail(ErrorKind::kInvalid,
                    "--exception is for --live, which without --yes only shows what would come of "
                    "it");
    }
    if (options.live) return replay_live(program, options);
    if (!options.dry_run) {
        return fail(ErrorKind::kInvalid,
                    "recorded inputs are never published again: hubs would drop them by their "
                    "numbers. --dry-run shows what they would lead to; --live has hubs decide the "
                    "entities concerned again; --full-read PLATFORM has the agent read its "
                    "platform and send everything anew");
    }
    const auto policy = program.policy();
    if (!policy) return fail(policy.error());
    const auto session = program.connect();
    if (!session) return fail(session.error());
    return DryRun{program, **session, **policy, options}.run();
}

}  // namespace

void add_replay(CLI::App& app, Program& program) {
    auto* command = app.add_subcommand(
        "replay",
        "What recorded changes would lead to now (--dry-run), deciding again what they are about "
        "(--live), or a --full-read");
    const auto options = std::make_shared<ReplayOptions>();
    command->add_flag("--dry-run", options->dry_run,
                      "Decide in memory by --policy on the state of now; publish nothing");
    command->add_flag("--live", options->live,
                      "Have the hubs decide the entities again, by the policy and values of now, "
                      "and take inputs again that exceptions keep; without --yes only shown");
    command
        ->add_option("--from", options->from, "A time, how long ago, or a sequence of the inputs")
        ->capture_default_str();
    command->add_option("--to", options->to, "The same")->capture_default_str();
    command->add_option("--platform", options->platform, "Only changes of this platform");
    command->add_option("--object", options->object, "Only changes of this object");
    command->add_option("--record", options->record, "Only changes of this record");
    command->add_option("--exception", options->exception,
                        "With --live: what has such an exception open, whenever it was told; * for "
                        "any text");
    command->add_option("--rate", options->rate, "With --live: so many entities a second at most")
        ->capture_default_str();
    command->add_option("--reason", options->reason, "With --live: why, for the log");
    command->add_option("--show", options->show, "How many decisions to show")
        ->capture_default_str();
    command->add_flag(
        "--anew", options->anew,
        "Decide what the state has taken in already too: each record's newest change");
    command->add_option("--full-read", options->full_read,
                        "Ask this platform's agent to read everything and send it");
    command->add_flag("--yes,-y", options->yes,
                      "Do it: no question before a full read, no dry run before --live");
    command->callback([&program, options] {
        program.choose("replay", [options](Program& p) { return replay(p, *options); });
    });
}

}  // namespace syncline::ctl
