#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "shared/base/result.h"
#include "shared/base/timestamp.h"
#include "shared/model/value.h"

/// What a backup says of itself, in `manifest.json`. Pure.
namespace syncline::ctl {

/// A file of the backup.
struct BackupFile {
    std::string name;  ///< Below the backup's directory.
    std::uint64_t bytes = 0;
    std::string sha256;  ///< 64 hexadecimal digits.
    friend bool operator==(const BackupFile&, const BackupFile&) = default;
};

/// A stream as JetStream gave it.
struct BackupStream {
    std::string name;
    BackupFile file;
    Value config;  ///< As the server told it, and wants it back.
    Value state;   ///< The same.
    std::uint64_t first = 0;
    std::uint64_t last = 0;
    std::uint64_t messages = 0;
    friend bool operator==(const BackupStream&, const BackupStream&) = default;
};

struct BackupManifest {
    static constexpr std::int64_t kFormat = 1;
    std::string made_by;  ///< Version of synclinectl.
    std::string server;   ///< Version of nats-server.
    Timestamp began;      ///< All that was stored before is in it.
    Timestamp ended;
    std::uint64_t policy = 0;  ///< The version in force; 0: none.
    std::string policy_hash;
    std::vector<std::string> platforms;  ///< Of that policy.
    std::vector<BackupStream> streams;   ///< In the order in which they were read.
    std::vector<BackupFile> files;       ///< What was given beside them.

    [[nodiscard]] std::uint64_t bytes() const;
    friend bool operator==(const BackupManifest&, const BackupManifest&) = default;
};

[[nodiscard]] std::string to_text(const BackupManifest& manifest);
/// kCorrupt: not what to_text() makes. kUnsupported: of a later format.
[[nodiscard]] Result<BackupManifest> parse_backup_manifest(std::string_view text);

}  // namespace syncline::ctl
