#include "tests/simulation/policy_changes.h"

#include <stdexcept>

#include "hub/core/state_codec.h"
#include "shared/policy/policy_version.h"
#include "shared/wire/subjects.h"

namespace syncline::sim {
namespace {

/// Before what was applied is looked for.
constexpr Duration kPatience = std::chrono::seconds{20};

PolicyFile file_of(const std::string& text) { return {"simulation.toml", text}; }

}  // namespace

void PolicyChanges::begin() {
    if (texts_.size() > 1) next();
}

void PolicyChanges::next() {
    const Duration pause =
        world_.random().between(std::chrono::seconds{10}, std::chrono::minutes{4});
    world_.after(pause, [this] {
        if (!broker_.up()) return next();
        if (applied_ + 1 < texts_.size()) apply(texts_[++applied_]);
        if (applied_ + 1 < texts_.size()) next();
    });
}

// One attempt: what comes between, another time.
void PolicyChanges::apply(const std::string& wanted) {
    const std::string text = plant_policy(planted_, wanted);
    applied_at_ = world_.now();
    std::uint64_t newest = 0;
    std::uint64_t base = 0;
    for (const MessagePtr& message : broker_.all(subjects::kStreamPolicy)) {
        if (subject_matches(subjects::all_policy_starts(), message->subject)) {
            const auto start = parse_policy_start(message->body);
            if (start) base = std::max(base, start->version);
        } else if (subject_matches(subjects::all_policy_versions(), message->subject)) {
            const auto version = parse_policy_version(message->body);
            if (!version) continue;
            newest = std::max(newest, version->number);
            if (version->number == 1) base = std::max(base, version->number);
        }
    }
    for (const MessagePtr& message : broker_.all(subjects::kStreamState)) {
        const auto mark = hub::decode_mark(message->body);
        if (mark && subject_matches(subjects::all_marks(), message->subject)) {
            newest = std::max({newest, mark->policy, mark->reconsidered});
        }
    }
    PolicyVersion version = version_of(newest + 1, "simulation", {file_of(text)});
    version.base = base;
    version.author = "architect";
    world_.note("architect", "applies version " + std::to_string(version.number));
    std::ignore = broker_.publish(subjects::policy_file(version.files[0].hash), text, std::nullopt);
    const auto made =
        broker_.publish(subjects::policy_version(version.number), to_text(version), 0);
    if (!made || version.number == 1) return;
    const std::string subject = subjects::policy_activation();
    const auto last = broker_.get_last(subjects::kStreamIn, subject);
    if (!last) return;
    std::ignore = broker_.publish(
        subject, to_text(PolicyActivation{version.number, version.hash, {}, "architect", {}}),
        *last ? (*last)->sequence : 0);
}

std::optional<std::size_t> PolicyChanges::index_in_force() {
    std::uint64_t newest = 1;
    for (const MessagePtr& message : broker_.all(subjects::kStreamPolicy)) {
        if (!subject_matches(subjects::all_policy_starts(), message->subject)) continue;
        if (const auto start = parse_policy_start(message->body)) {
            newest = std::max(newest, start->version);
        }
    }
    const auto stored = broker_.get_last(subjects::kStreamPolicy, subjects::policy_version(newest));
    const auto version =
        stored && *stored ? parse_policy_version((*stored)->body) : fail(ErrorKind::kNotFound, "");
    for (std::size_t i = 0; version && i < texts_.size(); ++i) {
        if (policy_hash({file_of(plant_policy(planted_, texts_[i]))}) == version->hash) return i;
    }
    return std::nullopt;
}

/// Whoever was restored the version without it may not have its file: `status` says so.
bool PolicyChanges::has_file(const std::string& text) {
    const PolicyVersion version =
        version_of(1, "simulation", {file_of(plant_policy(planted_, text))});
    const auto stored =
        broker_.get_last(subjects::kStreamPolicy, subjects::policy_file(version.files[0].hash));
    return stored && *stored;
}

bool PolicyChanges::settle() {
    if (applied_ == 0) return true;
    if (index_in_force() == applied_ && has_file(texts_[applied_])) return true;
    if (broker_.up() && world_.now() > applied_at_ + kPatience) apply(texts_[applied_]);
    return false;
}

const Policy* PolicyChanges::applied(const std::string& hash, std::uint64_t number) {
    const auto known = by_hash_.find({hash, number});
    if (known != by_hash_.end()) return &known->second;
    for (const std::string& text : texts_) {
        const PolicyFile file = file_of(plant_policy(planted_, text));
        if (policy_hash({file}) != hash) continue;
        Policy policy = *parse_policy({file});
        policy.version = number;
        return &by_hash_.emplace(std::pair{hash, number}, std::move(policy)).first->second;
    }
    return nullptr;
}

const Policy& PolicyChanges::parsed(const std::string& text) {
    const auto at = parsed_.find(text);
    if (at != parsed_.end()) return at->second;
    auto policy = parse_policy({file_of(text)});
    if (!policy) throw std::runtime_error("the simulation's policy: " + policy.error().what);
    return parsed_.emplace(text, *std::move(policy)).first->second;
}

}  // namespace syncline::sim
