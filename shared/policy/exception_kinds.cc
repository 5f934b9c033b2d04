#include "shared/policy/exception_kinds.h"

namespace syncline {

const char* name_of(ExceptionSeverity severity) {
    switch (severity) {
        case ExceptionSeverity::kInfo: return "info";
        case ExceptionSeverity::kWarning: return "warning";
        case ExceptionSeverity::kError: return "error";
        case ExceptionSeverity::kCritical: return "critical";
    }
    return "critical";
}

const char* name_of(ExceptionHolder holder) {
    switch (holder) {
        case ExceptionHolder::kEntity: return "entity";
        case ExceptionHolder::kInput: return "input";
        case ExceptionHolder::kInstallation: return "installation";
        case ExceptionHolder::kInstance: return "workflow";
    }
    return "input";
}

bool is_held(std::string_view code) {
    const ExceptionKind* kind = exception_kind(code);
    return kind != nullptr && kind->holder == ExceptionHolder::kEntity;
}

}  // namespace syncline
