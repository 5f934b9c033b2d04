#include "hub/workflow/message.h"

#include <algorithm>
#include <charconv>

#include "hub/workflow/codec_parts.h"

namespace syncline::hub::workflow {
namespace {

using wire::Decoder;
using wire::key_bits;
using wire::Node;
using wire::Writer;

// ---- Each input is a map; which one it is stands beside it: its place in the variant. ----

void write(Writer& out, const Start& one) {
    write_map(out, [&](const auto& entry) {
        entry(1, true, [&] { out.text(one.instance); });
        entry(2, true, [&] { out.text(one.workflow.text); });
        entry(3, true, [&] { out.text(one.trigger); });
        entry(4, true, [&] { out.fields(one.context); });
        entry(5, !one.requester.empty(), [&] { out.text(one.requester); });
        entry(6, !one.trace.empty(), [&] { out.text(one.trace); });
        entry(7, !one.parent.empty(), [&] { out.text(one.parent); });
        entry(8, !one.parent_key.empty(), [&] { out.text(one.parent_key); });
    });
}

void write(Writer& out, const Reply& one) {
    write_map(out, [&](const auto& entry) {
        entry(1, true, [&] { out.text(one.key); });
        entry(2, true, [&] { out.unsigned64(one.attempt); });
        entry(3, one.error.has_value(),
              [&] { out.unsigned64(static_cast<std::uint64_t>(*one.error)); });
        entry(4, !one.fields.empty(), [&] { out.fields(one.fields); });
        entry(5, !one.text.empty(), [&] { out.text(one.text); });
    });
}

void write(Writer& out, const OperationOutcome& one) {
    write_map(out, [&](const auto& entry) {
        entry(1, true, [&] { out.text(one.key); });
        entry(2, true, [&] { out.unsigned64(one.attempt); });
        entry(3, true, [&] { out.unsigned64(static_cast<std::uint64_t>(one.what)); });
        entry(4, true, [&] { out.unsigned64(static_cast<std::uint64_t>(one.error)); });
        entry(5, !one.fields.empty(), [&] { out.fields(one.fields); });
        entry(6, !one.text.empty(), [&] { out.text(one.text); });
        entry(7, !one.platform.empty(), [&] { out.text(one.platform.text); });
    });
}

void write(Writer& out, const EventArrived& one) {
    write_map(out, [&](const auto& entry) {
        entry(1, true, [&] { out.text(one.event); });
        entry(2, true, [&] { out.text(one.key); });
        entry(3, !one.fields.empty(), [&] { out.fields(one.fields); });
    });
}

void write(Writer& out, const Decision& one) {
    write_map(out, [&](const auto& entry) {
        entry(1, true, [&] { out.text(one.key); });
        entry(2, true, [&] { out.unsigned64(static_cast<std::uint64_t>(one.what)); });
        entry(3, true, [&] { out.text(one.who); });
        entry(4, !one.roles.empty(), [&] { write_texts(out, one.roles); });
        entry(5, !one.seen.empty(), [&] { out.text(one.seen); });
        entry(6, !one.comment.empty(), [&] { out.text(one.comment); });
        entry(7, !one.on_behalf_of.empty(), [&] { out.text(one.on_behalf_of); });
    });
}

void write(Writer& out, const Tick&) { out.map(0); }

void write(Writer& out, const Acted& one) {
    write_map(out, [&](const auto& entry) {
        entry(1, true, [&] { out.unsigned64(static_cast<std::uint64_t>(one.what)); });
        entry(2, true, [&] { out.text(one.who); });
        entry(3, !one.step.empty(), [&] { out.text(one.step); });
        entry(4, !one.reason.empty(), [&] { out.text(one.reason); });
        entry(5, !one.fields.empty(), [&] { out.fields(one.fields); });
    });
}

void write(Writer& out, const ChildDone& one) {
    write_map(out, [&](const auto& entry) {
        entry(1, true, [&] { out.text(one.key); });
        entry(2, true, [&] { out.unsigned64(static_cast<std::uint64_t>(one.status)); });
        entry(3, !one.fields.empty(), [&] { out.fields(one.fields); });
        entry(4, !one.text.empty(), [&] { out.text(one.text); });
    });
}

Start read_start(Decoder& in, const Node& node) {
    Start one;
    in.map(node, key_bits(1, 2, 3, 4), [&](int key, const Node& item) {
        if (key == 1) one.instance = read_text(in, item);
        if (key == 2) one.workflow.text = read_text(in, item);
        if (key == 3) one.trigger = read_text(in, item);
        if (key == 4) one.context = in.fields(item);
        if (key == 5) one.requester = read_text(in, item);
        if (key == 6) one.trace = read_text(in, item);
        if (key == 7) one.parent = read_text(in, item);
        if (key == 8) one.parent_key = read_text(in, item);
    });
    return one;
}

Reply read_reply(Decoder& in, const Node& node) {
    Reply one;
    in.map(node, key_bits(1, 2), [&](int key, const Node& item) {
        if (key == 1) one.key = read_text(in, item);
        if (key == 2) one.attempt = in.unsigned32(item);
        if (key == 3) one.error = in.enumeration(item, ErrorClass::kTimeout);
        if (key == 4) one.fields = in.fields(item);
        if (key == 5) one.text = read_text(in, item);
    });
    return one;
}

OperationOutcome read_outcome(Decoder& in, const Node& node) {
    OperationOutcome one;
    in.map(node, key_bits(1, 2, 3, 4), [&](int key, const Node& item) {
        if (key == 1) one.key = read_text(in, item);
        if (key == 2) one.attempt = in.unsigned32(item);
        if (key == 3) one.what = in.enumeration(item, OperationOutcome::What::kInDoubt);
        if (key == 4) one.error = in.enumeration(item, ErrorClass::kTimeout);
        if (key == 5) one.fields = in.fields(item);
        if (key == 6) one.text = read_text(in, item);
        if (key == 7) one.platform.text = read_text(in, item);
    });
    return one;
}

EventArrived read_event(Decoder& in, const Node& node) {
    EventArrived one;
    in.map(node, key_bits(1, 2), [&](int key, const Node& item) {
        if (key == 1) one.event = read_text(in, item);
        if (key == 2) one.key = read_text(in, item);
        if (key == 3) one.fields = in.fields(item);
    });
    return one;
}

Decision read_decision(Decoder& in, const Node& node) {
    Decision one;
    in.map(node, key_bits(1, 2, 3), [&](int key, const Node& item) {
        if (key == 1) one.key = read_text(in, item);
        if (key == 2) one.what = in.enumeration(item, Decision::What::kReject);
        if (key == 3) one.who = read_text(in, item);
        if (key == 4) one.roles = read_texts(in, item);
        if (key == 5) one.seen = read_text(in, item);
        if (key == 6) one.comment = read_text(in, item);
        if (key == 7) one.on_behalf_of = read_text(in, item);
    });
    return one;
}

Acted read_action(Decoder& in, const Node& node) {
    Acted one;
    in.map(node, key_bits(1, 2), [&](int key, const Node& item) {
        if (key == 1) one.what = in.enumeration(item, Acted::What::kMigrate);
        if (key == 2) one.who = read_text(in, item);
        if (key == 3) one.step = read_text(in, item);
        if (key == 4) one.reason = read_text(in, item);
        if (key == 5) one.fields = in.fields(item);
    });
    return one;
}

ChildDone read_child(Decoder& in, const Node& node) {
    ChildDone one;
    in.map(node, key_bits(1, 2), [&](int key, const Node& item) {
        if (key == 1) one.key = read_text(in, item);
        if (key == 2) one.status = in.enumeration(item, Status::kCompensated);
        if (key == 3) one.fields = in.fields(item);
        if (key == 4) one.text = read_text(in, item);
    });
    return one;
}

decltype(Input::what) read_what(Decoder& in, std::uint64_t kind, const Node& node) {
    switch (kind) {
        case 0: return read_start(in, node);
        case 1: return read_reply(in, node);
        case 2: return read_outcome(in, node);
        case 3: return read_event(in, node);
        case 4: return read_decision(in, node);
        case 5: return Tick{};
        case 6: return read_action(in, node);
        case 7: return read_child(in, node);
        default: in.problem(node, "is none of the known inputs"); return Tick{};
    }
}

}  // namespace

std::string encode(const Message& message) {
    Writer out;
    out.map(5U + (message.asker.empty() ? 0U : 1U) + (message.fault.empty() ? 0U : 1U));
    out.field(0, wire::kWireVersion);
    out.field(1, message.instance);
    out.field(2, message.input.id);
    out.field(3, message.input.what.index());
    out.key(4);
    std::visit([&](const auto& one) { write(out, one); }, message.input.what);
    if (!message.asker.empty()) out.field(5, message.asker);
    if (!message.fault.empty()) out.field(6, message.fault);
    return out.take();
}

Result<Message> decode_message(std::string_view body) {
    Message message;
    std::uint64_t kind = 0;
    const auto done = wire::decode_message(body, "input of a workflow", key_bits(1, 2, 3, 4),
                                           [&](Decoder& in, int key, const Node& item) {
                                               switch (key) {
                                                   case 1: message.instance = in.id(item); break;
                                                   case 2:
                                                       message.input.id = read_text(in, item);
                                                       break;
                                                   case 3: kind = in.unsigned64(item); break;
                                                   case 4:
                                                       // Keys are written in their order.
                                                       message.input.what =
                                                           read_what(in, kind, item);
                                                       break;
                                                   case 5:
                                                       message.asker = read_text(in, item);
                                                       break;
                                                   case 6:
                                                       message.fault = read_text(in, item);
                                                       break;
                                                   default: break;
                                               }
                                           });
    if (!done) return fail(done.error());
    return message;
}

namespace {

std::string encode_effect(const Effect& effect) {
    Writer out;
    out.map(2);
    out.field(0, wire::kWireVersion);
    out.key(1);
    write_effect(out, effect);
    return out.take();
}

template <class Kind>
Result<Kind> decode_effect(std::string_view body, const char* what) {
    Kind found;
    const auto done =
        wire::decode_message(body, what, key_bits(1), [&](Decoder& in, int key, const Node& item) {
            if (key != 1) return;
            Effect effect = read_effect(in, item);
            auto* one = std::get_if<Kind>(&effect);
            if (one == nullptr) return in.problem(item, "is something else");
            found = std::move(*one);
        });
    if (!done) return fail(done.error());
    return found;
}

}  // namespace

std::string encode(const Told& told) { return encode_effect(told); }
Result<Told> decode_told(std::string_view body) {
    return decode_effect<Told>(body, "answer of a workflow");
}

std::string encode(const ApprovalNews& news) { return encode_effect(news); }
Result<ApprovalNews> decode_approval(std::string_view body) {
    return decode_effect<ApprovalNews>(body, "approval");
}

Message message_of(const OperationResult& result) {
    using From = OperationResult::What;
    using To = OperationOutcome::What;
    const To what = result.what == From::kApplied   ? To::kApplied
                    : result.what == From::kRefused ? To::kRefused
                                                    : To::kInDoubt;
    // An agent that finds out what was in doubt tells it of the same attempt.
    return {.instance = instance_of(result.key),
            .asker = {},
            .input = {"outcome/" + result.key + "#" + std::to_string(result.attempt) + "/" +
                          std::to_string(static_cast<int>(result.what)),
                      {},
                      OperationOutcome{result.key, result.attempt, what, result.error,
                                       result.fields, result.text, result.platform}}};
}

Partition home_of(std::string_view instance, std::uint16_t partitions) {
    return instance_partition(instance, partitions);
}

EntityKey entity_of(std::string_view instance) {
    return {ObjectName{kInstanceObject}, EntityId{instance}};
}

std::string workflow_of(std::string_view key) { return std::string{key.substr(0, key.find('/'))}; }

std::string instance_of(std::string_view key) { return std::string{syncline::instance_of(key)}; }

std::string step_of(std::string_view key) {
    for (int part = 0; part < 2; ++part) {
        const auto slash = key.find('/');
        if (slash == std::string_view::npos) return {};
        key.remove_prefix(slash + 1);
    }
    return std::string{key};
}

std::pair<std::string, std::uint32_t> split_attempt(std::string_view text) {
    const auto at = std::min(text.rfind('#'), text.size());
    std::uint32_t attempt = 0;
    if (at < text.size()) {
        std::from_chars(text.data() + at + 1, text.data() + text.size(), attempt);
    }
    return {std::string{text.substr(0, at)}, attempt};
}

}  // namespace syncline::hub::workflow
