#include "hub/webhooks/request.h"

#include <algorithm>

#include "shared/base/json.h"
#include "shared/base/sha256.h"
#include "shared/http/standard_webhooks.h"
#include "shared/model/member.h"
#include "shared/policy/hub_events.h"

namespace syncline::hub::webhooks {
namespace {

/// Of an answer that is an error, so many bytes are shown.
constexpr std::size_t kShownBytes = 200;
constexpr Duration kPauseMost = std::chrono::hours{1};

/// The start of what somebody else's server says, as one line without control characters.
std::string shown(std::string_view body) {
    std::string text;
    for (const char c : body.substr(0, kShownBytes)) {
        const bool plain = static_cast<unsigned char>(c) >= 0x20 && c != 0x7f;
        text += plain ? c : ' ';
    }
    return text;
}

}  // namespace

std::string text_of(const Delivery& delivery, std::string_view field) {
    const Value* value = delivery.fields.find(field);
    return value == nullptr ? std::string{} : plain_text(*value);
}

Result<Delivery> delivery_of(const Policy& policy, std::string_view subject, std::string_view body,
                             const std::function<std::string_view(std::string_view)>& header) {
    auto event = read_event(policy, subject, body);
    if (!event) return fail(event.error());
    const auto said = [&](std::string_view name) {
        return std::string{header ? header(name) : std::string_view{}};
    };
    Delivery delivery;
    const std::string hash = hexadecimal(bytes_of(sha256({subject})));
    delivery.id = "msg_" + hash.substr(0, 32);
    delivery.name = event->name;
    delivery.key = event->key;
    delivery.trace = said("traceparent");
    delivery.at = said("ce-time");
    delivery.fields = std::move(event->fields);
    delivery.attributes = {{"type", said("ce-type")},       {"timestamp", delivery.at},
                           {"id", said("ce-id")},           {"source", said("ce-source")},
                           {"subject", said("ce-subject")}, {"key", event->key}};
    return delivery;
}

std::vector<Asked> those_asked(const Policy& policy, const Delivery& delivery, Timestamp now) {
    if (!delivery.name.starts_with(std::string{hub_events::kApproval} + ".")) return {};
    const std::string name = text_of(delivery, "role");
    const std::string requester = text_of(delivery, "requester");
    const auto role = policy.roles.find(name);
    if (role == policy.roles.end()) return {};
    std::vector<Asked> asked;
    for (const std::string& person : role->second) {
        if (person != requester) asked.push_back({person, {}});
    }
    const auto has = [&](const std::string& person) {
        return std::ranges::find(asked, person, &Asked::person) != asked.end();
    };
    for (const Delegation& one : policy.delegations) {
        const bool over = one.until != Timestamp{} && now >= one.until;
        const bool given = std::ranges::find(one.roles, name) != one.roles.end();
        // Who has the role already is asked for their own word.
        if (over || !given || !has(one.from) || has(one.to) || one.to == requester) continue;
        asked.push_back({one.to, one.from});
    }
    return asked;
}

Links links_for(const Policy& policy, const Delivery& delivery, const DecisionLinks& links,
                Timestamp now) {
    Links all;
    if (!links.enabled()) return all;
    const Timestamp until = parse_timestamp(text_of(delivery, "until")).value_or(Timestamp{});
    for (const Asked& one : those_asked(policy, delivery, now)) {
        const DecisionLinks::Grant grant{text_of(delivery, "approval"), one.person,
                                         one.on_behalf_of};
        all.emplace(one.person, links.link(grant, until, now));
    }
    return all;
}

std::string body_of(const Delivery& delivery, const Links& links) {
    Value::Map body = delivery.attributes;
    Value::Map data;
    for (const auto& [name, value] : delivery.fields) data.emplace(name.text, value);
    body.emplace("data", std::move(data));
    Value::Map by_person;
    for (const auto& [person, link] : links) by_person.emplace(person, link);
    if (!by_person.empty()) body.emplace("links", std::move(by_person));
    return to_json(Value{std::move(body)});
}

HttpRequest request_of(const WebhookSpec& webhook, const Delivery& delivery, const Links& links,
                       std::string_view key, Timestamp now) {
    const std::string body = body_of(delivery, links);
    const std::string at = std::to_string(now.ns / 1'000'000'000);
    HttpRequest request{.method = "POST",
                        .url = webhook.url,
                        .headers = {{"Content-Type", "application/json"},
                                    {"webhook-id", delivery.id},
                                    {"webhook-timestamp", at},
                                    {"webhook-signature", "v1," + standard_webhooks::signature(
                                                                      key, delivery.id, at, body)}},
                        .body = body,
                        .timeout = webhook.timeout};
    if (!delivery.trace.empty()) request.headers.emplace_back("traceparent", delivery.trace);
    return request;
}

Verdict judge(const Result<HttpResponse>& reply, Timestamp now) {
    using What = Verdict::What;
    if (!reply && reply.error().kind == ErrorKind::kDenied) {
        return {What::kBarred,
                reply.error().what +
                    "; if it is meant, name it in `allow` of [webhooks] in the "
                    "file of every hub",
                {}};
    }
    if (!reply) return {What::kAgain, reply.error().what, {}};
    if (reply->status / 100 == 2) return {};
    Verdict verdict{What::kAgain, "it answers " + std::to_string(reply->status), {}};
    const std::string body = shown(reply->body);
    if (!body.empty()) verdict.why += ": " + body;
    switch (reply->status) {
        case 400:
        case 406:
        case 413:
        case 415:
        case 422: verdict.what = What::kRefused; break;
        case 410: verdict.what = What::kGone; break;
        default:
            if (reply->status / 100 == 3) verdict.why += " (redirects are not followed)";
            verdict.pause = parse_retry_after(reply->header("retry-after"),
                                              reply->date().value_or(now), kPauseMost);
    }
    return verdict;
}

}  // namespace syncline::hub::webhooks
