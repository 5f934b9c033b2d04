#include "shared/model/value.h"

#include <gtest/gtest.h>

namespace syncline {
namespace {

TEST(Value, IsShownLikeJson) {
    EXPECT_EQ(display(Value{}), "null");
    EXPECT_EQ(display(Value{true}), "true");
    EXPECT_EQ(display(Value{-5}), "-5");
    EXPECT_EQ(display(Value{Decimal::parse("1.50").value()}), "1.5");
    EXPECT_EQ(display(Value{"a\"b\\c"}), "\"a\\\"b\\\\c\"");
    EXPECT_EQ(display(Value{"line\nbreak\x1b\x7f"}), "\"line\\u000abreak\\u001b\\u007f\"");
    EXPECT_EQ(display(Value{"\xC3\xA4"}), "\"\xC3\xA4\"");
    EXPECT_EQ(display(Value{Date{0}}), "1970-01-01");
    EXPECT_EQ(display(Value{Timestamp{0}}), "1970-01-01T00:00:00Z");
    EXPECT_EQ(display(Value{Value::List{1, "x", Value{}}}), "[1, \"x\", null]");
    EXPECT_EQ(display(Value{Value::Map{{"b", 1}, {"a", Value::List{}}}}), "{\"a\": [], \"b\": 1}");
}

TEST(Value, EqualsOnlyItsOwnKind) {
    EXPECT_EQ(Value{1}, Value{std::int64_t{1}});
    EXPECT_NE(Value{1}, Value{Decimal{1}});
    EXPECT_NE(Value{""}, Value{});
    EXPECT_NE(Value{false}, Value{});
}

TEST(Fields, AreSortedAndUnique) {
    Fields fields{{FieldName{"b"}, 1}, {FieldName{"a"}, 2}, {FieldName{"b"}, 3}};
    ASSERT_EQ(fields.size(), 2u);
    EXPECT_EQ(fields.begin()->first.text, "a");
    EXPECT_EQ(*fields.find("b"), Value{3});
    EXPECT_EQ(*fields.find(FieldName{"a"}), Value{2});
    EXPECT_EQ(fields.find("c"), nullptr);
    EXPECT_EQ(fields.find(""), nullptr);
}

TEST(Fields, AppendOnlyWhatIsGreater) {
    Fields fields;
    EXPECT_TRUE(fields.append(FieldName{"a"}, 1));
    EXPECT_FALSE(fields.append(FieldName{"a"}, 2));
    EXPECT_TRUE(fields.append(FieldName{"b"}, 3));
    EXPECT_FALSE(fields.append(FieldName{"ab"}, 4));
    EXPECT_EQ(fields, (Fields{{FieldName{"a"}, 1}, {FieldName{"b"}, 3}}));
}

TEST(Fields, EraseByName) {
    Fields fields{{FieldName{"a"}, 1}};
    EXPECT_FALSE(fields.erase(FieldName{"b"}));
    EXPECT_TRUE(fields.erase(FieldName{"a"}));
    EXPECT_FALSE(fields.erase(FieldName{"a"}));
    EXPECT_TRUE(fields.empty());
}

TEST(Fields, TellAnEmptyFieldFromAnAbsentOne) {
    const Fields fields{{FieldName{"a"}, Value{}}};
    ASSERT_NE(fields.find("a"), nullptr);
    EXPECT_TRUE(fields.find("a")->is_null());
    EXPECT_NE(fields, Fields{});
}

}  // namespace
}  // namespace syncline
