#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "shared/base/clock.h"
#include "shared/http/server.h"

namespace syncline::hub::api {

/// How often somebody may ask: a bucket for each, that fills again. Threading: any.
class Limits {
public:
    struct Settings {
        unsigned per_second = 50;
        unsigned burst = 200;
    };
    Limits(const Clock& clock, Settings settings) : clock_(clock), settings_(settings) {}
    /// Before anybody asks.
    void set(Settings settings) { settings_ = settings; }

    struct Verdict {
        bool may = true;
        unsigned left = 0;
        std::string policy;  ///< Headers RateLimit-Policy and RateLimit
        std::string state;   ///< (draft-ietf-httpapi-ratelimit-headers).
    };
    [[nodiscard]] Verdict take(std::string_view who);

private:
    const Clock& clock_;
    Settings settings_;
    std::mutex mutex_;
    std::map<std::string, Duration, std::less<>> full_at_;  ///< When each bucket is full again.
};

/// Requests that are sent again: the first one's answer is given, and nothing is done twice
/// (draft-ietf-httpapi-idempotency-key-header). Kept in memory for a day, the oldest go first.
/// Threading: any.
class Repeats {
public:
    explicit Repeats(const Clock& clock) : clock_(clock) {}

    enum class Standing : std::uint8_t {
        kFirst,    ///< Do it; tell() what came of it.
        kAgain,    ///< `answer` is what came of it.
        kRuns,     ///< It is still being done.
        kAnother,  ///< The key was of a request that said something else.
    };
    struct Found {
        Standing standing = Standing::kFirst;
        std::optional<HttpServer::Reply> answer;
    };
    /// `request`: a digest of what it says.
    [[nodiscard]] Found find(const std::string& key, const std::string& request);
    /// What failed for now is forgotten, so that it can be tried again.
    void tell(const std::string& key, const HttpServer::Reply& answer);

private:
    struct Entry {
        std::string request;
        std::optional<HttpServer::Reply> answer;
        Duration since{0};
    };
    const Clock& clock_;
    std::mutex mutex_;
    std::map<std::string, Entry, std::less<>> entries_;
};

}  // namespace syncline::hub::api
