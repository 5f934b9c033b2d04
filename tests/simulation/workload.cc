#include "tests/simulation/workload.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "hub/core/handover.h"
#include "hub/core/state_codec.h"
#include "hub/core/work.h"
#include "shared/wire/subjects.h"

namespace syncline::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const ObjectName kCustomer{"customer"};
const FieldName kNumber{"number"};

constexpr const char* kFields = R"(
[policy]
name = "simulation"
[objects.customer]
attempts_max = 4
[objects.customer.fields]
number = { type = "string", required = true, length_max = 20 }
name   = { type = "string", required = true, length_max = 60 }
stage  = { type = "enum", values = ["lead", "active", "closed"] }
email  = "string"
credit = "decimal"
tier   = "string"
phone  = "string"
note   = "string"
alias  = "string"
rating = "integer"
[objects.customer.events.registered]
on = "created"
[objects.customer.events.left]
on = "deleted"
[objects.customer.events.won]
when = 'stage == "active"'
[objects.customer.events.good]
when = 'rating > 50'
fields = ["rating"]
[objects.customer.stages]
field   = "stage"
initial = ["lead"]
[objects.customer.stages.next]
lead   = ["active", "closed"]
active = ["closed"]
closed = []
[[objects.customer.own]]
fields    = ["number", "name", "stage"]
owner     = "crm"
otherwise = "revert"
[[objects.customer.own]]
fields    = ["email"]
when      = 'stage == "lead"'
owner     = "crm"
otherwise = "revert"
[[objects.customer.own]]
fields    = ["email"]
owner     = "erp"
otherwise = "revert"
[[objects.customer.own]]
fields    = ["credit"]
owner     = "erp"
otherwise = "review"
[[objects.customer.own]]
fields    = ["tier"]
owner     = "erp"
otherwise = "ignore"
[[objects.customer.own]]
fields    = ["alias"]
owner     = "erp"
otherwise = "propose"
[[objects.customer.own]]
fields    = ["rating"]
owner     = "crm"
otherwise = "accept"
[[objects.customer.own]]
fields    = ["phone"]
resolve   = "latest"
)";

constexpr const char* kDeletes[] = {"review", "propagate", "restore", "unlink"};

std::string binding(const std::string& platform, bool founds, const char* on_delete) {
    return "[objects.customer.on." + platform +
           "]\nfields = [\"*\"]\nfounds = " + (founds ? "true" : "false") +
           "\nreceives = true\non_delete = \"" + on_delete + "\"\n";
}

std::string policy_text(Random& random, bool support) {
    std::string text = kFields;
    const std::string who = support ? R"("support", "erp", "crm")" : R"("erp", "crm")";
    text += "[[objects.customer.own]]\nfields = [\"note\"]\nresolve = \"priority\"\npriority = [" +
            who + "]\n[[objects.customer.match]]\nname = \"number\"\non = [\"number\"]\n";
    text += binding("crm", true, kDeletes[random.below(4)]);
    text += binding("erp", random.one_in(2), kDeletes[random.below(4)]);
    if (support) text += binding("support", false, kDeletes[random.below(4)]);
    text += "[platforms.crm]\n[platforms.erp]\n";
    if (support) text += "[platforms.support]\n";
    return text;
}

/// The same policy with other names for some fields; as it is if all have them already.
std::string renamed_policy(Random& random, const std::string& text) {
    std::string out = text;
    for (const auto& [first, later] : kRenamedFields) {
        const std::string spec =
            "\n" + std::string{first} + (first.size() < 6 ? "  = \"" : " = \"");
        const auto at = out.find(spec);
        if (at == std::string::npos || random.one_in(3)) continue;
        const auto type = at + spec.size();
        const auto end = out.find('"', type);
        out.replace(at + 1, end - at,
                    std::string{later} + " = { type = \"" + out.substr(type, end - type) +
                        "\", renamed_from = [\"" + std::string{first} + "\"] }");
        const std::string listed = "[\"" + std::string{first} + "\"]\n";
        const auto rule = out.find(listed);
        out.replace(rule, listed.size(), "[\"" + std::string{later} + "\"]\n");
    }
    return out == text ? out + "# The same.\n" : out;
}

/// The same policy with one rule changed, or other names for some fields.
std::string changed_policy(Random& random, std::string text) {
    if (random.one_in(3)) return renamed_policy(random, text);
    static constexpr std::pair<std::string_view, std::string_view> kChanges[] = {
        {R"(fields    = ["tier"]
owner     = "erp"
otherwise = "ignore")",
         R"(fields    = ["tier"]
owner     = "erp"
otherwise = "revert")"},
        {R"(fields    = ["credit"]
owner     = "erp"
otherwise = "review")",
         R"(fields    = ["credit"]
owner     = "erp"
otherwise = "ignore")"},
        {R"(fields    = ["credit"]
owner     = "erp"
otherwise = "ignore")",
         R"(fields    = ["credit"]
resolve   = "latest")"},
        {R"(fields    = ["alias"]
owner     = "erp"
otherwise = "propose")",
         R"(fields    = ["alias"]
owner     = "erp"
otherwise = "review")"},
        {R"(fields    = ["rating"]
owner     = "crm"
otherwise = "accept")",
         R"(fields    = ["rating"]
owner     = "erp"
otherwise = "revert")"},
        {R"(fields    = ["phone"]
resolve   = "latest")",
         R"(fields    = ["phone"]
owner     = "crm"
otherwise = "revert")"},
        {R"(on = ["number"])", R"(on = ["number:lower"])"},
    };
    const auto start = random.below(std::size(kChanges));
    for (std::size_t i = 0; i < std::size(kChanges); ++i) {
        const auto& [from, to] = kChanges[(start + i) % std::size(kChanges)];
        const auto at = text.find(from);
        if (at != std::string::npos) return text.replace(at, from.size(), to);
    }
    return text + "# The same.\n";
}

PlatformNature draw_nature(Random& random, const std::string& id) {
    PlatformNature nature;
    nature.id = PlatformId{id};
    nature.upsert = random.one_in(3);
    nature.marker = nature.upsert || !random.one_in(6);
    nature.tells_record = random.one_in(2);
    nature.conditional = random.one_in(3);
    nature.revives = random.one_in(3);
    nature.trims = random.one_in(2);
    nature.decimals = static_cast<int>(random.between(0, 4));
    nature.lag = random.one_in(2) ? Duration{0} : random.between(milliseconds{100}, seconds{4});
    if (random.one_in(3)) {
        nature.derived.push_back(
            {FieldName{"phone"}, FieldName{random.one_in(2) ? "note" : "alias"}});
    }
    // By what is drawn already: worlds without batches stay what they were.
    nature.batch_max = nature.decimals % 2 == 0 ? 1 : 8;
    return nature;
}

}  // namespace

Setup draw_setup(Random& random) {
    Setup setup;
    const bool support = random.one_in(2);
    setup.hubs = static_cast<std::uint32_t>(random.between(1, 3));
    setup.partitions = static_cast<std::uint16_t>(random.between(1, 8));
    for (const char* id : {"crm", "erp", "support"}) {
        if (!support && std::string_view{id} == "support") continue;
        setup.platforms.push_back(draw_nature(random, id));
    }
    setup.policy_text = policy_text(random, support);
    std::string later = setup.policy_text;
    for (std::uint64_t changes = random.one_in(3) ? random.between(1, 3) : 0; changes > 0;
         --changes) {
        later = changed_policy(random, later);
        setup.later_policies.push_back(later);
    }
    setup.first_records = static_cast<std::uint32_t>(random.between(1, 6));
    setup.edit_pause = random.between(milliseconds{500}, seconds{12});
    setup.deletes = random.one_in(3);
    setup.twins = random.one_in(3);
    setup.bad_values = random.one_in(3);
    setup.operators = random.one_in(3);
    setup.sorters = random.one_in(4);
    for (PlatformNature& nature : setup.platforms) {
        nature.picky = setup.bad_values && random.one_in(2);
        if (random.one_in(10)) nature.stubborn = FieldName{random.one_in(2) ? "tier" : "note"};
    }
    return setup;
}

// ---- Users. ---------------------------------------------------------------------------------

void Workload::begin() {
    for (std::uint32_t i = 0; i < setup_.first_records; ++i) make_record();
    next_edit();
}

void Workload::next_edit() {
    // Mostly evenly, sometimes in bursts.
    const Duration pause = world_.random().one_in(5)
                               ? world_.random().between(Duration{0}, milliseconds{50})
                               : world_.random().between(Duration{0}, setup_.edit_pause * 2);
    world_.after(pause, [this] {
        if (over_) return;
        edit_something();
        next_edit();
    });
}

void Workload::make_record() {
    Random& random = world_.random();
    ++edits_;
    const std::string number = "N" + std::to_string(++numbers_);
    Platform* platform = platforms_[random.below(2)];
    const Binding* binding = policy_.objects[0].binding(platform->nature().id);
    if (!binding->founds) platform = platforms_[0];
    const auto make = [this, number](Platform* where) {
        Fields fields = some_values(*where, true);
        fields.set(kNumber, Value{number});
        where->create(kCustomer, std::move(fields));
    };
    make(platform);
    if (!setup_.twins || !random.one_in(2)) return;
    Platform* other = random.pick(platforms_);
    if (other == platform) return;
    world_.after(random.one_in(2) ? Duration{0} : random.between(Duration{0}, seconds{20}),
                 [make, other] { make(other); });
}

void Workload::edit_something() {
    Random& random = world_.random();
    if (random.one_in(15) && numbers_ < 14) return make_record();
    if (setup_.operators && random.one_in(10)) return decide_one();
    if (setup_.sorters && random.one_in(12)) return sort_something();
    Platform& platform = *random.pick(platforms_);
    if (platform.rows().empty()) return;
    auto row = platform.rows().begin();
    std::advance(row, static_cast<std::ptrdiff_t>(random.below(platform.rows().size())));
    const RecordId id = row->first;
    ++edits_;
    if (row->second.current().deleted) {
        if (platform.nature().revives && random.one_in(4)) {
            Fields fields = some_values(platform, true);
            if (const Value* number = row->second.versions.front().fields.find(kNumber)) {
                fields.set(kNumber, *number);
            }
            platform.revive(id, std::move(fields));
        }
        return;
    }
    if (setup_.deletes && random.one_in(12)) {
        platform.remove(id);
        return;
    }
    platform.edit(id, some_values(platform, false));
}

Fields Workload::some_values(const Platform& platform, bool all) {
    Random& random = world_.random();
    Fields fields;
    const ObjectSpec& object = policy_.objects[0];
    const Binding& binding = *object.binding(platform.nature().id);
    while (fields.empty()) {
        for (const FieldName& name : binding.fields) {
            if (name == kNumber) continue;
            const bool chosen =
                all ? name.text == "name" || name.text == "stage" || !random.one_in(3)
                    : random.one_in(binding.fields.size());
            if (chosen) fields.set(name, some_value(*object.field(name)));
        }
    }
    return fields;
}

Value Workload::some_value(const FieldSpec& field) {
    Random& random = world_.random();
    const bool bad = setup_.bad_values && random.one_in(12);
    switch (field.type) {
        case FieldType::kEnum:
            if (bad) return Value{"nonsense"};
            return Value{random.pick(field.enum_values)};
        case FieldType::kDecimal: {
            const auto digits = std::to_string(random.below(1'000'000));
            return Value{*Decimal::parse(digits + "e-" + std::to_string(random.below(5)))};
        }
        case FieldType::kInteger: return Value{static_cast<std::int64_t>(random.below(100))};
        default: break;
    }
    if (!field.required && random.one_in(10)) return Value{};
    std::string text = field.name.text + " " + std::to_string(random.below(1'000));
    if (random.one_in(8)) text = "  " + text + " ";
    if (bad) text += "!";
    return Value{std::move(text)};
}

// ---- Operators. -----------------------------------------------------------------------------

void Workload::decide_one() {
    const auto messages = broker_.all(subjects::kStreamExceptions);
    if (!messages.empty()) decide(world_.random().pick(messages));
}

void Workload::decide_all() {
    for (const MessagePtr& message : broker_.all(subjects::kStreamExceptions)) decide(message);
}

namespace {

/// Mostly what settles it.
hub::OperationKind some_action(Random& random, const hub::ExceptionRecord& exception) {
    using enum hub::OperationKind;
    static constexpr hub::OperationKind kSettling[] = {kAccept, kReject,  kRetry, kAccept,
                                                       kReject, kDiscard, kEdit,  kRetry};
    static constexpr hub::OperationKind kSeeing[] = {kAssign, kTag, kUntag, kNote, kDue};
    if (!is_held(exception.kind) || random.one_in(6)) {
        return kSeeing[random.below(std::size(kSeeing))];
    }
    return kSettling[random.below(std::size(kSettling))];
}

}  // namespace

void Workload::note_decision(const hub::ExceptionRecord& exception, hub::OperationKind kind) {
    decided_.push_back(exception.reason);
    if (exception.kind == exceptions::kSecondRecord) {
        // Of the two, a store that lost the state may let the other one stand.
        decided_.push_back(exception.record + ",");
    }
    for (const auto& [field, value] : exception.proposed) {
        decided_fields_.insert({exception.entity.entity, exception.platform, native_name(field)});
    }
    if (exception.kind == exceptions::kInDoubt && kind != hub::OperationKind::kAccept) {
        denied_.insert({exception.entity.entity, exception.platform});
    }
    if (kind == hub::OperationKind::kAccept || kind == hub::OperationKind::kDiscard ||
        kind == hub::OperationKind::kEdit) {
        left_alone_.insert({exception.entity.entity, exception.platform});
        accepted_.insert(exception.entity.entity);
        if (exception.kind == exceptions::kSecondRecord) left_apart_.insert(exception.platform);
    }
}

void Workload::decide(const MessagePtr& message) {
    const auto exception = hub::decode_exception(message->body);
    if (!exception || exception->status != hub::ExceptionStatus::kOpen) return;
    if (policy_.object(exception->entity.object) == nullptr) return;
    Random& random = world_.random();
    hub::Operation operation;
    operation.kind = some_action(random, *exception);
    operation.entity = exception->entity;
    operation.exception = exception->kind + "@" + exception->platform.text;
    operation.id = "op" + std::to_string(++operations_);
    operation.actor = "operator";
    operation.at = Timestamp{SimClock::kStart} + world_.now();
    operation.seen = exception->version;
    if (operation.kind == hub::OperationKind::kDiscard) operation.reason = "not worth it";
    if (hub::is_about_care(operation.kind)) operation.text = "text " + operation.id;
    if (operation.kind == hub::OperationKind::kEdit) {
        for (const auto& [field, value] : exception->proposed) {
            const FieldSpec* spec = policy_.objects[0].field(native_name(field));
            if (spec != nullptr && field != kNumber) operation.values.set(field, some_value(*spec));
        }
    }
    if (!hub::is_about_care(operation.kind)) note_decision(*exception, operation.kind);
    publish(operation);
}

void Workload::publish(const hub::Operation& operation) {
    const Partition partition = entity_partition(operation.entity, setup_.partitions);
    const char* kind = hub::name_of(operation.kind);
    world_.note("operator", std::string{kind} + " " + operation.exception + " of " +
                                operation.entity.entity.text + " " + operation.platform.text + " " +
                                operation.record.text + " " + operation.other.text);
    if (!broker_.up()) return;
    std::ignore = broker_.publish(subjects::operation(partition, kind, operation.id),
                                  hub::encode(operation), std::nullopt);
}

// ---- Who sorts out which records are one. ---------------------------------------------------

void Workload::choose_sorting(const std::vector<hub::EntityState>& states,
                              hub::Operation& operation) {
    Random& random = world_.random();
    const hub::EntityState& state = states[random.below(states.size())];
    operation.entity = state.key;
    operation.other = states[random.below(states.size())].key.entity;
    using enum hub::OperationKind;
    if (!state.taken_in.empty() && !random.one_in(3)) {
        operation.kind = kUnmerge;
        operation.other = state.taken_in[random.below(state.taken_in.size())].entity;
        return;
    }
    operation.kind = kMerge;
    const auto records = hub::all_records(state);
    if (records.empty() || random.one_in(2)) return;
    std::tie(operation.platform, operation.record) = records[random.below(records.size())];
    operation.kind = random.one_in(2) ? kLink : kUnlink;
    if (operation.kind == kUnlink) operation.other = {};
}

/// A record that matched no entity is of the one that `operation` is about.
void Workload::choose_stray(hub::Operation& operation) {
    for (const MessagePtr& message : broker_.all(subjects::kStreamExceptions)) {
        const auto exception = hub::decode_exception(message->body);
        if (!exception || exception->status != hub::ExceptionStatus::kOpen) continue;
        if (exception->kind != exceptions::kUnmatched) continue;
        operation.kind = hub::OperationKind::kLink;
        operation.platform = exception->platform;
        operation.record = RecordId{exception->record};
        operation.other = {};
        operation.change = exception->raw;
        return;
    }
}

void Workload::sort_something() {
    std::vector<hub::EntityState> states;
    for (const MessagePtr& message : broker_.all(subjects::kStreamState)) {
        if (!subject_matches(subjects::all_entities(), message->subject)) continue;
        auto state = hub::decode_entity(message->body);
        if (state && !state->is_merged()) states.push_back(std::move(*state));
    }
    if (states.empty()) return;
    hub::Operation operation;
    operation.id = "op" + std::to_string(++operations_);
    operation.actor = "sorter";
    operation.at = Timestamp{SimClock::kStart} + world_.now();
    choose_sorting(states, operation);
    if (world_.random().one_in(4)) choose_stray(operation);
    // What they get or lose may be values that an owner told.
    for (const EntityId& entity : {operation.entity.entity, operation.other}) {
        if (!entity.empty()) accepted_.insert(entity);
    }
    publish(operation);
}

}  // namespace syncline::sim
