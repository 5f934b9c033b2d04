#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <sys/types.h>

namespace syncline::bench {

/// CPU that all threads of a process have used, in microseconds; the kernel counts in 10 ms.
[[nodiscard]] double cpu_us_of(pid_t process);

/// The most memory that a process has had resident so far, in KiB.
[[nodiscard]] double most_rss_kib_of(pid_t process);

/// A program of ours under measurement. What it prints goes to a file. It ends with the benchmark,
/// however that ends. What does not work throws std::runtime_error.
class Child {
public:
    Child(const std::vector<std::string>& command, const std::filesystem::path& log);
    ~Child();
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;

    /// Sends the signal and waits for the end.
    void end_by(int signal);
    void signal(int number) const;
    [[nodiscard]] pid_t pid() const { return pid_; }
    [[nodiscard]] double cpu_us() const { return cpu_us_of(pid_); }
    [[nodiscard]] double most_rss_kib() const { return most_rss_kib_of(pid_); }
    [[nodiscard]] bool running();

private:
    pid_t pid_ = 0;
};

}  // namespace syncline::bench
