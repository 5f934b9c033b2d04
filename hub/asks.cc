#include "hub/asks.h"

#include <algorithm>
#include <utility>

#include "shared/base/json.h"
#include "shared/base/nearest_name.h"
#include "shared/model/member.h"
#include "shared/wire/subjects.h"

namespace syncline::hub {
namespace {

constexpr std::size_t kInputBytesMax = 64u << 10;
constexpr std::size_t kWaitingMost = 10'000;
/// For one platform: agents have deadlines of their own, this is for when they say nothing at all.
constexpr Duration kPlatformDeadline = std::chrono::seconds{5};

Asks::Reply refused(std::string_view name, ErrorKind kind, const std::string& text) {
    return {http_status(kind), to_json(Value{error_answer(name, {kind, text})})};
}

/// The status that an agent's answer carries in its error; 200: it holds none.
int status_in(std::string_view body) {
    const auto read = parse_json(body);
    if (!read) return 502;
    const Value* error = member(*read, "error");
    if (error == nullptr) return 200;
    const Value* status = member(*error, "status");
    const auto* number = status == nullptr ? nullptr : status->get<std::int64_t>();
    return number != nullptr && *number >= 400 && *number <= 599 ? static_cast<int>(*number) : 502;
}

/// What an agent has said of a part.
PartAnswer part_answer(const Result<std::string_view>& told) {
    if (!told) return {std::nullopt, {}, told.error().what};
    const auto read = parse_json(*told);
    if (!read) return {std::nullopt, {}, "its answer is no JSON"};
    if (const Value* error = member(*read, "error")) {
        return {std::nullopt, {}, text_member(*error, "text")};
    }
    const Value* values = member(*read, "values");
    const auto* map = values == nullptr ? nullptr : values->get<Value::Map>();
    if (map == nullptr) return {std::nullopt, {}, "its answer has no values"};
    Fields fields;
    for (const auto& [name, value] : *map) fields.append(FieldName{name}, value);
    return {std::move(fields), text_member(*read, "source"), {}};
}

Value value_of(const PartAnswer& answer) {
    if (!answer.values) return Value::Map{{"error", answer.error}};
    return Value::Map{{"source", answer.source}, {"values", to_map(*answer.values)}};
}

Value::List list_of(const std::vector<std::string>& texts) { return {texts.begin(), texts.end()}; }

}  // namespace

Asks::~Asks() = default;

void Asks::follow(const Policy* policy) {
    policy_ = policy;
    if (policy != nullptr && policy->hash != offered_) offer();
}

/// NATS sees the questions of the policy in force.
void Asks::offer() {
    offered_ = policy_->hash;
    service_.reset();
    nats::Microservice::Description description{
        .name = "sync-hub",
        .id = p_.hub,
        .version = p_.version,
        .description = "Questions that are put together of several, answered at once",
        .endpoints = {}};
    for (const CompositeAsk& ask : policy_->asks) {
        description.endpoints.push_back({.name = ask.form.name,
                                         .subject = subjects::ask_hubs(ask.form.name),
                                         .metadata = {{"class", name_of(ApiClass::kExperience)},
                                                      {"version", ask.form.version},
                                                      {"owner", ask.form.owner},
                                                      {"description", ask.form.description}}});
    }
    service_ = std::make_unique<nats::Microservice>(
        p_.services, p_.clock, std::move(description),
        [this](std::size_t at, const nats::InMessage& request,
               const nats::Microservice::Answer& answer) {
            const std::string name = policy_->asks[at].form.name;
            ask(name, request.body, [answer](const Reply& reply) {
                answer({.body = reply.body,
                        .error = reply.status < 400 ? 0 : reply.status,
                        .text = "refused; the body says why"});
            });
        });
}

// ---- Asking. --------------------------------------------------------------------------------

void Asks::ask(std::string_view name, std::string_view body, Answer answer) {
    ++counts_.asked;
    const auto no = [&](ErrorKind kind, const std::string& text) {
        ++counts_.failed;
        answer(refused(name, kind, text));
    };
    if (body.size() > kInputBytesMax) return no(ErrorKind::kTooLarge, "the question is too long");
    if (waiting_.size() >= kWaitingMost) return no(ErrorKind::kFull, "too many questions wait");
    if (const auto platform = parse_ask_name(name)) {
        return ask_platform(*platform, body.empty() ? "{}" : body, std::move(answer));
    }
    if (policy_ == nullptr) return no(ErrorKind::kUnavailable, "there is no policy yet");
    const CompositeAsk* known = policy_->ask(name);
    if (known != nullptr) return ask_several(*known, body.empty() ? "{}" : body, std::move(answer));
    std::vector<std::string> names;
    for (const CompositeAsk& one : policy_->asks) names.push_back(one.form.name);
    no(ErrorKind::kNotFound, "there is no question `" + std::string{name} +
                                 "`; those of a platform are named platform.question" +
                                 did_you_mean(name, names));
}

void Asks::ask_platform(const AskName& name, std::string_view body, Answer answer) {
    const std::uint64_t id = next_id_++;
    Waiting& waiting = waiting_[id];
    waiting.name = name.platform.text + "." + name.operation;
    waiting.deadline = p_.clock.steady() + kPlatformDeadline;
    waiting.answer = std::move(answer);
    p_.services.request(
        subjects::ask(name.platform, name.operation), body, {},
        [this, id, alive = std::weak_ptr<int>{alive_}](const Result<std::string_view>& told) {
            if (!alive.expired()) on_platform(id, told);
        });
}

void Asks::on_platform(std::uint64_t id, const Result<std::string_view>& told) {
    auto found = waiting_.extract(id);
    if (found.empty()) return;
    const Waiting& waiting = found.mapped();
    if (!told) {
        ++counts_.failed;
        const std::string text = told.error().kind == ErrorKind::kUnavailable
                                     ? "no agent answers it now: " + told.error().what
                                     : told.error().what;
        return waiting.answer(refused(waiting.name, told.error().kind, text));
    }
    const int status = status_in(*told);
    if (status >= 400) ++counts_.failed;
    waiting.answer({status, std::string{*told}});
}

bool Asks::is_too_often(const CompositeAsk& ask) {
    if (ask.form.per_second == 0) return false;
    const Duration interval = Duration{std::chrono::seconds{1}} / ask.form.per_second;
    const Duration now = p_.clock.steady();
    Duration& next = next_at_[ask.form.name];
    if (next > now) return true;
    next = std::max(next, now - interval * ask.form.burst) + interval;
    return false;
}

void Asks::ask_several(const CompositeAsk& ask, std::string_view body, Answer answer) {
    const auto no = [&](ErrorKind kind, const std::string& text) {
        ++counts_.failed;
        answer(refused(ask.form.name, kind, text));
    };
    const auto read = parse_json(body);
    auto input = read ? take_values(ask.form.input, *read, Unknown::kRefuse)
                      : Result<Fields>{fail(read.error())};
    if (!input) return no(ErrorKind::kInvalid, input.error().what);
    if (is_too_often(ask)) {
        return no(ErrorKind::kThrottled, "asked more often than " +
                                             std::to_string(ask.form.per_second) +
                                             " times a second; ask later");
    }
    const std::uint64_t id = next_id_++;
    Waiting& waiting = waiting_[id];
    waiting.name = ask.form.name;
    waiting.deadline = p_.clock.steady() + ask.form.deadline;
    waiting.answer = std::move(answer);
    waiting.missing = ask.parts.size();
    waiting.form = std::make_shared<CompositeAsk>(ask);
    waiting.input = *std::move(input);
    waiting.parts.assign(ask.parts.size(), {std::nullopt, {}, "no answer in time"});
    waiting.answered.assign(ask.parts.size(), false);
    const std::shared_ptr<const CompositeAsk> form = waiting.form;
    const Fields asked = waiting.input;
    for (std::size_t part = 0; part < form->parts.size(); ++part) ask_part(id, part, asked);
}

void Asks::ask_part(std::uint64_t id, std::size_t part, const Fields& input) {
    const auto at = waiting_.find(id);
    if (at == waiting_.end()) return;
    const AskPart& spec = at->second.form->parts[part];
    const auto values = input_of(spec, input);
    if (!values) return on_part(id, part, {std::nullopt, {}, values.error().what});
    p_.services.request(
        subjects::ask(spec.ask.platform, spec.ask.operation), to_json(Value{to_map(*values)}), {},
        [this, id, part, alive = std::weak_ptr<int>{alive_}](const Result<std::string_view>& told) {
            if (!alive.expired()) on_part(id, part, part_answer(told));
        });
}

void Asks::on_part(std::uint64_t id, std::size_t part, PartAnswer answer) {
    const auto at = waiting_.find(id);
    if (at == waiting_.end() || at->second.answered[part]) return;
    at->second.answered[part] = true;
    at->second.parts[part] = std::move(answer);
    if (--at->second.missing == 0) conclude(id);
}

void Asks::conclude(std::uint64_t id) {
    auto found = waiting_.extract(id);
    if (found.empty()) return;
    const Waiting& waiting = found.mapped();
    const CompositeAsk& ask = *waiting.form;
    const Judgement judged = judge(ask, waiting.input, waiting.parts);
    Value::Map parts;
    for (std::size_t i = 0; i < ask.parts.size(); ++i) {
        parts.emplace(ask.parts[i].name, value_of(waiting.parts[i]));
    }
    waiting.answer({200, to_json(Value::Map{{"ask", ask.form.name},
                                            {"version", ask.form.version},
                                            {"verdict", name_of(judged.verdict)},
                                            {"reasons", list_of(judged.reasons)},
                                            {"values", to_map(judged.values)},
                                            {"parts", std::move(parts)}})});
}

Value Asks::catalogue() const {
    Value::List asks;
    for (const CompositeAsk& ask :
         policy_ == nullptr ? std::vector<CompositeAsk>{} : policy_->asks) {
        Value::List parts;
        for (const AskPart& part : ask.parts) {
            parts.emplace_back(part.ask.platform.text + "." + part.ask.operation);
        }
        Value::Map input;
        for (const FieldSpec& field : ask.form.input) {
            input.emplace(field.name.text,
                          Value::Map{{"type", name_of(field.type)}, {"required", field.required}});
        }
        asks.emplace_back(Value::Map{{"ask", ask.form.name},
                                     {"class", name_of(ApiClass::kExperience)},
                                     {"version", ask.form.version},
                                     {"owner", ask.form.owner},
                                     {"description", ask.form.description},
                                     {"input", std::move(input)},
                                     {"parts", std::move(parts)}});
    }
    return Value::Map{{"asks", std::move(asks)}};
}

void Asks::tick() {
    const Duration now = p_.clock.steady();
    std::vector<std::uint64_t> late;
    for (const auto& [id, waiting] : waiting_) {
        if (waiting.deadline <= now) late.push_back(id);
    }
    for (const std::uint64_t id : late) {
        if (waiting_.at(id).form) {
            conclude(id);
        } else {
            on_platform(id, fail(ErrorKind::kAmbiguous, "the agent did not answer in time"));
        }
    }
}

Duration Asks::next_wait() const {
    Duration wait = std::chrono::hours{1};
    const Duration now = p_.clock.steady();
    for (const auto& [id, waiting] : waiting_) {
        wait = std::min(wait, std::max(waiting.deadline - now, Duration{0}));
    }
    return wait;
}

}  // namespace syncline::hub
