// What a program of the user's answers: taken as the protocol says, or refused with a message that
// can be shown, whatever was in it.
#include "agent/connectors/exec/cursor.h"
#include "agent/connectors/exec/protocol.h"
#include "shared/base/utf8.h"
#include "tests/fuzz/must.h"

namespace syncline::fuzz {
namespace {

using namespace agent::exec;

/// No control character, no broken text, and not the whole of a long line.
template <class T>
bool said_well(const Result<T>& decoded) {
    if (taken(decoded)) return true;
    const std::string& what = decoded.error().what;
    must(decoded.error().kind == ErrorKind::kInvalid);
    must(what.size() < 4'096 && find_invalid_utf8(what) >= what.size());
    for (const char c : what) must(static_cast<unsigned char>(c) >= 0x20);
    return false;
}

void check_results(const Value::Map& result) {
    if (const auto hello = decode_hello(result); said_well(hello)) {
        must(to_text(*hello).starts_with('['));
    }
    if (const auto page = decode_page(result); said_well(page)) {
        must(!page->next.empty() && page->next.size() <= kCursorBytesMax);
        for (const std::string& id : page->deleted) must(!id.empty());
        for (const auto& reject : page->rejects) {
            must(!reject.reason.empty() && reject.raw.size() <= kRawBytesMax);
        }
    }
    said_well(decode_record(result));
    said_well(decode_effect(result));
    said_well(decode_output(result));
}

}  // namespace
}  // namespace syncline::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace syncline;
    using namespace syncline::fuzz;
    const std::string_view text = text_of(data, size);
    const std::string line = shown(text, 64);
    must(find_invalid_utf8(line) >= line.size());
    const auto answer = decode_answer(text, 1);
    if (said_well(answer)) {
        if (answer->complaint) {
            must(!answer->complaint->error.what.empty());
        } else {
            check_results(answer->result);
        }
    }
    must_round_trip(
        ReadState::decode(text), [](const ReadState& state) { return state.encode(); },
        [](const std::string& again) { return ReadState::decode(again); });
    return 0;
}
