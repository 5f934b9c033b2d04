// Has a defect on purpose: it never comes back from some inputs. See canary_fuzz.cc.
#include <unistd.h>

#include "tests/fuzz/must.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text = syncline::fuzz::text_of(data, size);
    while (text.starts_with("open") && text.find("close") == std::string_view::npos) pause();
    return 0;
}
