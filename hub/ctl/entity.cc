#include <algorithm>
#include <memory>
#include <set>

#include "hub/core/history.h"
#include "hub/ctl/cli.h"
#include "hub/ctl/decisions.h"
#include "hub/ctl/lookup.h"
#include "hub/ctl/program.h"
#include "hub/ctl/sight.h"
#include "hub/ctl/text.h"

namespace syncline::ctl {
namespace {

struct ShowOptions {
    std::string object;
    std::string key;
    std::string at;
};

class EntityPage {
public:
    EntityPage(Output& out, const StoredEntity& stored, const Secrets& secrets, Timestamp now)
        : out_(out), stored_(stored), state_(stored.state), secrets_(secrets), now_(now) {}

    void show(const std::string& found_by) {
        out_.line({Cell{state_.key.object.text + " " + state_.key.entity.text, Style::kBold},
                   Cell{" (by " + found_by + ")", Style::kDim}});
        out_.line("version " + std::to_string(state_.version) +
                  (state_.deleted ? ", deleted" : "") + ", policy " +
                  policy_text(state_.policy_version, state_.policy) + ", stored " +
                  time_text(stored_.stored_at) + " (" + age_text(stored_.stored_at, now_) +
                  "), sequence " + std::to_string(stored_.sequence));
        standing();
        fields();
        records();
        waiting();
        exceptions();
    }

private:
    [[nodiscard]] std::string text(const FieldName& field, const Value& value) const {
        return secrets_.text(state_.key.object, field, value);
    }

    /// What a platform holds of a field: `=` as canonical, `-` nothing, else its own value.
    [[nodiscard]] Cell mirror_cell(const hub::RecordState& record, const FieldName& field,
                                   const Value* canonical) const {
        const Value* value = record.mirror.find(field);
        const std::string held = record.holds(field) ? " (held)" : "";
        if (value == nullptr) return {"-" + held, Style::kDim};
        if (canonical != nullptr && *value == *canonical) return {"=" + held, Style::kGreen};
        return {"! " + text(field, *value) + held, Style::kYellow};
    }

    void standing() {
        const std::string object = state_.key.object.text + " ";
        if (state_.is_merged()) {
            out_.line("merged into " + object + state_.merged_into.text +
                          ", which has its records; what is shown is of before",
                      Style::kYellow);
        }
        if (state_.forgotten) out_.line(standing_of(*state_.forgotten), Style::kYellow);
        for (const hub::TakenIn& taken : state_.taken_in) {
            out_.line(object + taken.entity.text + " was merged into it");
        }
    }

    void fields() {
        out_.heading("Fields");
        std::set<FieldName> names;
        for (const auto& field : state_.canonical) names.insert(field.name);
        for (const auto& record : state_.records) {
            for (const auto& [name, value] : record.mirror) names.insert(name);
        }
        if (names.empty()) return out_.line("none");
        Table table{{"FIELD", "CANONICAL", "FROM", "SINCE"}, {}, 40};
        for (const auto& record : state_.records) table.header.push_back(record.platform.text);
        for (const FieldName& name : names) {
            const hub::CanonicalField* canonical = state_.find(name);
            std::vector<Cell> row{name.text};
            if (canonical == nullptr) {
                row.insert(row.end(), {Cell{"-", Style::kDim}, Cell{""}, Cell{""}});
            } else {
                const auto& from = canonical->from;
                row.emplace_back(text(name, canonical->value));
                row.emplace_back(from.platform.empty()
                                     ? "operator"
                                     : from.platform.text + " " + text_of(from.rev));
                row.emplace_back(time_text(from.at));
            }
            for (const auto& record : state_.records) {
                row.push_back(
                    mirror_cell(record, name, canonical == nullptr ? nullptr : &canonical->value));
            }
            table.rows.push_back(std::move(row));
        }
        out_.table(table);
        out_.line("= as canonical   ! differs   - not there   (held) left alone", Style::kDim);
    }

    void records() {
        out_.heading("Records");
        if (state_.records.empty()) return out_.line("none");
        Table table{{"PLATFORM", "RECORD", "PRESENCE", "REV", "GENERATION", "REMARKS"}, {}};
        for (const auto& record : state_.records) {
            std::string remarks;
            if (record.blocked) remarks = "blocked: waits for a change or a person";
            for (const auto& other : record.others) {
                if (other.standing == hub::OtherRecord::Standing::kGone) continue;
                remarks += (remarks.empty() ? "also " : "; also ") + other.record.text;
            }
            for (const auto& attempts : record.attempts) {
                remarks += (remarks.empty() ? "" : "; ") + attempts.field.text + " told " +
                           count_text(attempts.count, "time", "times");
            }
            table.rows.push_back({record.platform.text, record.record ? record.record->text : "-",
                                  name_of(record.presence), text_of(record.rev),
                                  number_cell(record.generation), Cell{remarks, Style::kYellow}});
        }
        out_.table(table);
    }

    void waiting() {
        const bool any = std::ranges::any_of(
            state_.records, [](const auto& record) { return record.pending.has_value(); });
        if (any) out_.heading("Commands out");
        for (const auto& record : state_.records) {
            if (!record.pending) continue;
            const hub::Pending& pending = *record.pending;
            out_.line(record.platform.text + " " + name_of(pending.kind) + " generation " +
                      std::to_string(record.generation) + ", " +
                      age_text(pending.decided_at, now_));
            for (const auto& [name, value] : pending.fields) {
                const Value* expected = pending.expected.find(name);
                out_.line("    " + name.text + ": " +
                          (expected == nullptr ? "?" : text(name, *expected)) + " -> " +
                          text(name, value));
            }
        }
        if (!state_.proposals.empty()) out_.heading("Proposals");
        for (const auto& proposal : state_.proposals) {
            out_.line(proposal.from.text + " proposes " + proposal.field.text + " = " +
                      text(proposal.field, proposal.value));
        }
    }

    void exceptions() {
        if (state_.exceptions.empty()) return;
        out_.heading("Open exceptions");
        Table table{{"KIND", "PLATFORM", "FIELDS", "SINCE", "REASON"}, {}};
        for (const auto& open : state_.exceptions) {
            table.rows.push_back({Cell{open.kind, Style::kYellow}, open.platform.text,
                                  joined(open.fields), age_text(open.since, now_), open.reason});
        }
        out_.table(table);
    }

    Output& out_;
    const StoredEntity& stored_;
    const hub::EntityState& state_;
    const Secrets& secrets_;
    Timestamp now_;
};

/// What was canonical at a moment, by the log.
Result<Exit> show_past(Program& program, Session& session, const EntityKey& key,
                       const Secrets& secrets, const std::string& moment) {
    const auto when = parse_moment(moment, program.clock().now());
    if (!when) return fail(when.error(), "--at");
    const auto policy = program.policy();
    if (!policy) return fail(policy.error());
    Output& out = program.out();
    auto entries = read_decisions(session, out, key);
    if (!entries) return fail(entries.error());
    if (const ObjectSpec* object = (*policy)->object(key.object)) upcast(*object, *entries);
    const hub::PastState past = hub::state_at(*entries, *when);
    if (past.version == 0) {
        return fail(
            ErrorKind::kNotFound,
            "the log says nothing of " + key.object.text + " " + key.entity.text + " at " +
                time_text(*when) +
                (entries->empty() ? "" : "; it begins at " + time_text(entries->front().at)));
    }
    out.line({Cell{key.object.text + " " + key.entity.text, Style::kBold},
              Cell{" at " + time_text(*when), Style::kDim}});
    out.line("version " + std::to_string(past.version) + " of " + time_text(past.at) + ", policy " +
             policy_text(past.policy_version, past.policy));
    Table table{{"FIELD", "CANONICAL", "BY", "SINCE", "RULE"}, {}, 40};
    Value::Map fields;
    for (const auto& [name, field] : past.fields) {
        const bool known = field.version != 0;
        const std::string by = !known ? "?" : field.from.empty() ? "operator" : field.from.text;
        table.rows.push_back({name.text, secrets.text(key.object, name, field.value), by,
                              known ? time_text(field.at) : "before the log",
                              Cell{field.rule, Style::kDim}});
        fields.emplace(name.text,
                       Value::Map{{"value", secrets.shown(key.object, name, field.value)},
                                  {"from", field.from.text},
                                  {"version", number(field.version)},
                                  {"at", known ? Value{field.at} : Value{}},
                                  {"rule", field.rule}});
    }
    out.table(table);
    out.set("at", *when);
    out.set("object", key.object.text);
    out.set("entity", key.entity.text);
    out.set("version", number(past.version));
    out.set("policy_version", number(past.policy_version));
    out.set("canonical", std::move(fields));
    return verdict(out);
}

Result<Exit> show(Program& program, const ShowOptions& options) {
    const auto secrets = program.secrets();
    if (!secrets) return fail(secrets.error());
    const auto session = program.connect();
    if (!session) return fail(session.error());
    const auto located = Sight{program, **session}.locate(ObjectName{options.object}, options.key);
    if (!located) return fail(located.error());
    if (!options.at.empty()) {
        return show_past(program, **session, located->key, *secrets, options.at);
    }
    const auto stored = load_located(**session, *located);
    if (!stored) return fail(stored.error());
    Output& out = program.out();
    out.set("found_by", located->by);
    out.set("sequence", number(stored->sequence));
    out.set("stored_at", stored->stored_at);
    out.set("entity", value_of(stored->state, *secrets));
    EntityPage{out, *stored, *secrets, program.clock().now()}.show(located->by);
    return Exit::kFine;
}

}  // namespace

void add_entity(CLI::App& app, Program& program) {
    auto* entity =
        app.add_subcommand("entity", "Entities: `entity show OBJECT KEY`, `entity list OBJECT`");
    entity->require_subcommand(1);
    add_entity_list(*entity, program);
    auto* command = entity->add_subcommand(
        "show", "Canonical fields and where they came from, each platform's side, what is open");
    const auto options = std::make_shared<ShowOptions>();
    add_key(*command, options->object, options->key);
    command->add_option("--at", options->at,
                        "What was canonical then, by the log: 2026-01-05T10:00:00Z, a day, or how "
                        "long ago (2h)");
    command->callback([&program, options] {
        program.choose("entity show", [options](Program& p) { return show(p, *options); });
    });
}

}  // namespace syncline::ctl
