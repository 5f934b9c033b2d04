#pragma once

#include "hub/core/state.h"
#include "hub/core/step.h"
#include "shared/policy/policy.h"

/// What was said by an earlier contract, in terms of the one of now: under the names that fields
/// have now, and in their types where nothing is lost by it. Pure.
namespace syncline::hub {

/// Under the names of now. Of a field that is told under several, the newest that is not empty
/// counts: nobody uses two, and an agent says of what it does not know that it is empty.
void rename_fields(const ObjectSpec& object, Fields& fields);

/// Under all names that a field ever had where nobody knows yet by which the record's agent calls
/// it: an agent passes over names that it does not know.
[[nodiscard]] Fields under_all_names(const ObjectSpec& object, const RecordState& record,
                                     const Fields& fields);

/// The input under the names of now; nothing: it needs no other names.
[[nodiscard]] std::optional<Input> renamed(const ObjectSpec& object, const Input& input);

/// Under the names of now, and in the types.
void upcast(const ObjectSpec& object, Fields& fields);

/// All that is known of the entity, but not what it hands over. False: it was in terms of now
/// already.
[[nodiscard]] bool upcast(const ObjectSpec& object, EntityState& state);

/// Notes what an agent calls the fields of its record, by what it has `told`.
void note_names(const ObjectSpec& object, const Fields& told, RecordState& record);

/// Fields as the record's agent calls them, as far as that is known.
[[nodiscard]] Fields as_told(const RecordState& record, const Fields& fields);

}  // namespace syncline::hub
