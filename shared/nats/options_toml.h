#pragma once

#include "shared/base/toml_reader.h"
#include "shared/nats/nats_options.h"

namespace syncline::nats {

/// Reads a `[nats]` table over `defaults`; problems are noted in the reader:
///
///     [nats]
///     urls = ["nats://127.0.0.1:4222"]
///     credentials_file = "/etc/syncline/hub.creds"   # or nkey_seed_file, or user + password
///     password = { credential = "nats_password" }
///     tls_ca_file = "..."  tls_cert_file = "..."  tls_key_file = "..."
///     inbox_prefix = "_INBOX"
///     jetstream_prefix = "$JS.API"
///     direct_reads = false
[[nodiscard]] NatsOptions read_nats_options(TomlReader table, NatsOptions defaults);

}  // namespace syncline::nats
