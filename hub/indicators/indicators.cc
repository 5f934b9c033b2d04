#include "hub/indicators/indicators.h"

#include <algorithm>
#include <set>

#include "hub/core/state_codec.h"
#include "hub/event_message.h"
#include "shared/base/json.h"
#include "shared/base/log.h"
#include "shared/model/member.h"
#include "shared/policy/hub_events.h"
#include "shared/wire/subjects.h"

namespace syncline::hub::indicators {
namespace {

constexpr Duration kJudgeEvery = std::chrono::seconds{1};
constexpr Duration kShowEvery = std::chrono::seconds{10};
constexpr std::size_t kWindow = 1'024;  ///< Events read ahead.

bool is_of_exceptions(const std::string& event) {
    return event.starts_with(std::string{hub_events::kException} + ".");
}

/// What its reader asks the events' stream for; empty: nothing.
std::vector<std::string> filters_of(const IndicatorSpec& spec) {
    std::set<std::string> filters;
    for (const std::string& event : {spec.event, spec.until, spec.per}) {
        if (event.empty() || is_of_exceptions(event)) continue;
        const auto dot = event.find('.');
        filters.insert(
            subjects::events_of(ObjectName{event.substr(0, dot)}, event.substr(dot + 1)));
    }
    return {filters.begin(), filters.end()};
}

bool reads_exceptions(const IndicatorSpec& spec) {
    return is_of_exceptions(spec.event) || is_of_exceptions(spec.until) ||
           is_of_exceptions(spec.per);
}

Value optional_value(const std::optional<Decimal>& number) {
    return number ? Value{*number} : Value{};
}

BusinessEvent event_of(const IndicatorSpec& spec, const AlertSpec& alert, const AlertState& state,
                       const Figures& figures, const std::string& source, Timestamp now) {
    BusinessEvent event{.entity = {ObjectName{hub_events::kAlert}, EntityId{spec.name}},
                        .name = state.raised ? "raised" : "over",
                        .key = alert.name,
                        .generation = std::to_string(state.since.ns),
                        .source = source,
                        .at = now,
                        .trace = {},
                        .fields = {}};
    event.fields.set(FieldName{"alert"}, alert.name);
    event.fields.set(FieldName{"indicator"}, spec.name);
    event.fields.set(FieldName{"measure"}, std::string{name_of(alert.measure)});
    event.fields.set(FieldName{"value"}, state.value);
    event.fields.set(FieldName{"limit"}, alert.limit);
    event.fields.set(FieldName{"since"}, to_string(state.since));
    event.fields.set(FieldName{"description"}, alert.description);
    Value::List late;
    for (const auto& [key, seconds] : figures.late) {
        late.emplace_back(Value::Map{
            {"key", key}, {"seconds", seconds}, {"look", "synclinectl timeline " + key}});
    }
    event.fields.set(FieldName{"longest"}, std::move(late));
    return event;
}

}  // namespace

// ---- One indicator. ----------------------------------------------------------------------------

class Indicators::Watch {
public:
    Watch(Indicators& owner, IndicatorSpec spec, std::string source)
        : owner_(owner),
          p_(owner.p_),
          spec_(std::move(spec)),
          source_(std::move(source)),
          series_(spec_),
          events_(*this, &Watch::take_event),
          exceptions_(*this, &Watch::take_exception) {
        for (const AlertSpec& alert : spec_.alerts) alerts_.push_back({&alert, ++owner.tokens_});
        if (auto filters = filters_of(spec_); !filters.empty()) {
            events_.reader = read(subjects::kStreamEvents, std::move(filters), &events_);
        }
        if (reads_exceptions(spec_)) {
            exceptions_.reader =
                read(subjects::kStreamExceptions, {subjects::all_exceptions()}, &exceptions_);
        }
    }

    [[nodiscard]] const IndicatorSpec& spec() const { return spec_; }
    [[nodiscard]] const Figures& figures() const { return figures_; }
    [[nodiscard]] std::map<std::string, bool> raised() const {
        std::map<std::string, bool> all;
        for (const Alert& one : alerts_) all[one.spec->name] = one.state.raised;
        return all;
    }

    /// Once all is read that was there: before, what has ended would still seem open.
    void judge() {
        if (!events_.is_whole() || !exceptions_.is_whole()) return;
        const Timestamp now = p_.clock.now();
        figures_ = series_.figures(now);
        if (p_.clock.steady() >= show_due_ && p_.link.connected()) {
            show_due_ = p_.clock.steady() + kShowEvery;
            p_.link.publish({subjects::indicator(spec_.name), encode(spec_, figures_, now), {}, {}},
                            &owner_, 0);
        }
        for (Alert& alert : alerts_) judge(alert, now);
    }

    bool on_published(std::uint64_t token, const Result<std::uint64_t>& sequence) {
        const auto alert = std::ranges::find(alerts_, token, &Alert::token);
        if (alert == alerts_.end()) return false;
        alert->busy = false;
        if (alert->telling) {
            alert->telling = false;
            // That there is one says that it was told before.
            if (!sequence && sequence.error().kind != ErrorKind::kConflict) return true;
            AlertState state = alert->state;
            state.told = state.raised;
            store(*alert, std::move(state));
        } else if (sequence) {
            alert->sequence = std::max(alert->sequence, *sequence);
            alert->state = alert->storing;
        }
        return true;
    }

private:
    struct Alert {
        const AlertSpec* spec;
        std::uint64_t token;
        AlertState state = {};
        std::uint64_t sequence = 0;  ///< Of what is stored of it.
        bool busy = false;           ///< An answer of the broker is waited for.
        bool telling = false;
        AlertState storing = {};
    };
    using Take = void (Watch::*)(const nats::InMessage& message);
    struct Source final : nats::MessageSink {
        Source(Watch& watch, Take how) : owner(watch), take(how) {}
        void on_message(const nats::InMessage& message) override {
            reader->processed(1);
            if (!message.deleted) (owner.*take)(message);
        }
        [[nodiscard]] bool is_whole() const { return !reader || reader->caught_up(); }

        Watch& owner;
        Take take;
        std::unique_ptr<nats::Subscription> reader;
    };

    [[nodiscard]] std::unique_ptr<nats::Subscription> read(std::string_view stream,
                                                           std::vector<std::string> filters,
                                                           nats::MessageSink* sink) {
        nats::ConsumeSpec spec;
        spec.stream = stream;
        spec.filters = std::move(filters);
        spec.window = kWindow;
        return p_.link.consume(std::move(spec), sink);
    }

    void take_event(const nats::InMessage& message) {
        const auto about = subjects::parse_event(message.subject);
        if (!about) return;
        const std::string_view said = message.header ? message.header("ce-time") : "";
        const Timestamp at = parse_timestamp(said).value_or(message.stored_at);
        Fields fields;
        if (spec_.reads_fields()) {
            auto event = read_event(Policy{}, message.subject, message.body);
            if (event) fields = std::move(event->fields);
        }
        series_.take({about->entity.object.text + "." + about->name, about->key, fields, at});
    }

    /// The newest of a subject says how the exception stands; earlier ones may be gone.
    void take_exception(const nats::InMessage& message) {
        const auto exception = decode_exception(message.body);
        if (!exception) return;
        Fields fields;
        fields.set(FieldName{"kind"}, exception->kind);
        fields.set(FieldName{"object"}, exception->entity.object.text);
        fields.set(FieldName{"entity"}, exception->entity.entity.text);
        fields.set(FieldName{"platform"}, exception->platform.text);
        fields.set(FieldName{"severity"}, std::string{name_of(exception->care.severity)});
        const std::string key = std::string{message.subject};
        Timestamp& opened = opened_[key];
        if (opened != exception->opened_at) {
            opened = exception->opened_at;
            series_.take({"exception.opened", key, fields, exception->opened_at});
        }
        if (exception->status == ExceptionStatus::kOpen) return;
        opened_.erase(key);
        series_.take({"exception.closed", key, fields, exception->updated_at});
    }

    void judge(Alert& alert, Timestamp now) {
        if (alert.busy && !alert.telling) return;
        const auto stored = owner_.stored_.find(alert.spec->name);
        if (stored != owner_.stored_.end() && stored->second.sequence > alert.sequence) {
            alert.sequence = stored->second.sequence;
            alert.state = stored->second.state;
        }
        if (alert.busy || !p_.link.connected()) return;
        AlertState next = judged(*alert.spec, alert.state, figures_.of(alert.spec->measure), now);
        if (next != alert.state) return store(alert, std::move(next));
        if (news_of(alert.state, now) != News::kNone) tell(alert, now);
    }

    void store(Alert& alert, AlertState state) {
        alert.busy = true;
        if (state.raised != alert.state.raised) {
            log::info(state.raised ? "an alert is raised" : "an alert is over",
                      {{"alert", alert.spec->name}, {"value", state.value.text()}});
        }
        alert.storing = std::move(state);
        p_.link.publish(
            {subjects::alert(alert.spec->name), encode(alert.storing), {}, alert.sequence}, &owner_,
            alert.token);
    }

    void tell(Alert& alert, Timestamp now) {
        alert.busy = alert.telling = true;
        const EventMessage message =
            message_of(event_of(spec_, *alert.spec, alert.state, figures_, source_, now));
        std::vector<nats::Header> headers;
        for (const auto& [name, value] : message.headers) headers.push_back({name, value});
        p_.link.publish({message.subject, message.body, headers, 0}, &owner_, alert.token);
    }

    Indicators& owner_;
    Parts& p_;
    IndicatorSpec spec_;
    std::string source_;  ///< Name of the policy.
    Series series_;
    Source events_;
    Source exceptions_;
    std::map<std::string, Timestamp> opened_;  ///< Open exceptions, by subject.
    Figures figures_;
    Duration show_due_{0};
    std::vector<Alert> alerts_;
};

// ---- All of them. ------------------------------------------------------------------------------

Indicators::Indicators(const Parts& parts) : p_(parts) {}

Indicators::~Indicators() = default;

void Indicators::follow(const Policy* policy, const std::vector<Partition>& held,
                        std::uint16_t partitions) {
    if (policy == nullptr || partitions == 0) return;
    if (policy->hash == policy_hash_ && held == held_ && partitions == partitions_) return;
    const bool same = policy->hash == policy_hash_ && partitions == partitions_;
    policy_hash_ = policy->hash;
    held_ = held;
    partitions_ = partitions;
    std::vector<std::unique_ptr<Watch>> next;
    for (const IndicatorSpec& spec : policy->indicators) {
        const Partition home =
            entity_partition({ObjectName{"_indicator"}, EntityId{spec.name}}, partitions);
        if (std::ranges::find(held, home) == held.end()) continue;
        const auto known = std::ranges::find_if(watches_, [&](const auto& watch) {
            return same && watch && watch->spec().name == spec.name;
        });
        next.push_back(known == watches_.end() ? std::make_unique<Watch>(*this, spec, policy->name)
                                               : std::move(*known));
    }
    watches_ = std::move(next);
    if (watches_.empty()) {
        reader_.reset();
        stored_.clear();
    } else if (!reader_) {
        nats::ConsumeSpec spec;
        spec.stream = subjects::kStreamState;
        spec.filters = {subjects::all_alerts()};
        spec.last_per_subject = true;
        reader_ = p_.link.consume(std::move(spec), this);
    }
}

void Indicators::on_message(const nats::InMessage& message) {
    reader_->processed(1);
    const auto name = subjects::last_token(message.subject);
    const auto state = decode_alert(message.body);
    if (!name || !state) {
        log::error("what is kept of an alert cannot be read", {{"subject", message.subject}});
        return;
    }
    stored_[*name] = {*state, message.sequence};
}

void Indicators::on_published(std::uint64_t token, const Result<std::uint64_t>& sequence) {
    for (const auto& watch : watches_) {
        if (watch->on_published(token, sequence)) return;
    }
}

void Indicators::tick() {
    if (!reader_ || !reader_->caught_up() || p_.clock.steady() < due_) return;
    due_ = p_.clock.steady() + kJudgeEvery;
    for (const auto& watch : watches_) watch->judge();
}

Duration Indicators::next_wait() const {
    return watches_.empty() ? kJudgeEvery : std::max(due_ - p_.clock.steady(), Duration{0});
}

std::vector<Indicators::Reading> Indicators::readings() const {
    std::vector<Reading> all;
    for (const auto& watch : watches_) {
        all.push_back({watch->spec(), watch->figures(), watch->raised()});
    }
    return all;
}

std::string encode(const IndicatorSpec& spec, const Figures& figures, Timestamp at) {
    Value::Map map{{"indicator", spec.name},
                   {"at", time_as_text(at)},
                   {"window_s", spec.window.count() / 1'000'000'000},
                   {"count", static_cast<std::int64_t>(figures.count)}};
    if (spec.is_duration()) {
        map.emplace("mean_s", optional_value(figures.mean));
        map.emplace("p50_s", optional_value(figures.median));
        map.emplace("p90_s", optional_value(figures.p90));
        map.emplace("longest_s", optional_value(figures.longest));
        map.emplace("open", static_cast<std::int64_t>(figures.open));
        map.emplace("oldest_s", optional_value(figures.oldest));
        Value::List late;
        for (const auto& [key, seconds] : figures.late) {
            late.emplace_back(Value::Map{{"key", key}, {"seconds", seconds}});
        }
        map.emplace("late", std::move(late));
    } else if (!spec.per.empty()) {
        map.emplace("share", optional_value(figures.share));
    }
    return to_json(Value{std::move(map)});
}

}  // namespace syncline::hub::indicators
