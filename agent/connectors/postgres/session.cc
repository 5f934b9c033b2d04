#include "agent/connectors/postgres/session.h"

#include <poll.h>

#include <algorithm>
#include <charconv>
#include <chrono>

namespace syncline::agent::postgres {
namespace {

using namespace std::chrono_literals;

/// How often a wait looks at its stop token.
constexpr Duration kSlice = 100ms;
/// What a statement that commits may still take once the agent stops.
constexpr Duration kStopGrace = 800ms;

/// libpq gives no SQLSTATE for a refused connection, but its verbose text holds it:
/// "FATAL:  28P01: password authentication failed".
std::string sqlstate_in(std::string_view message) {
    const auto is_state = [](std::string_view text) {
        return std::ranges::all_of(
            text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z'); });
    };
    for (std::size_t at = message.find(":  "); at != std::string_view::npos;
         at = message.find(":  ", at + 1)) {
        const std::string_view after = message.substr(at + 3);
        if (after.size() > 6 && after[5] == ':' && is_state(after.substr(0, 5))) {
            return std::string{after.substr(0, 5)};
        }
    }
    return {};
}

/// The first lines, without the LOCATION that the verbose form adds.
std::string tidy(std::string_view message) {
    const std::size_t location = message.find("\nLOCATION:");
    message = message.substr(0, location);
    while (!message.empty() && (message.back() == '\n' || message.back() == ' ')) {
        message.remove_suffix(1);
    }
    std::string out{message};
    std::ranges::replace(out, '\n', ' ');
    return out;
}

/// Certificates that do not check are for a person, not for a retry.
ErrorKind kind_of_connect_failure(const std::string& state, std::string_view message) {
    if (state == "3D000") return ErrorKind::kInvalid;  // No such database.
    if (!state.empty()) return kind_of_sqlstate(state);
    if (message.find("certificate verify failed") != std::string_view::npos ||
        message.find("does not match host name") != std::string_view::npos ||
        message.find("no password supplied") != std::string_view::npos) {
        return ErrorKind::kDenied;
    }
    return ErrorKind::kUnavailable;
}

void ignore_notice(void* /*unused*/, const PGresult* /*unused*/) {}

}  // namespace

std::size_t Rows::size() const { return static_cast<std::size_t>(api_->ntuples(result_.get())); }

std::optional<std::string_view> Rows::get(std::size_t row, std::size_t column) const {
    const int r = static_cast<int>(row);
    const int c = static_cast<int>(column);
    if (api_->getisnull(result_.get(), r, c) != 0) return std::nullopt;
    return std::string_view{api_->getvalue(result_.get(), r, c),
                            static_cast<std::size_t>(api_->getlength(result_.get(), r, c))};
}

std::string Rows::text(std::size_t row, std::size_t column) const {
    return std::string{get(row, column).value_or(std::string_view{})};
}

std::uint64_t Rows::affected() const {
    const std::string_view digits = api_->cmd_tuples(result_.get());
    std::uint64_t count = 0;
    std::ignore = std::from_chars(digits.data(), digits.data() + digits.size(), count);
    return count;
}

ErrorKind kind_of_sqlstate(std::string_view state) {
    if (state == "23505") return ErrorKind::kConflict;
    if (state == "42501") return ErrorKind::kDenied;
    if (state == "25006") return ErrorKind::kUnavailable;  // Read only: a standby, for now.
    const std::string_view group = state.substr(0, 2);
    if (group == "22" || group == "23" || group == "42" || group == "P0") {
        return ErrorKind::kInvalid;
    }
    if (group == "44") return ErrorKind::kInvalid;  // A view's WITH CHECK OPTION.
    if (group == "28") return ErrorKind::kDenied;
    if (group == "0A") return ErrorKind::kUnsupported;
    if (group == "54") return ErrorKind::kTooLarge;
    return ErrorKind::kUnavailable;
}

Result<Session> Session::open(const Target& target, const Clock& clock, std::stop_token stop) {
    const Result<const Libpq*> api = load_libpq();
    if (!api) return fail(api.error());
    std::vector<const char*> keys;
    std::vector<const char*> values;
    for (const auto& [key, value] : target.parameters) {
        keys.push_back(key.c_str());
        values.push_back(value.c_str());
    }
    keys.push_back(nullptr);
    values.push_back(nullptr);
    ConnectionHandle handle{(*api)->connect_start(keys.data(), values.data(), 0),
                            ConnectionCloser{*api}};
    if (handle == nullptr) return fail(ErrorKind::kUnavailable, "libpq: out of memory");
    Session session{**api, clock, target, std::move(handle)};
    if (auto done = session.finish_connecting(target.connect_limit, stop); !done) {
        return fail(done.error());
    }
    return session;
}

Result<void> Session::finish_connecting(Duration limit, const std::stop_token& stop) {
    api_->set_error_verbosity(connection_.get(), PQERRORS_VERBOSE);
    const Duration until = clock_->steady() + limit;
    PostgresPollingStatusType next = PGRES_POLLING_WRITING;
    if (api_->status(connection_.get()) == CONNECTION_BAD) next = PGRES_POLLING_FAILED;
    while (next != PGRES_POLLING_OK) {
        if (next == PGRES_POLLING_FAILED) {
            const std::string message = last_message();
            sqlstate_ = sqlstate_in(message);
            connection_.reset();
            return fail(kind_of_connect_failure(sqlstate_, message),
                        "PostgreSQL: cannot connect: " + message);
        }
        const short events = next == PGRES_POLLING_READING ? POLLIN : POLLOUT;
        const Wake wake = wait_for(events, until, stop);
        if (wake != Wake::kReady) {
            connection_.reset();
            return fail(ErrorKind::kUnavailable, wake == Wake::kStopped
                                                     ? "PostgreSQL: stopped while connecting"
                                                     : "PostgreSQL: no answer while connecting");
        }
        next = api_->connect_poll(connection_.get());
    }
    api_->set_error_verbosity(connection_.get(), PQERRORS_DEFAULT);
    api_->set_notice_receiver(connection_.get(), ignore_notice, nullptr);
    api_->set_nonblocking(connection_.get(), 1);
    server_version_ = api_->server_version(connection_.get());
    return {};
}

Result<Rows> Session::run(const Statement& statement, std::stop_token stop) {
    sqlstate_.clear();
    if (!usable()) return fail(ErrorKind::kUnavailable, "PostgreSQL: not connected");
    std::string prepared;
    if (statement.prepare) {
        auto name = prepared_name(statement, stop);
        if (!name) return fail(name.error());
        prepared = std::move(*name);
    }
    if (auto sent = dispatch(statement, prepared); !sent) return fail(sent.error());
    const Duration limit = statement.limit > Duration{0} ? statement.limit : limit_;
    auto result = await_result(statement.if_lost, limit, stop);
    if (!result) return fail(result.error());
    return Rows{std::move(*result), *api_};
}

Result<std::string> Session::prepared_name(const Statement& statement,
                                           const std::stop_token& stop) {
    constexpr std::size_t kPreparedMax = 256;  // Each set of fields is a statement of its own.
    if (const auto known = prepared_.find(statement.sql); known != prepared_.end()) {
        return known->second;
    }
    if (prepared_.size() >= kPreparedMax) return std::string{};  // Runs without being kept.
    const std::string name = "syncline_" + std::to_string(prepared_.size());
    if (api_->send_prepare(connection_.get(), name.c_str(), statement.sql.c_str(), 0, nullptr) ==
        0) {
        return broken(IfLost::kNothingHappened, last_message());
    }
    if (auto done = await_result(IfLost::kNothingHappened, limit_, stop); !done) {
        return fail(done.error());
    }
    prepared_.emplace(statement.sql, name);
    return name;
}

Result<void> Session::dispatch(const Statement& statement, const std::string& prepared) {
    std::vector<const char*> values;
    values.reserve(statement.parameters.size());
    for (const Parameter& parameter : statement.parameters) {
        if (parameter && parameter->find('\0') != std::string::npos) {
            return fail(ErrorKind::kInvalid,
                        "PostgreSQL: a text holds a zero byte, which it cannot store");
        }
        values.push_back(parameter ? parameter->c_str() : nullptr);
    }
    const int count = static_cast<int>(values.size());
    PGconn* connection = connection_.get();
    const int sent =
        !prepared.empty() ? api_->send_query_prepared(connection, prepared.c_str(), count,
                                                      values.data(), nullptr, nullptr, 0)
        : count == 0      ? api_->send_query(connection, statement.sql.c_str())
                     : api_->send_query_params(connection, statement.sql.c_str(), count, nullptr,
                                               values.data(), nullptr, nullptr, 0);
    if (sent == 0) return broken(statement.if_lost, last_message());
    return {};
}

/// The last result of what was sent; libpq gives results until a null one.
Result<ResultHandle> Session::await_result(IfLost if_lost, Duration limit,
                                           const std::stop_token& stop) {
    const Duration until = clock_->steady() + limit;
    ResultHandle last{nullptr, ResultClearer{api_}};
    while (true) {
        if (auto idle = await_idle(if_lost, until, stop); !idle) return fail(idle.error());
        ResultHandle next{api_->get_result(connection_.get()), ResultClearer{api_}};
        if (next == nullptr) break;
        const ExecStatusType status = api_->result_status(next.get());
        if (status == PGRES_FATAL_ERROR || status == PGRES_BAD_RESPONSE) {
            auto error = refused(*next, if_lost);
            // The rest of the answer is read, so that the session can go on if it still lives.
            while (usable() && await_idle(if_lost, until, stop)) {
                const ResultHandle rest{api_->get_result(connection_.get()), ResultClearer{api_}};
                if (rest == nullptr) break;
            }
            return error;
        }
        last = std::move(next);
        if (status == PGRES_COPY_BOTH) break;
    }
    if (last == nullptr) return broken(if_lost, "no answer");
    return last;
}

Result<void> Session::await_idle(IfLost if_lost, Duration until, const std::stop_token& stop) {
    const bool commits = if_lost == IfLost::kInDoubt;
    const std::stop_token patient = commits ? std::stop_token{} : stop;
    bool hurried = false;
    while (true) {
        const int flushed = api_->flush(connection_.get());
        if (flushed < 0) return broken(if_lost, last_message());
        if (flushed == 0 && api_->is_busy(connection_.get()) == 0) return {};
        if (commits && stop.stop_requested() && !hurried) {
            hurried = true;
            until = std::min(until, clock_->steady() + kStopGrace);
        }
        const auto events = static_cast<short>(flushed == 0 ? POLLIN : POLLIN | POLLOUT);
        const Duration slice = commits ? std::min(until, clock_->steady() + kSlice) : until;
        const Wake wake = wait_for(events, slice, patient);
        if (wake == Wake::kStopped) return broken(if_lost, "stopped while waiting for an answer");
        if (wake == Wake::kTimeout) {
            if (clock_->steady() >= until) return broken(if_lost, "no answer in time");
            continue;
        }
        if (api_->consume_input(connection_.get()) == 0) return broken(if_lost, last_message());
    }
}

Result<void> Session::start_copy_both(const std::string& command, std::stop_token stop) {
    sqlstate_.clear();
    if (!usable()) return fail(ErrorKind::kUnavailable, "PostgreSQL: not connected");
    if (api_->send_query(connection_.get(), command.c_str()) == 0) {
        return broken(IfLost::kNothingHappened, last_message());
    }
    auto result = await_result(IfLost::kNothingHappened, limit_, stop);
    if (!result) return fail(result.error());
    if (api_->result_status(result->get()) != PGRES_COPY_BOTH) {
        return broken(IfLost::kNothingHappened, "START_REPLICATION did not start a stream");
    }
    return {};
}

Result<std::optional<std::string>> Session::receive(Duration wait, std::stop_token stop) {
    if (!usable()) return fail(ErrorKind::kUnavailable, "PostgreSQL: not connected");
    const Duration until = clock_->steady() + wait;
    bool looked = false;
    while (true) {
        char* buffer = nullptr;
        const int length = api_->get_copy_data(connection_.get(), &buffer, 1);
        if (length > 0) {
            std::string message{buffer, static_cast<std::size_t>(length)};
            api_->freemem(buffer);
            return message;
        }
        if (length < 0) {  // The server ended the stream: its error, if any, comes as a result.
            const ResultHandle end{api_->get_result(connection_.get()), ResultClearer{api_}};
            std::string why = last_message();
            if (end != nullptr && api_->result_status(end.get()) == PGRES_FATAL_ERROR) {
                auto error = refused(*end, IfLost::kNothingHappened);
                connection_.reset();
                return error;
            }
            return broken(IfLost::kNothingHappened, why.empty() ? "the stream ended" : why);
        }
        // Nothing whole is here. One look at the socket even when `wait` is over or zero.
        const Wake wake =
            looked && clock_->steady() >= until ? Wake::kTimeout : wait_for(POLLIN, until, stop);
        looked = true;
        if (wake != Wake::kReady) return std::nullopt;
        if (api_->consume_input(connection_.get()) == 0) {
            return broken(IfLost::kNothingHappened, last_message());
        }
    }
}

Result<void> Session::send(std::string_view message, std::stop_token stop) {
    if (!usable()) return fail(ErrorKind::kUnavailable, "PostgreSQL: not connected");
    if (api_->put_copy_data(connection_.get(), message.data(), static_cast<int>(message.size())) <=
        0) {
        return broken(IfLost::kNothingHappened, last_message());
    }
    return flush_all(clock_->steady() + limit_, stop);
}

Result<void> Session::flush_all(Duration until, const std::stop_token& stop) {
    while (true) {
        const int flushed = api_->flush(connection_.get());
        if (flushed == 0) return {};
        if (flushed < 0) return broken(IfLost::kNothingHappened, last_message());
        // libpq wants us to read too, or both sides may wait for each other with full buffers.
        if (wait_for(POLLIN | POLLOUT, until, stop) != Wake::kReady) {
            return broken(IfLost::kNothingHappened, "cannot send");
        }
        if (api_->consume_input(connection_.get()) == 0) {
            return broken(IfLost::kNothingHappened, last_message());
        }
    }
}

Session::Wake Session::wait_for(short events, Duration until, const std::stop_token& stop) const {
    pollfd entry{.fd = api_->socket(connection_.get()), .events = events, .revents = 0};
    while (true) {
        if (stop.stop_requested()) return Wake::kStopped;
        const Duration left = std::clamp<Duration>(until - clock_->steady(), Duration{0}, kSlice);
        const auto milliseconds = std::chrono::ceil<std::chrono::milliseconds>(left).count();
        const int ready = ::poll(&entry, 1, static_cast<int>(milliseconds));
        if (ready > 0) return Wake::kReady;  // An error of the socket too: libpq will find it.
        if (left <= Duration{0}) return Wake::kTimeout;
    }
}

std::unexpected<Error> Session::broken(IfLost if_lost, const std::string& why) {
    connection_.reset();
    if (if_lost == IfLost::kInDoubt) {
        return fail(ErrorKind::kAmbiguous,
                    "PostgreSQL: the connection was lost while committing: " + why);
    }
    return fail(ErrorKind::kUnavailable, "PostgreSQL: " + why);
}

std::unexpected<Error> Session::refused(const PGresult& result, IfLost if_lost) {
    const char* state = api_->result_error_field(&result, PG_DIAG_SQLSTATE);
    sqlstate_ = state != nullptr ? state : "";
    // Not the whole text: its DETAIL shows the values of the row, which are no business of a log.
    const char* primary = api_->result_error_field(&result, PG_DIAG_MESSAGE_PRIMARY);
    const std::string message =
        tidy(primary != nullptr ? primary : api_->result_error_message(&result));
    const bool ends_session =
        sqlstate_.empty() || sqlstate_.starts_with("08") || sqlstate_.starts_with("57P");
    if (ends_session) return broken(if_lost, sqlstate_ + (sqlstate_.empty() ? "" : " ") + message);
    return fail(kind_of_sqlstate(sqlstate_), "PostgreSQL: " + sqlstate_ + " " + message);
}

std::string Session::last_message() const {
    return connection_ == nullptr ? "not connected" : tidy(api_->error_message(connection_.get()));
}

}  // namespace syncline::agent::postgres
