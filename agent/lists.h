#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "agent/commit_queue.h"
#include "agent/environment.h"
#include "agent/list_executor.h"
#include "agent/settings.h"
#include "agent/store.h"
#include "shared/model/list.h"
#include "shared/nats/link.h"
#include "shared/wire/list_parts.h"
#include "shared/wire/subjects.h"

namespace syncline::agent {

/// Lists of reference data, at both ends. When the hub asks, a source's list is read as a whole,
/// cut into parts, and those that differ from what was sent last go into the spool with the
/// manifest, in one transaction. When the hub says which generation the platform shall have, the
/// parts that are not held are fetched and kept, and once all are there the platform's list is
/// replaced. Whatever fails is tried again; of half a list nothing is ever told or written.
/// Threading: the agent's.
class Lists {
public:
    struct Parts {
        const Environment& environment;
        const AgentSettings& settings;
        Store& store;
        CommitQueue& commits;
        nats::Link& link;
        ListExecutor* executor;  ///< Null: this platform has no lists.
        std::vector<ListName> lists;
    };
    explicit Lists(Parts parts) : p_(std::move(parts)) {}

    [[nodiscard]] Result<void> start();
    /// The newest message about a list.
    enum class Seen : std::uint8_t {
        kStored,  ///< Just now: it wants an answer, even if it says what is known.
        kFound,   ///< It may have stood there for long.
    };
    void wish(const subjects::ListWishSubject& subject, std::string_view body, Seen seen);
    /// Looks for wishes that were missed.
    void look();
    void pump();
    [[nodiscard]] Duration next_deadline() const;

private:
    static constexpr std::size_t kWhyMost = 240;  ///< Bytes of a reason that are kept.

    /// Of what is tried again until it works.
    struct Attempt {
        std::uint32_t failures = 0;
        Duration at{0};
        std::string told;  ///< What the hub knows of its failing.
        bool busy = false;
    };
    struct Source {
        std::string wanted;  ///< The newest request.
        std::string seen;    ///< The newest that was followed.
        Attempt attempt;
    };
    struct Target {
        ListTake wanted;
        ListTake has;
        bool answers = false;  ///< The hub is to be told what it has.
        Attempt attempt;
        // Of the generation that is being fetched.
        ListTake taking;
        std::vector<std::string> parts;
        std::deque<std::string> to_fetch;
        std::map<std::string, std::string> fetched;
        std::size_t waiting = 0;
        std::uint64_t run = 0;
    };
    using Found = Result<std::optional<nats::StoredMessage>>;

    void failed(const ListName& list, Attempt& attempt, const std::string& why);
    [[nodiscard]] bool has_room(std::uint64_t bytes) const;
    void append(Transaction& transaction, ListNews news);
    [[nodiscard]] ListNews news_of(const ListName& list, ListNews::Kind kind) const;

    // A source's list.
    void read(const ListName& list, Source& source);
    void on_read(const ListName& list, const std::string& request, Timestamp began,
                 Result<ListRows> rows);
    void send(const ListName& list, const std::string& request, Timestamp began, wire::CutList cut,
              const ListManifest& sent);
    void cannot_read(const ListName& list, const std::string& request, const Error& error);

    // A list that is given.
    void take(const ListName& list, Target& target);
    void on_manifest(const ListName& list, const Found& found);
    void fetch(const ListName& list, Target& target);
    void on_part(const ListName& list, const std::string& digest, const Found& found);
    void keep(const ListName& list, Target& target);
    void replace(const ListName& list, const std::vector<std::string>& bodies);
    void on_replaced(const ListName& list, const Result<void>& done);
    void cannot_take(const ListName& list, const Error& error);
    void confirm(const ListName& list, Target& target);
    void get_part(const ListName& list, Target& target, const std::string& digest,
                  std::function<void(const Found&)> then);

    [[nodiscard]] Duration now() const { return p_.environment.steady(); }

    Parts p_;
    std::map<ListName, Source> sources_;
    std::map<ListName, Target> targets_;
    std::uint64_t ids_ = 0;
    std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

}  // namespace syncline::agent
