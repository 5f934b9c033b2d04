#include "hub/instances.h"

#include "hub/workflow/instance_codec.h"
#include "shared/model/operation_call.h"
#include "shared/wire/operation_codec.h"
#include "shared/wire/subjects.h"
#include "tests/simulation/hub_parts.h"

// A hub's instances of workflows alone, at the model of the broker.

namespace syncline::sim {
namespace {

namespace workflow = hub::workflow;

constexpr const char* kTwoOperations = R"(
[policy]
name = "test"
[platforms.erp]
[objects.item.fields]
name = { type = "string", required = true }
[[objects.item.own]]
fields = ["name"]
owner = "erp"
[objects.item.on.erp]
fields = ["*"]
founds = true
[workflows.w]
owner = "erp"
key = "name"
[workflows.w.context]
name = { type = "string", required = true }
[[workflows.w.triggers]]
on = "api"
[[workflows.w.steps]]
name = "first"
operation = "erp.make"
compensate = "none"
because = "nothing is made"
[[workflows.w.steps]]
name = "second"
operation = "erp.make"
compensate = "none"
because = "nothing is made"
)";
const std::string kInstance = "i";

class InstancesAlone : public HubParts {
protected:
    InstancesAlone() {
        watch_.on_ready = [this] { policies_.start(); };
        policies_.on_ready = policies_.on_activated = [] {};
        turn_until([this] { return policies_.ready(); });
    }
    void tick() override {
        policies_.tick();
        instances_.tick();
    }
    void submit(workflow::Input input) {
        instances_.submit({.instance = kInstance, .asker = {}, .input = std::move(input)},
                          [this] { ++done_; });
    }
    static workflow::Input start() {
        return {
            "start/1",
            {},
            workflow::Start{
                kInstance, WorkflowName{"w"}, "api", {{FieldName{"name"}, "bolt"}}, "rita", ""}};
    }
    static workflow::Input applied(const std::string& step) {
        const std::string key = "w/" + kInstance + "/" + step;
        return {"outcome/" + key + "#1", {}, workflow::OperationOutcome{.key = key, .attempt = 1}};
    }
    [[nodiscard]] workflow::Instance stored() {
        const auto state = workflow::decode_instance(
            last(subjects::kStreamState, subjects::instance(kInstance, {0})));
        return state ? *state : workflow::Instance{};
    }

    SyncPoints sync_points_;
    hub::BrokerTime time_{clock_};
    hub::Policies policies_{
        link_, clock_, watch_, effects_, options_.retry_wait, {{"test.toml", kTwoOperations}}};
    hub::Instances instances_{
        {link_, clock_, watch_, policies_, options_, counters_, sync_points_, effects_, time_}};
    int done_ = 0;
};

// What may have been carried out already is asked for as such.
TEST_F(InstancesAlone, ACallWithoutReceiptSaysThatItIsPerhapsNotTheFirst) {
    const auto called = [this] {
        return last(subjects::kStreamCommands,
                    subjects::operation_call(PlatformId{"erp"}, "w/" + kInstance + "/first"));
    };
    submit(start());
    turn_until([this] { return stored().revision == 1; }, std::chrono::microseconds{50});
    network_.lose_ack = 1'000'000;
    turn_until([&] { return !called().empty(); });
    EXPECT_FALSE(wire::decode_operation_call(called())->again);
    network_.lose_ack = 0;
    turn_until([this] { return done_ == 1; });
    EXPECT_TRUE(wire::decode_operation_call(called())->again);
}

// The partition was another hub's for a while, which went on with the instance.
TEST_F(InstancesAlone, WhatIsInMemoryIsForgottenWhenThePartitionIsTakenAlsoWhileItIsTold) {
    submit(start());
    turn_until([this] { return stored().revision == 1; }, std::chrono::microseconds{50});
    network_.lose_publish = 1'000'000;
    turn_for(std::chrono::milliseconds{100});
    ASSERT_EQ(instances_.busy(), 1U) << "its command is not out";
    const workflow::Input first[] = {applied("first")};
    const auto step = workflow::decide(policies_.newest(), stored(), first, {});
    ASSERT_TRUE(step.changed);
    store(subjects::instance(kInstance, {0}), workflow::encode(step.next));
    network_.lose_publish = 0;
    instances_.load({0}, /*heal=*/false);
    submit(applied("second"));
    turn_until([this] { return done_ == 2 && instances_.busy() == 0; });
    EXPECT_EQ(stored().status, workflow::Status::kDone);
}

}  // namespace
}  // namespace syncline::sim
