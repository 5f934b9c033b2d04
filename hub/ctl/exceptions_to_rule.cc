#include <algorithm>
#include <memory>

#include "hub/core/state_codec.h"
#include "hub/ctl/exceptions.h"
#include "hub/ctl/exceptions_act.h"
#include "hub/ctl/exceptions_rule.h"
#include "hub/ctl/lookup.h"
#include "hub/ctl/policy_store.h"
#include "shared/policy/check.h"
#include "shared/wire/subjects.h"

namespace syncline::ctl {
namespace {

struct ToRuleOptions {
    std::string object;
    std::string entity;
    std::string exception;
    std::string as;
    std::string directory;  ///< To write the changed policy into; empty: nowhere.
};

/// The policy of --policy, else the one in force, as files.
Result<std::vector<PolicyFile>> files_in_question(Program& program, Session& session) {
    if (!program.globals.policy.empty()) return read_policy_files(program.globals.policy);
    const auto history = read_history(session);
    if (!history) return fail(history.error());
    const StoredVersion* active = history->active();
    if (active == nullptr) {
        return fail(ErrorKind::kNotFound, "no policy is in force; say --policy DIR");
    }
    return read_files(session, active->version);
}

/// The one exception that is meant. kInvalid: they are several.
Result<ExceptionView> one_of(Program& program, Session& session, const ToRuleOptions& options) {
    std::vector<std::string> damaged;
    auto views =
        exceptions_of(program, session, ObjectName{options.object}, options.entity, damaged);
    if (!views) return fail(views.error());
    std::erase_if(*views, [&](const auto& v) { return !is_meant(v.record, options.exception); });
    if (views->empty()) {
        return fail(ErrorKind::kNotFound, options.object + " " + options.entity +
                                              " has no exception " + options.exception);
    }
    if (views->size() == 1) return std::move(views->front());
    std::string names;
    for (const ExceptionView& view : *views) names += " " + name_of(view.record);
    return fail(ErrorKind::kInvalid, "say which one as KIND:" + names);
}

/// What it was about while it was open: its last message does not say so any more.
Result<void> recall(Session& session, ExceptionView& view) {
    if (is_open(view.record)) return {};
    const auto all = session.read_all(
        {.stream = std::string{subjects::kStreamExceptions}, .filters = {view.subject}});
    if (!all) return fail(all.error());
    for (const nats::StoredMessage& message : *all) {
        auto before = hub::decode_exception(message.body);
        if (!before || !is_open(*before)) continue;
        view.record.proposed = std::move(before->proposed);
        view.record.canonical = std::move(before->canonical);
    }
    return {};
}

Result<RuleDecision> decision_of(const ToRuleOptions& options,
                                 const hub::ExceptionRecord& exception) {
    if (options.as.empty()) {
        if (const auto decided = decision_in(exception)) return *decided;
        return fail(ErrorKind::kInvalid,
                    name_of(exception) +
                        " was not settled by a person; say what is to be decided: --as accept, "
                        "reject, discard or immaterial");
    }
    if (const auto named = decision_named(options.as)) return *named;
    return fail(ErrorKind::kInvalid, "--as: there is no decision " + options.as +
                                         "; there are accept, reject, discard, immaterial");
}

/// The files that the rule changes, as they are with it.
Value changed_files(const std::vector<PolicyFile>& before, const std::vector<PolicyFile>& after) {
    Value::Map out;
    for (const PolicyFile& file : after) {
        const auto at = std::ranges::find(before, file.name, &PolicyFile::name);
        if (at == before.end() || at->text != file.text) out.emplace(file.name, file.text);
    }
    return out;
}

/// What `policy check` says of the policy with the rule.
void tell_findings(Output& out, const Policy& policy) {
    for (const syncline::Finding& finding : syncline::check(policy)) {
        const Level level = finding.severity == Severity::kError ? Level::kError : Level::kWarning;
        out.add({level, std::string{finding.code}, finding.message, finding.hint,
                 to_string(finding.place)});
    }
}

Result<Exit> to_rule(Program& program, const ToRuleOptions& options) {
    const auto session = program.connect();
    if (!session) return fail(session.error());
    auto view = one_of(program, **session, options);
    if (!view) return fail(view.error());
    if (auto recalled = recall(**session, *view); !recalled) return fail(recalled.error());
    const auto decision = decision_of(options, view->record);
    if (!decision) return fail(decision.error());
    auto files = files_in_question(program, **session);
    if (!files) return fail(files.error());
    const auto policy = parse_policy(*files);
    if (!policy) return fail(policy.error());
    const auto stored = load_entity(**session, view->record.entity);
    if (!stored) return fail(stored.error());
    const Fields values = *stored ? (*stored)->state.fields() : view->record.canonical;
    auto patch = rule_from(*policy, *files, view->record, values, *decision);
    if (!patch) return fail(patch.error());
    const auto changed = parse_policy(patch->files);
    if (!changed) return fail(changed.error(), "the policy with the rule");
    Output& out = program.out();
    out.line("# " + name_of(view->record) + ", " + name_of(*decision) + ": at " + patch->where,
             Style::kDim);
    out.line("# " + patch->meaning, Style::kDim);
    for (std::size_t at = 0; at < patch->rule.size();) {
        const std::size_t end = patch->rule.find('\n', at);
        out.line(patch->rule.substr(at, end - at));
        at = end + 1;
    }
    out.set("rule", patch->rule);
    out.set("where", patch->where);
    out.set("meaning", patch->meaning);
    out.set("decision", name_of(*decision));
    out.set("changed", changed_files(*files, patch->files));
    tell_findings(out, *changed);
    if (options.directory.empty()) {
        out.line("# --write DIR makes a copy of the policy with it", Style::kDim);
        return verdict(out);
    }
    if (auto written = write_files(options.directory, patch->files); !written) {
        return fail(written.error());
    }
    out.set("directory", options.directory);
    out.line("# " + options.directory +
             " has the policy with it; see what it does: synclinectl policy plan " +
             options.directory);
    return verdict(out);
}

}  // namespace

void add_exception_to_rule(CLI::App& group, Program& program) {
    auto* command =
        group.add_subcommand("to-rule", "The policy's rule that would have decided it so");
    const auto options = std::make_shared<ToRuleOptions>();
    command->add_option("OBJECT", options->object, "The object: customer")->required();
    command->add_option("ENTITY", options->entity, "As listed, or any key of the entity")
        ->required();
    command->add_option("KIND", options->exception, "As listed; needed if there are several");
    command->add_option("--as", options->as,
                        "accept, reject, discard or immaterial; else as a person has settled it");
    command->add_option("--write", options->directory,
                        "A new directory for a copy of the policy with the rule");
    command->callback([&program, options] {
        program.choose("exceptions to-rule",
                       [options](Program& p) { return to_rule(p, *options); });
    });
}

}  // namespace syncline::ctl
