#pragma once

#include <cstdint>
#include <string>

#include "shared/nats/handles.h"
#include "shared/nats/link.h"

namespace syncline::nats {

class Session;

/// What a subscribe() does: a plain subscription, made again on every new connection. Messages
/// sent while there is no connection are missed.
/// Threading: belongs to the loop's thread.
class CoreSubscriber {
public:
    CoreSubscriber(Session& session, std::string subject, MessageSink* sink);

    /// No callback comes after this. Harmless from within one.
    void close();
    [[nodiscard]] bool closed() const { return closed_; }
    void after_wait();

private:
    void drain();

    Session& session_;
    std::string subject_;
    MessageSink* sink_;
    handle::Subscription subscription_;
    std::uint64_t epoch_ = 0;
    bool closed_ = false;
};

}  // namespace syncline::nats
