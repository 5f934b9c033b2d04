#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "agent/connectors/connector.h"
#include "agent/connectors/webhook/push_queue.h"
#include "agent/connectors/webhook/signature.h"
#include "agent/connectors/webhook/webhook_config.h"
#include "agent/core/mapping.h"
#include "shared/base/clock.h"
#include "shared/http/server.h"

namespace syncline::agent::webhook {

/// Records that a platform pushes over HTTP, signed. A request is answered 200 only after
/// stored() told that its records are durable; all requests of a batch share one commit. Whatever
/// goes wrong before is answered 503 with Retry-After, or not at all, and the sender tries again.
///
/// An inner connector, if given, does what a push cannot: fetch, find, write, and full reads. Its
/// cursors are told apart by the prefix `inner `. The first read of all is a full one through it.
///
/// The server listens from the first read() on, so objects that only write open no port.
class WebhookConnector final : public Connector {
public:
    /// `queue` outlives the server, and both are made by make_webhook().
    WebhookConnector(WebhookConfig config, std::vector<ObjectMapping> objects, const Clock& clock,
                     std::unique_ptr<Connector> inner)
        : config_(std::move(config)),
          objects_(std::move(objects)),
          clock_(&clock),
          inner_(std::move(inner)),
          queue_(config_.queue) {}
    ~WebhookConnector() override;

    /// Loads the keys (again) and connects the inner connector. Errors as Secret::load() and
    /// SignatureVerifier::make().
    Result<void> connect(std::stop_token stop) override;
    /// kUnavailable: the port is taken. Otherwise as the inner connector's.
    Result<Batch> read(const Cursor& from, std::size_t max, std::stop_token stop) override;
    [[nodiscard]] Cursor full_read_start() const override;
    Result<Batch> survey(const Cursor& from, std::size_t max, std::stop_token stop) override;
    Result<void> stored(const Cursor& stored) override;
    /// kUnsupported without an inner connector, as the two after it.
    Result<std::optional<Record>> fetch(const ObjectName& object, const RecordId& id,
                                        std::stop_token stop) override;
    Result<std::optional<Record>> find(const ObjectName& object, const EntityId& entity,
                                       std::stop_token stop) override;
    Result<Written> write(const Command& command, std::stop_token stop) override;
    /// The inner connector's, as the three after it.
    [[nodiscard]] std::size_t write_max(const Command& command) const override;
    Result<Each<Written>> write_all(const std::vector<Command>& commands,
                                    std::stop_token stop) override;
    [[nodiscard]] std::size_t fetch_max(const ObjectName& object,
                                        const RecordId& id) const override;
    Result<Each<std::optional<Record>>> fetch_all(const ObjectName& object,
                                                  const std::vector<RecordId>& ids,
                                                  std::stop_token stop) override;
    [[nodiscard]] Fields normal_form(const ObjectName& object, const Fields& fields) const override;
    [[nodiscard]] Duration throttle_pause() const override;
    /// The inner connector's; what is pushed costs the platform nothing.
    [[nodiscard]] CallCost take_cost() override;
    [[nodiscard]] Traits traits() const override;

    /// Where the server listens; 0 before the first read().
    [[nodiscard]] std::uint16_t port() const { return server_ ? server_->port() : 0; }

private:
    struct Receiver;  ///< A route with its mapping and verifier.
    struct InFlight {
        std::string cursor;
        std::vector<std::function<void(Result<void>)>> done;
    };

    Result<std::shared_ptr<const std::vector<Receiver>>> make_receivers() const;
    Result<void> start_server();
    void complete_through(const std::string& cursor);
    void fail_in_flight(const std::string& why);
    Result<Batch> read_inner(const Cursor& from, std::size_t max, const std::stop_token& stop);
    void add_events(std::vector<PushedEvent> events, Batch& batch);
    [[nodiscard]] Cursor next_cursor();

    WebhookConfig config_;
    std::vector<ObjectMapping> objects_;
    const Clock* clock_;
    std::unique_ptr<Connector> inner_;
    std::shared_ptr<const std::vector<Receiver>> receivers_;
    std::deque<InFlight> in_flight_;  ///< Handed to the agent, not yet stored.
    std::uint64_t batches_ = 0;
    Timestamp started_at_;
    BoundedPushQueue queue_;
    std::unique_ptr<HttpServer> server_;  ///< Last: it stops before what its handler uses.
};

/// A connector that does not listen yet. kInvalid: a route's object is not mapped. `clock`
/// outlives it. `inner` may be null.
[[nodiscard]] Result<std::unique_ptr<Connector>> make_webhook(WebhookConfig config,
                                                              std::vector<ObjectMapping> objects,
                                                              const Clock& clock,
                                                              std::unique_ptr<Connector> inner);

}  // namespace syncline::agent::webhook
