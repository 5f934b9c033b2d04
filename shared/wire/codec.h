#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "shared/base/result.h"
#include "shared/model/change.h"
#include "shared/model/command.h"
#include "shared/model/inventory.h"
#include "shared/model/outcome.h"
#include "shared/model/receipt.h"

/// MessagePack bodies (design.md 5): a map with small integer keys, `v` (0) first, unknown keys
/// skipped, duplicate keys refused, UTF-8 checked, limits (limits.h) enforced before allocation.
///
/// Decoding: kInvalid names the key and the byte offset; kTooLarge names the limit; kUnsupported a
/// version we do not speak. Nothing is decoded halfway.
namespace syncline::wire {

[[nodiscard]] std::string encode(const Change& change);
[[nodiscard]] std::string encode(const Outcome& outcome);
[[nodiscard]] std::string encode(const Command& command);
[[nodiscard]] std::string encode(const Inventory& inventory);
[[nodiscard]] std::string encode(const Receipt& receipt);
/// The body of a link or match key: which entity it belongs to; empty says "to none any more".
/// `waiting`: the records that wait at a match key for an entity that can take them in.
[[nodiscard]] std::string encode_reference(const EntityId& entity,
                                           const std::vector<RecordKey>& waiting = {});

[[nodiscard]] Result<Change> decode_change(std::string_view body);
[[nodiscard]] Result<Outcome> decode_outcome(std::string_view body);
[[nodiscard]] Result<Command> decode_command(std::string_view body);
[[nodiscard]] Result<Inventory> decode_inventory(std::string_view body);
[[nodiscard]] Result<Receipt> decode_receipt(std::string_view body);
[[nodiscard]] Result<EntityId> decode_reference(std::string_view body);
/// Who waits there.
[[nodiscard]] Result<std::vector<RecordKey>> decode_waiting(std::string_view body);

/// A Value alone, e.g. to take a digest of fields: equal fields give equal bytes.
void append_fields(std::string& out, const Fields& fields);

}  // namespace syncline::wire
