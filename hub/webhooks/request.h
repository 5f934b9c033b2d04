#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "hub/event_message.h"
#include "shared/http/client.h"
#include "shared/policy/policy.h"

namespace syncline::hub::webhooks {

/// A business event on its way to those who are told of it.
struct Delivery {
    std::string id;    ///< The same whenever it is sent: whoever has it already can drop it.
    std::string name;  ///< `order.confirmed`.
    std::string key;
    std::string body;
    std::string trace;  ///< `traceparent`; may be empty.
};

/// Of an event as its stream has it; `header` gives its headers. kInvalid: it is none.
[[nodiscard]] Result<Delivery> delivery_of(
    const Policy& policy, std::string_view subject, std::string_view body,
    const std::function<std::string_view(std::string_view)>& header);

/// Signed with the key, which standard_webhooks::key_in() has given.
[[nodiscard]] HttpRequest request_of(const WebhookSpec& webhook, const Delivery& delivery,
                                     std::string_view key, Timestamp now);

/// What to do next, by what came back.
struct Verdict {
    enum class What {
        kTaken,
        kAgain,    ///< It, or whoever answers for it, is not well now.
        kRefused,  ///< This one is not wanted as it is.
        kGone,     ///< Nothing is wanted any more.
    };
    What what = What::kTaken;
    std::string why;                ///< Of all but kTaken.
    std::optional<Duration> pause;  ///< As it asks for.
};
[[nodiscard]] Verdict judge(const Result<HttpResponse>& reply, Timestamp now);

}  // namespace syncline::hub::webhooks
