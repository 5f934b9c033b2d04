#pragma once

#include <functional>

#include "agent/executor.h"
#include "agent/operation_executor.h"
#include "tests/simulation/platform.h"

namespace syncline::sim {

/// agent::Executor against a simulated platform: latency, refusals, answers that get lost. Calls
/// that are under way when the agent dies still reach the platform.
class SimExecutor : public agent::Executor, public agent::OperationExecutor {
public:
    SimExecutor(World& world, Platform& platform, Ticket ticket)
        : world_(world), platform_(platform), ticket_(ticket) {}

    void read(const agent::Cursor& from, std::size_t max, Done<agent::Batch> done) override;
    void survey(const agent::Cursor& from, std::size_t max, Done<agent::Batch> done) override;
    void stored(const agent::Cursor&) override {}
    void fetch(const ObjectName& object, const RecordId& id,
               Done<std::optional<agent::Record>> done) override;
    void find(const ObjectName& object, const EntityId& entity,
              Done<std::optional<agent::Record>> done) override;
    void write(const Command& told, Done<agent::Written> done) override;
    [[nodiscard]] std::size_t write_max(const Command&) const override {
        return platform_.nature().batch_max;
    }
    void write_all(const std::vector<Command>& told,
                   Done<agent::Each<agent::Written>> done) override;
    [[nodiscard]] std::size_t fetch_max(const ObjectName&, const RecordId&) const override {
        return platform_.nature().batch_max;
    }
    void fetch_all(const ObjectName& object, const std::vector<RecordId>& ids,
                   Done<agent::Each<std::optional<agent::Record>>> done) override;
    void operate(const agent::OperationRequest& request, Done<Value> done) override;
    void find_operation(const agent::OperationRequest& request,
                        Done<std::optional<Value>> done) override;
    [[nodiscard]] agent::Cursor full_read_start() const override {
        return platform_.full_read_start();
    }
    [[nodiscard]] agent::Connector::Traits traits() const override;
    [[nodiscard]] Fields normal_form(const ObjectName& object, const Fields& fields) const override;

    /// Called after each answer.
    std::function<void()> on_event;

protected:
    [[nodiscard]] World& world() { return world_; }
    [[nodiscard]] Platform& platform() { return platform_; }

private:
    /// Nothing if the platform works; else what it says, having done nothing.
    [[nodiscard]] std::optional<Error> refusal();
    [[nodiscard]] Duration latency();
    [[nodiscard]] Duration stale_time();
    template <class T>
    void change(Done<T> done, std::function<Result<T>(Platform&)> what);
    template <class T>
    void answer(Done<T> done, Result<T> result, Duration delay);
    template <class T>
    void ask(Done<T> done, std::function<Result<T>(Platform&)> question);

    World& world_;
    Platform& platform_;
    Ticket ticket_;
};

}  // namespace syncline::sim
