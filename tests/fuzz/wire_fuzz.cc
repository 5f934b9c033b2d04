// Whatever arrives on the wire is decoded whole or refused with a reason.
#include "hub/core/state_codec.h"
#include "shared/wire/codec.h"
#include "shared/wire/hold_codec.h"
#include "shared/wire/list_codec.h"
#include "shared/wire/operation_codec.h"
#include "shared/wire/trouble_codec.h"
#include "tests/fuzz/must.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace syncline;
    using fuzz::must_round_trip;
    const std::string_view body = fuzz::text_of(data, size);
    const auto write = [](const auto& value) { return wire::encode(value); };
    const auto write_state = [](const auto& value) { return hub::encode(value); };
    must_round_trip(wire::decode_change(body), write, wire::decode_change);
    must_round_trip(wire::decode_outcome(body), write, wire::decode_outcome);
    must_round_trip(wire::decode_command(body), write, wire::decode_command);
    must_round_trip(wire::decode_receipt(body), write, wire::decode_receipt);
    must_round_trip(wire::decode_hold(body), write, wire::decode_hold);
    must_round_trip(wire::decode_trouble(body), write, wire::decode_trouble);
    must_round_trip(wire::decode_operation_call(body), write, wire::decode_operation_call);
    must_round_trip(wire::decode_operation_result(body), write, wire::decode_operation_result);
    must_round_trip(wire::decode_list_news(body), write, wire::decode_list_news);
    must_round_trip(wire::decode_list_manifest(body), write, wire::decode_list_manifest);
    must_round_trip(
        wire::decode_list_rows(body),
        [](const ListRows& rows) { return wire::encode_list_rows(rows); }, wire::decode_list_rows);
    must_round_trip(hub::decode_mark(body), write_state, hub::decode_mark);
    must_round_trip(hub::decode_operation(body), write_state, hub::decode_operation);
    must_round_trip(hub::decode_log_entry(body), write_state, hub::decode_log_entry);
    must_round_trip(hub::decode_exception(body), write_state, hub::decode_exception);
    must_round_trip(
        wire::decode_reference(body), [](const EntityId& id) { return wire::encode_reference(id); },
        wire::decode_reference);
    must_round_trip(
        wire::decode_waiting(body),
        [](const std::vector<RecordKey>& records) { return wire::encode_reference({}, records); },
        wire::decode_waiting);
    must_round_trip(hub::decode_entity(body), write_state, hub::decode_entity);
    return 0;
}
