#include <fstream>
#include <memory>

#include "hub/core/state_codec.h"
#include "hub/ctl/audit_core.h"
#include "hub/ctl/cli.h"
#include "hub/ctl/cluster.h"
#include "hub/ctl/program.h"
#include "hub/ctl/text.h"
#include "shared/base/json.h"
#include "shared/base/sha256.h"
#include "shared/base/text_file.h"
#include "shared/wire/subjects.h"

namespace syncline::ctl {
namespace {

struct AuditOptions {
    std::string anchor;        ///< To be compared with.
    std::string write_anchor;  ///< To be written.
    std::uint64_t show = 20;
};

constexpr std::size_t kAnchorBytesMost = std::size_t{1} << 30;

std::string line_of(const AuditHead& head) {
    return to_json(Value::Map{{"object", head.entity.object.text},
                              {"entity", head.entity.entity.text},
                              {"version", number(head.version)},
                              {"hash", hexadecimal(head.hash)}});
}

std::string bytes_of_hex(std::string_view hex) {
    std::string bytes;
    const auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
    for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
        bytes += static_cast<char>(digit(hex[i]) * 16 + digit(hex[i + 1]));
    }
    return bytes;
}

/// kInvalid: a line that is none of an anchor's, with its number.
Result<std::vector<AuditHead>> read_anchor(const std::string& file) {
    std::vector<AuditHead> heads;
    if (file.empty()) return heads;
    const auto text = read_text_file(file, kAnchorBytesMost);
    if (!text) return fail(text.error());
    std::size_t line_number = 0;
    for (std::size_t at = 0; at < text->size();) {
        const std::size_t end = std::min(text->find('\n', at), text->size());
        const std::string_view line = std::string_view{*text}.substr(at, end - at);
        at = end + 1;
        ++line_number;
        const auto value = parse_json(line);
        const Announced in{value && value->get<Value::Map>() ? *value->get<Value::Map>()
                                                             : Value::Map{}};
        const std::string hash = in.text("hash");
        const bool hex =
            hash.size() == 64 && hash.find_first_not_of("0123456789abcdef") == std::string::npos;
        if (!hex || in.text("entity").empty() || in.count("version") == 0) {
            return fail(ErrorKind::kInvalid, file + ":" + std::to_string(line_number) +
                                                 ": no line of an anchor, as --write-anchor "
                                                 "writes it");
        }
        heads.push_back({{ObjectName{in.text("object")}, EntityId{in.text("entity")}},
                         in.count("version"),
                         bytes_of_hex(hash)});
    }
    return heads;
}

Result<void> write_anchor(const std::string& file, const Audit& audit) {
    if (file.empty()) return {};
    std::ofstream out{file, std::ios::binary | std::ios::trunc};
    for (const AuditHead& head : audit.heads()) out << line_of(head) << '\n';
    out.close();
    if (out) return {};
    return fail(ErrorKind::kDenied, file + " cannot be written");
}

Result<Duration> max_age(Session& session, std::string_view stream) {
    const auto info = session.jetstream("STREAM.INFO", stream, Value{Value::Map{}});
    if (!info) return fail(info.error());
    const Value* config = nullptr;
    if (const auto* map = info->get<Value::Map>()) {
        if (const auto at = map->find("config"); at != map->end()) config = &at->second;
    }
    const auto* map = config == nullptr ? nullptr : config->get<Value::Map>();
    const auto age = map == nullptr ? Value::Map::const_iterator{} : map->find("max_age");
    const auto* ns =
        map == nullptr || age == map->end() ? nullptr : age->second.get<std::int64_t>();
    return Duration{ns == nullptr ? 0 : *ns};
}

Result<void> read_log(Session& session, Audit& audit, std::uint64_t last) {
    if (last == 0) return {};
    auto read = session.read_each(
        {.stream = std::string{subjects::kStreamLog}, .filters = {subjects::all_logs()}},
        [&](const nats::InMessage& message) {
            if (message.sequence > last) return Session::More::kEnough;
            audit.take(message.subject, message.sequence, message.stored_at, message.body);
            return message.sequence == last ? Session::More::kEnough : Session::More::kWanted;
        });
    audit.end_of_log();
    return read;
}

Result<void> read_states(Session& session, Audit& audit) {
    std::vector<hub::EntityState> unsure;
    const auto read =
        session.read_each({.stream = std::string{subjects::kStreamState},
                           .filters = {subjects::all_entities()},
                           .last_per_subject = true},
                          [&](const nats::InMessage& message) {
                              auto state = hub::decode_entity(message.body);
                              if (!message.deleted && state && !audit.take_state(*state)) {
                                  unsure.push_back(*std::move(state));
                              }
                              return Session::More::kWanted;
                          });
    if (!read) return read;
    // It may have been decided since the log was read; then its newest entry says so.
    for (const hub::EntityState& state : unsure) {
        const auto newest = session.get_last(subjects::kStreamLog, subjects::log(state.key));
        if (!newest) return fail(newest.error());
        audit.take_newest(
            state, *newest ? std::optional<std::string_view>{(*newest)->body} : std::nullopt);
    }
    return {};
}

/// What is not there by a person's word, each with the entry that says it.
void tell_erasures(Output& out, const Audit& audit) {
    Value::List list;
    for (const auto& [entity, erasure] : audit.erasures()) {
        list.push_back(Value::Map{{"object", entity.object.text},
                                  {"entity", entity.entity.text},
                                  {"sequence", number(erasure.sequence)},
                                  {"entries", number(erasure.entries)}});
        out.line(entity.object.text + " " + entity.entity.text +
                     " was forgotten: " + count_text(erasure.entries, "entry", "entries") +
                     " erased by a person's word, SYNC_LOG sequence " +
                     std::to_string(erasure.sequence),
                 Style::kDim);
    }
    out.set("forgotten", std::move(list));
}

void tell(Output& out, const Audit& audit, const AuditOptions& options) {
    std::uint64_t by_loss = 0;
    for (const AuditProblem& problem : audit.problems) {
        if (is_by_loss(problem.kind)) ++by_loss;
        if (out.findings().size() >= options.show) continue;
        const std::string entity =
            problem.entity.entity.empty()
                ? std::string{}
                : problem.entity.object.text + " " + problem.entity.entity.text;
        const std::string at =
            problem.sequence == 0 ? "" : "SYNC_LOG sequence " + std::to_string(problem.sequence);
        out.add({is_by_loss(problem.kind) ? Level::kWarning : Level::kError, code_of(problem.kind),
                 (entity.empty() ? "" : entity + ": ") + problem.what,
                 is_by_loss(problem.kind) ? "See broker.amnesia in `exceptions list`" : "", at});
    }
    out.set("entries", number(audit.entries));
    out.set("entities", number(audit.entities()));
    out.set("repeated", number(audit.repeated));
    out.set("unchained", number(audit.unchained));
    out.set("states", number(audit.states));
    out.set("problems", number(audit.problems.size()));
    out.set("by_loss", number(by_loss));
    out.line(count_text(audit.entries, "entry", "entries") + " of " +
             count_text(audit.entities(), "entity", "entities") + ", " +
             std::to_string(audit.states) + " with a state that names the newest");
    tell_erasures(out, audit);
    if (audit.unchained > 0) {
        out.line(std::to_string(audit.unchained) + " by hubs that did not chain them yet",
                 Style::kDim);
    }
    if (!options.anchor.empty()) {
        out.set("anchored", number(audit.anchored));
        out.line(std::to_string(audit.anchored) + " are as the anchor says");
    }
    const std::size_t wrong = audit.problems.size();
    if (wrong == 0) return out.line("nothing was altered, removed or moved", Style::kGreen);
    out.line(
        count_text(wrong, "problem", "problems") + ", " + std::to_string(by_loss) +
            " of which a lost store explains" +
            (wrong > options.show ? "; the first " + std::to_string(options.show) + " are shown"
                                  : ""),
        wrong == by_loss ? Style::kYellow : Style::kRed);
}

Result<Exit> verify(Program& program, const AuditOptions& options) {
    auto anchor = read_anchor(options.anchor);
    if (!anchor) return fail(anchor.error());
    const auto session = program.connect();
    if (!session) return fail(session.error());
    const auto info = (*session)->stream_info(subjects::kStreamLog);
    if (!info) return fail(info.error());
    const auto age = max_age(**session, subjects::kStreamLog);
    if (!age) return fail(age.error());
    Audit audit{{info->first_sequence, info->last_sequence, program.clock().now(), *age},
                *std::move(anchor)};
    if (auto read = read_log(**session, audit, info->last_sequence); !read) {
        return fail(read.error());
    }
    if (auto read = read_states(**session, audit); !read) return fail(read.error());
    tell(program.out(), audit, options);
    if (auto written = write_anchor(options.write_anchor, audit); !written) {
        return fail(written.error());
    }
    return verdict(program.out());
}

}  // namespace

void add_audit(CLI::App& app, Program& program) {
    auto* audit = app.add_subcommand(
        "audit", "Is the decision log what the hubs wrote, and are states what the inputs make?");
    audit->require_subcommand(1);
    auto* command = audit->add_subcommand(
        "verify", "Finds entries that were altered, removed or moved; the log is only read");
    const auto options = std::make_shared<AuditOptions>();
    command->add_option("--anchor", options->anchor,
                        "A file that --write-anchor wrote: what it has must still stand");
    command->add_option(
        "--write-anchor", options->write_anchor,
        "Writes the newest entry of each entity and its hash, to be kept elsewhere");
    command->add_option("--show", options->show, "How many problems to show")
        ->capture_default_str();
    command->callback([&program, options] {
        program.choose("audit verify", [options](Program& p) { return verify(p, *options); });
    });
    add_audit_rebuild(*audit, program);
}

}  // namespace syncline::ctl
