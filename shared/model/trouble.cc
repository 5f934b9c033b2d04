#include "shared/model/trouble.h"

namespace syncline {

const char* name_of(TroubleKind kind) {
    switch (kind) {
        case TroubleKind::kFields: return "fields";
        case TroubleKind::kRecords: break;
    }
    return "records";
}

}  // namespace syncline
