#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/commit_queue.h"
#include "agent/core/rate_meter.h"
#include "agent/environment.h"
#include "agent/executor.h"
#include "agent/intake.h"
#include "agent/platform_gate.h"
#include "agent/reconciler.h"
#include "agent/settings.h"
#include "agent/store.h"
#include "shared/model/backfill.h"

namespace syncline::agent {

/// Reads the whole platform by a cursor of its own, a page when nothing else is due, and tells what
/// was never told: a record that the store does not know is told at once, since nothing newer of it
/// can have been; one that it knows otherwise is fetched by itself, as the page may be older than
/// what was told meanwhile. A dry run only counts. Page and counts are stored together, so a
/// restart goes on where it was. Memory holds one page.
class Backfill {
public:
    struct Parts {
        const Environment& environment;
        const AgentSettings& settings;
        Store& store;
        CommitQueue& commits;
        Executor& executor;
        PlatformGate& gate;
        Intake& intake;
        const Reconciler& reconciler;
    };
    explicit Backfill(const Parts& parts) : p_(parts) {}

    /// Takes up what the store remembers.
    [[nodiscard]] Result<void> start();
    /// The newest request; harmless if it is the one that runs, or ran.
    void request(std::string_view text);
    void pump();
    [[nodiscard]] Duration next_deadline() const;
    [[nodiscard]] bool is_under_way() const { return phase_ == Phase::kReading; }

    struct Counts {
        std::uint64_t read = 0;       ///< All that was read, of whatever object.
        std::uint64_t there = 0;      ///< Of the objects that are wanted; the sum of the following.
        std::uint64_t known = 0;      ///< As they were told.
        std::uint64_t unknown = 0;    ///< Never told: told now, unless it is a dry run.
        std::uint64_t different = 0;  ///< Told otherwise: fetched now, unless it is a dry run.
        std::uint64_t unusable = 0;   ///< Do not map; not among `there`.
    };
    struct Status {
        std::string request;  ///< As text; empty: there never was one.
        std::string phase;    ///< "waiting", "reading", "done".
        Counts counts;
        std::optional<std::uint64_t> total;  ///< Of `read`, where the platform can be asked.
        std::uint64_t per_second = 0;
        Timestamp began_at;
        Timestamp ended_at;
        std::string trouble;
    };
    [[nodiscard]] Status status() const;

private:
    enum class Phase : std::uint8_t { kIdle, kReading, kDone };
    /// On its way into the store; in pieces, if the spool has no room for all of it.
    struct Page {
        Batch batch;
        std::uint64_t run = 0;
        std::size_t at = 0;  ///< Records before this are stored.
        Counts counts;       ///< With these.
    };
    struct Piece;

    void begin(const BackfillRequest& request);
    void refuse(std::string trouble);
    void read_on();
    void on_read(Executor::Answer<Batch> answer, std::uint64_t run);
    void store_page();
    void store_piece(Transaction& transaction, const Page& page, Piece& piece);
    void after_piece(const Piece& piece);
    [[nodiscard]] bool may_work() const;
    [[nodiscard]] bool is_wanted(const ObjectName& object) const;
    [[nodiscard]] Duration now() const { return p_.environment.steady(); }

    Parts p_;
    Phase phase_ = Phase::kIdle;
    std::string seen_;  ///< The newest request, as text.
    BackfillRequest request_;
    std::uint64_t run_ = 0;  ///< Counts beginnings; answers to an older one are ignored.
    bool busy_ = false;      ///< A call or a commit is under way.
    bool counted_ = false;   ///< The platform was asked how many records there are.
    Cursor cursor_;
    Counts counts_;
    std::optional<std::uint64_t> total_;
    std::optional<Page> page_;
    RateMeter rate_;
    std::uint32_t failures_ = 0;
    Duration next_read_{0};
    Timestamp began_at_;
    Timestamp ended_at_;
    std::string trouble_;
};

}  // namespace syncline::agent
