#include <algorithm>

#include "hub/core/decide.h"
#include "hub/core/sorted_walk.h"
#include "hub/core/work.h"
#include "shared/policy/lifecycle.h"
#include "shared/policy/violation.h"

namespace syncline::hub {
namespace {

bool equal_or_both_empty(const Value* a, const Value& b) {
    return a == nullptr ? b.is_null() : *a == b;
}

/// Is a value for the field proposed to the owner, by another platform than this?
bool is_asked(const EntityState& state, const FieldName& field, const PlatformId& platform) {
    return std::any_of(state.proposals.begin(), state.proposals.end(),
                       [&](const Proposal& p) { return p.field == field && p.from != platform; });
}

std::size_t rank(const std::vector<PlatformId>& order, const PlatformId& platform) {
    return static_cast<std::size_t>(std::find(order.begin(), order.end(), platform) -
                                    order.begin());
}

/// What the rule says to a write of `from` when `current` is canonical.
Verdict judge(const OwnershipRule& rule, const CanonicalField* current, const Provenance& from) {
    switch (rule.resolution) {
        case Resolution::kLatest:
            return current == nullptr || from.at >= current->from.at ? Verdict::kAccepted
                                                                     : Verdict::kOutdated;
        case Resolution::kPriority:
            return current == nullptr || rank(rule.priority, from.platform) <=
                                             rank(rule.priority, current->from.platform)
                       ? Verdict::kAccepted
                       : Verdict::kOutdated;
        case Resolution::kOwner: break;
    }
    // Who comes first fills an empty field; the owner's word replaces it.
    if (rule.owner == from.platform || current == nullptr) return Verdict::kAccepted;
    switch (rule.otherwise) {
        case NonOwnerWrite::kRevert: return Verdict::kReverted;
        case NonOwnerWrite::kIgnore: return Verdict::kIgnored;
        case NonOwnerWrite::kReview: return Verdict::kReview;
        case NonOwnerWrite::kPropose: return Verdict::kProposed;
        case NonOwnerWrite::kAccept: return Verdict::kAccepted;
    }
    return Verdict::kReview;
}

void propose(Work& work, const FieldName& field, const Value& value, const PlatformId& from) {
    auto& proposals = work.state.proposals;
    std::erase_if(proposals, [&](const Proposal& p) {
        // Of two that ask, the later one is heard; the other gets what is canonical.
        if (p.field == field && p.from != from) work.state.record_or_new(p.from).release(field);
        return p.field == field;
    });
    proposals.push_back({field, value, from});
}

/// The field is no longer asked for, and who asked gets what is canonical.
void drop_proposals(Work& work, const FieldName& field) {
    for (const Proposal& proposal : work.state.proposals) {
        if (proposal.field == field) work.state.record_or_new(proposal.from).release(field);
    }
    const auto settled =
        std::erase_if(work.state.proposals, [&](const Proposal& p) { return p.field == field; });
    if (settled > 0) work.changed = true;
}

/// Carries a verdict out, but for what desired minus mirror does by itself.
void carry_out(Work& work, RecordState& record, FieldDecision& decision, const Provenance& from) {
    const FieldName& field = decision.field;
    switch (decision.verdict) {
        case Verdict::kAccepted:
            decision.before = make_canonical(work, field, decision.value, from);
            break;
        case Verdict::kReverted:
        case Verdict::kOutdated:
            record.release(field);
            if (count_attempt(work, record, field)) {
                record.hold(field);
                open_exception(work, exceptions::kNotConverging, record,
                               "the platform sets this field again and again; stop its automation "
                               "or change the owner, then retry",
                               Fields{{field, decision.value}});
            }
            break;
        case Verdict::kIgnored: record.hold(field); break;
        case Verdict::kReview:
            record.hold(field);
            if (work.reviews) {
                open_exception(work, exceptions::kReconcileReview, record,
                               "a reconciliation found this value, and no change had told of it; "
                               "accept or reject",
                               Fields{{field, decision.value}});
            } else {
                open_exception(
                    work, exceptions::kReview, record,
                    "a platform that does not own this field changed it; accept or reject",
                    Fields{{field, decision.value}});
            }
            break;
        case Verdict::kProposed:
            record.hold(field);
            propose(work, field, decision.value, record.platform);
            break;
        case Verdict::kUndecided:
            record.hold(field);
            open_exception(work, exceptions::kUndecided, record,
                           "no ownership rule holds for this field now; add one to the policy, or "
                           "accept or reject the value",
                           Fields{{field, decision.value}});
            break;
        case Verdict::kNotNext:
            record.hold(field);
            open_exception(work, exceptions::kTransition, record,
                           "the lifecycle does not let this stage follow " +
                               display(decision.before) +
                               "; accept it all the same, or reject it to have the platform told "
                               "the stage that counts",
                           Fields{{field, decision.value}});
            break;
        case Verdict::kInvalid: break;  // Reported where the value was checked.
    }
}

/// Is it the stage, and must it not become what the platform says?
bool is_barred(const Work& work, const FieldName& field, const PlatformId& platform,
               const Value& value) {
    return work.object.lifecycle && work.object.lifecycle->field == field &&
           !may_move(work.object, work.state.fields(), platform, value);
}

/// A field that the platform's word is news of.
struct Touched {
    const FieldSpec* spec;
    const Value* commanded;      ///< What we told it the field shall be, if we did.
    bool as_commanded = false;   ///< It holds that, or its own form of it.
    bool may_be_edited = false;  ///< It holds neither that nor what it held before.
};

std::optional<Value> take_instead(RecordState& record, const FieldName& field) {
    const Value* value = record.instead.find(field);
    if (value == nullptr) return std::nullopt;
    std::optional<Value> out{*value};
    record.instead.erase(field);
    return out;
}

/// The platform has taken now what it was told before: that it held `value` instead was not its own
/// form of that but an edit, which counts by the field's rule as any other.
void decide_edit(Work& work, RecordState& record, const FieldSpec& spec, const Value& value,
                 const Provenance& from, const OwnershipRule* rule) {
    const CanonicalField* current = work.state.find(spec.name);
    if (rule == nullptr || current == nullptr || !conforms(spec, value)) return;
    if (is_barred(work, spec.name, record.platform, value)) return;
    FieldDecision decision{spec.name,
                           record.platform,
                           current->value,
                           value,
                           judge(*rule, current, from),
                           to_string(rule->place)};
    if (decision.verdict == Verdict::kAccepted) {
        make_canonical(work, spec.name, value, from);
    } else if (decision.verdict == Verdict::kProposed) {
        propose(work, spec.name, value, record.platform);
    } else {
        return;  // It is reverted by now; what is for a person, or is left alone, never was.
    }
    work.log.decisions.push_back(std::move(decision));
    work.changed = true;
}

/// What a value that is not as we told the platform comes to, by what it would as a change. It may
/// be the platform's own form of ours, or that nothing was written; so nothing comes of it that is
/// more than about this record. If it may be an edit, and the platform takes ours the next time, it
/// was one.
Verdict of_other_than_told(const Touched& touched, Verdict as_change) {
    const bool stays = as_change == Verdict::kIgnored || as_change == Verdict::kReview;
    return stays && touched.may_be_edited ? as_change : Verdict::kReverted;
}

/// Decides one field that the platform changed.
void decide_field(Work& work, RecordState& record, const Touched& touched, const Value& value,
                  const Provenance& from, const Fields& view) {
    const FieldSpec& spec = *touched.spec;
    const Value* commanded = touched.commanded;
    const std::optional<Value> instead = take_instead(record, spec.name);
    const CanonicalField* current = work.state.find(spec.name);
    const OwnershipRule* rule = work.object.rule(spec.name, view);
    const bool owner =
        rule != nullptr && rule->resolution == Resolution::kOwner && rule->owner == record.platform;
    // Whatever the owner made of what it was asked to take: it has answered.
    if (owner && commanded != nullptr) drop_proposals(work, spec.name);
    if (equal_or_both_empty(current == nullptr ? nullptr : &current->value, value)) {
        // Platform and hub agree: nothing left to wait for.
        record.release(spec.name);
        for (const std::string_view kind :
             {exceptions::kReview, exceptions::kReconcileReview, exceptions::kUndecided,
              exceptions::kTransition, exceptions::kRejected, exceptions::kGaveUp,
              exceptions::kInDoubt, exceptions::kNotConverging}) {
            close_exception(work, kind, record.platform, &spec.name);
        }
        if (instead && commanded) decide_edit(work, record, spec, *instead, from, rule);
        return;
    }
    FieldDecision decision{spec.name, record.platform, {}, value, Verdict::kUndecided, {}};
    if (rule != nullptr) {
        decision.verdict = judge(*rule, current, from);
        decision.rule = to_string(rule->place);
    }
    // Only an owner's form becomes canonical; another's is as good as what was commanded.
    const Verdict as_change = decision.verdict;
    if (commanded != nullptr && !owner) {
        if (touched.as_commanded) {
            record.release(spec.name);
            if (!(*commanded == value)) record.set_form(spec.name, *commanded);
            work.changed = true;
            if (instead) decide_edit(work, record, spec, *instead, from, rule);
            return;
        }
        decision.verdict = of_other_than_told(touched, as_change);
    }
    // What nobody has a value for is nobody's loss.
    if (work.reviews && current != nullptr) {
        decision.verdict = Verdict::kReview;
        decision.rule = "reconciliation";
    }
    const bool counts =
        decision.verdict == Verdict::kAccepted || decision.verdict == Verdict::kProposed;
    if (counts && is_barred(work, spec.name, record.platform, value)) {
        decision.verdict = Verdict::kNotNext;
    } else {
        close_exception(work, exceptions::kTransition, record.platform, &spec.name);
    }
    if (decision.verdict != Verdict::kAccepted && current != nullptr) {
        decision.before = current->value;
    }
    record.release(spec.name);  // What a person said was about another value.
    carry_out(work, record, decision, from);
    const bool would_count = as_change == Verdict::kAccepted || as_change == Verdict::kProposed;
    if (touched.may_be_edited && would_count && !owner && !record.holds(spec.name)) {
        record.instead.set(spec.name, value);
    }
    work.log.decisions.push_back(std::move(decision));
    work.changed = true;
}

/// Has `change.contract` say of every field that breaks the contract what is wrong with it: those
/// of this change, and those of earlier ones that are not mended yet.
void tell_violations(Work& work, const RecordState& record, const Fields& invalid) {
    const auto& all = work.state.exceptions;
    const auto open = std::ranges::find_if(all, [&](const OpenException& one) {
        return one.kind == exceptions::kContract && one.platform == record.platform;
    });
    Fields broken = open == all.end() ? Fields{} : open->proposed;
    for (const auto& [name, value] : invalid) broken.set(name, value);
    if (broken.empty()) return;
    std::string reason;
    for (const auto& [name, value] : broken) {
        const FieldSpec* spec = work.object.field(name);
        if (spec != nullptr) reason += to_string(violation_of(*spec, value)) + "; ";
    }
    reason += "mend it at the platform, or the contract in the policy: either has it decided again";
    if (invalid.empty() && open->reason == reason) return;
    open_exception(work, exceptions::kContract, record, std::move(reason), invalid);
}

}  // namespace

Fields seen_by_conditions(const EntityState& state, const Fields& incoming) {
    Fields view = state.fields();
    for (const auto& [name, value] : incoming) {
        if (view.find(name) == nullptr) view.set(name, value);
    }
    return view;
}

const char* name_of(Verdict verdict) {
    switch (verdict) {
        case Verdict::kAccepted: return "accepted";
        case Verdict::kReverted: return "reverted";
        case Verdict::kIgnored: return "ignored";
        case Verdict::kReview: return "review";
        case Verdict::kProposed: return "proposed";
        case Verdict::kOutdated: return "outdated";
        case Verdict::kUndecided: return "undecided";
        case Verdict::kInvalid: return "invalid";
        case Verdict::kNotNext: return "not_next";
    }
    return "undecided";
}

Verdict verdict_of(const OwnershipRule* rule, const FieldSpec& spec, const CanonicalField* current,
                   const Value& value, const Provenance& from) {
    if (!conforms(spec, value) && !conform(spec, value)) return Verdict::kInvalid;
    if (equal_or_both_empty(current == nullptr ? nullptr : &current->value, value)) {
        return Verdict::kAccepted;
    }
    return rule == nullptr ? Verdict::kUndecided : judge(*rule, current, from);
}

Value make_canonical(Work& work, const FieldName& field, const Value& value, Provenance from) {
    Value before = work.state.set(field, value, std::move(from));
    std::erase_if(work.state.proposals, [&](const Proposal& p) { return p.field == field; });
    const bool exceptions_open = !work.state.exceptions.empty();
    for (RecordState& record : work.state.records) {
        // A value that breaks the contract, and a stage that is not to follow, stay where they are
        // until somebody has dealt with them.
        if (exceptions_open &&
            (is_open(work.state, exceptions::kContract, record.platform, field) ||
             is_open(work.state, exceptions::kTransition, record.platform, field))) {
            continue;
        }
        record.release(field);
        // A create in doubt is not followed by another before a person has looked.
        const bool doubt = std::any_of(
            work.state.exceptions.begin(), work.state.exceptions.end(), [&](const auto& open) {
                return open.kind == exceptions::kInDoubt && open.platform == record.platform;
            });
        record.blocked = record.blocked && doubt;
        std::erase_if(record.attempts, [&](const Attempts& a) { return a.field == field; });
        record.instead.erase(field);
        if (!exceptions_open) continue;
        for (const std::string_view kind :
             {exceptions::kReview, exceptions::kReconcileReview, exceptions::kUndecided,
              exceptions::kRejected, exceptions::kGaveUp, exceptions::kNotConverging}) {
            close_exception(work, kind, record.platform, &field);
        }
    }
    work.changed = true;
    return before;
}

void decide_by_person(Work& work, const FieldName& field, const Value& value, Provenance from,
                      const Operation& operation) {
    const std::string why = operation.reason.empty() ? "" : ": " + operation.reason;
    FieldDecision decision{
        field,
        {},
        {},
        value,
        Verdict::kAccepted,
        std::string{hub::name_of(operation.kind)} + " by " + operation.actor + why};
    decision.before = make_canonical(work, field, value, std::move(from));
    work.log.decisions.push_back(std::move(decision));
}

void settle_transitions(Work& work) {
    const auto is_settled = [&](const OpenException& open) {
        if (open.kind != exceptions::kTransition) return false;
        return std::ranges::all_of(open.proposed, [&](const Fields::Entry& wanted) {
            const CanonicalField* canonical = work.state.find(wanted.first);
            return (canonical != nullptr && canonical->value == wanted.second) ||
                   !is_barred(work, wanted.first, open.platform, wanted.second);
        });
    };
    // One after the other: each may move the stage, and so settle the next.
    auto& open = work.state.exceptions;
    for (auto at = std::ranges::find_if(open, is_settled); at != open.end();
         at = std::ranges::find_if(open, is_settled)) {
        decide_again(work, OpenException{*at});
    }
}

void take_fields(Work& work, RecordState& record, const Fields& fields, Provenance from,
                 const Effects& effects) {
    const Binding* binding = work.object.binding(record.platform);
    if (binding == nullptr) return;
    std::vector<Touched> touched;
    touched.reserve(fields.size());
    Fields invalid;
    SortedWalk specs{work.object.fields};
    SortedWalk bound{binding->fields};
    SortedWalk mirror{record.mirror};
    for (const auto& [name, raw] : fields) {
        const FieldSpec* spec = specs.find(name);
        if (spec == nullptr || bound.find(name) == nullptr) {
            continue;  // The policy does not take this field from this platform.
        }
        // Nearly always the value fits as it is.
        std::optional<Result<Value>> made;
        if (!conforms(*spec, raw)) made = conform(*spec, raw);
        const bool valid = !made || made->has_value();
        const Value& told = made && valid ? **made : raw;
        const Fields::Entry* held = mirror.find(name);
        const Value* known = held == nullptr ? nullptr : &held->second;
        const Value* wanted = effects.commanded ? effects.commanded->find(name) : nullptr;
        const bool ours = std::find(effects.as_commanded.begin(), effects.as_commanded.end(),
                                    name) != effects.as_commanded.end();
        // Not changed there; but a command that did not bring what it should must be counted.
        const bool missed = wanted != nullptr && !(*wanted == told);
        const bool same = known != nullptr && *known == told;
        const bool settles = wanted != nullptr && record.instead.find(name) != nullptr;
        if (same && !missed && !settles) continue;
        const bool first_empty = known == nullptr && told.is_null() && !missed;
        const bool may_be_edited = effects.updates && missed && !equal_or_both_empty(known, told);
        // The echo of an older command: what is wanted by now has been commanded since. But an
        // owner that was asked has answered, and of a record not seen before nothing is an echo,
        // unless it was made by a command that we know to be followed by others.
        const bool echo = ours && wanted == nullptr && (known != nullptr || effects.former) &&
                          !is_asked(work.state, name, record.platform);
        record.mirror.assign(name, told);
        record.clear_form(name);
        work.changed = true;
        // What was agreed until now is that there is nothing; only what is canonical is commanded.
        if (echo && work.state.find(name) == nullptr) work.state.set(name, {}, from);
        if (first_empty || echo) continue;
        if (valid) {
            close_exception(work, exceptions::kContract, record.platform, &name);
            touched.push_back({spec, wanted, ours, may_be_edited});
        } else {
            record.release(name);
            record.hold(name);
            invalid.set(name, raw);
        }
    }
    if (!invalid.empty() || !work.state.exceptions.empty()) tell_violations(work, record, invalid);
    const bool conditions = std::any_of(touched.begin(), touched.end(), [&](const Touched& one) {
        return work.object.has_conditions(one.spec->name);
    });
    const Fields view = conditions ? seen_by_conditions(work.state, fields) : Fields{};
    SortedWalk values{record.mirror};
    work.log.decisions.reserve(work.log.decisions.size() + touched.size());
    for (const Touched& one : touched) {
        decide_field(work, record, one, values.find(one.spec->name)->second, from, view);
    }
}

}  // namespace syncline::hub
