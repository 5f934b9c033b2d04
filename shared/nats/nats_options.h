#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "shared/base/result.h"
#include "shared/base/secret.h"

namespace syncline::nats {

/// What became of the connection to NATS. Reported when it changes, not at every try.
struct LinkStatus {
    enum class State : std::uint8_t {
        kConnecting,  ///< Nothing tried yet.
        kConnected,   ///< Usable; `server` and `server_version` are set.
        kWaiting,     ///< Not reachable, or lost; tried again with back-off. `error` says why.
        kRefused,     ///< The server is there but wants somebody else, or is of the wrong version:
                      ///< `error` is kDenied, kUnsupported or kInvalid and a person must act. Still
                      ///< tried again, seldom, so that acting on the server's side is enough.
    };
    State state = State::kConnecting;
    Error error;                 ///< In kConnected: what the server refused.
    std::string server;          ///< URL, without credentials.
    std::string server_version;  ///< "2.15.1"; empty if the server does not let us ask.
};

/// How to reach NATS. Files are read at every connect, so that rotated ones are picked up.
struct NatsOptions {
    /// `nats://host:port` or `tls://host:port`; one is enough, any of them is tried.
    std::vector<std::string> urls{"nats://127.0.0.1:4222"};
    std::string name = "syncline";  ///< Shown in the server's connection list.

    // At most one of these three ways to say who we are.
    std::string credentials_file;  ///< JWT and seed, as `nsc` writes them.
    std::string nkey_seed_file;    ///< A user's seed, "SU...".
    std::string user;              ///< With `password`.
    Secret password;

    std::string tls_ca_file;    ///< Empty: the system's authorities. Any TLS setting demands TLS.
    std::string tls_cert_file;  ///< Client certificate, with `tls_key_file`.
    std::string tls_key_file;

    /// What reply subjects start with; permissions can be tied to it. No dot at the end.
    std::string inbox_prefix = "_INBOX";
    /// What stands before the verbs of JetStream's API: `$JS.<domain>.API` behind a leaf node, or
    /// where an account imports another's. No dot at the end.
    std::string jetstream_prefix = "$JS.API";
    /// The newest message of a subject is asked of any replica, and the subject stands in the
    /// request, so that permissions can hold a client to it. Otherwise the stream's leader is
    /// asked, by a request that could ask for anything. A replica may be a moment behind.
    bool direct_reads = false;
    /// Size of the read buffer and first size of the write buffer, in bytes. The hub moves
    /// 100,000 messages a second with 256 KiB; 32 KiB does for an agent.
    std::uint32_t io_buffer_bytes = 256U << 10;

    std::chrono::milliseconds connect_timeout{2'000};  ///< For each URL.
    /// Wait for the answer to a publish or request; then it is kAmbiguous.
    std::chrono::milliseconds answer_timeout{5'000};
    /// How often the server is asked for a sign of life; three unanswered end the connection.
    std::chrono::milliseconds ping_interval{10'000};
    std::chrono::milliseconds retry_first{100};       ///< Longest first wait between connects.
    std::chrono::milliseconds retry_most{5'000};      ///< Longest wait between connects.
    std::chrono::milliseconds refused_retry{15'000};  ///< The same while kRefused.

    /// Told of every change of state, from poll(). Optional.
    std::function<void(const LinkStatus&)> on_status;
};

}  // namespace syncline::nats
