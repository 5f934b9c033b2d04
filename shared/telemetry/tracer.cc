#include "shared/telemetry/tracer.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "shared/base/json.h"
#include "shared/base/log.h"
#include "shared/base/version.h"

namespace syncline::telemetry {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kWaitingMost = 16'384;
constexpr std::size_t kAtOnce = 512;
/// A batch that is not full leaves after this time.
constexpr auto kBatchWait = 1s;
constexpr int kTries = 3;
constexpr auto kTryAgain = 1s;
constexpr Duration kTimeout = 5s;
constexpr auto kLastWords = 1s;

void add_text(std::string& out, std::string_view text) { out += to_json(Value{std::string{text}}); }

void add_attribute(std::string& out, std::string_view key, std::string_view value) {
    out += R"({"key":)";
    add_text(out, key);
    out += R"(,"value":{"stringValue":)";
    add_text(out, value);
    out += "}}";
}

void add_span(std::string& out, const Span& span) {
    out += R"({"traceId":")" + span.trace_id + R"(","spanId":")" + span.span_id + '"';
    if (!span.parent_id.empty()) out += R"(,"parentSpanId":")" + span.parent_id + '"';
    out += R"(,"name":)";
    add_text(out, span.name);
    out += R"(,"kind":)" + std::to_string(static_cast<int>(span.kind));
    out += R"(,"startTimeUnixNano":")" + std::to_string(span.start.ns);
    out += R"(","endTimeUnixNano":")" + std::to_string(std::max(span.end, span.start).ns);
    out += R"(","attributes":[)";
    bool first = true;
    for (const auto& [key, value] : span.attributes) {
        if (!std::exchange(first, false)) out += ',';
        add_attribute(out, key, value);
    }
    out += ']';
    if (!span.error.empty()) {
        out += R"(,"status":{"code":2,"message":)";
        add_text(out, span.error);
        out += '}';
    }
    out += '}';
}

}  // namespace

TracerSettings read_tracer_settings(TomlReader table) {
    TracerSettings settings;
    settings.endpoint = table.text("endpoint", "");
    while (settings.endpoint.ends_with('/')) settings.endpoint.pop_back();
    const bool web =
        settings.endpoint.starts_with("http://") || settings.endpoint.starts_with("https://");
    if (settings.on() && !web) {
        table.problem("endpoint", "is an OTLP receiver over HTTP: http://127.0.0.1:4318");
    }
    settings.percent = table.integer("percent", {0, 100}, settings.percent);
    settings.authorization = table.optional_secret("authorization");
    settings.ca_file = table.text("ca_file", "");
    return settings;
}

std::string otlp_resource(std::string_view service, std::string_view instance) {
    std::string out = R"({"attributes":[)";
    add_attribute(out, "service.namespace", "syncline");
    out += ',';
    add_attribute(out, "service.name", service);
    out += ',';
    add_attribute(out, "service.instance.id", instance);
    out += ',';
    add_attribute(out, "service.version", kVersion);
    return out + "]}";
}

std::string otlp_json(const std::string& resource, const std::vector<Span>& spans) {
    std::string out = R"({"resourceSpans":[{"resource":)" + resource +
                      R"(,"scopeSpans":[{"scope":{"name":"syncline"},"spans":[)";
    bool first = true;
    for (const Span& span : spans) {
        if (!std::exchange(first, false)) out += ',';
        add_span(out, span);
    }
    return out + "]}]}]}";
}

Result<std::unique_ptr<Tracer>> Tracer::start(const TracerSettings& settings, std::string service,
                                              std::string instance) {
    std::string authorization;
    if (settings.authorization.configured()) {
        Secret secret = settings.authorization;
        if (auto loaded = secret.load(); !loaded) {
            return fail(loaded.error(), "telemetry.authorization");
        }
        authorization = secret.reveal();
    }
    return std::unique_ptr<Tracer>{
        new Tracer{settings, otlp_resource(service, instance), std::move(authorization)}};
}

Tracer::Tracer(TracerSettings settings, std::string resource, std::string authorization)
    : settings_(std::move(settings)),
      resource_(std::move(resource)),
      authorization_(std::move(authorization)),
      client_({.connect_timeout = kTimeout,
               .response_bytes_max = 1u << 20,
               .proxy = {},
               .ca_file = settings_.ca_file}),
      thread_([this](std::stop_token stop) { run(std::move(stop)); }) {}

Tracer::~Tracer() {
    thread_.request_stop();
    thread_.join();
}

bool Tracer::samples(std::uint64_t random) const { return random % 100 < settings_.percent; }

void Tracer::add(Span span) {
    const std::lock_guard lock{mutex_};
    if (waiting_.size() >= kWaitingMost) {
        ++counts_.dropped;
        return;
    }
    waiting_.push_back(std::move(span));
    if (waiting_.size() == kAtOnce) news_.notify_one();
}

Tracer::Counts Tracer::counts() const {
    const std::lock_guard lock{mutex_};
    return counts_;
}

void Tracer::run(std::stop_token stop) {
    std::stop_source last;
    while (true) {
        std::vector<Span> batch;
        {
            std::unique_lock lock{mutex_};
            news_.wait_for(lock, stop, kBatchWait, [this] { return waiting_.size() >= kAtOnce; });
            const auto count = static_cast<std::ptrdiff_t>(std::min(waiting_.size(), kAtOnce));
            batch.assign(std::make_move_iterator(waiting_.begin()),
                         std::make_move_iterator(waiting_.begin() + count));
            waiting_.erase(waiting_.begin(), waiting_.begin() + count);
        }
        if (batch.empty() && stop.stop_requested()) return;
        if (batch.empty()) continue;
        const bool sent = send(batch, stop);
        const std::lock_guard lock{mutex_};
        (sent ? counts_.sent : counts_.dropped) += batch.size();
        if (!sent && stop.stop_requested()) return;
    }
}

/// What stays away or is full may be told later; what says that we are wrong is not told again.
bool Tracer::send(const std::vector<Span>& spans, std::stop_token stop) {
    HttpRequest request{.method = "POST",
                        .url = settings_.endpoint + "/v1/traces",
                        .headers = {{"Content-Type", "application/json"}},
                        .body = otlp_json(resource_, spans),
                        .timeout = stop.stop_requested() ? Duration{kLastWords} : kTimeout};
    if (!authorization_.empty()) request.headers.emplace_back("Authorization", authorization_);
    std::string why;
    for (int tries = 1;; ++tries) {
        const auto reply = client_.send(request, {});
        if (reply && reply->status / 100 == 2) {
            if (std::exchange(failing_, false)) log::info("telemetry is told again");
            return true;
        }
        why = reply ? "status " + std::to_string(reply->status) : reply.error().what;
        const bool later = !reply || reply->status == 429 || reply->status >= 502;
        if (!later || tries == kTries || stop.stop_requested()) break;
        std::mutex still;
        std::unique_lock lock{still};
        std::condition_variable_any().wait_for(lock, stop, kTryAgain, [] { return false; });
    }
    if (!std::exchange(failing_, true)) {
        log::warning("telemetry cannot be told; it is dropped",
                     {{"endpoint", settings_.endpoint}, {"error", why}});
    }
    return false;
}

}  // namespace syncline::telemetry
