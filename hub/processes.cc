#include "hub/processes.h"

#include <algorithm>
#include <utility>

#include "hub/instance_view.h"
#include "hub/workflow/instance_codec.h"
#include "hub/workflow/triggers.h"
#include "shared/base/json.h"
#include "shared/base/nearest_name.h"
#include "shared/model/member.h"
#include "shared/policy/ask.h"
#include "shared/wire/subjects.h"

namespace syncline::hub {
namespace {

using workflow::Acted;
using workflow::Told;

constexpr std::size_t kBodyBytesMax = 256u << 10;
constexpr std::size_t kAskersMost = 10'000;
constexpr Duration kDeadline = std::chrono::seconds{10};
constexpr std::string_view kRequester = "_requester";

Processes::Reply refused(ErrorKind kind, const std::string& text) {
    const int status = http_status(kind);
    return {status, to_json(Value::Map{{"error", Value::Map{{"status", status},
                                                            {"kind", std::string{name_of(kind)}},
                                                            {"text", text}}}})};
}

Processes::Reply accepted(int status, Value::Map body) {
    return {status, to_json(Value{std::move(body)})};
}

/// The body as an object; nothing is an empty one.
Result<Value::Map> object_of(std::string_view body) {
    if (body.size() > kBodyBytesMax) return fail(ErrorKind::kTooLarge, "the body is too long");
    const auto read = parse_json(body.empty() ? "{}" : body);
    if (!read) return fail(read.error());
    const auto* map = read->get<Value::Map>();
    if (map == nullptr) return fail(ErrorKind::kInvalid, "the body must be a JSON object");
    return *map;
}

Result<std::string> required(const Value& body, const char* name) {
    std::string text = text_member(body, name);
    if (text.empty()) {
        return fail(ErrorKind::kInvalid, std::string{"`"} + name + "` is missing in the body");
    }
    return text;
}

}  // namespace

/// Approvals being read.
struct Processes::Listing final : nats::MessageSink {
    std::unique_ptr<nats::Subscription> reader;
    std::string role;
    Duration deadline{0};
    Answer answer;
    Value::List found;

    void on_message(const nats::InMessage& message) override {
        reader->processed(1);
        if (message.deleted) return;
        const auto news = workflow::decode_approval(message.body);
        if (!news || news->what == workflow::ApprovalNews::What::kWithdrawn) return;
        if (role.empty() || role == news->role) found.emplace_back(view_of(*news));
    }
};

Processes::Processes(Parts parts) : p_(std::move(parts)) {
    run_ = std::to_string(p_.clock.now().ns);
}

Processes::~Processes() = default;

void Processes::follow(const Policy* policy, std::uint16_t partitions) {
    policy_ = policy;
    partitions_ = partitions;
    if (!told_ && policy != nullptr) told_ = p_.link.subscribe(subjects::told(p_.hub), this);
}

bool Processes::is_ready(const Answer& answer) const {
    if (policy_ != nullptr && p_.link.connected() && waiting_.size() < kAskersMost) return true;
    answer(refused(
        policy_ != nullptr && p_.link.connected() ? ErrorKind::kFull : ErrorKind::kUnavailable,
        "the hub can not take it now; try again"));
    return false;
}

// ---- Beginning, acting, deciding. --------------------------------------------------------------

/// Of an input: no other has it.
std::string Processes::new_id() {
    return "api/" + p_.hub + "/" + run_ + "/" + std::to_string(++numbers_);
}

void Processes::send(workflow::Message message, Answer answer) {
    message.asker = p_.hub;
    if (message.input.id.empty()) message.input.id = new_id();
    Waiting& waiting = waiting_[message.input.id];
    waiting.instance = message.instance;
    waiting.deadline = p_.clock.steady() + kDeadline;
    waiting.answer = std::move(answer);
    const std::uint64_t token = ++numbers_;
    publishing_.emplace(token, message.input.id);
    const Partition home = workflow::home_of(message.instance, partitions_);
    const std::string body = workflow::encode(message);
    p_.link.publish({subjects::instance_input(home, message.instance), body, {}, {}}, this, token);
}

void Processes::start(std::string_view name, std::string_view body, std::string_view trace,
                      Answer answer) {
    if (!is_ready(answer)) return;
    const auto no = [&](const Error& error) { answer(refused(error.kind, error.what)); };
    const WorkflowName workflow{name};
    const Workflow* known = policy_->workflow(workflow);
    if (known == nullptr) {
        std::vector<std::string> names;
        for (const Workflow& one : policy_->workflows) names.push_back(one.name.text);
        return no({ErrorKind::kNotFound,
                   "there is no workflow `" + std::string{name} + "`" + did_you_mean(name, names)});
    }
    auto given = object_of(body);
    if (!given) return no(given.error());
    const std::string requester = text_member(Value{*given}, kRequester);
    given->erase(std::string{kRequester});
    const auto context = take_values(known->context, Value{*given}, Unknown::kRefuse);
    if (!context) return no(context.error());
    workflow::Message message;
    message.input.id = new_id();
    auto begun = workflow::begun_by_api(
        *policy_, workflow, *context,
        {.id = message.input.id, .requester = requester, .trace = std::string{trace}});
    if (!begun) return no(begun.error());
    message.instance = begun->instance;
    message.input.what = *std::move(begun);
    send(std::move(message), std::move(answer));
}

void Processes::act(std::string_view instance, std::string_view action, std::string_view body,
                    Answer answer) {
    if (!is_ready(answer)) return;
    const auto no = [&](const Error& error) { answer(refused(error.kind, error.what)); };
    const auto what = workflow::action_named(action);
    if (!what) return no(what.error());
    const auto given = object_of(body);
    if (!given) return no(given.error());
    const Value object{*given};
    const auto who = required(object, "who");
    if (!who) return no(who.error());
    Acted acted{.what = *what,
                .who = *who,
                .step = text_member(object, "step"),
                .reason = text_member(object, "reason")};
    if (const Value* fields = member(object, "fields")) {
        const auto* map = fields->get<Value::Map>();
        if (map == nullptr) return no({ErrorKind::kInvalid, "`fields` must be an object"});
        for (const auto& [name, value] : *map) acted.fields.set(FieldName{name}, value);
    }
    send({.instance = std::string{instance}, .asker = {}, .input = {{}, {}, std::move(acted)}},
         std::move(answer));
}

void Processes::decide(std::string_view key, std::string_view verdict, std::string_view body,
                       Answer answer) {
    if (!is_ready(answer)) return;
    const auto no = [&](const Error& error) { answer(refused(error.kind, error.what)); };
    const bool approves = verdict == "approve";
    if (!approves && verdict != "reject") {
        return no({ErrorKind::kNotFound, "an approval is answered by approve or reject"});
    }
    const auto given = object_of(body);
    if (!given) return no(given.error());
    const Value object{*given};
    const auto who = required(object, "who");
    const auto seen = required(object, "seen");
    if (!who) return no(who.error());
    if (!seen) return no(seen.error());
    using What = workflow::Decision::What;
    workflow::Decision decision{.key = std::string{key},
                                .what = approves ? What::kApprove : What::kReject,
                                .who = *who,
                                .roles = {},
                                .seen = *seen,
                                .comment = text_member(object, "comment"),
                                .on_behalf_of = text_member(object, "on_behalf_of")};
    send({.instance = workflow::instance_of(key),
          .asker = {},
          .input = {{}, {}, std::move(decision)}},
         std::move(answer));
}

void Processes::on_published(std::uint64_t token, const Result<std::uint64_t>& sequence) {
    const auto publishing = publishing_.extract(token);
    if (publishing.empty()) return;
    const auto waiting = waiting_.find(publishing.mapped());
    if (waiting == waiting_.end()) return;
    if (sequence) {
        waiting->second.stored = true;
        return;
    }
    const Answer answer = std::move(waiting->second.answer);
    waiting_.erase(waiting);
    answer(refused(sequence.error().kind, "it was not stored: " + sequence.error().what));
}

void Processes::on_message(const nats::InMessage& message) {
    const auto told = workflow::decode_told(message.body);
    if (!told) return;
    auto found = waiting_.extract(told->to);
    if (found.empty()) return;
    const Waiting& waiting = found.mapped();
    if (told->what == Told::What::kRefused) {
        return waiting.answer(refused(ErrorKind::kConflict, told->text));
    }
    Value::Map body{{"instance", waiting.instance},
                    {"status", std::string{workflow::name_of(told->status)}}};
    if (!told->text.empty()) body.emplace("reason", told->text);
    waiting.answer(accepted(200, std::move(body)));
}

// ---- Looking. ----------------------------------------------------------------------------------

void Processes::show(std::string_view instance, Answer answer) {
    if (!is_ready(answer)) return;
    const std::string id{instance};
    p_.link.get_last(
        subjects::kStreamState, subjects::instance(id, workflow::home_of(id, partitions_)),
        [id, answer, alive = std::weak_ptr<int>{alive_}](const auto& stored) {
            if (alive.expired()) return;
            if (!stored) return answer(refused(stored.error().kind, stored.error().what));
            if (!*stored) {
                return answer(refused(ErrorKind::kNotFound, "there is no instance " + id));
            }
            const auto state = workflow::decode_instance((*stored)->body);
            if (!state) return answer(refused(state.error().kind, state.error().what));
            answer(accepted(200, view_of(*state)));
        });
}

void Processes::approvals(std::string_view role, Answer answer) {
    if (!is_ready(answer)) return;
    auto& listing = *listings_.emplace_back(std::make_unique<Listing>());
    listing.role = std::string{role};
    listing.deadline = p_.clock.steady() + kDeadline;
    listing.answer = std::move(answer);
    nats::ConsumeSpec spec;
    spec.stream = subjects::kStreamState;
    spec.filters = {subjects::all_approvals()};
    spec.last_per_subject = true;
    listing.reader = p_.link.consume(std::move(spec), &listing);
}

void Processes::find_approval(
    const std::string& key,
    std::function<void(const Result<std::optional<workflow::ApprovalNews>>&)> done) {
    p_.link.get_last(subjects::kStreamState, subjects::approval(key),
                     [done = std::move(done)](const auto& got) {
                         using Found = std::optional<workflow::ApprovalNews>;
                         if (!got) return done(fail(got.error()));
                         if (!*got || (*got)->deleted) return done(Found{});
                         auto news = workflow::decode_approval((*got)->body);
                         if (!news) return done(fail(news.error()));
                         if (news->what == workflow::ApprovalNews::What::kWithdrawn)
                             return done(Found{});
                         done(Found{*std::move(news)});
                     });
}

Value Processes::catalogue() const {
    Value::List all;
    for (const Workflow& workflow :
         policy_ == nullptr ? std::vector<Workflow>{} : policy_->workflows) {
        const bool may = std::ranges::any_of(
            workflow.triggers, [](const Trigger& one) { return one.on == Trigger::On::kApi; });
        if (!may) continue;
        Value::Map input;
        for (const FieldSpec& field : workflow.context) {
            input.emplace(field.name.text,
                          Value::Map{{"type", name_of(field.type)}, {"required", field.required}});
        }
        all.emplace_back(Value::Map{{"process", workflow.name.text},
                                    {"class", name_of(ApiClass::kProcess)},
                                    {"version", std::int64_t{workflow.version}},
                                    {"owner", workflow.owner},
                                    {"key", workflow.key.text},
                                    {"input", std::move(input)}});
    }
    return Value::Map{{"processes", std::move(all)}};
}

void Processes::tick() {
    const Duration now = p_.clock.steady();
    for (auto at = listings_.begin(); at != listings_.end();) {
        Listing& listing = **at;
        if (listing.reader->caught_up()) {
            listing.answer(accepted(200, Value::Map{{"approvals", std::move(listing.found)}}));
        } else if (now >= listing.deadline) {
            listing.answer(refused(ErrorKind::kAmbiguous, "the broker did not answer in time"));
        } else {
            ++at;
            continue;
        }
        at = listings_.erase(at);
    }
    std::vector<std::string> late;
    for (const auto& [id, waiting] : waiting_) {
        if (waiting.deadline <= now) late.push_back(id);
    }
    for (const std::string& id : late) {
        const Waiting waiting = std::move(waiting_.extract(id).mapped());
        if (!waiting.stored) {
            waiting.answer(refused(ErrorKind::kAmbiguous, "the broker did not answer in time"));
            continue;
        }
        // It is durable, and will be decided as soon as some hub holds its partition.
        waiting.answer(accepted(
            202, Value::Map{{"instance", waiting.instance}, {"status", std::string{"accepted"}}}));
    }
}

Duration Processes::next_wait() const {
    if (!listings_.empty()) return std::chrono::milliseconds{5};
    return waiting_.empty() ? Duration{std::chrono::hours{1}} : std::chrono::milliseconds{100};
}

}  // namespace syncline::hub
