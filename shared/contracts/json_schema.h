#pragma once

#include <string>

#include "shared/policy/event_catalogue.h"
#include "shared/policy/policy.h"

/// The contract of an object as JSON Schema, for programs that do not know the policy. What the hub
/// takes of a field, and nothing else, is valid by it. Pure.
namespace syncline::contracts {

/// How values are written.
enum class Form : std::uint8_t {
    kJson,  ///< For people and other programs: decimals, dates and times are texts.
    kWire,  ///< As the MessagePack bodies have them: `[1, "12.5"]` is a decimal.
};

/// What one value of the field may be; an empty one is not meant. Of times given as text the first
/// and the last year that a timestamp can hold are left out, as they are there in part.
[[nodiscard]] Value value_schema(const FieldSpec& field, Form form);

/// Any value in the wire's form; `itself` is the reference by which it names itself.
[[nodiscard]] Value any_wire_value(const std::string& itself);

/// The fields of a change: each may be left out or empty, and what is not known is ignored. Earlier
/// names are taken too, and say so.
[[nodiscard]] Value change_schema(const ObjectSpec& object, Form form);

/// A whole record: what is required is there. One document, in the form of JSON; the fields of a
/// change are its `#/$defs/change`.
[[nodiscard]] Value record_schema(const Policy& policy, const ObjectSpec& object);

/// What a business event carries: the body of its message, JSON or MessagePack as the policy says.
/// One document.
[[nodiscard]] Value event_schema(const Policy& policy, const CatalogueEvent& event);

/// What begins a workflow through the API: the body of `POST /v1/process/<name>`. One document.
[[nodiscard]] Value process_schema(const Policy& policy, const Workflow& workflow);

/// "order.v2": names the contract of an object, as part of a name of a file.
[[nodiscard]] std::string contract_name(const ObjectSpec& object);

}  // namespace syncline::contracts
