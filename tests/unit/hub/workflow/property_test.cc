#include <map>
#include <set>

#include "hub/workflow/triggers.h"
#include "tests/unit/hub/workflow/fixture.h"
#include "tests/unit/hub/workflow/random_workflow.h"

namespace syncline::hub::workflow {
namespace {

using Outcome = OperationOutcome::What;

/// `s3` of "w/i/s3~2", `s3` of "w/i/s3/undo".
std::string path_of(std::string key) {
    key.erase(0, std::string_view{"w/i/"}.size());
    if (key.ends_with("/undo")) key.resize(key.size() - 5);
    return key.substr(0, key.find('~'));
}
bool undoes(const std::string& key) { return key.ends_with("/undo"); }

/// An instance among platforms, people and a broker that do what they like; agents know again what
/// they have done by its key.
class World {
public:
    /// What came about in all worlds: a test in which nothing happens proves nothing.
    struct Counts {
        int done = 0;
        int compensated = 0;
        int applied = 0;
        int undone = 0;
        int in_doubt = 0;
        int failed_undo = 0;
        int approvals = 0;
        int children = 0;
        int restarts = 0;
    };

    World(std::uint64_t seed, Counts& counts) : dice_(seed), counts_(counts) {
        const std::string text = RandomWorkflow{dice_}.text();
        auto parsed = parse_policy({{"head.toml", kHead}, {"w.toml", text}});
        EXPECT_TRUE(parsed) << parsed.error().what << "\n" << text;
        if (!parsed) return;
        policy_ = *std::move(parsed);
        for (const Finding& finding : check(policy_)) {
            EXPECT_NE(finding.severity, Severity::kError) << to_string(finding) << "\n" << text;
        }
    }

    void run() {
        begin();
        for (int i = 0; i < 60 && !is_end(state_.status); ++i) {
            something();
            expect_alive();
        }
        for (int i = 0; i < 400 && !is_end(state_.status); ++i) bring_to_end(i);
        EXPECT_TRUE(is_end(state_.status)) << "it does not end";
        ++(state_.status == Status::kDone ? counts_.done : counts_.compensated);
        counts_.restarts += static_cast<int>(state_.run) - 1;
        expect_end();
        expect_same_again();
    }

private:
    // ---- Inputs. ----

    void begin() {
        Value::List items;
        for (std::size_t i = 0; i < dice_.below(5); ++i)
            items.emplace_back("k" + std::to_string(i));
        Fields context{{FieldName{"items"}, items},
                       {FieldName{"amount"}, static_cast<std::int64_t>(dice_.below(9))},
                       {FieldName{"f0"}, "k1"}};
        if (dice_.percent(50)) context.set(FieldName{"f1"}, "k2");
        give(Start{"i", WorkflowName{"w"}, "api", std::move(context), "rita", ""});
    }

    void give(decltype(Input::what) what) {
        const bool tick = std::holds_alternative<Tick>(what);
        Input input{tick ? "" : "in" + std::to_string(++ids_), {now_}, std::move(what)};
        // Sometimes two are decided at once, and sometimes one comes again.
        batch_.push_back(std::move(input));
        if (dice_.percent(20)) return;
        decide_batch();
        if (!changing_.empty() && dice_.percent(20)) {
            const std::size_t newest = std::min<std::size_t>(changing_.size(), 20);
            const Input again = changing_[changing_.size() - 1 - dice_.below(newest)];
            const Step step = decide(policy_, state_, {{again}}, context_);
            EXPECT_FALSE(step.changed) << "an input that came again changed something: "
                                       << testing::PrintToString(step.log.inputs)
                                       << testing::PrintToString(step.log.decided);
            EXPECT_EQ(step.next, state_);
        }
    }

    void decide_batch() {
        if (batch_.empty()) return;
        const Step step = decide(policy_, state_, batch_, context_);
        history_.push_back(batch_);
        if (step.changed && batch_.size() == 1 && !batch_[0].id.empty()) {
            changing_.push_back(batch_[0]);
        }
        batch_.clear();
        state_ = step.next;
        due_ = step.due;
        const std::string body = encode(state_);
        const auto read = decode_instance(body);
        EXPECT_TRUE(read && *read == state_ && encode(*read) == body)
            << (read ? "another" : read.error().what);
        for (const Effect& effect : step.effects) note(effect);
    }

    void note(const Effect& effect) {
        if (const auto* request = std::get_if<Request>(&effect)) {
            if (request->kind == Request::Kind::kEvent) {
                EXPECT_TRUE(events_.insert(request->key).second) << "an event twice";
                return;
            }
            const auto [first, fresh] = sent_.try_emplace(request->key, *request);
            Request& known = first->second;
            const bool child = request->kind == Request::Kind::kCancel;
            if (!fresh && !child && known.attempt == request->attempt) {
                EXPECT_EQ(known, *request) << "the same attempt is another request";
            }
            known = *request;
            for (const auto& [key, other] : out_) {
                const bool two = undoes(request->key) && undoes(key) && key != request->key;
                EXPECT_FALSE(two) << "two are undone at once";
            }
            out_[request->key] = *request;
            if (request->kind == Request::Kind::kStart) ++counts_.children;
        } else if (const auto* news = std::get_if<ApprovalNews>(&effect)) {
            if (news->what == ApprovalNews::What::kWithdrawn) {
                asked_.erase(news->key);
            } else {
                asked_[news->key] = *news;
                ++counts_.approvals;
            }
        } else if (const auto* open = std::get_if<ExceptionNews>(&effect)) {
            if (open->code == codes::kInDoubt) ++counts_.in_doubt;
            if (open->code == codes::kCompensationFailed) ++counts_.failed_undo;
        }
    }

    // ---- What the others do. ----

    void something() {
        const std::size_t kind = dice_.below(20);
        if (kind < 9) return answer(Mood::kRandom);
        if (kind < 12) return pass();
        if (kind < 14) return decision();
        if (kind < 15) return give(EventArrived{"e", dice_.percent(70) ? "k1" : "k2", reply()});
        if (kind < 17) return see_to_exception();
        if (kind < 18) return act_somehow();
        nonsense();
    }

    enum class Mood : std::uint8_t { kRandom, kGood };

    Fields reply() {
        if (dice_.percent(8)) return {{FieldName{"r"}, 5}};
        if (dice_.percent(8)) return {};
        return {{FieldName{"r"}, "k" + std::to_string(dice_.below(3))}};
    }

    void answer(Mood mood) {
        if (out_.empty()) return;
        auto at = out_.begin();
        std::advance(at, static_cast<std::ptrdiff_t>(dice_.below(out_.size())));
        const Request request = at->second;
        if (mood == Mood::kRandom && dice_.percent(5)) return;  // It takes its time.
        out_.erase(at);
        switch (request.kind) {
            case Request::Kind::kAsk: return answer_ask(request, mood);
            case Request::Kind::kStart:
                return give(ChildDone{
                    request.key,
                    mood == Mood::kGood || dice_.percent(80) ? Status::kDone : Status::kCompensated,
                    {{FieldName{"x"}, "k"}},
                    ""});
            case Request::Kind::kCancel:
                return give(ChildDone{request.key, Status::kCompensated, {}, ""});
            default: return answer_operation(request, mood);
        }
    }

    void answer_ask(const Request& request, Mood mood) {
        if (mood == Mood::kGood) {
            return give(Reply{request.key, request.attempt, {}, {{FieldName{"r"}, "k1"}}, ""});
        }
        const ErrorClass errors[] = {ErrorClass::kUnavailable, ErrorClass::kPermanent,
                                     ErrorClass::kNotFound};
        Reply told{request.key, request.attempt, {}, reply(), ""};
        if (dice_.percent(35)) told.error = errors[dice_.below(3)];
        give(told);
    }

    void answer_operation(const Request& request, Mood mood) {
        OperationOutcome told{request.key, request.attempt, Outcome::kApplied, {}, reply(), ""};
        if (mood == Mood::kGood) told.fields = {{FieldName{"r"}, "k1"}};
        const std::size_t kind = mood == Mood::kGood ? 0 : dice_.below(100);
        if (done_.contains(request.key) || kind < 60) {
            apply(request.key);
        } else if (kind < 75) {
            told.what = Outcome::kRefused;
            told.error = ErrorClass::kUnavailable;
        } else if (kind < 85) {
            told.what = Outcome::kRefused;
        } else {
            told.what = Outcome::kInDoubt;
            if (dice_.percent(50)) apply(request.key);
        }
        if (told.what != Outcome::kApplied) told.fields = {};
        give(told);
    }

    /// The platform does it, unless it has.
    void apply(const std::string& key) {
        if (!done_.insert(key).second) return;
        const std::string path = path_of(key);
        ++(undoes(key) ? counts_.undone : counts_.applied);
        if (undoes(key)) {
            EXPECT_TRUE(active_.contains(path)) << "what is not there is undone: " << key;
            active_.erase(path);
        } else {
            EXPECT_TRUE(active_.insert(path).second) << "applied twice: " << key;
            EXPECT_NE(state_.status, Status::kDone) << "applied after the end: " << key;
        }
    }

    void pass() {
        now_ += static_cast<std::int64_t>(dice_.below(60)) * 1'000'000'000;
        if (dice_.percent(10)) now_ += 10'000'000'000'000;
        give(Tick{});
    }

    void decision() {
        if (asked_.empty()) return;
        auto at = asked_.begin();
        std::advance(at, static_cast<std::ptrdiff_t>(dice_.below(asked_.size())));
        const std::vector<std::string> people{"rita", "lea", "max", "dora"};
        give(Decision{at->first,
                      dice_.percent(80) ? Decision::What::kApprove : Decision::What::kReject,
                      dice_.of(people),
                      dice_.percent(80) ? std::vector<std::string>{"lead", "boss"}
                                        : std::vector<std::string>{"lead"},
                      dice_.percent(90) ? at->second.seen : "other", ""});
    }

    [[nodiscard]] Phase phase_at(const std::string& path) const {
        const std::string name = path.substr(path.rfind('/') + 1);
        const auto find = [&](const auto& self, const std::vector<Frame>& frames) -> const Frame* {
            for (const Frame& frame : frames) {
                if (frame.step == name) return &frame;
                if (const Frame* inside = self(self, frame.inside)) return inside;
            }
            return nullptr;
        };
        const Frame* frame = find(find, state_.frames);
        return frame == nullptr ? Phase::kReady : frame->phase;
    }

    /// A person looks, and says what is true.
    void see_to_exception() {
        decide_batch();
        if (state_.exceptions.empty()) return;
        const OpenException open = state_.exceptions[dice_.below(state_.exceptions.size())];
        if (open.step.empty()) return give(Acted{What::kResume, "oscar"});
        const Fields fields{{FieldName{"r"}, "k1"}};
        if (open.code == codes::kCompensationFailed) {
            const bool undone = !active_.contains(open.step);
            if (undone) return give(Acted{What::kApplied, "oscar", open.step, "seen", {}});
            if (dice_.percent(60)) return give(Acted{What::kRetry, "oscar", open.step, "", {}});
            left_.insert(open.step);
            return give(Acted{What::kSkip, "oscar", open.step, "it stays", {}});
        }
        const Phase phase = phase_at(open.step);
        const bool applied = active_.contains(open.step);
        if (phase == Phase::kInDoubt && applied) {
            return give(Acted{What::kApplied, "oscar", open.step, "seen", fields});
        }
        if (phase == Phase::kUnfit && dice_.percent(50)) {
            return give(Acted{What::kApplied, "oscar", open.step, "seen", fields});
        }
        const bool retry = phase != Phase::kUnfit && dice_.percent(60);
        give(Acted{retry ? What::kRetry : What::kSkip, "oscar", open.step, "so it is", {}});
    }

    void act_somehow() {
        decide_batch();
        const What whats[] = {What::kPause, What::kResume, What::kRestart, What::kCancel,
                              What::kMigrate};
        const What what = whats[dice_.below(5)];
        if (what == What::kCancel && dice_.percent(70)) return;
        give(Acted{what, "oscar", "s" + std::to_string(1 + dice_.below(9)), "", {}});
    }

    void nonsense() {
        const std::string key = "w/i/s" + std::to_string(dice_.below(12));
        switch (dice_.below(6)) {
            case 0: return give(Reply{key, 99, {}, {}, ""});
            case 1: return give(OperationOutcome{key + "/undo", 99, Outcome::kRefused});
            case 2: return give(ChildDone{key + "x", Status::kDone, {}, ""});
            case 3: return give(Decision{key, Decision::What::kApprove, "x", {}, "", "", "y"});
            case 4: return give(EventArrived{"nothing", "", {}});
            default: return give(Start{"i", WorkflowName{"v"}, "api", {}, "", ""});
        }
    }

    /// Everybody does what they can.
    void bring_to_end(int round) {
        decide_batch();
        if (round == 200) give(Acted{What::kCancel, "oscar", "", "enough"});
        for (const Effect& effect : standing(policy_, state_)) note(effect);
        if (!state_.exceptions.empty()) return see_to_exception();
        if (state_.hold != Instance::Hold::kNone) return give(Acted{What::kResume, "oscar"});
        if (!out_.empty()) return answer(Mood::kGood);
        if (due_) now_ = std::max(now_, due_->ns);
        give(Tick{});
        if (round % 5 == 0) give(EventArrived{"e", "k1", reply()});
    }

    // ---- What is to hold. ----

    /// It waits for something that can come.
    void expect_alive() const {
        if (is_end(state_.status) || !batch_.empty()) return;
        const bool waits =
            std::ranges::any_of(events_of(policy_, state_), [](const auto&) { return true; });
        EXPECT_TRUE(next_due(state_) || state_.is_held() || waits || !state_.exceptions.empty() ||
                    !standing(policy_, state_).empty())
            << "nothing will ever move it";
        if (!state_.exceptions.empty()) return;
        EXPECT_TRUE(!state_.is_held() || state_.hold == Instance::Hold::kPerson)
            << "it is held and nobody is told";
    }

    void expect_end() const {
        if (state_.status != Status::kCompensated) return;
        for (const std::string& path : active_) {
            const bool stays = std::ranges::any_of(state_.applied, [&](const Applied& one) {
                return one.path == path && one.undo == Applied::Undo::kLeft;
            });
            EXPECT_TRUE(stays) << path << " is not undone, and nobody knows";
        }
    }

    void expect_same_again() const {
        Instance again;
        for (const auto& inputs : history_) again = decide(policy_, again, inputs, context_).next;
        EXPECT_EQ(encode(again), encode(state_));
    }

    Dice dice_;
    Counts& counts_;
    Policy policy_;
    Context context_;
    Instance state_;
    std::optional<Timestamp> due_;
    std::int64_t now_ = 1'000'000'000'000'000'000;
    int ids_ = 0;
    std::vector<Input> batch_;
    std::vector<std::vector<Input>> history_;
    std::vector<Input> changing_;
    std::map<std::string, Request> sent_;  ///< Newest of each key.
    std::map<std::string, Request> out_;   ///< Not answered.
    std::map<std::string, ApprovalNews> asked_;
    std::set<std::string> events_;
    std::set<std::string> done_;    ///< Keys.
    std::set<std::string> active_;  ///< Paths of effects that are there.
    std::set<std::string> left_;
};

TEST(WorkflowProperty, WhateverHappensItEndsAndDoesNothingTwice) {
    constexpr std::uint64_t kWorlds = 3'000;
    World::Counts counts;
    for (std::uint64_t seed = 1; seed <= kWorlds; ++seed) {
        World{seed, counts}.run();
        ASSERT_FALSE(testing::Test::HasFailure()) << "seed " << seed;
    }
    for (const int count :
         {counts.done, counts.compensated, counts.applied, counts.undone, counts.in_doubt,
          counts.failed_undo, counts.approvals, counts.children, counts.restarts}) {
        EXPECT_GT(count, 20);
    }
}

}  // namespace
}  // namespace syncline::hub::workflow
