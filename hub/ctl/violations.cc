#include "hub/ctl/violations.h"

#include "shared/policy/exception_kinds.h"
#include "shared/policy/violation.h"

namespace syncline::ctl {

Value show_violations(Output& out, const hub::ExceptionRecord& record, const Policy* policy) {
    Value::List list;
    const ObjectSpec* object = policy == nullptr ? nullptr : policy->object(record.entity.object);
    if (object == nullptr || record.kind != exceptions::kContract) return list;
    Table table{{"WHERE", "EXPECTED", "FOUND"}, {}};
    for (const auto& [name, value] : record.proposed) {
        const FieldSpec* field = object->field(object->name_now(name));
        if (field == nullptr) continue;
        const bool taken = conform(*field, value).has_value();
        const Violation violation = violation_of(*field, value);
        table.rows.push_back({violation.pointer,
                              taken ? Cell{"taken by the policy of now: retry", Style::kGreen}
                                    : Cell{violation.expected},
                              violation.found});
        list.emplace_back(Value::Map{{"pointer", violation.pointer},
                                     {"expected", violation.expected},
                                     {"found", violation.found},
                                     {"taken_by_now", taken}});
    }
    if (!table.rows.empty()) {
        out.line();
        out.table(table);
    }
    return list;
}

}  // namespace syncline::ctl
