#include "shared/wire/codec.h"
#include "shared/wire/drift_codec.h"
#include "shared/wire/limits.h"
#include "shared/wire/reader.h"
#include "shared/wire/writer.h"

namespace syncline::wire {
namespace {

void write_object(Writer& out, const Inventory::Object& object) {
    out.map(6 + (object.held > 0 ? 1 : 0) + (object.unseen.empty() ? 0 : 1));
    out.field(1, object.object.text);
    out.field(2, object.records);
    out.key(3);
    out.array(static_cast<std::uint32_t>(object.sums.sums().size()));
    for (const std::uint64_t sum : object.sums.sums()) out.unsigned64(sum);
    write_counts(out, 4, object.found);
    write_drifts(out, 5, object.drifts);
    out.field(6, object.unlinked);
    if (object.held > 0) out.field(7, object.held);
    if (!object.unseen.empty()) write_fields(out, 8, object.unseen);
}

void read_object(Decoder& in, const Node& node, Inventory::Object& object) {
    in.map(node, key_bits(1, 2, 3, 4, 5), [&](int key, const Node& value) {
        if (key == 1) object.object.text = in.id(value);
        if (key == 2) object.records = in.unsigned64(value);
        if (key == 3) {
            std::vector<std::uint64_t> sums;
            in.array(value, [&](const Node& item) { sums.push_back(in.unsigned64(item)); });
            if (sums.empty()) in.problem(value, "must not be empty");
            object.sums = BucketSums::of(std::move(sums));
        }
        if (key == 4) read_counts(in, value, object.found);
        if (key == 5) read_drifts(in, value, object.drifts);
        if (key == 6) object.unlinked = in.unsigned64(value);
        if (key == 7) object.held = in.unsigned64(value);
        if (key == 8) read_fields(in, value, object.unseen);
    });
}

}  // namespace

std::string encode(const Inventory& inventory) {
    Writer out{4096};
    out.map(9);
    out.field(0, kWireVersion);
    out.field(1, inventory.platform.text);
    out.field(2, std::uint64_t{inventory.number.partition.value});
    out.revision(3, inventory.number.seq);
    out.field(4, to_text(inventory.request));
    out.field(5, inventory.began_at);
    out.field(6, inventory.read_at);
    out.field(7, inventory.revisions);
    out.key(8);
    out.array(static_cast<std::uint32_t>(inventory.objects.size()));
    for (const Inventory::Object& object : inventory.objects) write_object(out, object);
    return out.take();
}

Result<Inventory> decode_inventory(std::string_view body) {
    Inventory inventory;
    auto read = [&](Decoder& in, int key, const Node& node) {
        switch (key) {
            case 1: inventory.platform.text = in.id(node); break;
            case 2: inventory.number.partition = in.partition(node); break;
            case 3: inventory.number.seq = in.revision(node); break;
            case 4: {
                const auto request = parse_reconcile_request(in.text(node, kIdBytesMax));
                if (!request) return in.problem(node, "is no request to reconcile");
                inventory.request = *request;
                break;
            }
            case 5: inventory.began_at.ns = in.signed64(node); break;
            case 6: inventory.read_at.ns = in.signed64(node); break;
            case 7: inventory.revisions = in.unsigned64(node); break;
            case 8:
                in.array(node, [&](const Node& item) {
                    read_object(in, item, inventory.objects.emplace_back());
                });
                break;
            default: break;  // A later version's key.
        }
    };
    auto done = decode_message(body, "inventory", key_bits(1, 2, 3, 4, 5, 6, 7, 8), read);
    if (!done) return fail(std::move(done.error()));
    return inventory;
}

}  // namespace syncline::wire
