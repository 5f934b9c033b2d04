#include "shared/nats/core_subscriber.h"

#include <utility>

#include "shared/nats/received.h"
#include "shared/nats/session.h"

namespace syncline::nats {

CoreSubscriber::CoreSubscriber(Session& session, Spec spec, MessageSink* sink)
    : session_(session), spec_(std::move(spec)), sink_(sink) {}

void CoreSubscriber::close() {
    closed_ = true;
    subscription_.reset();
}

void CoreSubscriber::after_wait() {
    if (!session_.ready()) {
        subscription_.reset();
        return;
    }
    if (subscription_ == nullptr || epoch_ != session_.epoch()) {
        auto made = session_.subscribe(spec_.subject, spec_.queue);
        if (!made) return;  // The connection is about to be found lost; then again.
        subscription_ = *std::move(made);
        epoch_ = session_.epoch();
        if (spec_.request)
            session_.send(spec_.request->subject, spec_.request->body, spec_.subject);
    }
    drain();
}

void CoreSubscriber::drain() {
    int queued = 0;
    if (natsSubscription_GetPending(subscription_.get(), &queued, nullptr) != NATS_OK) return;
    for (; queued > 0 && !closed_; --queued) {
        natsMsg* raw = nullptr;
        if (natsSubscription_NextMsg(&raw, subscription_.get(), 0) != NATS_OK) return;
        const handle::Message message{raw};
        sink_->on_message(received::view(raw));
    }
}

}  // namespace syncline::nats
