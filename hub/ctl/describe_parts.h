#pragma once

#include "hub/ctl/describe.h"

/// What the files of describe.h share. Included by them only.
namespace syncline::ctl {

inline Value time_value(Timestamp time) { return time.ns == 0 ? Value{} : Value{time}; }

inline Value fields_value(const ObjectName& object, const Fields& fields, const Secrets& secrets) {
    Value::Map map;
    for (const auto& [name, value] : fields) {
        map.emplace(name.text, secrets.shown(object, name, value));
    }
    return map;
}

inline Value names_value(const std::vector<FieldName>& names) {
    Value::List list;
    for (const FieldName& name : names) list.emplace_back(name.text);
    return list;
}

Value optional_text(const auto& id) { return id ? Value{id->text} : Value{}; }

}  // namespace syncline::ctl
