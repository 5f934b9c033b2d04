#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "shared/base/result.h"
#include "shared/policy/policy.h"

namespace syncline {

struct PolicyFile {
    std::string name;  ///< As messages show it: "customer.toml".
    std::string text;
};

/// A policy of all the files together, in any order. The format is told in configs/README.md.
/// kInvalid: every problem of every file, one a line, each with `file:line:column`. kTooLarge: a
/// file is over a limit. What is well-formed but makes no sense is for check() (check.h) to find.
[[nodiscard]] Result<Policy> parse_policy(const std::vector<PolicyFile>& files);

/// The same of the `*.toml` files right in `directory`, in order of their names. Also kNotFound:
/// no such directory, or no such file in it; kDenied, kUnavailable: one could not be read.
[[nodiscard]] Result<Policy> load_policy(const std::filesystem::path& directory);

/// The files as load_policy() takes them, e.g. to store a version of a policy as one.
[[nodiscard]] Result<std::vector<PolicyFile>> read_policy_files(
    const std::filesystem::path& directory);

/// SHA-256 in hex over the files' names and contents, sorted by name.
[[nodiscard]] std::string policy_hash(std::vector<PolicyFile> files);

/// `[a-z][a-z0-9_]*`, at most 64 characters: what platforms, objects, fields and match rules may be
/// called.
[[nodiscard]] bool is_policy_name(std::string_view name);

}  // namespace syncline
