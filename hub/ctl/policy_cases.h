#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "hub/core/identity.h"
#include "hub/core/step.h"
#include "shared/base/result.h"
#include "shared/base/source_place.h"
#include "shared/policy/policy.h"
#include "shared/policy/policy_toml.h"

/// The tests of a policy: what happens, step by step, and what is expected of it. The format is
/// told in configs/README.md. Pure.
namespace syncline::ctl {

struct PolicyStep {
    SourcePlace place;
    ObjectName object;

    // What happens: a platform tells of a record, or a person acts on an exception.
    PlatformId from;
    std::optional<RecordId> record;  ///< Absent: the one that stands for the entity at hand.
    bool deletes = false;
    Fields fields;  ///< Over what the record held before.
    std::optional<hub::OperationKind> action;
    std::string exception;

    /// What a platform answers to the commands that come of it.
    enum class Answer : std::uint8_t { kApplied, kRejected, kNone };
    Answer answer = Answer::kApplied;  ///< Of those that `answers` does not name.
    std::map<PlatformId, Answer> answers;

    // What is expected. What is not said is not looked at.
    struct Told {
        bool deletes = false;
        Fields fields;
        friend bool operator==(const Told&, const Told&) = default;
    };
    std::optional<hub::Placement::Kind> placement;
    std::map<FieldName, std::string> verdicts;  ///< "none" where nothing is to be decided.
    std::optional<std::map<PlatformId, Told>> told;
    std::optional<std::vector<std::string>> exceptions;  ///< Open ones, `kind@platform`, sorted.
    Fields canonical;
};

struct PolicyCase {
    std::string name;
    SourcePlace place;
    std::vector<PolicyStep> steps;
};

/// kInvalid: every problem of every file, one a line, each with `file:line:column`.
[[nodiscard]] Result<std::vector<PolicyCase>> parse_policy_cases(
    const Policy& policy, const std::vector<PolicyFile>& files);

struct PolicyCaseFailure {
    SourcePlace place;
    std::string message;
};

/// Runs a test from nothing. `decided` counts, for each rule by its place, the fields it decided.
[[nodiscard]] std::vector<PolicyCaseFailure> run(const Policy& policy, const PolicyCase& test,
                                                 std::map<std::string, std::uint64_t>& decided);

}  // namespace syncline::ctl
