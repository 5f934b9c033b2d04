#include <algorithm>

#include "hub/core/state_codec.h"
#include "hub/core/work.h"

namespace syncline::hub {
namespace {

std::string token_of(std::string_view kind, const PlatformId& platform) {
    return std::string{kind} + "@" + platform.text;
}

void touch(Work& work, const std::string& kind, const PlatformId& platform) {
    std::string token = token_of(kind, platform);
    auto& touched = work.touched_exceptions;
    if (std::find(touched.begin(), touched.end(), token) == touched.end()) {
        touched.push_back(std::move(token));
    }
    work.changed = true;
}

auto find_open(auto& state, std::string_view kind, const PlatformId& platform) {
    return std::find_if(
        state.exceptions.begin(), state.exceptions.end(),
        [&](const OpenException& open) { return open.kind == kind && open.platform == platform; });
}

void apply_rules(Work& work, OpenException& open) {
    // Without rules nobody reads them.
    const Fields values = work.policy.exceptions.empty() ? Fields{} : work.state.fields();
    apply_rules(open.care, work.policy,
                {open.kind, work.state.key.object, open.platform, open.fields, values}, open.since);
}

}  // namespace

void apply_rules(Work& work) {
    for (OpenException& open : work.state.exceptions) {
        const Care before = open.care;
        apply_rules(work, open);
        if (!(open.care == before)) touch(work, open.kind, open.platform);
    }
}

void open_exception(Work& work, ExceptionCode code, const RecordState& record, std::string reason,
                    const Fields& proposed) {
    const std::string kind{code};
    auto at = find_open(work.state, kind, record.platform);
    if (at == work.state.exceptions.end()) {
        work.note(kind + " opened for " + record.platform.text);
        work.state.exceptions.push_back(
            {kind, record.platform, {}, {}, {}, work.context.now, 0, care_of(kind)});
        at = std::prev(work.state.exceptions.end());
    }
    const OpenException before = *at;
    at->reason = std::move(reason);
    for (const auto& [name, value] : proposed) {
        at->proposed.set(name, value);
        const auto place = std::lower_bound(at->fields.begin(), at->fields.end(), name);
        if (place == at->fields.end() || *place != name) at->fields.insert(place, name);
    }
    // Of the state that this step makes.
    const bool is_new = before.version == 0;
    if (!(before == *at) || is_new) at->version = work.state.version + 1;
    apply_rules(work, *at);
    using What = ExceptionEvent::What;
    if (is_new) {
        work.events.push_back({What::kOpened, kind, record.platform, at->care.severity, {}, {}});
    }
    touch(work, kind, record.platform);
}

void close_exception(Work& work, std::string_view kind, const PlatformId& platform,
                     const FieldName* field) {
    if (work.state.exceptions.empty()) return;  // Nearly always.
    const auto at = find_open(work.state, kind, platform);
    if (at == work.state.exceptions.end()) return;
    if (field != nullptr) {
        const auto place = std::lower_bound(at->fields.begin(), at->fields.end(), *field);
        if (place == at->fields.end() || *place != *field) return;
        at->fields.erase(place);
        at->proposed.erase(*field);
        at->version = work.state.version + 1;
        touch(work, at->kind, platform);
        if (!at->fields.empty()) return;
    }
    const bool settled = !work.actor.empty();
    using What = ExceptionEvent::What;
    work.note(at->kind + (settled ? " closed for " : " closed by itself for ") + platform.text);
    work.events.push_back({settled ? What::kSettled : What::kClosed, at->kind, platform,
                           at->care.severity, work.actor, work.doing});
    touch(work, at->kind, platform);
    work.state.exceptions.erase(at);
}

OpenException* find_exception(Work& work, std::string_view kind, const PlatformId& platform) {
    const auto at = find_open(work.state, kind, platform);
    return at == work.state.exceptions.end() ? nullptr : &*at;
}

void tell_again(Work& work, const OpenException& open) { touch(work, open.kind, open.platform); }

bool is_open(const EntityState& state, std::string_view kind, const PlatformId& platform,
             const FieldName& field) {
    const auto at = find_open(state, kind, platform);
    return at != state.exceptions.end() &&
           std::binary_search(at->fields.begin(), at->fields.end(), field);
}

const char* name_of(ExceptionEvent::What what) {
    switch (what) {
        case ExceptionEvent::What::kOpened: return "opened";
        case ExceptionEvent::What::kSettled: return "settled";
        case ExceptionEvent::What::kClosed: return "closed";
    }
    return "opened";
}

void recheck_exceptions(Work& work, const Recheck& recheck) {
    if (!recheck.exception.empty()) return work.rechecked.push_back(recheck.exception);
    for (const OpenException& open : work.state.exceptions) {
        work.rechecked.push_back(token_of(open.kind, open.platform));
    }
}

EntityState::Outgoing exception_message(const Work& work, const std::string& token) {
    const auto split = token.rfind('@');
    ExceptionRecord out;
    out.kind = token.substr(0, split);
    out.platform = PlatformId{token.substr(split + 1)};
    out.entity = work.state.key;
    out.updated_at = work.context.now;
    out.version = work.state.version;
    const auto open = find_open(work.state, out.kind, out.platform);
    if (open == work.state.exceptions.end()) {
        out.status = ExceptionStatus::kResolved;
        out.care = care_of(out.kind);
        for (const ExceptionEvent& event : work.events) {
            if (event.kind != out.kind || event.platform != out.platform) continue;
            out.care.severity = event.severity;
            out.closed_by = event.by;
            out.closing = event.how;
        }
    } else {
        out.version = open->version;  // By which people say what they have seen.
        out.reason = open->reason;
        out.proposed = open->proposed;
        out.opened_at = open->since;
        out.care = open->care;
        for (const FieldName& field : open->fields) {
            const CanonicalField* canonical = work.state.find(field);
            out.canonical.set(field, canonical == nullptr ? Value{} : canonical->value);
        }
    }
    const RecordState* record = work.state.record(out.platform);
    if (record != nullptr && record->record) out.record = record->record->text;
    return {token, encode(out)};
}

}  // namespace syncline::hub
