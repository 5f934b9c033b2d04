#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "shared/base/toml_reader.h"
#include "shared/policy/exception_rules.h"
#include "shared/policy/expression.h"
#include "shared/policy/policy.h"
#include "shared/policy/workflow.h"

/// What the readers of a policy's tables share. Internal to shared/policy.
namespace syncline::reading {

/// The fields of a table, each with its type, in order of their names.
[[nodiscard]] std::vector<FieldSpec> read_fields(TomlReader& in);

/// `[objects.<name>.events]` (event_toml.cc).
[[nodiscard]] std::vector<EventSpec> read_events(TomlReader in,
                                                 const std::vector<FieldSpec>& fields);

/// The expression of `key`; nothing if it is absent or none, which is a problem.
[[nodiscard]] std::optional<Expression> read_condition(TomlReader& in, std::string_view key);

/// The `[[exceptions]]` of a file (exception_rules_toml.cc).
[[nodiscard]] std::vector<ExceptionRule> read_exception_rules(TomlReader& root);

/// One of `[webhooks.<name>]`, and of `[mails.<name>]` (webhook_toml.cc).
[[nodiscard]] WebhookSpec read_webhook(TomlReader in, const std::string& name);
[[nodiscard]] WebhookSpec read_mail(TomlReader in, const std::string& name);

/// One of `[indicators.<name>]` (indicator_toml.cc).
[[nodiscard]] IndicatorSpec read_indicator(TomlReader in, const std::string& name);

/// One of `[workflows.<name>]` (workflow_toml.cc).
[[nodiscard]] Workflow read_workflow(TomlReader in, const std::string& name);

/// `order.confirmed`: two names and a dot.
[[nodiscard]] bool is_event_name(std::string_view event);

}  // namespace syncline::reading
