#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "shared/base/result.h"

namespace syncline::agent::file {

/// A file descriptor that closes itself.
class Descriptor {
public:
    Descriptor() = default;
    explicit Descriptor(int fd) : fd_(fd) {}
    Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    Descriptor& operator=(Descriptor&& other) noexcept;
    ~Descriptor();
    [[nodiscard]] int get() const { return fd_; }
    [[nodiscard]] bool valid() const { return fd_ >= 0; }

private:
    int fd_ = -1;
};

/// One line of a file, without its end.
struct Line {
    std::string text;         ///< Cut at the limit if `too_long`.
    std::uint64_t begin = 0;  ///< Offset of its first byte.
    std::uint64_t end = 0;    ///< Offset behind its line end.
    bool too_long = false;
};

/// The lines of a file, however big it is, in constant memory: 64 KiB and one line. Lines end in
/// LF or CR LF; the last one need not.
class LineReader {
public:
    /// Opens a regular file, not a link. kNotFound, kDenied, kUnavailable: it cannot be.
    static Result<LineReader> open(const std::filesystem::path& path, std::size_t line_max);

    /// Goes on at `offset`, the begin or end of a line.
    void seek(std::uint64_t offset);
    /// The next line; nullopt at the end. kUnavailable: it cannot be read.
    Result<std::optional<Line>> next();

    [[nodiscard]] std::uint64_t size() const { return size_; }
    /// Tells this content from another under the same name: device, inode, size and time.
    [[nodiscard]] const std::string& identity() const { return identity_; }

private:
    LineReader() = default;
    Result<bool> fill();

    Descriptor fd_;
    std::string path_;
    std::size_t line_max_ = 0;
    std::uint64_t size_ = 0;
    std::string identity_;
    std::uint64_t offset_ = 0;  ///< Of buffer_[at_].
    std::string buffer_;
    std::size_t at_ = 0;
};

}  // namespace syncline::agent::file
