#pragma once

#include <string>
#include <vector>

#include "agent/connectors/registry.h"
#include "agent/init/answers.h"

namespace syncline::agent::init {

/// Puts `KEY=VALUE` of `--set` to the answers. A field's key may end in `:TYPE`. kInvalid: it is no
/// such thing, or an object or a field has a name that the policy cannot have.
[[nodiscard]] Result<void> take_setting(Answers& answers, std::string_view setting);

/// The file that the answers make, with a comment above each setting.
[[nodiscard]] std::string draft_of(const Answers& answers);

/// Everything that an agent would say of the draft, a problem a line, by the names of its settings.
[[nodiscard]] Result<void> check_draft(const std::string& draft, const ConnectorContext& context);

/// What a table's columns suggest: key, marker and stamp where they are not known yet, and a field
/// for each other column. Tells what it left out, and why.
[[nodiscard]] std::vector<std::string> propose(Answers& answers, const std::string& object,
                                               const std::vector<TableColumn>& columns);

}  // namespace syncline::agent::init
