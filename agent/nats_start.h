#pragma once

namespace syncline::agent {

/// Opens nats.c without waking up the whole of OpenSSL, which costs two megabytes that an agent
/// without TLS has no other use for. Call before the first link; without it everything works too.
/// Threading: while the process has one thread.
void start_nats_lean();

}  // namespace syncline::agent
