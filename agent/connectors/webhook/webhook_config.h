#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

#include "agent/connectors/webhook/events.h"
#include "agent/connectors/webhook/push_queue.h"
#include "agent/connectors/webhook/signature.h"
#include "shared/base/secret.h"
#include "shared/base/toml_reader.h"
#include "shared/http/server.h"
#include "shared/model/ids.h"

namespace syncline::agent::webhook {

/// `[[connector.route]]`: what is pushed to one path.
struct Route {
    std::string path;  ///< Starts with `/`, without query.
    ObjectName object;
    EventShape shape;  ///< `items`, `record`, `complete`, `deleted_when`, `accept_when`.
    SignatureScheme scheme = SignatureScheme::kStandard;  ///< `signature`.
    Secret key;
    Secret next_key;                   ///< Also valid: for exchanging keys without a gap. Optional.
    std::chrono::seconds window{300};  ///< `window_s`: how far the sender's clock may be off.
};

/// `[connector]` with `kind = "webhook"`.
struct WebhookConfig {
    HttpServer::Settings server;     ///< `listen` and the limits.
    std::string public_url;          ///< As senders call it, without path; for HubSpot's signature.
    BoundedPushQueue::Limits queue;  ///< `queue_events`, `queue_bytes`: not stored yet; then 503.
    std::chrono::seconds retry_after{5};  ///< `retry_after_s`, told with a 503.
    std::vector<Route> routes;
};

/// Reads the table; what is wrong is noted in `read`. The keys `kind` and `write` (the connector
/// that writes, `[connector.write]`) are left to the caller.
[[nodiscard]] WebhookConfig parse_webhook_config(TomlReader& read);

}  // namespace syncline::agent::webhook
