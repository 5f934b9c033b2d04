#include "shared/http/libcurl.h"

#include <dlfcn.h>

#include <string>

namespace syncline {
namespace {

template <class F>
bool find(void* library, const char* name, F& function) {
    function = reinterpret_cast<F>(::dlsym(library, name));
    return function != nullptr;
}

Result<Libcurl> load() {
    void* const library = ::dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) {
        const char* const why = ::dlerror();
        return fail(ErrorKind::kUnsupported,
                    "HTTP needs libcurl 4: " + std::string{why == nullptr ? "" : why});
    }
    Libcurl api;
    const bool complete = find(library, "curl_global_init", api.global_init) &&
                          find(library, "curl_easy_init", api.easy_init) &&
                          find(library, "curl_easy_cleanup", api.easy_cleanup) &&
                          find(library, "curl_easy_reset", api.easy_reset) &&
                          find(library, "curl_easy_setopt", api.easy_setopt) &&
                          find(library, "curl_easy_getinfo", api.easy_getinfo) &&
                          find(library, "curl_easy_perform", api.easy_perform) &&
                          find(library, "curl_easy_strerror", api.easy_strerror) &&
                          find(library, "curl_multi_init", api.multi_init) &&
                          find(library, "curl_multi_cleanup", api.multi_cleanup) &&
                          find(library, "curl_multi_setopt", api.multi_setopt) &&
                          find(library, "curl_multi_add_handle", api.multi_add_handle) &&
                          find(library, "curl_multi_remove_handle", api.multi_remove_handle) &&
                          find(library, "curl_multi_perform", api.multi_perform) &&
                          find(library, "curl_multi_poll", api.multi_poll) &&
                          find(library, "curl_multi_wakeup", api.multi_wakeup) &&
                          find(library, "curl_multi_info_read", api.multi_info_read) &&
                          find(library, "curl_slist_append", api.slist_append) &&
                          find(library, "curl_slist_free_all", api.slist_free_all);
    if (!complete) return fail(ErrorKind::kUnsupported, "this libcurl is older than 7.68");
    // OpenSSL initialises itself when first used; asking curl to do it costs memory even in an
    // agent that speaks plain HTTP to a neighbour.
    if (api.global_init(CURL_GLOBAL_NOTHING) != CURLE_OK) {
        return fail(ErrorKind::kInternal, "libcurl cannot be initialised");
    }
    return api;
}

}  // namespace

Result<const Libcurl*> load_libcurl() {
    static const Result<Libcurl> api = load();
    if (!api) return fail(api.error());
    return &*api;
}

}  // namespace syncline
