#include <algorithm>

#include "hub/ctl/policy_cases.h"
#include "shared/base/nearest_name.h"
#include "shared/base/toml_reader.h"

namespace syncline::ctl {
namespace {

using Kind = hub::Placement::Kind;
constexpr TomlReader::Choice<Kind> kPlacements[] = {
    {"linked", Kind::kLinked},       {"matched", Kind::kMatched},     {"founds", Kind::kFounds},
    {"ambiguous", Kind::kAmbiguous}, {"unmatched", Kind::kUnmatched},
};
constexpr TomlReader::Choice<PolicyStep::Answer> kAnswers[] = {
    {"applied", PolicyStep::Answer::kApplied},
    {"rejected", PolicyStep::Answer::kRejected},
    {"none", PolicyStep::Answer::kNone},
};
constexpr TomlReader::Choice<hub::OperationKind> kActions[] = {
    {"accept", hub::OperationKind::kAccept},
    {"reject", hub::OperationKind::kReject},
    {"retry", hub::OperationKind::kRetry},
    {"discard", hub::OperationKind::kDiscard},
};
constexpr const char* kNoVerdict = "none";
constexpr std::size_t kStepsMax = 1000;

std::vector<std::string> verdict_names() {
    std::vector<std::string> names{kNoVerdict};
    for (int i = 0; i <= static_cast<int>(hub::Verdict::kNotNext); ++i) {
        names.emplace_back(name_of(static_cast<hub::Verdict>(i)));
    }
    return names;
}

/// As it is written; `[]` is an empty field, unless the field is a list.
std::optional<Value> raw_value(TomlReader& in, const std::string& key, FieldType type) {
    switch (in.kind(key)) {
        case TomlReader::Kind::kText: return Value{in.text(key)};
        case TomlReader::Kind::kInteger: return Value{in.integer(key, {})};
        case TomlReader::Kind::kBoolean: return Value{in.boolean(key, false)};
        case TomlReader::Kind::kList: {
            const std::vector<std::string> items = in.texts(key);
            if (items.empty() && type != FieldType::kList) return Value{};
            return Value{Value::List(items.begin(), items.end())};
        }
        default: break;
    }
    (void)in.text(key);  // Says what it is instead: decimals, dates and times are texts.
    return std::nullopt;
}

/// A decimal is written in quotes, as TOML's numbers with a point are not exact.
Value number_of(const FieldSpec& spec, const Value& value) {
    const auto* text = value.get<std::string>();
    if (text == nullptr || spec.type != FieldType::kDecimal) return value;
    const auto number = Decimal::parse(*text);
    return number ? Value{*number} : value;
}

/// Reads the steps of one test.
class StepReader {
public:
    explicit StepReader(const Policy& policy) : policy_(policy) {
        if (policy.objects.size() == 1) object_ = policy.objects.front().name;
    }

    PolicyStep read(TomlReader in) {
        PolicyStep step;
        step.place = in.place();
        if (in.has("object") || object_.empty()) object_ = ObjectName{in.text("object")};
        step.object = object_;
        const ObjectSpec* object = policy_.object(object_);
        if (object == nullptr) {
            in.problem("object", "names no object of the policy" +
                                     did_you_mean(object_.text, names(policy_.objects)));
            return step;
        }
        if (in.has("action")) {
            step.action = in.choice("action", kActions);
            const bool all = step.action == hub::OperationKind::kRetry;  // If none is named.
            step.exception = all ? in.text("exception", "") : in.text("exception");
        } else {
            read_change(in, *object, step);
        }
        read_answers(in, *object, step);
        read_expected(in, *object, step);
        return step;
    }

private:
    template <class Spec>
    static std::vector<std::string> names(const std::vector<Spec>& specs) {
        std::vector<std::string> out;
        for (const Spec& spec : specs) out.push_back(spec.name.text);
        return out;
    }

    static const Binding* read_platform(TomlReader& in, const std::string& key,
                                        const std::string& name, const ObjectSpec& object) {
        const Binding* binding = object.binding(PlatformId{name});
        if (binding != nullptr) return binding;
        std::vector<std::string> known;
        for (const Binding& other : object.bindings) known.push_back(other.platform.text);
        in.problem(key, "`" + object.name.text + "` does not live on `" + name + "`" +
                            did_you_mean(name, known));
        return nullptr;
    }

    static const FieldSpec* field_of(TomlReader& in, const std::string& key,
                                     const ObjectSpec& object) {
        const FieldSpec* spec = object.field(FieldName{key});
        if (spec == nullptr) {
            in.key_problem(key, "is no field of `" + object.name.text + "`" +
                                    did_you_mean(key, names(object.fields)));
        }
        return spec;
    }

    /// `holder`: only what this platform holds.
    static Fields read_fields(TomlReader in, const ObjectSpec& object, const Binding* holder,
                              bool must_conform) {
        Fields fields;
        for (const std::string& key : in.keys()) {
            const FieldSpec* spec = field_of(in, key, object);
            const auto raw = raw_value(in, key, spec == nullptr ? FieldType::kString : spec->type);
            if (spec == nullptr || !raw) continue;
            if (holder != nullptr &&
                std::ranges::find(holder->fields, spec->name) == holder->fields.end()) {
                in.key_problem(key, "is not held by `" + holder->platform.text + "`");
            }
            const auto value = conform(*spec, number_of(*spec, *raw));
            if (!value && must_conform) in.problem(key, value.error().what);
            fields.set(spec->name, value.value_or(*raw));
        }
        return fields;
    }

    static void read_change(TomlReader& in, const ObjectSpec& object, PolicyStep& step) {
        step.from = PlatformId{in.text("from")};
        const Binding* binding = nullptr;
        if (!step.from.empty()) binding = read_platform(in, "from", step.from.text, object);
        if (in.has("record")) step.record = RecordId{in.text("record")};
        step.deletes = in.boolean("deletes", false);
        if (in.has("fields") && step.deletes) {
            in.problem("fields", "does not go with deletes = true");
        }
        // A value that breaks the contract is what some tests are about.
        step.fields = read_fields(in.table("fields"), object, binding, /*must_conform=*/false);
    }

    /// One answer for all, or one for each platform that is named.
    static void read_answers(TomlReader& in, const ObjectSpec& object, PolicyStep& step) {
        if (in.kind("answer") != TomlReader::Kind::kTable) {
            step.answer = in.choice("answer", kAnswers, step.answer);
            return;
        }
        TomlReader answers = in.table("answer");
        for (const std::string& name : answers.keys()) {
            read_platform(answers, name, name, object);
            step.answers.emplace(PlatformId{name}, answers.choice(name, kAnswers));
        }
    }

    static void read_told(TomlReader in, const ObjectSpec& object, PolicyStep& step) {
        step.told.emplace();
        for (const std::string& name : in.keys()) {
            const Binding* binding = read_platform(in, name, name, object);
            PolicyStep::Told told;
            if (in.kind(name) == TomlReader::Kind::kText) {
                told.deletes = in.text(name) == "delete";
                if (!told.deletes) in.problem(name, "must be the fields told, or \"delete\"");
            } else {
                told.fields = read_fields(in.table(name), object, binding, /*must_conform=*/true);
            }
            step.told->emplace(PlatformId{name}, std::move(told));
        }
    }

    static void read_expected(TomlReader& in, const ObjectSpec& object, PolicyStep& step) {
        if (in.has("placement")) step.placement = in.choice("placement", kPlacements);
        if (in.has("told")) read_told(in.table("told"), object, step);
        if (in.has("exceptions")) {
            step.exceptions = in.texts("exceptions");
            std::ranges::sort(*step.exceptions);
        }
        step.canonical = read_fields(in.table("canonical"), object, nullptr, /*must_conform=*/true);
        TomlReader verdicts = in.table("verdicts");
        const std::vector<std::string> known = verdict_names();
        for (const std::string& key : verdicts.keys()) {
            const FieldSpec* spec = field_of(verdicts, key, object);
            const std::string verdict = verdicts.text(key);
            if (std::ranges::find(known, verdict) == known.end()) {
                std::string all;
                for (const std::string& name : known) all += (all.empty() ? "" : ", ") + name;
                verdicts.problem(key, "must be one of " + all + did_you_mean(verdict, known));
            } else if (spec != nullptr) {
                step.verdicts.emplace(spec->name, verdict);
            }
        }
    }

    const Policy& policy_;
    ObjectName object_;  ///< Of the step before.
};

}  // namespace

Result<std::vector<PolicyCase>> parse_policy_cases(const Policy& policy,
                                                   const std::vector<PolicyFile>& files) {
    std::vector<PolicyCase> cases;
    std::string problems;
    for (const PolicyFile& file : files) {
        auto in = TomlReader::parse(file.text, file.name);
        if (!in) {
            problems += (problems.empty() ? "" : "\n") + in.error().what;
            continue;
        }
        for (TomlReader& test : in->tables("test")) {
            PolicyCase& read = cases.emplace_back();
            read.name = test.text("name");
            read.place = test.place();
            StepReader steps{policy};
            std::vector<TomlReader> tables = test.tables("step");
            if (tables.empty()) test.problem("step", "is missing: a test needs a [[test.step]]");
            if (tables.size() > kStepsMax) test.problem("step", "over 1000 steps");
            for (TomlReader& table : tables) read.steps.push_back(steps.read(std::move(table)));
        }
        if (const auto done = in->finish(); !done) {
            problems += (problems.empty() ? "" : "\n") + done.error().what;
        }
    }
    if (!problems.empty()) return fail(ErrorKind::kInvalid, std::move(problems));
    return cases;
}

}  // namespace syncline::ctl
