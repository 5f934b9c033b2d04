#include "tests/simulation/processing.h"

#include <algorithm>

#include "hub/workflow/instance_codec.h"
#include "hub/workflow/message.h"
#include "shared/wire/subjects.h"

namespace syncline::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::uint64_t kErrandChances = 0x7072'6f63'6573'7300;

/// Does what the number asks for fail for good, at its last step?
bool is_doomed(std::string_view number) { return number.ends_with("x"); }

constexpr std::string_view kErrands = R"(
[workflows.errand]
owner = "people"
key   = "number"
[workflows.errand.context]
number = { type = "string", required = true }
made   = "string"
[[workflows.errand.triggers]]
on = "api"
[[workflows.errand.steps]]
name       = "first"
operation  = "FIRST.do"
with       = { number = 'number' }
into       = { made = 'made' }
compensate = { operation = "FIRST.undo", with = { made = 'made' } }
[[workflows.errand.steps]]
name = "rest"
wait = { for_s = 7 }
[[workflows.errand.steps]]
name     = "both"
parallel = ["left", "right"]
[[workflows.errand.steps]]
name = "called"
call = { workflow = "visit", with = { number = 'number' } }
[[workflows.errand.steps]]
name       = "last"
operation  = "SECOND.do_or_refuse"
with       = { number = 'number' }
on_error   = { permanent = "compensate" }
compensate = { operation = "SECOND.undo", with = { made = 'number' } }
[[workflows.errand.blocks.left]]
name       = "ship"
operation  = "FIRST.do"
with       = { number = 'number' }
compensate = { operation = "FIRST.undo", with = { made = 'number' } }
[[workflows.errand.blocks.right]]
name       = "bill"
operation  = "SECOND.do"
with       = { number = 'number' }
compensate = { operation = "SECOND.undo", with = { made = 'number' } }
[workflows.visit]
owner = "people"
key   = "number"
[workflows.visit.context]
number = { type = "string", required = true }
[[workflows.visit.steps]]
name       = "visit"
operation  = "SECOND.do"
with       = { number = 'number' }
compensate = { operation = "SECOND.undo", with = { made = 'number' } }
)";

/// Where it stands, block by block: `both (inside: ship (sent), bill (sent))`.
std::string place_of(const std::vector<hub::workflow::Frame>& frames) {
    std::string place;
    for (const hub::workflow::Frame& frame : frames) {
        place += (place.empty() ? "" : ", ") + (frame.step.empty() ? "its end" : frame.step);
        place += std::string{" ("} + hub::workflow::name_of(frame.phase);
        place += frame.inside.empty() ? ")" : ": " + place_of(frame.inside) + ")";
    }
    return place;
}

void replace_all(std::string& text, std::string_view what, const std::string& with) {
    for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at)) {
        text.replace(at, what.size(), with);
    }
}

}  // namespace

std::string errands(const PlatformId& first, const PlatformId& second) {
    std::string text{kErrands};
    replace_all(text, "FIRST", first.text);
    replace_all(text, "SECOND", second.text);
    return text;
}

Processing::Processing(World& world, MemoryBroker& broker, Setup& setup, std::uint64_t seed)
    : world_(world), broker_(broker), setup_(setup), random_(seed ^ kErrandChances) {
    on_ = random_.one_in(3) && setup_.platforms.size() >= 2;
    if (!on_) return;
    for (PlatformNature& nature : setup_.platforms) nature.knows_keys = random_.one_in(2);
    const std::string more = errands(setup_.platforms[0].id, setup_.platforms[1].id);
    setup_.policy_text += more;
    for (std::string& later : setup_.later_policies) later += more;
}

void Processing::begin(const Cast& cast) {
    cast_ = &cast;
    if (on_) next();
}

void Processing::next() {
    world_.after(random_.between(seconds{1}, seconds{30}), [this] {
        if (over_) return;
        const std::string number =
            "E" + std::to_string(begun_.size()) + (random_.one_in(3) ? "x" : "");
        // Now and then the same once more: it finds the first.
        const bool again = !begun_.empty() && random_.one_in(4);
        start(again ? begun_[random_.below(begun_.size())] : number);
        next();
    });
}

void Processing::start(const std::string& number) {
    if (!broker_.up()) return;
    const WorkflowName workflow{"errand"};
    const std::string instance = hub::workflow::instance_id(workflow, "=" + number);
    hub::workflow::Message message{.instance = instance, .asker = {}, .input = {}};
    message.input.id = "people/" + std::to_string(random_.next());
    message.input.what = hub::workflow::Start{.instance = instance,
                                              .workflow = workflow,
                                              .trigger = "api",
                                              .context = {{FieldName{"number"}, number}},
                                              .requester = "rita",
                                              .trace = {}};
    const auto stored = broker_.publish(
        subjects::instance_input(hub::workflow::home_of(instance, setup_.partitions), instance),
        hub::workflow::encode(message), std::nullopt);
    if (!stored) return;
    world_.note("people", "begin errand " + number + " as " + instance);
    if (std::ranges::find(begun_, number) == begun_.end()) begun_.push_back(number);
}

void Processing::watch() {
    if (!on_) return;
    for (const auto& platform : cast_->platforms) {
        // Where hub and agent have both lost their memory, nobody knows that it was done.
        const bool forgotten = broker_.state_losses() > 0 &&
                               std::ranges::any_of(cast_->agents, [&](const auto& agent) {
                                   return &agent->platform() == platform.get() && agent->wipes > 0;
                               });
        if (forgotten) continue;
        for (const auto& [key, times] : platform->operations()) {
            if (times <= 1) continue;
            world_.violate(
                "I25",
                "done " + std::to_string(times) + " times by " + platform->name() + ": " + key,
                key);
        }
    }
}

std::vector<Violation> Processing::final_findings() {
    std::vector<Violation> findings;
    const auto losses = broker_.state_losses() + broker_.input_losses();
    if (!on_ || losses > 0) return findings;
    std::map<std::string, int> done;
    for (const auto& platform : cast_->platforms) {
        for (const auto& [key, times] : platform->operations()) done[key] += times;
    }
    std::map<std::string, hub::workflow::Instance> instances;
    for (const MessagePtr& message : broker_.all(subjects::kStreamState)) {
        if (!subject_matches(subjects::all_instances(), message->subject)) continue;
        auto instance = hub::workflow::decode_instance(message->body);
        if (instance) instances.emplace(instance->id, *std::move(instance));
    }
    const auto find = [&](const std::string& what, const std::string& instance) {
        findings.push_back({"I26", what, instance});
    };
    for (const std::string& number : begun_) {
        const std::string id = hub::workflow::instance_id(WorkflowName{"errand"}, "=" + number);
        const auto at = instances.find(id);
        if (at == instances.end()) {
            find("errand " + number + " was begun, and there is no instance", id);
            continue;
        }
        const auto wanted =
            is_doomed(number) ? hub::workflow::Status::kCompensated : hub::workflow::Status::kDone;
        if (at->second.status != wanted) {
            find("errand " + number + " is " + hub::workflow::name_of(at->second.status) +
                     " at revision " + std::to_string(at->second.revision) + " and stands at " +
                     place_of(at->second.frames),
                 id);
        }
    }
    for (const auto& [id, instance] : instances) {
        const bool undone = instance.status == hub::workflow::Status::kCompensated;
        for (const auto& [key, times] : done) {
            if (hub::workflow::instance_of(key) != id || key.ends_with("/undo")) continue;
            const auto undo = done.find(key + "/undo");
            const int undos = undo == done.end() ? 0 : undo->second;
            if (undos != (undone ? 1 : 0)) {
                find(key + " was undone " + std::to_string(undos) + " times", id);
            }
        }
        const std::size_t steps = std::ranges::count_if(done, [&](const auto& one) {
            return hub::workflow::instance_of(one.first) == id && !one.first.ends_with("/undo");
        });
        const std::size_t all = instance.workflow.text == "errand" ? 4 : 1;
        if (instance.status == hub::workflow::Status::kDone && steps != all) {
            find("it is done, and " + std::to_string(steps) + " operations of " +
                     std::to_string(all) + " were",
                 id);
        }
    }
    return findings;
}

}  // namespace syncline::sim
