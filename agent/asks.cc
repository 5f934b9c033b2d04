#include "agent/asks.h"

#include <algorithm>
#include <tuple>

#include "shared/base/json.h"
#include "shared/contracts/json_schema.h"
#include "shared/wire/subjects.h"

namespace syncline::agent {
namespace {

constexpr std::size_t kInputBytesMax = 64u << 10;
/// Of each question; more are answered without being remembered.
constexpr std::size_t kKnownMost = 4'096;
/// Questions put to the platform and not answered; one more is refused.
constexpr std::size_t kPendingMost = 256;

/// Does it say nothing of what was asked, so that something else may be said instead?
bool says_nothing(ErrorKind kind) {
    return kind != ErrorKind::kInvalid && kind != ErrorKind::kNotFound &&
           kind != ErrorKind::kConflict && kind != ErrorKind::kUnsupported &&
           kind != ErrorKind::kTooLarge;
}

std::string schema_of(const std::vector<FieldSpec>& fields) {
    Value::Map properties;
    Value::List required;
    for (const FieldSpec& field : fields) {
        // Answers are JSON that our own exact parser reads, so a decimal is a number there.
        const bool decimal = field.type == FieldType::kDecimal;
        properties.emplace(field.name.text,
                           decimal ? Value{Value::Map{{"type", "number"}}}
                                   : contracts::value_schema(field, contracts::Form::kJson));
        if (field.required) required.emplace_back(field.name.text);
    }
    Value::Map schema{{"type", "object"}, {"properties", std::move(properties)}};
    if (!required.empty()) schema.emplace("required", std::move(required));
    return to_json(Value{std::move(schema)});
}

std::int64_t milliseconds(Duration time) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(time).count();
}

}  // namespace

Asks::Asks(const Parts& parts) : p_(parts), breaker_(parts.settings.asking.breaker) {
    if (p_.executor == nullptr) return;
    for (const AskSettings& one : p_.settings.asking.asks) {
        questions_.push_back({.settings = one,
                              .rate = TokenBucket{{one.form.per_second, one.form.burst}},
                              .known = {},
                              .pending = {}});
    }
}

Asks::~Asks() = default;

void Asks::start() {
    if (questions_.empty()) return;
    service_ = std::make_unique<nats::Microservice>(
        *p_.services, p_.environment.clock, description(),
        [this](std::size_t at, const nats::InMessage& request, Answer answer) {
            on_request(at, request, std::move(answer));
        });
}

nats::Microservice::Description Asks::description() const {
    nats::Microservice::Description out{
        .name = subjects::service_of(p_.settings.platform),
        .id = p_.settings.run,
        .version = p_.settings.version,
        .description = "Questions about " + p_.settings.platform.text + ", answered at once",
        .endpoints = {}};
    for (const Question& question : questions_) {
        const AskForm& form = question.settings.form;
        out.endpoints.push_back(
            {.name = form.name,
             .subject = subjects::ask(p_.settings.platform, form.name),
             .metadata = {{"class", name_of(ApiClass::kSystem)},
                          {"version", form.version},
                          {"owner", form.owner},
                          {"description", form.description},
                          {"deadline_ms", std::to_string(milliseconds(form.deadline))},
                          {"per_second", std::to_string(form.per_second)},
                          {"input", schema_of(form.input)},
                          {"output", schema_of(form.output)}}});
    }
    return out;
}

std::string Asks::full_name(const Question& question) const {
    return p_.settings.platform.text + "." + question.settings.form.name;
}

// ---- Questions. -----------------------------------------------------------------------------

void Asks::on_request(std::size_t at, const nats::InMessage& request, Answer answer) {
    ++status_.asked;
    Question& question = questions_[at];
    const auto body =
        parse_json(request.body.empty() ? "{}" : request.body, {.bytes_max = kInputBytesMax});
    auto input = body ? take_values(question.settings.form.input, *body, Unknown::kRefuse)
                      : Result<Fields>{fail(body.error())};
    if (!input) return answer(refused(question, input.error()));
    const std::string key = to_json(Value{to_map(*input)});
    const auto known = question.known.find(key);
    const AskSettings& settings = question.settings;
    if (known != question.known.end() && now() - known->second.at < settings.fresh) {
        return answer(
            told(question, Source::kCache, now() - known->second.at, known->second.values));
    }
    const auto pending = question.pending.find(key);
    if (pending != question.pending.end() && !pending->second.askers.empty()) {
        pending->second.askers.push_back(std::move(answer));
        return;
    }
    put(at, key, *input, std::move(answer));
}

void Asks::put(std::size_t at, const std::string& key, const Fields& input, Answer answer) {
    Question& question = questions_[at];
    const auto no = [&](ErrorKind kind, const std::string& why) {
        answer(instead(question, key, {kind, why}));
    };
    if (question.rate.wait(now()) > Duration{0}) {
        return no(ErrorKind::kThrottled, "asked more often than " +
                                             std::to_string(question.settings.form.per_second) +
                                             " times a second; ask later");
    }
    if (breaker_.state(now()) == Breaker::State::kOpen) {
        return no(ErrorKind::kUnavailable,
                  "the platform did not answer the last questions; it is "
                  "asked again in a moment");
    }
    if (p_.gate.pause_until() > now()) {
        return no(ErrorKind::kThrottled, p_.gate.denied()
                                             ? "the platform refuses the agent's credentials"
                                             : "the platform asked for a pause");
    }
    if (p_.gate.next_quota(QuotaLane::kAsk) > Duration{0}) {
        return no(ErrorKind::kThrottled, "the platform's quota is used up but for its reserve");
    }
    std::size_t under_way = 0;
    for (const Question& one : questions_) under_way += one.pending.size();
    if (under_way >= kPendingMost) {
        return no(ErrorKind::kFull, "too many questions wait for the platform already");
    }
    question.rate.take(now());
    // Whoever waits for the next token waits longer for it.
    p_.gate.take(QuotaLane::kAsk, now());
    const std::uint64_t number = ++numbers_;
    Pending& pending = question.pending[key];
    pending.number = number;
    pending.deadline = now() + question.settings.form.deadline;
    pending.askers.push_back(std::move(answer));
    p_.executor->ask(
        question.settings.form.name, input,
        [this, at, key, number, alive = std::weak_ptr<int>{alive_}](Executor::Answer<Value> told) {
            if (alive.expired()) return;
            p_.gate.answered(QuotaLane::kAsk, told.cost);
            on_answer(at, key, number, std::move(told));
        });
}

void Asks::on_answer(std::size_t at, const std::string& key, std::uint64_t number,
                     Executor::Answer<Value> answer) {
    Question& question = questions_[at];
    Result<Fields> values = fail(ErrorKind::kInternal, "");
    if (!answer.result) {
        values = fail(answer.result.error());
        const ErrorKind kind = answer.result.error().kind;
        if (kind == ErrorKind::kThrottled) {
            p_.gate.throttled(now(), std::min(answer.pause, p_.settings.writing.throttle_max));
        } else if (says_nothing(kind)) {
            breaker_.failed(now(), p_.environment.jitter.next());
        }
    } else {
        breaker_.succeeded();
        values = take_values(question.settings.form.output, *answer.result, Unknown::kDrop);
        if (!values) {
            values = fail(ErrorKind::kCorrupt,
                          "the platform's answer is not as declared: " + values.error().what);
        }
    }
    if (values) remember(question, key, *values);
    const auto pending = question.pending.find(key);
    if (pending == question.pending.end() || pending->second.number != number) return;
    const std::vector<Answer> askers = std::move(pending->second.askers);
    question.pending.erase(pending);
    for (const Answer& one : askers) {
        one(values ? told(question, Source::kLive, Duration{0}, *values)
                   : instead(question, key, values.error()));
    }
}

void Asks::pump() {
    for (Question& question : questions_) {
        for (auto& [key, pending] : question.pending) {
            if (pending.askers.empty() || now() < pending.deadline) continue;
            breaker_.failed(now(), p_.environment.jitter.next());
            const Error late{ErrorKind::kAmbiguous,
                             "the platform did not answer within " +
                                 std::to_string(milliseconds(question.settings.form.deadline)) +
                                 " ms"};
            for (const Answer& one : std::exchange(pending.askers, {})) {
                one(instead(question, key, late));
            }
        }
    }
}

Duration Asks::next_deadline() const {
    Duration next = kNever;
    for (const Question& question : questions_) {
        for (const auto& [key, pending] : question.pending) {
            if (!pending.askers.empty()) next = std::min(next, pending.deadline);
        }
    }
    return next;
}

Asks::Status Asks::status() const {
    Status status = status_;
    for (const Question& question : questions_) status.waiting += question.pending.size();
    return status;
}

// ---- Answers. -------------------------------------------------------------------------------

nats::Microservice::Reply Asks::told(const Question& question, Source source, Duration age,
                                     const Fields& values) {
    static constexpr const char* kNames[] = {"live", "cache", "stale", "fallback"};
    std::uint64_t* const counts[] = {&status_.live, &status_.cached, &status_.stale,
                                     &status_.fallback};
    ++*counts[static_cast<std::size_t>(source)];
    return {.body = to_json(Value::Map{{"ask", full_name(question)},
                                       {"version", question.settings.form.version},
                                       {"source", kNames[static_cast<std::size_t>(source)]},
                                       {"age_ms", milliseconds(age)},
                                       {"values", to_map(values)}}),
            .error = 0,
            .text = {}};
}

nats::Microservice::Reply Asks::refused(const Question& question, const Error& error) {
    ++status_.failed;
    Value::Map body = error_answer(full_name(question), error);
    body.emplace("version", question.settings.form.version);
    return {.body = to_json(Value{std::move(body)}),
            .error = http_status(error.kind),
            .text = error.what};
}

nats::Microservice::Reply Asks::instead(Question& question, const std::string& key,
                                        const Error& error) {
    if (!says_nothing(error.kind)) return refused(question, error);
    const auto known = question.known.find(key);
    if (known != question.known.end()) {
        const Duration age = now() - known->second.at;
        if (age < question.settings.stale) {
            return told(question, Source::kStale, age, known->second.values);
        }
    }
    if (question.settings.fallback) {
        return told(question, Source::kFallback, Duration{0}, *question.settings.fallback);
    }
    return refused(question, error);
}

void Asks::remember(Question& question, const std::string& key, const Fields& values) {
    const Duration kept = std::max(question.settings.fresh, question.settings.stale);
    if (kept == Duration{0}) return;
    if (question.known.size() >= kKnownMost && !question.known.contains(key)) {
        std::erase_if(question.known,
                      [&](const auto& entry) { return now() - entry.second.at >= kept; });
        if (question.known.size() >= kKnownMost) return;
    }
    question.known.insert_or_assign(key, Known{values, now()});
}

}  // namespace syncline::agent
