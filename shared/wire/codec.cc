#include "shared/wire/codec.h"

#include <array>

#include "shared/wire/limits.h"
#include "shared/wire/reader.h"
#include "shared/wire/writer.h"

namespace syncline::wire {
namespace {

void write_optional(Writer& out, int key, const auto& id) {
    if (id) out.field(key, std::string_view{id->text});
}

std::uint32_t present(auto... conditions) { return (std::uint32_t{conditions ? 1U : 0U} + ...); }

void three_ids(Decoder& in, const Node& node, std::array<std::string*, 3> ids) {
    std::size_t position = 0;
    in.array(node, [&](const Node& item) {
        if (position < ids.size()) *ids[position] = in.id(item);
        ++position;
    });
    if (position != ids.size()) in.problem(node, "must have three items");
}

}  // namespace

std::string encode(const Change& change) {
    Writer out{256};
    out.map(11 + present(change.entity.has_value(), change.marker.has_value(),
                         change.changed_at.ns != 0, !change.trace.empty()));
    out.field(0, kWireVersion);
    out.field(1, change.key.platform.text);
    out.field(2, change.key.object.text);
    out.field(3, change.key.record.text);
    write_optional(out, 4, change.entity);
    out.field(5, std::uint64_t{change.number.partition.value});
    out.revision(6, change.number.seq);
    out.revision(7, change.rev);
    out.field(8, static_cast<std::uint64_t>(change.kind));
    out.field(9, static_cast<std::uint64_t>(change.origin));
    out.field(10, change.fields);
    write_optional(out, 11, change.marker);
    out.field(12, change.seen_at);
    if (change.changed_at.ns != 0) out.field(13, change.changed_at);
    if (!change.trace.empty()) out.field(14, change.trace);
    return out.take();
}

Result<Change> decode_change(std::string_view body) {
    Change change;
    auto read = [&](Decoder& in, int key, const Node& node) {
        switch (key) {
            case 1: change.key.platform.text = in.id(node); break;
            case 2: change.key.object.text = in.id(node); break;
            case 3: change.key.record.text = in.id(node); break;
            case 4: change.entity.emplace(in.id(node)); break;
            case 5: change.number.partition = in.partition(node); break;
            case 6: change.number.seq = in.revision(node); break;
            case 7: change.rev = in.revision(node); break;
            case 8: change.kind = in.enumeration(node, ChangeKind::kDelete); break;
            case 9: change.origin = in.enumeration(node, ChangeOrigin::kReview); break;
            case 10: change.fields = in.fields(node); break;
            case 11: change.marker.emplace(in.id(node)); break;
            case 12: change.seen_at.ns = in.signed64(node); break;
            case 13: change.changed_at.ns = in.signed64(node); break;
            case 14: change.trace = in.text(node, kIdBytesMax); break;
            default: break;  // A later version's key.
        }
    };
    auto done = decode_message(body, "change", key_bits(1, 2, 3, 5, 6, 7, 8, 9, 10, 12), read);
    if (!done) return fail(std::move(done.error()));
    return change;
}

std::string encode(const Outcome& outcome) {
    Writer out{256};
    out.map(14 + present(outcome.record.has_value(), !outcome.reason.empty(), !outcome.code.empty(),
                         !outcome.trace.empty(), !outcome.as_commanded.empty(), outcome.fence > 0,
                         outcome.deleted));
    out.field(0, kWireVersion);
    out.field(1, outcome.platform.text);
    out.field(2, outcome.entity.object.text);
    out.field(3, outcome.entity.entity.text);
    write_optional(out, 4, outcome.record);
    out.field(5, std::uint64_t{outcome.number.partition.value});
    out.revision(6, outcome.number.seq);
    out.revision(7, outcome.rev);
    out.field(8, outcome.generation);
    out.field(9, outcome.ledger_generation);
    out.field(10, static_cast<std::uint64_t>(outcome.status));
    out.field(11, outcome.fields);
    if (!outcome.reason.empty()) out.field(12, outcome.reason);
    if (!outcome.code.empty()) out.field(13, outcome.code);
    out.field(14, std::uint64_t{outcome.attempts});
    out.field(15, outcome.done_at);
    if (!outcome.trace.empty()) out.field(16, outcome.trace);
    if (!outcome.as_commanded.empty()) {
        out.key(17);
        out.array(static_cast<std::uint32_t>(outcome.as_commanded.size()));
        for (const FieldName& name : outcome.as_commanded) out.text(name.text);
    }
    if (outcome.fence > 0) out.field(18, outcome.fence);
    out.field(19, outcome.decided_at);
    if (outcome.deleted) {
        out.key(20);
        out.boolean(true);
    }
    return out.take();
}

Result<Outcome> decode_outcome(std::string_view body) {
    Outcome outcome;
    auto read = [&](Decoder& in, int key, const Node& node) {
        switch (key) {
            case 1: outcome.platform.text = in.id(node); break;
            case 2: outcome.entity.object.text = in.id(node); break;
            case 3: outcome.entity.entity.text = in.id(node); break;
            case 4: outcome.record.emplace(in.id(node)); break;
            case 5: outcome.number.partition = in.partition(node); break;
            case 6: outcome.number.seq = in.revision(node); break;
            case 7: outcome.rev = in.revision(node); break;
            case 8: outcome.generation = in.unsigned64(node); break;
            case 9: outcome.ledger_generation = in.unsigned64(node); break;
            case 10: outcome.status = in.enumeration(node, OutcomeStatus::kDiscarded); break;
            case 11: outcome.fields = in.fields(node); break;
            case 12: outcome.reason = in.text(node, kStringBytesMax); break;
            case 13: outcome.code = in.text(node, kIdBytesMax); break;
            case 14: outcome.attempts = in.unsigned32(node); break;
            case 15: outcome.done_at.ns = in.signed64(node); break;
            case 16: outcome.trace = in.text(node, kIdBytesMax); break;
            case 17:
                in.array(node,
                         [&](const Node& item) { outcome.as_commanded.emplace_back(in.id(item)); });
                break;
            case 18: outcome.fence = in.unsigned64(node); break;
            case 19: outcome.decided_at.ns = in.signed64(node); break;
            case 20: outcome.deleted = in.boolean(node); break;
            default: break;
        }
    };
    auto done = decode_message(body, "outcome", key_bits(1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 15), read);
    if (!done) return fail(std::move(done.error()));
    return outcome;
}

std::string encode(const Command& command) {
    Writer out{512};
    out.map(12 + present(command.record.has_value(), !command.trace.empty(),
                         command.doubt_settled > 0, command.origin != ChangeOrigin::kLive));
    out.field(0, kWireVersion);
    out.field(1, static_cast<std::uint64_t>(command.kind));
    out.field(2, command.platform.text);
    out.field(3, command.entity.object.text);
    out.field(4, command.entity.entity.text);
    write_optional(out, 5, command.record);
    out.field(6, command.generation);
    out.field(7, std::uint64_t{command.partition.value});
    out.field(8, command.fence);
    out.field(9, command.fields);
    out.field(10, command.expected);
    out.field(11, command.decided_at);
    out.field(12, command.policy);
    if (!command.trace.empty()) out.field(13, command.trace);
    if (command.doubt_settled > 0) out.field(14, command.doubt_settled);
    if (command.origin != ChangeOrigin::kLive) {
        out.field(15, static_cast<std::uint64_t>(command.origin));
    }
    return out.take();
}

Result<Command> decode_command(std::string_view body) {
    Command command;
    auto read = [&](Decoder& in, int key, const Node& node) {
        switch (key) {
            case 1: command.kind = in.enumeration(node, CommandKind::kForget); break;
            case 2: command.platform.text = in.id(node); break;
            case 3: command.entity.object.text = in.id(node); break;
            case 4: command.entity.entity.text = in.id(node); break;
            case 5: command.record.emplace(in.id(node)); break;
            case 6: command.generation = in.unsigned64(node); break;
            case 7: command.partition = in.partition(node); break;
            case 8: command.fence = in.unsigned64(node); break;
            case 9: command.fields = in.fields(node); break;
            case 10: command.expected = in.fields(node); break;
            case 11: command.decided_at.ns = in.signed64(node); break;
            case 12: command.policy = in.text(node, kIdBytesMax); break;
            case 13: command.trace = in.text(node, kIdBytesMax); break;
            case 14: command.doubt_settled = in.unsigned64(node); break;
            case 15: command.origin = in.enumeration(node, ChangeOrigin::kReview); break;
            default: break;
        }
    };
    auto done = decode_message(body, "command", key_bits(1, 2, 3, 4, 6, 7, 8, 9, 11), read);
    if (!done) return fail(std::move(done.error()));
    const bool names_one =
        command.kind == CommandKind::kUpdate || command.kind == CommandKind::kDelete;
    if (names_one && !command.record) {
        return fail(ErrorKind::kInvalid, "command: an update or delete without record");
    }
    return command;
}

std::string encode(const Receipt& receipt) {
    Writer out;
    out.map(6 + present(receipt.epoch > 0));
    out.field(0, kWireVersion);
    out.field(1, receipt.platform.text);
    out.key(2);
    out.array(static_cast<std::uint32_t>(receipt.marks.size()));
    for (const auto& mark : receipt.marks) {
        out.array(4);
        out.unsigned64(mark.partition.value);
        out.unsigned64(mark.epoch);
        out.unsigned64(mark.seq);
        out.unsigned64(mark.fence);
    }
    out.key(3);
    out.array(static_cast<std::uint32_t>(receipt.resends.size()));
    for (const auto& resend : receipt.resends) {
        out.array(3);
        out.unsigned64(resend.partition.value);
        out.unsigned64(resend.epoch);
        out.unsigned64(resend.from);
    }
    out.key(4);
    out.array(static_cast<std::uint32_t>(receipt.links.size()));
    for (const auto& link : receipt.links) {
        out.array(3);
        out.text(link.object.text);
        out.text(link.record.text);
        out.text(link.entity.text);
    }
    out.key(5);
    out.boolean(receipt.full_read);
    if (receipt.epoch > 0) out.field(6, receipt.epoch);
    return out.take();
}

Result<Receipt> decode_receipt(std::string_view body) {
    Receipt receipt;
    /// A partition and what is said of it.
    auto numbers = [](Decoder& in, const Node& node, Partition& partition,
                      std::initializer_list<std::uint64_t*> said) {
        std::size_t position = 0;
        in.array(node, [&](const Node& item) {
            if (position == 0) {
                partition = in.partition(item);
            } else if (position <= said.size()) {
                *said.begin()[position - 1] = in.unsigned64(item);
            }
            ++position;
        });
        if (position != 1 + said.size()) {
            in.problem(node, "must have " + std::to_string(1 + said.size()) + " items");
        }
    };
    auto read = [&](Decoder& in, int key, const Node& node) {
        if (key == 1) receipt.platform.text = in.id(node);
        if (key == 5) receipt.full_read = in.boolean(node);
        if (key == 6) receipt.epoch = in.unsigned64(node);
        if (key < 2 || key > 4) return;
        in.array(node, [&](const Node& item) {
            if (key == 2) {
                auto& mark = receipt.marks.emplace_back();
                numbers(in, item, mark.partition, {&mark.epoch, &mark.seq, &mark.fence});
            } else if (key == 3) {
                auto& resend = receipt.resends.emplace_back();
                numbers(in, item, resend.partition, {&resend.epoch, &resend.from});
            } else {
                auto& link = receipt.links.emplace_back();
                three_ids(in, item, {&link.object.text, &link.record.text, &link.entity.text});
            }
        });
    };
    auto done = decode_message(body, "receipt", key_bits(1, 2, 3, 4, 5), read);
    if (!done) return fail(std::move(done.error()));
    return receipt;
}

std::string encode_reference(const EntityId& entity, const std::vector<RecordKey>& waiting) {
    Writer out;
    out.map(waiting.empty() ? 2 : 3);
    out.field(0, kWireVersion);
    out.field(1, entity.text);
    if (waiting.empty()) return out.take();
    out.key(2);
    out.array(static_cast<std::uint32_t>(waiting.size()));
    for (const RecordKey& record : waiting) {
        out.array(3);
        out.text(record.platform.text);
        out.text(record.object.text);
        out.text(record.record.text);
    }
    return out.take();
}

Result<EntityId> decode_reference(std::string_view body) {
    EntityId entity;
    auto read = [&](Decoder& in, int key, const Node& node) {
        if (key == 1) entity.text = in.text(node, kIdBytesMax);
    };
    auto done = decode_message(body, "reference", key_bits(1), read);
    if (!done) return fail(std::move(done.error()));
    return entity;
}

Result<std::vector<RecordKey>> decode_waiting(std::string_view body) {
    std::vector<RecordKey> records;
    auto read = [&](Decoder& in, int key, const Node& node) {
        if (key != 2) return;
        in.array(node, [&](const Node& item) {
            RecordKey& record = records.emplace_back();
            three_ids(in, item, {&record.platform.text, &record.object.text, &record.record.text});
        });
    };
    auto done = decode_message(body, "reference", key_bits(1), read);
    if (!done) return fail(std::move(done.error()));
    return records;
}

void append_fields(std::string& out, const Fields& fields) {
    Writer writer;
    writer.fields(fields);
    out += writer.take();
}

}  // namespace syncline::wire
