#include "hub/core/identity.h"

#include <algorithm>

#include "hub/core/upcast.h"

namespace syncline::hub {

Lookups lookups(const ObjectSpec& object, const Change& change) {
    Lookups out;
    const std::optional<Input> now = renamed(object, change);
    const Fields& fields = now ? std::get<Change>(*now).fields : change.fields;
    for (const MatchRule& rule : object.matches) {
        if (auto text = match_text(rule, fields)) {
            out.keys.push_back({object.name, rule.name, *std::move(text)});
        }
    }
    return out;
}

Placement place(const ObjectSpec& object, const Change& change, const Found& found) {
    using Kind = Placement::Kind;
    if (found.link) return {Kind::kLinked, *found.link, {}};
    if (found.marked) return {Kind::kMatched, *found.marked, {}};
    std::vector<EntityId> entities;
    for (const auto& key : found.keys) {
        if (key && std::find(entities.begin(), entities.end(), *key) == entities.end()) {
            entities.push_back(*key);
        }
    }
    if (entities.size() > 1) {
        std::string reason = "it matches several entities:";
        for (const EntityId& entity : entities) reason += " " + entity.text;
        return {Kind::kAmbiguous, {}, reason + "; correct a key at the platform, or link it"};
    }
    if (entities.size() == 1) return {Kind::kMatched, entities.front(), {}};
    const Binding* binding = object.binding(change.key.platform);
    if (binding != nullptr && binding->founds)
        return {Kind::kFounds, founded_entity(change.key), {}};
    return {Kind::kUnmatched,
            {},
            "it matches no entity, and the policy does not let records of " +
                change.key.platform.text + " found one"};
}

}  // namespace syncline::hub
