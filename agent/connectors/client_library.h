#pragma once

#include <string>

#include "shared/base/result.h"

namespace syncline::agent {

/// A database's client library, which an agent that does not speak to one does not load. It stays
/// loaded: such libraries register with OpenSSL, which must not outlive them.
class ClientLibrary {
public:
    /// kUnsupported: `name` cannot be loaded; the text says of which `product` it is, and which
    /// Debian package has it.
    static Result<ClientLibrary> load(const std::string& name, const std::string& product,
                                      const std::string& package);

    /// Finds one function after the other; complete() says of the first that there is not.
    template <class Function>
    void find(Function& function, const char* symbol) {
        function = reinterpret_cast<Function>(address_of(symbol));
    }
    /// kUnsupported: a function is missing.
    [[nodiscard]] Result<void> complete() const;

private:
    ClientLibrary(std::string name, void* handle) : name_(std::move(name)), handle_(handle) {}
    void* address_of(const char* symbol);

    std::string name_;
    void* handle_;
    std::string missing_;
};

}  // namespace syncline::agent
