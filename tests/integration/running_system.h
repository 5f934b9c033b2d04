#pragma once

// The programs as processes: a real nats-server, a hub, and agents beside file drops. `shop` is
// where customers come from, `books` is told of them; what arrived there is what was not lost.
#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

#include <gtest/gtest.h>

#include "tests/support/nats_server.h"

namespace syncline::test {

/// One of our programs, until it ends or the object does. It dies with the test program.
class Program {
public:
    struct Setting {
        std::filesystem::path log;         ///< What it says goes to the end of this file.
        std::filesystem::path small_disk;  ///< Not empty: a folder that is a disk of 4 MiB for it.
    };
    static constexpr int kNoDisk = 77;  ///< It ends with this where no disk may be mounted.

    Program(const std::string& name, std::vector<std::string> words, Setting setting);
    ~Program();
    Program(const Program&) = delete;
    Program& operator=(const Program&) = delete;

    [[nodiscard]] std::string said() const;
    [[nodiscard]] bool says(std::string_view text) const {
        return said().find(text) != std::string::npos;
    }
    [[nodiscard]] bool runs();
    /// `path` as the program sees it, which may have a disk of its own.
    [[nodiscard]] std::filesystem::path seen(const std::filesystem::path& path) const;
    /// Waits until it has ended; its exit code, or -1 if it was killed.
    int wait();
    /// SIGTERM, and wait().
    int stop();
    void kill9();
    void signal(int number) const;

private:
    std::filesystem::path log_;
    pid_t pid_ = 0;
    int exit_ = -1;
};

/// Looks at `condition` until it holds; false if it takes longer than any of our waits may.
[[nodiscard]] bool until(const std::function<bool()>& condition,
                         std::chrono::milliseconds every = std::chrono::milliseconds{10});

/// A folder with everything in it, and what the tests do to it.
class RunningSystem : public testing::Test {
protected:
    explicit RunningSystem(NatsServer::Options options = {});
    ~RunningSystem() override;

    /// The file of an agent with a file drop; `more` goes before its first table.
    void write_agent(const std::string& platform, const std::string& more = {});
    void write(const std::string& name, const std::string& text) const;
    [[nodiscard]] std::string read(const std::string& name) const;
    [[nodiscard]] std::unique_ptr<Program> start_hub();
    [[nodiscard]] std::unique_ptr<Program> start_agent(const std::string& platform,
                                                       const std::filesystem::path& disk = {});
    /// Hub, `shop` and `books`, connected and at work.
    void start_all();

    /// A file for `shop`, or another: JSONL, a row each. It is there at once and whole.
    void drop(const std::string& name, const std::string& rows,
              const std::string& platform = "shop") const;
    [[nodiscard]] static std::string row(const std::string& number, const std::string& name);
    [[nodiscard]] bool waits(const std::string& name) const;  ///< Not taken from `in/` yet.
    /// Numbers of the customers that `books` was told of.
    [[nodiscard]] std::set<std::string> arrived() const;
    [[nodiscard]] bool arrives(const std::set<std::string>& numbers) const;
    /// synclinectl; what it says, whatever it exits with.
    [[nodiscard]] std::string ctl(std::vector<std::string> words) const;
    /// Waits until it says `text`, or if it is to end, no more.
    enum class Says : std::uint8_t { kYes, kNoMore };
    [[nodiscard]] bool ctl_says(const std::vector<std::string>& words, const std::string& text,
                                Says says = Says::kYes) const;

    std::filesystem::path folder;
    NatsServer server;
    std::string nats_servers;  ///< Where ctl() asks; with commas between.
    std::unique_ptr<Program> hub, shop, books;
};

}  // namespace syncline::test
