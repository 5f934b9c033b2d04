#include "hub/ctl/contracts.h"

#include <filesystem>
#include <memory>

#include "hub/ctl/cli.h"
#include "hub/ctl/policy_store.h"
#include "hub/ctl/program.h"
#include "hub/ctl/text.h"
#include "shared/base/json.h"
#include "shared/contracts/asyncapi.h"
#include "shared/contracts/compatibility.h"
#include "shared/contracts/json_schema.h"
#include "shared/policy/policy_toml.h"

// The contracts of a policy's objects, for programs that do not know the policy.

namespace syncline::ctl {
namespace {

struct ExportOptions {
    std::string directory;
    std::uint64_t version = 0;  ///< Of those that hubs keep; 0: the one in force.
    std::string format = "json-schema";
    std::string object;
    std::string out;
};

Result<Policy> stored_version(Program& program, std::uint64_t number) {
    const auto session = program.connect();
    if (!session) return fail(session.error());
    const auto history = read_history(**session);
    if (!history) return fail(history.error());
    const auto at = history->versions.find(number);
    if (at == history->versions.end()) {
        return fail(ErrorKind::kNotFound, "there is no version " + std::to_string(number) +
                                              "; see synclinectl policy history");
    }
    return read_policy(**session, at->second.version);
}

Result<Policy> policy_of(Program& program, const ExportOptions& options) {
    if (!options.directory.empty()) return load_policy(options.directory);
    if (options.version != 0) return stored_version(program, options.version);
    return named_policy(program, "active");
}

/// Each document by the name of its file.
Value::Map documents_of(const Policy& policy, const ExportOptions& options) {
    Value::Map documents;
    if (options.format == "asyncapi") {
        documents["asyncapi.json"] = contracts::asyncapi_document(policy);
        return documents;
    }
    for (const ObjectSpec& object : policy.objects) {
        if (!options.object.empty() && object.name.text != options.object) continue;
        documents[contracts::contract_name(object) + ".schema.json"] =
            contracts::record_schema(policy, object);
    }
    if (!options.object.empty()) return documents;
    for (const CatalogueEvent& event : event_catalogue(policy)) {
        documents["event." + event.name + ".v" + std::to_string(event.version) + ".schema.json"] =
            contracts::event_schema(policy, event);
    }
    for (const Workflow& workflow : policy.workflows) {
        documents["process." + workflow.name.text + ".v" + std::to_string(workflow.version) +
                  ".schema.json"] = contracts::process_schema(policy, workflow);
    }
    return documents;
}

void print(Output& out, const std::string& text) {
    std::string_view rest = text;
    while (!rest.empty()) {
        const auto end = rest.find('\n');
        out.line(rest.substr(0, end));
        rest.remove_prefix(std::min(end, rest.size() - 1) + 1);
    }
}

Result<Exit> export_contracts(Program& program, const ExportOptions& options) {
    if (!options.directory.empty() && options.version != 0) {
        return fail(ErrorKind::kInvalid, "DIR and --version exclude each other: whose contracts?");
    }
    if (options.format == "asyncapi" && !options.object.empty()) {
        return fail(ErrorKind::kInvalid,
                    "--object is for json-schema: an AsyncAPI document is of all objects");
    }
    const auto policy = policy_of(program, options);
    if (!policy) return fail(policy.error());
    const Value::Map documents = documents_of(*policy, options);
    if (documents.empty()) {
        return fail(ErrorKind::kNotFound, "the policy has no object " + options.object);
    }
    Output& out = program.out();
    out.set("policy", policy->name);
    out.set("hash", policy->hash);
    out.set("format", options.format);
    if (options.out.empty()) {
        out.set("documents", documents);
        // One as it is; several by their names, so that it is one JSON text all the same.
        print(out,
              to_json_lines(documents.size() == 1 ? documents.begin()->second : Value{documents}));
        return Exit::kFine;
    }
    std::vector<PolicyFile> files;
    Value::List names;
    for (const auto& [name, document] : documents) {
        files.push_back({name, to_json_lines(document)});
        names.emplace_back(name);
    }
    if (auto written = write_files(options.out, files); !written) return fail(written.error());
    out.set("files", std::move(names));
    out.line(count_text(files.size(), "file", "files") + " in " + options.out);
    return Exit::kFine;
}

// ---- Comparing. -----------------------------------------------------------------------------

struct CheckOptions {
    std::string before;
    std::string after;
};

Value value_of(const contracts::ContractChange& change) {
    const contracts::Breaks breaks = contracts::breaks(change.difference);
    return Value::Map{{"object", change.object.text},
                      {"field", change.field.text},
                      {"difference", std::string{name_of(change.difference)}},
                      {"what", change.what},
                      {"place", to_string(change.place)},
                      {"breaks_backward", breaks.backward},
                      {"breaks_forward", breaks.forward},
                      {"promised", name_of(change.promised)},
                      {"broken", change.broken},
                      {"version_raised", change.raised},
                      {"refused", change.is_refused()}};
}

Cell verdict_cell(const contracts::ContractChange& change) {
    if (change.is_refused()) return {"refused", Style::kRed};
    if (change.broken) return {"by version", Style::kYellow};
    return {"taken", Style::kGreen};
}

void show_changes(Output& out, const std::vector<contracts::ContractChange>& changes) {
    Table table{{"OBJECT", "FIELD", "CHANGE", "BACKWARD", "FORWARD", "PROMISED", "VERDICT"}, {}};
    Value::List list;
    const auto side = [](bool broken) {
        return broken ? Cell{"broken", Style::kYellow} : Cell{"kept"};
    };
    for (const contracts::ContractChange& change : changes) {
        const contracts::Breaks breaks = contracts::breaks(change.difference);
        table.rows.push_back({change.object.text, change.field.text,
                              std::string{name_of(change.difference)}, side(breaks.backward),
                              side(breaks.forward), name_of(change.promised),
                              verdict_cell(change)});
        list.push_back(value_of(change));
    }
    out.set("changes", std::move(list));
    if (table.rows.empty()) {
        out.line("the contracts are the same", Style::kGreen);
    } else {
        out.table(table);
    }
}

bool is_directory(const std::string& name) {
    std::error_code error;
    return std::filesystem::is_directory(name, error);
}

Result<Exit> check_contracts(Program& program, const CheckOptions& options) {
    const auto before = named_policy(program, options.before);
    if (!before) return fail(before.error());
    const auto after = named_policy(program, options.after);
    if (!after) return fail(after.error());
    Output& out = program.out();
    out.set("before", before->hash);
    out.set("after", after->hash);
    show_changes(out, contracts::changes_between(*before, *after));
    add_findings(out, is_directory(options.after) ? options.after : "",
                 contracts::check_evolution(*before, *after));
    return out.has(Level::kError) ? Exit::kFindings : Exit::kFine;
}

void add_check(CLI::App& group, Program& program) {
    auto* command = group.add_subcommand(
        "check", "What NEW changes in the contracts of OLD, and whether that was promised not to");
    const auto options = std::make_shared<CheckOptions>();
    const std::string what = "A directory, the number of a version, or `active`";
    command->add_option("OLD", options->before, what)->required();
    command->add_option("NEW", options->after, what)->required();
    command->callback([&program, options] {
        program.choose("contracts check",
                       [options](Program& p) { return check_contracts(p, *options); });
    });
}

}  // namespace

Result<Policy> named_policy(Program& program, const std::string& name) {
    const bool digits = !name.empty() && name.find_first_not_of("0123456789") == std::string::npos;
    // A directory of such a name can be written "./7".
    if (digits && name.size() < 19) return stored_version(program, std::stoull(name));
    if (name != "active") return load_policy(name);
    const auto policy = program.policy();
    if (!policy) return fail(policy.error());
    return **policy;
}

void add_findings(Output& out, const std::string& directory,
                  const std::vector<syncline::Finding>& findings) {
    const std::string folder =
        directory.empty() || directory.ends_with('/') ? directory : directory + "/";
    for (const syncline::Finding& found : findings) {
        out.add({found.severity == Severity::kError ? Level::kError : Level::kWarning,
                 std::string{found.code}, found.message, found.hint,
                 folder + to_string(found.place)});
    }
}

void add_contracts(CLI::App& app, Program& program) {
    auto* group = app.add_subcommand(
        "contracts",
        "What objects, events and processes may hold: export it, compare two versions");
    group->require_subcommand(1);
    add_check(*group, program);
    auto* command = group->add_subcommand(
        "export", "The contracts as JSON Schema, or all messages under them as AsyncAPI");
    const auto options = std::make_shared<ExportOptions>();
    command->add_option("DIR", options->directory,
                        "The directory with the policy [the version in force]");
    command->add_option("--version", options->version, "A version of the policy, by its number");
    command->add_option("--format", options->format, "json-schema or asyncapi")
        ->check(CLI::IsMember({"json-schema", "asyncapi"}))
        ->capture_default_str();
    command->add_option("--object", options->object, "Only the schema of this object");
    command->add_option("--out", options->out, "Write files into this new directory");
    command->callback([&program, options] {
        program.choose("contracts export",
                       [options](Program& p) { return export_contracts(p, *options); });
    });
}

}  // namespace syncline::ctl
