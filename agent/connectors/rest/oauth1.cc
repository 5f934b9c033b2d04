#include "agent/connectors/rest/oauth1.h"

#include <algorithm>

#include "shared/base/base64.h"
#include "shared/base/sha256.h"
#include "shared/http/client.h"
#include "shared/http/percent_decode.h"

namespace syncline::agent::rest {
namespace {

using Parameters = std::vector<std::pair<std::string, std::string>>;

/// Those of a query, in the encoding that is signed whatever the platform's own URLs have.
void add_query(std::string_view query, Parameters& encoded) {
    while (!query.empty()) {
        const std::string_view one = query.substr(0, query.find('&'));
        query.remove_prefix(std::min(query.size(), one.size() + 1));
        if (one.empty()) continue;
        const auto equals = one.find('=');
        const std::string_view value =
            equals == std::string_view::npos ? std::string_view{} : one.substr(equals + 1);
        encoded.emplace_back(percent_encode(percent_decode(one.substr(0, equals))),
                             percent_encode(percent_decode(value)));
    }
}

}  // namespace

std::string oauth1_base(std::string_view method, std::string_view url,
                        const Parameters& parameters) {
    const auto question = url.find('?');
    Parameters encoded;
    if (question != std::string_view::npos) add_query(url.substr(question + 1), encoded);
    for (const auto& [name, value] : parameters) {
        encoded.emplace_back(percent_encode(name), percent_encode(value));
    }
    std::ranges::sort(encoded);
    std::string all;
    for (const auto& [name, value] : encoded) {
        all += (all.empty() ? "" : "&") + name + "=" + value;
    }
    return std::string{method} + "&" + percent_encode(url.substr(0, question)) + "&" +
           percent_encode(all);
}

std::string oauth1_header(const Oauth1Keys& keys, std::string_view method, std::string_view url,
                          std::string_view nonce, Timestamp now) {
    Parameters parameters{{"oauth_consumer_key", keys.consumer_key},
                          {"oauth_nonce", std::string{nonce}},
                          {"oauth_signature_method", "HMAC-SHA256"},
                          {"oauth_timestamp", std::to_string(now.ns / 1'000'000'000)},
                          {"oauth_token", keys.token},
                          {"oauth_version", "1.0"}};
    const std::string key =
        percent_encode(keys.consumer_secret) + "&" + percent_encode(keys.token_secret);
    const Sha256 hash = hmac_sha256(key, oauth1_base(method, url, parameters));
    parameters.emplace_back("oauth_signature", base64(bytes_of(hash)));
    std::string header = "OAuth ";
    if (!keys.realm.empty()) header += "realm=\"" + percent_encode(keys.realm) + "\",";
    for (const auto& [name, value] : parameters) {
        header += name + "=\"" + percent_encode(value) + "\",";
    }
    header.pop_back();
    return header;
}

}  // namespace syncline::agent::rest
