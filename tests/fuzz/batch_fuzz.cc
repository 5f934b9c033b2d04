// The reply to several records in one request: whatever it holds, no result is given to a record
// that it is not of.
#include <array>

#include "agent/connectors/rest/batch.h"
#include "agent/core/value_path.h"
#include "shared/base/json.h"
#include "tests/fuzz/must.h"

namespace syncline::fuzz {
namespace {

using namespace agent;

const std::array<std::string, 3> kKeys{"a", "b", "7"};

/// Of a record that something is told of: its own, and as a failure only from the list of those.
void check_part(const rest::BatchSpec& spec, const rest::Part& part, const std::string& key) {
    const auto failure =
        rest::judge_part({.success_path = "success"}, spec, part, 200, rest::Intent::kWrite);
    if (part.told == nullptr) {
        must(!part.why.empty() && failure && failure->error.kind == ErrorKind::kAmbiguous);
        return;
    }
    const std::string told = text_at(*part.told, spec.by);
    must(part.is_failure || told == key || (spec.ordered && told.empty()));
    if (part.is_failure) must(failure.has_value());
    if (failure) must(!failure->error.what.empty());
    static_cast<void>(to_json(rest::body_of(spec, part)));
}

void check(const rest::BatchSpec& spec, const Value& reply) {
    const rest::Parts parts = rest::attribute(spec, reply, kKeys);
    must(parts.each.size() == kKeys.size());
    for (std::size_t i = 0; i < kKeys.size(); ++i) check_part(spec, parts.each[i], kKeys[i]);
    for (const std::string& note : parts.notes) must(!note.empty() && note.size() < 200);
}

}  // namespace
}  // namespace syncline::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto reply = syncline::parse_json(syncline::fuzz::text_of(data, size));
    if (!syncline::fuzz::taken(reply)) return 0;
    syncline::fuzz::check({.max = 9, .by = "id", .ordered = true, .success = "success"}, *reply);
    syncline::fuzz::check({.max = 9,
                           .results = "results",
                           .by = "id",
                           .errors = "errors",
                           .errors_by = "context.ids",
                           .status = "status",
                           .body = "body"},
                          *reply);
    return 0;
}
