#include "shared/mail/smtp.h"

#include <algorithm>
#include <cstring>
#include <memory>

#include "shared/base/local_url.h"
#include "shared/http/libcurl.h"

namespace syncline {
namespace {

struct Sending {
    std::string message;
    std::size_t sent = 0;
    const std::stop_token& stop;
};

std::size_t on_send(char* into, std::size_t, std::size_t room, void* user) {
    auto& sending = *static_cast<Sending*>(user);
    const std::size_t size = std::min(room, sending.message.size() - sending.sent);
    std::memcpy(into, sending.message.data() + sending.sent, size);
    sending.sent += size;
    return size;
}

/// Called about once a second at least; other than 0 breaks off.
int on_progress(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
    return static_cast<Sending*>(user)->stop.stop_requested() ? 1 : 0;
}

}  // namespace

Result<int> send_mail(const SmtpSettings& settings, const Mail& mail, Timestamp now,
                      Duration timeout, const std::stop_token& stop) {
    const auto library = load_libcurl();
    if (!library) return fail(library.error());
    const Libcurl& api = **library;
    Secret password = settings.password;
    if (password.configured()) {
        if (auto loaded = password.load(); !loaded) return fail(loaded.error(), "mail.password");
    }
    const std::unique_ptr<CURL, decltype(api.easy_cleanup)> easy{api.easy_init(), api.easy_cleanup};
    const std::string to = "<" + mail.to + ">";
    const std::string from = "<" + mail.from + ">";
    const std::unique_ptr<curl_slist, decltype(api.slist_free_all)> recipients{
        api.slist_append(nullptr, to.c_str()), api.slist_free_all};
    if (!easy || !recipients) return fail(ErrorKind::kInternal, "libcurl gives no handles");
    Sending sending{.message = message_of(mail, now), .stop = stop};
    const bool local = is_local_url(settings.server, "smtp");
    char reason[CURL_ERROR_SIZE] = {};
    CURL* const h = easy.get();
    const auto milliseconds = std::chrono::ceil<std::chrono::milliseconds>(timeout).count();
    api.easy_setopt(h, CURLOPT_ERRORBUFFER, reason);
    api.easy_setopt(h, CURLOPT_NOSIGNAL, 1L);
    api.easy_setopt(h, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    api.easy_setopt(h, CURLOPT_PROXY, "");
    api.easy_setopt(h, CURLOPT_URL, settings.server.c_str());
    api.easy_setopt(h, CURLOPT_USE_SSL, static_cast<long>(local ? CURLUSESSL_TRY : CURLUSESSL_ALL));
    if (local) api.easy_setopt(h, CURLOPT_SSL_VERIFYPEER, 0L);
    api.easy_setopt(h, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    if (!settings.ca_file.empty()) api.easy_setopt(h, CURLOPT_CAINFO, settings.ca_file.c_str());
    const std::string secret{password.reveal()};
    if (!settings.user.empty()) {
        api.easy_setopt(h, CURLOPT_USERNAME, settings.user.c_str());
        api.easy_setopt(h, CURLOPT_PASSWORD, secret.c_str());
    }
    api.easy_setopt(h, CURLOPT_TIMEOUT_MS, static_cast<long>(milliseconds));
    api.easy_setopt(h, CURLOPT_MAIL_FROM, from.c_str());
    api.easy_setopt(h, CURLOPT_MAIL_RCPT, recipients.get());
    api.easy_setopt(h, CURLOPT_UPLOAD, 1L);
    api.easy_setopt(h, CURLOPT_READFUNCTION, on_send);
    api.easy_setopt(h, CURLOPT_READDATA, &sending);
    api.easy_setopt(h, CURLOPT_NOPROGRESS, 0L);
    api.easy_setopt(h, CURLOPT_XFERINFOFUNCTION, on_progress);
    api.easy_setopt(h, CURLOPT_XFERINFODATA, &sending);
    const CURLcode code = api.easy_perform(h);
    long reply = 0;
    api.easy_getinfo(h, CURLINFO_RESPONSE_CODE, &reply);
    if (code == CURLE_OK || reply >= 400) return static_cast<int>(reply);
    return fail(ErrorKind::kUnavailable,
                settings.server + ": " + (reason[0] != '\0' ? reason : api.easy_strerror(code)));
}

}  // namespace syncline
