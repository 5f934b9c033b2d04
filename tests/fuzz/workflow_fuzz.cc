// Whatever is stored as an instance is decoded whole or refused with a reason, and what is decoded
// can be decided, whatever it holds.
#include "hub/workflow/decide.h"
#include "hub/workflow/instance_codec.h"
#include "hub/workflow/triggers.h"
#include "shared/policy/policy_toml.h"
#include "tests/fuzz/must.h"

namespace {

using namespace syncline;
using namespace syncline::hub::workflow;

constexpr const char* kPolicy = R"([policy]
name = "fuzz"
[platforms.erp]
[workflows.w]
owner = "a"
[workflows.w.context]
f = "string"
items = "list"
[[workflows.w.triggers]]
on = "api"
[[workflows.w.steps]]
name = "a"
operation = "erp.make"
with = { f = 'f' }
into = { f = 'r' }
compensate = { operation = "erp.undo", with = { f = 'f' } }
[[workflows.w.steps]]
name = "b"
for_each = { of = 'items', as = "item", do = "each", most = 5 }
[[workflows.w.blocks.each]]
name = "c"
approve = { role = "lead", deadline_s = 60, on_deadline = "approve" }
[[workflows.w.blocks.each]]
name = "d"
wait = { event = "e", key = 'item' }
[[workflows.w.blocks.each]]
name = "g"
call = { workflow = "v" }
[workflows.v]
owner = "a"
[[workflows.v.steps]]
name = "s"
end = "done"
)";

void decide_all(const Instance& instance) {
    static const Policy policy = *parse_policy({{"fuzz.toml", kPolicy}});
    const Timestamp later{instance.clock.ns / 2 + 4'000'000'000'000'000'000};
    const std::string key = "w/" + instance.id + "/a";
    const Input inputs[] = {
        {"1", instance.clock, OperationOutcome{key, 1, OperationOutcome::What::kInDoubt}},
        {"2", instance.clock, OperationOutcome{key, 1}},
        {"3", instance.clock, EventArrived{"e", "k", {}}},
        {"4", later, Acted{Acted::What::kResume, "o"}},
        {"", later, Tick{}},
        {"5", later, Acted{Acted::What::kSkip, "o", "c", "b"}},
        {"6", later, Acted{Acted::What::kCancel, "o"}},
        {"7", later, OperationOutcome{key + "/undo", 1}},
    };
    Instance state = instance;
    // What is stored of another workflow is refused; here it shall be decided.
    state.workflow = WorkflowName{"w"};
    state.definition = policy.workflow(state.workflow)->hash;
    state.variant.clear();
    for (const Input& input : inputs) {
        const Step step = decide(policy, state, {&input, 1}, {});
        fuzz::must(step.changed == (step.next.revision != state.revision));
        static_cast<void>(standing(policy, step.next));
        static_cast<void>(events_of(policy, step.next));
        state = step.next;
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view body = fuzz::text_of(data, size);
    const auto write = [](const auto& value) { return encode(value); };
    fuzz::must_round_trip(decode_instance(body), write, decode_instance);
    fuzz::must_round_trip(decode_log_entry(body), write, decode_log_entry);
    if (const auto instance = decode_instance(body)) decide_all(*instance);
    return 0;
}
