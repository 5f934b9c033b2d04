#include "hub/ctl/lookup.h"

#include <charconv>
#include <map>
#include <set>

#include "hub/core/state_codec.h"
#include "hub/ctl/text.h"
#include "shared/nats/streams.h"
#include "shared/policy/policy.h"
#include "shared/wire/codec.h"
#include "shared/wire/subjects.h"

namespace syncline::ctl {
namespace {

/// What `text` may read as once a match rule has normalised it.
std::set<std::string> normal_forms(const std::string& text) {
    std::set<std::string> forms;
    for (const Normaliser normaliser :
         {Normaliser::kExact, Normaliser::kLower, Normaliser::kDigits, Normaliser::kAlnum}) {
        const FieldName field{"value"};
        const MatchRule rule{.name = "rule", .parts = {{field, normaliser}}, .place = {}};
        if (auto form = match_text(rule, Fields{{field, Value{text}}})) forms.insert(*form);
    }
    return forms;
}

/// The entity that a link or match key names, if it still names one.
std::optional<EntityId> entity_in(const nats::StoredMessage& stored) {
    if (stored.deleted) return std::nullopt;
    auto entity = wire::decode_reference(stored.body);
    if (!entity || entity->empty()) return std::nullopt;
    return *entity;
}

Result<std::optional<Located>> by_record(Session& session, const ObjectName& object,
                                         const std::string& text) {
    const auto colon = text.find(':');
    if (colon == std::string::npos) return std::nullopt;
    const RecordKey record{PlatformId{text.substr(0, colon)}, object,
                           RecordId{text.substr(colon + 1)}};
    const auto link = session.get_last(subjects::kStreamState, subjects::link(record));
    if (!link) return fail(link.error());
    const auto entity = *link ? entity_in(**link) : std::nullopt;
    if (!entity) return std::nullopt;
    return Located{{object, *entity}, "record " + text};
}

Result<std::optional<Located>> by_match_key(Session& session, const ObjectName& object,
                                            const std::string& text) {
    constexpr std::size_t kRuleToken = 4;
    nats::ConsumeSpec spec{.stream = std::string{subjects::kStreamState}, .last_per_subject = true};
    for (const std::string& form : normal_forms(text)) {
        spec.filters.push_back(
            with_wildcards(subjects::match_key(object, "rule", form), {kRuleToken}));
    }
    if (spec.filters.empty()) return std::nullopt;
    const auto keys = session.read_all(std::move(spec));
    if (!keys) return fail(keys.error());
    std::map<EntityId, std::string> found;
    for (const nats::StoredMessage& key : *keys) {
        const auto tokens = tokens_of(key.subject);
        const auto entity = entity_in(key);
        if (!entity || tokens.size() <= kRuleToken) continue;
        const auto rule = subjects::decode_token(tokens[kRuleToken]);
        found.emplace(*entity, rule ? *rule : std::string{tokens[kRuleToken]});
    }
    if (found.empty()) return std::nullopt;
    if (found.size() == 1) {
        return Located{{object, found.begin()->first}, "match key " + found.begin()->second};
    }
    std::string names;
    for (const auto& [entity, rule] : found) {
        names += (names.empty() ? "" : ", ") + entity.text + " (by " + rule + ")";
    }
    return fail(ErrorKind::kInvalid, "'" + text + "' is a key of several: " + names +
                                         "; ask again with one of these ids");
}

}  // namespace

Result<std::uint16_t> partition_count(Session& session) {
    const auto info = session.stream_info(subjects::kStreamIn);
    if (!info) {
        if (info.error().kind != ErrorKind::kNotFound) return fail(info.error());
        return fail(ErrorKind::kNotFound,
                    "there is no stream " + std::string{subjects::kStreamIn} + " at " +
                        session.server_text() +
                        ": is this the right server and account? A hub makes it at its start");
    }
    std::uint16_t count = 64;
    for (const auto& [name, value] : info->metadata) {
        if (name != nats::kPartitionsKey) continue;
        std::from_chars(value.data(), value.data() + value.size(), count);
    }
    return count == 0 ? std::uint16_t{64} : count;
}

Result<Located> locate(Session& session, const ObjectName& object, const std::string& text) {
    const auto partitions = partition_count(session);
    if (!partitions) return fail(partitions.error());
    const EntityKey direct{object, EntityId{text}};
    const auto stored = session.get_last(
        subjects::kStreamState, subjects::entity(direct, entity_partition(direct, *partitions)));
    if (!stored) return fail(stored.error());
    if (*stored && !(*stored)->deleted) return Located{direct, "entity id"};
    for (const auto& way : {by_record, by_match_key}) {
        auto found = way(session, object, text);
        if (!found) return fail(found.error());
        if (*found) return **found;
    }
    return fail(ErrorKind::kNotFound,
                "no " + object.text + " is known by '" + text +
                    "': it is no entity id, no linked record (platform:record-id) and no match "
                    "key. Check the object's name; an input that was never placed is under "
                    "`synclinectl exceptions list`");
}

Result<std::optional<StoredEntity>> load_entity(Session& session, const EntityKey& key) {
    const auto partitions = partition_count(session);
    if (!partitions) return fail(partitions.error());
    const std::string subject = subjects::entity(key, entity_partition(key, *partitions));
    auto stored = session.get_last(subjects::kStreamState, subject);
    if (!stored) return fail(stored.error());
    if (!*stored || (*stored)->deleted) return std::nullopt;
    auto state = hub::decode_entity((*stored)->body);
    if (!state) {
        return fail(ErrorKind::kCorrupt,
                    subject + ", sequence " + std::to_string((*stored)->sequence) + ", " +
                        std::to_string((*stored)->body.size()) +
                        " bytes: the stored state cannot be decoded: " + state.error().what +
                        ". Is this synclinectl older than the hub? Otherwise the state is "
                        "damaged: keep a copy of the message, delete it, and have the platforms "
                        "read again (synclinectl replay --full-read PLATFORM)");
    }
    return StoredEntity{std::move(*state), (*stored)->sequence, (*stored)->stored_at};
}

Result<StoredEntity> load_located(Session& session, const Located& located) {
    auto stored = load_entity(session, located.key);
    if (!stored) return fail(std::move(stored.error()));
    if (*stored) return **std::move(stored);
    return fail(ErrorKind::kNotFound,
                located.key.object.text + " " + located.key.entity.text + " (by " + located.by +
                    ") has no state: it is just being founded, or the state store lost it");
}

}  // namespace syncline::ctl
