#include <algorithm>
#include <memory>

#include "hub/ctl/cli.h"
#include "hub/ctl/decisions.h"
#include "hub/ctl/describe.h"
#include "hub/ctl/lookup.h"
#include "hub/ctl/program.h"
#include "hub/ctl/sight.h"
#include "hub/ctl/text.h"
#include "shared/base/nearest_name.h"

namespace syncline::ctl {
namespace {

struct BlameOptions {
    std::string object;
    std::string key;
    std::string field;
};

bool a_person_did(const Blame& line) {
    return line.decision != nullptr && is_by_person(*line.decision);
}

/// "crm", "crm, asked by erp", "operator".
std::string who(const Blame& line) {
    if (a_person_did(line) || line.field.from.platform.empty()) return "operator";
    const std::string from = line.field.from.platform.text;
    return line.proposal == nullptr ? from : from + ", asked by " + line.proposal->from.text;
}

class BlamePage {
public:
    BlamePage(Output& out, const EntityKey& key, const Secrets& secrets)
        : out_(out), key_(key), secrets_(secrets) {}

    void table(const std::vector<Blame>& lines) {
        Table table{
            {"FIELD", "VALUE", "SINCE", "BY", "RULE", "POLICY", "VERSION", "REFUSED"}, {}, 40};
        for (const Blame& line : lines) {
            table.rows.push_back(
                {line.field.name.text, text(line, line.field.value), time_text(since(line)),
                 who(line), Cell{rule(line), Style::kDim},
                 Cell{line.entry == nullptr
                          ? ""
                          : policy_text(line.entry->policy_version, line.entry->policy),
                      Style::kDim},
                 line.entry == nullptr ? Cell{"?", Style::kYellow}
                                       : number_cell(line.entry->version),
                 number_cell(line.refused)});
        }
        out_.table(table);
    }

    void details(const Blame& line) {
        out_.line(
            {Cell{line.field.name.text, Style::kBold}, Cell{" = " + text(line, line.field.value)}});
        if (line.entry == nullptr) {
            out_.line("  by " + who(line) + ", " + time_text(line.field.from.at) +
                          "; the log does not go back that far",
                      Style::kYellow);
            return;
        }
        const hub::LogEntry& entry = *line.entry;
        out_.line("  before   " + text(line, line.decision->before));
        out_.line("  by       " + who(line) + ", " + time_text(since(line)));
        out_.line((a_person_did(line) ? "  action   " : "  rule     ") + line.decision->rule);
        out_.line("  policy   " + policy_text(entry.policy_version, entry.policy));
        out_.line("  input    " + joined(entry.inputs));
        if (!entry.trace.empty()) out_.line("  trace    " + entry.trace);
        out_.line("  version  " + std::to_string(entry.version));
        for (const Blame::Told& told : line.told) {
            out_.line("  told     " + told.platform.text + ", generation " +
                          std::to_string(told.generation),
                      Style::kCyan);
        }
    }

    void history(const std::vector<hub::LogEntry>& entries, const FieldName& field) {
        out_.heading("Every decision about it");
        Table table{{}, {}, 48};
        for (const hub::LogEntry& entry : entries) {
            for (const hub::FieldDecision& decision : entry.decisions) {
                if (decision.field != field) continue;
                table.rows.push_back(
                    {time_text(entry.at), "v" + std::to_string(entry.version),
                     secrets_.text(key_.object, field, decision.before) + " -> " +
                         secrets_.text(key_.object, field, decision.value),
                     Cell{hub::name_of(decision.verdict), style_of(decision.verdict)},
                     who_of(decision), Cell{decision.rule, Style::kDim}});
            }
        }
        if (table.rows.empty()) return out_.line("none in the log");
        out_.table(table);
    }

    [[nodiscard]] Value value_of(const Blame& line) const {
        Value::Map map{
            {"field", line.field.name.text},
            {"value", shown(line, line.field.value)},
            {"since", since(line)},
            {"from", line.field.from.platform.empty() ? Value{} : line.field.from.platform.text},
            {"refused_since", number(line.refused)}};
        if (line.entry == nullptr) return map;
        map["version"] = number(line.entry->version);
        map["policy"] = line.entry->policy;
        map["policy_version"] = number(line.entry->policy_version);
        map["inputs"] = Value::List(line.entry->inputs.begin(), line.entry->inputs.end());
        if (!line.entry->trace.empty()) map["trace"] = line.entry->trace;
        map["before"] = shown(line, line.decision->before);
        map[a_person_did(line) ? "action" : "rule"] = line.decision->rule;
        if (line.proposal != nullptr) map["asked_by"] = line.proposal->from.text;
        Value::List told;
        for (const Blame::Told& one : line.told) {
            told.emplace_back(Value::Map{{"platform", one.platform.text},
                                         {"generation", number(one.generation)}});
        }
        map["told"] = std::move(told);
        return map;
    }

private:
    [[nodiscard]] Value shown(const Blame& line, const Value& value) const {
        return secrets_.shown(key_.object, line.field.name, value);
    }
    [[nodiscard]] std::string text(const Blame& line, const Value& value) const {
        return secrets_.text(key_.object, line.field.name, value);
    }
    static Timestamp since(const Blame& line) {
        return line.entry == nullptr ? line.field.from.at : line.entry->at;
    }
    static std::string rule(const Blame& line) {
        return line.decision == nullptr ? "" : line.decision->rule;
    }

    Output& out_;
    const EntityKey& key_;
    const Secrets& secrets_;
};

Result<Exit> show(Program& program, const BlameOptions& options) {
    const auto secrets = program.secrets();
    if (!secrets) return fail(secrets.error());
    const auto session = program.connect();
    if (!session) return fail(session.error());
    const auto located = Sight{program, **session}.locate(ObjectName{options.object}, options.key);
    if (!located) return fail(located.error());
    const auto stored = load_located(**session, *located);
    if (!stored) return fail(stored.error());
    Output& out = program.out();
    auto entries = read_decisions(**session, out, located->key);
    if (!entries) return fail(entries.error());
    FieldName field{options.field};
    const auto policy = program.policy();
    const ObjectSpec* object = policy ? (*policy)->object(located->key.object) : nullptr;
    if (object != nullptr) {
        upcast(*object, *entries);
        field = FieldName{object->name_now(field)};
    }
    std::vector<Blame> lines = blame(stored->state, *entries);
    if (!field.empty()) {
        std::vector<std::string> names;
        for (const Blame& line : lines) names.push_back(line.field.name.text);
        std::erase_if(lines, [&](const Blame& line) { return line.field.name != field; });
        if (lines.empty()) {
            return fail(ErrorKind::kNotFound, "no value of `" + field.text + "` is canonical" +
                                                  did_you_mean(field.text, names));
        }
    }
    BlamePage page{out, located->key, *secrets};
    Value::List list;
    for (const Blame& line : lines) list.push_back(page.value_of(line));
    out.set("entity", located->key.entity.text);
    out.set("fields", std::move(list));
    if (field.empty()) {
        page.table(lines);
    } else {
        page.details(lines.front());
        page.history(*entries, field);
    }
    return verdict(out);
}

}  // namespace

void add_blame(CLI::App& app, Program& program) {
    auto* command = app.add_subcommand(
        "blame", "Why an entity's fields hold what they hold: who, by which rule, instead of what");
    const auto options = std::make_shared<BlameOptions>();
    add_key(*command, options->object, options->key);
    command->add_option("FIELD", options->field, "Only this field, with every decision about it");
    command->callback([&program, options] {
        program.choose("blame", [options](Program& p) { return show(p, *options); });
    });
}

}  // namespace syncline::ctl
