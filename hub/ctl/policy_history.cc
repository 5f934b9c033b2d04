#include <memory>

#include "hub/ctl/cli.h"
#include "hub/ctl/policy_store.h"
#include "hub/ctl/program.h"
#include "hub/ctl/text.h"

namespace syncline::ctl {
namespace {

struct Standing {
    std::string text;
    Style style = Style::kPlain;
};

Standing standing_of(const StoredVersion& stored, const PolicyHistory& history) {
    const StoredVersion* active = history.active();
    if (active == &stored) return {"in force", Style::kGreen};
    if (stored.was_in_force()) return {"replaced", Style::kDim};
    if (active != nullptr && stored.version.base != active->version.number) {
        return {"outdated", Style::kDim};
    }
    if (!stored.refused.empty()) return {"refused", Style::kRed};
    return {"waits", Style::kYellow};
}

Value value_of(const StoredVersion& stored, const std::string& standing) {
    const PolicyVersion& version = stored.version;
    Value::List approvals;
    for (const PolicyApproval& approval : stored.approvals) {
        approvals.emplace_back(Value::Map{
            {"actor", approval.actor}, {"reason", approval.reason}, {"at", approval.at}});
    }
    Value::Map map{{"version", number(version.number)},
                   {"standing", standing},
                   {"name", version.name},
                   {"hash", version.hash},
                   {"author", version.author},
                   {"reason", version.reason},
                   {"at", version.at},
                   {"base", number(version.base)},
                   {"plan", version.plan},
                   {"approvals", std::move(approvals)}};
    if (version.restores != 0) map["restores"] = number(version.restores);
    if (!stored.refused.empty()) map["refused"] = stored.refused;
    if (stored.start) {
        map["in_force_at"] = stored.start->at;
        map["sequence"] = number(stored.start->sequence);
    }
    return map;
}

Result<Exit> show_history(Program& program) {
    const auto session = program.connect();
    if (!session) return fail(session.error());
    const auto history = read_history(**session);
    if (!history) return fail(history.error());
    Output& out = program.out();
    Table table{{"VERSION", "STANDING", "POLICY", "FROM INPUT", "MADE", "BY", "REASON"}, {}};
    Value::List list;
    for (auto at = history->versions.rbegin(); at != history->versions.rend(); ++at) {
        const StoredVersion& stored = at->second;
        const Standing standing = standing_of(stored, *history);
        std::string by = stored.version.author;
        for (const PolicyApproval& approval : stored.approvals) by += ", " + approval.actor;
        const std::string from = stored.start     ? std::to_string(stored.start->sequence)
                                 : at->first == 1 ? "the first"
                                                  : "-";
        std::string reason = stored.version.reason;
        if (stored.version.restores != 0) {
            reason = "(as version " + std::to_string(stored.version.restores) + ") " + reason;
        }
        table.rows.push_back({number_cell(at->first), Cell{standing.text, standing.style},
                              short_hash(stored.version.hash), right_cell(from),
                              time_text(stored.version.at), by, reason});
        list.push_back(value_of(stored, standing.text));
    }
    out.set("versions", std::move(list));
    if (table.rows.empty()) {
        out.line("There is no policy yet: synclinectl policy apply DIR --reason TEXT");
    } else {
        out.table(table);
    }
    return Exit::kFine;
}

struct ExportOptions {
    std::uint64_t version = 0;
    std::string directory;
};

/// The version that is meant, and its files.
Result<std::pair<StoredVersion, std::vector<PolicyFile>>> version_meant(Program& program,
                                                                        std::uint64_t meant) {
    const auto session = program.connect();
    if (!session) return fail(session.error());
    const auto history = read_history(**session);
    if (!history) return fail(history.error());
    const StoredVersion* wanted = history->active();
    if (meant != 0) {
        const auto at = history->versions.find(meant);
        wanted = at == history->versions.end() ? nullptr : &at->second;
    }
    if (wanted == nullptr) {
        return fail(ErrorKind::kNotFound,
                    "there is no such version; see synclinectl policy history");
    }
    auto files = read_files(**session, wanted->version);
    if (!files) return fail(files.error());
    program.out().set("version", value_of(*wanted, standing_of(*wanted, *history).text));
    return std::pair{*wanted, *std::move(files)};
}

Result<Exit> show_version(Program& program, std::uint64_t meant) {
    const auto found = version_meant(program, meant);
    if (!found) return fail(found.error());
    Output& out = program.out();
    Value::Map files;
    for (const PolicyFile& file : found->second) {
        files.emplace(file.name, file.text);
        out.heading("# " + file.name);
        out.line(std::string_view{file.text});
    }
    out.set("files", std::move(files));
    return Exit::kFine;
}

Result<Exit> export_version(Program& program, const ExportOptions& options) {
    const auto found = version_meant(program, options.version);
    if (!found) return fail(found.error());
    const auto& [stored, files] = *found;
    if (auto written = write_files(options.directory, files); !written) {
        return fail(written.error());
    }
    program.out().set("version", number(stored.version.number));
    program.out().set("files", number(files.size()));
    program.out().line("version " + std::to_string(stored.version.number) + ": " +
                       count_text(files.size(), "file", "files") + " in " + options.directory);
    return Exit::kFine;
}

}  // namespace

void add_policy_history(CLI::App& policy, Program& program) {
    auto* history = policy.add_subcommand(
        "history",
        "The versions of the policy: who made them, why, and since when they are in force");
    history->callback([&program] { program.choose("policy history", show_history); });
    auto* show = policy.add_subcommand("show", "The files of a version");
    const auto shown = std::make_shared<std::uint64_t>(0);
    show->add_option("--version", *shown, "Its number [the one in force]");
    show->callback([&program, shown] {
        program.choose("policy show", [shown](Program& p) { return show_version(p, *shown); });
    });
    auto* files = policy.add_subcommand("export", "Writes a version's files into a new directory");
    const auto options = std::make_shared<ExportOptions>();
    files->add_option("DIR", options->directory, "The directory")->required();
    files->add_option("--version", options->version, "Its number [the one in force]");
    files->callback([&program, options] {
        program.choose("policy export",
                       [options](Program& p) { return export_version(p, *options); });
    });
}

}  // namespace syncline::ctl
