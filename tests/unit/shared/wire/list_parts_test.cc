#include "shared/wire/list_parts.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>

#include "shared/wire/list_codec.h"

namespace syncline::wire {
namespace {

ListRows rows_of(int count, int offset = 0) {
    ListRows rows;
    for (int i = 0; i < count; ++i) {
        Fields fields;
        fields.set(FieldName{"amount"}, Value{std::int64_t{i + offset}});
        rows.push_back({"key-" + std::to_string(i), fields});
    }
    return rows;
}

ListRows all_rows(const CutList& cut) {
    ListRows rows;
    for (const std::string& digest : cut.manifest.parts) {
        if (digest.empty()) continue;
        auto part = decode_list_rows(cut.bodies.at(digest));
        EXPECT_TRUE(part) << part.error().what;
        std::ranges::move(*part, std::back_inserter(rows));
    }
    std::ranges::sort(rows, {}, &ListRow::key);
    return rows;
}

TEST(ListParts, HoldAllRowsWhateverTheirOrder) {
    for (const int count : {0, 1, 15, 16, 17, 1'000, 20'000}) {
        ListRows rows = rows_of(count);
        const auto cut = cut_list(rows, 0);
        ASSERT_TRUE(cut) << cut.error().what;
        EXPECT_EQ(cut->manifest.rows, static_cast<std::uint64_t>(count));
        std::ranges::shuffle(rows, std::mt19937_64{1});
        EXPECT_EQ(cut_list(rows, 0)->manifest, cut->manifest);
        std::ranges::sort(rows, {}, &ListRow::key);
        EXPECT_EQ(all_rows(*cut), rows);
        for (const auto& [digest, body] : cut->bodies) {
            EXPECT_TRUE(is_list_digest(digest));
            EXPECT_EQ(list_digest(body), digest);
        }
    }
}

TEST(ListParts, OneRowThatDiffersMakesOneOtherPart) {
    ListRows rows = rows_of(10'000);
    const auto before = cut_list(rows, 0);
    rows[1'234].fields.set(FieldName{"amount"}, Value{std::int64_t{-1}});
    const auto after = cut_list(rows, before->manifest.parts.size());
    ASSERT_TRUE(before && after);
    std::vector<std::string> news;
    for (const auto& [digest, body] : after->bodies) {
        if (!before->bodies.contains(digest)) news.push_back(digest);
    }
    ASSERT_EQ(news.size(), 1U);
    EXPECT_LE(decode_list_rows(after->bodies.at(news[0]))->size(), 40U);
}

TEST(ListParts, TheirNumberStaysWhileItFits) {
    const auto first = cut_list(rows_of(1'000), 0);
    const std::size_t parts = first->manifest.parts.size();
    EXPECT_EQ(parts, 64U);
    EXPECT_EQ(cut_list(rows_of(1'100), parts)->manifest.parts.size(), parts);
    EXPECT_EQ(cut_list(rows_of(500), parts)->manifest.parts.size(), parts);
    EXPECT_NE(cut_list(rows_of(10'000), parts)->manifest.parts.size(), parts);
    EXPECT_NE(cut_list(rows_of(100), parts)->manifest.parts.size(), parts);
    EXPECT_NE(cut_list(rows_of(1'000), 63)->manifest.parts.size(), 63U) << "no power of two";
}

TEST(ListParts, AListIsRefusedThatIsNone) {
    ListRows rows = rows_of(3);
    rows.push_back(rows[1]);
    EXPECT_EQ(cut_list(rows, 0).error().what, "two rows have the key `key-1`");
    EXPECT_FALSE(cut_list({{"", {}}}, 0));
    EXPECT_FALSE(cut_list({{std::string(257, 'x'), {}}}, 0));
    Fields large;
    large.set(FieldName{"text"}, Value{std::string(200'000, 'x')});
    EXPECT_EQ(cut_list({{"a", large}}, 0).error().kind, ErrorKind::kTooLarge);
    EXPECT_EQ(cut_list(rows_of(kListRowsMost + 1), 0).error().kind, ErrorKind::kTooLarge);
}

TEST(ListParts, TheLargestManifestFitsIntoAMessage) {
    const auto cut = cut_list(rows_of(kListRowsMost), 0);
    ASSERT_TRUE(cut) << cut.error().what;
    ListNews news;
    news.platform = PlatformId{"erp"};
    news.list = ListName{"price"};
    news.kind = ListNews::Kind::kRead;
    news.take.digest = std::string(32, 'a');
    news.manifest = cut->manifest;
    EXPECT_LT(encode(news).size(), 700'000U);
    EXPECT_EQ(decode_list_news(encode(news))->manifest, cut->manifest);
}

TEST(ListParts, TellWhatIsDifferent) {
    ListRows now = rows_of(100);
    now.erase(now.begin() + 10);
    now[20].fields.set(FieldName{"amount"}, Value{"x"});
    now.push_back({"new", {}});
    const ListDifference found = difference(rows_of(100), now);
    EXPECT_EQ(found.added, 1U);
    EXPECT_EQ(found.changed, 1U);
    EXPECT_EQ(found.removed, 1U);
    using What = ListDifference::Row::What;
    const std::vector<ListDifference::Row> sample{
        {What::kRemoved, "key-10"}, {What::kChanged, now[20].key}, {What::kAdded, "new"}};
    EXPECT_EQ(found.sample, sample);
    EXPECT_EQ(difference(rows_of(1'000), {}).sample.size(), ListDifference::kSampleMost);
    EXPECT_EQ(difference({}, {}), ListDifference{});
}

TEST(ListNews, ComesBackAsItWas) {
    ListNews news;
    news.platform = PlatformId{"erp"};
    news.number = {Partition{3}, {7, 9}};
    news.list = ListName{"price"};
    news.kind = ListNews::Kind::kNotApplied;
    news.bodies = {"one", std::string{"\0\xff", 2}};
    news.manifest = {5, {std::string(32, '0'), ""}};
    news.request = {Timestamp{123}, ListRequest::Mode::kWhole, "ann@host"};
    news.take = {4, std::string(32, 'a')};
    news.at = Timestamp{99};
    news.why = "the disk is full";
    const auto back = decode_list_news(encode(news));
    ASSERT_TRUE(back) << back.error().what;
    EXPECT_EQ(encode(*back), encode(news));
    EXPECT_EQ(back->bodies, news.bodies);
    EXPECT_EQ(back->request, news.request);
    EXPECT_EQ(back->take, news.take);
}

TEST(ListNews, WhatIsNoneIsRefused) {
    ListNews news;
    news.platform = PlatformId{"erp"};
    news.list = ListName{"price"};
    news.kind = ListNews::Kind::kRead;
    EXPECT_FALSE(decode_list_news(encode(news))) << "it names no generation";
    news.take.digest = std::string(32, 'a');
    EXPECT_TRUE(decode_list_news(encode(news)));
    news.manifest.parts = {"", "", ""};
    EXPECT_FALSE(decode_list_news(encode(news))) << "no power of two";
    news.manifest.parts = {"../x"};
    EXPECT_FALSE(decode_list_news(encode(news))) << "no digest";
    EXPECT_FALSE(decode_list_manifest(encode(ListManifest{}))) << "no parts";
    EXPECT_FALSE(decode_list_rows(encode_list_rows({{"b", {}}, {"a", {}}}))) << "no order";
    EXPECT_FALSE(decode_list_rows(encode_list_rows({{"a", {}}, {"a", {}}}))) << "twice";
}

/// Whatever stands there, decoding ends, and what it takes is what it would write.
TEST(ListNews, GarbageIsRefusedOrUnderstood) {
    ListNews news;
    news.platform = PlatformId{"erp"};
    news.list = ListName{"price"};
    news.bodies = {encode_list_rows(rows_of(3))};
    news.manifest = {3, {std::string(32, 'a'), ""}};
    std::mt19937_64 random{20'261'128};
    for (int i = 0; i < 20'000; ++i) {
        std::string body = i % 2 == 0 ? encode(news) : news.bodies[0];
        for (std::uint64_t flips = random() % 4 + 1; flips > 0; --flips) {
            body[random() % body.size()] = static_cast<char>(random());
        }
        if (random() % 4 == 0) body.resize(random() % body.size());
        if (const auto rows = decode_list_rows(body)) {
            EXPECT_TRUE(std::ranges::is_sorted(*rows, {}, &ListRow::key));
        }
        std::ignore = decode_list_manifest(body);
        if (const auto back = decode_list_news(body)) {
            EXPECT_EQ(encode(*decode_list_news(encode(*back))), encode(*back));
        }
    }
}

TEST(ListRequest, AndTakeAreTexts) {
    const ListRequest request{Timestamp{5}, ListRequest::Mode::kDifferent, "ann @host"};
    EXPECT_EQ(to_text(request), "5 different ann @host");
    EXPECT_EQ(parse_list_request(to_text(request)), request);
    const ListRequest quiet{Timestamp{5}, ListRequest::Mode::kWhole, ""};
    EXPECT_EQ(parse_list_request(to_text(quiet)), quiet);
    for (const char* text : {"", "5", "x whole", "5 some", "5whole"}) {
        EXPECT_FALSE(parse_list_request(text)) << text;
    }
    const ListTake take{7, std::string(32, 'b')};
    EXPECT_EQ(parse_list_take(to_text(take)), take);
    for (const char* text : {"", "7", "7 abc", "x aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}) {
        EXPECT_FALSE(parse_list_take(text)) << text;
    }
}

}  // namespace
}  // namespace syncline::wire
