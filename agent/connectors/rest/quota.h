#pragma once

#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "agent/core/quota.h"
#include "shared/base/clock.h"
#include "shared/base/toml_reader.h"
#include "shared/http/client.h"

namespace syncline::agent::rest {

/// Where a platform writes of its quota in a reply's header: `api-usage={used}/{limit}`.
class QuotaForm {
public:
    enum class Number : std::uint8_t { kUsed, kLimit, kRemaining, kResetSeconds, kResetUnix };

    /// Text with numbers between braces: {used}, {limit}, {remaining}, {reset_s} and {reset_unix}.
    /// kInvalid: another name, no number, two without text between them, an open brace.
    static Result<QuotaForm> parse(std::string_view text);

    /// What the first place that fits says, added to `told`; `now` is the platform's clock. The
    /// text before the first number is found anywhere but within a word.
    void read(std::string_view value, Timestamp now, QuotaTold& told) const;

private:
    struct Piece {
        std::string before;
        Number number = Number::kUsed;
    };
    [[nodiscard]] bool read_at(std::string_view value, Timestamp now, QuotaTold& told) const;

    std::vector<Piece> pieces_;
};

/// [quota] of a profile.
struct QuotaSpec {
    std::uint64_t limit = 0;
    QuotaWindow window;
    std::vector<std::pair<std::string, QuotaForm>> headers;  ///< By name, in lower case.
};
[[nodiscard]] QuotaSpec read_quota(TomlReader table);

/// Counts what one connector sends, for a session and to try the way as well, and reads what the
/// replies say of the quota. Threading: as HttpClient.
class MeteredClient final : public HttpClient {
public:
    /// `spec` and `clock` outlive it.
    MeteredClient(std::unique_ptr<HttpClient> client, const QuotaSpec& spec, const Clock& clock)
        : client_(std::move(client)), spec_(spec), clock_(clock) {}

    Result<HttpResponse> send(const HttpRequest& request, std::stop_token stop) override;
    /// Since this was called last.
    [[nodiscard]] CallCost take_cost() { return std::exchange(cost_, {.calls = 0, .told = {}}); }

private:
    std::unique_ptr<HttpClient> client_;
    const QuotaSpec& spec_;
    const Clock& clock_;
    CallCost cost_{.calls = 0, .told = {}};
};

}  // namespace syncline::agent::rest
