// Has a defect on purpose: a decoder that believes a length. If no fuzzer finds it, none would find
// one of ours; tests/fuzz/must_find says so.
#include "tests/fuzz/must.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text = syncline::fuzz::text_of(data, size);
    if (!text.starts_with("SYN") || size < 5) return 0;
    const std::size_t promised = data[3];
    syncline::fuzz::must(promised <= size - 4);  // Where a real one would read on.
    return 0;
}
