// What an earlier release wrote is read as what it was, and what stands in a message today stands
// there as it did. shared/wire/README.md says what may change.
#include <algorithm>
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>
#include <msgpack.hpp>

#include "tests/regress/wire/samples.h"

namespace syncline::test {

void PrintTo(const Sample& sample, std::ostream* out) { *out << sample.kind; }

namespace {

constexpr const char* kAdvice =
    "; a key that is there keeps its number, type and meaning, see shared/wire/README.md";

std::string golden(const std::string& kind) {
    std::ifstream file{std::string{SYNCLINE_SOURCE_DIR} + "/tests/regress/wire/golden/" + kind,
                       std::ios::binary};
    EXPECT_TRUE(file.good()) << kind << " has no file; write_golden makes it";
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

bool has_number_keys(const msgpack::object& node) {
    if (node.type != msgpack::type::MAP) return false;
    return std::all_of(begin(node.via.map), end(node.via.map), [](const auto& entry) {
        return entry.key.type == msgpack::type::POSITIVE_INTEGER;
    });
}

/// Where `now` does not hold all that `before` does; empty: nowhere. Only a map of numbered keys
/// may have more.
std::string difference(const msgpack::object& before, const msgpack::object& now,
                       const std::string& place) {
    const bool maps = has_number_keys(before) && has_number_keys(now);
    if (maps) {
        for (const auto& entry : before.via.map) {
            const std::string key = place + "." + std::to_string(entry.key.via.u64);
            const auto* same = std::find_if(begin(now.via.map), end(now.via.map),
                                            [&](const auto& one) { return one.key == entry.key; });
            if (same == end(now.via.map)) return key + " is not written any more";
            std::string inside = difference(entry.val, same->val, key);
            if (!inside.empty()) return inside;
        }
        return {};
    }
    const bool arrays = before.type == msgpack::type::ARRAY && now.type == msgpack::type::ARRAY;
    if (arrays && before.via.array.size == now.via.array.size) {
        for (std::uint32_t i = 0; i < before.via.array.size; ++i) {
            std::string inside = difference(before.via.array.ptr[i], now.via.array.ptr[i],
                                            place + "[" + std::to_string(i) + "]");
            if (!inside.empty()) return inside;
        }
        return {};
    }
    return before == now ? std::string{} : place + " is written otherwise";
}

std::string difference(const std::string& kind, const std::string& before, const std::string& now) {
    const msgpack::object_handle was = msgpack::unpack(before.data(), before.size());
    const msgpack::object_handle is = msgpack::unpack(now.data(), now.size());
    return difference(was.get(), is.get(), kind);
}

std::vector<Sample> all_samples() {
    std::vector<Sample> all = spoken_samples();
    for (const auto& more : {kept_samples(), workflow_samples()}) {
        all.insert(all.end(), more.begin(), more.end());
    }
    return all;
}

class Golden : public testing::TestWithParam<Sample> {};

TEST_P(Golden, IsReadAsWhatItWas) {
    const Sample& sample = GetParam();
    const auto again = sample.again(golden(sample.kind));
    ASSERT_TRUE(again) << again.error().what;
    const auto of_today = sample.again(sample.body);
    ASSERT_TRUE(of_today) << of_today.error().what;
    EXPECT_EQ(difference(sample.kind, *again, *of_today), "") << kAdvice;
}

TEST_P(Golden, IsStillWrittenSo) {
    const Sample& sample = GetParam();
    EXPECT_EQ(difference(sample.kind, golden(sample.kind), sample.body), "") << kAdvice;
}

INSTANTIATE_TEST_SUITE_P(Wire, Golden, testing::ValuesIn(all_samples()),
                         [](const auto& one) { return one.param.kind; });

}  // namespace
}  // namespace syncline::test
