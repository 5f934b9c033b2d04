#pragma once

#include <expected>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "agent/connectors/rest/auth.h"
#include "agent/connectors/rest/errors.h"
#include "agent/connectors/rest/settings.h"
#include "shared/base/clock.h"
#include "shared/http/client.h"

namespace syncline::agent::rest {

/// One request and its verdict: renders, authenticates, sends, classifies. Repeats a request only
/// after the platform refused its session, or its token against forgery, each once, with a new one.
/// Threading: used by one thread at a time; the Session is shared.
class Door {
public:
    struct Parts {
        std::shared_ptr<const Settings> settings;
        std::shared_ptr<Session> session;
        std::unique_ptr<HttpClient> http;
        const Clock& clock;
    };
    struct Reply {
        int status = 0;
        Value json;            ///< Null if the body is empty.
        std::string link;      ///< The Link header.
        std::string location;  ///< The Location header.
        std::string etag;      ///< The ETag header, as it is.
    };
    using Answer = std::expected<Reply, Failure>;

    explicit Door(Parts parts) : parts_(std::move(parts)) {}

    /// `url`, if not empty, takes the place of what `spec` says about path and query: a page's own
    /// URL, absolute or relative, which must lead to the platform itself.
    Answer call(const RequestSpec& spec, const Variables& variables, Intent intent,
                std::stop_token stop, const std::string& url = {});

    /// A reply as it came, to a request that authenticates as all do and changes nothing.
    struct Exchange {
        HttpResponse response;
        std::uint64_t generation = 0;  ///< Of the session that it was sent by.
    };
    /// `request` as render_request() makes it. Nothing is judged but by status, and what is thought
    /// of the session is left to renew(). Errors as call().
    Result<Exchange> exchange(HttpRequest request, std::stop_token stop);
    /// The platform refused an exchange of that session: the next has a new one. kDenied: there is
    /// none to be had.
    Result<void> renew(std::uint64_t generation) { return parts_.session->refused(generation); }
    /// Why a reply is none that was asked for; a throttle is heeded by throttle_pause().
    Error refusal(const HttpRequest& request, const HttpResponse& response);
    [[nodiscard]] const Clock& clock() const { return parts_.clock; }

    /// Asks the profile's `probe`, so that a session, the credentials and the way are tried. Any
    /// answer but one about those is well, unless something must hold of it. kDenied, too: it does
    /// not, or is not told. Other errors as call().
    Result<void> probe(std::stop_token stop);

    /// The platform's clock now: its last Date header, carried on by our steady clock. Asks the
    /// profile's `probe` if nothing was answered yet. kUnsupported: it tells no date, or one that
    /// is further from ours than the profile's `clock_difference_max_s`. kDenied: as probe().
    Result<Timestamp> server_now(std::stop_token stop);

    /// Pause asked for by the last reply that was classed as `throttle`, from now.
    [[nodiscard]] Duration throttle_pause() const;

    [[nodiscard]] const Settings& settings() const { return *parts_.settings; }

private:
    /// How a request is meant.
    struct Meant {
        Intent intent = Intent::kRead;
        bool tells_each = false;  ///< RequestSpec::tells_each
    };
    Answer attempt(const HttpRequest& request, Meant meant, std::stop_token stop);
    Answer judged(const HttpRequest& request, const HttpResponse& response, Meant meant);
    void note_date(Timestamp date, Duration arrived);
    void note_throttle(const HttpResponse& response);

    Parts parts_;
    std::optional<Timestamp> date_;  ///< Of the server, at `date_at_`.
    Duration date_at_{0};
    Duration paused_until_{0};  ///< By the steady clock.
};

/// Scheme, host and port of a URL: what must be equal for a token to be sent there.
[[nodiscard]] std::string origin_of(std::string_view url);

/// A page's URL as a reply tells it, absolute: relative ones are of the list's (RFC 3986), `list`.
/// kUnsupported: it leads away from the platform.
[[nodiscard]] Result<std::string> page_url(const std::string& url, const std::string& list);

}  // namespace syncline::agent::rest
