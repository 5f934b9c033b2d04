#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hub/decision_links.h"
#include "hub/event_message.h"
#include "shared/http/client.h"
#include "shared/policy/policy.h"

namespace syncline::hub::webhooks {

/// A business event on its way to those who are told of it.
struct Delivery {
    std::string id;    ///< The same whenever it is sent: whoever has it already can drop it.
    std::string name;  ///< `order.confirmed`.
    std::string key;
    std::string at;  ///< When it came true.
    Fields fields;
    Value::Map attributes;  ///< Of the CloudEvent: "type", "id", "source", ...
    std::string trace;      ///< `traceparent`; may be empty.
};

/// What it carries in a field, as text; empty if it does not.
[[nodiscard]] std::string text_of(const Delivery& delivery, std::string_view field);

/// Of an event as its stream has it; `header` gives its headers. kInvalid: it is none.
[[nodiscard]] Result<Delivery> delivery_of(
    const Policy& policy, std::string_view subject, std::string_view body,
    const std::function<std::string_view(std::string_view)>& header);

/// Who may answer an approval, and whose word that is: their own if it is empty.
struct Asked {
    std::string person;
    std::string on_behalf_of;
    friend bool operator==(const Asked&, const Asked&) = default;
};
/// Those who have the role, and those to whom they have delegated it; not who has asked for it.
/// Nobody if it is no event that asks.
[[nodiscard]] std::vector<Asked> those_asked(const Policy& policy, const Delivery& delivery,
                                             Timestamp now);

/// Links by which they answer, by person. They stand in no stream: see DecisionLinks.
using Links = std::map<std::string, std::string>;
[[nodiscard]] Links links_for(const Policy& policy, const Delivery& delivery,
                              const DecisionLinks& links, Timestamp now);

[[nodiscard]] std::string body_of(const Delivery& delivery, const Links& links);

/// Signed with the key, which standard_webhooks::key_in() has given.
[[nodiscard]] HttpRequest request_of(const WebhookSpec& webhook, const Delivery& delivery,
                                     const Links& links, std::string_view key, Timestamp now);

/// What to do next, by what came back.
struct Verdict {
    enum class What {
        kTaken,
        kAgain,    ///< It, or whoever answers for it, is not well now.
        kBarred,   ///< This hub may not ask there; the same until somebody allows it.
        kRefused,  ///< This one is not wanted as it is.
        kGone,     ///< Nothing is wanted any more.
    };
    What what = What::kTaken;
    std::string why;                ///< Of all but kTaken.
    std::optional<Duration> pause;  ///< As it asks for.
};
[[nodiscard]] Verdict judge(const Result<HttpResponse>& reply, Timestamp now);

}  // namespace syncline::hub::webhooks
