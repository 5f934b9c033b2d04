#pragma once

#include <array>
#include <string_view>

#include "shared/nats/handles.h"
#include "shared/nats/link.h"

/// What nats.c hands us, in our own types. Included by the .cc files of this folder only.
namespace syncline::nats::received {

[[nodiscard]] inline std::string_view body(natsMsg* message) {
    const char* data = natsMsg_GetData(message);
    if (data == nullptr) return {};
    return {data, static_cast<std::size_t>(natsMsg_GetDataLength(message))};
}

/// First value of a header, empty if absent. Valid while the message lives.
[[nodiscard]] inline std::string_view header(natsMsg* message, const char* name) {
    const char* value = nullptr;
    if (natsMsgHeader_Get(message, name, &value) != NATS_OK || value == nullptr) return {};
    return value;
}

/// Everything that a message tells by itself. Its views and `header` live as long as `message`.
[[nodiscard]] inline InMessage view(natsMsg* message) {
    const char* reply = natsMsg_GetReply(message);
    InMessage out{.subject = natsMsg_GetSubject(message),
                  .reply = reply == nullptr ? std::string_view{} : std::string_view{reply},
                  .body = body(message)};
    out.header = [message](std::string_view name) -> std::string_view {
        std::array<char, 128> terminated{};
        if (name.size() >= terminated.size()) return {};
        name.copy(terminated.data(), name.size());
        return header(message, terminated.data());
    };
    return out;
}

}  // namespace syncline::nats::received
