// Whatever arrives on the wire is decoded whole or refused with a reason.
#include <cstdlib>
#include <string_view>

#include "hub/core/state_codec.h"
#include "shared/wire/codec.h"

namespace {

/// What was taken is written and read again as the same.
template <class T>
void must_round_trip(const syncline::Result<T>& decoded, auto encode, auto decode) {
    if (!decoded) {
        if (decoded.error().what.empty()) std::abort();
        return;
    }
    const std::string first = encode(*decoded);
    const auto again = decode(first);
    if (!again || encode(*again) != first) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace syncline;
    const std::string_view body{reinterpret_cast<const char*>(data), size};
    const auto write = [](const auto& value) { return wire::encode(value); };
    const auto write_state = [](const auto& value) { return hub::encode(value); };
    must_round_trip(wire::decode_change(body), write, wire::decode_change);
    must_round_trip(wire::decode_outcome(body), write, wire::decode_outcome);
    must_round_trip(wire::decode_command(body), write, wire::decode_command);
    must_round_trip(wire::decode_receipt(body), write, wire::decode_receipt);
    must_round_trip(hub::decode_mark(body), write_state, hub::decode_mark);
    must_round_trip(hub::decode_operation(body), write_state, hub::decode_operation);
    must_round_trip(hub::decode_log_entry(body), write_state, hub::decode_log_entry);
    must_round_trip(hub::decode_exception(body), write_state, hub::decode_exception);
    static_cast<void>(hub::decode_entity(body));
    return 0;
}
