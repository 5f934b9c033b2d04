#include "shared/wire/hold_codec.h"

#include "shared/wire/drift_codec.h"
#include "shared/wire/limits.h"
#include "shared/wire/reader.h"
#include "shared/wire/writer.h"

namespace syncline::wire {
namespace {

void write_sample(Writer& out, const HoldNotice::Sample& sample) {
    out.map(1 + (sample.record.empty() ? 0 : 1) + (sample.entity ? 1 : 0));
    out.field(1, static_cast<std::uint64_t>(sample.kind));
    if (!sample.record.empty()) out.field(2, sample.record.text);
    if (sample.entity) out.field(3, sample.entity->text);
}

HoldNotice::Sample read_sample(Decoder& in, const Node& node) {
    HoldNotice::Sample sample;
    in.map(node, key_bits(1), [&](int key, const Node& value) {
        if (key == 1) sample.kind = in.enumeration(value, MassKind::kOverwrite);
        if (key == 2) sample.record.text = in.id(value);
        if (key == 3) sample.entity.emplace(in.id(value));
    });
    return sample;
}

}  // namespace

std::string encode(const HoldNotice& notice) {
    Writer out{1024};
    out.map(16);
    out.field(0, kWireVersion);
    out.field(1, notice.platform.text);
    out.field(2, std::uint64_t{notice.number.partition.value});
    out.revision(3, notice.number.seq);
    out.field(4, notice.lane.object.text);
    out.field(5, static_cast<std::uint64_t>(notice.lane.direction));
    out.field(6, notice.hold);
    out.field(7, static_cast<std::uint64_t>(notice.status));
    out.field(8, static_cast<std::uint64_t>(notice.tripped));
    out.field(9, notice.limit);
    out.key(10);
    out.signed64(notice.window.count());
    write_counts(out, 11, notice.counts);
    out.field(12, notice.records);
    out.field(13, notice.held);
    out.field(14, notice.since);
    out.key(15);
    out.array(static_cast<std::uint32_t>(notice.sample.size()));
    for (const HoldNotice::Sample& sample : notice.sample) write_sample(out, sample);
    return out.take();
}

Result<HoldNotice> decode_hold(std::string_view body) {
    HoldNotice notice;
    auto read = [&](Decoder& in, int key, const Node& node) {
        switch (key) {
            case 1: notice.platform.text = in.id(node); break;
            case 2: notice.number.partition = in.partition(node); break;
            case 3: notice.number.seq = in.revision(node); break;
            case 4: notice.lane.object.text = in.id(node); break;
            case 5: notice.lane.direction = in.enumeration(node, Direction::kOut); break;
            case 6: notice.hold = in.unsigned64(node); break;
            case 7: notice.status = in.enumeration(node, HoldNotice::Status::kUnknown); break;
            case 8: notice.tripped = in.enumeration(node, MassKind::kOverwrite); break;
            case 9: notice.limit = in.text(node, kIdBytesMax); break;
            case 10: notice.window = Duration{in.signed64(node)}; break;
            case 11: read_counts(in, node, notice.counts); break;
            case 12: notice.records = in.unsigned64(node); break;
            case 13: notice.held = in.unsigned64(node); break;
            case 14: notice.since.ns = in.signed64(node); break;
            case 15:
                in.array(node, [&](const Node& item) {
                    if (notice.sample.size() < HoldNotice::kSampleMost) {
                        notice.sample.push_back(read_sample(in, item));
                    }
                });
                break;
            default: break;  // A later version's key.
        }
    };
    auto done = decode_message(body, "hold", key_bits(1, 2, 3, 4, 5, 6, 7), read);
    if (!done) return fail(std::move(done.error()));
    return notice;
}

}  // namespace syncline::wire
