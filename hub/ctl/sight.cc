#include "hub/ctl/sight.h"

#include <algorithm>

#include "hub/core/state_codec.h"
#include "hub/ctl/memory.h"
#include "hub/ctl/program.h"
#include "shared/policy/policy.h"
#include "shared/wire/subjects.h"

namespace syncline::ctl {
namespace {

std::unexpected<Error> not_seen(const ObjectName& object, const std::string& text) {
    return fail(ErrorKind::kNotFound, "no " + object.text + " that you may see is known by '" +
                                          text + "'; you are bound to regions");
}

}  // namespace

Sight::Sight(Program& program, Session& session)
    : program_(program), session_(session), bound_(!program.regions().empty()) {}

bool Sight::is_ours(const std::string& region) const {
    return !region.empty() &&
           std::ranges::find(program_.regions(), region) != program_.regions().end();
}

std::string Sight::region_of(const hub::EntityState& state) {
    const auto policy = program_.policy();
    const ObjectSpec* object = policy ? (*policy)->object(state.key.object) : nullptr;
    if (object == nullptr || object->region.empty()) return {};
    // A state that was not touched since has the field by its old name.
    const auto at = std::ranges::find_if(state.canonical, [&](const hub::CanonicalField& field) {
        return object->name_now(field.name) == object->region;
    });
    return at == state.canonical.end() ? std::string{} : key_text(at->value);
}

bool Sight::sees(const hub::EntityState& state) {
    if (!program_.may_see(state.key.object)) return false;
    return !bound_ || is_ours(region_of(state));
}

Result<std::string> Sight::read_region(const EntityKey& key) {
    if (!partitions_) {
        const auto count = partition_count(session_);
        if (!count) return fail(count.error());
        partitions_ = *count;
    }
    const auto stored = session_.get_last(
        subjects::kStreamState, subjects::entity(key, entity_partition(key, *partitions_)));
    if (!stored) return fail(stored.error());
    if (!*stored || (*stored)->deleted) return std::string{};
    const auto state = hub::decode_entity((*stored)->body);
    return state ? region_of(*state) : std::string{};
}

Result<bool> Sight::sees(const EntityKey& key) {
    if (!program_.may_see(key.object)) return false;
    if (!bound_) return true;
    Memory* const memory = program_.memory();
    const Duration now = program_.clock().steady();
    if (memory != nullptr) {
        if (const std::string* known = memory->regions().find(key, now)) return is_ours(*known);
    }
    const auto region = read_region(key);
    if (!region) return fail(region.error());
    if (memory != nullptr) memory->regions().keep(key, *region, now);
    return is_ours(*region);
}

Result<void> Sight::check(const EntityKey& key, const std::string& text) {
    if (!bound_) return {};
    const auto region = read_region(key);
    if (!region) return fail(region.error());
    if (!program_.may_see(key.object) || !is_ours(*region)) return not_seen(key.object, text);
    return {};
}

Result<Located> Sight::locate(const ObjectName& object, const std::string& text) {
    auto located = ctl::locate(session_, object, text);
    if (!bound_) return located;
    // That several have a key would name those that are not seen, too.
    if (!located) {
        const ErrorKind kind = located.error().kind;
        const bool says = kind == ErrorKind::kNotFound || kind == ErrorKind::kInvalid;
        return says ? Result<Located>{not_seen(object, text)} : located;
    }
    if (auto seen = check(located->key, text); !seen) return fail(seen.error());
    return located;
}

}  // namespace syncline::ctl
