#include "shared/base/result.h"

namespace syncline {

const char* name_of(ErrorKind kind) {
    switch (kind) {
        case ErrorKind::kInvalid: return "invalid";
        case ErrorKind::kNotFound: return "not_found";
        case ErrorKind::kConflict: return "conflict";
        case ErrorKind::kUnavailable: return "unavailable";
        case ErrorKind::kThrottled: return "throttled";
        case ErrorKind::kAmbiguous: return "ambiguous";
        case ErrorKind::kDenied: return "denied";
        case ErrorKind::kFull: return "full";
        case ErrorKind::kTooLarge: return "too_large";
        case ErrorKind::kCorrupt: return "corrupt";
        case ErrorKind::kUnsupported: return "unsupported";
        case ErrorKind::kInternal: return "internal";
    }
    return "internal";
}

}  // namespace syncline
