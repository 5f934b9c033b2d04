#include "hub/ctl/backup_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "shared/base/text_file.h"

namespace syncline::ctl {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kManifestMost = std::size_t{8} << 20;
constexpr std::size_t kPiece = std::size_t{128} << 10;
constexpr const char* kPartial = ".partial";
constexpr const char* kFiles = "files";

std::unexpected<Error> system_error(const fs::path& file, const char* what) {
    const int code = errno;
    const ErrorKind kind = code == ENOSPC || code == EDQUOT                   ? ErrorKind::kFull
                           : code == EACCES || code == EPERM || code == EROFS ? ErrorKind::kDenied
                           : code == ENOENT                                   ? ErrorKind::kNotFound
                                            : ErrorKind::kUnavailable;
    return fail(kind, file.string() + " cannot be " + what + ": " + std::strerror(code));
}

/// What has been done in a directory outlives a loss of power.
Result<void> sync_directory(const fs::path& directory) {
    const int fd = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return system_error(directory, "opened");
    const int done = ::fsync(fd);
    ::close(fd);
    if (done != 0) return system_error(directory, "synced");
    return {};
}

Result<void> make_directory(const fs::path& directory) {
    if (::mkdir(directory.c_str(), 0700) == 0 || errno == EEXIST) return {};
    return system_error(directory, "made");
}

Result<BackupFile> write_whole(const fs::path& directory, const std::string& name,
                               std::string_view text) {
    auto file = BackupWriter::open(directory, name);
    if (!file) return fail(file.error());
    if (auto done = file->write(text); !done) return fail(done.error());
    return file->finish();
}

Result<BackupFile> copy_in(const fs::path& directory, const fs::path& source,
                           const std::string& name) {
    const int fd = ::open(source.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return system_error(source, "read");
    auto file = BackupWriter::open(directory, name);
    std::string piece(kPiece, '\0');
    Result<void> done{};
    for (ssize_t got = 1; file && done && got > 0;) {
        got = ::read(fd, piece.data(), piece.size());
        if (got < 0) done = system_error(source, "read");
        if (got > 0) done = file->write({piece.data(), static_cast<std::size_t>(got)});
    }
    ::close(fd);
    if (!file) return fail(file.error());
    if (!done) return fail(done.error());
    return file->finish();
}

std::string sums_of(const BackupManifest& manifest, const std::string& text) {
    std::string sums;
    const auto add = [&](const std::string& sum, const std::string& name) {
        sums += sum + "  " + name + "\n";
    };
    for (const BackupStream& stream : manifest.streams) add(stream.file.sha256, stream.file.name);
    for (const BackupFile& file : manifest.files) add(file.sha256, file.name);
    add(hexadecimal(bytes_of(sha256({text}))), kManifestFile);
    return sums;
}

std::unexpected<Error> damaged(const BackupFile& file, const std::string& how) {
    return fail(ErrorKind::kCorrupt, file.name + " " + how);
}

}  // namespace

// ---- Writing. ---------------------------------------------------------------------------------

BackupWriter::BackupWriter(fs::path directory, std::string name, int fd)
    : directory_(std::move(directory)), name_(std::move(name)), fd_(fd) {}

BackupWriter::BackupWriter(BackupWriter&& other) noexcept
    : directory_(std::move(other.directory_)),
      name_(std::move(other.name_)),
      fd_(std::exchange(other.fd_, -1)),
      bytes_(other.bytes_),
      digest_(std::move(other.digest_)) {}

BackupWriter::~BackupWriter() {
    if (fd_ >= 0) ::close(fd_);
}

fs::path BackupWriter::partial() const { return directory_ / (name_ + kPartial); }

Result<BackupWriter> BackupWriter::open(const fs::path& directory, std::string name) {
    fs::path folder = directory;
    for (const fs::path& part : fs::path{name}.parent_path()) {
        folder /= part;
        if (auto made = make_directory(folder); !made) return fail(made.error());
    }
    BackupWriter file{directory, std::move(name), -1};
    file.fd_ =
        ::open(file.partial().c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (file.fd_ < 0) return system_error(file.partial(), "written");
    return file;
}

Result<void> BackupWriter::write(std::string_view bytes) {
    digest_.add(bytes);
    bytes_ += bytes.size();
    while (!bytes.empty()) {
        const ssize_t put = ::write(fd_, bytes.data(), bytes.size());
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) return system_error(partial(), "written");
        bytes.remove_prefix(static_cast<std::size_t>(put));
    }
    return {};
}

Result<BackupFile> BackupWriter::finish() {
    if (::fsync(fd_) != 0) return system_error(partial(), "synced");
    const fs::path file = directory_ / name_;
    if (::rename(partial().c_str(), file.c_str()) != 0) return system_error(file, "written");
    if (auto done = sync_directory(file.parent_path()); !done) return fail(done.error());
    return BackupFile{name_, bytes_, hexadecimal(bytes_of(digest_.end()))};
}

Result<void> begin_backup(const fs::path& directory) {
    if (auto made = make_directory(directory); !made) return made;
    std::error_code error;
    if (fs::exists(directory / kManifestFile, error)) {
        return fail(ErrorKind::kConflict, directory.string() +
                                              " holds a backup already; a new one wants a "
                                              "directory of its own");
    }
    if (fs::exists(directory / "streams", error)) {
        return fail(
            ErrorKind::kConflict,
            directory.string() + " holds a backup that was interrupted, and is none; remove it");
    }
    if (!fs::is_empty(directory, error) || error) {
        return fail(ErrorKind::kConflict, directory.string() + " is not an empty directory");
    }
    return {};
}

Result<void> end_backup(const fs::path& directory, const BackupManifest& manifest) {
    const std::string text = to_text(manifest);
    if (auto sums = write_whole(directory, kSumsFile, sums_of(manifest, text)); !sums) {
        return fail(sums.error());
    }
    if (auto done = write_whole(directory, kManifestFile, text); !done) return fail(done.error());
    return {};
}

Result<std::vector<BackupFile>> keep_beside(const fs::path& directory, const fs::path& source) {
    std::error_code error;
    const fs::path whole = fs::canonical(source, error);
    if (error) return fail(ErrorKind::kNotFound, source.string() + ": " + error.message());
    const fs::path top = whole.filename();
    std::vector<std::pair<fs::path, std::string>> wanted;
    if (fs::is_directory(whole)) {
        for (fs::recursive_directory_iterator at{whole, error}, end; !error && at != end;
             at.increment(error)) {
            if (!at->is_regular_file()) continue;
            const fs::path name = fs::path{kFiles} / top / fs::relative(at->path(), whole);
            wanted.emplace_back(at->path(), name.string());
        }
        if (error) return fail(ErrorKind::kDenied, whole.string() + ": " + error.message());
    } else {
        wanted.emplace_back(whole, (fs::path{kFiles} / top).string());
    }
    std::ranges::sort(wanted);
    std::vector<BackupFile> kept;
    for (const auto& [from, name] : wanted) {
        if (fs::exists(directory / name, error)) {
            return fail(ErrorKind::kConflict, "two of what is to be kept are called " + name);
        }
        auto file = copy_in(directory, from, name);
        if (!file) return fail(file.error());
        kept.push_back(*std::move(file));
    }
    return kept;
}

// ---- Reading. ---------------------------------------------------------------------------------

Result<BackupManifest> open_backup(const fs::path& directory) {
    const auto text = read_text_file(directory / kManifestFile, kManifestMost);
    std::error_code error;
    if (!text && text.error().kind == ErrorKind::kNotFound) {
        const bool begun = fs::exists(directory / "streams", error);
        return fail(ErrorKind::kNotFound,
                    directory.string() + (begun ? " has no manifest.json: the backup was "
                                                  "interrupted, and cannot be used"
                                                : " holds no backup"));
    }
    if (!text) return fail(text.error());
    auto manifest = parse_backup_manifest(*text);
    const auto sums = read_text_file(directory / kSumsFile, kManifestMost);
    if (!sums) {
        return fail(ErrorKind::kCorrupt, std::string{kSumsFile} + ": " + sums.error().what);
    }
    const std::string line = hexadecimal(bytes_of(sha256({*text}))) + "  " + kManifestFile + "\n";
    if (sums->find(line) == std::string::npos) {
        return fail(ErrorKind::kCorrupt, std::string{kManifestFile} + " is not what " + kSumsFile +
                                             " says: one of the two was changed or cut");
    }
    if (!manifest) return fail(manifest.error());
    if (*sums != sums_of(*manifest, *text)) {
        return fail(ErrorKind::kCorrupt, std::string{kSumsFile} + " was changed or cut");
    }
    return manifest;
}

Result<void> read_part(const fs::path& directory, const BackupFile& file,
                       const std::function<Result<void>(std::string_view)>& take) {
    const fs::path path = directory / file.name;
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return damaged(file, std::string{"cannot be read: "} + std::strerror(errno));
    struct stat found {};
    Result<void> done{};
    if (::fstat(fd, &found) == 0 && static_cast<std::uint64_t>(found.st_size) != file.bytes) {
        done = damaged(file, "has " + std::to_string(found.st_size) + " bytes instead of " +
                                 std::to_string(file.bytes));
    }
    Sha256Stream digest;
    std::string piece(kPiece, '\0');
    for (ssize_t got = 1; done && got > 0;) {
        got = ::read(fd, piece.data(), piece.size());
        if (got < 0) done = damaged(file, std::string{"cannot be read: "} + std::strerror(errno));
        if (got <= 0) break;
        const std::string_view bytes{piece.data(), static_cast<std::size_t>(got)};
        digest.add(bytes);
        done = take(bytes);
    }
    ::close(fd);
    if (!done) return done;
    if (hexadecimal(bytes_of(digest.end())) == file.sha256) return {};
    return damaged(file, "holds other bytes than were written");
}

}  // namespace syncline::ctl
