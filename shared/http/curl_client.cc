#include <sys/socket.h>

#include <algorithm>
#include <cstring>

#include "shared/http/client.h"
#include "shared/http/libcurl.h"

namespace syncline {
namespace {

constexpr std::size_t kHeaderBytesMax = 64u << 10;
/// An idle connection older than this is not used again: many servers close theirs after 15 to
/// 60 s, and a write into a closed connection would be in doubt for nothing.
constexpr long kIdleConnectionSeconds = 12;

struct EasyDestroyer {
    const Libcurl* api = nullptr;
    void operator()(CURL* easy) const noexcept { api->easy_cleanup(easy); }
};
struct MultiDestroyer {
    const Libcurl* api = nullptr;
    void operator()(CURLM* multi) const noexcept { std::ignore = api->multi_cleanup(multi); }
};
struct ListDestroyer {
    const Libcurl* api = nullptr;
    void operator()(curl_slist* list) const noexcept { api->slist_free_all(list); }
};
using Easy = std::unique_ptr<CURL, EasyDestroyer>;
using Multi = std::unique_ptr<CURLM, MultiDestroyer>;
using HeaderList = std::unique_ptr<curl_slist, ListDestroyer>;

/// One exchange as curl's callbacks see it.
struct Exchange {
    const HttpRequest& request;
    std::size_t body_max;
    HttpResponse response;
    std::size_t header_bytes = 0;
    std::size_t sent = 0;  ///< Of the request's body.
    bool too_large = false;
    const AddressGuard* guard = nullptr;
    std::string refused;  ///< By the guard: the last address, and why.
};

std::string lower(std::string_view text) {
    std::string out{text};
    std::transform(out.begin(), out.end(), out.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    return out;
}

std::string_view without_blanks(std::string_view text) {
    constexpr std::string_view kBlank = " \t\r\n";
    const auto first = text.find_first_not_of(kBlank);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

std::size_t on_header(char* data, std::size_t, std::size_t size, void* user) {
    auto& exchange = *static_cast<Exchange*>(user);
    exchange.header_bytes += size;
    if (exchange.header_bytes > kHeaderBytesMax) {
        exchange.too_large = true;
        return 0;
    }
    const std::string_view line{data, size};
    if (line.starts_with("HTTP/")) {  // Also after a "100 Continue": start again.
        exchange.response.headers.clear();
        return size;
    }
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) return size;
    const std::string_view value = without_blanks(line.substr(colon + 1));
    std::string& entry = exchange.response.headers[lower(without_blanks(line.substr(0, colon)))];
    if (!entry.empty()) entry += ", ";
    entry += value;
    return size;
}

std::size_t on_body(char* data, std::size_t, std::size_t size, void* user) {
    auto& exchange = *static_cast<Exchange*>(user);
    if (size > exchange.body_max - exchange.response.body.size()) {
        exchange.too_large = true;
        return 0;
    }
    exchange.response.body.append(data, size);
    return size;
}

std::size_t on_send(char* into, std::size_t, std::size_t room, void* user) {
    auto& exchange = *static_cast<Exchange*>(user);
    const std::size_t size = std::min(room, exchange.request.body.size() - exchange.sent);
    std::memcpy(into, exchange.request.body.data() + exchange.sent, size);
    exchange.sent += size;
    return size;
}

/// curl sends a request again by itself when a kept connection turns out to be dead. A body that
/// cannot be rewound stops it: whether a write is repeated is not the library's to decide.
int on_rewind(void*, curl_off_t, int) { return CURL_SEEKFUNC_FAIL; }

/// The address that a connection is about to be made to, whatever its name means by now.
curl_socket_t on_open(void* user, curlsocktype, curl_sockaddr* address) {
    auto& exchange = *static_cast<Exchange*>(user);
    std::string refusal = exchange.guard->refusal(exchange.request.url, address->addr);
    if (refusal.empty()) {
        return ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
    }
    exchange.refused = std::move(refusal);
    return CURL_SOCKET_BAD;
}

long milliseconds(Duration duration) {
    using std::chrono::milliseconds;
    return std::max(1L, static_cast<long>(std::chrono::ceil<milliseconds>(duration).count()));
}

bool is_read(const HttpRequest& request) {
    return request.method == "GET" || request.method == "HEAD";
}

/// "POST https://host/path", without the query: it may hold customers' data.
std::string shown(const HttpRequest& request) {
    return request.method + " " + request.url.substr(0, request.url.find('?'));
}

bool nothing_sent(const Libcurl& api, CURL* easy, CURLcode code) {
    switch (code) {
        case CURLE_COULDNT_RESOLVE_HOST:
        case CURLE_COULDNT_RESOLVE_PROXY:
        case CURLE_COULDNT_CONNECT:
        case CURLE_SSL_CONNECT_ERROR:
        case CURLE_PEER_FAILED_VERIFICATION:
        case CURLE_SSL_CACERT_BADFILE:
        case CURLE_SSL_CERTPROBLEM:
        case CURLE_SSL_CIPHER:
        case CURLE_PROXY: return true;
        default: break;
    }
    long sent = 0;
    api.easy_getinfo(easy, CURLINFO_REQUEST_SIZE, &sent);
    return sent == 0;
}

}  // namespace

/// Everything of curl's that one client holds. The connections live in `multi`.
class CurlClient::Handles {
public:
    static Result<std::unique_ptr<Handles>> make() {
        const auto api = load_libcurl();
        if (!api) return fail(api.error());
        auto handles = std::make_unique<Handles>(**api);
        if (!handles->renew()) return fail(ErrorKind::kInternal, "libcurl gives no handles");
        return handles;
    }

    explicit Handles(const Libcurl& library) : api(library) {}
    ~Handles() {
        // The order curl asks for: out of the multi, then the easy, then the multi.
        if (easy && multi) api.multi_remove_handle(multi.get(), easy.get());
        easy.reset();
    }

    Result<void> prepare(const Options& options, Exchange& exchange);
    Result<HttpResponse> run(Exchange& exchange, std::stop_token stop);
    /// New handles, without connections. False: there are none to be had.
    bool renew();

private:
    void set_up(const Options& options);

    const Libcurl& api;
    Multi multi;
    Easy easy;
    HeaderList headers;
    char reason[CURL_ERROR_SIZE] = {};
    bool is_set_up = false;  ///< And no kept connection was dead since.
};

/// What is the same for each request.
void CurlClient::Handles::set_up(const Options& options) {
    CURL* const h = easy.get();
    api.easy_setopt(h, CURLOPT_ERRORBUFFER, reason);
    api.easy_setopt(h, CURLOPT_NOSIGNAL, 1L);
    api.easy_setopt(h, CURLOPT_PROTOCOLS_STR, "http,https");
    api.easy_setopt(h, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
    api.easy_setopt(h, CURLOPT_FOLLOWLOCATION, 0L);
    api.easy_setopt(h, CURLOPT_PROXY, options.proxy.c_str());  // Empty: not even the environment's.
    api.easy_setopt(h, CURLOPT_SSL_VERIFYPEER, 1L);
    api.easy_setopt(h, CURLOPT_SSL_VERIFYHOST, 2L);
    api.easy_setopt(h, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    if (!options.ca_file.empty()) api.easy_setopt(h, CURLOPT_CAINFO, options.ca_file.c_str());
    api.easy_setopt(h, CURLOPT_USERAGENT, options.user_agent.c_str());
    api.easy_setopt(h, CURLOPT_ACCEPT_ENCODING, "gzip");
    api.easy_setopt(h, CURLOPT_TCP_KEEPALIVE, 1L);
    api.easy_setopt(h, CURLOPT_MAXAGE_CONN, kIdleConnectionSeconds);
    api.easy_setopt(h, CURLOPT_HEADERFUNCTION, on_header);
    api.easy_setopt(h, CURLOPT_WRITEFUNCTION, on_body);
    api.easy_setopt(h, CURLOPT_READFUNCTION, on_send);
    api.easy_setopt(h, CURLOPT_SEEKFUNCTION, on_rewind);
    if (options.guard) api.easy_setopt(h, CURLOPT_OPENSOCKETFUNCTION, on_open);
}

Result<void> CurlClient::Handles::prepare(const Options& options, Exchange& exchange) {
    const HttpRequest& request = exchange.request;
    CURL* const h = easy.get();
    // curl counts how often a kept connection turned out to be dead, of all requests together, and
    // after five gives up one that it would have sent again.
    if (!is_set_up) {
        api.easy_reset(h);
        set_up(options);
    }
    reason[0] = '\0';
    api.easy_setopt(h, CURLOPT_CONNECTTIMEOUT_MS,
                    milliseconds(std::min(options.connect_timeout, request.timeout)));
    api.easy_setopt(h, CURLOPT_TIMEOUT_MS, milliseconds(request.timeout));
    api.easy_setopt(h, CURLOPT_HEADERDATA, &exchange);
    api.easy_setopt(h, CURLOPT_WRITEDATA, &exchange);
    api.easy_setopt(h, CURLOPT_READDATA, &exchange);
    if (options.guard) {
        exchange.guard = &*options.guard;
        api.easy_setopt(h, CURLOPT_OPENSOCKETDATA, &exchange);
    }
    // Without a body there is nothing that on_rewind() could refuse: no kept connection, so none
    // that may turn out to be dead.
    const bool fresh = !is_read(request) && request.body.empty();
    api.easy_setopt(h, CURLOPT_FRESH_CONNECT, fresh ? 1L : 0L);
    if (request.method == "HEAD") {
        api.easy_setopt(h, CURLOPT_NOBODY, 1L);
    } else if (!is_read(request) && (!request.body.empty() || request.method != "DELETE")) {
        api.easy_setopt(h, CURLOPT_POST, 1L);
        api.easy_setopt(h, CURLOPT_POSTFIELDSIZE_LARGE,
                        static_cast<curl_off_t>(request.body.size()));
    } else {
        api.easy_setopt(h, CURLOPT_HTTPGET, 1L);
    }
    const bool named = request.method != "HEAD";
    api.easy_setopt(h, CURLOPT_CUSTOMREQUEST, named ? request.method.c_str() : nullptr);
    curl_slist* list = api.slist_append(nullptr, "Expect:");  // No round trip before the body.
    for (const auto& [name, value] : request.headers) {
        if ((name + value).find_first_of(std::string_view{"\r\n\0", 3}) != std::string::npos) {
            api.slist_free_all(list);
            return fail(ErrorKind::kInvalid,
                        shown(request) + ": the header " + name + " holds a line break");
        }
        // curl drops "Name:" and sends "Name;" as an empty header.
        list = api.slist_append(list, (name + (value.empty() ? ";" : ": " + value)).c_str());
    }
    headers = HeaderList{list, ListDestroyer{&api}};
    api.easy_setopt(h, CURLOPT_HTTPHEADER, headers.get());
    if (api.easy_setopt(h, CURLOPT_URL, request.url.c_str()) != CURLE_OK) {
        return fail(ErrorKind::kInvalid, shown(request) + ": the URL is too long");
    }
    return {};
}

bool CurlClient::Handles::renew() {
    headers.reset();
    easy = Easy{api.easy_init(), EasyDestroyer{&api}};
    multi = Multi{api.multi_init(), MultiDestroyer{&api}};
    if (!easy || !multi) return false;
    api.multi_setopt(multi.get(), CURLMOPT_MAXCONNECTS, 2L);
    is_set_up = false;
    return true;
}

Result<HttpResponse> CurlClient::Handles::run(Exchange& exchange, std::stop_token stop) {
    const HttpRequest& request = exchange.request;
    api.multi_add_handle(multi.get(), easy.get());
    CURLcode code = CURLE_OK;
    bool begun = false;
    bool stopped = false;
    {
        const std::stop_callback wake{stop, [this] { api.multi_wakeup(multi.get()); }};
        int running = 1;
        while (running > 0) {
            stopped = stop.stop_requested();
            if (stopped) break;
            begun = true;
            if (api.multi_perform(multi.get(), &running) != CURLM_OK) break;
            if (running > 0) api.multi_poll(multi.get(), nullptr, 0, 500, nullptr);
        }
        int left = 0;
        const CURLMsg* const message = api.multi_info_read(multi.get(), &left);
        code = message != nullptr ? message->data.result : CURLE_ABORTED_BY_CALLBACK;
    }
    long status = 0;
    api.easy_getinfo(easy.get(), CURLINFO_RESPONSE_CODE, &status);
    const bool unsent = code != CURLE_OK && (!begun || nothing_sent(api, easy.get(), code));
    long connects = 0;
    api.easy_getinfo(easy.get(), CURLINFO_NUM_CONNECTS, &connects);
    api.multi_remove_handle(multi.get(), easy.get());
    is_set_up = code == CURLE_OK && connects == 0;
    if (code == CURLE_OK) {
        exchange.response.status = static_cast<int>(status);
        return std::move(exchange.response);
    }
    std::string what = shown(request) + ": ";
    if (unsent && !exchange.refused.empty()) {
        return fail(ErrorKind::kDenied, what + exchange.refused + ", which is not connected to");
    }
    if (stopped) {
        what += "stopped";
    } else if (exchange.too_large) {
        what += "the reply is over " + std::to_string(exchange.body_max) + " bytes";
    } else {
        what += reason[0] != '\0' ? reason : api.easy_strerror(code);
    }
    // Also a reply that is no HTTP is an unsupported protocol, but that one was sent.
    if (unsent && (code == CURLE_URL_MALFORMAT || code == CURLE_UNSUPPORTED_PROTOCOL)) {
        return fail(ErrorKind::kInvalid, what);
    }
    if (unsent) return fail(ErrorKind::kUnavailable, what);
    const bool harmless = is_read(request) || request.changes_nothing;
    if (!harmless) return fail(ErrorKind::kAmbiguous, what);
    return fail(exchange.too_large ? ErrorKind::kTooLarge : ErrorKind::kUnavailable, what);
}

CurlClient::CurlClient() : CurlClient(Options{}) {}
CurlClient::CurlClient(Options options) : options_(std::move(options)) {}
CurlClient::~CurlClient() = default;

Result<HttpResponse> CurlClient::send(const HttpRequest& request, std::stop_token stop) {
    if (stop.stop_requested()) {
        return fail(ErrorKind::kUnavailable, shown(request) + ": stopped");
    }
    if (!handles_) {
        auto made = Handles::make();
        if (!made) return fail(made.error());
        handles_ = std::move(*made);
    }
    Exchange exchange{request, options_.response_bytes_max, {}};
    if (auto ready = handles_->prepare(options_, exchange); !ready) return fail(ready.error());
    auto reply = handles_->run(exchange, stop);
    // Whatever is under way there is given up, with its connection.
    if (!reply && stop.stop_requested() && !handles_->renew()) handles_.reset();
    return reply;
}

}  // namespace syncline
