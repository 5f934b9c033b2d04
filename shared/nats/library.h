#pragma once

namespace syncline::nats {

/// Starts nats.c, once in the life of the program; harmless to repeat. Call before anything else of
/// it. Its own threads (they free messages, time pings, tell of errors) become batch threads of the
/// scheduler: they do not run at once when they are woken, but when there is time or enough to do.
/// A busy hub wakes the one that frees messages for every message otherwise, and each waits for the
/// other's lock. Where the system refuses, as the filter of the shipped units does, they stay as
/// they are.
/// Threading: any thread.
void start_library();

}  // namespace syncline::nats
