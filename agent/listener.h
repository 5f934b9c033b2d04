#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "agent/commit_queue.h"
#include "agent/environment.h"
#include "agent/executor.h"
#include "agent/intake.h"
#include "agent/settings.h"
#include "agent/store.h"

namespace syncline::agent {

/// Hears what the platform says by itself, where it does, and has what it names fetched, or the
/// platform read earlier than it would be. All of it is only a hint: reading goes on as if there
/// were none, and finds the same. What is to be fetched is stored with the position in what the
/// platform says, so a restart loses neither. Threading: as Agent.
class Listener {
public:
    struct Parts {
        const Environment& environment;
        const AgentSettings& settings;
        Store& store;
        CommitQueue& commits;
        Executor& executor;
        Intake& intake;
    };
    explicit Listener(const Parts& parts) : p_(parts) {}

    /// Takes up the position that the store has. An error is the store's.
    [[nodiscard]] Result<void> start();
    void pump();
    [[nodiscard]] Duration next_deadline() const;

    struct Status {
        std::string state;    ///< "up", "down", "starting"; empty: this platform pushes nothing.
        std::string trouble;  ///< Why it is down, or what it cannot hear; else empty.
        Timestamp since;      ///< Of the state.
        std::uint64_t events = 0;
        std::uint64_t own = 0;      ///< Of these, what the agent itself had written.
        std::uint64_t fetched = 0;  ///< Records that were asked for because of them.
        std::uint64_t reads = 0;    ///< Reads that were begun earlier.
    };
    [[nodiscard]] Status status() const;

private:
    enum class State : std::uint8_t { kStarting, kUp, kDown };
    struct Work;

    [[nodiscard]] bool may_listen() const;
    void on_pushed(Executor::Answer<Pushed> answer);
    void on_error(const Error& error, Duration pause);
    void say(const Pushed& pushed);
    void enter(State state);
    void take(Pushed pushed);
    [[nodiscard]] Duration now() const { return p_.environment.steady(); }

    Parts p_;
    std::string position_;
    bool busy_ = false;  ///< A call is under way, or what it brought is being stored.
    Duration next_{0};
    std::uint32_t failures_ = 0;
    State state_ = State::kStarting;
    Timestamp since_;
    std::string trouble_;
    std::uint64_t events_ = 0;
    std::uint64_t own_ = 0;
    std::uint64_t fetched_ = 0;
    std::uint64_t reads_ = 0;
};

}  // namespace syncline::agent
