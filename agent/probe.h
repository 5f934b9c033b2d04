#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "agent/agent_config.h"

namespace syncline::agent {

/// What a probe of a platform is to look at.
struct ProbeOptions {
    std::vector<std::string> objects;  ///< Empty: all that are configured.
    std::size_t records = 20;          ///< To read of each object.
    bool with_values = true;           ///< May values of records stand in what is found?
    /// A record of which one value is to be written to it again, to see whether that may be done.
    struct Write {
        ObjectName object;
        RecordId record;
    };
    std::optional<Write> write;
};

/// One thing that was tried.
struct Finding {
    enum class Level : std::uint8_t { kFine, kNote, kProblem };
    Level level = Level::kFine;
    std::string text;
};

/// What the records that were read hold of a mapped field.
struct ProbedField {
    FieldName field;
    std::string path;
    std::size_t told = 0;              ///< Records whose path is there.
    std::size_t empty = 0;             ///< Of these, those in which it is null.
    std::vector<std::string> samples;  ///< The first few values; none if none may be shown.
};

struct ProbedObject {
    ObjectName object;
    std::string native;
    std::size_t records = 0;
    std::vector<ProbedField> fields;
    std::vector<ProbedField> unmapped;  ///< What else the platform tells; `field` is empty.
    std::vector<Finding> findings;
};

struct ProbeReport {
    std::vector<Finding> findings;  ///< Of the platform as a whole.
    std::vector<ProbedObject> objects;
    [[nodiscard]] bool has_problems() const;
};

/// Logs in, asks for the pushes that are configured, reads a little of each object, and compares
/// what comes with what is mapped. Changes
/// nothing at the platform and nothing of the agent's, unless `options.write` is set: then the
/// values of one field of one record are written to it again. kInvalid: the file has problems, or
/// an option names an object that it does not map.
[[nodiscard]] Result<ProbeReport> probe(const std::filesystem::path& file,
                                        const ProbeOptions& options, const Clock& clock,
                                        std::stop_token stop);

}  // namespace syncline::agent
