#include "agent/connectors/file/folders.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "agent/connectors/file/line_reader.h"

namespace syncline::agent::file {
namespace {

namespace fs = std::filesystem;

std::unexpected<Error> failed(const fs::path& path, int code) {
    return fail(code == ENOENT ? ErrorKind::kNotFound : ErrorKind::kUnavailable,
                path.string() + ": " + std::strerror(code));
}

bool write_all(int fd, std::string_view text) {
    while (!text.empty()) {
        const ssize_t count = ::write(fd, text.data(), text.size());
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return false;
        text.remove_prefix(static_cast<std::size_t>(count));
    }
    return ::fsync(fd) == 0;
}

/// Makes a rename in `folder` survive a power cut.
Result<void> sync_folder(const fs::path& folder) {
    const Descriptor fd{::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    if (!fd.valid() || ::fsync(fd.get()) != 0) return failed(folder, errno);
    return {};
}

bool is_ours(const fs::path& name, const std::string& suffix) {
    const std::string text = name.string();
    if (text.starts_with('.')) return false;
    if (!suffix.empty()) return text.ends_with(suffix);
    return text.ends_with(".jsonl") || text.ends_with(".csv");
}

}  // namespace

Result<void> write_whole(const fs::path& path, std::string_view text) {
    // A leading dot: no reader of such folders takes it.
    const fs::path draft = path.parent_path() / ("." + path.filename().string() + ".new");
    {
        const Descriptor fd{
            ::open(draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640)};
        if (!fd.valid() || !write_all(fd.get(), text)) {
            const int code = errno;
            ::unlink(draft.c_str());
            return fail(ErrorKind::kUnavailable, draft.string() + ": " + std::strerror(code));
        }
    }
    if (::rename(draft.c_str(), path.c_str()) != 0) {
        const int code = errno;
        ::unlink(draft.c_str());
        return fail(ErrorKind::kUnavailable, path.string() + ": " + std::strerror(code));
    }
    return sync_folder(path.parent_path());
}

Result<void> append(const fs::path& path, std::string_view text) {
    const Descriptor fd{
        ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0640)};
    if (!fd.valid() || !write_all(fd.get(), text)) {
        return fail(ErrorKind::kUnavailable, path.string() + ": " + std::strerror(errno));
    }
    return {};
}

Result<void> move_into(const fs::path& file, const fs::path& folder) {
    fs::path target = folder / file.filename();
    struct stat status {};
    for (int n = 2; ::lstat(target.c_str(), &status) == 0; ++n) {
        target = folder / (file.filename().string() + "." + std::to_string(n));
    }
    if (::rename(file.c_str(), target.c_str()) != 0) return failed(file, errno);
    return sync_folder(folder);
}

bool Inbox::complete(const fs::directory_entry& entry, std::map<std::string, Seen>& now) {
    std::error_code error;
    if (settings_.ready == Ready::kRename) return true;
    if (settings_.ready == Ready::kDoneFile) {
        return fs::exists(entry.path().string() + ".done", error);
    }
    const std::string name = entry.path().filename().string();
    const Seen seen{entry.file_size(error), entry.last_write_time(error), clock_.steady()};
    if (error) return false;  // It has gone meanwhile.
    const auto before = seen_.find(name);
    const bool same = before != seen_.end() && before->second.size == seen.size &&
                      before->second.written == seen.written;
    now[name] = same ? before->second : seen;
    return clock_.steady() - now[name].since >= settings_.stable;
}

Result<std::vector<std::string>> Inbox::complete_files() {
    std::error_code error;
    fs::directory_iterator entries{settings_.inbox, error};
    if (error) {
        return fail(ErrorKind::kUnavailable, settings_.inbox.string() + ": " + error.message());
    }
    std::vector<std::string> names;
    std::map<std::string, Seen> now;
    for (; entries != fs::directory_iterator{}; entries.increment(error)) {
        std::error_code status;
        const bool plain = entries->symlink_status(status).type() == fs::file_type::regular;
        const fs::path name = entries->path().filename();
        if (status || !plain || !is_ours(name, settings_.suffix)) continue;
        if (complete(*entries, now)) names.push_back(name.string());
        if (error) break;
    }
    seen_ = std::move(now);
    std::ranges::sort(names);
    return names;
}

Result<void> Inbox::finish(const std::string& name) {
    const auto moved = move_into(settings_.inbox / name, settings_.done);
    if (!moved && moved.error().kind != ErrorKind::kNotFound) return moved;
    if (settings_.ready == Ready::kDoneFile) {
        std::ignore = ::unlink((settings_.inbox / (name + ".done")).c_str());  // Only a mark.
    }
    return {};
}

Result<void> Inbox::give_up(const std::string& name, const std::string& reason) {
    if (auto told = write_whole(settings_.failed / (name + ".reason"), reason + "\n"); !told) {
        return told;
    }
    const auto moved = move_into(settings_.inbox / name, settings_.failed);
    if (!moved && moved.error().kind != ErrorKind::kNotFound) return moved;
    if (settings_.ready == Ready::kDoneFile) {
        std::ignore = ::unlink((settings_.inbox / (name + ".done")).c_str());  // Only a mark.
    }
    return {};
}

}  // namespace syncline::agent::file
