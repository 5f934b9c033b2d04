#include "hub/agent_quotas.h"

#include <algorithm>

#include "shared/base/json.h"
#include "shared/wire/subjects.h"

namespace syncline::hub {
namespace {

/// Presence itself is kept no longer.
constexpr Duration kQuotaSilent{std::chrono::seconds{60}};

const Value* entry_of(const Value::Map& map, const std::string& name) {
    const auto found = map.find(name);
    return found == map.end() ? nullptr : &found->second;
}

std::uint64_t calls_of(const Value::Map& map, const std::string& name) {
    const Value* const value = entry_of(map, name);
    const auto* const number = value == nullptr ? nullptr : value->get<std::int64_t>();
    return number == nullptr ? 0 : static_cast<std::uint64_t>(std::max<std::int64_t>(*number, 0));
}

}  // namespace

std::optional<AgentQuota> agent_quota(std::string_view presence) {
    const auto json = parse_json(presence);
    const auto* const said = json ? json->get<Value::Map>() : nullptr;
    const Value* const quota = said == nullptr ? nullptr : entry_of(*said, "quota");
    const auto* const map = quota == nullptr ? nullptr : quota->get<Value::Map>();
    if (map == nullptr) return std::nullopt;
    AgentQuota out{.limit = calls_of(*map, "limit"),
                   .used = calls_of(*map, "used"),
                   .reserve = calls_of(*map, "reserve"),
                   .slowed = {},
                   .used_up_at = {}};
    if (out.limit == 0) return std::nullopt;
    const Value* const slowed = entry_of(*map, "slowed");
    if (const auto* lanes = slowed == nullptr ? nullptr : slowed->get<Value::Map>()) {
        for (const auto& [lane, flow] : *lanes) {
            if (const auto* text = flow.get<std::string>()) out.slowed.emplace(lane, *text);
        }
    }
    const Value* const ends = entry_of(*map, "used_up_at");
    if (const auto* text = ends == nullptr ? nullptr : ends->get<std::string>()) {
        out.used_up_at = parse_timestamp(*text).value_or(Timestamp{});
    }
    return out;
}

void AgentQuotas::listen() {
    if (reader_) return;
    nats::ConsumeSpec spec;
    spec.stream = subjects::kStreamAgent;
    spec.filters = {subjects::all_agent_presence()};
    spec.last_per_subject = true;
    reader_ = link_.consume(std::move(spec), this);
}

void AgentQuotas::on_message(const nats::InMessage& message) {
    if (reader_) reader_->processed(1);
    const auto name = subjects::last_token(message.subject);
    if (!name || message.deleted) return;
    if (const auto quota = agent_quota(message.body)) {
        told_.insert_or_assign(PlatformId{*name}, Told{*quota, clock_.steady()});
    }
}

bool AgentQuotas::is_silent(const Told& told) const {
    return clock_.steady() - told.heard > kQuotaSilent;
}

}  // namespace syncline::hub
