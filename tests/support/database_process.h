#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <sys/types.h>

namespace syncline::test {

/// The process of a database server in a temporary folder of its own, which goes with the object.
/// Run as root it starts as another user. It ends with the test program, however that ends. What
/// does not work throws std::runtime_error with the server's log in its text.
/// Threading: not synchronised.
class DatabaseProcess {
public:
    /// `users`: the first of them that there is, where we are root. `last_signal`: what it gets if
    /// the test program ends.
    DatabaseProcess(const std::string& name, const std::vector<std::string>& users,
                    int last_signal);
    ~DatabaseProcess();
    DatabaseProcess(const DatabaseProcess&) = delete;
    DatabaseProcess& operator=(const DatabaseProcess&) = delete;

    [[nodiscard]] const std::filesystem::path& folder() const { return folder_; }
    [[nodiscard]] std::string log() const;
    /// Makes the folder's `data` by `words`, which takes seconds, or copies what was made before,
    /// a tenth: the first test of a build leaves one for the others. Two that do so at once do no
    /// harm: a rename onto a folder with files fails.
    void make_data(const std::string& template_name, const std::vector<std::string>& words) const;
    void start(const std::vector<std::string>& words) { pid_ = spawn(words); }
    /// It runs no more, and has not been asked to end.
    [[nodiscard]] bool has_ended();
    /// Harmless if it does not run.
    void signal_and_wait(int signal);

private:
    /// Runs `words` as the user of the server in its folder.
    pid_t spawn(const std::vector<std::string>& words) const;
    void own(const std::filesystem::path& path) const;
    void copy_data(const std::filesystem::path& from) const;

    std::filesystem::path folder_;
    uid_t user_ = 0;
    gid_t group_ = 0;
    int last_signal_;
    pid_t pid_ = 0;
};

}  // namespace syncline::test
