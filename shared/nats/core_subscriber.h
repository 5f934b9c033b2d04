#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "shared/nats/handles.h"
#include "shared/nats/jetstream_api.h"
#include "shared/nats/link.h"

namespace syncline::nats {

class Session;

/// What a subscribe(), a serve() or an ask_all() does: a plain subscription, made again on every
/// new connection. Messages sent while there is no connection are missed. Threading: belongs to the
/// loop's thread.
class CoreSubscriber {
public:
    struct Spec {
        std::string subject;
        std::string queue;  ///< Whom a message goes to only one of; empty: to all.
        /// Sent once it is made, to be answered here.
        std::optional<api::Request> request;
    };
    CoreSubscriber(Session& session, Spec spec, MessageSink* sink);

    /// No callback comes after this. Harmless from within one.
    void close();
    [[nodiscard]] bool closed() const { return closed_; }
    void after_wait();

private:
    void drain();

    Session& session_;
    Spec spec_;
    MessageSink* sink_;
    handle::Subscription subscription_;
    std::uint64_t epoch_ = 0;
    bool closed_ = false;
};

}  // namespace syncline::nats
