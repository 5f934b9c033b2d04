// nats.c asks OpenSSL for the few random bytes its inboxes are named by, and OpenSSL then finds
// and seeds a generator among its providers. For that one call the kernel's generator stands in,
// by an interface that OpenSSL 3 calls old; for all else, TLS above all, its own is back.
#define OPENSSL_SUPPRESS_DEPRECATED

#include "agent/nats_start.h"

#include <nats/nats.h>
#include <openssl/rand.h>
#include <sys/random.h>

#include <tuple>

namespace syncline::agent {
namespace {

int kernel_bytes(unsigned char* bytes, int count) {
    const auto wanted = static_cast<std::size_t>(count);
    constexpr std::size_t kMost = 256;  // Up to this many getrandom() gives all or nothing.
    return wanted <= kMost && getrandom(bytes, wanted, 0) == count ? 1 : 0;
}

int kernel_is_ready() { return 1; }

}  // namespace

void start_nats_lean() {
    static const RAND_METHOD kernel{.seed = nullptr,
                                    .bytes = kernel_bytes,
                                    .cleanup = nullptr,
                                    .add = nullptr,
                                    .pseudorand = kernel_bytes,
                                    .status = kernel_is_ready};
    RAND_set_rand_method(&kernel);
    std::ignore = nats_Open(-1);  // A failure comes again, and is told, when the link opens it.
    RAND_set_rand_method(nullptr);
}

}  // namespace syncline::agent
