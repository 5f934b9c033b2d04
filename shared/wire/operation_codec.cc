#include "shared/wire/operation_codec.h"

#include "shared/wire/limits.h"
#include "shared/wire/reader.h"
#include "shared/wire/writer.h"

namespace syncline::wire {

std::string encode(const OperationCall& call) {
    Writer out;
    out.map(call.again ? 11 : 10);
    out.field(0, kWireVersion);
    out.field(1, call.platform.text);
    out.field(2, call.operation);
    out.field(3, call.key);
    out.field(4, std::uint64_t{call.attempt});
    out.field(5, std::uint64_t{call.partition.value});
    out.field(6, call.input);
    out.field(7, std::uint64_t{call.undoes ? 1U : 0U});
    out.field(8, call.decided_at);
    out.field(9, call.trace);
    if (call.again) out.field(10, std::uint64_t{1});
    return out.take();
}

Result<OperationCall> decode_operation_call(std::string_view body) {
    OperationCall call;
    const auto read = [&](Decoder& in, int key, const Node& node) {
        switch (key) {
            case 1: call.platform.text = in.id(node); break;
            case 2: call.operation = in.id(node); break;
            case 3: call.key = in.id(node); break;
            case 4: call.attempt = in.unsigned32(node); break;
            case 5: call.partition = in.partition(node); break;
            case 6: call.input = in.fields(node); break;
            case 7: call.undoes = in.unsigned64(node) != 0; break;
            case 8: call.decided_at.ns = in.signed64(node); break;
            case 9: call.trace = in.text(node, kIdBytesMax); break;
            case 10: call.again = in.unsigned64(node) != 0; break;
            default: break;  // A later version's key.
        }
    };
    auto done = decode_message(body, "operation", key_bits(1, 2, 3, 4, 5), read);
    if (!done) return fail(std::move(done.error()));
    return call;
}

std::string encode(const OperationResult& result) {
    Writer out;
    out.map(12);
    out.field(0, kWireVersion);
    out.field(1, result.platform.text);
    out.field(2, std::uint64_t{result.number.partition.value});
    out.revision(3, result.number.seq);
    out.field(4, result.key);
    out.field(5, std::uint64_t{result.attempt});
    out.field(6, static_cast<std::uint64_t>(result.what));
    out.field(7, static_cast<std::uint64_t>(result.error));
    out.field(8, result.fields);
    out.field(9, result.text);
    out.field(10, result.done_at);
    out.field(11, result.trace);
    return out.take();
}

Result<OperationResult> decode_operation_result(std::string_view body) {
    OperationResult result;
    const auto read = [&](Decoder& in, int key, const Node& node) {
        switch (key) {
            case 1: result.platform.text = in.id(node); break;
            case 2: result.number.partition = in.partition(node); break;
            case 3: result.number.seq = in.revision(node); break;
            case 4: result.key = in.id(node); break;
            case 5: result.attempt = in.unsigned32(node); break;
            case 6: result.what = in.enumeration(node, OperationResult::What::kInDoubt); break;
            case 7: result.error = in.enumeration(node, ErrorClass::kTimeout); break;
            case 8: result.fields = in.fields(node); break;
            case 9: result.text = in.text(node, kStringBytesMax); break;
            case 10: result.done_at.ns = in.signed64(node); break;
            case 11: result.trace = in.text(node, kIdBytesMax); break;
            default: break;  // A later version's key.
        }
    };
    auto done = decode_message(body, "operation result", key_bits(1, 2, 3, 4, 5, 6), read);
    if (!done) return fail(std::move(done.error()));
    return result;
}

}  // namespace syncline::wire
