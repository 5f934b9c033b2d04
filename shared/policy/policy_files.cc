#include <algorithm>
#include <memory>
#include <system_error>

#include <openssl/evp.h>

#include "shared/base/text_file.h"
#include "shared/base/toml_guard.h"
#include "shared/policy/policy_toml.h"

namespace syncline {
namespace {

constexpr std::size_t kFilesMax = 256;

/// Led by its size, so that no two sets of files look the same.
void digest_part(EVP_MD_CTX* context, std::string_view bytes) {
    const std::string size = std::to_string(bytes.size()) + ":";
    EVP_DigestUpdate(context, size.data(), size.size());
    EVP_DigestUpdate(context, bytes.data(), bytes.size());
}

}  // namespace

std::string policy_hash(std::vector<PolicyFile> files) {
    std::ranges::sort(files, {}, &PolicyFile::name);
    const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context{EVP_MD_CTX_new(),
                                                                          &EVP_MD_CTX_free};
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int size = 0;
    EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr);
    for (const PolicyFile& file : files) {
        digest_part(context.get(), file.name);
        digest_part(context.get(), file.text);
    }
    EVP_DigestFinal_ex(context.get(), digest, &size);
    constexpr char kHex[] = "0123456789abcdef";
    std::string hex;
    for (unsigned int i = 0; i < size; ++i) {
        hex += kHex[digest[i] >> 4];
        hex += kHex[digest[i] & 15];
    }
    return hex;
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
