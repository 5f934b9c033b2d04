#include "hub/webhooks/mails.h"

#include "shared/base/sha256.h"
#include "shared/model/member.h"
#include "shared/policy/hub_events.h"

namespace syncline::hub::webhooks {
namespace {

/// What it is about, first; a mail's subject may be all that is read of it.
std::string subject_of(const Delivery& delivery) {
    if (delivery.name == "approval.asked" || delivery.name == "approval.reminded") {
        return (delivery.name == "approval.asked" ? "Your approval: "
                                                  : "Still open, your approval: ") +
               text_of(delivery, "workflow") + " " + delivery.key;
    }
    if (delivery.name.starts_with(std::string{hub_events::kAlert} + ".")) {
        return std::string{delivery.name == "alert.raised" ? "Alert: " : "Over: "} +
               text_of(delivery, "alert") + ", " + text_of(delivery, "measure") + " is " +
               text_of(delivery, "value") + ", limit " + text_of(delivery, "limit");
    }
    return delivery.name + " " + delivery.key;
}

void append_lines(std::string& text, const std::string& indent, const std::string& name,
                  const Value& value) {
    if (const auto* map = value.get<Value::Map>()) {
        text += indent + name + ":\n";
        for (const auto& [key, one] : *map) append_lines(text, indent + "  ", key, one);
    } else if (const auto* list = value.get<Value::List>()) {
        text += indent + name + ":\n";
        for (std::size_t i = 0; i < list->size(); ++i) {
            append_lines(text, indent + "  ", std::to_string(i + 1), (*list)[i]);
        }
    } else if (!value.is_null()) {
        text += indent + name + ": " + plain_text(value) + "\n";
    }
}

Mail mail_to(const std::string& address, const Delivery& delivery, const std::string& link,
             const std::string& from) {
    Mail mail{.id = delivery.id + "." + hexadecimal(bytes_of(sha256({address}))).substr(0, 8),
              .from = from,
              .to = address,
              .subject = subject_of(delivery),
              .text = {}};
    if (!link.empty()) {
        mail.text =
            "See it and answer it here. The link is yours alone: whoever has it answers in "
            "your name.\n\n" +
            link + "\n\n";
    }
    mail.text += delivery.name + " " + delivery.key + ", " + delivery.at + "\n\n";
    for (const auto& [name, value] : delivery.fields) append_lines(mail.text, "", name.text, value);
    return mail;
}

}  // namespace

std::vector<Mail> mails_of(const WebhookSpec& webhook, const Policy& policy,
                           const Delivery& delivery, const Links& links, const std::string& from,
                           Timestamp now) {
    std::vector<Mail> mails;
    for (const std::string& address : webhook.mail_to) {
        if (address != kThoseAsked) {
            mails.push_back(mail_to(address, delivery, {}, from));
            continue;
        }
        for (const Asked& one : those_asked(policy, delivery, now)) {
            const auto known = policy.people.find(one.person);
            const auto link = links.find(one.person);
            if (known == policy.people.end()) continue;
            mails.push_back(mail_to(known->second, delivery,
                                    link == links.end() ? std::string{} : link->second, from));
        }
    }
    return mails;
}

Verdict judge_mail(const Result<int>& reply) {
    using What = Verdict::What;
    if (!reply) return {What::kAgain, reply.error().what, {}};
    if (*reply / 100 == 2) return {};
    const std::string why = "the mail server answers " + std::to_string(*reply);
    // 530, 534, 535, 538: of the login (RFC 4954, 6), which is not the mail's fault.
    const bool login = *reply == 530 || *reply == 534 || *reply == 535 || *reply == 538;
    return {*reply / 100 == 5 && !login ? What::kRefused : What::kAgain, why, {}};
}

}  // namespace syncline::hub::webhooks
