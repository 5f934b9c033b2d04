#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "hub/ctl/security/authority.h"
#include "hub/ctl/security/installation.h"
#include "shared/base/result.h"

namespace syncline::ctl::security {

/// What is about to be done to a directory; nothing is, before apply(). What is only shown is
/// thrown away, with the keys in it.
class Changes {
public:
    explicit Changes(std::filesystem::path root) : root_(std::move(root)) {}

    /// A file that must not be there yet.
    void create(const std::string& file, KeyText text, std::string note = {});
    void create(const std::string& file, const std::string& text, std::string note = {}) {
        create(file, KeyText{text}, std::move(note));
    }
    /// The file says this from now on; nothing happens if it does already.
    void replace(const std::string& file, const std::string& text);
    void move(const std::string& from, const std::string& to, std::string note);

    struct Told {
        std::string what;  ///< "new", "changed", "moved".
        std::string file;
        std::string note;
        std::vector<std::string> lines;  ///< Of a change: `+ ...` and `- ...`.
    };
    [[nodiscard]] const std::vector<Told>& told() const { return told_; }
    [[nodiscard]] bool empty() const { return steps_.empty(); }
    /// In the order in which they were added, each on disk before the next.
    /// kConflict: a file to create is there; kUnavailable, kDenied, kFull: what the system says.
    [[nodiscard]] Result<void> apply() const;

private:
    struct Step {
        enum class Kind : std::uint8_t { kCreate, kReplace, kMove } kind;
        std::string file;
        KeyText text;
        std::string from;
    };
    [[nodiscard]] Result<void> apply(const Step& step) const;
    std::filesystem::path root_;
    std::vector<Step> steps_;
    std::vector<Told> told_;
};

/// The directory that an operator keeps, held alone while the object lives.
///
///     installation.json   who is there; no secrets
///     ca/                 the authority and its key
///     server/             what the server's machine needs
///     users/NAME/NUMBER/  what a user's program needs
///     revoked/NAME/NUMBER/
class Directory {
public:
    enum class Need : std::uint8_t { kMake, kUse };
    /// kInvalid: others may look into it, or it is in a git work tree. kNotFound (kUse): there is
    /// no installation in it. kConflict: another run holds it.
    static Result<Directory> open(const std::filesystem::path& root, Need need);
    ~Directory();
    Directory(Directory&& other) noexcept;
    Directory& operator=(Directory&&) = delete;

    [[nodiscard]] const std::filesystem::path& root() const { return root_; }
    [[nodiscard]] bool has(const std::string& file) const;
    [[nodiscard]] Result<std::string> read(const std::string& file) const;
    [[nodiscard]] Result<Installation> installation() const;
    [[nodiscard]] Result<Authority> authority() const;
    /// Keys that are no longer good: folder and user's name.
    [[nodiscard]] std::vector<std::pair<std::string, std::string>> revoked() const;

    /// Everything that follows from what is known: configuration, settings.
    void derive(const Installation& installation, Changes& changes) const;

private:
    explicit Directory(std::filesystem::path root, int lock)
        : root_(std::move(root)), lock_(lock) {}
    std::filesystem::path root_;
    int lock_ = -1;
};

inline constexpr const char* kInstallationFile = "installation.json";
inline constexpr const char* kServerFolder = "server";
/// "users/agent-crm/1", and where it goes when it is revoked.
[[nodiscard]] std::string folder_of(const std::string& user, unsigned number);
[[nodiscard]] std::string revoked_folder_of(const std::string& user, unsigned number);
/// Where the program finds its files.
[[nodiscard]] std::string place_of(const Directory& directory, const Installation& installation,
                                   const User& user, const Key& key);

}  // namespace syncline::ctl::security
