#include "agent/connectors/sql/mariadb_session.h"

#include <errmsg.h>
#include <mysqld_error.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <utility>

#include "agent/connectors/sql/libmariadb.h"
#include "agent/connectors/sql/mariadb_catalogue.h"

namespace syncline::agent::sql {
namespace {

using namespace std::chrono_literals;

/// How often a wait looks at its stop token.
constexpr Duration kSlice = 100ms;
/// What a commit may still take once the agent stops.
constexpr Duration kStopGrace = 800ms;
/// For the answer of a server that ends a statement by its own limit.
constexpr Duration kAnswerMargin = 5s;
/// What is fetched of a column at once; longer values are fetched again whole.
constexpr std::size_t kColumnBytes = 512;

/// Debian keeps the certificates there that the machine trusts.
constexpr const char* kSystemCa = "/etc/ssl/certs/ca-certificates.crt";

// MySQL's own, which MariaDB's header does not name.
constexpr unsigned int kMysqlGeneratedColumn = 3105;
constexpr unsigned int kMysqlCheckFailed = 3819;

bool breaks_session(unsigned int number) {
    const bool of_client = number >= CR_MIN_ERROR && number <= CR_MYSQL_LAST_ERROR;
    return of_client || number == ER_SERVER_SHUTDOWN || number == ER_CONNECTION_KILLED ||
           number == ER_NEW_ABORTING_CONNECTION || number == ER_ABORTING_CONNECTION;
}

ErrorKind kind_of_connecting(unsigned int number, std::string_view sqlstate) {
    switch (number) {
        case CR_SSL_CONNECTION_ERROR: return ErrorKind::kDenied;
        case CR_AUTH_PLUGIN_CANNOT_LOAD: return ErrorKind::kUnsupported;
        case ER_BAD_DB_ERROR: return ErrorKind::kInvalid;
        default: break;
    }
    return breaks_session(number) ? ErrorKind::kUnavailable : kind_of_mariadb(number, sqlstate);
}

bool is_altered_table(unsigned int number) {
    return number == ER_BAD_FIELD_ERROR || number == ER_NO_SUCH_TABLE;
}

std::int64_t whole_seconds(Duration time) {
    return std::max<std::int64_t>(1, std::chrono::ceil<std::chrono::seconds>(time).count());
}

/// One column of an answer while it is fetched.
struct ResultColumn {
    std::array<char, kColumnBytes> buffer{};
    unsigned long length = 0;
    my_bool is_null = 0;
    my_bool error = 0;
    Datum::Kind kind = Datum::Kind::kText;
};

constexpr unsigned int kBinaryCharset = 63;

Datum::Kind kind_of_field(const MYSQL_FIELD& field) {
    switch (field.type) {
        case MYSQL_TYPE_TINY:
        case MYSQL_TYPE_SHORT:
        case MYSQL_TYPE_LONG:
        case MYSQL_TYPE_INT24:
        case MYSQL_TYPE_LONGLONG:
        case MYSQL_TYPE_YEAR: return Datum::Kind::kInteger;
        case MYSQL_TYPE_FLOAT:
        case MYSQL_TYPE_DOUBLE:
        case MYSQL_TYPE_DECIMAL:
        case MYSQL_TYPE_NEWDECIMAL: return Datum::Kind::kReal;
        case MYSQL_TYPE_BIT:
        case MYSQL_TYPE_GEOMETRY: return Datum::Kind::kBytes;
        case MYSQL_TYPE_VARCHAR:
        case MYSQL_TYPE_VAR_STRING:
        case MYSQL_TYPE_STRING:
        case MYSQL_TYPE_TINY_BLOB:
        case MYSQL_TYPE_MEDIUM_BLOB:
        case MYSQL_TYPE_LONG_BLOB:
        case MYSQL_TYPE_BLOB:
            return field.charsetnr == kBinaryCharset ? Datum::Kind::kBytes : Datum::Kind::kText;
        default: return Datum::Kind::kText;  // Dates and times, as MariaDB writes them.
    }
}

/// Parameters as the library wants them; it reads the statement's own texts.
class BoundParameters {
public:
    explicit BoundParameters(const Statement& statement)
        : numbers_(statement.parameters.size()),
          lengths_(statement.parameters.size()),
          binds_(statement.parameters.size()) {
        for (std::size_t i = 0; i < binds_.size(); ++i) bind(statement.parameters[i], i);
    }
    [[nodiscard]] MYSQL_BIND* data() { return binds_.data(); }

private:
    void bind(const Datum& datum, std::size_t at) {
        MYSQL_BIND& bound = binds_[at];
        const char* end = datum.text.data() + datum.text.size();
        lengths_[at] = datum.text.size();
        bound.buffer_type = MYSQL_TYPE_STRING;
        bound.buffer = const_cast<char*>(datum.text.data());
        bound.buffer_length = lengths_[at];
        bound.length = &lengths_[at];
        if (datum.is_null()) bound.buffer_type = MYSQL_TYPE_NULL;
        if (datum.kind == Datum::Kind::kBytes) bound.buffer_type = MYSQL_TYPE_BLOB;
        if (datum.kind != Datum::Kind::kInteger) return;
        // So that nothing hangs on how the server turns a text beside a number into one.
        long long number = 0;
        const auto done = std::from_chars(datum.text.data(), end, number);
        const bool fits = done.ec == std::errc{} && done.ptr == end;
        const auto large = std::from_chars(datum.text.data(), end, numbers_[at]);
        if (!fits && (large.ec != std::errc{} || large.ptr != end)) return;
        if (fits) numbers_[at] = static_cast<unsigned long long>(number);
        bound.is_unsigned = fits ? 0 : 1;
        bound.buffer_type = MYSQL_TYPE_LONGLONG;
        bound.buffer = &numbers_[at];
    }

    std::vector<unsigned long long> numbers_;  ///< Signed ones by their bits.
    std::vector<unsigned long> lengths_;
    std::vector<MYSQL_BIND> binds_;
};

class MariadbSession final : public Session {
public:
    MariadbSession(const Libmariadb& api, const MariadbTarget& target, const Clock& clock)
        : api_(&api),
          clock_(&clock),
          limit_(target.statement_limit + kAnswerMargin),
          database_(target.database),
          handle_(api.init(nullptr), MariadbCloser{&api}) {
        dialect_ = {.name = "MariaDB",
                    .begin = "START TRANSACTION",
                    .lock_rows = " FOR UPDATE",
                    .stamp_format = "",
                    .zone = target.zone,
                    .zone_text = zone_text(target.zone)};
    }

    Result<void> connect(const MariadbTarget& target, const std::stop_token& stop);

    Result<Answer> run(const Statement& statement, const std::stop_token& stop) override;
    Result<std::optional<Catalogue>> describe(const std::string& native,
                                              const std::stop_token& stop) override {
        return describe_mariadb(*this, native, stop);
    }
    Result<Timestamp> now(const std::stop_token& stop) override;
    [[nodiscard]] std::string full_name(const std::string& native) const override {
        return full_mariadb_name(native, database_);
    }
    Result<std::vector<std::string>> triggers(const std::string& native,
                                              const std::stop_token& stop) override {
        return mariadb_trigger_names(*this, native, stop);
    }
    [[nodiscard]] bool may_hide_triggers() const override { return true; }
    [[nodiscard]] bool table_was_altered() const override { return altered_; }
    [[nodiscard]] const Dialect& dialect() const override { return dialect_; }
    [[nodiscard]] bool usable() const override { return handle_ != nullptr; }
    void close() override { handle_.reset(); }

private:
    enum class Wake : std::uint8_t { kReady, kTimeout, kStopped };

    void set_options(const MariadbTarget& target);
    Result<void> set_up(const MariadbTarget& target, const std::stop_token& stop);
    /// Begins a call of the library and goes on with it whenever the socket is ready. What is over
    /// time is told so to the library, which then ends the call with an error.
    template <class Start, class Go>
    Wake drive(Start start, Go go, Duration limit, IfLost if_lost, const std::stop_token& stop);
    int wait_for(int wanted, Duration until) const;
    Result<Answer> run_plain(const Statement& statement, const std::stop_token& stop);
    Result<Answer> run_prepared(MYSQL_STMT* prepared, const Statement& statement,
                                const std::stop_token& stop);
    Result<std::vector<Row>> fetch_rows(MYSQL_STMT* prepared, const Statement& statement);
    Result<Row> fetch_row(MYSQL_STMT* prepared, std::vector<ResultColumn>& columns,
                          std::vector<MYSQL_BIND>& binds, const Statement& statement);
    std::unexpected<Error> refused(unsigned int number, std::string_view sqlstate,
                                   std::string_view message, IfLost if_lost);
    std::unexpected<Error> stmt_refused(MYSQL_STMT* prepared, Wake wake, IfLost if_lost);
    std::unexpected<Error> broken(IfLost if_lost, const std::string& why);

    const Libmariadb* api_;
    const Clock* clock_;
    Duration limit_;
    std::string database_;
    MariadbHandle handle_;
    Dialect dialect_;
    bool altered_ = false;
};

// ---- Connecting -----------------------------------------------------------------------------

void MariadbSession::set_options(const MariadbTarget& target) {
    MYSQL* const mysql = handle_.get();
    const my_bool yes = 1;
    const unsigned int none = 0;
    api_->optionsv(mysql, MYSQL_OPT_NONBLOCK, nullptr);
    api_->optionsv(mysql, MYSQL_SET_CHARSET_NAME, "utf8mb4");
    api_->optionsv(mysql, MYSQL_OPT_LOCAL_INFILE, &none);  // A server may not ask for our files.
    const bool is_socket = target.host.starts_with('/');
    // By itself the library would take "localhost" for the socket of the machine's own server.
    const unsigned int protocol = is_socket ? MYSQL_PROTOCOL_SOCKET : MYSQL_PROTOCOL_TCP;
    api_->optionsv(mysql, MYSQL_OPT_PROTOCOL, &protocol);
    if (is_socket || target.tls == MariadbTls::kDisable) return;
    api_->optionsv(mysql, MYSQL_OPT_SSL_ENFORCE, &yes);
    if (target.tls == MariadbTls::kVerifyFull) {
        api_->optionsv(mysql, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &yes);
        api_->optionsv(mysql, MYSQL_OPT_SSL_CA,
                       target.tls_ca.empty() ? kSystemCa : target.tls_ca.c_str());
    }
    if (target.tls_certificate.empty()) return;
    api_->optionsv(mysql, MYSQL_OPT_SSL_CERT, target.tls_certificate.c_str());
    api_->optionsv(mysql, MYSQL_OPT_SSL_KEY, target.tls_key.c_str());
}

Result<void> MariadbSession::connect(const MariadbTarget& target, const std::stop_token& stop) {
    if (handle_ == nullptr) return fail(ErrorKind::kUnavailable, "libmariadb: out of memory");
    std::string secret;
    if (target.password.configured()) {
        Secret password = target.password;
        if (auto loaded = password.load(); !loaded) return fail(loaded.error(), "password");
        secret = std::string{password.reveal()};
    }
    set_options(target);
    const bool is_socket = target.host.starts_with('/');
    MYSQL* connected = nullptr;
    const Wake wake = drive(
        [&] {
            return api_->connect_start(&connected, handle_.get(),
                                       is_socket ? nullptr : target.host.c_str(),
                                       target.user.c_str(), secret.c_str(), target.database.c_str(),
                                       target.port, is_socket ? target.host.c_str() : nullptr, 0);
        },
        [&](int ready) { return api_->connect_cont(&connected, handle_.get(), ready); },
        target.connect_limit, IfLost::kNothingHappened, stop);
    std::ranges::fill(secret, '\0');
    if (connected != nullptr) return set_up(target, stop);
    const unsigned int number = api_->error_number(handle_.get());
    const std::string why = wake == Wake::kStopped   ? "stopped while connecting"
                            : wake == Wake::kTimeout ? "no answer while connecting"
                                                     : api_->error(handle_.get());
    const ErrorKind kind = wake == Wake::kReady
                               ? kind_of_connecting(number, api_->sqlstate(handle_.get()))
                               : ErrorKind::kUnavailable;
    handle_.reset();
    return fail(kind, "MariaDB: cannot connect: " + why);
}

/// What our texts of moments depend on, values that do not fit refused instead of bent, limits, and
/// what a server may have other defaults for: each statement outside of in_transaction() is one of
/// its own, which sees what is committed, and all of that.
Result<void> MariadbSession::set_up(const MariadbTarget& target, const std::stop_token& stop) {
    const bool mariadb =
        std::string_view{api_->get_server_info(handle_.get())}.find("MariaDB") != std::string::npos;
    const auto milliseconds =
        std::chrono::duration_cast<std::chrono::milliseconds>(target.statement_limit).count();
    const std::string locks = std::to_string(whole_seconds(target.lock_limit));
    std::string sql = "SET SESSION time_zone = '" + zone_text(target.zone) +
                      "', sql_mode = CONCAT(@@SESSION.sql_mode, ',STRICT_ALL_TABLES')" +
                      ", autocommit = 1, completion_type = 'NO_CHAIN'" +
                      ", innodb_lock_wait_timeout = " + locks + ", lock_wait_timeout = " + locks;
    sql += mariadb ? ", max_statement_time = " + std::to_string(milliseconds / 1000) + "." +
                         std::to_string(1000 + milliseconds % 1000).substr(1)
                   : ", max_execution_time = " + std::to_string(milliseconds);
    // Its name as a variable differs between MariaDB and MySQL.
    const std::string isolation = "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ";
    for (const std::string& statement : {isolation, sql}) {
        if (auto set = run({.sql = statement, .plain = true}, stop); !set) return fail(set.error());
    }
    return {};
}

// ---- Waiting --------------------------------------------------------------------------------

int MariadbSession::wait_for(int wanted, Duration until) const {
    pollfd entry{.fd = api_->get_socket(handle_.get()), .events = 0, .revents = 0};
    if ((wanted & MYSQL_WAIT_READ) != 0) entry.events |= POLLIN;
    if ((wanted & MYSQL_WAIT_WRITE) != 0) entry.events |= POLLOUT;
    if ((wanted & MYSQL_WAIT_EXCEPT) != 0) entry.events |= POLLPRI;
    const Duration left = std::clamp(until - clock_->steady(), Duration{0}, kSlice);
    const auto wait = std::chrono::ceil<std::chrono::milliseconds>(left).count();
    if (::poll(&entry, 1, static_cast<int>(wait)) <= 0) return 0;
    int ready = 0;
    const bool over = (entry.revents & (POLLERR | POLLHUP | POLLNVAL)) != 0;
    if ((entry.revents & POLLIN) != 0 || over) ready |= MYSQL_WAIT_READ;
    if ((entry.revents & POLLOUT) != 0 || over) ready |= MYSQL_WAIT_WRITE;
    if ((entry.revents & POLLPRI) != 0) ready |= MYSQL_WAIT_EXCEPT;
    return ready & wanted;
}

template <class Start, class Go>
MariadbSession::Wake MariadbSession::drive(Start start, Go go, Duration limit, IfLost if_lost,
                                           const std::stop_token& stop) {
    Duration until = clock_->steady() + limit;
    Wake wake = Wake::kReady;
    bool hurried = false;
    int wanted = start();
    while (wanted != 0) {
        if (stop.stop_requested() && !hurried) {
            hurried = true;
            const bool commits = if_lost == IfLost::kInDoubt;
            until = std::min(until, clock_->steady() + (commits ? kStopGrace : Duration{0}));
        }
        if (clock_->steady() >= until) {
            wake = hurried ? Wake::kStopped : Wake::kTimeout;
            wanted = go(MYSQL_WAIT_TIMEOUT);
            continue;
        }
        if (const int ready = wait_for(wanted, until); ready != 0) wanted = go(ready);
    }
    return wake;
}

// ---- Statements -----------------------------------------------------------------------------

Result<Answer> MariadbSession::run(const Statement& statement, const std::stop_token& stop) {
    altered_ = false;
    if (!usable()) return fail(ErrorKind::kUnavailable, "MariaDB: not connected");
    if (statement.plain) return run_plain(statement, stop);
    const MariadbStatement prepared{api_->stmt_init(handle_.get()), MariadbStatementCloser{api_}};
    if (prepared == nullptr) return broken(statement.if_lost, "out of memory");
    int failed = 0;
    const Wake wake = drive(
        [&] {
            return api_->prepare_start(&failed, prepared.get(), statement.sql.c_str(),
                                       statement.sql.size());
        },
        [&](int ready) { return api_->prepare_cont(&failed, prepared.get(), ready); }, limit_,
        statement.if_lost, stop);
    if (wake != Wake::kReady || failed != 0) {
        return stmt_refused(prepared.get(), wake, statement.if_lost);
    }
    return run_prepared(prepared.get(), statement, stop);
}

Result<Answer> MariadbSession::run_plain(const Statement& statement, const std::stop_token& stop) {
    int failed = 0;
    const Wake wake = drive(
        [&] {
            return api_->query_start(&failed, handle_.get(), statement.sql.c_str(),
                                     statement.sql.size());
        },
        [&](int ready) { return api_->query_cont(&failed, handle_.get(), ready); }, limit_,
        statement.if_lost, stop);
    if (wake != Wake::kReady) {
        return broken(statement.if_lost,
                      wake == Wake::kStopped ? "stopped while waiting" : "no answer in time");
    }
    if (failed == 0) return Answer{};
    return refused(api_->error_number(handle_.get()), api_->sqlstate(handle_.get()),
                   api_->error(handle_.get()), statement.if_lost);
}

Result<Answer> MariadbSession::run_prepared(MYSQL_STMT* prepared, const Statement& statement,
                                            const std::stop_token& stop) {
    BoundParameters bound{statement};
    if (api_->param_count(prepared) != statement.parameters.size()) {
        return fail(ErrorKind::kInvalid,
                    "MariaDB: a filter holds a question mark: " + statement.sql);
    }
    if (!statement.parameters.empty() && api_->bind_param(prepared, bound.data()) != 0) {
        return stmt_refused(prepared, Wake::kReady, statement.if_lost);
    }
    int failed = 0;
    Wake wake = drive([&] { return api_->execute_start(&failed, prepared); },
                      [&](int ready) { return api_->execute_cont(&failed, prepared, ready); },
                      limit_, statement.if_lost, stop);
    if (wake != Wake::kReady || failed != 0) {
        return stmt_refused(prepared, wake, statement.if_lost);
    }
    wake = drive([&] { return api_->store_start(&failed, prepared); },
                 [&](int ready) { return api_->store_cont(&failed, prepared, ready); }, limit_,
                 statement.if_lost, stop);
    if (wake != Wake::kReady || failed != 0) {
        return stmt_refused(prepared, wake, statement.if_lost);
    }
    auto rows = fetch_rows(prepared, statement);
    if (!rows) return fail(rows.error());
    return Answer{.rows = std::move(*rows), .last_id = api_->insert_id(prepared)};
}

Result<std::vector<Row>> MariadbSession::fetch_rows(MYSQL_STMT* prepared,
                                                    const Statement& statement) {
    std::vector<Row> rows;
    const MariadbResult metadata{api_->result_metadata(prepared), MariadbResultFreer{api_}};
    if (metadata == nullptr) return rows;  // It answers no rows.
    const unsigned int count = api_->num_fields(metadata.get());
    const MYSQL_FIELD* const fields = api_->fetch_fields(metadata.get());
    std::vector<ResultColumn> columns(count);
    std::vector<MYSQL_BIND> binds(count);
    for (unsigned int i = 0; i < count; ++i) {
        columns[i].kind = kind_of_field(fields[i]);
        binds[i].buffer_type = MYSQL_TYPE_STRING;  // Numbers by their exact text.
        binds[i].buffer = columns[i].buffer.data();
        binds[i].buffer_length = columns[i].buffer.size();
        binds[i].length = &columns[i].length;
        binds[i].is_null = &columns[i].is_null;
        binds[i].error = &columns[i].error;
    }
    if (api_->bind_result(prepared, binds.data()) != 0) {
        return stmt_refused(prepared, Wake::kReady, statement.if_lost);
    }
    while (true) {
        const int fetched = api_->fetch(prepared);
        if (fetched == MYSQL_NO_DATA) return rows;
        if (fetched != 0 && fetched != MYSQL_DATA_TRUNCATED) {
            return stmt_refused(prepared, Wake::kReady, statement.if_lost);
        }
        auto row = fetch_row(prepared, columns, binds, statement);
        if (!row) return fail(row.error());
        rows.push_back(std::move(*row));
    }
}

Result<Row> MariadbSession::fetch_row(MYSQL_STMT* prepared, std::vector<ResultColumn>& columns,
                                      std::vector<MYSQL_BIND>& binds, const Statement& statement) {
    Row row;
    for (std::size_t i = 0; i < columns.size(); ++i) {
        ResultColumn& column = columns[i];
        if (column.is_null != 0) {
            row.emplace_back();
            continue;
        }
        const std::size_t size = column.length;
        std::string text(size, '\0');
        if (size <= column.buffer.size()) {
            std::copy_n(column.buffer.data(), size, text.data());
        } else {
            MYSQL_BIND whole = binds[i];
            whole.buffer = text.data();
            whole.buffer_length = size;
            if (api_->fetch_column(prepared, &whole, static_cast<unsigned int>(i), 0) != 0) {
                return stmt_refused(prepared, Wake::kReady, statement.if_lost);
            }
        }
        row.push_back({column.kind, std::move(text)});
    }
    return row;
}

Result<Timestamp> MariadbSession::now(const std::stop_token& stop) {
    auto answer = run({.sql = "SELECT CURRENT_TIMESTAMP(6)"}, stop);
    if (!answer) return fail(answer.error());
    return parse_timestamp(answer->rows.at(0).at(0).text + dialect_.zone_text);
}

// ---- Errors ---------------------------------------------------------------------------------

std::unexpected<Error> MariadbSession::broken(IfLost if_lost, const std::string& why) {
    handle_.reset();
    const bool doubt = if_lost == IfLost::kInDoubt;
    return fail(doubt ? ErrorKind::kAmbiguous : ErrorKind::kUnavailable,
                doubt ? "MariaDB: the connection was lost while the transaction was being "
                        "committed: " +
                            why
                      : "MariaDB: " + why);
}

std::unexpected<Error> MariadbSession::refused(unsigned int number, std::string_view sqlstate,
                                               std::string_view message, IfLost if_lost) {
    altered_ = is_altered_table(number);
    const std::string text =
        std::to_string(number) + " (" + std::string{sqlstate} + ") " + std::string{message};
    if (number == CR_NET_PACKET_TOO_LARGE) return fail(ErrorKind::kTooLarge, "MariaDB: " + text);
    if (breaks_session(number)) return broken(if_lost, text);
    // The one error that leaves open what a commit did.
    if (number == ER_ERROR_DURING_COMMIT) return broken(IfLost::kInDoubt, text);
    return fail(kind_of_mariadb(number, sqlstate), "MariaDB: " + text);
}

std::unexpected<Error> MariadbSession::stmt_refused(MYSQL_STMT* prepared, Wake wake,
                                                    IfLost if_lost) {
    if (wake == Wake::kStopped) return broken(if_lost, "stopped while waiting for an answer");
    if (wake == Wake::kTimeout) return broken(if_lost, "no answer in time");
    return refused(api_->stmt_error_number(prepared), api_->stmt_sqlstate(prepared),
                   api_->stmt_error(prepared), if_lost);
}

}  // namespace

std::string zone_text(Duration zone) {
    const auto minutes = std::chrono::duration_cast<std::chrono::minutes>(zone).count();
    const auto two = [](std::int64_t number) { return std::to_string(100 + number).substr(1); };
    const std::int64_t size = std::abs(minutes);
    return (minutes < 0 ? "-" : "+") + two(size / 60) + ":" + two(size % 60);
}

ErrorKind kind_of_mariadb(unsigned int number, std::string_view sqlstate) {
    switch (number) {
        case ER_DUP_ENTRY:
        case ER_DUP_ENTRY_WITH_KEY_NAME: return ErrorKind::kConflict;
        case ER_ACCESS_DENIED_ERROR:
        case ER_DBACCESS_DENIED_ERROR:
        case ER_TABLEACCESS_DENIED_ERROR:
        case ER_COLUMNACCESS_DENIED_ERROR:
        case ER_SPECIFIC_ACCESS_DENIED_ERROR:
        case ER_PROCACCESS_DENIED_ERROR:
        case ER_ACCESS_DENIED_NO_PASSWORD_ERROR:
        case ER_MUST_CHANGE_PASSWORD:
        case ER_MUST_CHANGE_PASSWORD_LOGIN:
        case ER_HOST_NOT_PRIVILEGED: return ErrorKind::kDenied;
        case ER_NET_PACKET_TOO_LARGE: return ErrorKind::kTooLarge;
        case ER_LOCK_DEADLOCK:
        case ER_LOCK_WAIT_TIMEOUT:
        case ER_OPTION_PREVENTS_STATEMENT: return ErrorKind::kUnavailable;  // Read only, for now.
        case ER_TRUNCATED_WRONG_VALUE_FOR_FIELD:
        case WARN_DATA_TRUNCATED:
        case ER_NO_DEFAULT_FOR_FIELD:
        case ER_NON_UPDATABLE_TABLE:
        case ER_WARNING_NON_DEFAULT_VALUE_FOR_GENERATED_COLUMN:
        case kMysqlGeneratedColumn:
        case kMysqlCheckFailed:
        case ER_SIGNAL_EXCEPTION: return ErrorKind::kInvalid;
        default: break;
    }
    const std::string_view group = sqlstate.substr(0, 2);
    if (group == "22" || group == "23" || group == "42" || group == "44" || group == "45") {
        return ErrorKind::kInvalid;
    }
    if (group == "28") return ErrorKind::kDenied;
    return ErrorKind::kUnavailable;
}

Result<std::unique_ptr<Session>> open_mariadb(const MariadbTarget& target, const Clock& clock,
                                              const std::stop_token& stop) {
    const auto api = load_libmariadb();
    if (!api) return fail(api.error());
    auto session = std::make_unique<MariadbSession>(**api, target, clock);
    if (auto connected = session->connect(target, stop); !connected) {
        return fail(connected.error());
    }
    return std::unique_ptr<Session>{std::move(session)};
}

}  // namespace syncline::agent::sql
