#pragma once

// toml++ as we take it: where one of its own assertions fails, it throws and the text is refused.
// By default it aborts, and version 3.3 does so on `[.a]`: what stands in a file ends no program.
#include <stdexcept>

namespace syncline {

[[noreturn]] inline void toml_assertion_failed(const char* what) { throw std::logic_error(what); }

}  // namespace syncline

#define TOML_ASSERT(expr) \
    (static_cast<bool>(expr) ? static_cast<void>(0) : ::syncline::toml_assertion_failed(#expr))
#include <toml++/toml.h>
