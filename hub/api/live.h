#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "hub/api/desk.h"
#include "shared/base/clock.h"
#include "shared/http/server.h"

namespace syncline::hub::api {

/// What goes on, as server-sent events to whoever listens: `status` every two seconds, and
/// `changed` with what: exceptions, approvals, policy, instances. Looks at nothing while nobody
/// listens. Also keeps the newest status, so that a hundred who ask for it cost one look.
///
/// Threading: listen() and with_status() from any thread; tick() from one. The desk must be gone
/// before this is.
class Live {
public:
    static constexpr std::size_t kListenersMost = 64;

    Live(Desk& desk, const Clock& clock) : desk_(desk), clock_(clock) {}

    /// False: there are too many.
    [[nodiscard]] bool may_listen();
    void listen(HttpServer::Events events);
    /// Looks if it is time.
    void tick();
    [[nodiscard]] Duration next_wait();

    using Told = std::shared_ptr<const ctl::CommandResult>;
    /// What `synclinectl status` says, at most a second old. False: the desk is full.
    [[nodiscard]] bool with_status(std::function<void(const Told&)> done);

private:
    void look(const Desk::Bench& bench);
    void send(const std::string& text);
    void settle(const Told& told);

    Desk& desk_;
    const Clock& clock_;
    std::mutex mutex_;
    std::vector<HttpServer::Events> listeners_;
    Duration look_at_{0};
    Duration status_at_{0};  ///< When it is sent next.
    Duration said_at_{0};
    std::atomic<bool> looks_{false};
    std::map<std::string, std::uint64_t> places_;  ///< Where what listeners are told of ends.
    Told status_;
    Duration status_read_{0};
    std::vector<std::function<void(const Told&)>> waiting_;
};

}  // namespace syncline::hub::api
