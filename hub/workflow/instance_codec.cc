#include "hub/workflow/instance_codec.h"

#include <algorithm>

#include "hub/workflow/codec_parts.h"

namespace syncline::hub::workflow {
namespace {

using wire::Decoder;
using wire::key_bits;
using wire::Node;
using wire::Writer;

/// Hashes are hexadecimal: half as long as bytes. What is none is written as it is.
void write_hash(Writer& out, const std::string& hash) {
    const auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
    const bool is_hash = hash.size() % 2 == 0 && std::ranges::all_of(hash, [](char c) {
                             return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
                         });
    if (!is_hash) return out.text(hash);
    std::string bytes;
    for (std::size_t i = 0; i < hash.size(); i += 2) {
        bytes += static_cast<char>(digit(hash[i]) * 16 + digit(hash[i + 1]));
    }
    out.bytes(bytes);
}

std::string read_hash(Decoder& in, const Node& node) {
    if (node.type != wire::NodeType::kBytes) return in.text(node, wire::kIdBytesMax);
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string hash;
    for (const char c : in.bytes(node, wire::kIdBytesMax)) {
        const auto byte = static_cast<unsigned char>(c);
        hash += kDigits[byte >> 4];
        hash += kDigits[byte & 15];
    }
    return hash;
}

void write_numbers(Writer& out, const std::vector<std::uint64_t>& numbers) {
    out.array(size_of(numbers));
    for (const std::uint64_t number : numbers) out.unsigned64(number);
}
std::vector<std::uint64_t> read_numbers(Decoder& in, const Node& node) {
    std::vector<std::uint64_t> numbers;
    in.array(node, [&](const Node& item) { numbers.push_back(in.unsigned64(item)); });
    return numbers;
}

// ---- Frames. --------------------------------------------------------------------------------

void write_vote(Writer& out, const Vote& vote) {
    out.array(3);
    out.text(vote.who);
    out.text(vote.on_behalf_of);
    out.unsigned64(vote.level);
}
Vote read_vote(Decoder& in, const Node& node) {
    Vote vote;
    int position = 0;
    in.array(node, [&](const Node& item) {
        if (position == 0) vote.who = read_text(in, item);
        if (position == 1) vote.on_behalf_of = read_text(in, item);
        if (position == 2) vote.level = in.unsigned32(item);
        ++position;
    });
    return vote;
}

void write_frame(Writer& out, const Frame& frame) {
    write_map(out, [&](const auto& entry) {
        entry(1, !frame.block.empty(), [&] { out.text(frame.block); });
        entry(2, !frame.step.empty(), [&] { out.text(frame.step); });
        entry(3, frame.phase != Phase::kReady,
              [&] { out.unsigned64(static_cast<std::uint64_t>(frame.phase)); });
        entry(4, frame.attempt != 0, [&] { out.unsigned64(frame.attempt); });
        entry(5, frame.tried != 0, [&] { out.unsigned64(frame.tried); });
        entry(6, frame.due != Timestamp{}, [&] { out.signed64(frame.due.ns); });
        entry(7, frame.remind != Timestamp{}, [&] { out.signed64(frame.remind.ns); });
        entry(8, !frame.input.empty(), [&] { out.fields(frame.input); });
        entry(9, !frame.subject.is_null(), [&] { out.value(frame.subject); });
        entry(10, frame.level != 0, [&] { out.unsigned64(frame.level); });
        entry(11, !frame.votes.empty(), [&] {
            out.array(size_of(frame.votes));
            for (const Vote& vote : frame.votes) write_vote(out, vote);
        });
        entry(12, !frame.seen.empty(), [&] { write_hash(out, frame.seen); });
        entry(13, frame.escalated, [&] { out.boolean(true); });
        entry(14, !frame.items.empty(), [&] {
            out.array(size_of(frame.items));
            for (const Value& item : frame.items) out.value(item);
        });
        entry(15, frame.index != 0, [&] { out.unsigned64(frame.index); });
        entry(16, !frame.inside.empty(), [&] {
            out.array(size_of(frame.inside));
            for (const Frame& inside : frame.inside) write_frame(out, inside);
        });
    });
}

Frame read_frame(Decoder& in, const Node& node) {  // Depth is bounded by the parser.
    Frame frame;
    in.map(node, 0, [&](int key, const Node& item) {
        switch (key) {
            case 1: frame.block = read_text(in, item); break;
            case 2: frame.step = read_text(in, item); break;
            case 3: frame.phase = in.enumeration(item, Phase::kUnfit); break;
            case 4: frame.attempt = in.unsigned32(item); break;
            case 5: frame.tried = in.unsigned32(item); break;
            case 6: frame.due.ns = in.signed64(item); break;
            case 7: frame.remind.ns = in.signed64(item); break;
            case 8: frame.input = in.fields(item); break;
            case 9: frame.subject = in.value(item); break;
            case 10: frame.level = in.unsigned32(item); break;
            case 11:
                in.array(item,
                         [&](const Node& vote) { frame.votes.push_back(read_vote(in, vote)); });
                break;
            case 12: frame.seen = read_hash(in, item); break;
            case 13: frame.escalated = in.boolean(item); break;
            case 14:
                in.array(item, [&](const Node& one) { frame.items.push_back(in.value(one)); });
                break;
            case 15: frame.index = in.unsigned32(item); break;
            case 16:
                in.array(item, [&](const Node& inside) {
                    frame.inside.push_back(read_frame(in, inside));
                });
                break;
            default: break;
        }
    });
    return frame;
}

// ---- What it keeps beside them. -------------------------------------------------------------

void write_applied(Writer& out, const Applied& one) {
    write_map(out, [&](const auto& entry) {
        entry(1, true, [&] { out.text(one.path); });
        entry(2, one.run != 1, [&] { out.unsigned64(one.run); });
        entry(3, one.undo != Applied::Undo::kNone,
              [&] { out.unsigned64(static_cast<std::uint64_t>(one.undo)); });
        entry(4, one.attempt != 0, [&] { out.unsigned64(one.attempt); });
        entry(5, one.tried != 0, [&] { out.unsigned64(one.tried); });
        entry(6, one.due != Timestamp{}, [&] { out.signed64(one.due.ns); });
        entry(7, !one.input.empty(), [&] { out.fields(one.input); });
        entry(8, !one.subject.is_null(), [&] { out.value(one.subject); });
        entry(9, !one.flaw.empty(), [&] { out.text(one.flaw); });
    });
}

Applied read_applied(Decoder& in, const Node& node) {
    Applied one;
    in.map(node, key_bits(1), [&](int key, const Node& item) {
        if (key == 1) one.path = read_text(in, item);
        if (key == 2) one.run = in.unsigned32(item);
        if (key == 3) one.undo = in.enumeration(item, Applied::Undo::kLeft);
        if (key == 4) one.attempt = in.unsigned32(item);
        if (key == 5) one.tried = in.unsigned32(item);
        if (key == 6) one.due.ns = in.signed64(item);
        if (key == 7) one.input = in.fields(item);
        if (key == 8) one.subject = in.value(item);
        if (key == 9) one.flaw = read_text(in, item);
    });
    return one;
}

void write_heard(Writer& out, const Heard& one) {
    out.array(3);
    out.text(one.event);
    out.text(one.key);
    out.fields(one.fields);
}
Heard read_heard(Decoder& in, const Node& node) {
    Heard one;
    int position = 0;
    in.array(node, [&](const Node& item) {
        if (position == 0) one.event = read_text(in, item);
        if (position == 1) one.key = read_text(in, item);
        if (position == 2) one.fields = in.fields(item);
        ++position;
    });
    return one;
}

void write_open(Writer& out, const OpenException& open) {
    write_texts(out, {open.code, open.step, open.reason});
}
OpenException read_open(Decoder& in, const Node& node) {
    OpenException open;
    int position = 0;
    in.array(node, [&](const Node& item) {
        if (position == 0) open.code = read_text(in, item);
        if (position == 1) open.step = read_text(in, item);
        if (position == 2) open.reason = read_text(in, item);
        ++position;
    });
    return open;
}

void write_outbox(Writer& out, const Outbox& outbox) {
    out.map(3);
    out.key(1);
    write_numbers(out, outbox.inputs);
    out.key(2);
    out.array(size_of(outbox.effects));
    for (const Effect& effect : outbox.effects) write_effect(out, effect);
    out.key(3);
    write_log(out, outbox.log);
}
Outbox read_outbox(Decoder& in, const Node& node) {
    Outbox outbox;
    in.map(node, key_bits(1, 2, 3), [&](int key, const Node& item) {
        if (key == 1) outbox.inputs = read_numbers(in, item);
        if (key == 2) {
            in.array(item,
                     [&](const Node& one) { outbox.effects.push_back(read_effect(in, one)); });
        }
        if (key == 3) outbox.log = read_log(in, item);
    });
    return outbox;
}

// ---- The whole. -----------------------------------------------------------------------------

enum class With : std::uint8_t { kOutbox, kNoOutbox };

void write_list(Writer& out, const auto& list, const auto& write) {
    out.array(size_of(list));
    for (const auto& one : list) write(out, one);
}

void each_entry(Writer& out, const Instance& state, With with, const auto& entry) {
    const auto text = [&](int key, const std::string& value) {
        entry(key, !value.empty(), [&] { out.text(value); });
    };
    const auto time = [&](int key, Timestamp value) {
        entry(key, value != Timestamp{}, [&] { out.signed64(value.ns); });
    };
    const auto number = [&](int key, std::uint64_t value, std::uint64_t usual) {
        entry(key, value != usual, [&] { out.unsigned64(value); });
    };
    entry(0, true, [&] { out.unsigned64(wire::kWireVersion); });
    entry(1, true, [&] { write_hash(out, state.id); });
    text(2, state.workflow.text);
    entry(3, !state.definition.empty(), [&] { write_hash(out, state.definition); });
    number(4, state.version, 0);
    text(5, state.variant);
    number(6, state.revision, 0);
    number(7, static_cast<std::uint64_t>(state.status), 0);
    number(8, static_cast<std::uint64_t>(state.hold), 0);
    time(9, state.started_at);
    time(10, state.clock);
    time(11, state.deadline);
    text(12, state.requester);
    text(13, state.trace);
    text(14, state.parent);
    text(15, state.parent_key);
    entry(16, !state.context.empty(), [&] { out.fields(state.context); });
    number(17, state.run, 1);
    entry(18, !state.frames.empty(), [&] { write_list(out, state.frames, write_frame); });
    entry(19, !state.applied.empty(), [&] { write_list(out, state.applied, write_applied); });
    entry(20, !state.heard.empty(), [&] { write_list(out, state.heard, write_heard); });
    entry(21, !state.exceptions.empty(), [&] { write_list(out, state.exceptions, write_open); });
    entry(22, !state.seen.empty(), [&] { write_numbers(out, state.seen); });
    text(23, state.reason);
    entry(24, state.compacted, [&] { out.boolean(true); });
    number(26, state.policy, 0);
    entry(27, !state.log_hash.empty(), [&] { out.bytes(state.log_hash); });
    entry(28, !state.awaits.empty(), [&] {
        out.array(size_of(state.awaits));
        for (const auto& [event, key] : state.awaits) write_texts(out, {event, key});
    });
    entry(25, with == With::kOutbox && state.outbox != Outbox{},
          [&] { write_outbox(out, state.outbox); });
}

void read_entry(Decoder& in, int key, const Node& item, Instance& state) {
    const auto list = [&](auto& to, const auto& read) {
        in.array(item, [&](const Node& one) { to.push_back(read(in, one)); });
    };
    switch (key) {
        case 1: state.id = read_hash(in, item); break;
        case 2: state.workflow.text = in.id(item); break;
        case 3: state.definition = read_hash(in, item); break;
        case 4: state.version = in.unsigned32(item); break;
        case 5: state.variant = read_text(in, item); break;
        case 6: state.revision = in.unsigned64(item); break;
        case 7: state.status = in.enumeration(item, Status::kCompensated); break;
        case 8: state.hold = in.enumeration(item, Instance::Hold::kDeadline); break;
        case 9: state.started_at.ns = in.signed64(item); break;
        case 10: state.clock.ns = in.signed64(item); break;
        case 11: state.deadline.ns = in.signed64(item); break;
        case 12: state.requester = read_text(in, item); break;
        case 13: state.trace = read_text(in, item); break;
        case 14: state.parent = read_text(in, item); break;
        case 15: state.parent_key = read_text(in, item); break;
        case 16: state.context = in.fields(item); break;
        case 17: state.run = in.unsigned32(item); break;
        case 18: list(state.frames, read_frame); break;
        case 19: list(state.applied, read_applied); break;
        case 20: list(state.heard, read_heard); break;
        case 21: list(state.exceptions, read_open); break;
        case 22: state.seen = read_numbers(in, item); break;
        case 23: state.reason = read_text(in, item); break;
        case 24: state.compacted = in.boolean(item); break;
        case 25: state.outbox = read_outbox(in, item); break;
        case 26: state.policy = in.unsigned64(item); break;
        case 27: state.log_hash = in.bytes(item, kLogHashBytes); break;
        case 28:
            in.array(item, [&](const Node& one) {
                std::vector<std::string> pair = read_texts(in, one);
                pair.resize(2);
                state.awaits.emplace_back(std::move(pair[0]), std::move(pair[1]));
            });
            break;
        default: break;
    }
}

std::string encode_with(const Instance& instance, With with) {
    Writer out{512};
    write_map(out, [&](const auto& entry) { each_entry(out, instance, with, entry); });
    return out.take();
}

}  // namespace

std::string encode(const Instance& instance) { return encode_with(instance, With::kOutbox); }

std::size_t encoded_bytes(const Instance& instance) {
    return encode_with(instance, With::kNoOutbox).size();
}

Result<Instance> decode_instance(std::string_view body) {
    Instance instance;
    const auto done = wire::decode_message(
        body, "workflow instance", key_bits(1, 2),
        [&](Decoder& in, int key, const Node& item) { read_entry(in, key, item, instance); });
    if (!done) return fail(done.error());
    return instance;
}

}  // namespace syncline::hub::workflow
