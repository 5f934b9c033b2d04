#include "shared/base/version.h"

#include "syncline/version.h"  // Generated into the build folder by version.cmake.

namespace syncline {

constinit const std::string_view kVersion = SYNCLINE_VERSION;

}  // namespace syncline
