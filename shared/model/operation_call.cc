#include "shared/model/operation_call.h"

namespace syncline {

const char* name_of(ErrorClass error) {
    switch (error) {
        case ErrorClass::kPermanent: return "permanent";
        case ErrorClass::kNotFound: return "not_found";
        case ErrorClass::kDenied: return "denied";
        case ErrorClass::kUnavailable: return "unavailable";
        case ErrorClass::kTimeout: return "timeout";
    }
    return "unknown";
}

bool is_passing(ErrorClass error) {
    return error == ErrorClass::kUnavailable || error == ErrorClass::kTimeout;
}

std::string_view instance_of(std::string_view key) {
    const auto slash = key.find('/');
    if (slash == std::string_view::npos) return {};
    key.remove_prefix(slash + 1);
    return key.substr(0, key.find('/'));
}

Partition instance_partition(std::string_view instance, std::uint16_t partitions) {
    return {static_cast<std::uint16_t>(stable_hash(instance) % partitions)};
}

}  // namespace syncline
