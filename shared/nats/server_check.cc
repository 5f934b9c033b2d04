#include "shared/nats/server_check.h"

#include <array>
#include <charconv>
#include <optional>
#include <string>

#include "shared/nats/server_version.h"

namespace syncline::nats {
namespace {

using Parts = std::array<unsigned, 3>;

/// Major, minor and patch; what follows the patch is ignored.
std::optional<Parts> parse(std::string_view version) {
    if (version.starts_with('v')) version.remove_prefix(1);
    Parts parts{};
    for (std::size_t i = 0; i < parts.size(); ++i) {
        if (i > 0) {
            if (!version.starts_with('.')) return std::nullopt;
            version.remove_prefix(1);
        }
        const char* end = version.data() + version.size();
        const auto [stop, error] = std::from_chars(version.data(), end, parts[i]);
        if (error != std::errc{}) return std::nullopt;
        version.remove_prefix(static_cast<std::size_t>(stop - version.data()));
    }
    return parts;
}

Result<void> check(std::string_view version, std::string_view minimum, std::string_view purpose) {
    const auto found = parse(version);
    if (found && *found >= *parse(minimum)) return {};
    std::string what = "the NATS server is of version ";
    what += version.empty() ? std::string_view{"unknown (older than 2.10)"} : version;
    what.append(", but ").append(purpose).append(" needs ").append(minimum);
    what.append(" or later; install nats-server ").append(kNatsServerRecommended);
    return fail(ErrorKind::kUnsupported, what + " and start it on the same store directory");
}

}  // namespace

Result<void> check_server(std::string_view version) {
    return check(version, kNatsServerMinimumSingle, "Syncline");
}

Result<void> check_replicated_server(std::string_view version) {
    return check(version, kNatsServerMinimumReplicated, "a stream with replicas");
}

}  // namespace syncline::nats
