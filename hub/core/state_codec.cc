#include "hub/core/state_codec.h"

#include <algorithm>

#include "hub/core/codec_parts.h"
#include "hub/core/handover_codec.h"
#include "hub/core/sorted_walk.h"
#include "shared/wire/limits.h"
#include "shared/wire/reader.h"
#include "shared/wire/writer.h"

namespace syncline::hub {
namespace {

using wire::decode_message;
using wire::Decoder;
using wire::key_bits;
using wire::Node;
using wire::Writer;

// The mirror is written as its difference from canonical: most of it is equal. Names of canonical
// fields that the mirror lacks, then the fields that differ.
void write_mirror(Writer& out, const EntityState& state, const RecordState& record) {
    std::vector<const FieldName*> lacking;
    std::vector<const Fields::Entry*> differing;
    SortedWalk mirror{record.mirror};
    for (const CanonicalField& field : state.canonical) {
        if (mirror.find(field.name) == nullptr) lacking.push_back(&field.name);
    }
    SortedWalk canonical{state.canonical};
    for (const Fields::Entry& entry : record.mirror) {
        const CanonicalField* field = canonical.find(entry.first);
        if (field == nullptr || field->value != entry.second) differing.push_back(&entry);
    }
    out.key(4);
    out.array(size_of(lacking));
    for (const FieldName* name : lacking) out.text(name->text);
    out.key(5);
    out.map(size_of(differing));
    for (const Fields::Entry* entry : differing) {
        out.text(entry->first.text);
        out.value(entry->second);
    }
}

Fields rebuilt_mirror(const EntityState& state, const std::vector<FieldName>& lacking,
                      const Fields& differing) {
    Fields mirror;
    mirror.reserve(state.canonical.size());
    for (const CanonicalField& field : state.canonical) {
        if (std::find(lacking.begin(), lacking.end(), field.name) == lacking.end()) {
            mirror.append(field.name, field.value);
        }
    }
    for (const auto& [name, value] : differing) mirror.set(name, value);
    return mirror;
}

void write_others(Writer& out, int key, const std::vector<OtherRecord>& others) {
    out.key(key);
    out.array(size_of(others));
    for (const OtherRecord& other : others) {
        out.map(5);
        out.field(0, other.record.text);
        out.revision(1, other.rev);
        out.field(2, other.at);
        out.key(3);
        out.fields(other.fields);
        out.field(4, static_cast<std::uint64_t>(other.standing));
    }
}

/// Is nothing unanswered but what is pending, as nearly always?
bool only_pending_is_unanswered(const RecordState& record) {
    if (!record.pending) return record.unanswered.empty();
    return record.unanswered.size() == 1 && record.unanswered.front() == record.pending->decided_at;
}

void write_record(Writer& out, const EntityState& state, const RecordState& record) {
    out.map(6 + present(record.record.has_value(), record.pending.has_value(), !record.held.empty(),
                        !record.attempts.empty(), record.blocked, !record.forms.empty(),
                        record.doubt_settled > 0, !record.others.empty(), !record.left.empty(),
                        !record.told_as.empty(), record.pending && record.pending->backfill,
                        !record.instead.empty(), !only_pending_is_unanswered(record)));
    out.field(0, record.platform.text);
    if (record.record) out.field(1, record.record->text);
    out.field(2, static_cast<std::uint64_t>(record.presence));
    out.revision(3, record.rev);
    write_mirror(out, state, record);
    out.field(6, record.generation);
    if (record.pending) {
        out.key(7);
        out.array(4);
        out.unsigned64(static_cast<std::uint64_t>(record.pending->kind));
        out.fields(record.pending->fields);
        out.fields(record.pending->expected);
        out.signed64(record.pending->decided_at.ns);
    }
    if (!record.held.empty()) write_names(out, 8, record.held);
    if (!record.attempts.empty()) {
        out.key(9);
        out.array(size_of(record.attempts));
        for (const Attempts& attempts : record.attempts) {
            out.array(3);
            out.text(attempts.field.text);
            out.unsigned64(attempts.count);
            out.signed64(attempts.last.ns);
        }
    }
    if (record.blocked) {
        out.key(10);
        out.boolean(true);
    }
    if (!record.forms.empty()) {
        out.key(11);
        out.array(size_of(record.forms));
        for (const Form& form : record.forms) {
            out.array(2);
            out.text(form.field.text);
            out.value(form.wanted);
        }
    }
    if (record.doubt_settled > 0) out.field(12, record.doubt_settled);
    if (!record.left.empty()) write_names(out, 14, record.left);
    if (!record.told_as.empty()) {
        out.key(15);
        out.map(size_of(record.told_as));
        for (const EarlierName& told : record.told_as) {
            out.text(told.field.text);
            out.text(told.name.text);
        }
    }
    if (record.pending && record.pending->backfill) out.field(16, std::uint64_t{1});
    if (!record.instead.empty()) {
        out.key(17);
        out.fields(record.instead);
    }
    if (!only_pending_is_unanswered(record)) {
        out.key(18);
        out.array(size_of(record.unanswered));
        for (const Timestamp decided_at : record.unanswered) out.signed64(decided_at.ns);
    }
    if (!record.others.empty()) write_others(out, 13, record.others);
}

Pending read_pending(Decoder& in, const Node& node) {
    Pending pending;
    int position = 0;
    in.array(node, [&](const Node& item) {
        if (position == 0) pending.kind = in.enumeration(item, CommandKind::kForget);
        if (position == 1) pending.fields = in.fields(item);
        if (position == 2) pending.expected = in.fields(item);
        if (position == 3) pending.decided_at.ns = in.signed64(item);
        ++position;
    });
    return pending;
}

Attempts read_attempts(Decoder& in, const Node& node) {
    Attempts attempts;
    int position = 0;
    in.array(node, [&](const Node& item) {
        if (position == 0) attempts.field.text = in.id(item);
        if (position == 1) attempts.count = in.unsigned32(item);
        if (position == 2) attempts.last.ns = in.signed64(item);
        ++position;
    });
    return attempts;
}

OtherRecord read_other(Decoder& in, const Node& node) {
    OtherRecord other;
    in.map(node, key_bits(0, 1, 2, 3, 4), [&](int key, const Node& value) {
        switch (key) {
            case 0: other.record.text = in.id(value); break;
            case 1: other.rev = in.revision(value); break;
            case 2: other.at.ns = in.signed64(value); break;
            case 3: other.fields = in.fields(value); break;
            case 4: other.standing = in.enumeration(value, OtherRecord::Standing::kGone); break;
            default: break;
        }
    });
    return other;
}

Form read_form(Decoder& in, const Node& node) {
    Form form;
    int position = 0;
    in.array(node, [&](const Node& item) {
        if (position == 0) form.field.text = in.id(item);
        if (position == 1) form.wanted = in.value(item);
        ++position;
    });
    return form;
}

RecordState read_record(Decoder& in, const Node& node, const EntityState& state) {
    RecordState record;
    bool backfill = false;
    std::optional<std::vector<Timestamp>> unanswered;
    std::vector<FieldName> lacking;
    Fields differing;
    in.map(node, key_bits(0, 2, 3, 4, 5, 6), [&](int key, const Node& value) {
        switch (key) {
            case 0: record.platform.text = in.id(value); break;
            case 1: record.record.emplace(in.id(value)); break;
            case 2: record.presence = in.enumeration(value, Presence::kUnlinked); break;
            case 3: record.rev = in.revision(value); break;
            case 4: lacking = read_names(in, value); break;
            case 5: differing = in.fields(value); break;
            case 6: record.generation = in.unsigned64(value); break;
            case 7: record.pending = read_pending(in, value); break;
            case 8: record.held = read_names(in, value); break;
            case 9:
                in.array(value, [&](const Node& item) {
                    record.attempts.push_back(read_attempts(in, item));
                });
                break;
            case 10: record.blocked = in.boolean(value); break;
            case 11:
                in.array(value,
                         [&](const Node& item) { record.forms.push_back(read_form(in, item)); });
                break;
            case 12: record.doubt_settled = in.unsigned64(value); break;
            case 13:
                in.array(value,
                         [&](const Node& item) { record.others.push_back(read_other(in, item)); });
                break;
            case 14: record.left = read_names(in, value); break;
            case 16: backfill = in.unsigned64(value) != 0; break;
            case 17: record.instead = in.fields(value); break;
            case 18:
                unanswered.emplace();
                in.array(value,
                         [&](const Node& item) { unanswered->push_back({in.signed64(item)}); });
                break;
            case 15:
                for (const auto& [field, name] : in.fields(value)) {
                    if (const auto* text = name.get<std::string>()) {
                        record.told_as.push_back({field, FieldName{*text}});
                    }
                }
                break;
            default: break;
        }
    });
    if (record.pending) record.pending->backfill = backfill;
    if (unanswered) {
        record.unanswered = *std::move(unanswered);
    } else if (record.pending) {
        record.unanswered = {record.pending->decided_at};
    }
    record.mirror = rebuilt_mirror(state, lacking, differing);
    return record;
}

void write_canonical(Writer& out, const EntityState& state) {
    out.key(5);
    out.array(size_of(state.canonical));
    for (const CanonicalField& field : state.canonical) {
        out.array(6);
        out.text(field.name.text);
        out.value(field.value);
        out.text(field.from.platform.text);
        out.unsigned64(field.from.rev.epoch);
        out.unsigned64(field.from.rev.n);
        out.signed64(field.from.at.ns);
    }
}

CanonicalField read_canonical(Decoder& in, const Node& node) {
    CanonicalField field;
    int position = 0;
    in.array(node, [&](const Node& item) {
        switch (position++) {
            case 0: field.name.text = in.id(item); break;
            case 1: field.value = in.value(item); break;
            case 2: field.from.platform.text = in.text(item, wire::kIdBytesMax); break;
            case 3: field.from.rev.epoch = in.unsigned64(item); break;
            case 4: field.from.rev.n = in.unsigned64(item); break;
            case 5: field.from.at.ns = in.signed64(item); break;
            default: break;
        }
    });
    if (position != 6) in.problem(node, "must be a canonical field of six parts");
    return field;
}

void write_open(Writer& out, const OpenException& open) {
    out.map(8);
    out.field(0, open.kind);
    out.field(1, open.platform.text);
    write_names(out, 2, open.fields);
    out.field(3, open.reason);
    out.field(4, open.proposed);
    out.field(5, open.since);
    out.field(6, open.version);
    write_care(out, 7, open.care);
}

OpenException read_open(Decoder& in, const Node& node) {
    OpenException open;
    std::optional<Care> care;  // An older hub has stored none.
    in.map(node, key_bits(0, 1, 2, 3, 4, 5), [&](int key, const Node& value) {
        switch (key) {
            case 0: open.kind = in.id(value); break;
            case 1: open.platform.text = in.id(value); break;
            case 2: open.fields = read_names(in, value); break;
            case 3: open.reason = in.text(value, wire::kStringBytesMax); break;
            case 4: open.proposed = in.fields(value); break;
            case 5: open.since.ns = in.signed64(value); break;
            case 6: open.version = in.unsigned64(value); break;
            case 7: care = read_care(in, value); break;
            default: break;
        }
    });
    open.care = care.value_or(care_of(open.kind));
    return open;
}

EntityState::Outgoing read_outgoing(Decoder& in, const Node& node) {
    EntityState::Outgoing outgoing;
    int position = 0;
    in.array(node, [&](const Node& item) {
        if (position == 0) outgoing.exception = in.text(item, wire::kIdBytesMax);
        if (position == 1) outgoing.body = in.bytes(item, wire::kBodyBytesMax);
        if (position == 2) {
            outgoing.what = in.enumeration(item, EntityState::Outgoing::What::kStart);
        }
        ++position;
    });
    return outgoing;
}

Proposal read_proposal(Decoder& in, const Node& node) {
    Proposal proposal;
    int position = 0;
    in.array(node, [&](const Node& item) {
        if (position == 0) proposal.field.text = in.id(item);
        if (position == 1) proposal.value = in.value(item);
        if (position == 2) proposal.from.text = in.id(item);
        ++position;
    });
    return proposal;
}

}  // namespace

std::string encode(const EntityState& state) {
    Writer out{2048};
    out.map(8 + present(!state.proposals.empty(), !state.exceptions.empty(), state.deleted,
                        state.policy_version != 0, state.match_rules != 0, !state.log_hash.empty(),
                        state.is_merged(), !state.handovers.empty(), !state.taken_in.empty(),
                        state.forgotten.has_value(), !state.writes.empty()));
    out.field(0, wire::kWireVersion);
    out.field(1, state.key.object.text);
    out.field(2, state.key.entity.text);
    out.field(3, state.version);
    if (state.deleted) {
        out.key(4);
        out.boolean(true);
    }
    write_canonical(out, state);
    out.key(6);
    out.array(size_of(state.records));
    for (const RecordState& record : state.records) write_record(out, state, record);
    if (!state.proposals.empty()) {
        out.key(7);
        out.array(size_of(state.proposals));
        for (const Proposal& proposal : state.proposals) {
            out.array(3);
            out.text(proposal.field.text);
            out.value(proposal.value);
            out.text(proposal.from.text);
        }
    }
    if (!state.exceptions.empty()) {
        out.key(8);
        out.array(size_of(state.exceptions));
        for (const OpenException& open : state.exceptions) write_open(out, open);
    }
    out.field(9, state.policy);
    out.key(10);
    out.array(size_of(state.outbox));
    for (const auto& outgoing : state.outbox) {
        const bool status = outgoing.what == EntityState::Outgoing::What::kStatus;
        out.array(status ? 2 : 3);
        out.text(outgoing.exception);
        out.bytes(outgoing.body);
        if (!status) out.unsigned64(static_cast<std::uint64_t>(outgoing.what));
    }
    if (state.policy_version != 0) out.field(11, state.policy_version);
    if (state.match_rules != 0) out.field(12, state.match_rules);
    if (!state.log_hash.empty()) {
        out.key(13);
        out.bytes(state.log_hash);
    }
    if (state.is_merged()) out.field(14, state.merged_into.text);
    if (!state.handovers.empty()) write_handovers(out, 15, state.handovers);
    if (!state.taken_in.empty()) write_taken_in(out, 16, state.taken_in);
    if (state.forgotten) write_forgotten(out, 17, *state.forgotten);
    if (!state.writes.empty()) {
        out.key(18);
        out.array(size_of(state.writes));
        for (const std::uint64_t write : state.writes) out.unsigned64(write);
    }
    return out.take();
}

Result<EntityState> decode_entity(std::string_view body) {
    EntityState state;
    auto read = [&](Decoder& in, int key, const Node& node) {
        switch (key) {
            case 1: state.key.object.text = in.id(node); break;
            case 2: state.key.entity.text = in.id(node); break;
            case 3: state.version = in.unsigned64(node); break;
            case 4: state.deleted = in.boolean(node); break;
            case 5:
                in.array(node, [&](const Node& item) {
                    state.canonical.push_back(read_canonical(in, item));
                });
                break;
            case 6:
                in.array(node, [&](const Node& item) {
                    state.records.push_back(read_record(in, item, state));
                });
                break;
            case 7:
                in.array(node, [&](const Node& item) {
                    state.proposals.push_back(read_proposal(in, item));
                });
                break;
            case 8:
                in.array(node, [&](const Node& item) {
                    state.exceptions.push_back(read_open(in, item));
                });
                break;
            case 9: state.policy = in.text(node, wire::kIdBytesMax); break;
            case 10:
                in.array(node, [&](const Node& item) {
                    state.outbox.push_back(read_outgoing(in, item));
                });
                break;
            case 11: state.policy_version = in.unsigned64(node); break;
            case 12: state.match_rules = in.unsigned64(node); break;
            case 13: state.log_hash = in.bytes(node, kHashBytes); break;
            case 14: state.merged_into.text = in.id(node); break;
            case 15:
                in.array(node, [&](const Node& item) {
                    state.handovers.push_back(read_handover(in, item));
                });
                break;
            case 16:
                in.array(node, [&](const Node& item) {
                    state.taken_in.push_back(read_taken_in(in, item));
                });
                break;
            case 17: state.forgotten = read_forgotten(in, node); break;
            case 18:
                in.array(node,
                         [&](const Node& item) { state.writes.push_back(in.unsigned64(item)); });
                break;
            default: break;
        }
    };
    auto done = decode_message(body, "entity state", key_bits(1, 2, 3, 5, 6, 9, 10), read);
    if (!done) return fail(std::move(done.error()));
    return state;
}

std::string encode(const Mark& mark) {
    Writer out;
    out.map(16);
    out.field(0, wire::kWireVersion);
    out.field(1, std::uint64_t{mark.partition.value});
    out.field(2, mark.fence);
    out.field(3, mark.holder.text);
    out.field(4, mark.inputs_created);
    out.field(5, mark.floor);
    out.field(6, mark.commands.created);
    out.key(7);
    out.array(size_of(mark.sources));
    for (const Mark::Source& source : mark.sources) {
        out.array(3);
        out.text(source.platform.text);
        out.unsigned64(source.seq.epoch);
        out.unsigned64(source.seq.n);
    }
    out.field(8, mark.commands.last);
    out.field(9, mark.exceptions.created);
    out.field(10, mark.exceptions.last);
    out.field(11, mark.policy);
    out.field(12, mark.reconsidered);
    out.field(13, mark.events.created);
    out.field(14, mark.events.last);
    out.field(15, mark.scheduled);
    return out.take();
}

Result<Mark> decode_mark(std::string_view body) {
    Mark mark;
    auto read_source = [](Decoder& in, const Node& node) {
        Mark::Source source;
        int position = 0;
        in.array(node, [&](const Node& item) {
            if (position == 0) source.platform.text = in.id(item);
            if (position == 1) source.seq.epoch = in.unsigned64(item);
            if (position == 2) source.seq.n = in.unsigned64(item);
            ++position;
        });
        return source;
    };
    auto read = [&](Decoder& in, int key, const Node& node) {
        switch (key) {
            case 1: mark.partition = in.partition(node); break;
            case 2: mark.fence = in.unsigned64(node); break;
            case 3: mark.holder.text = in.text(node, wire::kIdBytesMax); break;
            case 4: mark.inputs_created.ns = in.signed64(node); break;
            case 5: mark.floor = in.unsigned64(node); break;
            case 6: mark.commands.created.ns = in.signed64(node); break;
            case 7:
                in.array(node,
                         [&](const Node& item) { mark.sources.push_back(read_source(in, item)); });
                break;
            case 8: mark.commands.last = in.unsigned64(node); break;
            case 9: mark.exceptions.created.ns = in.signed64(node); break;
            case 10: mark.exceptions.last = in.unsigned64(node); break;
            case 11: mark.policy = in.unsigned64(node); break;
            case 12: mark.reconsidered = in.unsigned64(node); break;
            case 13: mark.events.created.ns = in.signed64(node); break;
            case 14: mark.events.last = in.unsigned64(node); break;
            case 15: mark.scheduled.ns = in.signed64(node); break;
            default: break;
        }
    };
    auto done = decode_message(body, "mark", key_bits(1, 2, 3, 4, 5, 6, 7), read);
    if (!done) return fail(std::move(done.error()));
    return mark;
}

std::string encode(const Operation& operation) {
    Writer out;
    out.map(10 + present(!operation.text.empty(), operation.due.ns != 0, !operation.values.empty(),
                         !operation.other.empty(), !operation.record.empty(),
                         !operation.record.empty(), !operation.change.empty()));
    out.field(0, wire::kWireVersion);
    out.field(1, static_cast<std::uint64_t>(operation.kind));
    out.field(2, operation.entity.object.text);
    out.field(3, operation.entity.entity.text);
    out.field(4, operation.exception);
    out.field(5, operation.id);
    out.field(6, operation.actor);
    out.field(7, operation.reason);
    out.field(8, operation.at);
    out.field(9, operation.seen);
    if (!operation.text.empty()) out.field(10, operation.text);
    if (operation.due.ns != 0) out.field(11, operation.due);
    if (!operation.values.empty()) out.field(12, operation.values);
    if (!operation.other.empty()) out.field(13, operation.other.text);
    if (!operation.record.empty()) {
        out.field(14, operation.platform.text);
        out.field(15, operation.record.text);
    }
    if (!operation.change.empty()) {
        out.key(16);
        out.bytes(operation.change);
    }
    return out.take();
}

Result<Operation> decode_operation(std::string_view body) {
    Operation out;
    auto read = [&](Decoder& in, int key, const Node& node) {
        switch (key) {
            case 1: out.kind = in.enumeration(node, OperationKind::kSet); break;
            case 2: out.entity.object.text = in.id(node); break;
            case 3: out.entity.entity.text = in.id(node); break;
            case 4: out.exception = in.text(node, wire::kIdBytesMax); break;
            case 5: out.id = in.id(node); break;
            case 6: out.actor = in.id(node); break;
            case 7: out.reason = in.text(node, wire::kStringBytesMax); break;
            case 8: out.at.ns = in.signed64(node); break;
            case 9: out.seen = in.unsigned64(node); break;
            case 10: out.text = in.text(node, wire::kStringBytesMax); break;
            case 11: out.due.ns = in.signed64(node); break;
            case 12: out.values = in.fields(node); break;
            case 13: out.other.text = in.id(node); break;
            case 14: out.platform.text = in.id(node); break;
            case 15: out.record.text = in.id(node); break;
            case 16: out.change = in.bytes(node, wire::kBodyBytesMax); break;
            default: break;
        }
    };
    auto done = decode_message(body, "operation", key_bits(1, 2, 3, 4, 5, 6, 7, 8), read);
    if (!done) return fail(std::move(done.error()));
    return out;
}

}  // namespace syncline::hub
