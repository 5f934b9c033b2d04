#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "hub/ctl/backup_manifest.h"
#include "shared/base/result.h"
#include "shared/base/sha256.h"

/// The directory of a backup:
///
///     manifest.json        what it is; without it there is no backup
///     SHA256SUMS           the digests of all files, manifest.json too, as sha256sum has them
///     streams/NAME.tar.s2  a stream, as JetStream gave it
///     files/...            what was given beside the streams
///
/// A file has `.partial` behind its name until it is whole and on disk.
namespace syncline::ctl {

inline constexpr const char* kManifestFile = "manifest.json";
inline constexpr const char* kSumsFile = "SHA256SUMS";

/// A file that is being written, readable by its owner alone.
class BackupWriter {
public:
    /// kDenied, kUnavailable: what the system says.
    static Result<BackupWriter> open(const std::filesystem::path& directory, std::string name);
    BackupWriter(BackupWriter&& other) noexcept;
    BackupWriter& operator=(BackupWriter&&) = delete;
    ~BackupWriter();

    /// kFull: the disk is.
    Result<void> write(std::string_view bytes);
    /// Puts it on disk under its name.
    Result<BackupFile> finish();

private:
    BackupWriter(std::filesystem::path directory, std::string name, int fd);
    [[nodiscard]] std::filesystem::path partial() const;

    std::filesystem::path directory_;
    std::string name_;
    int fd_;
    std::uint64_t bytes_ = 0;
    Sha256Stream digest_;
};

/// Makes the directory, or takes an empty one. kConflict: something is in it; the text says whether
/// it is a backup, or one that was interrupted.
[[nodiscard]] Result<void> begin_backup(const std::filesystem::path& directory);
/// Writes the digests and then, last of all, the manifest.
[[nodiscard]] Result<void> end_backup(const std::filesystem::path& directory,
                                      const BackupManifest& manifest);
/// Copies a file, or a directory with all that is in it, to `files/`.
[[nodiscard]] Result<std::vector<BackupFile>> keep_beside(const std::filesystem::path& directory,
                                                          const std::filesystem::path& source);

/// The manifest, if it is what was written. kNotFound: there is no backup, or it was interrupted;
/// kCorrupt: the manifest was changed or cut.
[[nodiscard]] Result<BackupManifest> open_backup(const std::filesystem::path& directory);

/// Reads a file of the backup in pieces. kCorrupt, by name: it is missing, cut, longer, or another
/// than was written, which is known for certain only behind its last piece.
[[nodiscard]] Result<void> read_part(const std::filesystem::path& directory, const BackupFile& file,
                                     const std::function<Result<void>(std::string_view)>& take);

}  // namespace syncline::ctl
