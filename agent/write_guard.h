#pragma once

#include <cstdint>
#include <map>
#include <set>

#include "agent/environment.h"
#include "shared/model/ids.h"

namespace syncline::agent {

/// Which records a read may not be believed about, because a write is under way or has just
/// finished: what was read before the write must not be numbered after it. In memory only: a write
/// that a restart interrupts is in the ledger, and is guarded again from there.
class WriteGuard {
public:
    /// `settle`: for how long after a write reads may still bring what was before it, apart from
    /// the read-back lag of the platform: pushed events wait in queues.
    WriteGuard(Duration settle, Duration lag) : settle_(settle), lag_(lag) {}

    void started(const RecordKey& record) { writing_.insert(record); }
    void finished(const RecordKey& record, Duration now) {
        if (writing_.erase(record) > 0) touched(record, now, settle_ + lag_);
    }
    /// The record was read on its own at `now`: a batch whose reading began earlier is older.
    void fetched(const RecordKey& record, Duration now) { touched(record, now, Duration{0}); }

    [[nodiscard]] bool is_writing(const RecordKey& record) const {
        return writing_.contains(record);
    }
    /// True if what a batch says of the record may be older than what is known. `read`: the batch's
    /// number.
    [[nodiscard]] bool is_doubtful(const RecordKey& record, std::uint64_t read,
                                   Duration now) const {
        const auto found = touched_.find(record);
        return found != touched_.end() && (found->second.read >= read || now < found->second.until);
    }

    // A create has no record yet, so while one runs every unknown record of its object may be its.
    std::uint64_t create_started(const ObjectName& object) {
        creating_[object].insert(++creates_);
        return creates_;
    }
    void create_finished(const ObjectName& object, std::uint64_t create) {
        creating_[object].erase(create);
    }
    /// 0 if no create of the object runs; else the newest, which must finish first.
    [[nodiscard]] std::uint64_t newest_create(const ObjectName& object) const {
        const auto found = creating_.find(object);
        return found == creating_.end() || found->second.empty() ? 0 : *found->second.rbegin();
    }
    /// True if all creates up to `create` are finished.
    [[nodiscard]] bool created(const ObjectName& object, std::uint64_t create) const {
        const auto found = creating_.find(object);
        return found == creating_.end() || found->second.empty() || *found->second.begin() > create;
    }

    /// A batch read begins, the `read`th: for it what was touched before is only doubtful for its
    /// time. `oldest`: of those that are not stored yet, itself among them.
    void read_begins(std::uint64_t read, std::uint64_t oldest, Duration now) {
        std::erase_if(touched_, [&](const auto& entry) {
            return entry.second.until <= now && entry.second.read < oldest;
        });
        newest_read_ = read;
    }

private:
    struct Touch {
        Duration until{0};
        std::uint64_t read = 0;  ///< The newest one that had begun.
    };
    void touched(const RecordKey& record, Duration now, Duration length) {
        Touch& touch = touched_[record];
        touch.read = newest_read_;
        touch.until = std::max(touch.until, now + length);
    }

    Duration settle_;
    Duration lag_;
    std::set<RecordKey> writing_;
    std::map<RecordKey, Touch> touched_;
    std::map<ObjectName, std::set<std::uint64_t>> creating_;
    std::uint64_t creates_ = 0;
    std::uint64_t newest_read_ = 0;
};

}  // namespace syncline::agent
