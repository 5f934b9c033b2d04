#include "agent/connectors/exec/protocol.h"

#include <algorithm>
#include <array>
#include <initializer_list>

#include "agent/core/value_path.h"
#include "shared/base/json.h"
#include "shared/base/nearest_name.h"
#include "shared/base/utf8.h"

namespace syncline::agent::exec {
namespace {

struct Class {
    std::string_view name;
    ErrorKind kind;
};
constexpr std::array kClasses{
    Class{"unavailable", ErrorKind::kUnavailable}, Class{"throttled", ErrorKind::kThrottled},
    Class{"ambiguous", ErrorKind::kAmbiguous},     Class{"conflict", ErrorKind::kConflict},
    Class{"not_found", ErrorKind::kNotFound},      Class{"invalid", ErrorKind::kInvalid},
    Class{"denied", ErrorKind::kDenied},
};

struct CapabilityName {
    std::string_view name;
    bool Capabilities::*member;
};
constexpr std::array kCapabilities{
    CapabilityName{"can_fetch", &Capabilities::can_fetch},
    CapabilityName{"has_marker", &Capabilities::has_marker},
    CapabilityName{"create_is_idempotent", &Capabilities::create_is_idempotent},
    CapabilityName{"waits_for_changes", &Capabilities::waits_for_changes},
};

constexpr std::size_t kTextBytesMax = 2'000;
constexpr std::int64_t kPauseMostMs = 86'400'000;

/// What came stands in messages, which go into logs and to the hub.
std::string escaped(std::string_view text) {
    constexpr std::string_view kHex = "0123456789abcdef";
    std::string out;
    const auto put_code = [&](char c) {
        const auto byte = static_cast<unsigned char>(c);
        out += std::string{'\\', 'x', kHex[byte >> 4], kHex[byte & 15]};
    };
    while (!text.empty()) {
        const std::size_t bad = std::min(find_invalid_utf8(text), text.size());
        for (const char c : text.substr(0, bad)) {
            const auto byte = static_cast<unsigned char>(c);
            if (byte >= 0x20 && byte != 0x7f) {
                out += c;
            } else {
                put_code(c);
            }
        }
        if (bad == text.size()) break;
        put_code(text[bad]);
        text.remove_prefix(bad + 1);
    }
    return out;
}

std::unexpected<Error> wrong(const std::string& what) {
    return fail(ErrorKind::kInvalid, escaped(what));
}

std::string shown_value(const Value& value) { return shown(to_json(value), 80); }

/// Members are what the protocol knows: a misspelt one would be a record lost without a word.
Result<void> only(const Value::Map& map, std::initializer_list<std::string_view> known,
                  const std::string& where) {
    for (const auto& [name, value] : map) {
        if (std::ranges::find(known, name) != known.end()) continue;
        return wrong(where + " has " + shown(name, 60) + ", which means nothing here" +
                     did_you_mean(name, {known.begin(), known.end()}));
    }
    return {};
}

const Value* member(const Value::Map& map, std::string_view name) {
    const auto at = map.find(name);
    return at == map.end() ? nullptr : &at->second;
}

Result<bool> flag(const Value::Map& map, std::string_view name) {
    const Value* const value = member(map, name);
    if (value == nullptr) return false;
    if (const bool* yes = value->get<bool>()) return *yes;
    return wrong("`" + std::string{name} + "` must be true or false, and is " +
                 shown_value(*value));
}

/// Empty if the member is missing.
Result<const Value::List*> list(const Value::Map& map, std::string_view name) {
    static const Value::List kNone;
    const Value* const value = member(map, name);
    if (value == nullptr) return &kNone;
    if (const auto* items = value->get<Value::List>()) return items;
    return wrong("`" + std::string{name} + "` must be a list, and is " + shown_value(*value));
}

std::string text_of(const Value::Map& map, std::string_view name) {
    const Value* const value = member(map, name);
    return value == nullptr ? std::string{} : scalar_text(*value).value_or("");
}

Result<Complaint> decode_complaint(const Value& value) {
    const auto* map = value.get<Value::Map>();
    if (map == nullptr) return wrong("`error` must be an object, and is " + shown_value(value));
    if (auto known = only(*map, {"class", "text", "pause_ms"}, "`error`"); !known) {
        return fail(known.error());
    }
    const std::string name = text_of(*map, "class");
    const auto at = std::ranges::find(kClasses, name, &Class::name);
    if (at == kClasses.end()) {
        std::string names;
        for (const Class& one : kClasses) {
            names += (names.empty() ? "`" : ", `") + std::string{one.name} + "`";
        }
        return wrong("`error.class` must be one of " + names + ", and is " + shown(name, 60));
    }
    const std::string text = text_of(*map, "text");
    if (text.empty()) return wrong("`error.text` must say what is wrong, and is missing");
    Complaint complaint{.error = {at->kind, std::string{cut_utf8(text, kTextBytesMax)}}};
    if (const Value* const pause = member(*map, "pause_ms")) {
        const auto* ms = pause->get<std::int64_t>();
        if (ms == nullptr || *ms < 0 || *ms > kPauseMostMs) {
            return wrong("`error.pause_ms` must be a whole number from 0 to " +
                         std::to_string(kPauseMostMs) + ", and is " + shown_value(*pause));
        }
        complaint.pause = std::chrono::milliseconds{*ms};
    }
    return complaint;
}

Result<Batch::Reject> decode_reject(const Value& value) {
    const auto* map = value.get<Value::Map>();
    if (map == nullptr) {
        return wrong("`rejects` must hold objects, and holds " + shown_value(value));
    }
    if (auto known = only(*map, {"id", "reason", "raw"}, "one of `rejects`"); !known) {
        return fail(known.error());
    }
    Batch::Reject reject{.object = {},
                         .id = text_of(*map, "id"),
                         .reason = std::string{cut_utf8(text_of(*map, "reason"), kTextBytesMax)},
                         .raw = std::string{cut_utf8(text_of(*map, "raw"), kRawBytesMax)}};
    if (reject.reason.empty()) {
        return wrong("one of `rejects` has no `reason`: " + shown_value(value));
    }
    return reject;
}

}  // namespace

std::string shown(std::string_view line, std::size_t bytes_max) {
    const bool cut = line.size() > bytes_max;
    return "`" + escaped(line.substr(0, bytes_max)) +
           (cut ? "...` (" + std::to_string(line.size()) + " bytes)" : "`");
}

std::string encode_request(std::uint64_t id, std::string_view call, Value::Map members) {
    members.insert_or_assign("id", Value{static_cast<std::int64_t>(id)});
    members.insert_or_assign("call", Value{call});
    return to_json(Value{std::move(members)}) + "\n";
}

Result<Answer> decode_answer(std::string_view line, std::uint64_t id) {
    if (const std::size_t at = find_invalid_utf8(line); at < line.size()) {
        return wrong("the line " + shown(line) + " is not UTF-8 (byte " + std::to_string(at) + ")");
    }
    const auto json = parse_json(line, {.bytes_max = line.size()});
    if (!json) {
        return wrong("the line " + shown(line) + " is not JSON (" + json.error().what +
                     "); standard output is for answers alone, one JSON object a line: write all"
                     " else to standard error");
    }
    const auto* map = json->get<Value::Map>();
    if (map == nullptr) return wrong("the line " + shown(line) + " is not a JSON object");
    if (auto known = only(*map, {"id", "result", "error"}, "the answer"); !known) {
        return fail(known.error());
    }
    const Value* const told = member(*map, "id");
    const auto* number = told == nullptr ? nullptr : told->get<std::int64_t>();
    if (number == nullptr || std::cmp_not_equal(*number, id)) {
        return wrong("the line " + shown(line) + " has " +
                     (told == nullptr ? "no `id`" : "the `id` " + shown_value(*told)) +
                     ", and the request has " + std::to_string(id));
    }
    const Value* const result = member(*map, "result");
    const Value* const error = member(*map, "error");
    if ((result == nullptr) == (error == nullptr)) {
        return wrong("the line " + shown(line) + " must have either `result` or `error`");
    }
    if (error != nullptr) {
        auto complaint = decode_complaint(*error);
        if (!complaint) return fail(complaint.error());
        return Answer{.result = {}, .complaint = std::move(*complaint)};
    }
    const auto* members = result->get<Value::Map>();
    if (members == nullptr) {
        return wrong("`result` must be an object, and is " + shown_value(*result));
    }
    return Answer{.result = *members, .complaint = {}};
}

bool set_capability(Capabilities& capabilities, std::string_view name) {
    const auto at = std::ranges::find(kCapabilities, name, &CapabilityName::name);
    if (at == kCapabilities.end()) return false;
    capabilities.*(at->member) = true;
    return true;
}

std::string to_text(const Capabilities& capabilities) {
    std::string text = "[";
    for (const CapabilityName& one : kCapabilities) {
        if (!(capabilities.*(one.member))) continue;
        text += (text.size() == 1 ? "\"" : ", \"") + std::string{one.name} + "\"";
    }
    return text + "]";
}

Result<Capabilities> decode_hello(const Value::Map& result) {
    if (auto known = only(result, {"protocol", "capabilities"}, "the result"); !known) {
        return fail(known.error());
    }
    if (text_of(result, "protocol") != std::to_string(kProtocol)) {
        return wrong("`protocol` must be " + std::to_string(kProtocol) + ", and is " +
                     shown(text_of(result, "protocol"), 60));
    }
    const auto names = list(result, "capabilities");
    if (!names) return fail(names.error());
    Capabilities capabilities;
    for (const Value& name : **names) {
        if (set_capability(capabilities, scalar_text(name).value_or(""))) continue;
        const Capabilities all{true, true, true, true};
        return wrong("`capabilities` may hold " + to_text(all) + ", and holds " +
                     shown_value(name));
    }
    return capabilities;
}

Result<Page> decode_page(const Value::Map& result) {
    if (auto known = only(result, {"records", "deleted", "rejects", "next", "more"}, "the result");
        !known) {
        return fail(known.error());
    }
    Page page;
    const auto records = list(result, "records");
    if (!records) return fail(records.error());
    for (const Value& record : **records) {
        const auto* map = record.get<Value::Map>();
        if (map == nullptr) {
            return wrong("`records` must hold objects, and holds " + shown_value(record));
        }
        page.records.push_back(*map);
    }
    const auto deleted = list(result, "deleted");
    if (!deleted) return fail(deleted.error());
    for (const Value& id : **deleted) {
        page.deleted.push_back(scalar_text(id).value_or(""));
        if (page.deleted.back().empty()) {
            return wrong("`deleted` must hold ids, and holds " + shown_value(id));
        }
    }
    const auto rejects = list(result, "rejects");
    if (!rejects) return fail(rejects.error());
    for (const Value& one : **rejects) {
        auto reject = decode_reject(one);
        if (!reject) return fail(reject.error());
        page.rejects.push_back(std::move(*reject));
    }
    const Value* const next = member(result, "next");
    const auto* text = next == nullptr ? nullptr : next->get<std::string>();
    if (text == nullptr || text->empty() || text->size() > kCursorBytesMax) {
        return wrong("`next` must be a text of 1 to " + std::to_string(kCursorBytesMax) +
                     " bytes, from which the next read goes on, and is " +
                     (next == nullptr ? "missing" : shown_value(*next)));
    }
    page.next = *text;
    const auto more = flag(result, "more");
    if (!more) return fail(more.error());
    page.more = *more;
    return page;
}

Result<std::optional<Value::Map>> decode_record(const Value::Map& result) {
    if (auto known = only(result, {"record"}, "the result"); !known) return fail(known.error());
    const Value* const record = member(result, "record");
    if (record == nullptr) return wrong("the result has no `record`; null says that there is none");
    if (record->is_null()) return std::nullopt;
    const auto* map = record->get<Value::Map>();
    if (map == nullptr) {
        return wrong("`record` must be an object or null, and is " + shown_value(*record));
    }
    return *map;
}

Result<Effect> decode_effect(const Value::Map& result) {
    if (auto known = only(result, {"record", "existed"}, "the result"); !known) {
        return fail(known.error());
    }
    Effect effect;
    if (const Value* const record = member(result, "record")) {
        const auto* map = record->get<Value::Map>();
        if (map == nullptr) {
            return wrong("`record` must be an object, and is " + shown_value(*record));
        }
        effect.record = *map;
    }
    const auto existed = flag(result, "existed");
    if (!existed) return fail(existed.error());
    effect.existed = *existed;
    return effect;
}

Result<std::optional<Value::Map>> decode_output(const Value::Map& result) {
    if (auto known = only(result, {"output"}, "the result"); !known) return fail(known.error());
    const Value* const output = member(result, "output");
    if (output != nullptr && output->is_null()) return std::nullopt;
    const auto* map = output == nullptr ? nullptr : output->get<Value::Map>();
    if (map == nullptr) {
        return wrong("`output` must be an object, and is " +
                     (output == nullptr ? "missing" : shown_value(*output)));
    }
    return *map;
}

}  // namespace syncline::agent::exec
