#include "hub/ctl/security/directory.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <set>
#include <sstream>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hub/ctl/security/server_config.h"
#include "shared/base/text_file.h"

namespace syncline::ctl::security {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kFileMost = 64U << 20;
constexpr mode_t kPrivateFolder = 0700;
constexpr mode_t kPrivateFile = 0600;

std::unexpected<Error> refused(const fs::path& path, int error) {
    const ErrorKind kind = error == EACCES || error == EPERM    ? ErrorKind::kDenied
                           : error == EEXIST                    ? ErrorKind::kConflict
                           : error == ENOSPC || error == EDQUOT ? ErrorKind::kFull
                                                                : ErrorKind::kUnavailable;
    return fail(kind, path.string() + ": " + std::strerror(error));
}

Result<void> sync(const fs::path& path, int flags) {
    const int handle = ::open(path.c_str(), flags | O_CLOEXEC);
    if (handle < 0) return refused(path, errno);
    const int error = ::fsync(handle) == 0 ? 0 : errno;
    ::close(handle);
    if (error != 0) return refused(path, error);
    return {};
}

/// With every folder above it, below `root`.
Result<void> make_folder(const fs::path& root, const fs::path& folder) {
    if (folder == root || fs::is_directory(folder)) return {};
    if (auto above = make_folder(root, folder.parent_path()); !above) return above;
    if (::mkdir(folder.c_str(), kPrivateFolder) != 0 && errno != EEXIST) {
        return refused(folder, errno);
    }
    return sync(folder.parent_path(), O_RDONLY | O_DIRECTORY);
}

enum class Durable : std::uint8_t { kNo, kYes };

Result<void> put(const fs::path& file, const std::string& text, int flags, Durable durable) {
    const int handle = ::open(file.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | flags, kPrivateFile);
    if (handle < 0) return refused(file, errno);
    std::size_t done = 0;
    int error = 0;
    while (done < text.size() && error == 0) {
        const ssize_t written = ::write(handle, text.data() + done, text.size() - done);
        if (written >= 0) {
            done += static_cast<std::size_t>(written);
        } else if (errno != EINTR) {
            error = errno;
        }
    }
    if (error == 0 && durable == Durable::kYes && ::fsync(handle) != 0) error = errno;
    ::close(handle);
    if (error == 0) return {};
    ::unlink(file.c_str());  // Half a file is worse than none.
    return refused(file, error);
}

/// As much memory as it has, not as much as it may have.
Result<std::string> read_whole(const fs::path& file) {
    std::error_code ignored;
    const auto size = fs::file_size(file, ignored);
    return read_text_file(file, ignored ? 0 : std::min<std::uintmax_t>(size, kFileMost));
}

std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> out;
    std::istringstream in{text};
    for (std::string line; std::getline(in, line);) out.push_back(line);
    return out;
}

/// What is in only one of the two, in their order; not which line became which.
std::vector<std::string> difference(const std::string& before, const std::string& after) {
    const auto old_lines = lines_of(before);
    const auto new_lines = lines_of(after);
    std::multiset<std::string> old_left{old_lines.begin(), old_lines.end()};
    std::multiset<std::string> new_left{new_lines.begin(), new_lines.end()};
    std::vector<std::string> out;
    const auto tell = [&](const auto& lines, auto& others, const char* sign) {
        for (const std::string& line : lines) {
            const auto found = others.find(line);
            if (found == others.end()) {
                out.push_back(sign + line);
            } else {
                others.erase(found);
            }
        }
    };
    tell(old_lines, new_left, "- ");
    tell(new_lines, old_left, "+ ");
    return out;
}

bool in_git(fs::path folder) {
    for (;; folder = folder.parent_path()) {
        if (fs::exists(folder / ".git")) return true;
        if (folder == folder.root_path()) return false;
    }
}

}  // namespace

// ---- Changes. -------------------------------------------------------------------------------

void Changes::create(const std::string& file, KeyText text, std::string note) {
    told_.push_back({"new", file, std::move(note), {}});
    steps_.push_back({Step::Kind::kCreate, file, std::move(text), {}});
}

void Changes::replace(const std::string& file, const std::string& text) {
    const auto before = read_whole(root_ / file);
    if (before && *before == text) return;
    told_.push_back({before ? "changed" : "new",
                     file,
                     {},
                     before ? difference(*before, text) : std::vector<std::string>{}});
    steps_.push_back({Step::Kind::kReplace, file, KeyText{text}, {}});
}

void Changes::move(const std::string& from, const std::string& to, std::string note) {
    told_.push_back({"moved", from, to + (note.empty() ? "" : ", " + note), {}});
    steps_.push_back({Step::Kind::kMove, to, KeyText{{}}, from});
}

Result<void> Changes::apply() const {
    std::set<fs::path> folders;
    const auto sync_folders = [&]() -> Result<void> {
        for (const fs::path& folder : std::exchange(folders, {})) {
            if (auto done = sync(folder, O_RDONLY | O_DIRECTORY); !done) return done;
        }
        return {};
    };
    for (const Step& step : steps_) {
        // What is known comes after the keys that it tells of.
        if (step.file == kInstallationFile) {
            if (auto done = sync_folders(); !done) return done;
        }
        if (auto done = apply(step); !done) return done;
        folders.insert((root_ / step.file).parent_path());
    }
    return sync_folders();
}

Result<void> Changes::apply(const Step& step) const {
    const fs::path file = root_ / step.file;
    if (auto made = make_folder(root_, file.parent_path()); !made) return made;
    if (step.kind == Step::Kind::kCreate) {
        if (auto done = put(file, step.text.reveal(), O_EXCL, Durable::kYes); !done) return done;
    } else {
        fs::path from = root_ / step.from;
        if (step.kind == Step::Kind::kReplace) {
            from = file.string() + ".part";
            // What follows from what is known is made anew by the next run if it is lost.
            const auto durable = step.file == kInstallationFile ? Durable::kYes : Durable::kNo;
            if (auto done = put(from, step.text.reveal(), O_TRUNC, durable); !done) return done;
        }
        if (::rename(from.c_str(), file.c_str()) != 0) return refused(file, errno);
    }
    return {};
}

// ---- Directory. -----------------------------------------------------------------------------

Result<Directory> Directory::open(const fs::path& given, Need need) {
    std::error_code ignored;
    const fs::path root = fs::absolute(given, ignored).lexically_normal();
    if (in_git(root)) {
        return fail(ErrorKind::kInvalid,
                    root.string() + " is in a git work tree; keys never go into a repository");
    }
    if (need == Need::kMake && ::mkdir(root.c_str(), kPrivateFolder) != 0 && errno != EEXIST) {
        return refused(root, errno);
    }
    struct stat about {};
    if (::stat(root.c_str(), &about) != 0) {
        if (errno != ENOENT) return refused(root, errno);
        return fail(ErrorKind::kNotFound,
                    root.string() + " is not there; synclinectl security init makes it");
    }
    if (!S_ISDIR(about.st_mode)) return refused(root, ENOTDIR);
    if ((about.st_mode & 0077) != 0) {
        return fail(ErrorKind::kInvalid,
                    root.string() + " holds keys, and others may look into it: chmod 700 it first");
    }
    const fs::path file = root / ".lock";
    const int lock = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, kPrivateFile);
    if (lock < 0) return refused(file, errno);
    Directory out{root, lock};
    if (::flock(lock, LOCK_EX | LOCK_NB) != 0) {
        return fail(ErrorKind::kConflict, root.string() + " is being changed by another run");
    }
    if (need == Need::kUse && !out.has(kInstallationFile)) {
        return fail(ErrorKind::kNotFound, "there is no installation in " + root.string() +
                                              "; synclinectl security init makes one");
    }
    return out;
}

Directory::~Directory() {
    if (lock_ >= 0) ::close(lock_);
}

Directory::Directory(Directory&& other) noexcept
    : root_(std::move(other.root_)), lock_(std::exchange(other.lock_, -1)) {}

bool Directory::has(const std::string& file) const { return fs::exists(root_ / file); }

Result<std::string> Directory::read(const std::string& file) const {
    return read_whole(root_ / file);
}

Result<Installation> Directory::installation() const {
    const auto text = read(kInstallationFile);
    if (!text) return fail(text.error());
    auto parsed = parse_installation(*text);
    if (!parsed) return fail(parsed.error(), (root_ / kInstallationFile).string());
    return parsed;
}

Result<Authority> Directory::authority() const {
    const auto certificate = read(std::string{"ca/"} + kAuthorityFile);
    auto key = read("ca/ca.key");
    if (!certificate) return fail(certificate.error());
    if (!key) return fail(key.error());
    const KeyText kept{*std::move(key)};
    return Authority::load(*certificate, kept.reveal());
}

std::vector<std::pair<std::string, std::string>> Directory::revoked() const {
    std::vector<std::pair<std::string, std::string>> out;
    std::error_code ignored;
    for (const auto& user : fs::directory_iterator{root_ / "revoked", ignored}) {
        for (const auto& number : fs::directory_iterator{user.path(), ignored}) {
            out.emplace_back(number.path().string(), user.path().filename().string());
        }
    }
    std::ranges::sort(out);
    return out;
}

void Directory::derive(const Installation& installation, Changes& changes) const {
    const std::string server = kServerFolder;
    const std::string place =
        installation.server_place.empty() ? (root_ / server).string() : installation.server_place;
    changes.replace(server + "/syncline-tls.conf", tls_config(place));
    changes.replace(server + "/syncline-accounts.conf", accounts_config(installation));
    changes.replace(server + "/syncline-leaf.conf", leaf_config(installation, place));
    if (!has(server + "/nats-server.conf")) {
        changes.create(server + "/nats-server.conf", server_config(installation),
                       "yours from now on");
    }
    for (const User& user : installation.users) {
        if (user.revoked()) continue;
        for (const Key& key : user.keys) {
            const std::string folder = folder_of(user.member.name, key.number);
            const std::string where = place_of(*this, installation, user, key);
            changes.replace(folder + "/" + kSettingsFile,
                            settings_of(installation, user, key, where));
            // A leaf node that is known by an nkey would have the seed in its configuration.
            const bool agent = user.member.role == nats::Role::kAgent && key.nkey.empty();
            if (!agent || installation.leaf_listen.empty()) continue;
            changes.replace(folder + "/" + kLeafFile, leaf_server(installation, user, key, where));
            changes.replace(folder + "/" + kLeafSettingsFile,
                            leaf_settings(installation, user, key));
        }
    }
}

std::string folder_of(const std::string& user, unsigned number) {
    return "users/" + user + "/" + std::to_string(number);
}

std::string revoked_folder_of(const std::string& user, unsigned number) {
    return "revoked/" + user + "/" + std::to_string(number);
}

std::string place_of(const Directory& directory, const Installation& installation, const User& user,
                     const Key& key) {
    if (!installation.place.empty()) return installation.place;
    return (directory.root() / folder_of(user.member.name, key.number)).string();
}

}  // namespace syncline::ctl::security
