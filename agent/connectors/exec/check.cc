#include "agent/connectors/exec/check.h"

#include <algorithm>
#include <map>

#include "agent/connectors/exec/check_report.h"
#include "agent/core/value_path.h"
#include "shared/base/json.h"

namespace syncline::agent::exec {
namespace {

constexpr std::size_t kPage = 500;  // As an agent reads, unless told otherwise.
constexpr std::size_t kBigPage = 5'000;
constexpr std::size_t kRecordsMost = 50'000;
constexpr std::size_t kFetchesMost = 200;
constexpr std::size_t kResumesMost = 5;

/// Records by id as one text each, and the pages that they came in.
struct Reading {
    std::map<std::string, std::string> texts;
    std::map<std::string, Value::Map> records;
    struct Step {
        std::string cursor;  ///< Asked from; empty: the beginning.
        bool full = true;
        std::string told;
    };
    std::vector<Step> steps;
    std::size_t largest = 0;  ///< Records and ids of one page.
    std::size_t rejects = 0;
    std::string end;        ///< The last `next`.
    bool complete = false;  ///< It came to an end by itself.
};

std::string text_of_page(const Page& page) {
    std::string text;
    for (const Value::Map& record : page.records) text += to_json(Value{record}) + "\n";
    for (const std::string& id : page.deleted) text += "deleted " + id + "\n";
    return text + "next " + page.next + (page.more ? ", more" : "");
}

Result<Reading> walk(Door& door, const ObjectMapping& mapping, std::size_t max) {
    Reading reading;
    bool full = true;
    while (reading.records.size() < kRecordsMost) {
        const auto page = door.read(mapping, {reading.end, full}, max, Duration{0}, {});
        if (!page) return fail(page.error());
        reading.steps.push_back({reading.end, full, text_of_page(*page)});
        reading.largest = std::max(reading.largest, page->records.size() + page->deleted.size());
        reading.rejects += page->rejects.size();
        for (const Value::Map& record : page->records) {
            const std::string id = text_at(Value{record}, mapping.key);
            reading.texts[id] = to_json(Value{record});
            reading.records[id] = record;
        }
        for (const std::string& id : page->deleted) {
            reading.texts.erase(id);
            reading.records.erase(id);
        }
        reading.end = page->next;
        full = full && page->more;
        if (!page->more) {
            reading.complete = true;
            break;
        }
    }
    return reading;
}

/// Where two readings differ first; empty: nowhere.
std::string difference(const Reading& wanted, const Reading& found) {
    for (const auto& [id, text] : wanted.texts) {
        const auto at = found.texts.find(id);
        if (at == found.texts.end()) return "record " + shown(id, 60) + " is not told";
        if (at->second != text) {
            return "record " + shown(id, 60) + " is " + shown(at->second, 300) + " instead of " +
                   shown(text, 300);
        }
    }
    for (const auto& [id, text] : found.texts) {
        if (!wanted.texts.contains(id)) return "record " + shown(id, 60) + " is told as well";
    }
    return {};
}

/// An id like the others that none of them has.
std::string unknown_id(const Reading& reading) {
    const bool numbers = std::ranges::all_of(reading.texts, [](const auto& one) {
        return !one.first.empty() && one.first.find_first_not_of("0123456789") == std::string::npos;
    });
    std::string id = numbers ? "987654321" : "no-such-record";
    while (reading.texts.contains(id)) id += numbers ? "7" : "-x";
    return id;
}

class ReadingChecks {
public:
    ReadingChecks(CheckReport& report, const ObjectMapping& mapping)
        : report_(report), mapping_(mapping), door_(report.door()) {}

    /// The cursor behind all that there is; nullopt: it could not be read.
    std::optional<std::string> run() {
        const std::string name = "is read from its beginning to its end";
        auto first = walk(door_, mapping_, kPage);
        if (!first) {
            report_.fails(name, "pages of at most 500 records, until there are no more",
                          error_text(first.error()));
            return std::nullopt;
        }
        all_ = std::move(*first);
        report_.holds(name + " (records: " + std::to_string(all_.records.size()) +
                      ", pages: " + std::to_string(all_.steps.size()) +
                      ", rejects: " + std::to_string(all_.rejects) + ")");
        if (all_.records.empty()) {
            report_.left_out("there is something to compare", "there are no records");
        }
        check_mapping();
        check_pages();
        check_resuming();
        check_end();
        check_garbage();
        check_fetching();
        check_finding();
        return all_.end;
    }

private:
    void check_mapping() {
        std::string found;
        std::size_t bad = 0;
        for (const auto& [id, native] : all_.records) {
            const auto record = to_canonical(mapping_, native);
            if (!record && ++bad == 1) found = record.error().what + ", in " + all_.texts.at(id);
        }
        if (bad > 1) found += " (and " + std::to_string(bad - 1) + " more)";
        report_.check("every record fits the mapping", "keys and values as [objects] says", found);
    }

    void check_pages() {
        const std::string most = "no page has more than `max` records and ids";
        const std::string big = "one big read tells what pages tell";
        const std::string small = "small pages tell what one full read tells";
        const std::string again = "reading again tells the same";
        if (!all_.complete) {
            for (const std::string& name : {again, big, small}) {
                report_.left_out(
                    name, "there are more than " + std::to_string(kRecordsMost) + " records");
            }
            report_.check(most, "at most 500", over(all_, kPage));
            return;
        }
        const std::string same = "the same " + std::to_string(all_.texts.size()) + " records";
        compare(again, same, walk(door_, mapping_, kPage));
        const auto one = walk(door_, mapping_, kBigPage);
        compare(big, same, one);
        const std::size_t few = std::clamp<std::size_t>(all_.records.size() / 20, 1, 100);
        auto pages = walk(door_, mapping_, few);
        compare(small, same, pages);
        std::string found = over(all_, kPage);
        if (found.empty() && one) found = over(*one, kBigPage);
        if (found.empty() && pages) found = over(*pages, few);
        report_.check(most, "at most as many as the request says", found);
        if (pages) small_ = std::move(*pages);
    }

    static std::string over(const Reading& reading, std::size_t max) {
        if (reading.largest <= max) return {};
        return std::to_string(reading.largest) + " with `max` " + std::to_string(max);
    }

    void compare(const std::string& name, const std::string& expected,
                 const Result<Reading>& reading) {
        report_.check(name, expected,
                      reading ? difference(all_, *reading) : error_text(reading.error()));
    }

    /// From cursors that another process gave.
    void check_resuming() {
        const std::string name = "a cursor goes on in another process where it stopped";
        if (small_.steps.empty()) return;
        const std::size_t stride = std::max<std::size_t>(1, small_.steps.size() / kResumesMost);
        const std::size_t few = std::clamp<std::size_t>(all_.records.size() / 20, 1, 100);
        std::string found;
        for (std::size_t i = 0; i < small_.steps.size() && found.empty(); i += stride) {
            const Reading::Step& step = small_.steps[i];
            door_.session().close();
            const auto page = door_.read(mapping_, {step.cursor, step.full}, few, Duration{0}, {});
            if (!page) {
                found = error_text(page.error());
            } else if (text_of_page(*page) != step.told) {
                found = "from cursor " + shown(step.cursor, 60) + ": " +
                        shown(text_of_page(*page), 300) + " instead of " + shown(step.told, 300);
            }
        }
        report_.check(name, "the same page", found);
    }

    void check_end() {
        const std::string name = "at the end nothing new is told";
        if (!all_.complete) return;
        const auto page = door_.read(mapping_, {all_.end, false}, kPage, Duration{0}, {});
        std::string found = page ? "" : error_text(page.error());
        if (page && page->more) found = "`more` is true";
        for (std::size_t i = 0; page && i < page->records.size(); ++i) {
            const std::string id = text_at(Value{page->records[i]}, mapping_.key);
            const auto known = all_.texts.find(id);
            const std::string text = to_json(Value{page->records[i]});
            if (known == all_.texts.end() || known->second != text) found = shown(text, 300);
        }
        report_.check(name, "no record, or those of before once more", found);
    }

    void check_garbage() {
        const auto page = door_.read(mapping_, {"no cursor of yours: '\"\\ \xc3\xa4", false}, kPage,
                                     Duration{0}, {});
        std::string found;
        if (page) found = "a page, as if it were a cursor";
        if (!page && page.error().kind != ErrorKind::kInvalid) found = error_text(page.error());
        report_.check("a cursor that is none is refused", "an error of class `invalid`", found);
    }

    void check_fetching() {
        const std::string name = "fetch tells what read tells";
        const std::string none = "a record that there is not is null";
        if (!door_.settings().capabilities.can_fetch) {
            report_.left_out(name, "`capabilities` has no \"can_fetch\"");
            return;
        }
        const std::size_t stride = std::max<std::size_t>(1, all_.records.size() / kFetchesMost);
        std::string found;
        std::size_t i = 0;
        for (const auto& [id, native] : all_.records) {
            if (i++ % stride == 0 && found.empty()) found = fetched(id, native);
        }
        report_.check(name, "of each record the same fields", found);
        const std::string id = unknown_id(all_);
        const auto nobody = door_.fetch(mapping_, RecordId{id}, {});
        found = nobody ? "" : error_text(nobody.error());
        if (nobody && *nobody) found = shown(to_json(Value{**nobody}), 300);
        report_.check(none, "`record` null, or an error `not_found`, for " + shown(id, 60), found);
    }

    std::string fetched(const std::string& id, const Value::Map& native) {
        const auto wanted = to_canonical(mapping_, native);
        if (!wanted) return {};  // Told before.
        const auto one = door_.fetch(mapping_, RecordId{id}, {});
        if (!one) return shown(id, 60) + ": " + error_text(one.error());
        if (!*one) return "there is no " + shown(id, 60);
        const auto record = to_canonical(mapping_, **one);
        if (!record) return shown(id, 60) + ": " + record.error().what;
        if (record->fields == wanted->fields && record->marker == wanted->marker) return {};
        return shown(to_json(Value{**one}), 300) + " instead of " +
               shown(to_json(Value{native}), 300);
    }

    void check_finding() {
        const std::string name = "find tells the record with the marker";
        const std::string none = "an entity that there is not is null, whatever its text";
        if (!door_.settings().capabilities.has_marker) {
            report_.left_out(name, "`capabilities` has no \"has_marker\"");
            return;
        }
        std::string found;
        std::size_t tried = 0;
        for (const auto& [id, native] : all_.records) {
            const std::string marker = text_at(Value{native}, mapping_.marker);
            if (marker.empty() || !found.empty() || ++tried > kFetchesMost) continue;
            const auto one = door_.find(mapping_, EntityId{marker}, {});
            if (!one) found = error_text(one.error());
            if (one && !*one) found = "nothing for " + shown(marker, 60);
            if (one && *one && text_at(Value{**one}, mapping_.key) != id) {
                found = shown(to_json(Value{**one}), 300) + " for the marker of " + shown(id, 60);
            }
        }
        if (tried == 0) {
            report_.left_out(name, "no record has a marker yet");
        } else {
            report_.check(name, "the record that read told with it", found);
        }
        found.clear();
        for (const char* text : {"aaaaaaaaaaaaaaaaaaaaaaaa", "x' OR '1'='1", "%", "*", "\"\\\n"}) {
            const auto one = door_.find(mapping_, EntityId{text}, {});
            // A text that cannot be an entity's may be refused.
            const bool refused = !one && one.error().kind == ErrorKind::kInvalid;
            if (!one && !refused) found = error_text(one.error());
            if (one && *one) found = shown(text, 60) + " finds " + to_json(Value{**one});
        }
        report_.check(none, "`record` null", found);
    }

    CheckReport& report_;
    const ObjectMapping& mapping_;
    Door& door_;
    Reading all_;
    Reading small_;
};

void check_program(CheckReport& report) {
    Session& session = report.door().session();
    const std::string name = "a call that it does not know is refused, and it goes on";
    const auto refused = session.call("no_such_call", {}, Intent::kRead, {});
    std::string found;
    if (refused) found = "a result";
    if (!refused && refused.error().kind != ErrorKind::kInvalid) {
        found = error_text(refused.error());
    }
    report.check(name, "an error of class `invalid`", found);
    const ObjectMapping nothing{.object = {}, .native = "no_such_object"};
    const auto page = report.door().read(nothing, {}, 1, Duration{0}, {});
    found = page ? "a page" : error_text(page.error());
    if (!page && page.error().kind == ErrorKind::kInvalid) found.clear();
    report.check("an object that it does not know is refused", "an error of class `invalid`",
                 found);
}

}  // namespace

void run_checks(const std::shared_ptr<const Settings>& settings, const Clock& clock,
                const CheckOptions& options, const std::function<void(CheckResult)>& on_result,
                const std::function<void(std::string_view)>& sink) {
    Door door{settings, clock, sink};
    CheckReport report{door, on_result};
    const auto opened = door.session().open({});
    const std::string hello = "it starts, says hello, and can what the file builds upon";
    if (!opened) {
        report.fails(hello, "protocol 1 and " + to_text(settings->capabilities),
                     error_text(opened.error()));
        return;
    }
    report.holds(hello);
    const Capabilities& told = door.session().capabilities();
    if (!(told == settings->capabilities)) {
        report.left_out(
            "all that it can do is used",
            "it says " + to_text(told) + ", and the file " + to_text(settings->capabilities));
    }
    check_program(report);
    for (const ObjectMapping& mapping : settings->objects) {
        report.begin(mapping.object.text);
        const auto end = ReadingChecks{report, mapping}.run();
        if (!options.write || *options.write != mapping.object) continue;
        if (end) {
            check_writes(report, mapping, *end, options.set, clock);
        } else {
            report.left_out("create, update and delete", "it cannot be read");
        }
    }
}

}  // namespace syncline::agent::exec
