#include "shared/wire/retell_codec.h"

#include "shared/wire/limits.h"
#include "shared/wire/reader.h"
#include "shared/wire/writer.h"

namespace syncline::wire {
namespace {

void write_object(Writer& out, const Retell::Object& object) {
    out.map(4);
    out.field(1, object.object.text);
    out.field(2, object.buckets);
    out.key(3);
    out.array(static_cast<std::uint32_t>(object.differing.size()));
    for (const std::uint64_t bucket : object.differing) out.unsigned64(bucket);
    out.key(4);
    out.array(static_cast<std::uint32_t>(object.known.size()));
    for (const RecordId& record : object.known) out.text(record.text);
}

void read_object(Decoder& in, const Node& node, Retell::Object& object) {
    in.map(node, key_bits(1, 2, 3, 4), [&](int key, const Node& value) {
        if (key == 1) object.object.text = in.id(value);
        if (key == 2) object.buckets = in.unsigned64(value);
        if (key == 3) {
            in.array(value,
                     [&](const Node& item) { object.differing.push_back(in.unsigned64(item)); });
        }
        if (key != 4) return;
        in.array(value, [&](const Node& item) { object.known.emplace_back(in.id(item)); });
    });
    if (object.buckets == 0) in.problem(node, "has no buckets");
}

}  // namespace

std::string encode(const Retell& retell) {
    Writer out{1024};
    out.map(5);
    out.field(0, kWireVersion);
    out.field(1, retell.platform.text);
    out.field(2, std::uint64_t{retell.partition.value});
    out.field(3, to_text(retell.request));
    out.key(4);
    out.array(static_cast<std::uint32_t>(retell.objects.size()));
    for (const Retell::Object& object : retell.objects) write_object(out, object);
    return out.take();
}

Result<Retell> decode_retell(std::string_view body) {
    Retell retell;
    auto read = [&](Decoder& in, int key, const Node& node) {
        switch (key) {
            case 1: retell.platform.text = in.id(node); break;
            case 2: retell.partition = in.partition(node); break;
            case 3: {
                const auto request = parse_reconcile_request(in.text(node, kIdBytesMax));
                if (!request) return in.problem(node, "is no request to reconcile");
                retell.request = *request;
                break;
            }
            case 4:
                in.array(node, [&](const Node& item) {
                    read_object(in, item, retell.objects.emplace_back());
                });
                break;
            default: break;
        }
    };
    auto done = decode_message(body, "retell", key_bits(1, 2, 3, 4), read);
    if (!done) return fail(std::move(done.error()));
    return retell;
}

}  // namespace syncline::wire
