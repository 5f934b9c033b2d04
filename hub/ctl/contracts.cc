#include <memory>

#include "hub/ctl/cli.h"
#include "hub/ctl/policy_store.h"
#include "hub/ctl/program.h"
#include "hub/ctl/text.h"
#include "shared/base/json.h"
#include "shared/contracts/asyncapi.h"
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

Result<Policy> policy_of(Program& program, const ExportOptions& options) {
    if (!options.directory.empty()) return load_policy(options.directory);
    if (options.version == 0) {
        const auto policy = program.policy();
        if (!policy) return fail(policy.error());
        return **policy;
    }
    const auto session = program.connect();
    if (!session) return fail(session.error());
    const auto history = read_history(**session);
    if (!history) return fail(history.error());
    const auto at = history->versions.find(options.version);
    if (at == history->versions.end()) {
        return fail(ErrorKind::kNotFound, "there is no version " + std::to_string(options.version) +
                                              "; see synclinectl policy history");
    }
    return read_policy(**session, at->second.version);
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

}  // namespace

void add_contracts(CLI::App& app, Program& program) {
    auto* group = app.add_subcommand(
        "contracts", "What the fields of each object may hold: export it, compare two versions");
    group->require_subcommand(1);
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
