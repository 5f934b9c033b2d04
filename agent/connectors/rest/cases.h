#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "shared/base/result.h"

namespace syncline::agent::rest {

/// One case of a profile: what the connector is to do, what it must ask for in which order, what
/// the platform answers, and what must come of it. README.md, "Cases", is the reference.
struct CaseResult {
    std::string name;
    std::string place;    ///< file:line:column of the case.
    std::string problem;  ///< What is not as it should be; empty: all is.
};

/// Runs the cases of a file, each with a connector of its own. No network: the platform's answers
/// are the file's. Every secret of the file is `{ env = "SYNCLINE_CASE_SECRET" }`, which is set
/// here to "s3cret". Not from two threads at once.
/// kInvalid: the file or its profile is not sound; all problems, each with its place.
[[nodiscard]] Result<std::vector<CaseResult>> run_cases(const std::filesystem::path& file);

}  // namespace syncline::agent::rest
