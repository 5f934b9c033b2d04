#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "hub/ctl/backup_files.h"
#include "hub/ctl/program.h"
#include "hub/ctl/ticker.h"

/// What `backup` and `restore` share.
namespace syncline::ctl {

/// How far a copy is, on a terminal: bytes, rate, remaining time.
class CopyProgress {
public:
    /// `expected`: bytes of all that is to come; what comes may be fewer, as images are packed.
    CopyProgress(Output& out, const Clock& clock, std::uint64_t expected)
        : ticker_(out, clock), clock_(clock), expected_(expected), began_(clock.steady()) {}
    /// What comes next, and how much of it is expected.
    void begin(std::string name, std::uint64_t expected);
    void add(std::size_t bytes);
    void end() { ticker_.end(); }
    [[nodiscard]] std::uint64_t bytes() const { return bytes_; }
    [[nodiscard]] Duration took() const { return clock_.steady() - began_; }
    /// Pure: "SYNC_IN  [####----]  40 %  1.0 MiB  2.0 MiB/s  3 s left".
    [[nodiscard]] static std::string line(std::string_view name, double done, std::uint64_t bytes,
                                          Duration took);

private:
    Ticker ticker_;
    const Clock& clock_;
    std::uint64_t expected_;
    Duration began_;
    Duration shown_{0};
    std::string name_;
    std::uint64_t before_ = 0;   ///< Expected of what is over.
    std::uint64_t current_ = 0;  ///< Expected of what is under way.
    std::uint64_t got_ = 0;      ///< Of it.
    std::uint64_t bytes_ = 0;
};

/// Reads all of a backup and compares it with its digests; each file that is not what was written
/// becomes a finding `backup.damaged`. True: it is whole.
[[nodiscard]] bool check_parts(Program& program, const std::filesystem::path& directory,
                               const BackupManifest& manifest);
/// What is in it, for people and for --json.
void tell_manifest(Output& out, const BackupManifest& manifest);

}  // namespace syncline::ctl
