#include "hub/core/codec_parts.h"
#include "hub/core/state_codec.h"
#include "shared/wire/limits.h"

namespace syncline::hub {

using wire::decode_message;
using wire::Decoder;
using wire::key_bits;
using wire::Node;
using wire::Writer;

namespace {

/// As key 14: of each object, rule, text and holder.
void write_foreign_keys(Writer& out, const std::vector<ForeignKey>& keys) {
    out.key(14);
    out.array(size_of(keys));
    for (const auto& [key, holder] : keys) {
        out.array(4);
        out.text(key.object.text);
        out.text(key.rule);
        out.text(key.text);
        out.text(holder.text);
    }
}

/// As key 15: of each platform, object and record.
void write_foreign_records(Writer& out, const std::vector<RecordKey>& records) {
    out.key(15);
    out.array(size_of(records));
    for (const RecordKey& record : records) {
        out.array(3);
        out.text(record.platform.text);
        out.text(record.object.text);
        out.text(record.record.text);
    }
}

/// As key 16: of each place and input.
void write_quiet(Writer& out, const std::vector<LogEntry::Quiet>& quiet) {
    out.key(16);
    out.array(size_of(quiet));
    for (const auto& [place, input] : quiet) {
        out.array(2);
        out.unsigned64(place);
        out.text(input);
    }
}

std::vector<LogEntry::Quiet> read_quiet(Decoder& in, const Node& node) {
    std::vector<LogEntry::Quiet> quiet;
    in.array(node, [&](const Node& item) {
        LogEntry::Quiet& one = quiet.emplace_back();
        int position = 0;
        in.array(item, [&](const Node& part) {
            if (position == 0) one.place = in.unsigned64(part);
            if (position == 1) one.input = in.text(part, wire::kStringBytesMax);
            ++position;
        });
    });
    return quiet;
}

std::vector<ForeignKey> read_foreign_keys(Decoder& in, const Node& node) {
    std::vector<ForeignKey> keys;
    in.array(node, [&](const Node& item) {
        ForeignKey& one = keys.emplace_back();
        int position = 0;
        in.array(item, [&](const Node& part) {
            switch (position++) {
                case 0: one.key.object.text = in.id(part); break;
                case 1: one.key.rule = in.id(part); break;
                case 2: one.key.text = in.text(part, wire::kStringBytesMax); break;
                case 3: one.holder.text = in.id(part); break;
                default: break;
            }
        });
    });
    return keys;
}

std::vector<RecordKey> read_foreign_records(Decoder& in, const Node& node) {
    std::vector<RecordKey> records;
    in.array(node, [&](const Node& item) {
        RecordKey& one = records.emplace_back();
        int position = 0;
        in.array(item, [&](const Node& part) {
            switch (position++) {
                case 0: one.platform.text = in.id(part); break;
                case 1: one.object.text = in.id(part); break;
                case 2: one.record.text = in.text(part, wire::kStringBytesMax); break;
                default: break;
            }
        });
    });
    return records;
}

}  // namespace

std::string encode(const LogEntry& entry) {
    Writer out{1024};
    out.map(9 + present(!entry.trace.empty(), entry.policy_version != 0, !entry.previous.empty(),
                        !entry.erased.empty(), entry.refused.has_value(),
                        entry.foreign_keys.has_value(), !entry.foreign_records.empty(),
                        !entry.quiet.empty()));
    out.field(0, wire::kWireVersion);
    out.field(1, entry.entity.object.text);
    out.field(2, entry.entity.entity.text);
    out.field(3, entry.version);
    out.field(4, entry.at);
    out.field(5, entry.policy);
    out.key(6);
    out.array(size_of(entry.inputs));
    for (const std::string& input : entry.inputs) out.text(input);
    out.key(7);
    out.array(size_of(entry.decisions));
    for (const FieldDecision& decision : entry.decisions) {
        out.array(6);
        out.text(decision.field.text);
        out.text(decision.from.text);
        out.value(decision.before);
        out.value(decision.value);
        out.unsigned64(static_cast<std::uint64_t>(decision.verdict));
        out.text(decision.rule);
    }
    out.key(8);
    out.array(size_of(entry.commands) + size_of(entry.notes));
    for (const auto& command : entry.commands) {
        out.map(4);
        out.field(0, command.platform.text);
        out.field(1, static_cast<std::uint64_t>(command.kind));
        out.field(2, command.generation);
        write_names(out, 3, command.fields);
    }
    for (const std::string& note : entry.notes) out.text(note);
    if (!entry.trace.empty()) out.field(9, entry.trace);
    if (entry.policy_version != 0) out.field(10, entry.policy_version);
    if (!entry.previous.empty()) {
        out.key(11);
        out.bytes(entry.previous);
    }
    if (!entry.erased.empty()) write_numbers(out, 12, entry.erased);
    if (entry.refused) {
        out.key(13);
        out.array(2);
        out.text(entry.refused->operation);
        out.text(entry.refused->why);
    }
    if (entry.foreign_keys) write_foreign_keys(out, *entry.foreign_keys);
    if (!entry.foreign_records.empty()) write_foreign_records(out, entry.foreign_records);
    if (!entry.quiet.empty()) write_quiet(out, entry.quiet);
    return out.take();
}

namespace {

LogEntry::Refusal read_refusal(Decoder& in, const Node& node) {
    LogEntry::Refusal refusal;
    int position = 0;
    in.array(node, [&](const Node& item) {
        if (position == 0) refusal.operation = in.text(item, wire::kIdBytesMax);
        if (position == 1) refusal.why = in.text(item, wire::kStringBytesMax);
        ++position;
    });
    return refusal;
}

FieldDecision read_decision(Decoder& in, const Node& node) {
    FieldDecision decision;
    int position = 0;
    in.array(node, [&](const Node& item) {
        switch (position++) {
            case 0: decision.field.text = in.id(item); break;
            case 1: decision.from.text = in.text(item, wire::kIdBytesMax); break;
            case 2: decision.before = in.value(item); break;
            case 3: decision.value = in.value(item); break;
            case 4: decision.verdict = in.enumeration(item, Verdict::kNotNext); break;
            case 5: decision.rule = in.text(item, wire::kStringBytesMax); break;
            default: break;
        }
    });
    return decision;
}

LogEntry::Commanded read_commanded(Decoder& in, const Node& node) {
    LogEntry::Commanded command;
    in.map(node, key_bits(0, 1, 2, 3), [&](int key, const Node& value) {
        if (key == 0) command.platform.text = in.id(value);
        if (key == 1) command.kind = in.enumeration(value, CommandKind::kForget);
        if (key == 2) command.generation = in.unsigned64(value);
        if (key == 3) command.fields = read_names(in, value);
    });
    return command;
}

}  // namespace

Result<LogEntry> decode_log_entry(std::string_view body) {
    LogEntry entry;
    auto read = [&](Decoder& in, int key, const Node& node) {
        switch (key) {
            case 1: entry.entity.object.text = in.id(node); break;
            case 2: entry.entity.entity.text = in.id(node); break;
            case 3: entry.version = in.unsigned64(node); break;
            case 4: entry.at.ns = in.signed64(node); break;
            case 5: entry.policy = in.text(node, wire::kIdBytesMax); break;
            case 6:
                in.array(node, [&](const Node& item) {
                    entry.inputs.push_back(in.text(item, wire::kStringBytesMax));
                });
                break;
            case 7:
                in.array(node, [&](const Node& item) {
                    entry.decisions.push_back(read_decision(in, item));
                });
                break;
            case 8:
                in.array(node, [&](const Node& item) {
                    if (item.type == wire::NodeType::kMap) {
                        entry.commands.push_back(read_commanded(in, item));
                    } else {
                        entry.notes.push_back(in.text(item, wire::kStringBytesMax));
                    }
                });
                break;
            case 9: entry.trace = in.text(node, wire::kIdBytesMax); break;
            case 10: entry.policy_version = in.unsigned64(node); break;
            case 11: entry.previous = in.bytes(node, kHashBytes); break;
            case 12: entry.erased = read_numbers(in, node); break;
            case 13: entry.refused = read_refusal(in, node); break;
            case 14: entry.foreign_keys = read_foreign_keys(in, node); break;
            case 15: entry.foreign_records = read_foreign_records(in, node); break;
            case 16: entry.quiet = read_quiet(in, node); break;
            default: break;
        }
    };
    auto done = decode_message(body, "log entry", key_bits(1, 2, 3, 4, 5, 6, 7, 8), read);
    if (!done) return fail(std::move(done.error()));
    return entry;
}

std::string encode(const ExceptionRecord& exception) {
    Writer out;
    out.map(16 + present(!exception.closed_by.empty(), !exception.closing.empty()));
    out.field(0, wire::kWireVersion);
    out.field(1, exception.kind);
    out.field(2, exception.entity.object.text);
    out.field(3, exception.entity.entity.text);
    out.field(4, static_cast<std::uint64_t>(exception.status));
    out.field(5, exception.platform.text);
    out.field(6, exception.record);
    out.field(7, exception.reason);
    out.field(8, exception.proposed);
    out.field(9, exception.canonical);
    out.field(10, exception.opened_at);
    out.field(11, exception.updated_at);
    out.field(12, exception.source);
    out.key(13);
    out.bytes(exception.raw);
    out.field(14, exception.version);
    write_care(out, 15, exception.care);
    if (!exception.closed_by.empty()) out.field(16, exception.closed_by);
    if (!exception.closing.empty()) out.field(17, exception.closing);
    return out.take();
}

Result<ExceptionRecord> decode_exception(std::string_view body) {
    ExceptionRecord out;
    std::optional<Care> care;  // An older hub has told of none.
    auto read = [&](Decoder& in, int key, const Node& node) {
        switch (key) {
            case 1: out.kind = in.id(node); break;
            case 2: out.entity.object.text = in.text(node, wire::kIdBytesMax); break;
            case 3: out.entity.entity.text = in.text(node, wire::kIdBytesMax); break;
            case 4: out.status = in.enumeration(node, ExceptionStatus::kRejected); break;
            case 5: out.platform.text = in.text(node, wire::kIdBytesMax); break;
            case 6: out.record = in.text(node, wire::kStringBytesMax); break;
            case 7: out.reason = in.text(node, wire::kStringBytesMax); break;
            case 8: out.proposed = in.fields(node); break;
            case 9: out.canonical = in.fields(node); break;
            case 10: out.opened_at.ns = in.signed64(node); break;
            case 11: out.updated_at.ns = in.signed64(node); break;
            case 12: out.source = in.text(node, wire::kStringBytesMax); break;
            case 13: out.raw = in.bytes(node, wire::kBodyBytesMax); break;
            case 14: out.version = in.unsigned64(node); break;
            case 15: care = read_care(in, node); break;
            case 16: out.closed_by = in.text(node, wire::kIdBytesMax); break;
            case 17: out.closing = in.text(node, wire::kStringBytesMax); break;
            default: break;
        }
    };
    auto done = decode_message(body, "exception", key_bits(1, 2, 3, 4, 5, 7, 8, 9), read);
    if (!done) return fail(std::move(done.error()));
    out.care = care.value_or(care_of(out.kind));
    return out;
}

}  // namespace syncline::hub
