#include "shared/nats/options_toml.h"

#include <string_view>
#include <utility>

namespace syncline::nats {
namespace {

/// What a subject can begin with: tokens, none of them empty or a wildcard.
bool is_subject_start(std::string_view text) {
    if (text.empty() || text.starts_with('.') || text.ends_with('.')) return false;
    for (const char c : text) {
        if (static_cast<unsigned char>(c) <= ' ' || c == '*' || c == '>' || c == '\x7F')
            return false;
    }
    return text.find("..") == std::string_view::npos;
}

}  // namespace

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
    options.jetstream_prefix = table.text("jetstream_prefix", options.jetstream_prefix);
    options.direct_reads = table.boolean("direct_reads", options.direct_reads);
    for (const auto& [key, value] : {std::pair{"inbox_prefix", &options.inbox_prefix},
                                     std::pair{"jetstream_prefix", &options.jetstream_prefix}}) {
        if (is_subject_start(*value)) continue;
        table.problem(key, "must be tokens with dots between, without blanks, `*` and `>`");
    }
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
