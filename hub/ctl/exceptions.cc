#include "hub/ctl/exceptions.h"

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <set>

#include "hub/core/state_codec.h"
#include "hub/ctl/cli.h"
#include "hub/ctl/exceptions_act.h"
#include "hub/ctl/exceptions_filter.h"
#include "hub/ctl/lookup.h"
#include "hub/ctl/program.h"
#include "hub/ctl/sight.h"
#include "hub/ctl/text.h"
#include "hub/ctl/violations.h"
#include "shared/wire/subjects.h"

namespace syncline::ctl {
namespace {

constexpr std::size_t kDumpMost = 512;

struct ShowExceptionOptions {
    std::string object;
    std::string entity;
    std::string kind;
};

/// Whose it is stands in the subject: for who sees all.
void add_damaged(Program& program, const std::vector<std::string>& damaged) {
    for (const std::string& what : damaged) {
        program.out().add({Level::kError,
                           "exceptions.damaged",
                           "an exception cannot be read" + (program.sees_all() ? ": " + what : ""),
                           "Is this synclinectl older than the hub?",
                           {}});
    }
}

Cell status_cell(hub::ExceptionStatus status) {
    return {name_of(status),
            status == hub::ExceptionStatus::kOpen ? Style::kYellow : Style::kGreen};
}

std::vector<Cell> row_of(const hub::ExceptionRecord& record, Timestamp now) {
    const hub::Care& care = record.care;
    const bool late = is_overdue(record, now);
    return {Cell{name_of(care.severity), style_of(care.severity)},
            record.kind,
            record.platform.text,
            record.entity.object.text,
            record.entity.entity.text,
            record.record,
            age_text(record.opened_at, now),
            care.due.ns == 0 ? Cell{"-", Style::kDim}
                             : Cell{age_text(care.due, now), late ? Style::kRed : Style::kPlain},
            care.assignee,
            joined(care.tags),
            record.reason};
}

/// What a list has of all exceptions: one page of those that the filter takes.
struct Page {
    std::vector<ExceptionView> views;
    std::size_t total = 0;   ///< All pages.
    std::size_t hidden = 0;  ///< Those that the policy calls not material.
    std::map<std::string, std::uint64_t> by_kind;
    std::string next;  ///< Where the next page begins; empty: there is none.
};

class PageMaker {
public:
    PageMaker(const Program& program, const ExceptionFilter& filter)
        : program_(program), filter_(filter), with_(filter), now_(program.clock().now()) {
        with_.immaterial = true;
        if (filter.after.empty()) return;
        // It was checked before.
        after_ = *parse_cursor(filter.after);
    }

    /// Could it be on any page?
    [[nodiscard]] bool is_of_interest(const ExceptionView& view) const {
        return program_.may_see(view.record.entity.object) && holds(with_, view.record, now_);
    }

    void see(const ExceptionView& view) {
        if (!program_.may_see(view.record.entity.object)) return;
        if (!holds(filter_, view.record, now_)) {
            page.hidden += holds(with_, view.record, now_) ? 1 : 0;
            return;
        }
        ++page.total;
        ++page.by_kind[view.record.kind];
        if (after_ && place_of(view) <= *after_) return;
        if (filter_.limit != 0 && page.views.size() == filter_.limit) {
            if (page.next.empty()) page.next = cursor_of(place_of(page.views.back()));
            return;
        }
        page.views.push_back(view);
    }

    Page page;

private:
    const Program& program_;
    const ExceptionFilter& filter_;
    ExceptionFilter with_;
    Timestamp now_;
    std::optional<UrgencyPlace> after_;
};

Result<Page> paged(PageMaker maker, Sight& sight, const std::vector<ExceptionView>& views) {
    for (const ExceptionView& view : views) {
        const auto seen = sight.sees(view.record.entity);
        if (!seen) return fail(seen.error());
        if (*seen) maker.see(view);
    }
    return std::move(maker.page);
}

Result<Page> read_page(Program& program, const ExceptionFilter& filter) {
    const auto session = program.connect();
    if (!session) return fail(session.error());
    PageMaker maker{program, filter};
    Sight sight{program, **session};
    std::vector<ExceptionView> candidates;
    if (program.memory() != nullptr && !filter.all) {
        const auto looked = program.memory()->board().look(**session, [&](const auto& board) {
            std::vector<std::string> damaged;
            for (const auto& [subject, what] : board.damaged) damaged.push_back(what);
            add_damaged(program, damaged);
            for (const ExceptionView* view : board.open) {
                // The board is everybody's: nothing is read while it is held.
                if (sight.is_bound()) {
                    if (maker.is_of_interest(*view)) candidates.push_back(*view);
                } else {
                    maker.see(*view);
                }
            }
        });
        if (!looked) return fail(looked.error());
        return paged(std::move(maker), sight, candidates);
    }
    std::vector<std::string> damaged;
    auto views = read_exceptions(**session, subjects::all_exceptions(), damaged);
    if (!views) return fail(views.error());
    add_damaged(program, damaged);
    sort_by_urgency(*views);
    return paged(std::move(maker), sight, *views);
}

Result<Exit> list(Program& program, const ExceptionFilter& filter) {
    if (auto sound = check(filter); !sound) return fail(sound.error());
    const auto secrets = program.secrets();
    if (!secrets) return fail(secrets.error());
    const auto page = read_page(program, filter);
    if (!page) return fail(page.error());
    Output& out = program.out();
    const Timestamp now = program.clock().now();
    Value::List values;
    Table table{{"SEVERITY", "KIND", "PLATFORM", "OBJECT", "ENTITY", "RECORD", "SINCE", "DUE",
                 "ASSIGNEE", "TAGS", "REASON"},
                {}};
    if (filter.all) table.header.insert(table.header.begin() + 2, "STATUS");
    for (const ExceptionView& view : page->views) {
        values.push_back(value_of(view.record, *secrets));
        if (out.json()) continue;
        std::vector<Cell> row = row_of(view.record, now);
        if (filter.all) row.insert(row.begin() + 2, status_cell(view.record.status));
        table.rows.push_back(std::move(row));
    }
    Value::Map by_kind;
    for (const auto& [kind, count] : page->by_kind) by_kind.emplace(kind, number(count));
    out.set("exceptions", std::move(values));
    out.set("total", number(page->total));
    out.set("by_kind", std::move(by_kind));
    out.set("next", page->next.empty() ? Value{} : Value{page->next});
    out.set("immaterial_hidden", number(page->hidden));
    if (table.rows.empty()) {
        out.line(filter.all ? "no exceptions" : "no open exceptions", Style::kGreen);
    } else {
        out.table(table);
        out.line(count_text(page->total, "exception", "exceptions"), Style::kDim);
    }
    if (!page->next.empty()) out.line("the next page: --after " + page->next, Style::kDim);
    if (page->hidden > 0) {
        out.line(std::to_string(page->hidden) + " more not material: --immaterial shows them",
                 Style::kDim);
    }
    return verdict(out);
}

/// The fields it is about, side by side: what the platform wants, what is canonical, and what each
/// other platform holds. `state`: the entity's; null if there is none.
void show_values(Output& out, const hub::ExceptionRecord& record, const hub::EntityState* state,
                 const Secrets& secrets) {
    std::set<FieldName> names;
    for (const auto& [name, value] : record.proposed) names.insert(name);
    for (const auto& [name, value] : record.canonical) names.insert(name);
    if (names.empty()) return;
    std::vector<const hub::RecordState*> others;
    if (state != nullptr) {
        for (const hub::RecordState& other : state->records) {
            if (other.platform != record.platform) others.push_back(&other);
        }
    }
    const std::string platform = record.platform.empty() ? "platform" : record.platform.text;
    Table table{{"FIELD", platform, "canonical"}, {}};
    for (const hub::RecordState* other : others) table.header.push_back(other->platform.text);
    const auto cell = [&](const Fields& fields, const FieldName& name) {
        const Value* value = fields.find(name);
        return value == nullptr ? Cell{"-", Style::kDim}
                                : Cell{secrets.text(record.entity.object, name, *value)};
    };
    for (const FieldName& name : names) {
        const Cell ours = cell(record.canonical, name);
        const auto differing = [&](Cell theirs) {
            if (ours.text != theirs.text) theirs.style = Style::kYellow;
            return theirs;
        };
        std::vector<Cell> row{name.text, differing(cell(record.proposed, name)), ours};
        for (const hub::RecordState* other : others) {
            row.push_back(differing(cell(other->mirror, name)));
        }
        table.rows.push_back(std::move(row));
    }
    out.line();
    out.table(table);
}

/// What a lane holds, as far as the agent tells.
void show_hold(Output& out, const HoldNotice& notice) {
    Table counts{{"", "IN THE WINDOW AND SINCE"}, {}};
    for (std::size_t kind = 0; kind < kMassKinds; ++kind) {
        counts.rows.push_back(
            {name_of(static_cast<MassKind>(kind)), number_cell(notice.counts[kind])});
    }
    out.table(counts);
    out.line(std::to_string(notice.held) + " are held; of " + std::to_string(notice.sample.size()) +
             " of them:");
    Table sample{{"RECORD", "ENTITY", "WHAT"}, {}};
    for (const HoldNotice::Sample& one : notice.sample) {
        sample.rows.push_back(
            {one.record.text, one.entity ? one.entity->text : std::string{}, name_of(one.kind)});
    }
    out.table(sample);
}

Value show_raw(Output& out, const hub::ExceptionRecord& record, const Secrets& secrets) {
    if (record.raw.empty()) return {};
    out.line();
    const DecodedInput input = decode_raw(record.raw);
    if (const auto* notice = std::get_if<HoldNotice>(&input.body)) {
        show_hold(out, *notice);
        return Value::Map{{"decoded", value_of(input.body, secrets)}};
    }
    if (input.error.empty()) {
        out.line("The input: " + line_of(input.body, secrets));
        return Value::Map{{"decoded", value_of(input.body, secrets)}};
    }
    out.line("The input, " + count_text(record.raw.size(), "byte", "bytes") +
             ", does not decode as a change (" + input.error + "):");
    for (const std::string& line : hex_dump(record.raw, kDumpMost)) out.line(line, Style::kDim);
    return Value::Map{{"error", input.error},
                      {"hex", hex(std::string_view{record.raw}.substr(0, kDumpMost))},
                      {"bytes", number(record.raw.size())}};
}

Result<Value> show_history(Session& session, Output& out, const ExceptionView& view) {
    const auto all = session.read_all(
        {.stream = std::string{subjects::kStreamExceptions}, .filters = {view.subject}});
    if (!all) return fail(all.error());
    Value::List list;
    if (all->size() > 1) out.line();
    for (const nats::StoredMessage& message : *all) {
        const auto record = hub::decode_exception(message.body);
        if (!record) continue;
        list.push_back(Value::Map{{"at", record->updated_at},
                                  {"status", name_of(record->status)},
                                  {"reason", record->reason}});
        if (all->size() > 1) {
            out.line(time_text(record->updated_at) + "  " + name_of(record->status) +
                         (record->reason.empty() ? "" : ": " + record->reason),
                     Style::kDim);
        }
    }
    return list;
}

/// Who sees to it, until when, what people wrote; or who has settled it.
void add_care(Table& facts, const hub::ExceptionRecord& record) {
    const auto fact = [&](const char* name, const std::string& text) {
        if (!text.empty()) facts.rows.push_back({Cell{name, Style::kDim}, text});
    };
    const hub::Care& care = record.care;
    fact("severity", std::string{name_of(care.severity)} + (care.material ? "" : ", not material"));
    fact("assignee", care.assignee);
    fact("due", care.due.ns == 0 ? "" : time_text(care.due));
    fact("tags", joined(care.tags));
    for (const hub::Remark& remark : care.remarks) {
        fact("note", time_text(remark.at) + " " + remark.by + ": " + remark.text);
    }
    if (is_open(record)) {
        const ExceptionKind* kind = exception_kind(record.kind);
        if (kind != nullptr) fact("what to do", std::string{kind->advice});
        fact("answered by", record.closed_by);
        fact("answer", record.closing);
        return;
    }
    fact("settled by", record.closed_by.empty() ? "itself" : record.closed_by);
    fact("settled", record.closing);
}

Result<Value> show_one(Session& session, Output& out, const ExceptionView& view,
                       const Secrets& secrets, const Policy* policy) {
    const hub::ExceptionRecord& record = view.record;
    const std::string at = record.platform.empty() ? "" : "@" + record.platform.text;
    out.line({Cell{record.kind + at, Style::kBold}, Cell{"  "}, status_cell(record.status)});
    Table facts{{}, {}, 0};
    const auto fact = [&](const char* name, const std::string& text) {
        if (!text.empty()) facts.rows.push_back({Cell{name, Style::kDim}, text});
    };
    fact("object", record.entity.object.text);
    fact("entity", record.entity.entity.text);
    fact("record", record.record);
    fact("opened", record.opened_at.ns == 0 ? "" : time_text(record.opened_at));
    fact("updated", time_text(record.updated_at));
    fact("source", record.source);
    fact("reason", record.reason);
    add_care(facts, record);
    out.table(facts);
    const auto stored = load_entity(session, record.entity);
    const hub::EntityState* state = stored && *stored ? &(*stored)->state : nullptr;
    show_values(out, record, state, secrets);
    Value value = value_of(record, secrets);
    Value::Map map = *value.get<Value::Map>();
    map.insert_or_assign("violations", show_violations(out, record, policy));
    map.insert_or_assign("raw", show_raw(out, record, secrets));
    auto history = show_history(session, out, view);
    if (!history) return fail(history.error());
    map.insert_or_assign("history", std::move(*history));
    return Value{std::move(map)};
}

Result<Exit> show_exception(Program& program, const ShowExceptionOptions& options) {
    const auto secrets = program.secrets();
    if (!secrets) return fail(secrets.error());
    const auto session = program.connect();
    if (!session) return fail(session.error());
    Output& out = program.out();
    std::vector<std::string> damaged;
    auto views =
        exceptions_of(program, **session, ObjectName{options.object}, options.entity, damaged);
    add_damaged(program, damaged);
    if (!views) return fail(views.error());
    std::erase_if(*views,
                  [&](const ExceptionView& view) { return !is_meant(view.record, options.kind); });
    if (views->empty() && damaged.empty()) {
        return fail(ErrorKind::kNotFound, options.object + " " + options.entity +
                                              " has no exception " + options.kind +
                                              "; without KIND all of them are shown");
    }
    const auto policy = program.policy();
    Value::List list;
    for (const ExceptionView& view : *views) {
        if (!list.empty()) out.line();
        auto shown = show_one(**session, out, view, *secrets, policy ? *policy : nullptr);
        if (!shown) return fail(shown.error());
        list.push_back(std::move(*shown));
    }
    out.set("exceptions", std::move(list));
    return verdict(out);
}

}  // namespace

bool is_meant(const hub::ExceptionRecord& record, std::string_view kind) {
    return kind.empty() || kind == record.kind || kind == record.kind + "@" + record.platform.text;
}

Result<std::vector<ExceptionView>> exceptions_of(Program& program, Session& session,
                                                 const ObjectName& object, const std::string& text,
                                                 std::vector<std::string>& damaged) {
    Sight sight{program, session};
    constexpr std::size_t kKindToken = 4;
    const auto of = [&](const EntityId& entity) {
        return read_exceptions(
            session, with_wildcards(subjects::exception({object, entity}, "kind"), {kKindToken}),
            damaged);
    };
    auto direct = of(EntityId{text});
    if (direct && !direct->empty()) {
        if (auto seen = sight.check({object, EntityId{text}}, text); !seen) {
            return fail(seen.error());
        }
    }
    if (!direct || !direct->empty() || !damaged.empty()) return direct;
    const auto located = sight.locate(object, text);
    if (!located) {
        if (located.error().kind != ErrorKind::kNotFound || sight.is_bound()) {
            return fail(located.error());
        }
        return fail(ErrorKind::kNotFound, "no exception of " + object.text + " '" + text +
                                              "'; see `synclinectl exceptions list --all`");
    }
    auto found = of(located->key.entity);
    if (found && found->empty() && damaged.empty()) {
        return fail(ErrorKind::kNotFound, object.text + " " + located->key.entity.text + " (by " +
                                              located->by + ") has no exceptions");
    }
    return found;
}

std::string advice_for(const hub::ExceptionRecord& record) {
    const std::string platform =
        record.platform.empty() ? std::string{"PLATFORM"} : record.platform.text;
    const std::string again =
        "then have the platform read again: synclinectl replay --full-read " + platform;
    const ExceptionKind* kind = exception_kind(record.kind);
    if (kind == nullptr)
        return "this synclinectl does not know the kind; is it older than the hub?";
    switch (kind->holder) {
        case ExceptionHolder::kEntity: break;
        case ExceptionHolder::kInstallation:
        case ExceptionHolder::kInstance: return std::string{kind->advice};
        case ExceptionHolder::kInput:
            if (record.kind.starts_with("identity.")) {
                return "it is about a record that was never placed. Correct its keys at the "
                       "platform or the match rules; the record's next change is placed anew, or " +
                       again;
            }
            return "it is about an input that was never decided, so there is nothing to accept. "
                   "Correct what made it (the agent, its mapping, or the policy), " +
                   (kind->retry.empty()
                        ? again
                        : std::string{"then have it decided again: synclinectl exceptions retry"});
    }
    return "the entity's state does not have it open any more; see `synclinectl exceptions show`";
}

void add_exceptions(CLI::App& app, Program& program) {
    auto* group = app.add_subcommand("exceptions", "What a person must decide: list, show, settle");
    group->require_subcommand(1);

    auto* lister = group->add_subcommand("list", "Open exceptions, the most urgent first");
    const auto listing = std::make_shared<ExceptionFilter>();
    add_filter(*lister, *listing);
    lister->add_flag("--all", listing->all, "The settled ones too");
    lister->add_option("--after", listing->after, "The page after the one that said so");
    lister->add_option("--limit", listing->limit, "At most so many [all]");
    lister->callback([&program, listing] {
        program.choose("exceptions list", [listing](Program& p) { return list(p, *listing); });
    });

    auto* shower = group->add_subcommand("show", "One entity's exceptions in full");
    const auto showing = std::make_shared<ShowExceptionOptions>();
    shower->add_option("OBJECT", showing->object, "The object: customer")->required();
    shower->add_option("ENTITY", showing->entity, "As listed, or any key of the entity")
        ->required();
    shower->add_option("KIND", showing->kind, "Only this kind, or kind@platform");
    shower->callback([&program, showing] {
        program.choose("exceptions show",
                       [showing](Program& p) { return show_exception(p, *showing); });
    });

    add_exception_kinds(*group, program);
    add_exception_actions(*group, program);
    add_exception_to_rule(*group, program);
}

}  // namespace syncline::ctl
