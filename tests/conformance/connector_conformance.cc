#include "tests/conformance/connector_conformance.h"

#include <chrono>
#include <map>
#include <thread>

#include <gtest/gtest.h>

namespace syncline::test {
namespace {

using agent::Batch;
using agent::Connector;
using agent::Cursor;
using agent::Record;
using namespace std::chrono_literals;

class Conformance : public testing::Test {
public:
    explicit Conformance(const PlatformMaker& maker) : maker_(maker) {}

protected:
    void SetUp() override {
        platform = maker_();
        restart();
    }
    void restart() {
        connector = platform->connector();
        const auto connected = connector->connect({});
        ASSERT_TRUE(connected) << connected.error().what;
    }

    /// Reads and stores until there is no more; `seen` then holds what the platform told last.
    void read_all(std::size_t max = 50) {
        for (int pages = 0; pages < 2'000; ++pages) {
            const auto batch = connector->read(cursor, max, {});
            ASSERT_TRUE(batch) << batch.error().what;
            for (const auto& reject : batch->rejects) FAIL() << reject.reason;
            note(*batch);
            cursor = batch->next;
            const auto stored = connector->stored(cursor);
            ASSERT_TRUE(stored) << stored.error().what;
            if (!batch->more) return;
        }
        FAIL() << "reading does not end";
    }
    void note(const Batch& batch) {
        for (const Record& record : batch.records) {
            EXPECT_EQ(record.object, platform->object());
            if (record.deleted) {
                seen.erase(record.id.text);
                deleted.insert_or_assign(record.id.text, true);
                continue;
            }
            const Value* const value = record.fields.find(platform->field());
            ASSERT_NE(value, nullptr);
            seen[record.id.text] = value->get<std::string>() ? *value->get<std::string>() : "";
        }
    }

    Command command(CommandKind kind, const std::string& text, std::uint64_t n = 1) const {
        Command result;
        result.kind = kind;
        result.platform = PlatformId{"p"};
        result.entity = {platform->object(), entity(n)};
        result.generation = ++generation_;
        result.fields = Fields{{platform->field(), Value{text}}};
        return result;
    }
    static EntityId entity(std::uint64_t n) {
        std::string text = std::to_string(n);
        return EntityId{std::string(24 - text.size(), 'a') + text};
    }
    /// Creates and, if the platform told no id by itself, goes on with the one it told.
    agent::Written create(const std::string& text, std::uint64_t n = 1) {
        const auto written = connector->write(command(CommandKind::kCreate, text, n), {});
        if (!written) throw std::runtime_error(written.error().what);
        return *written;
    }

    const PlatformMaker& maker_;
    std::unique_ptr<Platform> platform;
    std::unique_ptr<Connector> connector;
    Cursor cursor;
    std::map<std::string, std::string> seen;
    std::map<std::string, bool> deleted;
    mutable std::uint64_t generation_ = 0;
};

class ReadsAllFromEmpty : public Conformance {
public:
    using Conformance::Conformance;
    void TestBody() override {
        read_all();
        EXPECT_TRUE(seen.empty());
        std::map<std::string, std::string> made;
        for (int i = 0; i < 7; ++i) {
            const std::string text = "name " + std::to_string(i) + " äö 'quoted' \"x\"";
            made[platform->create(text)] = text;
        }
        platform->settle();
        read_all();
        EXPECT_EQ(seen, made);
        seen.clear();
        restart();
        // What cannot be asked for a record holds no state that could be read again.
        if (!connector->traits().can_fetch) return;
        cursor = connector->full_read_start();
        read_all();
        EXPECT_EQ(seen, made);
    }
};

class ReadsOnlyWhatChanged : public Conformance {
public:
    using Conformance::Conformance;
    void TestBody() override {
        const std::string kept = platform->create("kept");
        const std::string edited = platform->create("before");
        const std::string removed = platform->create("removed");
        platform->settle();
        read_all();
        ASSERT_EQ(seen.size(), 3u);
        seen.clear();
        platform->edit(edited, "after");
        platform->remove(removed);
        platform->settle();
        read_all();
        EXPECT_EQ(seen[edited], "after");
        EXPECT_FALSE(seen.contains(removed));
        if (platform->tells_deletions()) {
            EXPECT_TRUE(deleted.contains(removed));
        }
        seen.clear();
        platform->settle();
        read_all();
        EXPECT_TRUE(seen.empty() || seen.size() <= 2u) << "only an overlap may come again";
    }
};

class PassesTies : public Conformance {
public:
    using Conformance::Conformance;
    void TestBody() override {
        platform->create_many(430, "tie");
        platform->settle();
        read_all(20);
        EXPECT_EQ(seen.size(), 430u);
    }
};

class StartsAgainAtAnyPage : public Conformance {
public:
    using Conformance::Conformance;
    void TestBody() override {
        platform->create_many(430, "x");
        platform->settle();
        std::map<std::string, std::string> before;
        for (int pages = 0; pages < 200; ++pages) {
            const auto batch = connector->read(cursor, 100, {});
            ASSERT_TRUE(batch) << batch.error().what;
            // The process ends before the batch is stored, and once more after it.
            restart();
            const auto again = connector->read(cursor, 100, {});
            ASSERT_TRUE(again) << again.error().what;
            note(*again);
            cursor = again->next;
            restart();
            if (!again->more) break;
        }
        EXPECT_EQ(seen.size(), 430u);
    }
};

class CreatesOnceThoughToldTwice : public Conformance {
public:
    using Conformance::Conformance;
    void TestBody() override {
        const auto before = platform->count();
        const Command once = command(CommandKind::kCreate, "Ada");
        const auto first = connector->write(once, {});
        ASSERT_TRUE(first) << first.error().what;
        EXPECT_FALSE(first->id.empty());
        restart();
        const agent::Connector::Traits traits = connector->traits();
        if (!traits.create_is_idempotent && traits.has_marker) {
            const auto found = connector->find(platform->object(), entity(1), {});
            ASSERT_TRUE(found && *found);
            EXPECT_EQ((*found)->id, first->id);
        }
        EXPECT_TRUE(traits.create_is_idempotent || traits.has_marker)
            << "a create in doubt can neither be repeated nor verified";
        const auto second = connector->write(once, {});
        ASSERT_TRUE(second) << second.error().what;
        EXPECT_EQ(second->id, first->id);
        if (before) {
            EXPECT_EQ(*platform->count(), *before + 1);
        }
    }
};

class UpdatesAndDeletes : public Conformance {
public:
    using Conformance::Conformance;
    void TestBody() override {
        const agent::Written made = create("before");
        Command update = command(CommandKind::kUpdate, "after 'x' ^ \\ \"y\"");
        update.record = made.id;
        const auto updated = connector->write(update, {});
        ASSERT_TRUE(updated) << updated.error().what;
        EXPECT_EQ(updated->id, made.id);
        if (platform->can_fetch()) {
            const auto fetched = connector->fetch(platform->object(), made.id, {});
            ASSERT_TRUE(fetched && *fetched);
            EXPECT_EQ(*(*fetched)->fields.find(platform->field()),
                      *update.fields.find(platform->field()));
        } else {
            EXPECT_EQ(connector->fetch(platform->object(), made.id, {}).error().kind,
                      ErrorKind::kUnsupported);
        }
        Command removal = command(CommandKind::kDelete, "");
        removal.record = made.id;
        ASSERT_TRUE(connector->write(removal, {}));
        ASSERT_TRUE(connector->write(removal, {})) << "repeating is harmless";
        if (!platform->can_fetch()) return;
        const auto gone = connector->fetch(platform->object(), made.id, {});
        ASSERT_TRUE(gone) << gone.error().what;
        EXPECT_FALSE(*gone);
        const auto late = connector->write(update, {});
        ASSERT_FALSE(late);
        EXPECT_EQ(late.error().kind, ErrorKind::kNotFound);
    }
};

class FindsByMarkerOrSaysItCannot : public Conformance {
public:
    using Conformance::Conformance;
    void TestBody() override {
        const auto nobody = connector->find(platform->object(), entity(77), {});
        if (!connector->traits().has_marker) {
            ASSERT_FALSE(nobody);
            EXPECT_EQ(nobody.error().kind, ErrorKind::kUnsupported);
            return;
        }
        ASSERT_TRUE(nobody) << nobody.error().what;
        EXPECT_FALSE(*nobody);
        const agent::Written made = create("Ada", 5);
        create("Bob", 6);
        const auto found = connector->find(platform->object(), entity(5), {});
        ASSERT_TRUE(found && *found);
        EXPECT_EQ((*found)->id, made.id);
        EXPECT_EQ((*found)->marker, entity(5));
        EXPECT_EQ(*(*found)->fields.find(platform->field()), Value{"Ada"});
        // A hostile marker is data, not a condition.
        for (const char* hostile : {"x' OR Name != '", "x^NQsys_id!=1", "x\\", "x\n", "'", "%_"}) {
            const auto none = connector->find(platform->object(), EntityId{hostile}, {});
            EXPECT_TRUE(!none || !*none) << hostile;
        }
    }
};

class TellsFaultsByTheirClass : public Conformance {
public:
    using Conformance::Conformance;
    void TestBody() override {
        const agent::Written made = create("before", 9);
        std::uint64_t n = 100;
        for (const Platform::Fault& fault : platform->faults()) {
            SCOPED_TRACE(fault.name);
            if (!fault.committed) {
                fault.arm();
                const auto read = connector->fetch(platform->object(), made.id, {});
                platform->clear_faults();
                ASSERT_FALSE(read);
                EXPECT_EQ(read.error().kind, fault.read) << read.error().what;
            }
            const auto before = platform->count();
            Command update = command(CommandKind::kUpdate, "after " + fault.name);
            update.record = made.id;
            fault.hit_write();
            const auto written = connector->write(update, {});
            platform->clear_faults();
            ASSERT_FALSE(written);
            EXPECT_EQ(written.error().kind, fault.write) << written.error().what;
            if (fault.write == ErrorKind::kDenied) {
                restart();
                continue;
            }
            // A create: whatever was said, doing it again makes one record and not two.
            const Command doubtful = command(CommandKind::kCreate, fault.name, ++n);
            fault.hit_write();
            std::ignore = connector->write(doubtful, {});  // Told above.
            platform->clear_faults();
            const auto again = connector->write(doubtful, {});
            ASSERT_TRUE(again) << again.error().what;
            if (before) {
                EXPECT_EQ(*platform->count(), *before + 1);
            }
        }
    }
};

/// Several records in one call. Where a connector writes them singly it must say so.
class Together : public Conformance {
public:
    using Conformance::Conformance;

protected:
    /// Three records, and an update of each to `texts`.
    std::vector<Command> updates(const std::vector<std::string>& texts) {
        std::vector<Command> commands;
        for (const std::string& text : texts) {
            made_ += 1;
            Command update = command(CommandKind::kUpdate, text, made_);
            update.record = create("before " + text.substr(0, 20), made_).id;
            commands.push_back(update);
        }
        return commands;
    }
    [[nodiscard]] bool goes_together(const std::vector<Command>& commands) const {
        if (connector->write_max(commands.front()) >= commands.size()) return true;
        const auto refused = connector->write_all(commands, {});
        EXPECT_FALSE(refused);
        EXPECT_EQ(refused.error().kind, ErrorKind::kUnsupported);
        return false;
    }
    std::string text_of(const Command& update) {
        const auto record = connector->fetch(platform->object(), *update.record, {});
        if (!record || !*record) return "(none)";
        return display(*(*record)->fields.find(platform->field()));
    }
    static std::string wanted_of(const Command& update) {
        return display(update.fields.begin()->second);
    }

private:
    std::uint64_t made_ = 100;
};

class TellsAFailureOfTheRightRecord : public Together {
public:
    using Together::Together;
    void TestBody() override {
        auto commands = updates({"one", "two", "three"});
        if (!goes_together(commands)) return;
        const std::string refused = platform->refused_text();
        ASSERT_FALSE(refused.empty());
        commands[1].fields = Fields{{platform->field(), Value{refused}}};
        const auto written = connector->write_all(commands, {});
        ASSERT_TRUE(written) << written.error().what;
        ASSERT_EQ(written->results.size(), 3u);
        EXPECT_TRUE(written->results[0] && written->results[2]);
        ASSERT_FALSE(written->results[1]);
        EXPECT_EQ(written->results[1].error().kind, ErrorKind::kInvalid);
        EXPECT_TRUE(written->notes.empty());
        EXPECT_EQ(text_of(commands[0]), wanted_of(commands[0]));
        EXPECT_EQ(text_of(commands[1]), display(Value{"before two"}));
        EXPECT_EQ(text_of(commands[2]), wanted_of(commands[2]));
    }
};

class WritesTogetherWhatItWritesSingly : public Together {
public:
    using Together::Together;
    void TestBody() override {
        std::vector<Command> creates;
        for (std::uint64_t n = 1; n <= 3; ++n) {
            creates.push_back(command(CommandKind::kCreate, "made " + std::to_string(n), n));
        }
        if (!goes_together(creates)) return;
        const auto before = platform->count();
        const auto made = connector->write_all(creates, {});
        ASSERT_TRUE(made) << made.error().what;
        const auto again = connector->write_all(creates, {});
        ASSERT_TRUE(again) << again.error().what;
        std::vector<Command> removals;
        std::vector<RecordId> ids;
        for (std::size_t i = 0; i < creates.size(); ++i) {
            ASSERT_TRUE(made->results[i] && again->results[i]);
            EXPECT_EQ(made->results[i]->id, again->results[i]->id) << "one create, one record";
            removals.push_back(command(CommandKind::kDelete, ""));
            removals.back().record = made->results[i]->id;
            ids.push_back(made->results[i]->id);
        }
        if (before) {
            EXPECT_EQ(*platform->count(), *before + 3);
        }
        read_together(ids, creates);
        for (int repeated = 0; repeated < 2; ++repeated) {
            const auto removed = connector->write_all(removals, {});
            ASSERT_TRUE(removed) << removed.error().what;
            for (const auto& result : removed->results) EXPECT_TRUE(result);
        }
    }

private:
    void read_together(const std::vector<RecordId>& ids, const std::vector<Command>& wanted) {
        if (connector->fetch_max(platform->object(), ids[0]) < ids.size()) return;
        const auto found = connector->fetch_all(platform->object(), ids, {});
        ASSERT_TRUE(found) << found.error().what;
        for (std::size_t i = 0; i < ids.size(); ++i) {
            const auto& record = found->results[i];
            ASSERT_TRUE(record && *record);
            EXPECT_EQ((*record)->id, ids[i]);
            EXPECT_EQ(display(*(*record)->fields.find(platform->field())), wanted_of(wanted[i]));
        }
    }
};

class TellsFaultsOfTheWholeByTheirClass : public Together {
public:
    using Together::Together;
    void TestBody() override {
        for (const Platform::Fault& fault : platform->faults()) {
            SCOPED_TRACE(fault.name);
            const auto commands = updates({"one", "two"});
            if (!goes_together(commands)) return;
            fault.arm();
            const auto written = connector->write_all(commands, {});
            platform->clear_faults();
            ASSERT_FALSE(written);
            // What is refused for good may be refused for one of them: each is asked for alone.
            const bool refused = fault.write == ErrorKind::kConflict;
            EXPECT_EQ(written.error().kind, refused ? ErrorKind::kUnsupported : fault.write);
            for (const Command& update : commands) {
                EXPECT_EQ(text_of(update) == wanted_of(update), fault.committed);
            }
        }
    }
};

class BelievesNothingOfAReplyThatDoesNotFit : public Together {
public:
    using Together::Together;
    void TestBody() override {
        const auto faults = platform->batch_faults();
        if (!goes_together(updates({"one", "two"}))) return;
        ASSERT_FALSE(faults.empty());
        for (const auto& [name, arm] : faults) {
            SCOPED_TRACE(name);
            const auto commands = updates({"one", "two"});
            arm();
            const auto written = connector->write_all(commands, {});
            platform->clear_faults();
            ASSERT_TRUE(written) << written.error().what;
            for (const auto& result : written->results) {
                ASSERT_FALSE(result);
                EXPECT_EQ(result.error().kind, ErrorKind::kAmbiguous);
            }
            for (const Command& update : commands) EXPECT_EQ(text_of(update), wanted_of(update));
        }
    }
};

class StopsWhenTold : public Conformance {
public:
    using Conformance::Conformance;
    void TestBody() override {
        std::stop_source source;
        source.request_stop();
        const auto begin = std::chrono::steady_clock::now();
        std::ignore = connector->read(cursor, 10, source.get_token());  // Either is well.
        EXPECT_LT(std::chrono::steady_clock::now() - begin, 1s);
    }
};

template <class T>
void add(const std::string& suite, const char* test, const PlatformMaker& maker) {
    testing::RegisterTest(suite.c_str(), test, nullptr, nullptr, __FILE__, __LINE__,
                          [&maker]() -> Conformance* { return new T{maker}; });
}

}  // namespace

bool register_connector_conformance(const std::string& name, PlatformMaker maker) {
    // GoogleTest has no end that we could hang the maker's life on; it lives as long as the
    // program.
    static std::map<std::string, PlatformMaker> makers;
    const PlatformMaker& kept = makers[name] = std::move(maker);
    const std::string suite = "Conformance_" + name;
    add<ReadsAllFromEmpty>(suite, "ReadsAllFromEmpty", kept);
    add<ReadsOnlyWhatChanged>(suite, "ReadsOnlyWhatChanged", kept);
    add<PassesTies>(suite, "PassesTies", kept);
    add<StartsAgainAtAnyPage>(suite, "StartsAgainAtAnyPage", kept);
    add<CreatesOnceThoughToldTwice>(suite, "CreatesOnceThoughToldTwice", kept);
    add<UpdatesAndDeletes>(suite, "UpdatesAndDeletes", kept);
    add<FindsByMarkerOrSaysItCannot>(suite, "FindsByMarkerOrSaysItCannot", kept);
    add<TellsFaultsByTheirClass>(suite, "TellsFaultsByTheirClass", kept);
    add<TellsAFailureOfTheRightRecord>(suite, "TellsAFailureOfTheRightRecord", kept);
    add<WritesTogetherWhatItWritesSingly>(suite, "WritesTogetherWhatItWritesSingly", kept);
    add<TellsFaultsOfTheWholeByTheirClass>(suite, "TellsFaultsOfTheWholeByTheirClass", kept);
    add<BelievesNothingOfAReplyThatDoesNotFit>(suite, "BelievesNothingOfAReplyThatDoesNotFit",
                                               kept);
    add<StopsWhenTold>(suite, "StopsWhenTold", kept);
    return true;
}

}  // namespace syncline::test
