#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include <sys/types.h>

namespace syncline::test {

/// A real nats-server with JetStream on a free port of the loopback, with a store of its own in a
/// temporary folder. It keeps its port over restarts and ends with the test program, however that
/// ends. What does not work throws std::runtime_error with the server's log in its text.
/// Threading: not synchronised.
class NatsServer {
public:
    enum class Version : std::uint8_t {
        kNewest,       ///< Or what the environment variable SYNCLINE_NATS_SERVER names.
        kOldest,       ///< The oldest that Syncline works with.
        kUnsupported,  ///< Older than that.
    };
    struct Options {
        Version version = Version::kNewest;
        std::string config;  ///< More lines for its configuration, such as `authorization {...}`.
        std::string jetstream;  ///< More of its block `jetstream`, such as `domain: hub`.
        enum class Start : std::uint8_t { kAtOnce, kLater } start = Start::kAtOnce;
    };

    NatsServer() : NatsServer(Options{}) {}
    explicit NatsServer(Options options);
    ~NatsServer();
    NatsServer(const NatsServer&) = delete;
    NatsServer& operator=(const NatsServer&) = delete;

    /// `nats://127.0.0.1:<port>`; known before the first start too.
    [[nodiscard]] std::string url() const;
    [[nodiscard]] std::uint16_t port() const { return port_; }
    /// Where everything of it is.
    [[nodiscard]] const std::filesystem::path& folder() const { return folder_; }
    /// 0 while it does not run.
    [[nodiscard]] pid_t pid() const { return pid_; }
    /// Everything it has logged, over all its starts.
    [[nodiscard]] std::string log() const;

    /// Returns when it takes clients. Requires: it does not run.
    void start();
    /// Asks it to end and waits for that. Harmless if it does not run.
    void stop();
    /// Ends it as a crash does. Harmless if it does not run.
    void kill9();
    /// Ends it if it runs and starts it again on the same port and store.
    void restart();
    /// Other lines for the configuration from the next start or reload() on.
    void set_config(std::string config) { options_.config = std::move(config); }
    /// Another version from the next start on.
    void set_version(Version version) { options_.version = version; }
    /// Has the running server read its configuration again; returns when it has.
    void reload();
    /// Removes every stream. Requires: it does not run.
    void wipe_store();
    /// Copies every stream, and puts that copy in the place of what is there now: as after a loss
    /// of power, acknowledged messages are gone. Requires: it does not run.
    void keep_store();
    void go_back_to_kept_store();
    /// It stops in its tracks: connections stay, nothing is answered.
    void pause();
    void resume();

private:
    void write_config() const;
    void spawn();
    void wait_until_ready();
    void signal_and_wait(int signal);

    Options options_;
    std::filesystem::path folder_;
    std::uint16_t port_ = 0;
    pid_t pid_ = 0;
};

}  // namespace syncline::test
