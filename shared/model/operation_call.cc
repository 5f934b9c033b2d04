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

}  // namespace syncline
