#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_set>
#include <vector>

#include "hub/ctl/cluster.h"
#include "hub/ctl/session.h"
#include "shared/policy/policy.h"

/// What a program that runs many commands need not read each time. synclinectl has none of it.
namespace syncline::ctl {

/// The open exceptions, by urgency, read once and then only what is newer. What they keep of inputs
/// (`raw`) is left out. Threading: any.
class ExceptionBoard {
public:
    /// Those in order, and what cannot be read. Valid only within the call.
    struct View {
        const std::vector<const ExceptionView*>& open;
        const std::map<std::string, std::string>& damaged;  ///< By subject: what is wrong.
    };
    /// Brings it up to date, and has `look` see it.
    Result<void> look(Session& session, const std::function<void(const View&)>& look);

private:
    void clear();
    Result<void> update(Session& session);
    Result<void> read(Session& session, std::uint64_t last);
    void take(const nats::InMessage& message);

    std::mutex mutex_;
    Timestamp created_;
    std::uint64_t position_ = 0;
    std::map<std::string, ExceptionView, std::less<>> open_;
    std::unordered_set<std::uint64_t> subjects_;  ///< Hashes of all, the settled ones too.
    std::map<std::string, std::string> damaged_;
    std::vector<const ExceptionView*> sorted_;
    bool is_sorted_ = false;
};

/// The regions of entities, as they were a moment ago: a list asks for thousands of them.
class RegionCache {
public:
    static constexpr Duration kFresh = std::chrono::seconds{10};

    /// Null: not known, or too old.
    [[nodiscard]] const std::string* find(const EntityKey& key, Duration now) const;
    void keep(const EntityKey& key, std::string region, Duration now);

private:
    static constexpr std::size_t kMost = 100'000;
    struct Known {
        std::string region;
        Duration at{0};
    };
    std::map<EntityKey, Known> known_;
};

/// Belongs to one thread, but for the board.
class Memory {
public:
    explicit Memory(std::shared_ptr<ExceptionBoard> board) : board_(std::move(board)) {}

    /// kNotFound: none is in force.
    Result<std::shared_ptr<const Policy>> policy_in_force(Session& session);
    [[nodiscard]] ExceptionBoard& board() { return *board_; }
    [[nodiscard]] RegionCache& regions() { return regions_; }

private:
    std::shared_ptr<ExceptionBoard> board_;
    RegionCache regions_;
    std::shared_ptr<const Policy> policy_;
    Timestamp created_;
    std::uint64_t sequence_ = 0;
};

}  // namespace syncline::ctl
