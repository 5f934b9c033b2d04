#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "agent/commit_queue.h"
#include "agent/environment.h"
#include "agent/settings.h"
#include "agent/store.h"
#include "shared/model/receipt.h"
#include "shared/nats/link.h"

namespace syncline::agent {

/// Sends the spool to the hub: per partition in order, many at once, again and again until the
/// hub's receipt. The broker's acknowledgement only moves the sending on; it proves nothing.
class Publisher final : public nats::PublishSink {
public:
    Publisher(const Environment& environment, const AgentSettings::Publishing& settings,
              Store& store, CommitQueue& commits, nats::Link& link);

    /// Begins anew with everything that has no receipt: at the start, in a new epoch, or because
    /// the broker has lost what it had.
    void restart();

    /// Sends what may be sent now. An error is the store's.
    [[nodiscard]] Result<void> pump();
    [[nodiscard]] Duration next_deadline() const;

    enum class History : std::uint8_t { kHeld, kSetBack, kLost };
    /// Takes marks and resend requests. kSetBack: the hub misses entries that it had; they are on
    /// their way again. kLost: the hub misses entries that are no longer held.
    [[nodiscard]] History on_receipt(const Receipt& receipt);

    [[nodiscard]] std::size_t in_flight() const { return sent_.size(); }
    /// Why entries are refused, empty if they are not.
    [[nodiscard]] const std::string& trouble() const { return trouble_; }

    void on_published(std::uint64_t token, const Result<std::uint64_t>& sequence) override;

private:
    /// What is known of the sending to one partition; the store has the rest.
    struct Lane {
        std::uint64_t next = 1;   ///< To be sent next.
        std::uint64_t acked = 0;  ///< Everything up to this is acknowledged, since the last return.
        std::set<std::uint64_t> acked_above;
        std::uint64_t round = 0;  ///< Acknowledgements of an earlier round are void.
        std::uint32_t in_flight = 0;
        bool failing = false;  ///< Nothing more is sent until the rest is answered, and retry_at.
        std::uint32_t failures = 0;
        Duration retry_at{0};
        Duration quiet_since{0};  ///< When a receipt or the first acknowledgement came last.
        std::uint32_t timeouts = 0;
        std::uint64_t resend_from = 0;  ///< What the hub asked for last; 0: nothing.
        std::uint64_t resend_to = 0;
        Duration resend_again_at{0};
    };
    struct Sent {
        Partition partition;
        std::uint64_t seq = 0;
        std::uint64_t round = 0;
        std::size_t bytes = 0;
    };
    struct Load {
        Partition partition;
        std::vector<SpoolEntry> entries;
    };

    void go_back(Partition partition, std::uint64_t to);
    void revive(Partition partition, Duration now);
    void check_receipt_timeout(Partition partition, Duration now);
    Result<void> send_again();
    Result<void> send_next();
    void load_next(Transaction& transaction, std::vector<Load>& loads) const;
    [[nodiscard]] bool has_next(Partition partition) const;
    void publish(Partition partition, const SpoolEntry& entry, std::uint64_t round);
    void on_acknowledged(Lane& lane, std::uint64_t seq);
    void on_refused(Lane& lane, const Error& error);
    History on_mark(const Receipt::Mark& mark);
    History on_resend(const Receipt::Resend& resend);
    void save_receipts();
    [[nodiscard]] std::uint64_t receipted(Partition partition) const;
    [[nodiscard]] Duration receipt_due(Partition partition) const;
    [[nodiscard]] std::size_t room() const;

    const Environment& environment_;
    const AgentSettings::Publishing& settings_;
    Store& store_;
    CommitQueue& commits_;
    nats::Link& link_;

    std::vector<Lane> lanes_;
    std::unordered_map<std::uint64_t, Sent> sent_;  ///< By token.
    std::size_t sent_bytes_ = 0;
    std::uint64_t next_token_ = 1;
    std::uint64_t rounds_ = 0;
    std::uint16_t turn_ = 0;  ///< The partition that is served first next time.
    bool connected_ = false;
    /// Published once more, besides the order: the hub has them already, or finds a gap by them.
    std::deque<std::pair<Partition, std::uint64_t>> again_;
    std::map<Partition, std::uint64_t> new_receipts_;  ///< Not yet in the store.
    Duration save_receipts_at_ = kNever;
    std::string trouble_;
};

}  // namespace syncline::agent
