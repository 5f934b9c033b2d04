#include "shared/wire/trouble_codec.h"

#include "shared/wire/limits.h"
#include "shared/wire/reader.h"
#include "shared/wire/writer.h"

namespace syncline::wire {

std::string encode(const Trouble& trouble) {
    Writer out{256};
    out.map(8);
    out.field(0, kWireVersion);
    out.field(1, trouble.platform.text);
    out.field(2, std::uint64_t{trouble.number.partition.value});
    out.revision(3, trouble.number.seq);
    out.field(4, trouble.object.text);
    out.field(5, static_cast<std::uint64_t>(trouble.kind));
    out.field(6, trouble.since);
    out.field(7, trouble.reason);
    return out.take();
}

Result<Trouble> decode_trouble(std::string_view body) {
    Trouble trouble;
    auto read = [&](Decoder& in, int key, const Node& node) {
        switch (key) {
            case 1: trouble.platform.text = in.id(node); break;
            case 2: trouble.number.partition = in.partition(node); break;
            case 3: trouble.number.seq = in.revision(node); break;
            case 4: trouble.object.text = in.id(node); break;
            case 5: trouble.kind = in.enumeration(node, TroubleKind::kRecords); break;
            case 6: trouble.since.ns = in.signed64(node); break;
            case 7: trouble.reason = in.text(node, kReasonBytesMax); break;
            default: break;  // A later version's key.
        }
    };
    auto done = decode_message(body, "trouble", key_bits(1, 2, 3, 4, 5, 6), read);
    if (!done) return fail(std::move(done.error()));
    return trouble;
}

}  // namespace syncline::wire
