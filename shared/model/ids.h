#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

namespace syncline {

/// A name of one kind; names of different kinds cannot be mixed up.
template <class Tag>
struct Id {
    std::string text;

    Id() = default;
    explicit Id(std::string value) : text(std::move(value)) {}
    explicit Id(std::string_view value) : text(value) {}
    explicit Id(const char* value) : text(value) {}

    [[nodiscard]] bool empty() const { return text.empty(); }
    [[nodiscard]] const char* c_str() const { return text.c_str(); }
    friend auto operator<=>(const Id&, const Id&) = default;
    friend bool operator==(const Id&, const Id&) = default;
};

using PlatformId = Id<struct PlatformTag>;  ///< An external system: `crm`.
using ObjectName = Id<struct ObjectTag>;    ///< A canonical type: `customer`.
using RecordId = Id<struct RecordTag>;      ///< A platform's own id of a record.
using EntityId = Id<struct EntityTag>;      ///< A canonical instance: 24 characters, base 32.
using FieldName = Id<struct FieldTag>;      ///< A canonical field: `credit_limit`.
using ListName = Id<struct ListTag>;        ///< A list of reference data: `price`.
using HubId = Id<struct HubTag>;            ///< One hub process.

/// A slice of the work, 0 <= value < the count fixed when the streams were made.
struct Partition {
    std::uint16_t value = 0;
    friend auto operator<=>(const Partition&, const Partition&) = default;
};

struct RecordKey {
    PlatformId platform;
    ObjectName object;
    RecordId record;
    friend auto operator<=>(const RecordKey&, const RecordKey&) = default;
    friend bool operator==(const RecordKey&, const RecordKey&) = default;
};

struct EntityKey {
    ObjectName object;
    EntityId entity;
    friend auto operator<=>(const EntityKey&, const EntityKey&) = default;
    friend bool operator==(const EntityKey&, const EntityKey&) = default;
};

/// The id of the entity that a record founds: a digest of its key, so that any hub at any time
/// finds the same one.
[[nodiscard]] EntityId founded_entity(const RecordKey& record);

/// Where a record that belongs to no entity yet is handled.
[[nodiscard]] Partition record_partition(const RecordKey& record, std::uint16_t partitions);

/// The home of an entity: where its state lives and its records' changes go once linked.
[[nodiscard]] Partition entity_partition(const EntityKey& entity, std::uint16_t partitions);

/// 64-bit FNV-1a with a final mix; stable across builds and machines, part of the wire.
[[nodiscard]] std::uint64_t stable_hash(std::string_view text);

}  // namespace syncline

template <class Tag>
struct std::hash<syncline::Id<Tag>> {
    std::size_t operator()(const syncline::Id<Tag>& id) const noexcept {
        return std::hash<std::string>{}(id.text);
    }
};
template <>
struct std::hash<syncline::EntityKey> {
    std::size_t operator()(const syncline::EntityKey& key) const noexcept {
        return std::hash<std::string>{}(key.entity.text) * 31 +
               std::hash<std::string>{}(key.object.text);
    }
};
template <>
struct std::hash<syncline::RecordKey> {
    std::size_t operator()(const syncline::RecordKey& key) const noexcept {
        return (std::hash<std::string>{}(key.record.text) * 31 +
                std::hash<std::string>{}(key.object.text)) *
                   31 +
               std::hash<std::string>{}(key.platform.text);
    }
};
