#pragma once

#include <stop_token>
#include <string>

#include "shared/base/result.h"
#include "shared/base/secret.h"
#include "shared/base/timestamp.h"
#include "shared/mail/mail.h"

namespace syncline {

struct SmtpSettings {
    std::string server;  ///< `smtps://mail.example.com:465`, or `smtp://` for STARTTLS.
    std::string user;    ///< Empty: nobody logs in.
    Secret password;
    std::string from;     ///< Address that mails come from.
    std::string ca_file;  ///< PEM; empty: the system's.
};

/// Hands one mail to the server, over a connection of its own. Blocks; returns within a second of
/// `stop`. Answers the server's last reply code, whatever it is (RFC 5321, 4.2): 2xx it has the
/// mail, 5xx it will not take it. kUnavailable: no reply; nobody has the mail, or it is not known.
/// TLS is asked for, verified, and required unless the server is this machine.
[[nodiscard]] Result<int> send_mail(const SmtpSettings& settings, const Mail& mail, Timestamp now,
                                    Duration timeout, const std::stop_token& stop);

}  // namespace syncline
