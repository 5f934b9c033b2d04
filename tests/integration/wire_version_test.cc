// A program meets what one of a later version has written: it says which to update, nothing is lost
// or overwritten, nothing goes round in circles, and all of it is used once the program is updated.
// An update is played by giving the body the version that is spoken.
#include <regex>

#include "shared/base/base64.h"
#include "shared/wire/codec.h"
#include "shared/wire/subjects.h"
#include "tests/integration/running_system.h"
#include "tests/integration/stranger.h"

namespace syncline::test {
namespace {

constexpr const char* kOfHub =
    "wire version 2 is not spoken by this syncline-hub, which speaks 1; update syncline-hub";
constexpr const char* kOfAgent =
    "wire version 2 is not spoken by this syncline-agent, which speaks 1; update syncline-agent";

std::string later(std::string body) {
    const std::size_t header = body.at(0) == '\xDE' ? 3 : 1;  // Of 16 entries or more, or fewer.
    EXPECT_EQ(body.substr(header, 2), (std::string{"\0\1", 2}));
    body.at(header + 1) = 2;
    return body;
}

class WireVersion : public RunningSystem {
protected:
    /// What the hub keeps there: the body.
    std::string kept(Stranger& stranger, const std::string& subject) const {
        const std::string answer = stranger.ask("$JS.API.STREAM.MSG.GET.SYNC_STATE",
                                                "{\"last_by_subj\":\"" + subject + "\"}");
        std::smatch data;
        if (!std::regex_search(answer, data, std::regex{"\"data\":\"([^\"]*)\""})) return {};
        std::string text = data[1];
        for (char& c : text) c = c == '+' ? '-' : c == '/' ? '_' : c;
        text.erase(text.find_last_not_of('=') + 1);
        return parse_base64url(text).value();
    }
    /// With the hub down, what it keeps there becomes a later version's.
    std::string make_later(Stranger& stranger, const std::string& subject) const {
        std::string body = kept(stranger, subject);
        stranger.publish(subject, later(body));
        return body;
    }
    [[nodiscard]] bool exceptions_say(const std::string& text) const {
        return ctl_says({"--json", "exceptions", "list"}, text);
    }
    [[nodiscard]] static std::size_t times(const Program& program, std::string_view text) {
        const std::string said = program.said();
        std::size_t count = 0;
        for (auto at = said.find(text); at != std::string::npos; at = said.find(text, at + 1)) {
            ++count;
        }
        return count;
    }

    const RecordKey record_{PlatformId{"shop"}, ObjectName{"customer"}, RecordId{"0"}};
};

/// The n-th change that an agent of `crm` tells, of a record of its own.
std::string told(std::uint64_t n, Partition partition) {
    const RecordKey key{PlatformId{"crm"}, ObjectName{"customer"}, RecordId{"r"}};
    const std::string name = "told " + std::to_string(n);
    return wire::encode(Change{.key = key,
                               .number = {partition, {7, n}},
                               .rev = {7, n},
                               .fields = {{FieldName{"name"}, name}, {FieldName{"number"}, "9"}},
                               .seen_at = Timestamp{1}});
}

TEST_F(WireVersion, AnInputOfALaterOneIsShownAndWaitsAtItsAgent) {
    start_all();
    const RecordKey key{PlatformId{"crm"}, ObjectName{"customer"}, RecordId{"r"}};
    const Partition home = record_partition(key, 4);
    const std::string subject = subjects::change(key, home);
    Stranger crm{server};
    crm.listen("sync.rcv.crm");
    crm.publish(subject, told(1, home));
    ASSERT_TRUE(ctl_says({"entity", "show", "customer", "9"}, "told 1"));
    crm.publish(subject, later(told(2, home)));
    crm.publish(subject, told(3, home));
    EXPECT_TRUE(exceptions_say(kOfHub));
    drop("customers-1.jsonl", row("1", "another"));
    EXPECT_TRUE(arrives({"1"})) << "others flow";
    std::this_thread::sleep_for(std::chrono::seconds{3});
    crm.publish(subject, told(4, home));
    drop("customers-2.jsonl", row("2", "yet another"));
    EXPECT_TRUE(arrives({"2"}));
    for (const std::string& body : crm.heard()) {
        const auto receipt = wire::decode_receipt(body);
        ASSERT_TRUE(receipt);
        EXPECT_TRUE(receipt->resends.empty()) << "the same again would be of no use";
        for (const auto& mark : receipt->marks) EXPECT_LT(mark.seq, 2u);
    }
    EXPECT_NE(ctl({"entity", "show", "customer", "9"}).find("told 1"), std::string::npos);
    for (std::uint64_t n = 2; n <= 4; ++n) crm.publish(subject, told(n, home));
    EXPECT_TRUE(ctl_says({"entity", "show", "customer", "9"}, "told 4"));
}

TEST_F(WireVersion, ACommandOfALaterOneIsKeptAndReadAgainAtTheNextStart) {
    start_all();
    const EntityKey entity{ObjectName{"customer"}, EntityId{"made-by-hand"}};
    const Command command{.kind = CommandKind::kCreate,
                          .platform = PlatformId{"books"},
                          .entity = entity,
                          .generation = 1,
                          .partition = entity_partition(entity, 4),
                          .fence = 1'000,
                          .fields = {{FieldName{"name"}, "later"}, {FieldName{"number"}, "77"}},
                          .decided_at = Timestamp{1}};
    const std::string subject = subjects::command(command.platform, entity);
    Stranger stranger{server};
    stranger.publish(subject, later(wire::encode(command)));
    EXPECT_TRUE(until([&] { return books->says(kOfAgent); })) << books->said();
    EXPECT_TRUE(ctl_says({"--json", "status"}, "\"status.rejects\""));
    drop("customers-1.jsonl", row("1", "behind it"));
    EXPECT_TRUE(arrives({"1"}));
    EXPECT_EQ(times(*books, kOfAgent), 1u);
    EXPECT_EQ(books->stop(), 0);
    books = start_agent("books");
    EXPECT_TRUE(until([&] { return times(*books, kOfAgent) == 2; })) << "it looks again";
    drop("customers-2.jsonl", row("2", "behind it"));
    EXPECT_TRUE(arrives({"2"}));
    EXPECT_EQ(times(*books, kOfAgent), 2u);
    EXPECT_EQ(arrived(), (std::set<std::string>{"0", "1", "2"}));
}

TEST_F(WireVersion, AStateOfALaterOneIsLeftAsItIsAndItsInputsAreShown) {
    start_all();
    Stranger stranger{server};
    const EntityKey entity{record_.object,
                           wire::decode_reference(kept(stranger, subjects::link(record_))).value()};
    const std::string subject = subjects::entity(entity, entity_partition(entity, 4));
    ASSERT_EQ(hub->stop(), 0);
    const std::string body = make_later(stranger, subject);
    hub = start_hub();
    drop("customers-1.jsonl", row("0", "renamed") + row("1", "another"));
    EXPECT_TRUE(arrives({"1"}));
    EXPECT_TRUE(exceptions_say(kOfHub));
    EXPECT_EQ(kept(stranger, subject), later(body)) << "nobody has written over it";
    ASSERT_EQ(hub->stop(), 0);
    stranger.publish(subject, body);
    hub = start_hub();
    EXPECT_TRUE(ctl_says({"exceptions", "retry", "--kind", "input.undecodable", "--yes"}, "retr"));
    EXPECT_TRUE(ctl_says({"entity", "show", "customer", "0"}, "renamed"));
    EXPECT_TRUE(ctl_says({"--json", "exceptions", "list"}, "input.undecodable", Says::kNoMore));
}

TEST_F(WireVersion, ALinkOfALaterOneIsNotTakenForNone) {
    start_all();
    Stranger stranger{server};
    ASSERT_EQ(shop->stop(), 0);
    ASSERT_EQ(hub->stop(), 0);
    const std::string subject = subjects::link(record_);
    const std::string body = make_later(stranger, subject);
    hub = start_hub();
    // The agent has lost its store, so that it is the hub who must know whose the record is.
    for (const char* end : {"", "-wal"})
        std::filesystem::remove(folder / ("shop.db" + std::string{end}));
    shop = start_agent("shop");
    drop("customers-1.jsonl", row("0", "renamed") + row("1", "another"));
    EXPECT_TRUE(arrives({"1"}));
    EXPECT_TRUE(exceptions_say(kOfHub));
    EXPECT_EQ(kept(stranger, subject), later(body));
    ASSERT_EQ(hub->stop(), 0);
    stranger.publish(subject, body);
    hub = start_hub();
    EXPECT_TRUE(ctl_says({"exceptions", "retry", "--kind", "input.undecodable", "--yes"}, "retr"));
    EXPECT_TRUE(ctl_says({"entity", "show", "customer", "0"}, "renamed"));
    EXPECT_EQ(arrived(), (std::set<std::string>{"0", "1"}));
}

TEST_F(WireVersion, AMarkOfALaterOneKeepsItsPartitionForHubsThatReadIt) {
    start_all();
    Stranger stranger{server};
    ASSERT_EQ(hub->stop(), 0);
    const Partition home = record_partition(record_, 4);
    const std::string subject = subjects::mark(home);
    const std::string body = make_later(stranger, subject);
    hub = start_hub();
    EXPECT_TRUE(until([&] { return hub->says(kOfHub); })) << hub->said();
    EXPECT_TRUE(ctl_says({"status"}, "1 partition is"));
    EXPECT_EQ(kept(stranger, subject), later(body));
    EXPECT_EQ(times(*hub, "a partition is not taken"), 1u) << "not each moment";
    drop("customers-1.jsonl", row("0", "renamed"));
    ASSERT_EQ(hub->stop(), 0);
    stranger.publish(subject, body);
    hub = start_hub();
    EXPECT_TRUE(ctl_says({"entity", "show", "customer", "0"}, "renamed"));
}

}  // namespace
}  // namespace syncline::test
