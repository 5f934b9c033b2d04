#include "shared/mail/mail.h"

#include <gtest/gtest.h>

#include "shared/base/local_url.h"
#include "shared/base/mail_address.h"

namespace syncline {
namespace {

TEST(Mail, IsPlainWhereItCanBe) {
    const std::string text = message_of(
        {"msg_1.ab", "syncline@example.com", "lea@example.com", "Your approval: C-1", "a\nb"},
        Timestamp{1'764'428'400'000'000'000});
    EXPECT_EQ(text,
              "From: Syncline <syncline@example.com>\r\n"
              "To: <lea@example.com>\r\n"
              "Subject: Your approval: C-1\r\n"
              "Date: Sat, 29 Nov 2025 15:00:00 +0000\r\n"
              "Message-ID: <msg_1.ab@example.com>\r\n"
              "Auto-Submitted: auto-generated\r\n"
              "MIME-Version: 1.0\r\n"
              "Content-Type: text/plain; charset=utf-8\r\n"
              "Content-Transfer-Encoding: base64\r\n"
              "\r\n"
              "YQpi\r\n");
}

TEST(Mail, ASubjectAddsNoHeadersAndNoLineIsTooLong) {
    std::string subject = "x\r\nBcc: all@example.com";
    for (int i = 0; i < 60; ++i) subject += "ü€";
    const std::string text =
        message_of({"1", "s@example.com", "l@example.com", subject, std::string(500, 'x')}, {});
    EXPECT_EQ(text.find("\nBcc"), std::string::npos);
    std::size_t at = 0;
    for (std::size_t end = text.find("\r\n"); end != std::string::npos;
         end = text.find("\r\n", at)) {
        EXPECT_LE(end - at, 78U) << text.substr(at, end - at);
        at = end + 2;
    }
    EXPECT_EQ(at, text.size());
    EXPECT_NE(text.find("=?utf-8?B?"), std::string::npos);
}

TEST(MailAddress, IsOneAndNothingElse) {
    for (const char* good : {"lea@example.com", "a+b.c@x", "o'neil@mail.example.co.uk"}) {
        EXPECT_TRUE(is_mail_address(good)) << good;
    }
    for (const char* bad : {"", "lea", "@x", "lea@", "a b@x", "a@b\r\nRCPT", "<a@b>", "a@b,c@d",
                            "a@b@c", "\"a\"@b", "ä@b"}) {
        EXPECT_FALSE(is_mail_address(bad)) << bad;
    }
    EXPECT_FALSE(is_mail_address(std::string(255, 'a') + "@b"));
}

TEST(LocalUrl, IsOfThisMachineAlone) {
    for (const char* local : {"smtp://127.0.0.1", "smtp://localhost:25", "smtp://[::1]/x"}) {
        EXPECT_TRUE(is_local_url(local, "smtp")) << local;
    }
    for (const char* far : {"smtp://127.0.0.1.example.com", "smtp://localhost.example.com:25",
                            "smtp://localhost@example.com", "smtps://localhost", ""}) {
        EXPECT_FALSE(is_local_url(far, "smtp")) << far;
    }
}

}  // namespace
}  // namespace syncline
