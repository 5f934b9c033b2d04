#include "agent/connectors/client_library.h"

#include <dlfcn.h>

namespace syncline::agent {

Result<ClientLibrary> ClientLibrary::load(const std::string& name, const std::string& product,
                                          const std::string& package) {
    void* const handle = ::dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (handle != nullptr) return ClientLibrary{name, handle};
    const char* const why = ::dlerror();
    return fail(ErrorKind::kUnsupported, "the " + product + " client library " + name +
                                             " cannot be loaded (" +
                                             (why != nullptr ? why : "no reason given") +
                                             "); install it (Debian: " + package + ")");
}

void* ClientLibrary::address_of(const char* symbol) {
    void* const address = ::dlsym(handle_, symbol);
    if (address == nullptr && missing_.empty()) missing_ = symbol;
    return address;
}

Result<void> ClientLibrary::complete() const {
    if (missing_.empty()) return {};
    return fail(ErrorKind::kUnsupported, "the installed " + name_ + " has no function " + missing_);
}

}  // namespace syncline::agent
