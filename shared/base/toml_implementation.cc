// toml++, compiled here once. Link syncline::toml and include toml_library.h; the target defines
// TOML_HEADER_ONLY=0 for whoever links it.
#define TOML_IMPLEMENTATION
#include "toml_library.h"
