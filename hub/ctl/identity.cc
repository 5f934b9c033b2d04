#include <algorithm>
#include <memory>
#include <set>

#include "hub/core/state_codec.h"
#include "hub/ctl/actor.h"
#include "hub/ctl/cli.h"
#include "hub/ctl/identity_plan.h"
#include "hub/ctl/lookup.h"
#include "hub/ctl/operations.h"
#include "hub/ctl/program.h"
#include "hub/ctl/sight.h"
#include "hub/ctl/text.h"
#include "shared/wire/codec.h"
#include "shared/wire/subjects.h"

// Which records are one: merge, unmerge, link, unlink.

namespace syncline::ctl {
namespace {

using hub::OperationKind;

struct IdentityOptions {
    OperationKind kind = OperationKind::kMerge;
    std::string object;
    std::string what;   ///< Whose records: of kMerge the one that stays.
    std::string other;  ///< Of kMerge the one that goes; of kLink the entity.
    std::string reason;
    std::string wait = "10s";
    bool yes = false;
};

/// What is to be asked, and of whom.
struct Request {
    hub::Operation operation;
    hub::EntityState giver;
};

Result<hub::EntityState> state_of(Program& program, Session& session, const ObjectName& object,
                                  const std::string& text) {
    const auto located = Sight{program, session}.locate(object, text);
    if (!located) return fail(located.error());
    auto stored = load_located(session, *located);
    if (!stored) return fail(stored.error());
    return std::move(stored->state);
}

/// The same of one that lives.
Result<hub::EntityState> living(Program& program, Session& session, const ObjectName& object,
                                const std::string& text) {
    auto state = state_of(program, session, object, text);
    if (!state || !state->is_merged()) return state;
    return fail(ErrorKind::kConflict, object.text + " " + state->key.entity.text +
                                          " is merged into " + state->merged_into.text +
                                          " already; name that one, or take it out again: "
                                          "synclinectl unmerge " +
                                          object.text + " " + state->key.entity.text);
}

Result<RecordKey> record_of(const ObjectName& object, const std::string& text) {
    const auto colon = text.find(':');
    if (colon == std::string::npos || colon == 0 || colon + 1 == text.size()) {
        return fail(ErrorKind::kInvalid,
                    "'" + text + "' is no record; write PLATFORM:RECORD-ID, as `entity show` does");
    }
    return RecordKey{PlatformId{text.substr(0, colon)}, object, RecordId{text.substr(colon + 1)}};
}

/// What was told of a record that belongs to none, from the exception that keeps it.
Result<std::string> stray_change(Session& session, const RecordKey& record) {
    const EntityKey kept_as{record.object, founded_entity(record)};
    for (const std::string_view kind : {exceptions::kAmbiguous, exceptions::kUnmatched}) {
        const std::string name = std::string{kind} + "@" + record.platform.text;
        const auto stored =
            session.get_last(subjects::kStreamExceptions, subjects::exception(kept_as, name));
        if (!stored) return fail(stored.error());
        if (!*stored || (*stored)->deleted) continue;
        const auto exception = hub::decode_exception((*stored)->body);
        if (exception && exception->status == hub::ExceptionStatus::kOpen) return exception->raw;
    }
    return fail(ErrorKind::kNotFound,
                "record " + record.platform.text + ":" + record.record.text + " belongs to no " +
                    record.object.text +
                    ", and no exception keeps it; is it written as the platform has it? "
                    "`synclinectl exceptions list` shows what was never placed");
}

Result<Request> merge(Program& program, Session& session, const IdentityOptions& options) {
    const ObjectName object{options.object};
    auto keep = living(program, session, object, options.what);
    if (!keep) return fail(keep.error());
    auto gone = living(program, session, object, options.other);
    if (!gone) return fail(gone.error());
    Request request{{}, *std::move(gone)};
    request.operation.other = keep->key.entity;
    return request;
}

Result<Request> unmerge(Program& program, Session& session, const IdentityOptions& options) {
    const ObjectName object{options.object};
    auto gone = state_of(program, session, object, options.what);
    if (!gone) return fail(gone.error());
    if (!gone->is_merged()) {
        std::string names;
        for (const hub::TakenIn& taken : gone->taken_in) names += " " + taken.entity.text;
        return fail(ErrorKind::kConflict, object.text + " " + gone->key.entity.text +
                                              " is not merged into another" +
                                              (names.empty() ? std::string{", nor another into it"}
                                                             : "; into it were merged:" + names));
    }
    auto keep = living(program, session, object, gone->merged_into.text);
    if (!keep) return fail(keep.error());
    Request request{{}, *std::move(keep)};
    request.operation.other = gone->key.entity;
    return request;
}

Result<Request> move(Program& program, Session& session, const IdentityOptions& options) {
    const ObjectName object{options.object};
    const auto record = record_of(object, options.what);
    if (!record) return fail(record.error());
    Request request;
    request.operation.platform = record->platform;
    request.operation.record = record->record;
    if (options.kind == OperationKind::kLink) {
        auto to = living(program, session, object, options.other);
        if (!to) return fail(to.error());
        request.operation.other = to->key.entity;
        request.giver = *std::move(to);
    }
    const auto link = session.get_last(subjects::kStreamState, subjects::link(*record));
    if (!link) return fail(link.error());
    const auto holder = *link && !(*link)->deleted ? wire::decode_reference((*link)->body)
                                                   : Result<EntityId>{EntityId{}};
    if (holder && !holder->empty()) {
        auto giver = state_of(program, session, object, holder->text);
        if (!giver) return fail(giver.error());
        request.giver = *std::move(giver);
        return request;
    }
    if (options.kind == OperationKind::kUnlink) {
        return fail(ErrorKind::kNotFound, "record " + options.what + " belongs to no " +
                                              object.text + "; there is nothing to take apart");
    }
    // What belongs to nothing is of no region.
    if (auto seen = Sight{program, session}.check({object, founded_entity(*record)}, options.what);
        !seen) {
        return fail(seen.error());
    }
    auto change = stray_change(session, *record);
    if (!change) return fail(change.error());
    request.operation.change = *std::move(change);
    request.operation.other = {};
    return request;
}

Result<Request> request_of(Program& program, Session& session, const IdentityOptions& options) {
    auto request = options.kind == OperationKind::kMerge     ? merge(program, session, options)
                   : options.kind == OperationKind::kUnmerge ? unmerge(program, session, options)
                                                             : move(program, session, options);
    if (!request) return request;
    hub::Operation& operation = request->operation;
    operation.kind = options.kind;
    operation.entity = request->giver.key;
    operation.id = unique_id(program.clock());
    operation.actor = program.actor();
    operation.reason = options.reason;
    operation.at = program.clock().now();
    return request;
}

// ---- What would come of it. -------------------------------------------------------------------

std::string records_text(const hub::EntityState& state) {
    std::string text;
    const auto add = [&](const PlatformId& platform, const RecordId& record, const char* remark) {
        text += (text.empty() ? "" : ", ") + platform.text + ":" + record.text + remark;
    };
    for (const hub::RecordState& record : state.records) {
        if (record.presence == hub::Presence::kPresent && record.record) {
            add(record.platform, *record.record, "");
        }
        for (const hub::OtherRecord& other : record.others) {
            if (other.standing != hub::OtherRecord::Standing::kGone) {
                add(record.platform, other.record, " (a second one)");
            }
        }
    }
    return text.empty() ? "none" : text;
}

void show_fields(Output& out, const IdentityPlan& plan, const hub::EntityState& giver_before,
                 const Secrets& secrets) {
    std::set<FieldName> names;
    for (const auto& field : giver_before.canonical) names.insert(field.name);
    for (const auto& field : plan.taker.canonical) names.insert(field.name);
    const ObjectName& object = plan.taker.key.object;
    Table table{{"FIELD", giver_before.key.entity.text, plan.taker.key.entity.text,
                 plan.taker.key.entity.text + " AFTERWARDS"},
                {},
                40};
    Value::List list;
    for (const FieldName& name : names) {
        const auto value_in = [&](const hub::EntityState* state) {
            const hub::CanonicalField* field = state == nullptr ? nullptr : state->find(name);
            return field == nullptr ? Value{} : field->value;
        };
        const Value given = value_in(&giver_before);
        const Value before = value_in(plan.before ? &*plan.before : nullptr);
        const Value after = value_in(&plan.taker);
        const bool changes = !(before == after);
        table.rows.push_back(
            {name.text, secrets.text(object, name, given), secrets.text(object, name, before),
             Cell{secrets.text(object, name, after), changes ? Style::kYellow : Style::kPlain}});
        list.push_back(Value::Map{{"field", name.text},
                                  {"giver", secrets.shown(object, name, given)},
                                  {"before", secrets.shown(object, name, before)},
                                  {"after", secrets.shown(object, name, after)}});
    }
    out.table(table);
    out.set("fields", std::move(list));
}

void show_plan(Output& out, const IdentityPlan& plan, const hub::EntityState& giver_before,
               const Secrets& secrets) {
    show_fields(out, plan, giver_before, secrets);
    const bool two = plan.giver.key != plan.taker.key;
    if (two && !plan.giver.is_merged()) {
        out.line(plan.giver.key.entity.text + " then has " + records_text(plan.giver));
    }
    out.line(plan.taker.key.entity.text + " then has " + records_text(plan.taker));
    out.set("giver", value_of(plan.giver, secrets));
    out.set("taker", value_of(plan.taker, secrets));
    Value::List commands;
    if (!plan.commands.empty()) out.heading("Commands");
    for (const Command& command : plan.commands) {
        out.line(line_of(command, secrets));
        commands.push_back(value_of(command, secrets));
    }
    out.set("commands", std::move(commands));
    bool any = false;
    for (const hub::OpenException& open : plan.taker.exceptions) {
        const bool before =
            plan.before && std::ranges::any_of(plan.before->exceptions, [&](const auto& one) {
                return one.kind == open.kind && one.platform == open.platform;
            });
        if (before) continue;
        if (!std::exchange(any, true)) out.heading("Exceptions");
        out.line(
            {Cell{open.kind + "@" + open.platform.text, Style::kYellow}, Cell{" " + open.reason}});
    }
}

// ---- Doing it. --------------------------------------------------------------------------------

enum class Progress : std::uint8_t { kUndecided, kUnderWay, kDone, kRefused };

struct Seen {
    Progress progress = Progress::kUndecided;
    std::string why;  ///< For kRefused.
};

/// What the log says of the operation, where no handover in the state does.
Seen look_in_log(const hub::LogEntry& entry, const hub::Operation& operation) {
    const bool ours =
        std::ranges::find(entry.inputs, "operation " + operation.id) != entry.inputs.end();
    if (!ours) return {};
    if (entry.refused && entry.refused->operation == operation.id) {
        return {Progress::kRefused, entry.refused->why};
    }
    const std::string linked =
        operation.platform.text + " record " + operation.record.text + " linked";
    const bool done = std::ranges::any_of(
        entry.notes, [&](const std::string& note) { return note.starts_with(linked); });
    return {done ? Progress::kDone : Progress::kUndecided, {}};
}

/// What the hubs have made of the operation so far.
Result<Seen> look(Session& session, const hub::Operation& operation) {
    // The log first: it is written after the state, which then is at least as new.
    const auto log = session.get_last(subjects::kStreamLog, subjects::log(operation.entity));
    if (!log) return fail(log.error());
    const auto stored = load_entity(session, operation.entity);
    if (!stored) return fail(stored.error());
    if (!*stored) return Seen{};
    const auto& handovers = (*stored)->state.handovers;
    const auto at = std::ranges::find(handovers, operation.id, &hub::Handover::id);
    if (at != handovers.end()) {
        return Seen{at->records.empty() ? Progress::kDone : Progress::kUnderWay, {}};
    }
    const auto entry = *log ? hub::decode_log_entry((*log)->body)
                            : Result<hub::LogEntry>{fail(ErrorKind::kNotFound, "")};
    return entry ? look_in_log(*entry, operation) : Seen{};
}

Result<Seen> wait_for(Session& session, const hub::Operation& operation, Duration most) {
    Seen last;
    const auto looked = look_until(session, most, [&]() -> Result<bool> {
        auto seen = look(session, operation);
        if (!seen) return fail(seen.error());
        last = *std::move(seen);
        return last.progress == Progress::kDone || last.progress == Progress::kRefused;
    });
    if (!looked) return fail(looked.error());
    return last;
}

void tell(Output& out, const IdentityOptions& options, const Request& request, const Seen& seen) {
    const std::string show =
        "synclinectl log " + options.object + " " + request.giver.key.entity.text;
    switch (seen.progress) {
        case Progress::kDone:
            out.line(
                {Cell{std::string{hub::name_of(options.kind)} + " "}, Cell{"done", Style::kGreen}});
            break;
        case Progress::kRefused:
            out.add({Level::kError,
                     "identity.refused",
                     "the hub has not done it: " + seen.why,
                     show,
                     {}});
            break;
        case Progress::kUnderWay:
            out.add({Level::kWarning,
                     "identity.under_way",
                     "the records have not arrived yet",
                     "They will: " + show,
                     {}});
            break;
        case Progress::kUndecided:
            out.add({Level::kWarning,
                     "identity.not_decided_yet",
                     "it is stored, but no hub has decided it yet",
                     "It will be, once a hub holds the partition: synclinectl status",
                     {}});
            break;
    }
}

Result<Exit> run(Program& program, const IdentityOptions& options) {
    const auto wait = parse_duration(options.wait);
    if (!wait) return fail(wait.error(), "--wait");
    const auto policy = program.policy();
    if (!policy) return fail(policy.error());
    const auto secrets = program.secrets();
    if (!secrets) return fail(secrets.error());
    if ((*policy)->object(ObjectName{options.object}) == nullptr) {
        return fail(ErrorKind::kNotFound, "the policy has no object " + options.object);
    }
    const auto session = program.connect();
    if (!session) return fail(session.error());
    const auto request = request_of(program, **session, options);
    if (!request) return fail(request.error());
    const auto find = [&](const EntityKey& key) -> Result<std::optional<hub::EntityState>> {
        auto stored = load_entity(**session, key);
        if (!stored) return fail(stored.error());
        if (!*stored) return std::nullopt;
        return std::move((*stored)->state);
    };
    const auto plan =
        plan_identity(**policy, request->giver, request->operation, program.clock().now(), find);
    if (!plan) return fail(plan.error());
    if (!plan->refused.empty()) return fail(ErrorKind::kConflict, plan->refused);
    Output& out = program.out();
    show_plan(out, *plan, request->giver, *secrets);
    out.set("dry_run", !options.yes);
    if (!options.yes) {
        out.line();
        out.line("nothing was done: add --yes to do it");
        return verdict(out);
    }
    if (auto done = publish_operation(**session, request->operation); !done)
        return fail(done.error());
    out.set("id", request->operation.id);
    out.set("actor", request->operation.actor);
    const auto seen = wait_for(**session, request->operation, *wait);
    if (!seen) return fail(seen.error());
    out.set("done", seen->progress == Progress::kDone);
    tell(out, options, *request, *seen);
    return verdict(out);
}

void add(CLI::App& app, Program& program, OperationKind kind, const char* help) {
    const std::string name = hub::name_of(kind);
    auto* command = app.add_subcommand(name, help);
    const auto options = std::make_shared<IdentityOptions>();
    options->kind = kind;
    command->add_option("object", options->object, "Object, as the policy calls it")->required();
    const char* entity = "An entity: its id, PLATFORM:RECORD-ID, or the value of a match key";
    const bool merges = kind == OperationKind::kMerge;
    if (merges) {
        command->add_option("keep", options->what, "The one that stays: id, record or match key")
            ->required();
        command->add_option("other", options->other, "The one whose records it gets")->required();
    } else if (kind == OperationKind::kUnmerge) {
        command->add_option("entity", options->what, "The one that was merged; its id is best")
            ->required();
    } else {
        command->add_option("record", options->what, "PLATFORM:RECORD-ID")->required();
        if (kind == OperationKind::kLink) {
            command->add_option("entity", options->other, entity)->required();
        }
    }
    command->add_option("--reason", options->reason, "Why; goes into the log");
    command->add_flag("--yes,-y", options->yes, "Do it; else it is only shown");
    command->add_option("--wait", options->wait, "How long to wait for the hub")
        ->capture_default_str();
    command->callback([&program, options, name] {
        program.choose(name, [options](Program& p) { return run(p, *options); });
    });
}

}  // namespace

void add_identity(CLI::App& app, Program& program) {
    add(app, program, OperationKind::kMerge, "Two entities are one: it gets the other's records");
    add(app, program, OperationKind::kUnmerge, "Undo a merge: an entity of its own again");
    add(app, program, OperationKind::kLink, "A record is an entity's");
    add(app, program, OperationKind::kUnlink, "A record is an entity of its own");
}

}  // namespace syncline::ctl
