#include <algorithm>
#include <map>
#include <memory>

#include "hub/ctl/cli.h"
#include "hub/ctl/field_values.h"
#include "hub/ctl/program.h"
#include "hub/ctl/text.h"
#include "shared/base/json.h"
#include "shared/model/member.h"
#include "shared/policy/ask.h"
#include "shared/wire/subjects.h"

namespace syncline::ctl {
namespace {

/// How long to wait for one more agent or hub that lists its questions.
constexpr Duration kQuiet = std::chrono::milliseconds{300};

struct AskOptions {
    std::string name;
    std::vector<std::string> fields;
    std::string input;
};

ErrorKind kind_named(const std::string& name) {
    for (int kind = 0; kind <= static_cast<int>(ErrorKind::kInternal); ++kind) {
        if (name == name_of(static_cast<ErrorKind>(kind))) return static_cast<ErrorKind>(kind);
    }
    return ErrorKind::kUnavailable;
}

void show_values(Output& out, const Value* values) {
    const auto* map = values == nullptr ? nullptr : values->get<Value::Map>();
    if (map == nullptr) return;
    for (const auto& [name, value] : *map) {
        out.line({{"  " + name + " ", Style::kDim}, {display(value)}});
    }
}

void show_part(Output& out, const std::string& name, const Value& part) {
    const std::string error = text_member(part, "error");
    const std::string source = text_member(part, "source");
    if (!error.empty()) {
        out.line({{name + "  "}, {error, Style::kRed}});
        return;
    }
    out.line({{name + "  "}, {source, source == "live" ? Style::kGreen : Style::kYellow}});
    show_values(out, member(part, "values"));
}

Exit show_answer(Output& out, const Value& answer) {
    const std::string verdict = text_member(answer, "verdict");
    if (verdict.empty()) {
        show_part(out, text_member(answer, "ask"), answer);
        return Exit::kFine;
    }
    const Style style =
        verdict == "yes" ? Style::kGreen : (verdict == "no" ? Style::kRed : Style::kYellow);
    out.line({{text_member(answer, "ask") + "  "}, {verdict, style}});
    if (const Value* reasons = member(answer, "reasons")) {
        const auto* list = reasons->get<Value::List>();
        for (const Value& reason : list == nullptr ? Value::List{} : *list) {
            const auto* text = reason.get<std::string>();
            if (text != nullptr) out.line("  " + *text);
        }
    }
    show_values(out, member(answer, "values"));
    const Value* parts = member(answer, "parts");
    const auto* map = parts == nullptr ? nullptr : parts->get<Value::Map>();
    if (map != nullptr) {
        for (const auto& [name, part] : *map) show_part(out, name, part);
    }
    return verdict == "yes" ? Exit::kFine : Exit::kFindings;
}

Result<Exit> ask(Program& program, const AskOptions& options) {
    const auto input = field_values(options.fields, options.input);
    if (!input) return fail(input.error());
    const auto session = program.connect();
    if (!session) return fail(session.error());
    const auto name = parse_ask_name(options.name);
    const std::string subject =
        name ? subjects::ask(name->platform, name->operation) : subjects::ask_hubs(options.name);
    const auto told = (*session)->request(subject, to_json(Value{*input}));
    if (!told && told.error().kind == ErrorKind::kUnavailable) {
        return fail(ErrorKind::kNotFound, "nobody answers `" + options.name +
                                              "` now; `synclinectl ask` lists the questions");
    }
    if (!told) return fail(told.error());
    const auto answer = parse_json(*told);
    if (!answer) return fail(answer.error(), "the answer");
    if (const Value* error = member(*answer, "error")) {
        return fail(kind_named(text_member(*error, "kind")), text_member(*error, "text"));
    }
    Output& out = program.out();
    out.set("answer", *answer);
    return show_answer(out, *answer);
}

// ---- The list. ------------------------------------------------------------------------------

struct Offered {
    std::string name;
    std::string api_class;
    std::string version;
    std::string owner;
    std::string description;
    std::string input;
};

/// `customer, amount?` of a JSON Schema.
std::string input_text(const std::string& schema) {
    const auto read = parse_json(schema);
    const Value* properties = read ? member(*read, "properties") : nullptr;
    const auto* map = properties == nullptr ? nullptr : properties->get<Value::Map>();
    if (map == nullptr) return {};
    const Value* required = member(*read, "required");
    const auto* names = required == nullptr ? nullptr : required->get<Value::List>();
    std::string text;
    for (const auto& [name, property] : *map) {
        const bool must = names != nullptr && std::ranges::count(*names, Value{name}) > 0;
        text += (text.empty() ? "" : ", ") + name + (must ? "" : "?");
    }
    return text;
}

void take_info(const Value& info, std::map<std::string, Offered>& all) {
    std::string service = text_member(info, "name");
    if (!service.starts_with("sync-")) return;
    service.erase(0, std::string_view{"sync-"}.size());
    const Value* endpoints = member(info, "endpoints");
    const auto* list = endpoints == nullptr ? nullptr : endpoints->get<Value::List>();
    for (const Value& endpoint : list == nullptr ? Value::List{} : *list) {
        const Value* told = member(endpoint, "metadata");
        const Value metadata = told == nullptr ? Value{} : *told;
        const std::string name = text_member(endpoint, "name");
        Offered offered{.name = service == "hub" ? name : service + "." + name,
                        .api_class = text_member(metadata, "class"),
                        .version = text_member(metadata, "version"),
                        .owner = text_member(metadata, "owner"),
                        .description = text_member(metadata, "description"),
                        .input = input_text(text_member(metadata, "input"))};
        all.insert_or_assign(offered.name, offered);
    }
}

Result<Exit> list(Program& program) {
    const auto session = program.connect();
    if (!session) return fail(session.error());
    auto answers = (*session)->ask_all(subjects::service_info({}), "", kQuiet);
    if (!answers) return fail(answers.error());
    // One in an account of its own hears its name alone.
    const auto there = (*session)->read_all({.stream = std::string{subjects::kStreamAgent},
                                             .filters = {subjects::all_agent_presence()},
                                             .last_per_subject = true});
    if (!there && there.error().kind != ErrorKind::kNotFound) return fail(there.error());
    for (const auto& agent : there ? *there : std::vector<nats::StoredMessage>{}) {
        const auto platform = subjects::last_token(agent.subject);
        if (agent.deleted || !platform) continue;
        const auto told = (*session)->request(
            subjects::service_info(subjects::service_of(PlatformId{*platform})), "");
        if (told) answers->push_back(*told);
    }
    std::map<std::string, Offered> all;
    for (const std::string& answer : *answers) {
        if (const auto info = parse_json(answer)) take_info(*info, all);
    }
    Output& out = program.out();
    Table table{{"QUESTION", "CLASS", "VERSION", "OWNER", "INPUT", "DESCRIPTION"}, {}};
    Value::List listed;
    for (const auto& [name, one] : all) {
        table.rows.push_back(
            {one.name, one.api_class, one.version, one.owner, one.input, one.description});
        listed.emplace_back(Value::Map{{"ask", one.name},
                                       {"class", one.api_class},
                                       {"version", one.version},
                                       {"owner", one.owner},
                                       {"description", one.description}});
    }
    out.set("asks", std::move(listed));
    if (all.empty()) {
        out.line(
            "nobody answers questions now: agents do by [asks] in their files, hubs by the "
            "policy's");
    } else {
        out.table(table);
    }
    return Exit::kFine;
}

}  // namespace

void add_ask(CLI::App& app, Program& program) {
    auto* command = app.add_subcommand(
        "ask",
        "Put a question to a platform or to the hubs, answered at once; without NAME, list "
        "what can be asked");
    const auto options = std::make_shared<AskOptions>();
    command->add_option("name", options->name, "erp.credit_status, or one of the policy's");
    command->add_option("fields", options->fields, "What is asked about: FIELD=VALUE ...");
    command->add_option("--input", options->input, "The same as one JSON object");
    command->footer(
        "Exit code 1: the answer is no, or not known.\n"
        "synclinectl ask erp.credit_status customer=C-1001 amount=250.00");
    command->callback([&program, options] {
        program.choose("ask", [options](Program& p) {
            return options->name.empty() ? list(p) : ask(p, *options);
        });
    });
}

}  // namespace syncline::ctl
