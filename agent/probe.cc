#include "agent/probe.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

namespace syncline::agent {
namespace {

using Level = Finding::Level;

constexpr std::size_t kPagesMost = 50;
constexpr std::size_t kSamplesMost = 3;
constexpr std::size_t kRejectsShown = 3;
/// No platform holds it as a marker.
const EntityId kNobody{"aaaaaaaaaaaaaaaaaaaaaaaa"};

std::string count_of(std::size_t count, const char* what) {
    return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

void count(ProbedField& field, const Value& value, bool with_values) {
    ++field.told;
    if (value.is_null()) ++field.empty;
    if (value.is_null() || !with_values || field.samples.size() >= kSamplesMost) return;
    std::string text = display(value);
    const bool known = std::ranges::find(field.samples, text) != field.samples.end();
    if (!known) field.samples.push_back(std::move(text));
}

/// One object of one platform, on its way to a report.
class ObjectProbe {
public:
    ObjectProbe(const MappedObject& mapped, Connector& connector, const ProbeOptions& options,
                std::stop_token stop)
        : connector_(connector), options_(options), stop_(std::move(stop)) {
        out_.object = mapped.object;
        out_.native = mapped.native;
        for (const MappedObject::Field& field : mapped.fields) {
            out_.fields.push_back({field.field, field.path, 0, 0, {}});
            if (field.write) writable_.insert(field.field);
            if (field.optional) optional_.insert(field.field);
        }
    }

    ProbedObject run() && {
        if (read()) {
            look_at_fields();
            fetch_one();
            find_nobody();
            write_again();
        }
        return std::move(out_);
    }

private:
    void say(Level level, std::string text) { out_.findings.push_back({level, std::move(text)}); }

    bool read() {
        Cursor at = connector_.full_read_start();
        std::vector<Batch::Reject> rejects;
        std::size_t pages = 0;
        for (; pages < kPagesMost && records_.size() < options_.records; ++pages) {
            auto batch = connector_.survey(at, options_.records, stop_);
            if (!batch) {
                say(Level::kProblem, "cannot be read: " + batch.error().what);
                return false;
            }
            for (Record& record : batch->records) {
                if (!record.deleted && record.object == out_.object) take(std::move(record));
            }
            std::ranges::move(batch->rejects, std::back_inserter(rejects));
            for (std::string& note : batch->notes) say(Level::kNote, std::move(note));
            for (Batch::Looked& one : batch->looked) {
                if (one.object == out_.object) absent_ = std::move(one.absent);
            }
            if (!batch->more) break;
            at = std::move(batch->next);
        }
        out_.records = records_.size();
        say(Level::kFine, count_of(records_.size(), "record") + " read");
        tell_rejects(rejects);
        if (records_.empty() && rejects.empty()) {
            say(Level::kNote,
                "none is there, or none may be seen by these credentials: the "
                "mapping could not be tried");
        }
        return true;
    }

    void take(Record record) {
        if (records_.size() >= options_.records) return;
        for (auto& [name, value] : record.fields) {
            if (name.text.starts_with(kUnmapped)) {
                ProbedField& field = unmapped_[name.text.substr(kUnmapped.size())];
                count(field, value, options_.with_values);
                continue;
            }
            const auto at = std::ranges::find(out_.fields, name, &ProbedField::field);
            if (at != out_.fields.end()) count(*at, value, options_.with_values);
        }
        record.fields = mapped_of(record);
        records_.push_back(std::move(record));
    }

    void tell_rejects(const std::vector<Batch::Reject>& rejects) {
        for (std::size_t i = 0; i < rejects.size() && i < kRejectsShown; ++i) {
            say(Level::kProblem,
                "record " + (rejects[i].id.empty() ? "without id" : rejects[i].id) +
                    " cannot be used" + (options_.with_values ? ": " + rejects[i].reason : ""));
        }
        if (rejects.size() <= kRejectsShown) return;
        say(Level::kProblem,
            count_of(rejects.size() - kRejectsShown, "more record") + " cannot be used");
    }

    void look_at_fields() {
        for (auto& [path, field] : unmapped_) {
            field.path = path;
            out_.unmapped.push_back(std::move(field));
        }
        for (const ProbedField& field : out_.fields) {
            if (std::ranges::find(absent_, field.field) != absent_.end()) {
                say(Level::kProblem,
                    "there is no column for `" + field.path + "`, mapped as " + field.field.text);
                continue;
            }
            if (records_.empty() || field.told > 0 || optional_.contains(field.field)) continue;
            say(Level::kProblem, "`" + field.path + "`, mapped as " + field.field.text +
                                     ", is in no record: misspelt, renamed, not readable by these "
                                     "credentials, or left out where it is empty");
        }
    }

    void fetch_one() {
        if (records_.empty()) return;
        const Record& first = records_.front();
        const auto fetched = connector_.fetch(out_.object, first.id, stop_);
        const std::string name = "record " + first.id.text + " by its id: ";
        if (!fetched) return say(Level::kProblem, name + why(fetched.error()));
        if (!*fetched) return say(Level::kProblem, name + "is not found, and was just read");
        for (const auto& [field, value] : first.fields) {
            const Value* const now = (*fetched)->fields.find(field);
            if (now != nullptr && *now == value) continue;
            say(Level::kProblem,
                name + field.text + " is " + shown(now) + ", and was read as " + shown(&value));
        }
        say(Level::kFine, name + "found");
    }

    void find_nobody() {
        if (!connector_.traits().has_marker) {
            return say(Level::kNote,
                       "no marker is mapped or searchable: a create whose answer is "
                       "lost will be for a person");
        }
        const auto found = connector_.find(out_.object, kNobody, stop_);
        if (!found && found.error().kind == ErrorKind::kUnsupported) {
            return say(Level::kNote, "no search by the marker: " + found.error().what);
        }
        if (!found) return say(Level::kProblem, "the search by the marker: " + found.error().what);
        if (*found) {
            return say(Level::kProblem, "the search by a marker that no record has finds record " +
                                            (*found)->id.text);
        }
        say(Level::kFine, "the search by the marker answers");
    }

    /// About one record, so that it may tell what that holds.
    [[nodiscard]] std::string why(const Error& error) const {
        return options_.with_values ? error.what : syncline::name_of(error.kind);
    }
    [[nodiscard]] std::string shown(const Value* value) const {
        if (value == nullptr) return "nothing";
        return options_.with_values ? display(*value) : "something";
    }

    /// One field is enough to see whether it may be written: one that comes back as it is.
    void write_again() {
        if (!options_.write || options_.write->object != out_.object) return;
        const RecordId& id = options_.write->record;
        const std::string name = "writing record " + id.text + ": ";
        const auto before = connector_.fetch(out_.object, id, stop_);
        if (!before) return say(Level::kProblem, name + why(before.error()));
        if (!*before) return say(Level::kProblem, name + "there is none");
        const Fields written_form = connector_.normal_form(out_.object, mapped_of(**before));
        const auto value = std::ranges::find_if(written_form, [&](const auto& field) {
            const Value* const held = (*before)->fields.find(field.first);
            return writable_.contains(field.first) && !field.second.is_null() && held != nullptr &&
                   *held == field.second;
        });
        if (value == written_form.end()) {
            return say(Level::kProblem, name + "no field of it may be written as it is");
        }
        Command command;
        command.entity = {out_.object, (*before)->marker.value_or(kNobody)};
        command.record = id;
        command.fields.set(value->first, value->second);
        command.expected = command.fields;
        const auto written = connector_.write(command, stop_);
        if (!written) {
            return say(Level::kProblem, name + value->first.text + ": " + why(written.error()));
        }
        compare_after(name + value->first.text + " was written as it was; ", id, **before);
    }

    void compare_after(const std::string& name, const RecordId& id, const Record& before) {
        const auto after = connector_.fetch(out_.object, id, stop_);
        if (!after) return say(Level::kProblem, name + why(after.error()));
        if (!*after) return say(Level::kProblem, name + "the record is gone now");
        bool same = true;
        for (const auto& [field, value] : mapped_of(before)) {
            const Value* const now = (*after)->fields.find(field);
            if (now != nullptr && *now == value) continue;
            same = false;
            say(Level::kNote, name + "the platform changed " + field.text + " from " +
                                  shown(&value) + " to " + shown(now));
        }
        if (same) say(Level::kFine, name + "nothing else changed");
    }

    static Fields mapped_of(const Record& record) {
        Fields mapped;
        for (const auto& [name, value] : record.fields) {
            if (!name.text.starts_with(kUnmapped)) mapped.set(name, value);
        }
        return mapped;
    }

    Connector& connector_;
    const ProbeOptions& options_;
    std::stop_token stop_;
    ProbedObject out_;
    std::vector<Record> records_;
    std::map<std::string, ProbedField> unmapped_;
    std::set<FieldName> writable_;
    std::set<FieldName> optional_;   ///< May be in no record.
    std::vector<FieldName> absent_;  ///< The platform has no such thing.
};

Result<void> check_names(const AgentConfig& config, const ProbeOptions& options) {
    std::vector<std::string> wanted = options.objects;
    if (options.write) wanted.push_back(options.write->object.text);
    for (const std::string& name : wanted) {
        const bool known =
            std::ranges::any_of(config.settings.objects,
                                [&](const MappedObject& one) { return one.object.text == name; });
        if (!known) return fail(ErrorKind::kInvalid, "the file maps no object `" + name + "`");
    }
    return {};
}

/// Of this object alone, so that one with a million records does not keep the next from its turn.
Result<std::unique_ptr<Connector>> connector_for(const std::filesystem::path& file,
                                                 const ObjectName& object, const Clock& clock) {
    auto config = load_agent_config(file, clock, {.objects = {object.text}, .with_unmapped = true});
    if (!config) return fail(config.error());
    return config->connector();
}

ProbedObject cannot_be_read(const MappedObject& object, const Error& error) {
    ProbedObject out{.object = object.object, .native = object.native};
    out.findings.push_back({Level::kProblem, "cannot be read: " + error.what});
    return out;
}

void check_reading(Connector& connector, ProbeReport& report, const std::stop_token& stop) {
    const auto checked = connector.check_reading(stop);
    if (!checked) {
        report.findings.push_back(
            {Level::kProblem, "reading cannot begin: " + checked.error().what});
        return;
    }
    for (const std::string& note : *checked) report.findings.push_back({Level::kNote, note});
}

/// The first call of listen() asks for all that is to be heard, and waits for nothing.
void check_push(Connector& connector, ProbeReport& report, const std::stop_token& stop) {
    if (!connector.traits().push) return;
    const auto pushed = connector.listen({}, stop);
    if (!pushed) {
        report.findings.push_back({Level::kProblem, "pushes: " + pushed.error().what});
    } else if (!pushed->trouble.empty()) {
        report.findings.push_back({Level::kProblem, "pushes: " + pushed->trouble});
    } else {
        report.findings.push_back({Level::kFine, "pushes are heard"});
    }
}

}  // namespace

bool ProbeReport::has_problems() const {
    const auto is_problem = [](const Finding& finding) { return finding.level == Level::kProblem; };
    return std::ranges::any_of(findings, is_problem) ||
           std::ranges::any_of(objects, [&](const ProbedObject& object) {
               return std::ranges::any_of(object.findings, is_problem);
           });
}

Result<ProbeReport> probe(const std::filesystem::path& file, const ProbeOptions& options,
                          const Clock& clock, std::stop_token stop) {
    auto config = load_agent_config(file, clock);
    if (!config) return fail(config.error());
    if (auto known = check_names(*config, options); !known) return fail(known.error());
    ProbeReport report;
    auto connector = config->connector();
    if (!connector) return fail(connector.error());
    const auto connected = (*connector)->connect(stop);
    // What is wrong with one object's table hides nothing of the others.
    if (!connected && connected.error().kind != ErrorKind::kInvalid) {
        report.findings.push_back({Level::kProblem, "no session: " + connected.error().what});
        return report;
    }
    if (connected) {
        report.findings.push_back({Level::kFine, "connected to " + config->settings.platform.text});
        check_reading(**connector, report, stop);
        check_push(**connector, report, stop);
    }
    if (!(*connector)->traits().can_fetch) {
        report.findings.push_back({Level::kNote, "what comes by `" + config->connector_kind +
                                                     "` cannot be looked at beside its reading"});
        return report;
    }
    for (const MappedObject& object : config->settings.objects) {
        const auto& wanted = options.objects;
        const auto named = std::ranges::find(wanted, object.object.text);
        if (!wanted.empty() && named == wanted.end()) continue;
        auto one = connector_for(file, object.object, clock);
        if (!one) return fail(one.error());
        if (const auto session = (*one)->connect(stop); !session) {
            report.objects.push_back(cannot_be_read(object, session.error()));
            continue;
        }
        report.objects.push_back(ObjectProbe{object, **one, options, stop}.run());
    }
    return report;
}

}  // namespace syncline::agent
