#pragma once

#include <cstddef>

/// The size of everything that crosses the wire; enforced while decoding, before allocation.
namespace syncline::wire {

inline constexpr std::size_t kBodyBytesMax = 1u << 20;
inline constexpr std::size_t kDepthMax = 32;
inline constexpr std::size_t kMapEntriesMax = 4'096;
inline constexpr std::size_t kArrayItemsMax = 65'536;
inline constexpr std::size_t kStringBytesMax = 256u << 10;
/// Ids, names and reasons: what is not data of a customer.
inline constexpr std::size_t kIdBytesMax = 256;
inline constexpr std::size_t kReasonBytesMax = 1'000;  ///< What an agent says to a person.
static_assert(kStringBytesMax <= kBodyBytesMax && kIdBytesMax <= kStringBytesMax);

}  // namespace syncline::wire
