#include "shared/nats/options_toml.h"

namespace syncline::nats {

NatsOptions read_nats_options(TomlReader table, NatsOptions defaults) {
    NatsOptions options = std::move(defaults);
    options.urls = table.texts("urls", options.urls);
    for (std::size_t i = 0; i < options.urls.size(); ++i) {
        const std::string& url = options.urls[i];
        if (!url.starts_with("nats://") && !url.starts_with("tls://")) {
            table.problem("urls", i, "must begin with nats:// or tls://");
        }
    }
    if (options.urls.empty()) table.problem("urls", "must name one server at least");
    options.credentials_file = table.text("credentials_file", options.credentials_file);
    options.nkey_seed_file = table.text("nkey_seed_file", options.nkey_seed_file);
    options.user = table.text("user", options.user);
    options.password = table.optional_secret("password");
    options.tls_ca_file = table.text("tls_ca_file", options.tls_ca_file);
    options.tls_cert_file = table.text("tls_cert_file", options.tls_cert_file);
    options.tls_key_file = table.text("tls_key_file", options.tls_key_file);
    options.inbox_prefix = table.text("inbox_prefix", options.inbox_prefix);
    const int ways = (options.credentials_file.empty() ? 0 : 1) +
                     (options.nkey_seed_file.empty() ? 0 : 1) + (options.user.empty() ? 0 : 1);
    if (ways > 1) {
        table.problem("urls",
                      "is given with more than one way to say who we are; keep one of "
                      "credentials_file, nkey_seed_file, user");
    }
    if (options.user.empty() == options.password.configured()) {
        table.problem("user", "and `password` go together");
    }
    options.connect_timeout =
        table.milliseconds("connect_timeout_ms", {100, 60'000}, options.connect_timeout);
    options.answer_timeout =
        table.milliseconds("answer_timeout_ms", {100, 120'000}, options.answer_timeout);
    return options;
}

}  // namespace syncline::nats
