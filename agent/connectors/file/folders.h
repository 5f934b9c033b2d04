#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/connectors/file/settings.h"
#include "shared/base/clock.h"
#include "shared/base/result.h"

namespace syncline::agent::file {

/// Writes a file as a whole: a new one beside it, fsync, rename, fsync of the folder. After
/// success it survives a power cut. kUnavailable: nothing of it is seen.
[[nodiscard]] Result<void> write_whole(const std::filesystem::path& path, std::string_view text);

/// Appends and fsyncs. kUnavailable: perhaps a part was written.
[[nodiscard]] Result<void> append(const std::filesystem::path& path, std::string_view text);

/// Moves a file into `folder`; if its name is taken there, under `<name>.2` and so on.
/// kNotFound: it is not there. kUnavailable: it cannot be moved.
[[nodiscard]] Result<void> move_into(const std::filesystem::path& file,
                                     const std::filesystem::path& folder);

/// What arrives in a folder: which files are complete, in the order of their names.
/// Threading: used by one thread at a time.
class Inbox {
public:
    Inbox(const Settings& settings, const Clock& clock) : settings_(settings), clock_(clock) {}

    /// Complete `*.jsonl` and `*.csv` files, or those with the `suffix`. kUnavailable: the folder
    /// cannot be listed.
    Result<std::vector<std::string>> complete_files();
    /// Moves a file that has been read, and its `.done` mark. Repeating is harmless.
    Result<void> finish(const std::string& name);
    /// Moves a file that cannot be read to failed/, with the reason beside it.
    Result<void> give_up(const std::string& name, const std::string& reason);

private:
    struct Seen {
        std::uintmax_t size = 0;
        std::filesystem::file_time_type written;
        Duration since{0};
    };
    bool complete(const std::filesystem::directory_entry& entry, std::map<std::string, Seen>& now);

    const Settings& settings_;
    const Clock& clock_;
    std::map<std::string, Seen> seen_;
};

}  // namespace syncline::agent::file
