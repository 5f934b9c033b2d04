#include "agent/connectors/webhook/webhook_connector.h"

#include <algorithm>
#include <chrono>

namespace syncline::agent::webhook {
namespace {

using namespace std::chrono_literals;

constexpr Duration kReadWait = 1s;
constexpr std::string_view kInner = "inner ";

std::unexpected<Error> only_pushed() {
    return fail(ErrorKind::kUnsupported,
                "a webhook only receives; name a connector that writes in [connector.write]");
}

std::string_view event_id(SignatureScheme scheme, const HttpServer::Request& request) {
    if (scheme == SignatureScheme::kStandard) return request.header("webhook-id");
    if (scheme == SignatureScheme::kGithub) return request.header("x-github-delivery");
    return {};
}

}  // namespace

struct WebhookConnector::Receiver {
    Route route;
    ObjectMapping mapping;
    SignatureVerifier verifier;
    std::string public_url;
    JsonLimits limits;
    std::chrono::seconds retry_after;

    /// Answers at once what needs no storing; else hands it to `queue`.
    void receive(const HttpServer::Request& request, const HttpServer::Answer& answer,
                 Timestamp now, PushQueue& queue) const {
        const std::string url = public_url + std::string{request.target};
        const SignedMessage message{
            .method = request.method, .url = url, .body = request.body, .header = request.header};
        if (!verifier.verify(message, now)) return answer({.status = 401});
        auto event = events_of(route.shape, mapping, request.body, limits);
        if (!event) return answer({.status = 400, .text = event.error().what + "\n"});
        if (event->records.empty() && event->rejects.empty()) return answer({.status = 200});
        event->bytes = request.body.size();
        event->event_id = std::string{event_id(route.scheme, request)};
        event->done = [answer, pause = retry_after](Result<void> stored) {
            if (stored) return answer({.status = 200});
            answer({.status = 503, .retry_after = pause});
        };
        if (!queue.try_push(std::move(*event))) {
            answer({.status = 503, .retry_after = retry_after});
        }
    }
};

WebhookConnector::~WebhookConnector() { fail_in_flight("the agent stops"); }

Result<std::shared_ptr<const std::vector<WebhookConnector::Receiver>>>
WebhookConnector::make_receivers() const {
    auto receivers = std::make_shared<std::vector<Receiver>>();
    for (const Route& route : config_.routes) {
        std::vector<Secret> keys{route.key};
        if (route.next_key.configured()) keys.push_back(route.next_key);
        for (Secret& key : keys) {
            if (auto loaded = key.load(); !loaded) return fail(loaded.error(), route.path);
        }
        auto verifier = SignatureVerifier::make(route.scheme, std::move(keys), route.window);
        if (!verifier) return fail(verifier.error(), route.path);
        const auto mapping = std::ranges::find(objects_, route.object, &ObjectMapping::object);
        JsonLimits limits;
        limits.bytes_max = config_.server.body_bytes_max;
        receivers->push_back({route, *mapping, std::move(*verifier), config_.public_url, limits,
                              config_.retry_after});
    }
    return receivers;
}

Result<void> WebhookConnector::connect(std::stop_token stop) {
    if (!server_) {
        auto receivers = make_receivers();
        if (!receivers) return fail(receivers.error());
        receivers_ = std::move(*receivers);
    }
    return inner_ ? inner_->connect(stop) : Result<void>{};
}

Result<void> WebhookConnector::start_server() {
    if (server_) return {};
    if (!receivers_) return fail(ErrorKind::kUnavailable, "webhook: not connected");
    started_at_ = clock_->now();
    auto server = HttpServer::start(
        config_.server, [receivers = receivers_, clock = clock_, queue = &queue_](
                            const HttpServer::Request& request, const HttpServer::Answer& answer) {
            for (const Receiver& receiver : *receivers) {
                if (receiver.route.path != request.path) continue;
                return receiver.receive(request, answer, clock->now(), *queue);
            }
            answer({.status = 404});
        });
    if (!server) return fail(server.error(), "webhook");
    server_ = std::move(*server);
    return {};
}

Result<Batch> WebhookConnector::read(const Cursor& from, std::size_t max, std::stop_token stop) {
    if (auto started = start_server(); !started) return fail(started.error());
    complete_through(from.text);
    // What was handed out and is not in `from` did not get stored.
    fail_in_flight("the agent could not store it");
    const bool reads_inner = inner_ && (from.text.empty() || from.text.starts_with(kInner));
    if (reads_inner) return read_inner(from, max, stop);
    std::vector<PushedEvent> events = queue_.take(max, kReadWait, stop);
    Batch batch;
    batch.next = from;
    if (events.empty()) return batch;
    batch.next = next_cursor();
    batch.more = queue_.size() > 0;
    add_events(std::move(events), batch);
    return batch;
}

/// A full read does not keep the senders waiting: what they push goes along with its batches.
Result<Batch> WebhookConnector::read_inner(const Cursor& from, std::size_t max,
                                           const std::stop_token& stop) {
    const Cursor inner_from =
        from.text.empty() ? inner_->full_read_start() : Cursor{from.text.substr(kInner.size())};
    auto batch = inner_->read(inner_from, max, stop);
    if (!batch) return batch;
    const bool done = !batch->more;
    batch->next = done ? next_cursor() : Cursor{std::string{kInner} + batch->next.text};
    add_events(queue_.take(max, Duration{0}, stop), *batch);
    return batch;
}

void WebhookConnector::add_events(std::vector<PushedEvent> events, Batch& batch) {
    if (events.empty()) return;
    InFlight flight{.cursor = batch.next.text};
    for (PushedEvent& event : events) {
        std::ranges::move(event.records, std::back_inserter(batch.records));
        std::ranges::move(event.rejects, std::back_inserter(batch.rejects));
        flight.done.push_back(std::move(event.done));
    }
    in_flight_.push_back(std::move(flight));
}

/// Different from every cursor before, also those of earlier processes.
Cursor WebhookConnector::next_cursor() {
    return {"pushed " + std::to_string(started_at_.ns) + " " + std::to_string(++batches_)};
}

void WebhookConnector::complete_through(const std::string& cursor) {
    const auto at = std::ranges::find(in_flight_, cursor, &InFlight::cursor);
    if (at == in_flight_.end()) return;
    const auto end = at + 1;
    for (auto flight = in_flight_.begin(); flight != end; ++flight) {
        for (const auto& done : flight->done) done({});
    }
    in_flight_.erase(in_flight_.begin(), end);
}

void WebhookConnector::fail_in_flight(const std::string& why) {
    for (const InFlight& flight : in_flight_) {
        for (const auto& done : flight.done) done(fail(ErrorKind::kUnavailable, why));
    }
    in_flight_.clear();
}

Cursor WebhookConnector::full_read_start() const {
    return inner_ ? Cursor{std::string{kInner} + inner_->full_read_start().text} : Cursor{};
}

Result<Batch> WebhookConnector::survey(const Cursor& from, std::size_t max, std::stop_token stop) {
    if (!inner_) return only_pushed();
    const Cursor inner_from = from.text.starts_with(kInner)
                                  ? Cursor{from.text.substr(kInner.size())}
                                  : inner_->full_read_start();
    auto batch = inner_->survey(inner_from, max, stop);
    if (batch) batch->next = {std::string{kInner} + batch->next.text};
    return batch;
}

Result<void> WebhookConnector::stored(const Cursor& stored) {
    complete_through(stored.text);
    if (inner_ && stored.text.starts_with(kInner)) {
        return inner_->stored({stored.text.substr(kInner.size())});
    }
    return {};
}

Result<std::optional<Record>> WebhookConnector::fetch(const ObjectName& object, const RecordId& id,
                                                      std::stop_token stop) {
    if (!inner_) return only_pushed();
    return inner_->fetch(object, id, stop);
}

Result<std::optional<Record>> WebhookConnector::find(const ObjectName& object,
                                                     const EntityId& entity, std::stop_token stop) {
    if (!inner_) return only_pushed();
    return inner_->find(object, entity, stop);
}

Result<Written> WebhookConnector::write(const Command& command, std::stop_token stop) {
    if (!inner_) return only_pushed();
    return inner_->write(command, stop);
}

std::size_t WebhookConnector::write_max(const Command& command) const {
    return inner_ ? inner_->write_max(command) : 1;
}

Result<Each<Written>> WebhookConnector::write_all(const std::vector<Command>& commands,
                                                  std::stop_token stop) {
    if (!inner_) return only_pushed();
    return inner_->write_all(commands, stop);
}

std::size_t WebhookConnector::fetch_max(const ObjectName& object, const RecordId& id) const {
    return inner_ ? inner_->fetch_max(object, id) : 1;
}

Result<Each<std::optional<Record>>> WebhookConnector::fetch_all(const ObjectName& object,
                                                                const std::vector<RecordId>& ids,
                                                                std::stop_token stop) {
    if (!inner_) return only_pushed();
    return inner_->fetch_all(object, ids, stop);
}

Fields WebhookConnector::normal_form(const ObjectName& object, const Fields& fields) const {
    if (inner_) return inner_->normal_form(object, fields);
    const auto mapping = std::ranges::find(objects_, object, &ObjectMapping::object);
    if (mapping == objects_.end()) return fields;
    return agent::normal_form(*mapping, fields).value_or(fields);
}

Duration WebhookConnector::throttle_pause() const {
    return inner_ ? inner_->throttle_pause() : Duration{0};
}

CallCost WebhookConnector::take_cost() {
    return inner_ ? inner_->take_cost() : CallCost{.calls = 0, .told = {}};
}

Connector::Traits WebhookConnector::traits() const {
    Traits traits = inner_ ? inner_->traits() : Traits{};
    traits.waits_for_changes = true;
    traits.reads_ahead = false;  // Whoever pushed is answered by stored().
    traits.push = std::nullopt;  // What is pushed here is not backed by polling.
    return traits;
}

Result<std::unique_ptr<Connector>> make_webhook(WebhookConfig config,
                                                std::vector<ObjectMapping> objects,
                                                const Clock& clock,
                                                std::unique_ptr<Connector> inner) {
    for (const Route& route : config.routes) {
        if (std::ranges::find(objects, route.object, &ObjectMapping::object) == objects.end()) {
            return fail(ErrorKind::kInvalid,
                        "route " + route.path + ": object " + route.object.text + " is not mapped");
        }
    }
    return std::make_unique<WebhookConnector>(std::move(config), std::move(objects), clock,
                                              std::move(inner));
}

}  // namespace syncline::agent::webhook
