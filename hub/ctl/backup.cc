#include "hub/ctl/backup.h"

#include <algorithm>
#include <array>
#include <memory>

#include "hub/ctl/backup_streams.h"
#include "hub/ctl/cli.h"
#include "hub/ctl/policy_store.h"
#include "hub/ctl/text.h"
#include "shared/base/version.h"
#include "shared/wire/subjects.h"

namespace syncline::ctl {
namespace {

using namespace std::chrono_literals;

/// States first: they say how far inputs, commands and exceptions had got, and what they say must
/// be in the other streams. The policy last, as it must have every version that those name. Who
/// runs at the moment (leases, presence) is not kept: it would be a lie when it is read again.
constexpr std::array kBackupOrder{subjects::kStreamState,    subjects::kStreamIn,
                                  subjects::kStreamCommands, subjects::kStreamExceptions,
                                  subjects::kStreamEvents,   subjects::kStreamLog,
                                  subjects::kStreamPolicy};
constexpr int kTries = 3;
constexpr Duration kShowEvery = 200ms;
constexpr int kBarWidth = 20;

struct BackupOptions {
    std::string directory;
    std::vector<std::string> beside;
};

/// What is to be read, and how much of it there is.
Result<std::vector<nats::StreamInfo>> look_at_streams(Session& session) {
    std::vector<nats::StreamInfo> infos;
    std::vector<std::string> missing;
    for (const std::string_view name : kBackupOrder) {
        auto info = session.stream_info(name);
        if (info) {
            infos.push_back(*std::move(info));
        } else if (info.error().kind == ErrorKind::kNotFound) {
            missing.emplace_back(name);
        } else {
            return fail(info.error());
        }
    }
    if (infos.empty()) {
        return fail(ErrorKind::kNotFound,
                    "the server has no streams of Syncline: there is nothing to back up");
    }
    if (missing.empty()) return infos;
    std::string names;
    for (const std::string& name : missing) names += (names.empty() ? "" : ", ") + name;
    return fail(ErrorKind::kConflict,
                names + " is missing: a hub makes it, and fills it again; back up after that");
}

Result<BackupStream> read_stream(Session& session, const std::string& directory,
                                 std::string_view name, CopyProgress& progress) {
    auto file = BackupWriter::open(directory, "streams/" + std::string{name} + ".tar.s2");
    if (!file) return fail(file.error());
    const auto image = read_image(session, name, [&](std::string_view piece) -> Result<void> {
        progress.add(piece.size());
        return file->write(piece);
    });
    if (!image) return fail(image.error());
    auto written = file->finish();
    if (!written) return fail(written.error());
    const auto* state = image->state.get<Value::Map>();
    const Announced said{state == nullptr ? Value::Map{} : *state};
    return BackupStream{.name = std::string{name},
                        .file = *std::move(written),
                        .config = image->config,
                        .state = image->state,
                        .first = said.count("first_seq"),
                        .last = said.count("last_seq"),
                        .messages = said.count("messages")};
}

Result<void> note_policy(Session& session, BackupManifest& manifest) {
    const auto history = read_history(session);
    if (!history) return fail(history.error());
    const StoredVersion* active = history->active();
    if (active == nullptr) return {};
    manifest.policy = active->version.number;
    manifest.policy_hash = active->version.hash;
    const auto policy = read_policy(session, active->version);
    if (!policy) return fail(policy.error());
    for (const PlatformId& platform : policy->platforms) {
        manifest.platforms.push_back(platform.text);
    }
    return {};
}

/// All streams once, and whether the policy is the same as when it began.
Result<bool> read_streams(Program& program, Session& session, const BackupOptions& options,
                          BackupManifest& manifest) {
    const auto infos = look_at_streams(session);
    if (!infos) return fail(infos.error());
    manifest.streams.clear();
    manifest.platforms.clear();
    manifest.began = program.clock().now();
    if (auto noted = note_policy(session, manifest); !noted) return fail(noted.error());
    std::uint64_t expected = 0;
    for (const nats::StreamInfo& info : *infos) expected += info.bytes;
    CopyProgress progress{program.out(), session.clock(), expected};
    for (std::size_t i = 0; i < kBackupOrder.size(); ++i) {
        progress.begin(std::string{kBackupOrder[i]}, (*infos)[i].bytes);
        auto stream = read_stream(session, options.directory, kBackupOrder[i], progress);
        if (!stream) progress.end();
        if (!stream) return fail(stream.error());
        manifest.streams.push_back(*std::move(stream));
    }
    progress.end();
    manifest.ended = program.clock().now();
    return manifest.streams.back().last == infos->back().last_sequence;
}

Result<Exit> run(Program& program, const BackupOptions& options) {
    const auto session = program.connect();
    if (!session) return fail(session.error());
    if (auto begun = begin_backup(options.directory); !begun) return fail(begun.error());
    BackupManifest manifest{.made_by = std::string{kVersion},
                            .server = (*session)->link().status().server_version};
    for (const std::string& source : options.beside) {  // Before hours of copying, not after.
        if (!std::filesystem::exists(source)) {
            return fail(ErrorKind::kNotFound, "--with: there is no " + source);
        }
    }
    for (int left = kTries;; --left) {
        const auto same = read_streams(program, **session, options, manifest);
        if (!same) {
            return fail(same.error(), "no backup was made (" + options.directory +
                                          " has no manifest.json and is to be removed)");
        }
        if (*same) break;
        // An input may bring a version into force that the bucket did not have yet.
        if (left > 1) continue;
        return fail(
            ErrorKind::kConflict,
            "no backup was made: the policy was changed whenever it was tried; again later");
    }
    for (const std::string& source : options.beside) {
        auto kept = keep_beside(options.directory, source);
        if (!kept) return fail(kept.error(), "no backup was made");
        std::ranges::move(*kept, std::back_inserter(manifest.files));
    }
    if (auto done = end_backup(options.directory, manifest); !done) return fail(done.error());
    Output& out = program.out();
    tell_manifest(out, manifest);
    out.line("synclinectl backup verify " + options.directory + " reads it again");
    return verdict(out);
}

Result<Exit> verify(Program& program, const std::string& directory) {
    const auto manifest = open_backup(directory);
    if (!manifest) return fail(manifest.error());
    const bool whole = check_parts(program, directory, *manifest);
    Output& out = program.out();
    tell_manifest(out, *manifest);
    if (whole) out.line("every file is what was written", Style::kGreen);
    out.set("whole", whole);
    return verdict(out);
}

}  // namespace

void CopyProgress::begin(std::string name, std::uint64_t expected) {
    before_ += current_;
    current_ = expected;
    got_ = 0;
    name_ = std::move(name);
    shown_ = Duration{0};
    add(0);
}

void CopyProgress::add(std::size_t bytes) {
    got_ += bytes;
    bytes_ += bytes;
    const Duration now = clock_.steady();
    if (now - shown_ < kShowEvery) return;
    shown_ = now;
    const auto done = static_cast<double>(before_ + std::min(got_, current_));
    ticker_.show(
        line(name_, expected_ == 0 ? 0 : done / static_cast<double>(expected_), bytes_, took()));
}

std::string CopyProgress::line(std::string_view name, double done, std::uint64_t bytes,
                               Duration took) {
    const double share = std::clamp(done, 0.0, 0.99);
    const auto filled = static_cast<std::size_t>(share * kBarWidth);
    const std::string percent = std::to_string(static_cast<int>(share * 100));
    const double seconds = std::chrono::duration<double>{took}.count();
    std::string text = std::string{name} + "  [" + std::string(filled, '#') +
                       std::string(kBarWidth - filled, '-') + "] " +
                       std::string(3 - percent.size(), ' ') + percent + " %  " + bytes_text(bytes);
    if (seconds < 1 || share <= 0) return text;
    const auto rate = static_cast<std::uint64_t>(static_cast<double>(bytes) / seconds);
    const auto left = static_cast<std::int64_t>(seconds * (1 - share) / share) + 1;
    return text + "  " + bytes_text(rate) + "/s  " + duration_text(std::chrono::seconds{left}) +
           " left";
}

bool check_parts(Program& program, const std::filesystem::path& directory,
                 const BackupManifest& manifest) {
    CopyProgress progress{program.out(), program.clock(), manifest.bytes()};
    std::vector<BackupFile> parts = manifest.files;
    for (const BackupStream& stream : manifest.streams) parts.push_back(stream.file);
    bool whole = true;
    for (const BackupFile& part : parts) {
        progress.begin(part.name, part.bytes);
        const auto read = read_part(directory, part, [&](std::string_view piece) -> Result<void> {
            progress.add(piece.size());
            if (interrupted()) return fail(ErrorKind::kAmbiguous, "interrupted");
            return {};
        });
        if (read) continue;
        whole = false;
        program.out().add({Level::kError, "backup.damaged", read.error().what,
                           "This backup cannot be restored; take another copy of it, or an older",
                           (directory / part.name).string()});
    }
    progress.end();
    return whole;
}

void tell_manifest(Output& out, const BackupManifest& manifest) {
    Table table{{"STREAM", "MESSAGES", "FIRST", "LAST", "SIZE"}, {}};
    Value::List streams;
    for (const BackupStream& stream : manifest.streams) {
        table.rows.push_back({stream.name, number_cell(stream.messages), number_cell(stream.first),
                              number_cell(stream.last), right_cell(bytes_text(stream.file.bytes))});
        streams.emplace_back(Value::Map{{"stream", stream.name},
                                        {"messages", number(stream.messages)},
                                        {"first", number(stream.first)},
                                        {"last", number(stream.last)},
                                        {"bytes", number(stream.file.bytes)},
                                        {"sha256", stream.file.sha256}});
    }
    out.table(table);
    out.line("a backup of " + time_text(manifest.began) + ", " + bytes_text(manifest.bytes()) +
             ", policy version " + std::to_string(manifest.policy) + ", nats-server " +
             manifest.server +
             (manifest.files.empty()
                  ? std::string{}
                  : ", " + count_text(manifest.files.size(), "file", "files") + " beside it"));
    out.set("began", to_string(manifest.began));
    out.set("ended", to_string(manifest.ended));
    out.set("bytes", number(manifest.bytes()));
    out.set("policy_version", number(manifest.policy));
    out.set("server_version", manifest.server);
    out.set("streams", std::move(streams));
    out.set("files", number(manifest.files.size()));
}

void add_backup(CLI::App& app, Program& program) {
    auto* command = app.add_subcommand(
        "backup", "Everything that the installation keeps in NATS, into a new directory");
    const auto options = std::make_shared<BackupOptions>();
    command->add_option("DIR", options->directory, "A directory that is new or empty");
    command->add_option("--with", options->beside,
                        "A file or directory to be kept beside it: the hub's file, the policy");
    auto* check = command->add_subcommand(
        "verify", "Is a backup whole, and what was written? Asks no server");
    const auto checked = std::make_shared<std::string>();
    check->add_option("DIR", *checked, "The directory of a backup")->required();
    check->callback([&program, checked] {
        program.choose("backup verify", [checked](Program& p) { return verify(p, *checked); });
    });
    command->callback([&program, options, command] {
        if (!command->get_subcommands().empty()) return;
        if (options->directory.empty()) throw CLI::RequiredError("DIR");
        program.choose("backup", [options](Program& p) { return run(p, *options); });
    });
}

}  // namespace syncline::ctl
