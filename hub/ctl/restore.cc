#include <algorithm>
#include <memory>

#include "hub/ctl/backup.h"
#include "hub/ctl/backup_streams.h"
#include "hub/ctl/cli.h"
#include "hub/ctl/cluster.h"
#include "hub/ctl/text.h"
#include "shared/nats/streams.h"
#include "shared/wire/subjects.h"

namespace syncline::ctl {
namespace {

/// How long a restore waits for copies of a stream, and how often it looks.
constexpr Duration kCopiesMost = std::chrono::minutes{10};
constexpr Duration kCopiesEvery = std::chrono::milliseconds{200};

struct RestoreOptions {
    std::string directory;
    int replicas = 0;  ///< 0: as they were.
    bool replace = false;
    bool dry_run = false;
};

struct Existing {
    std::string name;
    nats::StreamInfo info;
};

/// What stands where the backup's streams are to be.
Result<std::vector<Existing>> existing_streams(Session& session, const BackupManifest& manifest) {
    std::vector<Existing> found;
    for (const BackupStream& stream : manifest.streams) {
        auto info = session.stream_info(stream.name);
        if (info) {
            found.push_back({stream.name, *std::move(info)});
        } else if (info.error().kind != ErrorKind::kNotFound) {
            return fail(info.error());
        }
    }
    return found;
}

/// Hubs make what is missing, and decide by what they find: none may run.
Result<std::vector<std::string>> running_hubs(Session& session) {
    std::vector<std::string> hubs;
    const auto read = session.read_each({.stream = std::string{subjects::kStreamLease},
                                         .filters = {subjects::all_hub_presence()},
                                         .last_per_subject = true},
                                        [&](const nats::InMessage& message) {
                                            const auto name = subjects::last_token(message.subject);
                                            if (!message.deleted && name) hubs.push_back(*name);
                                            return Session::More::kWanted;
                                        });
    if (!read && read.error().kind != ErrorKind::kNotFound) return fail(read.error());
    return hubs;
}

Value with_replicas(const Value& config, int replicas) {
    const auto* map = config.get<Value::Map>();
    Value::Map changed = map == nullptr ? Value::Map{} : *map;
    if (replicas > 0) changed.insert_or_assign("num_replicas", number(replicas));
    return changed;
}

int replicas_of(const BackupManifest& manifest, const RestoreOptions& options) {
    if (options.replicas > 0) return options.replicas;
    const auto* config = manifest.streams.front().config.get<Value::Map>();
    const Announced said{config == nullptr ? Value::Map{} : *config};
    return static_cast<int>(std::max<std::uint64_t>(said.count("num_replicas"), 1));
}

/// Before anything is destroyed: does the server take streams of so many replicas, and from us?
Result<void> probe(Session& session, int replicas) {
    constexpr std::string_view kProbe = nats::kRestoreProbe;
    const Value config = Value::Map{{"name", std::string{kProbe}},
                                    {"subjects", Value::List{Value{"syncline.restore.probe"}}},
                                    {"retention", "limits"},
                                    {"storage", "file"},
                                    {"num_replicas", number(static_cast<std::uint64_t>(replicas))}};
    // One that was broken off may have left it, with other replicas.
    std::ignore = session.jetstream("STREAM.DELETE", kProbe, Value::Map{});
    const auto made = session.jetstream("STREAM.CREATE", kProbe, config);
    if (!made) {
        return fail(made.error(),
                    "the server takes no stream with " +
                        count_text(static_cast<std::uint64_t>(replicas), "replica", "replicas") +
                        " (--replicas says how many)");
    }
    const auto removed = session.jetstream("STREAM.DELETE", kProbe, Value::Map{});
    if (!removed) return fail(removed.error());
    return {};
}

/// A restore writes one copy, which the servers then pass on. Until all are whole, the loss of one
/// server may leave the stream without any that may lead. A finding: they still were not after
/// long.
Result<void> await_copies(Program& program, Session& session, const std::string& stream) {
    const Duration end = session.clock().steady() + kCopiesMost;
    for (;;) {
        const auto info = session.stream_info(stream);
        if (!info) return fail(info.error());
        const auto whole = std::ranges::count_if(info->replicas, [](const auto& replica) {
            return replica.current && !replica.offline && replica.lag == 0;
        });
        if (whole + 1 >= info->copies_wanted) return {};
        if (interrupted() || session.clock().steady() > end) break;
        std::ignore = session.until([] { return false; }, kCopiesEvery);
    }
    program.out().add({Level::kWarning,
                       "restore.copies",
                       "not all copies of " + stream + " are whole yet",
                       "Stop no server until `synclinectl doctor` says that all are.",
                       {}});
    return {};
}

Result<void> put_stream(Session& session, const RestoreOptions& options, const BackupStream& stream,
                        CopyProgress& progress) {
    const StreamImage image{with_replicas(stream.config, options.replicas), stream.state};
    progress.begin(stream.name, stream.file.bytes);
    const auto done = write_image(session, stream.name, image, [&](const Take& take) {
        return read_part(options.directory, stream.file,
                         [&](std::string_view piece) -> Result<void> {
                             progress.add(piece.size());
                             return take(piece);
                         });
    });
    if (!done) return done;
    const auto info = session.stream_info(stream.name);
    if (!info) return fail(info.error());
    // Agents that run tell at once what waits; what was too old goes.
    if (info->last_sequence >= stream.last) return {};
    return fail(ErrorKind::kCorrupt, stream.name + " ends at " +
                                         std::to_string(info->last_sequence) + " instead of " +
                                         std::to_string(stream.last));
}

/// Whoever reads the streams from now on knows that their ends are missing: hubs tell again what
/// states say was told, and agents read their platforms before they carry out anything.
Result<void> tell_loss(Session& session, const BackupManifest& manifest, Timestamp now) {
    const std::string note = "restored from a backup of " + to_string(manifest.began);
    const auto told = session.publish({.subject = subjects::loss(), .body = note});
    if (!told) return fail(told.error());
    const std::string request = "restore/" + std::to_string(now.ns);
    for (const std::string& platform : manifest.platforms) {
        const std::string subject =
            subjects::again(PlatformId{platform}, subjects::Again::kRecords);
        const auto asked = session.publish({.subject = subject, .body = request});
        if (!asked) return fail(asked.error());
    }
    return {};
}

/// States last: without them a hub that is started too soon finds nothing to decide by.
std::vector<const BackupStream*> restore_order(const BackupManifest& manifest) {
    std::vector<const BackupStream*> order;
    for (const BackupStream& stream : manifest.streams) order.push_back(&stream);
    std::ranges::stable_partition(
        order, [](const BackupStream* one) { return one->name != subjects::kStreamState; });
    return order;
}

class Restore {
public:
    Restore(Program& program, Session& session, const RestoreOptions& options,
            const BackupManifest& manifest)
        : program_(program), session_(session), options_(options), manifest_(manifest) {}

    Result<Exit> run() {
        if (auto looked = look(); !looked) return fail(looked.error());
        tell_plan();
        if (options_.dry_run) {
            program_.out().line("nothing was done");
            return verdict(program_.out());
        }
        if (auto may = check(); !may) return fail(may.error());
        if (auto takes = probe(session_, replicas_of(manifest_, options_)); !takes) {
            return fail(takes.error());
        }
        if (auto done = replace(); !done) {
            return fail(done.error(),
                        "the restore is incomplete; start no hub, and run it again with --replace");
        }
        return tell_done();
    }

private:
    Result<void> look() {
        auto found = existing_streams(session_, manifest_);
        if (!found) return fail(found.error());
        existing_ = *std::move(found);
        auto hubs = running_hubs(session_);
        if (!hubs) return fail(hubs.error());
        hubs_ = *std::move(hubs);
        return {};
    }

    void tell_plan() {
        Output& out = program_.out();
        tell_manifest(out, manifest_);
        Value::List destroyed;
        for (const Existing& one : existing_) {
            out.line((options_.replace ? "destroys " : "would have to destroy ") + one.name + ": " +
                         count_text(one.info.messages, "message", "messages") + ", " +
                         bytes_text(one.info.bytes),
                     Style::kYellow);
            destroyed.emplace_back(Value::Map{{"stream", one.name},
                                              {"messages", number(one.info.messages)},
                                              {"last", number(one.info.last_sequence)},
                                              {"bytes", number(one.info.bytes)}});
        }
        Value::List hubs;
        for (const std::string& hub : hubs_) {
            hubs.emplace_back(hub);
            if (options_.dry_run) {
                out.add({Level::kWarning,
                         "restore.hub_runs",
                         "hub " + hub + " runs",
                         "Stop every hub first: they would decide by what is half there",
                         {}});
            }
        }
        out.set("destroys", std::move(destroyed));
        out.set("hubs", std::move(hubs));
        out.set("dry_run", options_.dry_run);
        out.set("replicas", number(static_cast<std::uint64_t>(replicas_of(manifest_, options_))));
        const std::string version = session_.link().status().server_version;
        if (version.empty() || version_at_least(version, manifest_.server)) return;
        out.add({Level::kWarning,
                 "restore.older_server",
                 "this nats-server is " + version + ", the backup is of " + manifest_.server,
                 "An older server may not read it; install the same or a later one",
                 {}});
    }

    Result<void> check() const {
        if (!hubs_.empty()) {
            return fail(ErrorKind::kConflict,
                        "hub " + hubs_.front() +
                            " runs: stop every hub first (one that was killed counts for ten "
                            "seconds more)");
        }
        if (existing_.empty() || options_.replace) return {};
        return fail(ErrorKind::kConflict, "there is an installation already: " +
                                              count_text(existing_.size(), "stream", "streams") +
                                              ", " + existing_.front().name +
                                              " and so on; --replace destroys it");
    }

    Result<void> replace() {
        for (const Existing& one : existing_) {
            const auto gone = session_.jetstream("STREAM.DELETE", one.name, Value::Map{});
            if (!gone) return fail(gone.error());
        }
        std::uint64_t expected = 0;
        for (const BackupStream& stream : manifest_.streams) expected += stream.file.bytes;
        CopyProgress progress{program_.out(), session_.clock(), expected};
        for (const BackupStream* stream : restore_order(manifest_)) {
            const auto put = put_stream(session_, options_, *stream, progress);
            if (put) continue;
            progress.end();
            return put;
        }
        progress.end();
        for (const BackupStream& stream : manifest_.streams) {
            auto whole = await_copies(program_, session_, stream.name);
            if (!whole) return whole;
        }
        program_.out().set("seconds",
                           number(static_cast<std::uint64_t>(
                               std::chrono::ceil<std::chrono::seconds>(progress.took()).count())));
        return tell_loss(session_, manifest_, program_.clock().now());
    }

    Result<Exit> tell_done() {
        Output& out = program_.out();
        out.set("restored", true);
        out.line("restored", Style::kGreen);
        out.line("Start the hubs, then the agents that do not run: each reads its platform whole,");
        out.line(
            "and sends again what the backup does not have. Then: synclinectl status, doctor,");
        out.line("audit verify; reconcile run proves that all platforms agree.");
        return verdict(out);
    }

    Program& program_;
    Session& session_;
    const RestoreOptions& options_;
    const BackupManifest& manifest_;
    std::vector<Existing> existing_;
    std::vector<std::string> hubs_;
};

Result<Exit> restore(Program& program, const RestoreOptions& options) {
    const auto manifest = open_backup(options.directory);
    if (!manifest) return fail(manifest.error());
    if (!check_parts(program, options.directory, *manifest)) {
        return fail(ErrorKind::kCorrupt, "the backup is damaged; nothing was done");
    }
    const auto session = program.connect();
    if (!session) return fail(session.error());
    return Restore{program, **session, options, *manifest}.run();
}

}  // namespace

void add_restore(CLI::App& app, Program& program) {
    auto* command =
        app.add_subcommand("restore", "Makes the streams of a backup, on a server that has none");
    const auto options = std::make_shared<RestoreOptions>();
    command->add_option("DIR", options->directory, "The directory of a backup")->required();
    command->add_flag("--dry-run,-n", options->dry_run, "Only check, and say what would be done");
    command->add_flag("--replace", options->replace, "Destroy the installation that is there");
    command->add_option("--replicas", options->replicas, "Of each stream; without it, as they were")
        ->check(CLI::IsMember({1, 3, 5}));
    command->callback([&program, options] {
        program.choose("restore", [options](Program& p) { return restore(p, *options); });
    });
}

}  // namespace syncline::ctl
