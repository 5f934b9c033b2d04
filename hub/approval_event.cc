#include "hub/approval_event.h"

#include "hub/workflow/message.h"
#include "shared/policy/hub_events.h"

namespace syncline::hub {
namespace {

const char* name_of(workflow::ApprovalNews::What what) {
    using What = workflow::ApprovalNews::What;
    if (what == What::kWithdrawn) return "closed";
    return what == What::kReminded ? "reminded" : "asked";
}

Value public_part(const Fields& shown, const Workflow* workflow) {
    Value::Map map;
    for (const auto& [name, value] : shown) {
        const FieldSpec* field = workflow == nullptr ? nullptr : workflow->field(name.text);
        if (field != nullptr && field->classification == Classification::kPublic) {
            map.emplace(name.text, value);
        }
    }
    return map;
}

}  // namespace

BusinessEvent approval_event(const workflow::ApprovalNews& news, const Workflow* workflow) {
    const std::string step = workflow::step_of(news.key);
    BusinessEvent event{.entity = {ObjectName{hub_events::kApproval}, EntityId{}},
                        .name = name_of(news.what),
                        .key = {},
                        .generation = step,
                        .source = {},
                        .at = {},
                        .trace = {},
                        .fields = {}};
    const auto set = [&](const char* name, Value value) {
        event.fields.set(FieldName{name}, std::move(value));
    };
    set("approval", news.key);
    set("workflow", news.key.substr(0, news.key.find('/')));
    set("instance", workflow::instance_of(news.key));
    set("step", step);
    if (news.what == workflow::ApprovalNews::What::kWithdrawn) return event;
    set("role", news.role);
    set("missing", std::int64_t{news.missing});
    set("requester", news.requester);
    if (news.until != Timestamp{}) set("until", to_string(news.until));
    set("shown", public_part(news.shown, workflow));
    return event;
}

}  // namespace syncline::hub
