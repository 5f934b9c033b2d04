#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "hub/api/api.h"
#include "hub/decision_links.h"
#include "hub/hub_options.h"
#include "shared/base/log.h"
#include "shared/base/result.h"
#include "shared/http/address_guard.h"
#include "shared/mail/smtp.h"
#include "shared/nats/nats_options.h"
#include "shared/nats/streams.h"
#include "shared/telemetry/tracer.h"

namespace syncline::hub {

/// What a hub's file may say; configs/hub.toml lists it all.
struct HubConfig {
    std::string id;      ///< Empty: host name and process id.
    std::string policy;  ///< Directory of the policy; relative to the file.
    nats::NatsOptions nats;
    nats::StreamOptions streams;  ///< For streams that do not exist yet.
    HubOptions options;
    log::Options log;
    int metrics_port = 0;  ///< On loopback; 0: none.
    ApiSettings api;
    LinkSettings links;            ///< By which people answer approvals.
    AddressGuard webhook_targets;  ///< Where webhooks may go beside the public Internet.
    SmtpSettings mail;             ///< Without server: no mails are sent.
    telemetry::TracerSettings telemetry;
};

/// kInvalid: every problem of the file, one a line. Touches no network.
[[nodiscard]] Result<HubConfig> load_hub_config(const std::filesystem::path& file);
[[nodiscard]] Result<HubConfig> parse_hub_config(std::string_view text, std::string_view file);

}  // namespace syncline::hub
