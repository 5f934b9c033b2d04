#include "agent/thread_executor.h"

#include "shared/base/boot_time.h"
#include "shared/base/log.h"

namespace syncline::agent {
namespace {

/// A connector is connected before its first use and after it could not be reached.
struct Connected {
    bool up = false;

    Result<void> ensure(Connector& connector, std::stop_token stop) {
        if (up) return {};
        auto done = connector.connect(stop);
        up = done.has_value();
        // A missing file with the password says nothing about the record that was asked for.
        if (!up && done.error().kind == ErrorKind::kNotFound) {
            return fail(ErrorKind::kUnavailable, std::move(done.error().what));
        }
        return done;
    }
};
thread_local Connected connected;
constexpr const char* kTermOver = "the lease is over: another agent may be active";

}  // namespace

Result<std::unique_ptr<ThreadExecutor>> ThreadExecutor::make(ConnectorFactory factory,
                                                             std::size_t writers,
                                                             std::function<void()> wake,
                                                             const Term* term) {
    auto reader = factory();
    if (!reader) return fail(std::move(reader.error()));
    auto forms = factory();
    if (!forms) return fail(std::move(forms.error()));
    std::unique_ptr<ThreadExecutor> executor{
        new ThreadExecutor{std::move(factory), std::move(*reader), writers, std::move(wake), term}};
    executor->forms_ = std::move(*forms);
    return executor;
}

ThreadExecutor::ThreadExecutor(ConnectorFactory factory, std::unique_ptr<Connector> reader,
                               std::size_t writers, std::function<void()> wake, const Term* term)
    : factory_(std::move(factory)),
      reader_(std::move(reader)),
      threads_max_(writers),
      wake_(std::move(wake)),
      term_(term),
      full_read_start_(reader_->full_read_start()),
      traits_(reader_->traits()) {
    threads_.emplace_back([this](std::stop_token stop) { work(reading_, *reader_, stop); });
}

ThreadExecutor::~ThreadExecutor() {
    for (std::jthread& thread : threads_) thread.request_stop();
    for (Lane* lane : {&reading_, &writing_, &asking_, &operating_, &listening_}) {
        const std::lock_guard lock{lane->mutex};
        lane->ended = true;
        lane->changed.notify_all();
    }
    threads_.clear();
}

void ThreadExecutor::work(Lane& lane, Connector& connector, std::stop_token stop) {
    while (true) {
        Job next;
        {
            std::unique_lock lock{lane.mutex};
            ++lane.idle;
            lane.changed.wait(lock, [&] { return lane.ended || !lane.jobs.empty(); });
            --lane.idle;
            if (lane.ended) return;
            next = std::move(lane.jobs.front());
            lane.jobs.pop_front();
        }
        next(connector, stop);
    }
}

void ThreadExecutor::post(std::function<void()> completion) {
    bool is_first = false;
    {
        const std::lock_guard lock{ready_mutex_};
        is_first = ready_.empty();
        ready_.push_back(std::move(completion));
    }
    if (is_first) wake_();  // Whoever left others before has done so, and deliver() takes all.
}

void ThreadExecutor::deliver() {
    std::deque<std::function<void()>> ready;
    {
        const std::lock_guard lock{ready_mutex_};
        ready.swap(ready_);
    }
    for (auto& completion : ready) completion();
}

/// Another agent may be active then: the platform is left alone.
bool ThreadExecutor::term_is_over() const { return term_ != nullptr && !term_->lasts(boot_time()); }

/// The result of a call, with what it cost, to the agent's thread.
template <class T>
void ThreadExecutor::tell(Connector& connector, Result<T> result, Duration took,
                          const Done<T>& done) {
    // std::function wants what it holds copyable; a completion runs once.
    const auto answer = std::make_shared<Answer<T>>(std::move(result));
    answer->cost = connector.take_cost();
    answer->took = took;
    const bool throttled = !answer->result && answer->result.error().kind == ErrorKind::kThrottled;
    if (throttled) answer->pause = connector.throttle_pause();
    post([done, answer] { done(std::move(*answer)); });
}

template <class T>
ThreadExecutor::Job ThreadExecutor::job(std::function<Result<T>(Connector&, std::stop_token)> call,
                                        Done<T> done) {
    return [this, call = std::move(call), done = std::move(done)](Connector& connector,
                                                                  std::stop_token stop) {
        Duration took{0};
        Result<T> result = fail(ErrorKind::kUnavailable, kTermOver);
        if (!term_is_over()) {
            if (auto up = connected.ensure(connector, stop); !up) {
                result = fail(std::move(up.error()));
            } else if (!term_is_over()) {  // Connecting may have taken long.
                const Duration began = boot_time();
                result = call(connector, stop);
                if (result) took = boot_time() - began;
                const bool lost = !result && result.error().kind == ErrorKind::kUnavailable;
                if (lost) connected.up = false;
            }
        }
        tell(connector, std::move(result), took, done);
    };
}

void ThreadExecutor::submit(Lane& lane, Job job) {
    bool short_of_threads = false;
    bool is_awaited = false;
    {
        const std::lock_guard lock{lane.mutex};
        lane.jobs.push_back(std::move(job));
        short_of_threads = lane.jobs.size() > lane.idle;
        is_awaited = lane.idle > 0;
    }
    const bool may_start = &lane != &reading_ && lane.threads < threads_max_;
    if (may_start && short_of_threads) start_thread(lane);
    if (is_awaited) lane.changed.notify_one();
}

void ThreadExecutor::start_thread(Lane& lane) {
    auto connector = factory_();
    if (!connector) {  // It could be made when the agent started; something of the machine's.
        log::error("one more connector can not be made", {{"error", connector.error()}});
        return;
    }
    connectors_.push_back(std::move(*connector));
    ++lane.threads;
    threads_.emplace_back([&lane, made = connectors_.back().get()](std::stop_token stop) {
        work(lane, *made, stop);
    });
}

void ThreadExecutor::read(const Cursor& from, std::size_t max, Done<Batch> done) {
    submit(reading_,
           job<Batch>([from, max](Connector& connector,
                                  std::stop_token stop) { return connector.read(from, max, stop); },
                      std::move(done)));
}

void ThreadExecutor::survey(const Cursor& from, std::size_t max, Done<Batch> done) {
    submit(reading_, job<Batch>(
                         [from, max](Connector& connector, std::stop_token stop) {
                             return connector.survey(from, max, stop);
                         },
                         std::move(done)));
}

void ThreadExecutor::count(Done<std::uint64_t> done) {
    submit(reading_, job<std::uint64_t>([](Connector& connector,
                                           std::stop_token stop) { return connector.count(stop); },
                                        std::move(done)));
}

/// Without connect(): a platform that is asked whether it is there at each try would be asked by
/// two.
void ThreadExecutor::listen(const std::string& position, Done<Pushed> done) {
    submit(listening_,
           [this, position, done = std::move(done)](Connector& connector, std::stop_token stop) {
               Result<Pushed> result = fail(ErrorKind::kUnavailable, kTermOver);
               if (!term_is_over()) result = connector.listen(position, stop);
               tell(connector, std::move(result), Duration{0}, done);
           });
}

void ThreadExecutor::stored(const Cursor& cursor) {
    submit(reading_, [this, cursor](Connector& connector, std::stop_token) {
        if (term_is_over()) return;
        if (auto done = connector.stored(cursor); !done) {
            log::warning("the source was not told what is stored; it sends it again",
                         {{"error", done.error()}});
        }
    });
}

void ThreadExecutor::fetch(const ObjectName& object, const RecordId& id,
                           Done<std::optional<Record>> done) {
    submit(writing_, job<std::optional<Record>>(
                         [object, id](Connector& connector, std::stop_token stop) {
                             return connector.fetch(object, id, stop);
                         },
                         std::move(done)));
}

void ThreadExecutor::find(const ObjectName& object, const EntityId& entity,
                          Done<std::optional<Record>> done) {
    submit(writing_, job<std::optional<Record>>(
                         [object, entity](Connector& connector, std::stop_token stop) {
                             return connector.find(object, entity, stop);
                         },
                         std::move(done)));
}

void ThreadExecutor::write(const Command& command, Done<Written> done) {
    submit(writing_,
           job<Written>([command](Connector& connector,
                                  std::stop_token stop) { return connector.write(command, stop); },
                        std::move(done)));
}

std::size_t ThreadExecutor::write_max(const Command& command) const {
    return forms_->write_max(command);
}

void ThreadExecutor::write_all(const std::vector<Command>& commands, Done<Each<Written>> done) {
    submit(writing_, job<Each<Written>>(
                         [commands](Connector& connector, std::stop_token stop) {
                             return connector.write_all(commands, stop);
                         },
                         std::move(done)));
}

std::size_t ThreadExecutor::fetch_max(const ObjectName& object, const RecordId& id) const {
    return forms_->fetch_max(object, id);
}

void ThreadExecutor::fetch_all(const ObjectName& object, const std::vector<RecordId>& ids,
                               Done<Each<std::optional<Record>>> done) {
    submit(writing_, job<Each<std::optional<Record>>>(
                         [object, ids](Connector& connector, std::stop_token stop) {
                             return connector.fetch_all(object, ids, stop);
                         },
                         std::move(done)));
}

void ThreadExecutor::ask(const std::string& name, const Fields& input, Done<Value> done) {
    submit(asking_, job<Value>(
                        [name, input](Connector& connector, std::stop_token stop) {
                            return connector.ask(name, input, stop);
                        },
                        std::move(done)));
}

void ThreadExecutor::operate(const OperationRequest& request, Done<Value> done) {
    submit(operating_,
           job<Value>([request](Connector& connector,
                                std::stop_token stop) { return connector.operate(request, stop); },
                      std::move(done)));
}

void ThreadExecutor::find_operation(const OperationRequest& request,
                                    Done<std::optional<Value>> done) {
    submit(operating_, job<std::optional<Value>>(
                           [request](Connector& connector, std::stop_token stop) {
                               return connector.find_operation(request, stop);
                           },
                           std::move(done)));
}

Fields ThreadExecutor::normal_form(const ObjectName& object, const Fields& fields) const {
    return forms_->normal_form(object, fields);
}

}  // namespace syncline::agent
