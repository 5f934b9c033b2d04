#include "hub/indicators/alert.h"

#include "shared/base/json.h"
#include "shared/model/member.h"

namespace syncline::hub::indicators {
std::string encode(const AlertState& state) {
    return to_json(Value{Value::Map{{"raised", state.raised},
                                    {"episode", static_cast<std::int64_t>(state.episode)},
                                    {"since", time_as_text(state.since)},
                                    {"beyond_since", time_as_text(state.beyond_since)},
                                    {"value", state.value.text()},
                                    {"told", state.told},
                                    {"silent_until", time_as_text(state.silent_until)},
                                    {"silenced", state.silenced}}});
}

Result<AlertState> decode_alert(std::string_view body) {
    const auto read = parse_json(body);
    if (!read) return fail(read.error());
    if (read->get<Value::Map>() == nullptr) {
        return fail(ErrorKind::kInvalid, "it is no JSON object");
    }
    return AlertState{.raised = flag_member(*read, "raised"),
                      .episode = number_member(*read, "episode"),
                      .since = time_member(*read, "since"),
                      .beyond_since = time_member(*read, "beyond_since"),
                      .value = Decimal::parse(text_member(*read, "value")).value_or(Decimal{}),
                      .told = flag_member(*read, "told"),
                      .silent_until = time_member(*read, "silent_until"),
                      .silenced = text_member(*read, "silenced")};
}

AlertState judged(const AlertSpec& alert, AlertState state, std::optional<Decimal> value,
                  Timestamp now) {
    const bool beyond = value && (alert.above ? *value > alert.limit : *value < alert.limit);
    if (!beyond) {
        state.beyond_since = {};
    } else if (state.beyond_since == Timestamp{}) {
        state.beyond_since = now;
    }
    if (!state.raised && beyond && now - state.beyond_since >= alert.hold) {
        state.raised = true;
        ++state.episode;
        state.since = now;
        state.value = *value;
        return state;
    }
    const bool back = !value || (alert.above ? *value <= alert.back : *value >= alert.back);
    if (state.raised && back) {
        state.raised = false;
        state.value = value.value_or(Decimal{});
    }
    return state;
}

News news_of(const AlertState& state, Timestamp now) {
    if (state.raised == state.told) return News::kNone;
    if (!state.raised) return News::kOver;
    return now < state.silent_until ? News::kNone : News::kRaised;
}

}  // namespace syncline::hub::indicators
