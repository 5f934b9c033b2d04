#pragma once

#include <string>
#include <string_view>

#include "shared/base/result.h"
#include "shared/model/list.h"

/// MessagePack of what is said of lists. Decoders: kInvalid, kTooLarge, kUnsupported, as those of
/// codec.h.
namespace syncline::wire {

[[nodiscard]] std::string encode(const ListNews& news);
[[nodiscard]] Result<ListNews> decode_list_news(std::string_view body);

/// The same rows always make the same body.
[[nodiscard]] std::string encode_list_rows(const ListRows& rows);
/// Also kInvalid: a key twice, or not in order.
[[nodiscard]] Result<ListRows> decode_list_rows(std::string_view body);

[[nodiscard]] std::string encode(const ListManifest& manifest);
/// Also kInvalid: the number of parts is no power of two, or what stands there is no digest.
[[nodiscard]] Result<ListManifest> decode_list_manifest(std::string_view body);

}  // namespace syncline::wire
