#include "shared/nats/connection.h"

#include <array>
#include <fstream>
#include <iterator>
#include <map>
#include <mutex>
#include <utility>

#include <openssl/crypto.h>

#include "shared/nats/library.h"
#include "shared/nats/nkey.h"

namespace syncline::nats {

struct Connection::Reports {
    static constexpr std::size_t kMost = 100;  ///< A flood of equal reports tells nothing more.
    std::mutex mutex;
    std::vector<std::string> texts;
    EventLoop* loop = nullptr;  ///< Null once the Connection is gone.
};

namespace {

/// nats.c may call back after the connection was destroyed, so its closure is a number that is
/// looked up here, not a pointer.
struct Directory {
    std::mutex mutex;
    std::map<std::uintptr_t, std::weak_ptr<Connection::Reports>> entries;
    std::uintptr_t next = 1;
};

Directory& directory() {
    static Directory instance;
    return instance;
}

void* enter(const std::shared_ptr<Connection::Reports>& reports) {
    Directory& all = directory();
    const std::lock_guard lock{all.mutex};
    std::erase_if(all.entries, [](const auto& entry) { return entry.second.expired(); });
    all.entries.emplace(all.next, reports);
    return reinterpret_cast<void*>(all.next++);
}

std::shared_ptr<Connection::Reports> find(void* closure) {
    Directory& all = directory();
    const std::lock_guard lock{all.mutex};
    const auto found = all.entries.find(reinterpret_cast<std::uintptr_t>(closure));
    return found == all.entries.end() ? nullptr : found->second.lock();
}

/// On a thread of nats.c.
void on_error(natsConnection* connection, natsSubscription*, natsStatus status, void* closure) {
    const auto reports = find(closure);
    if (reports == nullptr) return;
    const char* last = nullptr;
    std::string text = natsStatus_GetText(status);
    if (natsConnection_GetLastError(connection, &last) != NATS_OK && last != nullptr) text = last;
    const std::lock_guard lock{reports->mutex};
    if (reports->loop == nullptr || reports->texts.size() >= Connection::Reports::kMost) return;
    reports->texts.push_back(std::move(text));
    reports->loop->wake();
}

Result<void> check(natsStatus status, const char* what) {
    if (status == NATS_OK) return {};
    std::string text = std::string{what} + ": " + natsStatus_GetText(status);
    if (const char* detail = nats_GetLastError(nullptr); detail != nullptr && *detail != '\0') {
        text += std::string{", "} + detail;
    }
    return fail(ErrorKind::kInvalid, std::move(text));
}

ErrorKind kind_of(natsStatus status) {
    switch (status) {
        case NATS_CONNECTION_AUTH_FAILED:
        case NATS_NOT_PERMITTED: return ErrorKind::kDenied;
        case NATS_SECURE_CONNECTION_WANTED:
        case NATS_SECURE_CONNECTION_REQUIRED:
        case NATS_SSL_ERROR:
        case NATS_ADDRESS_MISSING:
        case NATS_INVALID_ARG: return ErrorKind::kInvalid;
        default: return ErrorKind::kUnavailable;
    }
}

std::string without_credentials(std::string url) {
    const auto scheme = url.find("://");
    const auto at = url.rfind('@');
    if (scheme != std::string::npos && at != std::string::npos) {
        url.erase(scheme + 3, at - scheme - 2);
    }
    return url;
}

std::string list_of(const std::vector<std::string>& urls) {
    std::string out;
    for (const std::string& url : urls) {
        out += (out.empty() ? "" : ", ") + without_credentials(url);
    }
    return out;
}

}  // namespace

Connection::Connection(EventLoop& loop, const NatsOptions& options)
    : loop_(loop),
      options_(options),
      password_(options.password),
      reports_(std::make_shared<Reports>()),
      backoff_({.first = options.retry_first, .most = options.retry_most}),
      refused_backoff_({.first = options.refused_retry, .most = options.refused_retry}) {
    reports_->loop = &loop;
    start_library();
}

Connection::~Connection() {
    {
        const std::lock_guard lock{reports_->mutex};
        reports_->loop = nullptr;
    }
    if (attempt_ == nullptr) return;
    if (attempt_->thread.joinable()) attempt_->thread.join();
    // Otherwise nats.c waits for the answer to a ping that nobody is reading.
    attempt_->hook.flush();
}

Connection::Change Connection::step(Duration now, std::uint64_t random) {
    if (attempt_ == nullptr) {
        if (now >= retry_at_) start(now, random);
        return Change::kNone;
    }
    if (up_) {
        if (!attempt_->hook.closed()) return Change::kNone;
        const char* last = nullptr;
        std::string why = "the connection to the NATS server " + server() + " is lost";
        if (natsConnection_GetLastError(attempt_->connection.get(), &last) != NATS_OK &&
            last != nullptr && *last != '\0') {
            why += std::string{": "} + last;
        }
        failed({ErrorKind::kUnavailable, std::move(why)}, now, random);
        return Change::kDown;
    }
    if (!attempt_->done.load(std::memory_order_acquire)) return Change::kNone;
    attempt_->thread.join();
    if (attempt_->status != NATS_OK) {
        const ErrorKind kind = kind_of(attempt_->status);
        std::string what = "NATS at " + list_of(options_.urls) + ": " + attempt_->text;
        if (kind == ErrorKind::kDenied) {
            what +=
                "; check user and password, credentials or nkey, and that they have not expired";
        }
        failed({kind, std::move(what)}, now, random);
        return Change::kNone;
    }
    up_ = true;
    return Change::kUp;
}

Duration Connection::next_step(Duration now) const {
    if (attempt_ != nullptr) return std::chrono::hours{1};  // Its thread or its hook wakes us.
    return retry_at_ - now;
}

void Connection::reject(Error error, Duration now, std::uint64_t random) {
    if (attempt_ == nullptr) return;
    attempt_->hook.flush();
    failed(std::move(error), now, random);
}

void Connection::accept() {
    backoff_.reset();
    refusals_ = 0;
}

void Connection::flush() {
    if (up_) attempt_->hook.flush();
}

std::string Connection::server() const {
    std::array<char, 512> url{};
    if (natsConnection_GetConnectedUrl(get(), url.data(), url.size()) != NATS_OK) {
        return list_of(options_.urls);
    }
    return url[0] == '\0' ? list_of(options_.urls) : without_credentials(url.data());
}

std::vector<std::string> Connection::take_reports() {
    const std::lock_guard lock{reports_->mutex};
    return std::exchange(reports_->texts, {});
}

void Connection::start(Duration now, std::uint64_t random) {
    attempt_ = std::make_unique<Attempt>(loop_);
    auto options = make_options(attempt_->hook);
    if (!options) return failed(std::move(options.error()), now, random);
    attempt_->options = *std::move(options);
    attempt_->thread = std::thread{[attempt = attempt_.get(), &loop = loop_] {
        natsConnection* raw = nullptr;
        attempt->status = natsConnection_Connect(&raw, attempt->options.get());
        attempt->connection.reset(raw);
        if (attempt->status != NATS_OK) {
            attempt->text = natsStatus_GetText(attempt->status);
            const char* detail = nats_GetLastError(nullptr);
            if (detail != nullptr && *detail != '\0') attempt->text += std::string{", "} + detail;
        }
        attempt->done.store(true, std::memory_order_release);
        loop.wake();
    }};
}

Result<handle::Options> Connection::make_options(SocketHook& hook) {
    natsOptions* raw = nullptr;
    if (auto made = check(natsOptions_Create(&raw), "options"); !made) return fail(made.error());
    handle::Options options{raw};
    std::vector<const char*> urls;
    for (const std::string& url : options_.urls) urls.push_back(url.c_str());
    const auto size = static_cast<int>(options_.io_buffer_bytes);
    const natsStatus statuses[] = {
        natsOptions_SetServers(raw, urls.data(), static_cast<int>(urls.size())),
        natsOptions_SetName(raw, options_.name.c_str()),
        natsOptions_SetTimeout(raw, options_.connect_timeout.count()),
        natsOptions_SetIOBufSize(raw, size),
        natsOptions_SetPingInterval(raw, options_.ping_interval.count()),
        natsOptions_SetMaxPingsOut(raw, 2),
        natsOptions_SetAllowReconnect(raw, false),
        natsOptions_SetFailRequestsOnDisconnect(raw, true),
        natsOptions_SetErrorHandler(raw, &on_error, enter(reports_)),
        hook.install(raw),
    };
    for (const natsStatus status : statuses) {
        if (auto set = check(status, "NATS options"); !set) return fail(set.error());
    }
    if (auto set = set_identity(raw); !set) return fail(set.error());
    if (auto set = set_tls(raw); !set) return fail(set.error());
    return options;
}

Result<void> Connection::set_identity(natsOptions* options) {
    if (!options_.credentials_file.empty()) {
        return check(natsOptions_SetUserCredentialsFromFiles(
                         options, options_.credentials_file.c_str(), nullptr),
                     options_.credentials_file.c_str());
    }
    if (!options_.nkey_seed_file.empty()) {
        const std::string& path = options_.nkey_seed_file;
        std::ifstream file{path};
        std::string seed{std::istreambuf_iterator<char>{file}, {}};
        auto key = public_nkey(seed);
        OPENSSL_cleanse(seed.data(), seed.size());
        if (!file) return fail(ErrorKind::kDenied, path + ": cannot be read");
        if (!key) return fail(key.error(), path);
        return check(natsOptions_SetNKeyFromSeed(options, key->c_str(), path.c_str()),
                     path.c_str());
    }
    if (options_.user.empty()) return {};
    if (password_.configured()) {
        if (auto loaded = password_.load(); !loaded) return fail(loaded.error(), "NATS password");
    }
    std::string password{password_.reveal()};
    auto set = check(natsOptions_SetUserInfo(options, options_.user.c_str(), password.c_str()),
                     "NATS user");
    OPENSSL_cleanse(password.data(), password.size());
    return set;
}

Result<void> Connection::set_tls(natsOptions* options) {
    const std::string& ca = options_.tls_ca_file;
    const std::string& cert = options_.tls_cert_file;
    bool wanted = !ca.empty() || !cert.empty();
    for (const std::string& url : options_.urls) wanted = wanted || url.starts_with("tls://");
    if (!wanted) return {};
    if (auto set = check(natsOptions_SetSecure(options, true), "TLS"); !set) return set;
    if (!ca.empty()) {
        auto set = check(natsOptions_LoadCATrustedCertificates(options, ca.c_str()), ca.c_str());
        if (!set) return set;
    }
    if (cert.empty()) return {};
    return check(
        natsOptions_LoadCertificatesChain(options, cert.c_str(), options_.tls_key_file.c_str()),
        cert.c_str());
}

void Connection::failed(Error error, Duration now, std::uint64_t random) {
    up_ = false;
    attempt_.reset();
    // Certain at once: a version, a password. But nats.c 3.4.1 fails a correct nkey now and then
    // (its pull request 705), and TLS fails against a server that is just going down.
    const bool password_denied = error.kind == ErrorKind::kDenied && !options_.user.empty();
    const bool certain = error.kind == ErrorKind::kUnsupported || password_denied;
    if (error.kind == ErrorKind::kUnavailable) {
        refusals_ = 0;
    } else {
        refusals_ = certain ? kRefusalsBelieved : refusals_ + 1;
    }
    error_ = std::move(error);
    retry_at_ = now + (refused() ? refused_backoff_.next(random) : backoff_.next(random));
}

}  // namespace syncline::nats
