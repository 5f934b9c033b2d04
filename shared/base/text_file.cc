#include "shared/base/text_file.h"

#include <cerrno>
#include <cstring>
#include <fstream>

namespace syncline {

Result<std::string> read_text_file(const std::filesystem::path& path, std::size_t bytes_max) {
    const auto refused = [&](int error) {
        const ErrorKind kind = error == ENOENT || error == ENOTDIR ? ErrorKind::kNotFound
                               : error == EACCES                   ? ErrorKind::kDenied
                                                                   : ErrorKind::kUnavailable;
        return fail(kind, path.string() + ": " + std::strerror(error));
    };
    std::error_code ignored;
    if (std::filesystem::is_directory(path, ignored)) return refused(EISDIR);
    errno = 0;
    std::ifstream stream{path, std::ios::binary};
    if (!stream) return refused(errno);
    std::string text(bytes_max + 1, '\0');  // One byte more tells that it is too large.
    stream.read(text.data(), static_cast<std::streamsize>(text.size()));
    if (stream.bad()) return refused(errno);
    text.resize(static_cast<std::size_t>(stream.gcount()));
    if (text.size() > bytes_max) {
        return fail(ErrorKind::kTooLarge,
                    path.string() + ": over the limit of " + std::to_string(bytes_max) + " bytes");
    }
    return text;
}

}  // namespace syncline
