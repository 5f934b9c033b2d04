#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "hub/ctl/session.h"
#include "shared/base/result.h"
#include "shared/model/value.h"

/// Streams as a whole, out of the server and into it: JetStream's own snapshot and restore, in
/// pieces with flow control. nats.c has no calls for them.
namespace syncline::ctl {

/// What the server says of a stream when it begins to give it.
struct StreamImage {
    Value config;
    Value state;
};

/// Hands out the stream as it is now; writers go on meanwhile, and what they store is not in it.
/// kNotFound: no such stream. kAmbiguous: a piece was lost, or none came in time: what was handed
/// out is nothing whole. An error of `take` ends it, and is returned.
[[nodiscard]] Result<StreamImage> read_image(
    Session& session, std::string_view stream,
    const std::function<Result<void>(std::string_view piece)>& take);

/// Makes the stream of an image. `pieces` calls what it is given with each piece, in order, and
/// says whether the image was whole; if not, no stream is made. kConflict: there is one already.
/// kUnavailable: the server does not take it; the text is its own.
using Take = std::function<Result<void>(std::string_view piece)>;
[[nodiscard]] Result<void> write_image(Session& session, std::string_view stream,
                                       const StreamImage& image,
                                       const std::function<Result<void>(const Take&)>& pieces);

}  // namespace syncline::ctl
