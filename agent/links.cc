#include "agent/links.h"

#include <utility>

#include "shared/wire/codec.h"
#include "shared/wire/subjects.h"

namespace syncline::agent {
namespace {

/// Whether all of the list has come is looked at this often; no message says so.
constexpr Duration kLook{std::chrono::milliseconds{200}};

}  // namespace

Result<void> Links::start() {
    round_ = p_.intake.round();
    done_ = !p_.can_fetch;
    if (done_) return {};
    return p_.store.transaction(
        [&](Transaction& transaction) { done_ = transaction.number(keys::kLinksRead) != 0; });
}

void Links::start_over() {
    round_ = p_.intake.round();
    done_ = !p_.can_fetch;
    found_.clear();
    subscription_.reset();
}

void Links::pump() {
    if (round_ != p_.intake.round()) start_over();
    if (done_ || committing_) return;
    if (!found_.empty()) return store_found();
    if (subscription_) {
        if (subscription_->caught_up()) finish();
        return;
    }
    // What the hub has not decided yet may still make links.
    if (!p_.link.connected() || !p_.intake.is_acquainted()) return;
    subscription_ = p_.link.consume({.stream = std::string{subjects::kStreamState},
                                     .filters = {subjects::links_of(p_.store.platform())},
                                     .last_per_subject = true,
                                     .watch_stream = false},
                                    this);
}

Duration Links::next_deadline() const {
    if (done_ || committing_) return kNever;
    if (!found_.empty()) return p_.environment.steady();
    return subscription_ ? p_.environment.steady() + kLook : kNever;
}

void Links::on_message(const nats::InMessage& message) {
    auto record = subjects::parse_link(message.subject);
    auto entity = wire::decode_reference(message.body);
    if (!record || !entity || entity->empty()) return subscription_->processed(1);
    found_.push_back({*std::move(record), *std::move(entity)});
}

void Links::store_found() {
    committing_ = true;
    auto found = std::make_shared<std::vector<Known>>(std::exchange(found_, {}));
    p_.commits.add(
        [found](Transaction& transaction) {
            for (const Known& known : *found) {
                transaction.know(known.record.object, known.record.record, known.entity);
            }
        },
        [this, found] {
            committing_ = false;
            if (subscription_) subscription_->processed(found->size());
        });
}

void Links::finish() {
    committing_ = true;
    p_.commits.add(
        [this](Transaction& transaction) {
            if (round_ != p_.intake.round()) return;
            transaction.set_number(keys::kLinksRead, 1);
            p_.intake.want_unseen(transaction);
        },
        [this] {
            committing_ = false;
            if (round_ != p_.intake.round()) return;
            done_ = true;
            subscription_.reset();
            p_.intake.follow_unseen();
        });
}

}  // namespace syncline::agent
