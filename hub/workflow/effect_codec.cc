#include "hub/workflow/codec_parts.h"
#include "hub/workflow/instance_codec.h"

namespace syncline::hub::workflow {
namespace {

using wire::Decoder;
using wire::key_bits;
using wire::Node;
using wire::Writer;

// The first key says which kind of effect it is: its place in the variant.
constexpr int kKind = 0;

void write(Writer& out, const Request& one) {
    write_map(out, [&](const auto& entry) {
        entry(kKind, true, [&] { out.unsigned64(0); });
        entry(1, true, [&] { out.unsigned64(static_cast<std::uint64_t>(one.kind)); });
        entry(2, true, [&] { out.text(one.key); });
        entry(3, true, [&] { out.text(one.name); });
        entry(4, !one.subject.is_null(), [&] { out.value(one.subject); });
        entry(5, !one.fields.empty(), [&] { out.fields(one.fields); });
        entry(6, one.attempt != 0, [&] { out.unsigned64(one.attempt); });
        entry(7, one.until != Timestamp{}, [&] { out.signed64(one.until.ns); });
        entry(8, one.undoes, [&] { out.boolean(true); });
    });
}

void write(Writer& out, const ApprovalNews& one) {
    write_map(out, [&](const auto& entry) {
        entry(kKind, true, [&] { out.unsigned64(1); });
        entry(1, true, [&] { out.unsigned64(static_cast<std::uint64_t>(one.what)); });
        entry(2, true, [&] { out.text(one.key); });
        entry(3, !one.role.empty(), [&] { out.text(one.role); });
        entry(4, one.missing != 0, [&] { out.unsigned64(one.missing); });
        entry(5, !one.shown.empty(), [&] { out.fields(one.shown); });
        entry(6, !one.seen.empty(), [&] { out.text(one.seen); });
        entry(7, !one.requester.empty(), [&] { out.text(one.requester); });
        entry(8, one.until != Timestamp{}, [&] { out.signed64(one.until.ns); });
    });
}

void write(Writer& out, const ExceptionNews& one) {
    write_map(out, [&](const auto& entry) {
        entry(kKind, true, [&] { out.unsigned64(2); });
        entry(1, true, [&] { out.unsigned64(static_cast<std::uint64_t>(one.what)); });
        entry(2, true, [&] { out.text(one.code); });
        entry(3, !one.step.empty(), [&] { out.text(one.step); });
        entry(4, !one.reason.empty(), [&] { out.text(one.reason); });
    });
}

void write(Writer& out, const Told& one) {
    write_map(out, [&](const auto& entry) {
        entry(kKind, true, [&] { out.unsigned64(3); });
        entry(1, true, [&] { out.unsigned64(static_cast<std::uint64_t>(one.what)); });
        entry(2, !one.to.empty(), [&] { out.text(one.to); });
        entry(3, !one.key.empty(), [&] { out.text(one.key); });
        entry(4, true, [&] { out.unsigned64(static_cast<std::uint64_t>(one.status)); });
        entry(5, !one.fields.empty(), [&] { out.fields(one.fields); });
        entry(6, !one.text.empty(), [&] { out.text(one.text); });
    });
}

Request read_request(Decoder& in, const Node& node) {
    Request one;
    in.map(node, key_bits(kKind, 1, 2, 3), [&](int key, const Node& item) {
        if (key == 1) one.kind = in.enumeration(item, Request::Kind::kCancel);
        if (key == 2) one.key = read_text(in, item);
        if (key == 3) one.name = read_text(in, item);
        if (key == 4) one.subject = in.value(item);
        if (key == 5) one.fields = in.fields(item);
        if (key == 6) one.attempt = in.unsigned32(item);
        if (key == 7) one.until.ns = in.signed64(item);
        if (key == 8) one.undoes = in.boolean(item);
    });
    return one;
}

ApprovalNews read_approval(Decoder& in, const Node& node) {
    ApprovalNews one;
    in.map(node, key_bits(kKind, 1, 2), [&](int key, const Node& item) {
        if (key == 1) one.what = in.enumeration(item, ApprovalNews::What::kVoted);
        if (key == 2) one.key = read_text(in, item);
        if (key == 3) one.role = read_text(in, item);
        if (key == 4) one.missing = in.unsigned32(item);
        if (key == 5) one.shown = in.fields(item);
        if (key == 6) one.seen = read_text(in, item);
        if (key == 7) one.requester = read_text(in, item);
        if (key == 8) one.until.ns = in.signed64(item);
    });
    return one;
}

ExceptionNews read_exception(Decoder& in, const Node& node) {
    ExceptionNews one;
    in.map(node, key_bits(kKind, 1, 2), [&](int key, const Node& item) {
        if (key == 1) one.what = in.enumeration(item, ExceptionNews::What::kClosed);
        if (key == 2) one.code = read_text(in, item);
        if (key == 3) one.step = read_text(in, item);
        if (key == 4) one.reason = read_text(in, item);
    });
    return one;
}

Told read_told(Decoder& in, const Node& node) {
    Told one;
    in.map(node, key_bits(kKind, 1, 4), [&](int key, const Node& item) {
        if (key == 1) one.what = in.enumeration(item, Told::What::kFinished);
        if (key == 2) one.to = read_text(in, item);
        if (key == 3) one.key = read_text(in, item);
        if (key == 4) one.status = in.enumeration(item, Status::kCompensated);
        if (key == 5) one.fields = in.fields(item);
        if (key == 6) one.text = read_text(in, item);
    });
    return one;
}

void read_entry(Decoder& in, int key, const Node& item, LogEntry& entry) {
    if (key == 1) entry.instance = read_text(in, item);
    if (key == 2) entry.revision = in.unsigned64(item);
    if (key == 3) entry.at.ns = in.signed64(item);
    if (key == 4) entry.inputs = read_texts(in, item);
    if (key == 5) entry.decided = read_texts(in, item);
    if (key == 6) entry.policy = in.unsigned64(item);
    if (key == 7) {
        in.array(item, [&](const Node& one) {
            entry.taken.push_back(in.bytes(one, wire::kBodyBytesMax));
        });
    }
    if (key == 8) entry.previous = in.bytes(item, kLogHashBytes);
}

constexpr std::uint64_t kOfEntry = key_bits(1, 2, 3, 4, 5);

void write_entry(Writer& out, const LogEntry& entry) {
    out.field(1, entry.instance);
    out.field(2, entry.revision);
    out.field(3, entry.at);
    out.key(4);
    write_texts(out, entry.inputs);
    out.key(5);
    write_texts(out, entry.decided);
    out.field(6, entry.policy);
    out.key(7);
    out.array(size_of(entry.taken));
    for (const std::string& one : entry.taken) out.bytes(one);
    out.key(8);
    out.bytes(entry.previous);
}

}  // namespace

void write_effect(Writer& out, const Effect& effect) {
    std::visit([&](const auto& one) { write(out, one); }, effect);
}

Effect read_effect(Decoder& in, const Node& node) {
    std::uint64_t kind = 0;
    in.map(node, key_bits(kKind), [&](int key, const Node& item) {
        if (key == kKind) kind = in.unsigned64(item);
    });
    switch (kind) {
        case 0: return read_request(in, node);
        case 1: return read_approval(in, node);
        case 2: return read_exception(in, node);
        case 3: return read_told(in, node);
        default: in.problem(node, "is none of the known effects"); return {};
    }
}

void write_log(Writer& out, const LogEntry& entry) {
    out.map(8);
    write_entry(out, entry);
}

LogEntry read_log(Decoder& in, const Node& node) {
    LogEntry entry;
    in.map(node, kOfEntry, [&](int key, const Node& item) { read_entry(in, key, item, entry); });
    return entry;
}

std::string encode(const LogEntry& entry) {
    Writer out;
    out.map(9);
    out.field(0, wire::kWireVersion);
    write_entry(out, entry);
    return out.take();
}

Result<LogEntry> decode_log_entry(std::string_view body) {
    LogEntry entry;
    const auto done = wire::decode_message(
        body, "log entry of a workflow", kOfEntry,
        [&](Decoder& in, int key, const Node& item) { read_entry(in, key, item, entry); });
    if (!done) return fail(done.error());
    return entry;
}

}  // namespace syncline::hub::workflow
