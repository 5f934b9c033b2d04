#include <algorithm>
#include <system_error>

#include "shared/base/sha256.h"
#include "shared/base/text_file.h"
#include "shared/base/toml_guard.h"
#include "shared/policy/policy_toml.h"

namespace syncline {
namespace {

constexpr std::size_t kFilesMax = 256;

}  // namespace

std::string policy_hash(std::vector<PolicyFile> files) {
    std::ranges::sort(files, {}, &PolicyFile::name);
    std::string all;
    for (const PolicyFile& file : files) {
        // Each part led by its size, so that no two sets of files look the same.
        for (const std::string& part : {file.name, file.text}) {
            all += std::to_string(part.size()) + ":" + part;
        }
    }
    return hexadecimal(bytes_of(sha256({all})));
}

Result<std::vector<PolicyFile>> read_policy_files(const std::filesystem::path& directory) {
    std::error_code error;
    std::vector<std::filesystem::path> paths;
    std::filesystem::directory_iterator entries{directory, error};
    for (; !error && entries != std::filesystem::directory_iterator{}; entries.increment(error)) {
        const std::string name = entries->path().filename().string();
        if (name.ends_with(".toml") && !name.starts_with(".")) paths.push_back(entries->path());
    }
    if (error) {
        const ErrorKind kind =
            error == std::errc::permission_denied ? ErrorKind::kDenied
            : error == std::errc::no_such_file_or_directory || error == std::errc::not_a_directory
                ? ErrorKind::kNotFound
                : ErrorKind::kUnavailable;
        return fail(kind, directory.string() + ": " + error.message());
    }
    if (paths.empty()) {
        return fail(ErrorKind::kNotFound, directory.string() + ": no *.toml file");
    }
    if (paths.size() > kFilesMax) {
        return fail(ErrorKind::kTooLarge, directory.string() + ": over 256 files");
    }
    std::ranges::sort(paths);
    std::vector<PolicyFile> files;
    for (const std::filesystem::path& path : paths) {
        auto text = read_text_file(path, TomlLimits{}.bytes_max);
        if (!text) return fail(std::move(text.error()));
        files.push_back({path.filename().string(), *std::move(text)});
    }
    return files;
}

Result<Policy> load_policy(const std::filesystem::path& directory) {
    const auto files = read_policy_files(directory);
    if (!files) return fail(files.error());
    return parse_policy(*files);
}

}  // namespace syncline
