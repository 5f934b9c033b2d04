#pragma once

#include <memory>
#include <vector>

#include <nats/nats.h>

/// Owners of what nats.c hands out. Included by the .cc files of this folder only.
/// A Subscription or Message dies before its Connection.
namespace syncline::nats::handle {

template <auto Destroy>
struct Destroyer {
    void operator()(auto* object) const noexcept { Destroy(object); }
};

template <class T, auto Destroy>
using Handle = std::unique_ptr<T, Destroyer<Destroy>>;

using Options = Handle<natsOptions, natsOptions_Destroy>;
using Connection = Handle<natsConnection, natsConnection_Destroy>;
using Subscription = Handle<natsSubscription, natsSubscription_Destroy>;
using Message = Handle<natsMsg, natsMsg_Destroy>;
/// Messages dealt with, destroyed together: nats.c hands each to a thread that frees it, and waking
/// that thread for every single one took a fifth of a busy hub.
using Spent = std::vector<Message>;

}  // namespace syncline::nats::handle
