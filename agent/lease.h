#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "agent/environment.h"
#include "shared/model/value.h"
#include "shared/nats/link.h"

namespace syncline::agent {

/// Until when an agent that has a stand-by may touch its platform, as boot_time() tells.
/// Connectors' threads look here right before each call, so that a process that was stopped for a
/// while does nothing when it wakes up, whichever of its threads is first. Threading: any thread.
class Term {
public:
    [[nodiscard]] bool lasts(Duration now) const { return now.count() < until_.load(); }
    void extend(Duration until) { until_ = until.count(); }
    void end() { until_ = 0; }

private:
    std::atomic<Duration::rep> until_{0};
};

/// Which of several agents of a platform is active: the one whose message is in the bucket
/// `sync_lease`. It is put there by compare-and-set, again and again, and goes by itself when
/// nobody does. Who does not hold it tells that he stands by.
///
/// The broker counts the lifetime from when it stores a message, and the holder from when it began
/// to send it, less a margin: he has ended before anybody else can begin.
/// Threading: the link's. Lifetime: link and term outlive it; call release() or let it expire.
class Lease final : nats::PublishSink {
public:
    static constexpr Duration kLifetime{std::chrono::seconds{10}};  ///< Of the bucket's messages.
    static constexpr Duration kMargin{std::chrono::seconds{5}};
    static constexpr Duration kRenew{std::chrono::seconds{2}};
    static constexpr Duration kTry{std::chrono::seconds{1}};
    static constexpr Duration kTell{std::chrono::seconds{10}};  ///< That it stands by.

    struct Parts {
        nats::Link& link;
        Term& term;
        const Clock& clock;
        std::function<Duration()> boot;  ///< boot_time(), but for tests.
        Notes note;
        PlatformId platform;
        std::string store;     ///< Which store this is; it has one process at a time.
        std::string host;      ///< With `store`: a copied store is not the same one.
        std::string run;       ///< Of this process.
        std::string version;   ///< Of the program.
        std::string own_term;  ///< The newest that this store began; see is_continued().
    };
    explicit Lease(Parts parts);
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    ~Lease();

    /// Does what is due: asks, takes, renews.
    void pump();
    /// How long until something is due.
    [[nodiscard]] Duration wait() const;
    [[nodiscard]] bool is_held() const { return state_ == State::kHeld; }
    /// It was held, and is not any more: end as if killed.
    [[nodiscard]] bool is_lost() const { return state_ == State::kLost; }
    /// Nobody else was active since this store was: a process before this one ended without giving
    /// the lease back, and it had not expired.
    [[nodiscard]] bool is_continued() const { return continued_; }
    /// Names what began when this store took the lease from somebody else, or from nobody.
    [[nodiscard]] const std::string& term_name() const { return term_name_; }

    /// Gives the lease back, so that the next one need not wait, and stands by no more. Nothing may
    /// be under way at the platform.
    void release();
    /// Is that told?
    [[nodiscard]] bool is_released() const { return state_ == State::kReleased && open_ == 0; }

private:
    enum class State : std::uint8_t { kWaiting, kHeld, kLost, kReleased };
    /// Which publish it was.
    enum class Sent : std::uint64_t { kLease, kOther };
    /// Of a lease that this store has.
    struct Own {
        std::string term;
        std::string run;
        std::string since;
    };

    void look();
    void on_found(const Result<std::optional<nats::StoredMessage>>& found);
    void found_while_held(const std::optional<nats::StoredMessage>& found);
    [[nodiscard]] std::optional<Own> own(const nats::StoredMessage& message);
    void put(std::uint64_t expected);
    void on_published(std::uint64_t token, const Result<std::uint64_t>& sequence) override;
    void tell_standby();
    void send(const std::string& subject, const std::string& body, Sent sent,
              std::optional<std::uint64_t> expected, std::span<const nats::Header> headers = {});
    void lose(const std::string& why);
    [[nodiscard]] std::string body(Value::Map more) const;

    Parts p_;
    State state_ = State::kWaiting;
    bool asking_ = false;  ///< An answer is to come.
    int open_ = 0;         ///< Publishes without answer.
    bool continued_ = false;
    std::string term_name_;
    std::uint64_t sequence_ = 0;  ///< Of the lease, while it is held.
    bool sure_ = true;            ///< False: what became of the last renewal is not known.
    Duration sent_at_{0};
    Duration due_{0};
    Duration tell_due_{0};
    std::string since_;
    std::string holder_;  ///< On which machine the active one is.
    /// Answers that come when this is gone find this gone too.
    std::shared_ptr<int> alive_ = std::make_shared<int>();
};

}  // namespace syncline::agent
