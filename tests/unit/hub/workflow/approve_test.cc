#include "tests/unit/hub/workflow/fixture.h"

namespace syncline::hub::workflow {
namespace {

using Choice = Decision::What;
const FieldName kAmount{"amount"};

class Approves : public Runs {
protected:
    /// An approval with these keys, then an ask.
    void approval(const std::string& keys) {
        use(workflow_w(step("ok", "approve = { " + keys + " }") +
                       step("b", "ask = 'erp.last'\nwith = { yes = 'yes' }")));
    }
    Lines decide_it(Choice what, const std::string& who, std::vector<std::string> roles,
                    const std::string& on_behalf_of = "") {
        return give(Decision{key("ok"), what, who, std::move(roles), seen_, "fine", on_behalf_of});
    }
    Lines approve(const std::string& who, std::vector<std::string> roles = {"lead"}) {
        return decide_it(Choice::kApprove, who, std::move(roles));
    }
    void look() {
        for (const Effect& effect : step_.effects) {
            const auto* news = std::get_if<ApprovalNews>(&effect);
            if (news != nullptr && news->what == ApprovalNews::What::kAsked) seen_ = news->seen;
        }
    }
    Lines begin(Fields context = {}) {
        state_ = {};
        Lines lines = start(std::move(context));
        look();
        return lines;
    }
    std::string seen_;
};

const std::string kRejects = ", deadline_s = 3600, on_deadline = 'reject'";

TEST_F(Approves, ItIsAskedWithWhatIsToBeSeen) {
    approval("role = 'lead', into = 'yes', show = ['amount', 'part']" + kRejects);
    EXPECT_EQ(begin({{kAmount, Decimal{5}}}), (Lines{"asks lead for 1", "is running"}));
    const auto& news = std::get<ApprovalNews>(step_.effects[0]);
    EXPECT_EQ(news.key, "w/i/ok");
    EXPECT_EQ(news.shown, (Fields{{kAmount, Decimal{5}}, {kPart, Value{}}}));
    EXPECT_EQ(news.requester, "rita");
    EXPECT_EQ(news.seen.size(), 32U);
    EXPECT_EQ(news.until.ns, now_ + 3'600'000'000'000);
    EXPECT_EQ(approve("lea"), (Lines{"withdrawn", "ask erp.last"}));
    EXPECT_EQ(request(1).fields, (Fields{{FieldName{"yes"}, true}}));
    EXPECT_EQ(step_.log.decided[0], "lea approves ok: fine");
}

TEST_F(Approves, ARejectionUndoesOrGoesOn) {
    approval("role = 'lead', into = 'yes'" + kRejects);
    begin();
    EXPECT_EQ(decide_it(Choice::kReject, "lea", {"lead"}), Lines{"withdrawn"});
    EXPECT_EQ(state_.status, Status::kCompensated);
    EXPECT_EQ(state_.reason, "step `ok` was rejected");
    approval("role = 'lead', into = 'yes', on_reject = 'continue'" + kRejects);
    begin();
    EXPECT_EQ(decide_it(Choice::kReject, "lea", {"lead"}), (Lines{"withdrawn", "ask erp.last"}));
    EXPECT_EQ(value("yes"), "false");
}

struct ObjectionCase {
    const char* name;
    Decision decision;
    const char* told;
};

TEST_F(Approves, ADecisionThatDoesNotCountIsRefusedWithItsReason) {
    approval("role = 'lead', quorum = 2" + kRejects);
    begin();
    context_.delegations = {{"lena", "dan", {"lead"}},
                            {"lea", "eve", {"lead"}},
                            {"rita", "dan", {"lead"}},
                            {"bob", "dan", {"clerk"}}};
    approve("lea");
    const std::string k = key("ok");
    const ObjectionCase cases[] = {
        {"their own",
         {k, Choice::kApprove, "rita", {"lead"}, seen_, ""},
         "nobody decides about their own request"},
        {"for the requester",
         {k, Choice::kApprove, "dan", {"lead"}, seen_, "", "rita"},
         "nobody decides about their own request"},
        {"no role", {k, Choice::kApprove, "max", {"clerk"}, seen_, ""}, "max is no lead"},
        {"a rejection without role", {k, Choice::kReject, "max", {}, seen_, ""}, "max is no lead"},
        {"another's role is not given on",
         {k, Choice::kApprove, "dan", {"lead"}, seen_, "", "bob"},
         "bob is no lead"},
        {"no delegation",
         {k, Choice::kApprove, "max", {"lead"}, seen_, "", "lena"},
         "max does not decide for lena"},
        {"changed since",
         {k, Choice::kApprove, "max", {"lead"}, "0123", ""},
         "it has changed since it was seen: look again"},
        {"twice", {k, Choice::kApprove, "lea", {"lead"}, seen_, ""}, "lea has decided already"},
        {"again for who decided",
         {k, Choice::kApprove, "eve", {"lead"}, seen_, "", "lea"},
         "lea has decided already"},
        {"nobody",
         {k, Choice::kApprove, "", {"lead"}, seen_, ""},
         "nobody says whose decision it is"},
        {"another step",
         {key("b"), Choice::kApprove, "max", {"lead"}, seen_, ""},
         "nothing of that name waits for an approval"},
    };
    const Instance before = state_;
    for (const ObjectionCase& row : cases) {
        EXPECT_EQ(give(row.decision), Lines{"refused: " + std::string{row.told}}) << row.name;
        EXPECT_EQ(state_, before) << row.name;
    }
    now_ += 3'600'000'000'000;
    EXPECT_EQ(approve("max"), Lines{"refused: it came after the deadline"});
    EXPECT_EQ(state_, before);
}

TEST_F(Approves, AQuorumIsOfDifferentPeople) {
    approval("role = 'lead', quorum = 3" + kRejects);
    begin();
    context_.delegations = {{"lena", "dan", {"lead"}}};
    EXPECT_EQ(approve("lea"), Lines{"still asks lead for 2"});
    EXPECT_EQ(decide_it(Choice::kApprove, "dan", {}, "lena"), Lines{"still asks lead for 1"});
    EXPECT_EQ(approve("dan"), Lines{"refused: dan has decided already"});
    EXPECT_EQ(approve("lena"), Lines{"refused: lena has decided already"});
    EXPECT_EQ(approve("max"), (Lines{"withdrawn", "ask erp.last"}));
    EXPECT_EQ(step_.log.decided[0], "max approves ok: fine");
}

TEST_F(Approves, TheChainIsAskedAsFarAsTheAmountWants) {
    const std::string chain =
        "amount = 'amount', chain = [{ role = 'lead' }, { role = 'head', from = '1000' }, { role = "
        "'director', from = '10000' }]" +
        kRejects;
    const std::pair<Value, Lines> cases[] = {
        {Decimal{999}, {"lead"}},
        {Decimal{1000}, {"lead", "head"}},
        {Decimal{10001}, {"lead", "head", "director"}},
        {Value{}, {"lead", "head", "director"}},  // Not known: all are asked.
    };
    approval(chain);
    for (const auto& [amount, roles] : cases) {
        EXPECT_EQ(begin({{kAmount, amount}})[0], "asks lead for 1");
        for (std::size_t i = 0; i < roles.size(); ++i) {
            const Lines expected = i + 1 < roles.size() ? Lines{"asks " + roles[i + 1] + " for 1"}
                                                        : Lines{"withdrawn", "ask erp.last"};
            EXPECT_EQ(approve("p" + std::to_string(i), {roles[i]}), expected);
        }
    }
    begin({{kAmount, Decimal{5000}}});
    approve("lea", {"lead", "head"});
    EXPECT_EQ(approve("lea", {"lead", "head"}), Lines{"refused: lea has decided already"});
}

TEST_F(Approves, ItNeedsNobodyIfNoLevelIsAsked) {
    approval("into = 'yes', amount = 'amount', chain = [{ role = 'head', from = '1000' }]" +
             kRejects);
    EXPECT_EQ(begin({{kAmount, Decimal{5}}}), (Lines{"withdrawn", "ask erp.last", "is running"}));
    EXPECT_EQ(value("yes"), "true");
}

TEST_F(Approves, WhatChangesMeanwhileIsAskedAgainFromTheStart) {
    use(workflow_w(
        step("both", "parallel = ['x', 'y']") +
        block("x", "name = 'ok'\napprove = { quorum = 2, role = 'lead', show = ['part']" +
                       kRejects + " }") +
        block("y", "name = 'y1'\nask = 'erp.y'\ninto = { part = 'p', made = 'm' }")));
    start();
    look();
    const auto says = [&](const std::string& who) {
        return give(Decision{key("both/ok"), Choice::kApprove, who, {"lead"}, seen_, ""});
    };
    EXPECT_EQ(says("lea"), Lines{"still asks lead for 1"});
    EXPECT_EQ(reply("both/y1", {{FieldName{"p"}, "new"}}), Lines{"asks lead for 2"});
    EXPECT_EQ(says("max"), Lines{"refused: it has changed since it was seen: look again"});
    state_ = {};
    start();
    look();
    says("lea");
    const std::string before = seen_;
    EXPECT_EQ(reply("both/y1", {{FieldName{"m"}, "not shown"}}), Lines{});
    EXPECT_EQ(before, seen_);
    EXPECT_EQ(says("max"), Lines{"withdrawn"});
}

TEST_F(Approves, NobodyAnsweringHasAnOutcome) {
    const std::tuple<const char*, Lines, Status> cases[] = {
        {"on_deadline = 'reject'", {"withdrawn"}, Status::kCompensated},
        {"on_deadline = 'approve'", {"withdrawn", "ask erp.last"}, Status::kRunning},
        {"on_deadline = 'escalate', escalate_to = 'director'",
         {"asks director for 1"},
         Status::kRunning},
    };
    for (const auto& [outcome, effects, status] : cases) {
        approval("role = 'lead', quorum = 2, deadline_s = 3600, " + std::string{outcome});
        begin();
        EXPECT_EQ(pass(3599), Lines{});
        EXPECT_EQ(pass(1), effects) << outcome;
        EXPECT_EQ(state_.status, status) << outcome;
    }
    // It was escalated: one word of the director is enough, and no other's.
    EXPECT_EQ(approve("lea"), Lines{"refused: lea is no director"});
    EXPECT_EQ(approve("dora", {"director"}), (Lines{"withdrawn", "ask erp.last"}));
}

TEST_F(Approves, AnEscalationThatNobodyAnswersIsForAPerson) {
    approval(
        "role = 'lead', deadline_s = 3600, on_deadline = 'escalate', escalate_to = 'director'");
    begin();
    pass(3600);
    EXPECT_EQ(pass(3600), (Lines{"withdrawn", "opened workflow.approval_expired at ok"}));
    EXPECT_EQ(approve("dora", {"director"}),
              Lines{"refused: nothing of that name waits for an approval"});
    EXPECT_EQ(act(What::kSkip, "ok", "no time"),
              Lines{"refused: an approval cannot be skipped: have it answered, or cancel"});
    EXPECT_EQ(act(What::kRetry, "ok"),
              (Lines{"closed workflow.approval_expired at ok", "asks lead for 1"}));
}

TEST_F(Approves, PeopleAreReminded) {
    approval("role = 'lead', remind_s = 1000" + kRejects);
    begin();
    EXPECT_EQ(pass_to_due(), Lines{"reminds lead for 1"});
    EXPECT_EQ(pass_to_due(), Lines{"reminds lead for 1"});
    // Far ahead it is once, not once for each that was missed.
    EXPECT_EQ(pass(1500), Lines{"reminds lead for 1"});
    EXPECT_EQ(pass_to_due(), Lines{"withdrawn"});
    EXPECT_EQ(state_.status, Status::kCompensated);
}

TEST_F(Approves, ACancelWithdrawsIt) {
    approval("role = 'lead'" + kRejects);
    begin();
    EXPECT_EQ(act(What::kCancel), Lines{"withdrawn"});
    EXPECT_EQ(approve("lea"), Lines{"refused: nothing of that name waits for an approval"});
}

TEST_F(Approves, TooMuchToBeSeenIsForAPerson) {
    approval("role = 'lead'" + kRejects);
    EXPECT_EQ(begin({{kPart, std::string(limits::kShownBytes, 'x')}})[0],
              "opened workflow.too_large at ok");
}

}  // namespace
}  // namespace syncline::hub::workflow
