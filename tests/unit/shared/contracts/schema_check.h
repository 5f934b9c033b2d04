#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "shared/model/value.h"

namespace syncline::contracts {

/// A schema, as a validator that is not ours reads it.
class SchemaCheck {
public:
    /// Throws std::runtime_error if it is none. References are followed inside of it, or, with
    /// `at` ("#/$defs/change"), from the part that is meant.
    explicit SchemaCheck(const Value& document, std::string_view at = "");
    ~SchemaCheck();
    SchemaCheck(const SchemaCheck&) = delete;
    SchemaCheck& operator=(const SchemaCheck&) = delete;

    /// What is wrong with an instance; empty: it is valid.
    [[nodiscard]] std::string problems(const Value& instance) const;
    [[nodiscard]] bool takes(const Value& instance) const { return problems(instance).empty(); }

private:
    struct Parts;
    std::unique_ptr<Parts> parts_;
};

/// A MessagePack body as JSON would have it: whole numbers as keys become texts.
[[nodiscard]] Value from_msgpack(std::string_view body);

}  // namespace syncline::contracts
