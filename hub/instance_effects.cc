#include <algorithm>

#include "hub/approval_event.h"
#include "hub/core/state_codec.h"
#include "hub/event_message.h"
#include "hub/instances.h"
#include "shared/base/log.h"
#include "shared/wire/codec.h"
#include "shared/wire/operation_codec.h"
#include "shared/wire/subjects.h"

namespace syncline::hub {
namespace {

using workflow::Told;

std::string attempt_of(std::string_view key, std::uint32_t attempt) {
    return std::string{key} + "#" + std::to_string(attempt);
}

/// As a sub-workflow that ended tells its parent.
workflow::Message child_done(const std::string& parent, workflow::ChildDone done) {
    std::string id = "child/" + done.key;
    return {.instance = parent, .asker = {}, .input = {std::move(id), {}, std::move(done)}};
}

workflow::Message outcome_of(std::string_view operation, ErrorClass error,
                             const std::string& refused) {
    using What = workflow::OperationOutcome::What;
    const auto [key, attempt] = workflow::split_attempt(operation);
    workflow::OperationOutcome outcome{.key = key, .attempt = attempt};
    outcome.what = refused.empty() ? What::kApplied : What::kRefused;
    outcome.error = error;
    outcome.text = refused;
    return {.instance = workflow::instance_of(key),
            .asker = {},
            .input = {"outcome/" + std::string{operation}, {}, std::move(outcome)}};
}

}  // namespace

void Instances::publish(Slot& slot, const workflow::Effect& effect) {
    if (const auto* request = std::get_if<workflow::Request>(&effect)) {
        publish_request(slot, *request);
    } else if (const auto* news = std::get_if<workflow::ApprovalNews>(&effect)) {
        publish_approval(slot, *news);
    } else if (const auto* open = std::get_if<workflow::ExceptionNews>(&effect)) {
        publish_exception(slot, *open);
    } else if (const auto* told = std::get_if<Told>(&effect)) {
        publish_told(slot, *told);
    }
}

void Instances::publish_request(Slot& slot, const workflow::Request& request) {
    using Kind = workflow::Request::Kind;
    switch (request.kind) {
        case Kind::kAsk: return put_question(slot, request);
        case Kind::kOperation: return publish_call(slot, request);
        case Kind::kWrite: return publish_write(slot, request);
        case Kind::kEvent: return emit(slot, request);
        case Kind::kStart: {
            workflow::Start start = workflow::begun_by_call(request, slot.state);
            ++slot.outstanding;
            return send({.instance = start.instance,
                         .asker = {},
                         .input = {"start/" + request.key, {}, std::move(start)}},
                        this, token_of(slot));
        }
        case Kind::kCancel:
            ++slot.outstanding;
            return send({.instance = key_text(request.subject),
                         .asker = {},
                         .input = {"cancel/" + attempt_of(request.key, request.attempt),
                                   {},
                                   workflow::Acted{.what = workflow::Acted::What::kCancel,
                                                   .who = workflow::parent_actor(slot.id)}}},
                        this, token_of(slot));
    }
}

/// Nothing waits for the answer but the instance, which has a deadline for it.
void Instances::put_question(const Slot& slot, const workflow::Request& request) {
    const auto answered = [this, instance = slot.id, key = request.key, attempt = request.attempt,
                           alive = std::weak_ptr<int>{alive_}](Answer answer) {
        if (alive.expired()) return;
        send({.instance = instance,
              .asker = {},
              .input = {"reply/" + attempt_of(key, attempt),
                        {},
                        workflow::Reply{key, attempt, answer.error, std::move(answer.fields),
                                        std::move(answer.text)}}});
    };
    if (ask) return ask(request.name, request.fields, answered);
    answered({ErrorClass::kUnavailable, {}, "this hub asks nobody"});
}

void Instances::publish_call(Slot& slot, const workflow::Request& request) {
    const auto name = split_operation(request.name);
    if (!name) return;  // The policy's check lets none pass.
    ++slot.outstanding;
    ++p_.counters.commands;
    OperationCall call{.platform = name->first,
                       .operation = name->second,
                       .key = request.key,
                       .attempt = request.attempt,
                       .partition = slot.home,
                       .input = request.fields,
                       .undoes = request.undoes,
                       .decided_at = slot.standing ? slot.state.started_at : slot.state.clock,
                       .trace = slot.state.trace,
                       .again = slot.again};
    std::string body = wire::encode(call);
    call.again = true;  // A try whose receipt was lost may have been carried out.
    p_.effects.publish(subjects::operation_call(call.platform, call.key), std::move(body),
                       wire::encode(call), this, token_of(slot));
}

// ---- Entities. ---------------------------------------------------------------------------------

struct Instances::Search {
    workflow::Request request;
    std::size_t outstanding = 1;
    bool failed = false;
    std::set<std::string> found;  ///< Ids of entities.
};

/// Whose key it is: a match key of one field, a record's id at a platform, or the entity's own id.
void Instances::publish_write(Slot& slot, const workflow::Request& request) {
    ++slot.outstanding;
    const ObjectName name{request.name};
    const std::string key = key_text(request.subject);
    const ObjectSpec* object = p_.policies.newest().object(name);
    std::vector<std::string> places;
    for (const MatchRule& rule : object == nullptr ? std::vector<MatchRule>{} : object->matches) {
        if (rule.parts.size() != 1) continue;
        const auto text = match_text(rule, {{rule.parts.front().field, request.subject}});
        if (text) places.push_back(subjects::match_key(name, rule.name, *text));
    }
    for (const PlatformId& platform : p_.policies.newest().platforms) {
        if (key.empty() || object == nullptr || object->binding(platform) == nullptr) continue;
        places.push_back(subjects::link({platform, name, RecordId{key}}));
    }
    const auto search = std::make_shared<Search>(request);
    const auto one_known = [this, search, token = token_of(slot)] {
        if (--search->outstanding > 0) return;
        Slot* asked = current(token);
        if (asked == nullptr) return;
        if (search->failed) return restart(*asked, p_.options.retry_wait);
        found_entity(*asked, search->request, search->found);
    };
    for (const std::string& place : places) {
        ++search->outstanding;
        p_.link.get_last(subjects::kStreamState, place, [search, one_known](const auto& stored) {
            search->failed = search->failed || !stored;
            if (stored && *stored && !(*stored)->deleted) {
                const auto entity = wire::decode_reference((*stored)->body);
                if (entity && !entity->empty()) search->found.insert(entity->text);
            }
            one_known();
        });
    }
    one_known();
}

void Instances::found_entity(Slot& slot, const workflow::Request& request,
                             const std::set<std::string>& found) {
    const std::string id = attempt_of(request.key, request.attempt);
    const std::string key = key_text(request.subject);
    if (found.size() > 1 || key.empty()) {
        const std::string why = key.empty() ? "the key of the " + request.name + " is empty"
                                            : key + " is the key of more than one " + request.name;
        return send(outcome_of(id, ErrorClass::kPermanent, why), this, token_of(slot));
    }
    const Operation operation{
        .kind = OperationKind::kSet,
        .entity = {ObjectName{request.name}, EntityId{found.empty() ? key : *found.begin()}},
        .exception = {},
        .id = id,
        .actor = "workflow " + slot.state.workflow.text + "/" + slot.id,
        .reason = {},
        .at = slot.state.clock,
        .values = request.fields};
    const Partition home = entity_partition(operation.entity, p_.options.partitions);
    p_.effects.publish(subjects::operation(home, name_of(operation.kind), id), encode(operation),
                       this, token_of(slot));
}

// ---- Telling. ----------------------------------------------------------------------------------

/// How it stands, and to those who subscribe what has come of it: each once, as what has happened
/// in a revision has a name of its own. What is only told again is no news.
void Instances::publish_approval(Slot& slot, const workflow::ApprovalNews& news) {
    ++slot.outstanding;
    p_.effects.publish(subjects::approval(news.key), workflow::encode(news), this, token_of(slot));
    if (slot.standing || news.what == workflow::ApprovalNews::What::kVoted) return;
    const Policy& policy = p_.policies.newest();
    const Workflow* workflow = policy.workflow(slot.state.workflow);
    BusinessEvent event = approval_event(news, workflow);
    event.entity.entity = EntityId{slot.id};
    event.key = business_key(slot, workflow);
    event.generation += "." + std::to_string(slot.state.revision);
    event.source = policy.name;
    event.at = slot.state.clock;
    event.trace = slot.state.trace;
    publish_event(slot, event);
}

std::string Instances::business_key(const Slot& slot, const Workflow* workflow) {
    const Value* key = workflow == nullptr || workflow->key.empty()
                           ? nullptr
                           : slot.state.context.find(workflow->key);
    std::string text = key == nullptr ? std::string{} : key_text(*key);
    return text.empty() ? slot.id : text;
}

void Instances::publish_event(Slot& slot, const BusinessEvent& event) {
    ++slot.outstanding;
    ++p_.counters.events;
    EventMessage message = message_of(event);
    p_.effects.publish_first(std::move(message.subject), std::move(message.body),
                             std::move(message.headers), this, token_of(slot));
}

void Instances::emit(Slot& slot, const workflow::Request& request) {
    const auto dot = request.name.find('.');
    if (dot == std::string::npos) return;
    const Policy& policy = p_.policies.newest();
    const BusinessEvent event{
        .entity = {ObjectName{request.name.substr(0, dot)}, EntityId{slot.id}},
        .name = request.name.substr(dot + 1),
        .key = business_key(slot, policy.workflow(slot.state.workflow)),
        .generation = workflow::step_of(request.key),
        .source = policy.name,
        .at = slot.state.clock,
        .trace = slot.state.trace,
        .fields = request.fields};
    publish_event(slot, event);
}

void Instances::publish_exception(Slot& slot, const workflow::ExceptionNews& news) {
    using What = workflow::ExceptionNews::What;
    ExceptionRecord exception;
    exception.kind = news.code;
    exception.entity = workflow::entity_of(slot.id);
    exception.platform = PlatformId{news.step};  // What it is of, where others name a platform.
    exception.record = slot.state.workflow.text;
    exception.reason = news.reason;
    exception.opened_at = exception.updated_at = slot.state.clock;
    exception.source = "workflow " + slot.state.workflow.text + " " + slot.id;
    exception.version = slot.state.revision;
    apply_rules(exception);
    const bool opened = news.what == What::kOpened;
    if (!opened) exception.status = ExceptionStatus::kResolved;
    p_.counters.count(exception.kind, exception.care.severity,
                      opened ? ExceptionEvent::What::kOpened : ExceptionEvent::What::kClosed);
    ++p_.counters.exceptions;
    ++slot.outstanding;
    const std::string kind = exception.kind + "@" + news.step;
    p_.effects.publish_last(subjects::exception(exception.entity, kind), encode(exception), this,
                            token_of(slot));
}

void Instances::publish_told(Slot& slot, const Told& told) {
    if (told.what == Told::What::kFinished) {
        ++slot.outstanding;
        return send(child_done(told.to, {told.key, told.status, told.fields, told.text}), this,
                    token_of(slot));
    }
    const auto work = std::ranges::find_if(slot.works, [&](const Queued& one) {
        return one.message.input.id == told.to && !told.to.empty();
    });
    if (work == slot.works.end()) return;  // Whoever asked has not asked again.
    answer(*work, told);
    work->answered = true;
    if (told.what == Told::What::kRefused) return tell_refused(slot, *work, told);
    if (told.what == Told::What::kForeign) {
        return keep_unused(slot, *work, exceptions::kForeignPlatform, told.text);
    }
    const auto* start = std::get_if<workflow::Start>(&work->message.input.what);
    if (start != nullptr) tell_parent(slot, *start);
}

void Instances::answer(const Queued& work, const Told& told) {
    if (work.message.asker.empty()) return;
    p_.link.send(subjects::told(work.message.asker), workflow::encode(told));
}

/// A parent that asks again for a child that has ended has not heard of its end.
void Instances::tell_parent(Slot& slot, const workflow::Start& start) {
    if (start.parent.empty() || !workflow::is_end(slot.state.status)) return;
    ++slot.outstanding;
    send(child_done(start.parent,
                    {start.parent_key, slot.state.status, slot.state.context, slot.state.reason}),
         this, token_of(slot));
}

void Instances::tell_refused(Slot& slot, const Queued& work, const Told& told) {
    const workflow::Input& input = work.message.input;
    if (const auto* start = std::get_if<workflow::Start>(&input.what)) {
        if (!start->parent.empty()) {
            ++slot.outstanding;
            return send(
                child_done(start->parent,
                           {start->parent_key, workflow::Status::kCompensated, {}, told.text}),
                this, token_of(slot));
        }
        if (!work.message.asker.empty()) return;
        return keep_unused(slot, work, exceptions::kNotStarted, told.text);
    }
    constexpr std::string_view kCancel = "cancel/";
    if (!input.id.starts_with(kCancel)) return;
    ++slot.outstanding;
    send(outcome_of(std::string_view{input.id}.substr(kCancel.size()), ErrorClass::kPermanent,
                    told.text),
         this, token_of(slot));
}

void Instances::keep_unused(Slot& slot, const Queued& work, ExceptionCode kind,
                            const std::string& why) {
    ++slot.outstanding;
    keep(work.message, kind, why, [this, token = token_of(slot)] { on_delivered(token); });
}

void Instances::begin(const WorkflowStart& start, DeliverySink* sink, std::uint64_t token) {
    auto begun =
        start.fault.empty()
            ? workflow::begun_by_change(p_.policies.newest(), start.workflow, start.context,
                                        {.id = start.cause, .requester = {}, .trace = start.trace})
            : Result<workflow::Start>{fail(ErrorKind::kInvalid, start.fault)};
    workflow::Message message;
    message.input.id = "start/" + start.cause;
    if (begun) {
        message.instance = begun->instance;
        message.input.what = *std::move(begun);
    } else {
        message.fault = begun.error().what;
        message.instance = workflow::instance_id(start.workflow, start.cause);
        message.input.what = workflow::Start{.instance = message.instance,
                                             .workflow = start.workflow,
                                             .trigger = "change",
                                             .context = start.context,
                                             .requester = {},
                                             .trace = start.trace};
    }
    send(message, sink, token);
}

void Instances::answer_write(const WriteAnswer& answer, DeliverySink* sink, std::uint64_t token) {
    send(outcome_of(answer.operation, answer.error, answer.refused), sink, token);
}

}  // namespace syncline::hub
