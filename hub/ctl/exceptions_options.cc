#include <memory>

#include "hub/ctl/exceptions_act.h"
#include "hub/ctl/text.h"
#include "shared/base/json.h"

namespace syncline::ctl {
namespace {

using hub::OperationKind;

constexpr std::size_t kReasonMost = 500;

Result<Timestamp> due_of(const ActOptions& options, Timestamp now) {
    const int said = (options.due_in.empty() ? 0 : 1) + (options.due_at.empty() ? 0 : 1) +
                     (options.never ? 1 : 0);
    if (said != 1) {
        return fail(ErrorKind::kInvalid, "say one of --in 4h, --at 2026-01-05T10:00:00Z, --never");
    }
    if (options.never) return Timestamp{};
    if (!options.due_at.empty()) return parse_moment(options.due_at, now);
    const auto wait = parse_duration(options.due_in);
    if (!wait) return fail(wait.error(), "--in");
    return now + *wait;
}

Result<void> check_text(const ActOptions& options) {
    if (options.kind == OperationKind::kAssign) {
        if (options.text.empty() != options.nobody) {
            return fail(ErrorKind::kInvalid, "say one of --to NAME and --nobody");
        }
        return {};
    }
    const bool needs = options.kind == OperationKind::kTag ||
                       options.kind == OperationKind::kUntag ||
                       options.kind == OperationKind::kNote;
    if (needs && options.text.empty()) return fail(ErrorKind::kInvalid, "the text is empty");
    return {};
}

CLI::Validator at_most(std::size_t bytes) {
    return CLI::Validator{[bytes](const std::string& text) {
                              return text.size() > bytes
                                         ? "at most " + std::to_string(bytes) + " bytes"
                                         : std::string{};
                          },
                          ""};
}

void add_own_options(CLI::App& command, ActOptions& options) {
    switch (options.kind) {
        case OperationKind::kAssign:
            command.add_option("--to", options.text, "A person or a team")
                ->check(at_most(hub::kTagBytesMost));
            command.add_flag("--nobody", options.nobody, "Nobody sees to it any more");
            break;
        case OperationKind::kTag:
        case OperationKind::kUntag:
            command.add_option("--name", options.text, "The tag")
                ->required()
                ->check(at_most(hub::kTagBytesMost));
            break;
        case OperationKind::kNote:
            command.add_option("--text", options.text, "What to keep with it")
                ->required()
                ->check(at_most(hub::kRemarkBytesMost));
            break;
        case OperationKind::kDue:
            command.add_option("--in", options.due_in, "From now on: 4h, 3d");
            command.add_option("--at", options.due_at, "A day or a time: 2026-01-05T10:00:00Z");
            command.add_flag("--never", options.never, "Whenever");
            break;
        case OperationKind::kEdit:
            command.add_option("--set", options.sets, "field=value; again for more of them")
                ->required();
            break;
        default: break;
    }
}

}  // namespace

Result<hub::Operation> operation_of(const ActOptions& options, Timestamp now) {
    if (auto fits = check_text(options); !fits) return fail(fits.error());
    hub::Operation operation{
        .kind = options.kind, .reason = options.reason, .at = now, .text = options.text};
    if (options.kind == OperationKind::kDue) {
        const auto due = due_of(options, now);
        if (!due) return fail(due.error());
        operation.due = *due;
    }
    return operation;
}

Result<Fields> values_of(const ObjectSpec& object, const std::vector<std::string>& sets) {
    Fields values;
    for (const std::string& set : sets) {
        const auto equals = set.find('=');
        if (equals == std::string::npos) {
            return fail(ErrorKind::kInvalid, "--set " + set + ": write field=value");
        }
        const FieldName name{set.substr(0, equals)};
        const std::string text = set.substr(equals + 1);
        const FieldSpec* spec = object.field(name);
        if (spec == nullptr) {
            std::string names;
            for (const FieldSpec& field : object.fields) names += " " + field.name.text;
            return fail(ErrorKind::kInvalid, "--set " + set + ": " + object.name.text +
                                                 " has no field " + name.text + "; it has" + names);
        }
        if (text.empty() && spec->required) {
            return fail(ErrorKind::kInvalid, "--set " + set + ": " + name.text + " is required");
        }
        const bool json = spec->type == FieldType::kInteger || spec->type == FieldType::kBool ||
                          spec->type == FieldType::kList || spec->type == FieldType::kMap;
        Result<Value> value = Value{text};
        if (json) value = parse_json(text);
        if (spec->type == FieldType::kDecimal) {
            if (const auto number = Decimal::parse(text)) value = Value{*number};
        }
        if (text.empty()) value = Value{};
        if (value) value = conform(*spec, *value);
        if (!value) return fail(value.error(), "--set " + set);
        values.set(name, *std::move(value));
    }
    return values;
}

void add_action_options(CLI::App& command, ActOptions& options) {
    command.add_option("OBJECT", options.object, "The object: customer");
    command.add_option("ENTITY", options.entity, "As listed, or any key of the entity");
    command.add_option("KIND", options.exception,
                       "As listed: command.rejected, or command.rejected@erp for one platform");
    add_own_options(command, options);
    auto* reason =
        command.add_option("--reason", options.reason, "Why; stands in the decision log")
            ->check(at_most(kReasonMost));
    if (options.kind == OperationKind::kDiscard) reason->required();
    command.add_option("--wait", options.wait, "How long to wait for a hub's decision")
        ->capture_default_str();
    add_filter(command, options.filter);
    command.add_flag("--yes", options.yes, "Do it; without, several are only listed");
    command.add_flag("--dry-run", options.dry_run, "Only list, also if it is one");
    command.add_option("--most", options.most, "Refuse if they are more than that")
        ->check(CLI::Range(std::size_t{1}, std::size_t{100'000}))
        ->capture_default_str();
}

}  // namespace syncline::ctl
