#include "hub/core/handover_codec.h"

#include "hub/core/codec_parts.h"
#include "shared/wire/limits.h"

namespace syncline::hub {

using wire::Decoder;
using wire::key_bits;
using wire::Node;
using wire::Writer;

namespace {

void write_given(Writer& out, const GivenRecord& given) {
    out.map(7);
    out.field(0, given.platform.text);
    out.field(1, given.record.text);
    out.revision(2, given.rev);
    out.field(3, given.at);
    out.field(4, given.told);
    out.field(5, given.commanded);
    out.field(6, static_cast<std::uint64_t>(given.standing));
}

GivenRecord read_given(Decoder& in, const Node& node) {
    GivenRecord given;
    in.map(node, key_bits(0, 1, 2, 3, 4, 5, 6), [&](int key, const Node& value) {
        switch (key) {
            case 0: given.platform.text = in.id(value); break;
            case 1: given.record.text = in.id(value); break;
            case 2: given.rev = in.revision(value); break;
            case 3: given.at.ns = in.signed64(value); break;
            case 4: given.told = in.fields(value); break;
            case 5: given.commanded = in.fields(value); break;
            case 6: given.standing = in.enumeration(value, OtherRecord::Standing::kGone); break;
            default: break;
        }
    });
    return given;
}

void write_field(Writer& out, const TakenIn::Field& field) {
    out.array(7);
    out.text(field.name.text);
    out.value(field.after);
    out.value(field.before);
    out.text(field.from.platform.text);
    out.unsigned64(field.from.rev.epoch);
    out.unsigned64(field.from.rev.n);
    out.signed64(field.from.at.ns);
}

TakenIn::Field read_field(Decoder& in, const Node& node) {
    TakenIn::Field field;
    int position = 0;
    in.array(node, [&](const Node& item) {
        switch (position++) {
            case 0: field.name.text = in.id(item); break;
            case 1: field.after = in.value(item); break;
            case 2: field.before = in.value(item); break;
            case 3: field.from.platform.text = in.text(item, wire::kIdBytesMax); break;
            case 4: field.from.rev.epoch = in.unsigned64(item); break;
            case 5: field.from.rev.n = in.unsigned64(item); break;
            case 6: field.from.at.ns = in.signed64(item); break;
            default: break;
        }
    });
    return field;
}

TakenIn::Record read_taken(Decoder& in, const Node& node) {
    TakenIn::Record record;
    int position = 0;
    in.array(node, [&](const Node& item) {
        if (position == 0) record.platform.text = in.id(item);
        if (position == 1) record.record.text = in.id(item);
        if (position == 2) record.before = in.enumeration(item, Presence::kUnlinked);
        if (position == 3) record.doubt = in.boolean(item);
        ++position;
    });
    return record;
}

}  // namespace

void write_handovers(Writer& out, int key, const std::vector<Handover>& handovers) {
    out.key(key);
    out.array(size_of(handovers));
    for (const Handover& handover : handovers) {
        out.map(5 + present(!handover.undoes.empty()));
        out.field(0, handover.id);
        out.field(1, handover.to.text);
        out.field(2, static_cast<std::uint64_t>(handover.why));
        out.field(4, handover.by);
        out.key(3);
        out.array(size_of(handover.records));
        for (const GivenRecord& given : handover.records) write_given(out, given);
        if (!handover.undoes.empty()) out.field(5, handover.undoes);
    }
}

Handover read_handover(Decoder& in, const Node& node) {
    Handover handover;
    in.map(node, key_bits(0, 1, 2, 3, 4), [&](int key, const Node& value) {
        switch (key) {
            case 0: handover.id = in.id(value); break;
            case 1: handover.to.text = in.id(value); break;
            case 2: handover.why = in.enumeration(value, Handover::Why::kMoved); break;
            case 3:
                in.array(value, [&](const Node& item) {
                    handover.records.push_back(read_given(in, item));
                });
                break;
            case 4: handover.by = in.text(value, wire::kStringBytesMax); break;
            case 5: handover.undoes = in.id(value); break;
            default: break;
        }
    });
    return handover;
}

void write_taken_in(Writer& out, int key, const std::vector<TakenIn>& all) {
    out.key(key);
    out.array(size_of(all));
    for (const TakenIn& taken : all) {
        out.map(4);
        out.field(0, taken.entity.text);
        out.field(1, taken.id);
        out.key(2);
        out.array(size_of(taken.records));
        for (const TakenIn::Record& record : taken.records) {
            out.array(record.doubt ? 4 : 3);
            out.text(record.platform.text);
            out.text(record.record.text);
            out.unsigned64(static_cast<std::uint64_t>(record.before));
            if (record.doubt) out.boolean(true);
        }
        out.key(3);
        out.array(size_of(taken.fields));
        for (const TakenIn::Field& field : taken.fields) write_field(out, field);
    }
}

TakenIn read_taken_in(Decoder& in, const Node& node) {
    TakenIn taken;
    in.map(node, key_bits(0, 1, 2, 3), [&](int key, const Node& value) {
        switch (key) {
            case 0: taken.entity.text = in.id(value); break;
            case 1: taken.id = in.id(value); break;
            case 2:
                in.array(value,
                         [&](const Node& item) { taken.records.push_back(read_taken(in, item)); });
                break;
            case 3:
                in.array(value,
                         [&](const Node& item) { taken.fields.push_back(read_field(in, item)); });
                break;
            default: break;
        }
    });
    return taken;
}

void write_forgotten(Writer& out, int key, const Forgotten& forgotten) {
    out.key(key);
    out.map(5 + present(!forgotten.waits_for.empty(), !forgotten.log.empty()));
    out.field(0, forgotten.id);
    out.field(1, forgotten.by);
    out.field(2, forgotten.at);
    out.field(3, forgotten.version);
    out.field(4, static_cast<std::uint64_t>(forgotten.phase));
    if (!forgotten.waits_for.empty()) {
        out.key(5);
        out.array(size_of(forgotten.waits_for));
        for (const PlatformId& platform : forgotten.waits_for) out.text(platform.text);
    }
    if (!forgotten.log.empty()) write_numbers(out, 6, forgotten.log);
}

Forgotten read_forgotten(Decoder& in, const Node& node) {
    Forgotten forgotten;
    in.map(node, key_bits(0, 1, 2, 3, 4), [&](int key, const Node& value) {
        switch (key) {
            case 0: forgotten.id = in.id(value); break;
            case 1: forgotten.by = in.text(value, wire::kStringBytesMax); break;
            case 2: forgotten.at.ns = in.signed64(value); break;
            case 3: forgotten.version = in.unsigned64(value); break;
            case 4: forgotten.phase = in.enumeration(value, Forgotten::Phase::kDone); break;
            case 5:
                in.array(value,
                         [&](const Node& item) { forgotten.waits_for.emplace_back(in.id(item)); });
                break;
            case 6: forgotten.log = read_numbers(in, value); break;
            default: break;
        }
    });
    return forgotten;
}

}  // namespace syncline::hub
