#include "shared/nats/library.h"

#include <nats/nats.h>
#include <sched.h>

#include <mutex>
#include <thread>
#include <tuple>

namespace syncline::nats {

void start_library() {
    static std::once_flag started;
    std::call_once(started, [] {
        // Threads inherit how they are scheduled from the one that starts them.
        std::thread{[] {
            const sched_param none{};
            std::ignore = sched_setscheduler(0, SCHED_BATCH, &none);  // Not allowed: then not.
            std::ignore = nats_Open(-1);  // What is wrong shows in the first call that needs it.
        }}.join();
    });
}

}  // namespace syncline::nats
