#include "agent/connectors/rest/reader.h"

#include <algorithm>
#include <set>

#include "agent/connectors/rest/window.h"
#include "agent/core/time_format.h"
#include "agent/core/value_path.h"
#include "shared/base/json.h"

namespace syncline::agent::rest {
namespace {

constexpr std::size_t kRawMax = 16u << 10;

void add_reject(Batch& batch, const ObjectName& object, const Value& row, const Error& error,
                const std::string& id) {
    batch.rejects.push_back({object, id, error.what, to_json(row).substr(0, kRawMax)});
}

/// What the platform calls it where it is asked for.
std::string below(const Profile& profile, const std::string& path) {
    const std::string& part = profile.read.fields_below;
    return path.starts_with(part) ? path.substr(part.size()) : path;
}

/// The fields to ask for: each once, those that place a row included. Where a platform holds them
/// below a part of the record, those beside it come anyway.
std::set<std::string> field_names(const Profile& profile, const ObjectMapping& object) {
    std::set<std::string> names;
    const auto add = [&](const std::string& path) {
        const bool told = path.starts_with(profile.read.fields_below);
        if (path.empty() || !told) return;
        const std::string name = below(profile, path);
        names.insert(profile.read.fields_whole ? name.substr(0, name.find('.')) : name);
    };
    for (const std::string& path :
         {object.key, object.changed, object.marker, profile.read.deleted_path}) {
        add(path);
    }
    for (const FieldMapping& field : object.fields) add(field.path);
    return names;
}

/// "; it holds `data`, `next`": by what is there one sees what the path should be.
std::string keys_of(const Value& reply) {
    constexpr std::size_t kShown = 8;
    if (reply.get<Value::List>() != nullptr) return "; it is a list itself, whose path is empty";
    const auto* map = reply.get<Value::Map>();
    if (map == nullptr || map->empty()) return "";
    std::string text;
    std::size_t count = 0;
    for (const auto& [name, value] : *map) {
        // Names alone, and none that a log would have to defend itself against.
        const bool plain = name.size() <= 40 && std::ranges::all_of(name, [](char c) {
                               return c > 0x20 && c < 0x7f && c != '`';
                           });
        if (!plain) continue;
        if (++count > kShown) return text + " and more";
        text += (text.empty() ? "; it holds `" : ", `") + name + "`";
    }
    return text;
}

/// Errors of one list that must not keep the others from being read.
bool concerns_only_one(ErrorKind kind) {
    return kind == ErrorKind::kInvalid || kind == ErrorKind::kNotFound ||
           kind == ErrorKind::kUnsupported || kind == ErrorKind::kTooLarge;
}

}  // namespace

std::string named_path(std::string path, const ObjectMapping& object) {
    const auto put = [&](std::string_view word, const std::string& name) {
        for (auto at = path.find(word); at != std::string::npos; at = path.find(word, at)) {
            path.replace(at, word.size(), name);
            at += name.size();
        }
    };
    put("{native}", object.native);
    put("{singular}", object.singular);
    return path;
}

bool says_deleted(const ReadSpec& spec, const Value::Map& row) {
    const Value* const deleted =
        spec.deleted_path.empty() ? nullptr : at_path(row, spec.deleted_path);
    if (deleted == nullptr) return false;
    const std::string text = scalar_text(*deleted).value_or("");
    return text == "true" ||
           std::ranges::find(spec.deleted_values, text) != spec.deleted_values.end();
}

Variables object_variables(const Profile& profile, const ObjectMapping& object) {
    std::string fields;
    Value::List list;
    for (const std::string& name : field_names(profile, object)) {
        fields += (fields.empty() ? "" : ",") + name;
        list.emplace_back(name);
    }
    return {{"api", profile.api},
            {"native", object.native},
            {"singular", object.singular},
            {"fields", std::move(fields)},
            {"fields_json", to_json(Value{std::move(list)})},
            {"key", below(profile, object.key)},
            {"changed", below(profile, object.changed)},
            {"marker_field", below(profile, object.marker)},
            {"filter", object.filter}};
}

Reader::Reader(Door& door) : door_(door) {
    const Profile& profile = door.settings().profile;
    for (const ObjectMapping& object : door.settings().objects) {
        const Variables variables = object_variables(profile, object);
        ObjectMapping place = object;
        place.fields.clear();
        place.marker.clear();
        streams_.push_back({object.object.text, &profile.read, object, place, variables, false});
        if (!profile.has_deletes) continue;
        ObjectMapping feed = place;
        feed.key = profile.deletes.id_path;
        feed.changed = profile.deletes.stamp_path;
        streams_.push_back(
            {object.object.text + "#deleted", &profile.deletes, feed, feed, variables, true});
    }
}

Result<Batch> Reader::read(const Cursor& from, std::size_t max, std::stop_token stop) {
    auto state = ReadState::decode(from.text);
    if (!state) return fail(state.error());
    Batch batch;
    std::size_t failed = 0;
    std::size_t at = 0;
    while (at < streams_.size() && streams_[at].name != state->turn) ++at;
    for (std::size_t i = 0; i < streams_.size(); ++i) {
        const Stream& stream = streams_[(at + 1 + i) % streams_.size()];
        Position& position = state->streams[stream.name];
        if (position.round_done) continue;
        const auto done = turn_of(stream, *state, max, batch, stop);
        if (!done) {
            if (!concerns_only_one(done.error().kind) || ++failed == streams_.size()) {
                return fail(done.error(), stream.name);
            }
            batch.notes.push_back(stream.name + " is not read: " + done.error().what);
            position.round_done = true;  // Its turn comes again in the next round.
        }
        state->turn = stream.name;
        if (!batch.records.empty() || !batch.rejects.empty()) break;
        // A pass that only overlapped with the last one, or is under way: others have waited.
    }
    batch.more = std::ranges::any_of(
        streams_, [&](const Stream& s) { return !state->streams[s.name].round_done; });
    if (!batch.more) {
        for (auto& [name, position] : state->streams) position.round_done = false;
    }
    batch.next.text = state->encode();
    return batch;
}

/// One page of one stream. True: its pass is complete.
Result<bool> Reader::turn_of(const Stream& stream, ReadState& state, std::size_t max, Batch& batch,
                             std::stop_token stop) {
    Position position = state.streams[stream.name];
    if (!position.until) {
        const auto needed = begin_pass(stream, position, stop);
        if (!needed) return fail(needed.error());
        if (!*needed) {
            // Nothing was asked, so the next window begins where this one would have.
            state.streams[stream.name] = Position{
                .watermark = position.watermark, .page = position.page, .round_done = true};
            return true;
        }
    }
    const auto limit = std::clamp<std::size_t>(max, stream.spec->page_min, stream.spec->page_max);
    auto page = fetch_page(stream, position, limit, stop);
    if (!page) return fail(page.error());
    const Position before = position;
    if (auto taken = take_rows(stream, page->rows, position, batch); !taken) {
        return fail(taken.error());
    }
    const NextPage next = stream.spec->next;
    const bool told = !is_keyset(next);
    // By link: rows are followed by the keyset, since offsets drift; the link is only followed
    // over a page whose rows are all hidden from us, where the keyset cannot move.
    const bool by_next = told || (next == NextPage::kLink && page->rows.empty());
    position.page = by_next ? page->next : std::string{};
    const bool is_last = told && page->is_last;
    const bool end_of_keyset =
        page->rows.empty() ||
        (next != NextPage::kLink && stream.spec->short_page_ends && page->rows.size() < limit);
    if (by_next && !is_last && !page->next.empty() && page->next == before.page) {
        return fail(ErrorKind::kUnsupported,
                    "a page names itself as the next one, so reading would never end");
    }
    const bool done = is_last || (position.page.empty() && (told || end_of_keyset));
    if (!done && !told && position.page.empty() && position.stamp == before.stamp &&
        position.id == before.id) {
        return fail(ErrorKind::kUnsupported,
                    "a page of " + std::to_string(page->rows.size()) +
                        " records has none by which reading could go on: key or stamp missing");
    }
    if (done) {
        position = Position{.watermark = position.until, .page = page->resume, .round_done = true};
    }
    state.streams[stream.name] = position;
    return done;
}

/// Fixes the window of a new pass. False: the window is empty, there is nothing to ask.
Result<bool> Reader::begin_pass(const Stream& stream, Position& position, std::stop_token stop) {
    const ReadSpec& spec = *stream.spec;
    const auto now = door_.server_now(stop);
    if (!now) return fail(now.error());
    const Timestamp until = floored(*now - spec.safety, spec.resolution);
    if (!spec.resume_path.empty()) {  // The platform knows what is new since.
        position.until = until;
        return true;
    }
    // Deletions from before the first full read concern records that it did not show.
    if (stream.deletions && !position.watermark) position.watermark = until;
    if (position.watermark) {
        const Timestamp end = std::min(*position.watermark, until);
        position.from = floored(end - spec.overlap, spec.resolution);
        if (*position.from >= until) return false;
    }
    position.until = until;
    return true;
}

Result<Variables> Reader::page_variables(const Stream& stream, const Position& position,
                                         std::size_t limit) const {
    const ReadSpec& spec = *stream.spec;
    const Literal literal = door_.settings().profile.literal;
    Variables variables = stream.variables;
    const auto stamp = [&](const std::optional<Timestamp>& time) {
        return time ? write_time(spec.stamp_format, *time) : std::string{};
    };
    variables["limit"] = std::to_string(limit);
    variables["from"] = stamp(position.from);
    variables["until"] = stamp(position.until);
    variables["cursor.stamp"] = stamp(position.stamp);
    variables["cursor.id"] = position.id;
    variables["page.token"] = spec.next == NextPage::kToken ? position.page : std::string{};
    if (!stream.mapping.filter.empty()) {
        const auto filter = spec.filter_and.render(variables, Context::kClause, literal);
        if (!filter) return fail(filter.error(), "filter_and");
        variables["filter_and"] = *filter;
    }
    // The platform's own token says where it goes on.
    if (!spec.resume_path.empty() && !position.page.empty()) return variables;
    const Template& clause = position.from ? (position.stamp ? spec.after : spec.from)
                                           : (position.stamp ? spec.all_after : spec.all);
    const auto rendered = clause.render(variables, Context::kClause, literal);
    if (!rendered) return fail(rendered.error(), "clause");
    if (!rendered->empty()) {
        variables["clause"] = *rendered;
        const auto where = spec.where.render(variables, Context::kClause, literal);
        if (!where) return fail(where.error(), "where");
        variables["where"] = *where;
    }
    return variables;
}

Result<Reader::Page> Reader::fetch_page(const Stream& stream, Position& position, std::size_t limit,
                                        std::stop_token stop) {
    const bool by_url = stream.spec->next == NextPage::kUrl || stream.spec->next == NextPage::kLink;
    for (int attempts = 0;; ++attempts) {
        const auto variables = page_variables(stream, position, limit);
        if (!variables) return fail(variables.error());
        auto answer = door_.call(stream.spec->request, *variables, Intent::kRead, stop,
                                 by_url ? position.page : std::string{});
        if (answer) return take_page(stream, std::move(*answer));
        const Failure& failure = answer.error();
        if (failure.meaning == ErrorClass::kRestart && !position.page.empty() && attempts == 0) {
            position.page.clear();  // On from the last row that was handed out, or from nothing.
            continue;
        }
        if (failure.meaning == ErrorClass::kGone) {
            return fail(ErrorKind::kInvalid, failure.error.what + " (is `native` right?)");
        }
        return fail(failure.error);
    }
}

Result<Reader::Page> Reader::take_page(const Stream& stream, Door::Reply reply) const {
    const ReadSpec& spec = *stream.spec;
    const std::string path = named_path(spec.records, stream.mapping);
    const Value* const rows = at_path(reply.json, path);
    if (rows == nullptr || rows->get<Value::List>() == nullptr) {
        return fail(ErrorKind::kUnavailable,
                    "the reply holds no list of records at `" + path + "`" + keys_of(reply.json));
    }
    Page page{*rows->get<Value::List>(), {}};
    if (spec.next == NextPage::kLink) page.next = next_link(reply.link);
    if (!is_keyset(spec.next)) page.next = text_at(reply.json, spec.next_path);
    page.is_last = text_at(reply.json, spec.end_path) == "true";
    page.resume = text_at(reply.json, spec.resume_path);
    const bool ends = page.is_last || page.next.empty();
    if (ends && page.resume.empty() && !spec.resume_path.empty()) {
        return fail(ErrorKind::kUnavailable, "the last page holds no `" + spec.resume_path +
                                                 "`, from which the next pass would go on");
    }
    return page;
}

Result<void> Reader::take_rows(const Stream& stream, const Value::List& rows, Position& position,
                               Batch& batch) const {
    const ReadSpec& spec = *stream.spec;
    const Position start = position;
    std::size_t outside = 0;
    bool repeats = false;
    for (const Value& value : rows) {
        const auto* row = value.get<Value::Map>();
        const auto place = row == nullptr
                               ? Result<Record>{fail(ErrorKind::kInvalid, "is no object")}
                               : to_canonical(stream.place, *row);
        if (!place || (!stream.place.changed.empty() && place->version.empty())) {
            const Error error = place ? Error{ErrorKind::kInvalid,
                                              "the stamp `" + stream.place.changed + "` is missing"}
                                      : place.error();
            add_reject(batch, stream.mapping.object, value, error, "");
            continue;
        }
        const RowPlace at{floored(place->changed_at, spec.resolution), place->id.text};
        if (spec.verify_window && !within(spec.next, start, at)) {
            ++outside;
            repeats = repeats || (at.stamp == start.stamp && at.id == start.id);
            continue;
        }
        take_row(stream, *row, batch);
        if (!spec.goes_by_row()) continue;  // Their order is the platform's own.
        if (const auto moved = advanced(spec.next, position, at); !moved) {
            return fail(moved.error());
        }
    }
    if (repeats && position.stamp == start.stamp) {
        return fail(ErrorKind::kUnsupported,
                    "record " + start.id +
                        " comes again and none of a later stamp with it: the "
                        "platform ignores the condition on the id within one stamp");
    }
    if (outside == 0) return {};
    const std::string what = std::to_string(outside) + " of " + std::to_string(rows.size()) +
                             " records are outside the window that was asked for";
    if (outside == rows.size()) {
        return fail(ErrorKind::kUnsupported,
                    what + ": the platform ignores the condition on `" + stream.place.changed +
                        "`; is the field name right, and may this user read it?");
    }
    batch.notes.push_back(stream.name + ": " + what + "; they were dropped");
    return {};
}

void Reader::take_row(const Stream& stream, const Value::Map& row, Batch& batch) const {
    auto record = to_canonical(stream.mapping, row);
    if (!record) {
        const auto place = to_canonical(stream.place, row);
        add_reject(batch, stream.mapping.object, Value{row}, record.error(),
                   place ? place->id.text : "");
        return;
    }
    record->deleted = stream.deletions || says_deleted(*stream.spec, row);
    batch.records.push_back(std::move(*record));
}

}  // namespace syncline::agent::rest
