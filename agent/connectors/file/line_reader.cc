#include "agent/connectors/file/line_reader.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace syncline::agent::file {
namespace {

constexpr std::size_t kBuffer = 64u << 10;

ErrorKind kind_of(int code) {
    if (code == ENOENT) return ErrorKind::kNotFound;
    return code == EACCES || code == EPERM || code == ELOOP ? ErrorKind::kDenied
                                                            : ErrorKind::kUnavailable;
}

}  // namespace

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
    if (this != &other) {
        if (fd_ >= 0) ::close(fd_);
        fd_ = std::exchange(other.fd_, -1);
    }
    return *this;
}

Descriptor::~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
}

Result<LineReader> LineReader::open(const std::filesystem::path& path, std::size_t line_max) {
    LineReader reader;
    // Not through a link, which could lead to any file of this machine; not waiting for a FIFO.
    const int flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
    reader.fd_ = Descriptor{::open(path.c_str(), flags)};
    reader.path_ = path.string();
    reader.line_max_ = line_max;
    struct stat status {};
    if (!reader.fd_.valid() || ::fstat(reader.fd_.get(), &status) != 0) {
        const int code = errno;
        return fail(kind_of(code), reader.path_ + ": " + std::strerror(code));
    }
    if (!S_ISREG(status.st_mode)) return fail(ErrorKind::kDenied, reader.path_ + ": no plain file");
    reader.size_ = static_cast<std::uint64_t>(status.st_size);
    reader.identity_ = std::to_string(status.st_dev) + "." + std::to_string(status.st_ino) + "." +
                       std::to_string(status.st_size) + "." +
                       std::to_string(status.st_mtim.tv_sec) + "." +
                       std::to_string(status.st_mtim.tv_nsec);
    return reader;
}

void LineReader::seek(std::uint64_t offset) {
    offset_ = offset;
    buffer_.clear();
    at_ = 0;
}

/// Reads on behind the buffer's end, dropping what was used. False: the file has ended.
Result<bool> LineReader::fill() {
    buffer_.erase(0, at_);
    at_ = 0;
    const std::size_t kept = buffer_.size();
    buffer_.resize(kept + kBuffer);
    ssize_t count = 0;
    do {
        count =
            ::pread(fd_.get(), buffer_.data() + kept, kBuffer, static_cast<off_t>(offset_ + kept));
    } while (count < 0 && errno == EINTR);
    buffer_.resize(kept + static_cast<std::size_t>(count < 0 ? 0 : count));
    if (count < 0) return fail(ErrorKind::kUnavailable, path_ + ": " + std::strerror(errno));
    return count > 0;
}

Result<std::optional<Line>> LineReader::next() {
    Line line;
    line.begin = offset_;
    while (true) {
        const auto end = buffer_.find('\n', at_);
        const bool found = end != std::string::npos;
        const std::size_t count = (found ? end : buffer_.size()) - at_;
        const std::size_t room = line_max_ + 1 - std::min(line.text.size(), line_max_ + 1);
        line.text.append(buffer_, at_, std::min(count, room));
        at_ += count + (found ? 1 : 0);
        offset_ += count + (found ? 1 : 0);
        if (found) break;
        const auto more = fill();
        if (!more) return fail(more.error());
        if (!*more) {
            if (offset_ == line.begin) return std::nullopt;
            break;
        }
    }
    line.end = offset_;
    if (line.text.ends_with('\r')) line.text.pop_back();
    if (line.text.size() > line_max_) {
        line.too_long = true;
        line.text.resize(line_max_);
    }
    return line;
}

}  // namespace syncline::agent::file
