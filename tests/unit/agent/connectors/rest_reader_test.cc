// The cursor's logic against a platform in memory that does what real ones do: ties, late commits,
// rows that move while they are read, clocks that are wrong.
#include <algorithm>
#include <map>
#include <random>
#include <set>

#include <gtest/gtest.h>

#include "agent/connectors/rest/rest.h"
#include "agent/core/value_path.h"
#include "shared/base/json.h"
#include "tests/support/manual_clock.h"

namespace syncline::agent {
namespace {

using namespace std::chrono_literals;

constexpr const char* kProfile = R"(
name = "memory"
[http]
probe = "/probe"
[values]
key = "id"
changed = "stamp"
[read]
path = "/{native}"
query.from = "{from}"
query.until = "{until}"
query.stamp = "{cursor.stamp}"
query.id = "{cursor.id}"
query.limit = "{limit}"
records = "rows"
next = "keyset"
all_after = "-"
after = "-"
deleted_path = "deleted"
overlap_s = 60
safety_s = 5
page_max = 3
verify_window = true
[fetch]
path = "/{native}/{id}"
record = "row"
[create]
path = "/{native}"
[update]
path = "/{native}/{id}"
[delete]
path = "/{native}/{id}"
)";

/// Appended to the profile: a list of deletions.
constexpr const char* kDeletes = R"(
[deletes]
path = "/deleted/{native}"
query.from = "{from}"
query.until = "{until}"
query.stamp = "{cursor.stamp}"
query.id = "{cursor.id}"
query.limit = "{limit}"
records = "rows"
all_after = "-"
after = "-"
id_path = "id"
stamp_path = "stamp"
)";

struct Row {
    Timestamp stamp;
    Timestamp visible;  ///< Its transaction commits then.
    std::string name;
};

/// Rows by id, seen through HTTP. `seconds` of the clock are the platform's own.
struct Memory {
    test::ManualClock& clock;
    Duration skew{0};
    std::map<std::string, Row> rows;
    std::map<std::string, Row> deletions;
    std::function<void()> before_page;  ///< What happens on the platform meanwhile.
    bool ignores_window = false;
    int requests = 0;
    std::vector<std::string> paths;

    [[nodiscard]] Timestamp now() const { return clock.now() + skew; }
    void put(const std::string& id, const std::string& name, Duration commits_in = 0s) {
        rows[id] = {now(), now() + commits_in, name};
    }
};

std::string query_of(const std::string& url, const std::string& name) {
    const auto begin = url.find("&" + name + "=") != std::string::npos
                           ? url.find("&" + name + "=") + name.size() + 2
                       : url.find("?" + name + "=") != std::string::npos
                           ? url.find("?" + name + "=") + name.size() + 2
                           : std::string::npos;
    if (begin == std::string::npos) return {};
    std::string text = url.substr(begin, url.find('&', begin) - begin);
    for (auto at = text.find("%3A"); at != std::string::npos; at = text.find("%3A")) {
        text.replace(at, 3, ":");
    }
    return text;
}

class MemoryClient final : public HttpClient {
public:
    explicit MemoryClient(Memory& memory) : memory_(memory) {}

    Result<HttpResponse> send(const HttpRequest& request, std::stop_token) override {
        ++memory_.requests;
        if (memory_.before_page) memory_.before_page();
        HttpResponse response;
        response.status = 200;
        std::string date = to_string(memory_.now());
        response.headers["date"] = "Mon, " + date.substr(8, 2) + " Jan " + date.substr(0, 4) + " " +
                                   date.substr(11, 8) + " GMT";
        const auto path = request.url.substr(0, request.url.find('?'));
        if (path.ends_with("/probe")) return response;
        memory_.paths.push_back(path);
        response.body = page(request.url);
        return response;
    }

private:
    std::string page(const std::string& url) const {
        const auto time = [&](const char* name) {
            const auto parsed = parse_timestamp(query_of(url, name));
            return parsed ? std::optional{*parsed} : std::nullopt;
        };
        std::vector<std::tuple<Timestamp, std::string, const Row*>> found;
        const bool deletions = url.find("/deleted/") != std::string::npos;
        for (const auto& [id, row] : deletions ? memory_.deletions : memory_.rows) {
            const auto from = time("from");
            const auto until = time("until");
            const auto stamp = time("stamp");
            const bool after =
                !stamp || row.stamp > *stamp || (row.stamp == *stamp && id > query_of(url, "id"));
            const bool inside = !from || (row.stamp >= *from && row.stamp < *until);
            if (row.visible > memory_.now()) continue;
            if (memory_.ignores_window || (after && inside))
                found.emplace_back(row.stamp, id, &row);
        }
        std::ranges::sort(found);
        const std::size_t limit = std::stoul(query_of(url, "limit"));
        Value::List rows;
        for (const auto& [stamp, id, row] : found) {
            if (rows.size() == limit) break;
            rows.push_back(Value::Map{{"id", id},
                                      {"stamp", to_string(stamp)},
                                      {"name", row->name},
                                      {"deleted", row->name == "gone"}});
        }
        return to_json(Value::Map{{"rows", std::move(rows)}});
    }

    Memory& memory_;
};

class RestReader : public testing::Test {
protected:
    std::unique_ptr<Connector> connect(std::vector<std::string> objects = {"customer"}) {
        auto settings = std::make_shared<rest::Settings>();
        auto profile = rest::parse_profile(kProfile + deletes, "memory.toml");
        if (!profile) throw std::runtime_error(profile.error().what);
        settings->profile = *profile;
        settings->profile.read.overlap = overlap;
        settings->profile.deletes.overlap = overlap;
        settings->base_url = "http://memory";
        for (const std::string& name : objects) {
            settings->objects.push_back({.object = ObjectName{name},
                                         .native = name,
                                         .key = "id",
                                         .changed = "stamp",
                                         .fields = {{.field = FieldName{"name"}, .path = "name"}}});
        }
        auto session = std::make_shared<rest::Session>(settings, clock);
        return make_rest_connector(settings, session, std::make_unique<MemoryClient>(memory),
                                   clock);
    }

    /// Reads until there is no more; what was seen last of each record stays in `seen`.
    void read_all() {
        for (int pages = 0; pages < 1'000; ++pages) {
            const auto batch = connector->read(cursor, 100, {});
            ASSERT_TRUE(batch) << batch.error().what;
            for (const Record& record : batch->records) {
                ++handed_out;
                if (record.deleted) {
                    deleted.insert(record.id.text);
                    continue;
                }
                seen[record.id.text] = *record.fields.find("name")->get<std::string>();
            }
            notes += batch->notes.size();
            cursor = batch->next;
            if (!batch->more) return;
        }
        FAIL() << "reading does not end";
    }

    void expect_all_seen() {
        for (const auto& [id, row] : memory.rows) EXPECT_EQ(seen[id], row.name) << id;
    }

    test::ManualClock clock;
    Memory memory{clock};
    Duration overlap = 60s;
    std::string deletes;  ///< More of the profile.
    std::unique_ptr<Connector> connector = connect();
    Cursor cursor;
    std::map<std::string, std::string> seen;
    std::set<std::string> deleted;
    std::size_t handed_out = 0;
    std::size_t notes = 0;
};

TEST_F(RestReader, ReadsEverythingThenOnlyChanges) {
    for (int i = 0; i < 10; ++i) {
        memory.put("r" + std::to_string(i), "a");
        clock.advance(20s);
    }
    clock.advance(10min);
    read_all();
    EXPECT_EQ(handed_out, 10u);
    memory.put("r3", "b");
    clock.advance(10s);
    read_all();
    expect_all_seen();
    EXPECT_EQ(handed_out, 11u);
}

TEST_F(RestReader, CountsARecordInTheBinAsDeleted) {
    memory.put("r1", "gone");
    clock.advance(10s);
    const auto batch = connector->read({}, 100, {});
    ASSERT_TRUE(batch);
    ASSERT_EQ(batch->records.size(), 1u);
    EXPECT_TRUE(batch->records[0].deleted);
}

TEST_F(RestReader, TakesDeletionsFromAListOfTheirOwn) {
    deletes = kDeletes;
    for (const Duration each : {Duration{0s}, Duration{60s}}) {
        overlap = each;
        connector = connect();
        cursor = {};
        clock.advance(2h);  // What an earlier round deleted is long ago as well.
        memory.deletions["long ago"] = {clock.now() - 1h, clock.now() - 1h, "x"};
        const std::string id = "r" + std::to_string(each.count());
        memory.put(id, "a");
        clock.advance(10s);
        read_all();
        EXPECT_TRUE(seen.contains(id));
        EXPECT_TRUE(deleted.empty()) << "it concerns no record that was ever read";
        memory.rows.erase(id);
        memory.deletions[id] = {clock.now(), clock.now(), "x"};
        clock.advance(10s);
        read_all();
        EXPECT_EQ(deleted, std::set{id});
        deleted.clear();
    }
}

TEST_F(RestReader, PassesATieThatIsLargerThanAPage) {
    overlap = 0s;
    connector = connect();
    read_all();
    clock.advance(10s);
    for (int i = 100; i < 150; ++i) memory.put("r" + std::to_string(i), "tie");
    clock.advance(10s);
    read_all();
    expect_all_seen();
    EXPECT_EQ(handed_out, 50u);
}

TEST_F(RestReader, FindsALateCommitWithinTheOverlap) {
    memory.put("early", "x");
    clock.advance(10s);
    read_all();
    memory.put("late", "x", 40s);  // Stamped now, seen in 40 s.
    clock.advance(20s);
    memory.put("between", "x");
    clock.advance(10s);
    read_all();
    EXPECT_FALSE(seen.contains("late"));
    clock.advance(30s);
    read_all();
    EXPECT_TRUE(seen.contains("late"));
    expect_all_seen();
}

TEST_F(RestReader, MissesNothingThatMovesBetweenPages) {
    for (int i = 0; i < 9; ++i) {
        memory.put("r" + std::to_string(i), "a");
        clock.advance(1s);
    }
    clock.advance(1min);
    int calls = 0;
    memory.before_page = [&] {
        if (++calls == 3) {
            memory.put("r1", "edited");      // Was read: moves to the end.
            memory.put("r8", "edited too");  // Was not read yet.
            memory.put("r05", "inserted");
            memory.rows.erase("r2");  // Offsets would shift by it.
        }
    };
    read_all();
    memory.before_page = nullptr;
    clock.advance(10s);
    read_all();
    expect_all_seen();
}

TEST_F(RestReader, FollowsThePlatformsClockNotOurs) {
    // Also when it is set back: what is stamped then is older than the last window. The first read
    // after it was set learns of it, the second one goes by it.
    for (const Duration skew : {Duration{-90s}, Duration{90s}, Duration{-90s}}) {
        memory.skew = skew;
        memory.put("skew " + std::to_string(clock.now().ns), "x");
        clock.advance(10s);
        read_all();
        read_all();
        expect_all_seen();
    }
}

TEST_F(RestReader, WaitsWithWhatIsYoungerThanTheSafetyMargin) {
    read_all();
    clock.advance(1min);
    memory.put("fresh", "x");
    clock.advance(2s);
    read_all();
    EXPECT_FALSE(seen.contains("fresh"));
    clock.advance(5s);
    read_all();
    EXPECT_TRUE(seen.contains("fresh"));
}

TEST_F(RestReader, StartsAgainAtAnyPage) {
    for (int i = 100; i < 120; ++i) memory.put("r" + std::to_string(i), "a");
    clock.advance(1min);
    std::vector<Cursor> cursors{Cursor{}};
    Cursor at;
    for (bool more = true; more;) {
        const auto batch = connector->read(at, 100, {});
        ASSERT_TRUE(batch);
        cursors.push_back(batch->next);
        at = batch->next;
        more = batch->more;
    }
    for (std::size_t i = 0; i < cursors.size(); ++i) {
        seen.clear();
        Cursor replay;
        connector = connect();
        for (std::size_t page = 0; page < i; ++page) {
            const auto batch = connector->read(replay, 100, {});
            for (const Record& record : batch->records) seen[record.id.text] = "a";
            replay = batch->next;
        }
        cursor = cursors[i];
        connector = connect();  // A new process.
        read_all();
        expect_all_seen();
    }
}

TEST_F(RestReader, GivesEachObjectItsTurn) {
    connector = connect({"customer", "order", "case"});
    for (int i = 0; i < 7; ++i) memory.put("r" + std::to_string(i), "a");
    clock.advance(1min);
    read_all();
    ASSERT_GE(memory.paths.size(), 6u);
    const std::set<std::string> first{memory.paths.begin(), memory.paths.begin() + 3};
    EXPECT_EQ(first.size(), 3u);
    EXPECT_EQ(handed_out, 21u);
}

TEST_F(RestReader, SaysSoWhenThePlatformIgnoresTheCondition) {
    read_all();
    clock.advance(10min);
    for (int i = 0; i < 3; ++i) {
        memory.rows["old" + std::to_string(i)] = {clock.now() - 9h, clock.now() - 9h, "x"};
    }
    memory.ignores_window = true;
    const auto batch = connector->read(cursor, 100, {});
    ASSERT_FALSE(batch);
    EXPECT_EQ(batch.error().kind, ErrorKind::kUnsupported);
    EXPECT_NE(batch.error().what.find("ignores the condition"), std::string::npos);
    memory.put("new", "x");
    for (int i = 1; i < 3; ++i) memory.rows.erase("old" + std::to_string(i));
    clock.advance(10s);
    const auto mixed = connector->read(cursor, 100, {});
    ASSERT_TRUE(mixed) << mixed.error().what;
    EXPECT_EQ(mixed->records.size(), 1u);
    ASSERT_EQ(mixed->notes.size(), 1u);
    EXPECT_NE(mixed->notes[0].find("1 of 2"), std::string::npos);
}

TEST_F(RestReader, KeepsWhatDoesNotMapAndGoesOn) {
    memory.put("r1", "a");
    memory.rows[""] = {clock.now(), clock.now(), "no key"};
    clock.advance(1min);
    const auto batch = connector->read({}, 100, {});
    ASSERT_TRUE(batch) << batch.error().what;
    EXPECT_EQ(batch->records.size(), 1u);
    ASSERT_EQ(batch->rejects.size(), 1u);
    EXPECT_NE(batch->rejects[0].reason.find("key"), std::string::npos);
    EXPECT_NE(batch->rejects[0].raw.find("no key"), std::string::npos);
}

TEST_F(RestReader, RefusesACursorThatIsNotIts) {
    for (const char* text : {"x", "[]", R"({"v":2})", R"({"v":1,"streams":{"a":7}})",
                             R"({"v":1,"streams":{"a":{"until":"yesterday"}}})"}) {
        const auto batch = connector->read(Cursor{text}, 100, {});
        ASSERT_FALSE(batch) << text;
        EXPECT_EQ(batch.error().kind, ErrorKind::kCorrupt);
    }
}

TEST_F(RestReader, DoesNotBelieveAClockThatIsFarOff) {
    memory.skew = 48h;
    const auto batch = connector->read({}, 100, {});
    ASSERT_FALSE(batch);
    EXPECT_EQ(batch.error().kind, ErrorKind::kUnsupported);
}

/// Many runs with everything at once; the oracle is that after quiet all is seen as it is.
TEST_F(RestReader, AgreesAfterRandomWork) {
    for (std::uint64_t seed = 1; seed <= 40; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        std::mt19937_64 random{seed};
        memory.rows.clear();
        seen.clear();
        cursor = {};
        connector = connect();
        const auto work = [&] {
            if (random() % 3 != 0) return;
            const std::string id = "r" + std::to_string(random() % 30);
            const auto late = std::chrono::seconds{random() % 4 == 0 ? random() % 40 : 0};
            memory.put(id, "v" + std::to_string(random()), late);
            if (random() % 2 == 0) clock.advance(std::chrono::seconds{random() % 3});
        };
        memory.before_page = work;
        for (int step = 0; step < 30; ++step) {
            for (int i = 0; i < 5; ++i) work();
            clock.advance(std::chrono::seconds{random() % 20});
            const auto batch = connector->read(cursor, 1 + random() % 5, {});
            ASSERT_TRUE(batch) << batch.error().what;
            if (random() % 5 == 0) continue;  // Not stored: a crash before the commit.
            for (const Record& r : batch->records) {
                seen[r.id.text] = *r.fields.find("name")->get<std::string>();
            }
            cursor = batch->next;
            if (random() % 5 == 0) connector = connect();
        }
        memory.before_page = nullptr;
        clock.advance(50s);
        read_all();
        read_all();
        expect_all_seen();
    }
}

}  // namespace
}  // namespace syncline::agent
