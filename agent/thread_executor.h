#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "agent/ask_executor.h"
#include "agent/connectors/registry.h"
#include "agent/executor.h"
#include "agent/lease.h"
#include "agent/operation_executor.h"

namespace syncline::agent {

/// Connectors on threads of their own: one that reads, up to `writers` that fetch, find and write,
/// as many that ask, as many that carry out operations, and one that listens, so that none of these
/// waits for another. All but the first are started when there is work for them. Completions wait
/// until the agent's thread calls deliver(). Threading: as Executor; `wake` is called from the
/// other threads.
class ThreadExecutor final : public Executor, public AskExecutor, public OperationExecutor {
public:
    /// Makes the reading connector. kInvalid: as the factory says. With a term, what begins when it
    /// is over is answered kUnavailable, and no connector is called; it must outlive this.
    static Result<std::unique_ptr<ThreadExecutor>> make(ConnectorFactory factory,
                                                        std::size_t writers,
                                                        std::function<void()> wake,
                                                        const Term* term = nullptr);
    /// Asks what is under way to stop and waits for it: about a second at most.
    ~ThreadExecutor() override;

    void read(const Cursor& from, std::size_t max, Done<Batch> done) override;
    void survey(const Cursor& from, std::size_t max, Done<Batch> done) override;
    void count(Done<std::uint64_t> done) override;
    void listen(const std::string& position, Done<Pushed> done) override;
    void stored(const Cursor& cursor) override;
    void fetch(const ObjectName& object, const RecordId& id,
               Done<std::optional<Record>> done) override;
    void find(const ObjectName& object, const EntityId& entity,
              Done<std::optional<Record>> done) override;
    void write(const Command& command, Done<Written> done) override;
    [[nodiscard]] std::size_t write_max(const Command& command) const override;
    void write_all(const std::vector<Command>& commands, Done<Each<Written>> done) override;
    [[nodiscard]] std::size_t fetch_max(const ObjectName& object,
                                        const RecordId& id) const override;
    void fetch_all(const ObjectName& object, const std::vector<RecordId>& ids,
                   Done<Each<std::optional<Record>>> done) override;
    void ask(const std::string& name, const Fields& input, Done<Value> done) override;
    void operate(const OperationRequest& request, Done<Value> done) override;
    void find_operation(const OperationRequest& request, Done<std::optional<Value>> done) override;
    [[nodiscard]] Cursor full_read_start() const override { return full_read_start_; }
    [[nodiscard]] Connector::Traits traits() const override { return traits_; }
    [[nodiscard]] Fields normal_form(const ObjectName& object, const Fields& fields) const override;
    /// Connector::questions().
    [[nodiscard]] std::vector<std::string> questions() const { return forms_->questions(); }

    /// Calls the completions that are ready. On the agent's thread.
    void deliver();

private:
    /// Work for a connector; leaves its completion in the queue.
    using Job = std::function<void(Connector&, std::stop_token)>;
    struct Lane {
        std::mutex mutex;
        std::condition_variable changed;
        std::deque<Job> jobs;
        bool ended = false;    ///< No thread begins another job.
        std::size_t idle = 0;  ///< Threads that wait for a job.
        std::size_t threads = 0;
    };

    ThreadExecutor(ConnectorFactory factory, std::unique_ptr<Connector> reader, std::size_t writers,
                   std::function<void()> wake, const Term* term);
    template <class T>
    Job job(std::function<Result<T>(Connector&, std::stop_token)> call, Done<T> done);
    template <class T>
    void tell(Connector& connector, Result<T> result, Duration took, const Done<T>& done);
    [[nodiscard]] bool term_is_over() const;
    void post(std::function<void()> completion);
    void submit(Lane& lane, Job job);
    void start_thread(Lane& lane);
    static void work(Lane& lane, Connector& connector, std::stop_token stop);

    ConnectorFactory factory_;
    std::unique_ptr<Connector> reader_;
    std::unique_ptr<Connector> forms_;  ///< For what touches no network; no thread's.
    std::size_t threads_max_;           ///< Of each lane but the reading one.
    std::function<void()> wake_;
    const Term* term_;
    Cursor full_read_start_;
    Connector::Traits traits_;
    std::mutex ready_mutex_;
    std::deque<std::function<void()>> ready_;
    Lane reading_;
    Lane writing_;
    Lane asking_;
    Lane operating_;
    Lane listening_;
    std::vector<std::unique_ptr<Connector>> connectors_;  ///< Of the threads but the reading one.
    std::vector<std::jthread> threads_;                   ///< Last: joined before the rest goes.
};

}  // namespace syncline::agent
