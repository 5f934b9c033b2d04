#pragma once

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "agent/executor.h"

namespace syncline::test {

/// A platform in memory with a log of its changes, spoken to through an Executor whose answers
/// come with deliver(). Each write takes the first of `scripts`, or works, also each within a
/// batch.
class ScriptedPlatform final : public agent::Executor {
public:
    using Key = std::pair<ObjectName, RecordId>;
    enum class Effect { kNone, kApplied };
    struct Script {
        Effect effect = Effect::kNone;
        ErrorKind error = ErrorKind::kUnavailable;
        Duration pause{0};
    };

    std::map<Key, agent::Record> records;
    std::deque<Script> scripts;
    std::optional<Error> down;        ///< Every call fails with it.
    std::optional<Error> reads_fail;  ///< Reads, fetches and finds do.
    agent::Connector::Traits the_traits{.has_marker = true};
    bool marks = true;         ///< Creates set the marker.
    bool tells_record = true;  ///< Writes answer with the record.
    bool holds_reads = false;  ///< Batches are answered when release_reads() is called.
    bool holds_fetches = false;
    bool holds_writes = false;             ///< They are applied, and answered by release_writes().
    std::vector<Command> writes;           ///< Every one that was asked for.
    std::vector<std::size_t> write_calls;  ///< How many went in each call.
    std::vector<std::size_t> fetch_calls;  ///< The same, of fetches.
    std::optional<Script> batch_script;    ///< What becomes of the next batch of writes.
    std::vector<std::string> batch_notes;  ///< Told with the next.
    bool batch_reversed = false;           ///< The results of the next are in another order.
    std::set<std::string> fetched_alone;   ///< Records that a batch of fetches does not tell of.
    std::size_t applied = 0;               ///< Mutations.
    std::size_t reads = 0;
    std::size_t surveys = 0;
    std::size_t fetches = 0;
    std::size_t finds = 0;
    bool pages_surveys = false;         ///< They heed `max`.
    std::function<void()> on_surveyed;  ///< Called once, when the first is taken and not answered.
    std::optional<std::size_t> surveys_until_silence;  ///< Those after so many are not answered.
    std::optional<std::uint64_t> records_counted;      ///< What count() says; nothing: it cannot.
    std::vector<std::string> stored_cursors;
    std::vector<std::string> listened;          ///< Positions that listening went on from.
    std::vector<agent::Batch::Reject> rejects;  ///< Told with the next batch.
    std::vector<agent::Batch::Looked> looked;   ///< Told with each.
    std::function<Fields(const Fields&)> normaliser;
    agent::CallCost cost;  ///< Of every call.

    /// Somebody edits the platform.
    void put(const char* id, Fields fields, std::optional<EntityId> marker = std::nullopt) {
        const Key key{ObjectName{"customer"}, RecordId{id}};
        agent::Record& record = records[key];
        if (marker) record.marker = marker;
        record.object = key.first;
        record.id = key.second;
        record.deleted = false;
        record.partial = false;
        record.fields = std::move(fields);
        log_.push_back(record);
    }
    void put_partial(const char* id, Fields fields) {
        put(id, std::move(fields));
        log_.back().partial = true;
        log_.back().fields = {};
    }
    void remove(const char* id) {
        const Key key{ObjectName{"customer"}, RecordId{id}};
        records.erase(key);
        log_.push_back({.object = key.first, .id = key.second, .deleted = true});
    }
    /// The platform says something to who listens, now or when somebody does.
    void say(Result<agent::Pushed> said) {
        said_.push_back(std::move(said));
        tell();
    }
    /// That a record changed.
    void say(const char* id, const char* position, bool only_if_known = false) {
        agent::Pushed said{.position = position, .events = 1};
        said.records.push_back({ObjectName{"customer"}, RecordId{id}, only_if_known});
        say(said);
    }
    /// As remove(), but the log does not tell.
    void vanish(const char* id) { records.erase({ObjectName{"customer"}, RecordId{id}}); }
    void forget_log_of(const char* id) {
        std::erase_if(log_, [&](const agent::Record& told) { return told.id == RecordId{id}; });
    }
    [[nodiscard]] const agent::Record* find_record(const char* id) const {
        const auto found = records.find({ObjectName{"customer"}, RecordId{id}});
        return found == records.end() ? nullptr : &found->second;
    }

    [[nodiscard]] bool has_events() const { return !events_.empty(); }
    bool deliver() {
        bool any = false;
        while (!events_.empty()) {
            auto event = std::move(events_.front());
            events_.pop_front();
            event();
            any = true;
        }
        return any;
    }
    void forget() {
        events_.clear();
        held_reads_.clear();
        held_fetches_.clear();
        held_writes_.clear();
        listener_ = nullptr;
    }
    void release_reads() { release(held_reads_, holds_reads); }
    void release_fetches() { release(held_fetches_, holds_fetches); }
    void release_writes() { release(held_writes_, holds_writes); }
    void release_one_write() {
        events_.push_back(std::move(held_writes_.front()));
        held_writes_.erase(held_writes_.begin());
    }

    void read(const agent::Cursor& from, std::size_t max, Done<agent::Batch> done) override {
        ++reads;
        agent::Executor::Answer<agent::Batch> answer{.result = {}, .cost = cost};
        if (down || reads_fail) {
            answer.result = fail(down ? *down : *reads_fail);
        } else {
            answer.result = batch(from, max);
        }
        queue(holds_reads ? held_reads_ : events_, [done, answer] { done(answer); });
    }
    void survey(const agent::Cursor& from, std::size_t max, Done<agent::Batch> done) override {
        ++surveys;
        agent::Executor::Answer<agent::Batch> answer{.result = {}, .cost = cost};
        answer.result = down ? Result<agent::Batch>{fail(*down)} : page(from, max);
        if (on_surveyed) std::exchange(on_surveyed, nullptr)();
        if (surveys_until_silence && surveys > *surveys_until_silence) return;
        queue(events_, [done, answer] { done(answer); });
    }
    void count(Done<std::uint64_t> done) override {
        if (!records_counted) return;
        queue(events_, [done, counted = *records_counted] { done({counted}); });
    }
    void listen(const std::string& position, Done<agent::Pushed> done) override {
        listened.push_back(position);
        listener_ = std::move(done);
        tell();
    }
    void stored(const agent::Cursor& cursor) override { stored_cursors.push_back(cursor.text); }
    void fetch(const ObjectName& object, const RecordId& id,
               Done<std::optional<agent::Record>> done) override {
        ++fetches;
        fetch_calls.push_back(1);
        look(held(object, id), done);
    }
    [[nodiscard]] std::size_t fetch_max(const ObjectName&, const RecordId&) const override {
        return the_traits.batch_max;
    }
    void fetch_all(const ObjectName& object, const std::vector<RecordId>& ids,
                   Done<agent::Each<std::optional<agent::Record>>> done) override {
        fetches += ids.size();
        fetch_calls.push_back(ids.size());
        agent::Executor::Answer<agent::Each<std::optional<agent::Record>>> answer{.result = {},
                                                                                  .cost = cost};
        for (const RecordId& id : ids) {
            if (fetched_alone.contains(id.text)) {
                answer.result->results.emplace_back(fail(ErrorKind::kUnsupported, "not told"));
            } else {
                answer.result->results.emplace_back(held(object, id));
            }
        }
        if (down || reads_fail) answer.result = fail(down ? *down : *reads_fail);
        queue(holds_fetches ? held_fetches_ : events_, [done, answer] { done(answer); });
    }
    void find(const ObjectName& object, const EntityId& entity,
              Done<std::optional<agent::Record>> done) override {
        ++finds;
        std::optional<agent::Record> found;
        for (const auto& [key, record] : records) {
            if (key.first == object && record.marker == entity) found = record;
        }
        look(found, done);
    }
    void write(const Command& command, Done<agent::Written> done) override {
        write_calls.push_back(1);
        agent::Executor::Answer<agent::Written> answer{.result = {}, .cost = cost};
        answer.result = written(command, answer.pause);
        queue(holds_writes ? held_writes_ : events_, [done, answer] { done(answer); });
    }
    [[nodiscard]] std::size_t write_max(const Command&) const override {
        return the_traits.batch_max;
    }
    void write_all(const std::vector<Command>& commands,
                   Done<agent::Each<agent::Written>> done) override {
        write_calls.push_back(commands.size());
        agent::Executor::Answer<agent::Each<agent::Written>> answer{.result = {}, .cost = cost};
        const auto script = std::exchange(batch_script, std::nullopt);
        if (script || down) {
            for (const Command& command : commands) {
                writes.push_back(command);
                if (script && script->effect == Effect::kApplied) std::ignore = apply(command);
            }
            answer.result = down ? fail(*down) : fail(script->error, "scripted");
            answer.pause = script ? script->pause : Duration{0};
        } else {
            for (const Command& command : commands) {
                answer.result->results.push_back(written(command, answer.pause));
            }
            if (std::exchange(batch_reversed, false)) std::ranges::reverse(answer.result->results);
            answer.result->notes = std::exchange(batch_notes, {});
        }
        queue(holds_writes ? held_writes_ : events_, [done, answer] { done(answer); });
    }
    [[nodiscard]] agent::Cursor full_read_start() const override { return {"full:0"}; }
    [[nodiscard]] agent::Connector::Traits traits() const override { return the_traits; }
    [[nodiscard]] Fields normal_form(const ObjectName&, const Fields& fields) const override {
        return normaliser ? normaliser(fields) : fields;
    }

private:
    using Events = std::deque<std::function<void()>>;
    static void queue(Events& events, std::function<void()> event) {
        events.push_back(std::move(event));
    }
    void release(Events& held, bool& flag) {
        flag = false;
        for (auto& event : held) events_.push_back(std::move(event));
        held.clear();
    }
    void tell() {
        if (!listener_ || said_.empty()) return;
        agent::Executor::Answer<agent::Pushed> answer{.result = std::move(said_.front())};
        said_.pop_front();
        queue(events_, [done = std::exchange(listener_, nullptr), answer] { done(answer); });
    }
    [[nodiscard]] std::optional<agent::Record> held(const ObjectName& object,
                                                    const RecordId& id) const {
        const auto found = records.find({object, id});
        return found == records.end() ? std::nullopt : std::optional{found->second};
    }
    Result<agent::Written> written(const Command& command, Duration& pause) {
        writes.push_back(command);
        std::optional<Script> script;
        if (!scripts.empty()) {
            script = scripts.front();
            scripts.pop_front();
        }
        if (down) return fail(*down);
        if (!script) return apply(command);
        if (script->effect == Effect::kApplied) std::ignore = apply(command);
        pause = script->pause;
        return fail(script->error, "scripted");
    }
    void look(std::optional<agent::Record> found, Done<std::optional<agent::Record>> done) {
        agent::Executor::Answer<std::optional<agent::Record>> answer{.result = {}, .cost = cost};
        answer.result = std::move(found);
        if (down || reads_fail) answer.result = fail(down ? *down : *reads_fail);
        queue(holds_fetches ? held_fetches_ : events_, [done, answer] { done(answer); });
    }
    agent::Batch page(const agent::Cursor& from, std::size_t max) {
        if (!pages_surveys) return batch(from, max);
        agent::Batch page;
        const std::size_t skip = std::stoul(from.text.substr(from.text.find(':') + 1));
        std::size_t at = 0;
        for (const auto& [key, record] : records) {
            if (at++ < skip) continue;
            if (page.records.size() == max) {
                page.more = true;
                break;
            }
            page.records.push_back(record);
        }
        page.next.text = "full:" + std::to_string(skip + page.records.size());
        return page;
    }
    agent::Batch batch(const agent::Cursor& from, std::size_t max) {
        agent::Batch batch;
        batch.rejects = std::exchange(rejects, {});
        batch.looked = looked;
        if (from.text.starts_with("full:")) {
            for (const auto& [key, record] : records) batch.records.push_back(record);
            batch.next.text = std::to_string(log_.size());
            return batch;
        }
        std::size_t at = from.text.empty() ? 0 : std::stoul(from.text);
        while (at < log_.size() && batch.records.size() < max) batch.records.push_back(log_[at++]);
        batch.next.text = std::to_string(at);
        batch.more = at < log_.size();
        return batch;
    }
    Result<agent::Written> apply(const Command& command) {
        const ObjectName& object = command.entity.object;
        RecordId id = command.record.value_or(RecordId{"new-" + std::to_string(++made_)});
        if (command.kind == CommandKind::kCreate && the_traits.create_is_idempotent) {
            for (const auto& [key, record] : records) {
                if (record.marker == command.entity.entity) id = record.id;
            }
        }
        ++applied;
        if (command.kind == CommandKind::kDelete) {
            if (records.erase({object, id}) == 0) return fail(ErrorKind::kNotFound, "gone");
            log_.push_back({.object = object, .id = id, .deleted = true});
            return agent::Written{.id = id};
        }
        if (command.kind == CommandKind::kUpdate && !records.contains({object, id})) {
            return fail(ErrorKind::kNotFound, "gone");
        }
        agent::Record& record = records[{object, id}];
        record.object = object;
        record.id = id;
        if (command.kind == CommandKind::kCreate && marks) record.marker = command.entity.entity;
        const Fields wanted = normaliser ? normaliser(command.fields) : command.fields;
        for (const auto& [name, value] : wanted) record.fields.set(name, value);
        log_.push_back(record);
        agent::Written written{.id = id};
        if (tells_record) written.record = record;
        return written;
    }

    std::vector<agent::Record> log_;
    std::deque<Result<agent::Pushed>> said_;
    Done<agent::Pushed> listener_;
    Events events_;
    Events held_reads_;
    Events held_fetches_;
    Events held_writes_;
    int made_ = 0;
};

}  // namespace syncline::test
