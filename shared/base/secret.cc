#include "shared/base/secret.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace syncline {
namespace {

/// Closes on every way out.
struct File {
    int descriptor = -1;
    explicit File(int opened) : descriptor(opened) {}
    File(const File&) = delete;
    File& operator=(const File&) = delete;
    ~File() {
        if (descriptor >= 0) ::close(descriptor);
    }
};

ErrorKind kind_of(int error) {
    if (error == ENOENT || error == ENOTDIR) return ErrorKind::kNotFound;
    if (error == EACCES || error == EPERM || error == ELOOP) return ErrorKind::kDenied;
    return ErrorKind::kUnavailable;
}

std::unexpected<Error> refused(const std::string& source, int error) {
    return fail(kind_of(error), "secret from " + source + ": " + std::strerror(error));
}

/// Reads until `bytes` is full or the file ends; false with errno set if reading failed.
bool read_all(int descriptor, std::vector<char>& bytes) {
    std::size_t filled = 0;
    while (filled < bytes.size()) {
        const ssize_t count = ::read(descriptor, bytes.data() + filled, bytes.size() - filled);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return false;
        if (count == 0) break;
        filled += static_cast<std::size_t>(count);
    }
    bytes.resize(filled);  // Shrinking moves nothing.
    return true;
}

void trim_line_end(std::vector<char>& bytes) {
    if (!bytes.empty() && bytes.back() == '\n') bytes.pop_back();
    if (!bytes.empty() && bytes.back() == '\r') bytes.pop_back();
}

}  // namespace

Secret& Secret::operator=(const Secret& other) {
    if (this != &other) *this = Secret{other};
    return *this;
}

Secret& Secret::operator=(Secret&& other) noexcept {
    if (this != &other) {
        clear();
        source_ = other.source_;
        name_ = std::move(other.name_);
        value_ = std::move(other.value_);
    }
    return *this;
}

void Secret::clear() noexcept {
    if (value_.capacity() == 0) return;
    ::explicit_bzero(value_.data(), value_.capacity());
    value_.clear();
}

std::string Secret::source_text() const {
    switch (source_) {
        case Source::kNone: return "nowhere";
        case Source::kFile: return "file " + name_;
        case Source::kEnvironment: return "environment variable " + name_;
        case Source::kCredential: return "systemd credential " + name_;
    }
    return "nowhere";
}

Result<void> Secret::load_file(const std::string& path) {
    // Not blocking: opening a pipe nobody writes to would wait for ever.
    const File file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
    if (file.descriptor < 0) return refused(source_text(), errno);
    struct stat status {};
    if (::fstat(file.descriptor, &status) != 0) return refused(source_text(), errno);
    if (!S_ISREG(status.st_mode)) {
        return fail(ErrorKind::kInvalid, "secret from " + source_text() + ": not a regular file");
    }
    Secret fresh;  // Whatever fails below, what was read is overwritten.
    fresh.value_.resize(kBytesMax + 1);
    if (!read_all(file.descriptor, fresh.value_)) return refused(source_text(), errno);
    if (fresh.value_.size() > kBytesMax) {
        return fail(ErrorKind::kTooLarge, "secret from " + source_text() + ": over 64 KiB");
    }
    trim_line_end(fresh.value_);
    if (fresh.value_.empty()) {
        return fail(ErrorKind::kInvalid, "secret from " + source_text() + ": it is empty");
    }
    clear();
    value_.assign(fresh.value_.begin(), fresh.value_.end());
    return {};
}

Result<void> Secret::load() {
    switch (source_) {
        case Source::kNone: return {};
        case Source::kFile: return load_file(name_);
        case Source::kEnvironment: {
            const char* text = std::getenv(name_.c_str());
            if (text == nullptr) {
                return fail(ErrorKind::kNotFound, "secret from " + source_text() + ": not set");
            }
            if (*text == '\0') {
                return fail(ErrorKind::kInvalid, "secret from " + source_text() + ": it is empty");
            }
            clear();
            value_.assign(text, text + std::strlen(text));
            return {};
        }
        case Source::kCredential: {
            const char* directory = std::getenv("CREDENTIALS_DIRECTORY");
            if (directory == nullptr || *directory == '\0') {
                return fail(ErrorKind::kNotFound,
                            "secret from " + source_text() +
                                ": $CREDENTIALS_DIRECTORY is not set; start the service by a "
                                "systemd unit with LoadCredential=" +
                                name_ + ":<file>");
            }
            return load_file(std::string{directory} + "/" + name_);
        }
    }
    return {};
}

}  // namespace syncline
