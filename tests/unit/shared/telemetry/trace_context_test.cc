#include "shared/telemetry/trace_context.h"

#include <gtest/gtest.h>

namespace syncline::telemetry {
namespace {

constexpr const char* kText = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

TEST(TraceContext, IsWrittenAsItIsRead) {
    const auto read = parse_traceparent(kText);
    ASSERT_TRUE(read);
    EXPECT_EQ(read->trace_id, "0af7651916cd43dd8448eb211c80319c");
    EXPECT_EQ(read->span_id, "b7ad6b7169203331");
    EXPECT_TRUE(read->sampled);
    EXPECT_EQ(to_text(*read), kText);
}

TEST(TraceContext, OfALaterVersionIsReadAsFarAsItIsKnown) {
    std::string later{kText};
    later.replace(0, 2, "01");
    EXPECT_TRUE(parse_traceparent(later));
    EXPECT_TRUE(parse_traceparent(later + "-what-may-come"));
    EXPECT_FALSE(parse_traceparent(later + "x"));
    EXPECT_FALSE(parse_traceparent(std::string{kText} + "-more")) << "of version 00";
}

TEST(TraceContext, WhatIsNoneIsNone) {
    for (const char* text : {"", "00", "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
                             "00-00000000000000000000000000000000-b7ad6b7169203331-01",
                             "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
                             "00-0AF7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
                             "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0x",
                             "00_0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}) {
        EXPECT_FALSE(parse_traceparent(text)) << text;
    }
}

TEST(TraceContext, TheOtherFlagsSayNothingOfSampling) {
    std::string text{kText};
    text.replace(text.size() - 2, 2, "0e");
    EXPECT_FALSE(parse_traceparent(text)->sampled);
    text.replace(text.size() - 2, 2, "0f");
    EXPECT_TRUE(parse_traceparent(text)->sampled);
}

TEST(TraceContext, ANewOneIsNeverOfZeros) {
    const TraceContext made = make_trace(0, 0, 0, true);
    EXPECT_EQ(parse_traceparent(to_text(made)), made);
}

TEST(TraceContext, EachPieceOfWorkHasASpanOfItsOwn) {
    const TraceContext trace = *parse_traceparent(kText);
    const EntityKey entity{ObjectName{"customer"}, EntityId{"e1"}};
    const PlatformId crm{"crm"};
    EXPECT_EQ(decision_span(trace, entity, 3), decision_span(trace, entity, 3));
    EXPECT_NE(decision_span(trace, entity, 3), decision_span(trace, entity, 4));
    EXPECT_NE(command_span(trace, entity, crm, 3), apply_span(trace, entity, crm, 3));
    EXPECT_NE(command_span(trace, entity, crm, 3),
              command_span(trace, entity, PlatformId{"erp"}, 3));
    EXPECT_NE(operation_span(trace, "w/i/s", 1), operation_span(trace, "w/i/s", 2));
    const TraceContext other = make_trace(1, 2, 3, true);
    EXPECT_NE(decision_span(trace, entity, 3), decision_span(other, entity, 3));
}

}  // namespace
}  // namespace syncline::telemetry
