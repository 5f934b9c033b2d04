#include "shared/policy/policy_toml.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "shared/base/mail_address.h"
#include "shared/base/nearest_name.h"
#include "shared/base/toml_reader.h"
#include "shared/policy/expression_syntax.h"
#include "shared/policy/policy_toml_parts.h"

namespace syncline {
namespace {

constexpr std::size_t kNameMax = 64;
constexpr TomlReader::Range kAttempts{1, 100};
constexpr TomlReader::Range kLength{1, 262'144};
constexpr TomlReader::Range kReconcileEvery{1, 31'536'000};
constexpr TomlReader::Range kListEvery{1, 31'536'000};
constexpr TomlReader::Range kStaleAfter{1, 4LL * 31'536'000};
constexpr TomlReader::Range kPercent{0, 100};
constexpr TomlReader::Range kContractVersions{1, 1'000'000};

constexpr TomlReader::Choice<FieldType> kTypes[] = {
    {"string", FieldType::kString},   {"integer", FieldType::kInteger},
    {"decimal", FieldType::kDecimal}, {"bool", FieldType::kBool},
    {"date", FieldType::kDate},       {"timestamp", FieldType::kTimestamp},
    {"enum", FieldType::kEnum},       {"list", FieldType::kList},
    {"map", FieldType::kMap},
};
constexpr TomlReader::Choice<Classification> kClassifications[] = {
    {"public", Classification::kPublic},
    {"pii", Classification::kPii},
    {"secret", Classification::kSecret},
};
constexpr TomlReader::Choice<ReconcileMode> kReconcileModes[] = {
    {"heal", ReconcileMode::kHeal},
    {"report", ReconcileMode::kReport},
    {"review", ReconcileMode::kReview},
};
constexpr TomlReader::Choice<Compatibility> kCompatibilities[] = {
    {"none", Compatibility::kNone},
    {"backward", Compatibility::kBackward},
    {"forward", Compatibility::kForward},
    {"full", Compatibility::kFull},
};
constexpr TomlReader::Choice<NonOwnerWrite> kOtherwise[] = {
    {"revert", NonOwnerWrite::kRevert}, {"ignore", NonOwnerWrite::kIgnore},
    {"review", NonOwnerWrite::kReview}, {"propose", NonOwnerWrite::kPropose},
    {"accept", NonOwnerWrite::kAccept},
};
constexpr TomlReader::Choice<Resolution> kResolutions[] = {
    {"latest", Resolution::kLatest},
    {"priority", Resolution::kPriority},
};
constexpr TomlReader::Choice<DeleteMeaning> kDeleteMeanings[] = {
    {"propagate", DeleteMeaning::kPropagate},
    {"unlink", DeleteMeaning::kUnlink},
    {"restore", DeleteMeaning::kRestore},
    {"review", DeleteMeaning::kReview},
};
constexpr TomlReader::Choice<Normaliser> kNormalisers[] = {
    {"exact", Normaliser::kExact},
    {"lower", Normaliser::kLower},
    {"digits", Normaliser::kDigits},
    {"alnum", Normaliser::kAlnum},
};

const char* const kNameRule =
    "is no name: use small letters, digits and `_`, a letter first, at most 64";

using reading::read_condition;

template <class Name>
std::vector<Name> names_of(const std::vector<std::string>& texts) {
    return {texts.begin(), texts.end()};
}

// ---- Fields. --------------------------------------------------------------------------------

void read_field_table(TomlReader in, FieldSpec& field) {
    field.type = in.choice("type", kTypes);
    field.classification = in.choice("classification", kClassifications, field.classification);
    field.required = in.boolean("required", field.required);
    if (field.type == FieldType::kEnum) {
        field.enum_values = in.texts("values");
        if (in.kind("values") == TomlReader::Kind::kList && field.enum_values.empty()) {
            in.problem("values", "must name at least one value");
        }
    } else if (in.has("values")) {
        in.key_problem("values", "belongs to the type \"enum\" only");
    }
    if (field.type == FieldType::kString) {
        field.length_max = in.integer("length_max", kLength, field.length_max);
    } else if (in.has("length_max")) {
        in.key_problem("length_max", "belongs to the type \"string\" only");
    }
    field.renamed_from = names_of<FieldName>(in.texts("renamed_from", {}));
    for (std::size_t i = 0; i < field.renamed_from.size(); ++i) {
        const std::string& was = field.renamed_from[i].text;
        if (!is_policy_name(was)) in.problem("renamed_from", i, "\"" + was + "\" " + kNameRule);
    }
}

FieldSpec read_field(TomlReader& in, const std::string& name) {
    FieldSpec field;
    field.name = FieldName{name};
    field.place = in.place(name);
    switch (in.kind(name)) {
        case TomlReader::Kind::kText:
            field.type = in.choice(name, kTypes);
            if (field.type == FieldType::kEnum) {
                in.problem(name, "needs its values: { type = \"enum\", values = [...] }");
            }
            break;
        case TomlReader::Kind::kTable: read_field_table(in.table(name), field); break;
        default:
            in.key_problem(name, "must be a type, \"string\", or a table, { type = \"string\" }");
    }
    return field;
}

/// A name means one field for ever: neither is an earlier name that of a field of now, nor that of
/// two fields.
void read_renames(TomlReader& in, ObjectSpec& spec) {
    for (const FieldSpec& field : spec.fields) {
        for (const FieldName& was : field.renamed_from) {
            const auto at = std::ranges::lower_bound(spec.renames, was, {}, &Rename::was);
            if (spec.field(was) != nullptr) {
                in.problem(field.name.text, "cannot have been called \"" + was.text +
                                                "\": that is a field of its own");
            } else if (at != spec.renames.end() && at->was == was) {
                in.problem(field.name.text, "cannot have been called \"" + was.text + "\": `" +
                                                at->is.text + "` was");
            } else {
                spec.renames.insert(at, {was, field.name});
            }
        }
    }
}

void read_fields(TomlReader& object, ObjectSpec& spec) {
    if (!object.has("fields")) object.problem("fields", "is missing");
    TomlReader in = object.table("fields");
    spec.fields = reading::read_fields(in);
    read_renames(in, spec);
}

// ---- Ownership and matching. ----------------------------------------------------------------

/// `"*"` alone, or the names as they are.
std::vector<FieldName> read_field_list(TomlReader& in, std::string_view key,
                                       const std::vector<FieldName>& all) {
    std::vector<std::string> names = in.texts(key);
    const bool everything = std::ranges::find(names, "*") != names.end();
    if (everything && names.size() > 1) in.problem(key, "names \"*\" and more; write [\"*\"]");
    return everything ? all : names_of<FieldName>(names);
}

void read_sharing(TomlReader& in, OwnershipRule& rule) {
    rule.resolution = in.choice("resolve", kResolutions);
    if (rule.resolution == Resolution::kPriority) {
        rule.priority = names_of<PlatformId>(in.texts("priority"));
        if (in.kind("priority") == TomlReader::Kind::kList && rule.priority.empty()) {
            in.problem("priority", "must name at least one platform");
        }
    } else if (in.has("priority")) {
        in.key_problem("priority", "belongs to resolve = \"priority\" only");
    }
    if (in.has("otherwise")) {
        in.key_problem("otherwise", "belongs to a rule with `owner`; shared fields have no others");
    }
}

OwnershipRule read_rule(TomlReader& in, const std::vector<FieldName>& open_fields) {
    OwnershipRule rule;
    rule.place = in.place();
    rule.fields = read_field_list(in, "fields", open_fields);
    rule.when = read_condition(in, "when");
    if (in.has("owner") && in.has("resolve")) {
        in.key_problem("resolve", "and `owner` exclude each other");
    }
    if (in.has("resolve") && !in.has("owner")) {
        read_sharing(in, rule);
        return rule;
    }
    if (in.has("owner")) {
        rule.owner = PlatformId{in.text("owner")};
    } else {
        in.problem("owner", "is missing; a shared field has `resolve` instead");
    }
    rule.otherwise = in.choice("otherwise", kOtherwise, rule.otherwise);
    if (in.has("priority")) {
        in.key_problem("priority", "belongs to resolve = \"priority\" only");
    }
    return rule;
}

void read_ownership(TomlReader& object, ObjectSpec& spec) {
    // `*` means what no earlier rule has settled for good.
    std::vector<FieldName> open_fields;
    for (const FieldSpec& field : spec.fields) open_fields.push_back(field.name);
    for (TomlReader& in : object.tables("own")) {
        OwnershipRule rule = read_rule(in, open_fields);
        if (!rule.when && !in.has("when")) {
            std::erase_if(open_fields, [&](const FieldName& field) {
                return std::ranges::find(rule.fields, field) != rule.fields.end();
            });
        }
        spec.ownership.push_back(std::move(rule));
    }
}

MatchRule read_match(TomlReader& in) {
    MatchRule rule;
    rule.place = in.place();
    rule.name = in.text("name");
    if (!rule.name.empty() && !is_policy_name(rule.name)) in.problem("name", kNameRule);
    const std::vector<std::string> parts = in.texts("on");
    if (in.kind("on") == TomlReader::Kind::kList && parts.empty()) {
        in.problem("on", "must name at least one field");
    }
    std::vector<std::string> known;
    for (const auto& choice : kNormalisers) known.emplace_back(choice.name);
    for (std::size_t i = 0; i < parts.size(); ++i) {
        const auto colon = parts[i].find(':');
        MatchRule::Part part{FieldName{parts[i].substr(0, colon)}, Normaliser::kExact};
        if (colon != std::string::npos) {
            const std::string wanted = parts[i].substr(colon + 1);
            const auto* found =
                std::ranges::find(kNormalisers, wanted, &TomlReader::Choice<Normaliser>::name);
            if (found != std::end(kNormalisers)) {
                part.normaliser = found->value;
            } else {
                in.problem("on", i,
                           "knows no normaliser \"" + wanted +
                               "\"; there are exact, lower, digits, alnum" +
                               did_you_mean(wanted, known));
            }
        }
        rule.parts.push_back(std::move(part));
    }
    return rule;
}

void read_matches(TomlReader& object, ObjectSpec& spec) {
    for (TomlReader& in : object.tables("match")) {
        MatchRule rule = read_match(in);
        const bool twice =
            !rule.name.empty() &&
            std::ranges::find(spec.matches, rule.name, &MatchRule::name) != spec.matches.end();
        if (twice) in.problem("name", "\"" + rule.name + "\" is taken by an earlier match rule");
        spec.matches.push_back(std::move(rule));
    }
}

// ---- Stages. --------------------------------------------------------------------------------

void read_stages(TomlReader& object, ObjectSpec& spec) {
    auto in = object.optional_table("stages");
    if (!in) return;
    Lifecycle lifecycle;
    lifecycle.place = in->place();
    lifecycle.field = FieldName{in->text("field")};
    lifecycle.initial = in->texts("initial");
    if (in->kind("initial") == TomlReader::Kind::kList && lifecycle.initial.empty()) {
        in->problem("initial", "must name at least one stage");
    }
    if (!in->has("next")) in->problem("next", "is missing");
    TomlReader next = in->table("next");
    for (const std::string& stage : next.keys()) {
        lifecycle.stages.push_back({stage, next.texts(stage), next.place(stage)});
    }
    spec.lifecycle = std::move(lifecycle);
}

// ---- Bindings and objects. ------------------------------------------------------------------

Binding read_binding(TomlReader& in, const ObjectSpec& spec) {
    Binding binding;
    binding.place = in.place();
    std::vector<FieldName> all;
    for (const FieldSpec& field : spec.fields) all.push_back(field.name);
    binding.fields = read_field_list(in, "fields", all);
    if (in.has("read_only")) {
        binding.read_only = read_field_list(in, "read_only", binding.fields);
    } else {
        std::ignore = in.texts("read_only", {});  // Known, so that a misspelling finds it.
    }
    for (const FieldName& field : binding.read_only) {
        if (std::ranges::find(binding.fields, field) == binding.fields.end()) {
            in.problem("read_only", "names \"" + field.text + "\", which is not in `fields`");
        }
    }
    binding.founds = in.boolean("founds", binding.founds);
    binding.receives = in.boolean("receives", binding.receives);
    binding.receives_when = read_condition(in, "receives_when");
    if (in.has("receives_when") && !binding.receives) {
        in.key_problem("receives_when", "means nothing without receives = true");
    }
    binding.on_delete = in.choice("on_delete", kDeleteMeanings, binding.on_delete);
    binding.states_on_delete = in.has("on_delete");
    std::ranges::sort(binding.fields);
    std::ranges::sort(binding.read_only);
    return binding;
}

/// Who is bound to regions is bound by what stands there, so it must be the text of one.
void read_region(TomlReader& object, ObjectSpec& spec) {
    spec.region = FieldName{object.text("region", "")};
    if (spec.region.empty()) return;
    const FieldSpec* field = spec.field(spec.region);
    if (field == nullptr) {
        std::vector<std::string> names;
        for (const FieldSpec& one : spec.fields) names.push_back(one.name.text);
        object.problem("region",
                       "is no field of the object" + did_you_mean(spec.region.text, names));
    } else if (field->type != FieldType::kString && field->type != FieldType::kEnum) {
        object.problem("region", "must be a field of type string or enum");
    }
}

ObjectSpec read_object(TomlReader object, const std::string& name) {
    ObjectSpec spec;
    spec.name = ObjectName{name};
    spec.place = object.place();
    spec.attempts_max = object.integer("attempts_max", kAttempts, spec.attempts_max);
    spec.contract_version = object.integer("version", kContractVersions, spec.contract_version);
    spec.compatibility = object.choice("compatibility", kCompatibilities, spec.compatibility);
    read_fields(object, spec);  // First: `*` in the rest means these.
    read_ownership(object, spec);
    read_matches(object, spec);
    read_stages(object, spec);
    read_region(object, spec);
    spec.events = reading::read_events(object.table("events"), spec.fields);
    TomlReader bindings = object.table("on");
    for (const std::string& platform : bindings.keys()) {
        TomlReader in = bindings.table(platform);
        Binding binding = read_binding(in, spec);
        binding.platform = PlatformId{platform};
        spec.bindings.push_back(std::move(binding));
    }
    return spec;
}

// ---- Lists. ---------------------------------------------------------------------------------

void read_list_schedule(TomlReader& in, ListSpec& list) {
    if (in.has("every_s") == in.has("cron")) {
        in.problem(in.has("cron") ? "cron" : "every_s",
                   in.has("cron") ? "and `every_s` exclude each other"
                                  : "is missing, and so is `cron`: when is the list read?");
    }
    list.every = in.seconds("every_s", kListEvery, std::chrono::seconds{0});
    const std::string cron = in.text("cron", "");
    if (in.kind("cron") == TomlReader::Kind::kText) {
        auto parsed = Cron::parse(cron);
        if (parsed) {
            list.cron = *std::move(parsed);
        } else {
            in.problem("cron", parsed.error().what);
        }
    }
    if (!in.has("stale_after_s")) in.problem("stale_after_s", "is missing");
    list.stale_after = in.seconds("stale_after_s", kStaleAfter, std::chrono::seconds{0});
}

ListSpec read_list(TomlReader in, const std::string& name) {
    ListSpec list;
    list.name = ListName{name};
    list.place = in.place();
    ObjectSpec fields;  // They are written as an object's.
    read_fields(in, fields);
    list.fields = std::move(fields.fields);
    for (const FieldSpec& field : list.fields) {
        if (field.renamed_from.empty()) continue;
        in.problem("fields", "cannot be renamed by `renamed_from`, as " + field.name.text +
                                 ": the next reading has the new name");
    }
    if (in.has("fields") && list.fields.empty()) in.problem("fields", "must name at least one");
    list.from = PlatformId{in.text("from")};
    list.to = names_of<PlatformId>(in.texts("to"));
    if (in.kind("to") == TomlReader::Kind::kList && list.to.empty()) {
        in.problem("to", "must name at least one platform");
    }
    list.shrink_percent_most =
        in.integer("shrink_percent_most", kPercent, list.shrink_percent_most);
    read_list_schedule(in, list);
    return list;
}

Policy::Reconcile read_reconcile(TomlReader& in) {
    Policy::Reconcile out;
    out.every = in.seconds("every_s", kReconcileEvery, std::chrono::seconds{0});
    out.mode = in.choice("mode", kReconcileModes, out.mode);
    return out;
}

// ---- Files. ---------------------------------------------------------------------------------

class Builder {
public:
    void read(TomlReader& root) {
        read_head(root);
        for_each_named(root, "platforms", [&](TomlReader in, const std::string& name) {
            std::ignore = in.text("description", "");  // For people who read the file.
            policy.platforms.push_back(PlatformId{name});
            // Not public: nearly every platform holds personal data, and a policy that marks
            // nothing shall work. Not secret: whoever calls a field that says where it may go.
            policy.clearances[PlatformId{name}] =
                in.choice("clearance", kClassifications, Classification::kPii);
            if (auto reconcile = in.optional_table("reconcile")) {
                policy.reconcile[PlatformId{name}] = read_reconcile(*reconcile);
            }
        });
        for_each_named(root, "objects", [&](TomlReader in, const std::string& name) {
            policy.objects.push_back(read_object(std::move(in), name));
        });
        for_each_named(root, "lists", [&](TomlReader in, const std::string& name) {
            policy.lists.push_back(read_list(std::move(in), name));
        });
        for_each_named(root, "asks", [&](TomlReader in, const std::string& name) {
            policy.asks.push_back(read_composite_ask(in, name));
        });
        for_each_named(root, "workflows", [&](TomlReader in, const std::string& name) {
            policy.workflows.push_back(reading::read_workflow(std::move(in), name));
        });
        for_each_named(root, "webhooks", [&](TomlReader in, const std::string& name) {
            policy.webhooks.push_back(reading::read_webhook(std::move(in), name));
        });
        for_each_named(root, "mails", [&](TomlReader in, const std::string& name) {
            policy.webhooks.push_back(reading::read_mail(std::move(in), name));
        });
        for_each_named(root, "indicators", [&](TomlReader in, const std::string& name) {
            policy.indicators.push_back(reading::read_indicator(std::move(in), name));
        });
        read_roles(root);
        read_people(root);
        for (ExceptionRule& rule : reading::read_exception_rules(root)) {
            policy.exceptions.push_back(std::move(rule));
        }
    }

    Policy policy;
    std::optional<SourcePlace> head;  ///< Of the [policy] table.

private:
    void read_head(TomlReader& root) {
        auto in = root.optional_table("policy");
        if (!in) return;
        const std::string name = in->text("name");
        if (head) root.key_problem("policy", "stands already at " + to_string(*head));
        head = in->place();
        policy.name = name;
        policy.approvals = in->integer("approvals", {1, 10}, policy.approvals);
    }

    void read_roles(TomlReader& root) {
        TomlReader roles = root.table("roles");
        for (const std::string& role : roles.keys()) {
            const auto [at, fresh] = policy.roles.try_emplace(role, roles.texts(role));
            if (!fresh) roles.key_problem(role, "has its people already, in another file");
            if (fresh && at->second.empty()) roles.problem(role, "must name at least one person");
        }
        for (TomlReader& in : root.tables("delegations")) {
            Delegation one{in.text("from"), in.text("to"), in.texts("roles"), {}};
            const std::string until = in.text("until", "");
            const auto time = parse_timestamp(until);
            if (time) one.until = *time;
            if (!until.empty() && !time) {
                in.problem("until", "is no time: write 2026-12-31T18:00:00Z");
            }
            policy.delegations.push_back(std::move(one));
        }
    }

    void read_people(TomlReader& root) {
        TomlReader people = root.table("people");
        for (const std::string& person : people.keys()) {
            const std::string address = people.text(person);
            if (!address.empty() && !is_mail_address(address)) {
                people.problem(person, "is no address: write lea@example.com");
            }
            if (!policy.people.try_emplace(person, address).second) {
                people.key_problem(person, "has an address already, in another file");
            }
        }
    }

    /// Each sub-table of `key` whose name is one and is not taken.
    void for_each_named(TomlReader& root, std::string_view key, const auto& take) {
        TomlReader all = root.table(key);
        for (const std::string& name : all.keys()) {
            const auto [taken, fresh] =
                places_.try_emplace(std::string{key} + "." + name, all.place(name));
            if (!is_policy_name(name)) {
                all.key_problem(name, kNameRule);
            } else if (!fresh) {
                all.key_problem(name, "stands already at " + to_string(taken->second));
            } else {
                take(all.table(name), name);
            }
        }
    }

    std::map<std::string, SourcePlace> places_;
};

struct Problems {
    std::string text;
    ErrorKind kind = ErrorKind::kInvalid;

    void add(const Error& error) {
        if (error.kind == ErrorKind::kTooLarge) kind = error.kind;
        text += (text.empty() ? "" : "\n") + error.what;
    }
};

}  // namespace

std::vector<FieldSpec> reading::read_fields(TomlReader& in) {
    std::vector<FieldSpec> fields;
    for (const std::string& name : in.keys()) {
        if (!is_policy_name(name)) {
            in.key_problem(name, kNameRule);
        } else if (expression::is_reserved_word(name)) {
            in.key_problem(name, "is a word of the expressions' language; use another name");
        } else {
            fields.push_back(read_field(in, name));
        }
    }
    return fields;
}

std::optional<Expression> reading::read_condition(TomlReader& in, std::string_view key) {
    const std::string text = in.text(key, "");
    if (!in.has(key) || in.kind(key) != TomlReader::Kind::kText) return std::nullopt;
    auto parsed = Expression::parse(text);
    if (parsed) return *std::move(parsed);
    in.problem(key, "is no expression: " + parsed.error().what);
    return std::nullopt;
}

bool is_policy_name(std::string_view name) {
    return !name.empty() && name.size() <= kNameMax && name[0] >= 'a' && name[0] <= 'z' &&
           std::ranges::all_of(name, [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
           });
}

Result<Policy> parse_policy(const std::vector<PolicyFile>& files) {
    Builder builder;
    std::vector<Result<TomlReader>> readers;
    for (const PolicyFile& file : files) {
        readers.push_back(TomlReader::parse(file.text, file.name));
        if (readers.back()) builder.read(*readers.back());
    }
    const bool all_read = std::ranges::all_of(readers, [](const auto& read) { return !!read; });
    if (!readers.empty() && all_read && !builder.head) {
        readers.front()->problem("policy", "is missing in all files: [policy] with the name");
    }
    Problems problems;
    for (Result<TomlReader>& reader : readers) {
        const Result<void> done = reader ? reader->finish() : fail(reader.error());
        if (!done) problems.add(done.error());
    }
    if (files.empty()) problems.add({ErrorKind::kInvalid, "a policy has at least one file"});
    if (!problems.text.empty()) return fail(problems.kind, std::move(problems.text));

    Policy policy = std::move(builder.policy);
    policy.hash = policy_hash(files);
    std::ranges::sort(policy.platforms);
    std::ranges::sort(policy.objects, {}, &ObjectSpec::name);
    std::ranges::sort(policy.lists, {}, &ListSpec::name);
    std::ranges::sort(policy.asks, {}, [](const CompositeAsk& ask) { return ask.form.name; });
    std::ranges::sort(policy.workflows, {}, &Workflow::name);
    std::ranges::sort(policy.webhooks, {}, &WebhookSpec::name);
    std::ranges::sort(policy.indicators, {}, &IndicatorSpec::name);
    std::ranges::sort(policy.exceptions, {}, &ExceptionRule::place);
    return policy;
}

}  // namespace syncline
