#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "shared/base/result.h"
#include "shared/base/source_place.h"
#include "shared/model/ids.h"
#include "shared/model/value.h"

namespace syncline {

enum class FieldType : std::uint8_t {
    kString,
    kInteger,
    kDecimal,
    kBool,
    kDate,
    kTimestamp,
    kEnum,
    kList,
    kMap,
};
[[nodiscard]] const char* name_of(FieldType type);  ///< As a policy writes it: "string".
/// How widely a value may be known; each may be known less widely than the one before.
enum class Classification : std::uint8_t { kPublic, kPii, kSecret };
[[nodiscard]] const char* name_of(Classification classification);  ///< "public", "pii", "secret".

struct FieldSpec {
    FieldName name;
    FieldType type = FieldType::kString;
    Classification classification = Classification::kPublic;
    bool required = false;                 ///< An entity is not created without it.
    std::vector<std::string> enum_values;  ///< For kEnum.
    std::size_t length_max = 0;            ///< Characters of a string; 0 is the wire's limit.
    std::vector<FieldName> renamed_from;   ///< What it was called before, the oldest name first.
    SourcePlace place;
};

/// Is the value as the field's type says, so that conform() gives it back as it is?
[[nodiscard]] bool conforms(const FieldSpec& field, const Value& value);

/// The value as the field's type says, or kInvalid with what is wrong. Whole decimals become
/// integers and the reverse where the type says so; a string is cut nowhere.
[[nodiscard]] Result<Value> conform(const FieldSpec& field, const Value& value);

}  // namespace syncline
