#pragma once

#include <filesystem>

namespace syncline::bench {

struct PolicySize {
    int objects = 50;
    int fields = 200;  ///< Of each object, its six-valued stage among them.
};

/// Writes a policy of that size into the folder, a file for each object: a lifecycle of six stages
/// that can be gone round, and for each ten fields other owners by stage, region and value. It has
/// neither errors nor warnings. What cannot be written throws std::runtime_error.
void write_large_policy(const std::filesystem::path& folder, const PolicySize& size);

}  // namespace syncline::bench
