#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "shared/nats/link.h"

namespace syncline::nats {

/// Requests and replies without store. What is lost is lost: whoever asks has a deadline.
/// Threading: as Link.
class Services {
public:
    virtual ~Services() = default;

    /// Requests on `subject` (wildcards allowed), each to one of those that serve it under the same
    /// `queue`; with an empty one, to all of them. `InMessage::reply` says where to answer.
    [[nodiscard]] virtual std::unique_ptr<Subscription> serve(std::string_view subject,
                                                              std::string_view queue,
                                                              MessageSink* sink) = 0;

    /// Answers a request; nothing happens if `to` is empty.
    virtual void reply(std::string_view to, std::string_view body,
                       std::span<const Header> headers) = 0;

    /// `done` hears exactly once: the body of the first answer, or kUnavailable (not connected, or
    /// nobody serves it), kDenied, kInvalid (cannot be sent), kAmbiguous (no answer in the link's
    /// time; who wants less waits less).
    virtual void request(std::string_view subject, std::string_view body,
                         std::span<const Header> headers, Link::Done<std::string_view> done) = 0;

    /// Asks all who serve `subject`: each answer goes to `sink`, until the Subscription is gone.
    [[nodiscard]] virtual std::unique_ptr<Subscription> ask_all(std::string_view subject,
                                                                std::string_view body,
                                                                MessageSink* sink) = 0;

    [[nodiscard]] virtual bool connected() const = 0;
};

}  // namespace syncline::nats
