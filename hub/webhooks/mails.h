#pragma once

#include <vector>

#include "hub/webhooks/request.h"
#include "shared/mail/mail.h"

namespace syncline::hub::webhooks {

/// The mails that tell of an event, one for each address; empty: nobody is to be told. Each of
/// those who are asked gets the link that is his own. `from`: the sender's address.
[[nodiscard]] std::vector<Mail> mails_of(const WebhookSpec& webhook, const Policy& policy,
                                         const Delivery& delivery, const Links& links,
                                         const std::string& from, Timestamp now);

/// By the server's reply code (RFC 5321, 4.2), or what kept it from giving one.
[[nodiscard]] Verdict judge_mail(const Result<int>& reply);

}  // namespace syncline::hub::webhooks
