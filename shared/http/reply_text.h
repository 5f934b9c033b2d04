#pragma once

#include <string>

#include "shared/http/server.h"

/// A reply of HttpServer as it goes over the wire.
namespace syncline {

/// Gives a reply the body that its status says by itself (RFC 9457).
void make_problem(HttpServer::Reply& reply);

/// Status line, headers and body. `gets`: GET is allowed, too.
[[nodiscard]] std::string text_of(const HttpServer::Reply& reply, bool keep_alive, bool gets);

}  // namespace syncline
