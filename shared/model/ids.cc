#include "shared/model/ids.h"

namespace syncline {
namespace {

std::uint64_t mix(std::uint64_t h) {  // The finaliser of MurmurHash3 (public domain constants).
    h ^= h >> 33;
    h *= 0xff51afd7ed558ccdULL;
    h ^= h >> 33;
    h *= 0xc4ceb9fe1a85ec53ULL;
    h ^= h >> 33;
    return h;
}

std::uint64_t hash_from(std::uint64_t seed, std::string_view text) {
    std::uint64_t h = seed;
    for (const char c : text) {
        h ^= static_cast<unsigned char>(c);
        h *= 0x100000001b3ULL;
    }
    return h;
}

constexpr std::uint64_t kOffset = 0xcbf29ce484222325ULL;

/// Unambiguous, whatever the parts contain: each is led by its length.
std::string joined(const RecordKey& key) {
    std::string text;
    for (const std::string* part : {&key.object.text, &key.platform.text, &key.record.text}) {
        text += std::to_string(part->size()) + ":" + *part;
    }
    return text;
}

}  // namespace

std::uint64_t stable_hash(std::string_view text) { return mix(hash_from(kOffset, text)); }

EntityId founded_entity(const RecordKey& record) {
    constexpr char kAlphabet[] = "abcdefghijklmnopqrstuvwxyz234567";
    const std::string text = joined(record);
    // 120 bits: a collision among a billion entities has a chance below one in 10^18.
    std::uint64_t words[2] = {mix(hash_from(kOffset, text)), mix(hash_from(~kOffset, text))};
    std::string id;
    for (const std::uint64_t word : words) {
        for (int i = 0; i < 12; ++i) id += kAlphabet[word >> (5 * i) & 31];
    }
    return EntityId{std::move(id)};
}

Partition record_partition(const RecordKey& record, std::uint16_t partitions) {
    return {static_cast<std::uint16_t>(stable_hash(joined(record)) % partitions)};
}

Partition entity_partition(const EntityKey& entity, std::uint16_t partitions) {
    const std::uint64_t h = mix(hash_from(hash_from(kOffset, entity.object.text), "\n") ^
                                hash_from(kOffset, entity.entity.text));
    return {static_cast<std::uint16_t>(h % partitions)};
}

}  // namespace syncline
