#include "shared/policy/exception_kinds.h"

#include <gtest/gtest.h>

#include <set>

namespace syncline {
namespace {

TEST(ExceptionKinds, AreSortedAndEachIsThereOnce) {
    EXPECT_TRUE(std::ranges::is_sorted(kExceptionKinds, {}, &ExceptionKind::code));
    std::set<std::string_view> codes;
    for (const ExceptionKind& kind : kExceptionKinds) {
        EXPECT_TRUE(codes.insert(kind.code).second) << kind.code;
    }
}

TEST(ExceptionKinds, SayWhatTheyMeanWhatToDoAndWhenTheyClose) {
    for (const ExceptionKind& kind : kExceptionKinds) {
        for (const std::string_view text : {kind.meaning, kind.advice, kind.closes}) {
            EXPECT_FALSE(text.empty()) << kind.code;
            EXPECT_LE(text.size(), 110U) << kind.code;
            EXPECT_FALSE(text.ends_with(".")) << kind.code;
        }
        // An action is decided with the state that holds the exception; elsewhere there is none.
        const bool held = kind.holder == ExceptionHolder::kEntity;
        // But for what is held elsewhere until a person answers: lanes, and lists.
        const bool answered = kind.code.starts_with("breaker.") || kind.code == "list.shrunk";
        EXPECT_EQ(!kind.accept.empty(), held || answered) << kind.code;
        EXPECT_EQ(!kind.reject.empty(), held) << kind.code;
        // And what keeps an input that may be decided by now.
        const bool taken_again =
            kind.code == "identity.ambiguous" || kind.code == "input.undecodable" ||
            kind.code == "input.unknown_object" || kind.code == "workflow.not_started";
        EXPECT_EQ(!kind.retry.empty(), held || taken_again) << kind.code;
        EXPECT_TRUE(kind.edit.empty() || held) << kind.code;
        EXPECT_EQ(is_held(kind.code), held) << kind.code;
    }
    EXPECT_FALSE(is_held("nothing.known"));
    EXPECT_EQ(exception_kind("ownership.revie"), nullptr);
}

TEST(ExceptionKinds, AConstantIsItsRow) {
    static_assert(exceptions::kReview == "ownership.review");
    EXPECT_EQ(exceptions::kReview.kind().severity, ExceptionSeverity::kWarning);
    EXPECT_EQ(std::string{exceptions::kBroker}, "broker.amnesia");
}

}  // namespace
}  // namespace syncline
