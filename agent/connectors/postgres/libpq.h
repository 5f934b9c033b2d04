#pragma once

#include <libpq-fe.h>

#include <memory>

#include "shared/base/result.h"

namespace syncline::agent::postgres {

/// The functions of libpq that we use, found at run time: an agent for another platform then
/// holds neither libpq nor what it brings along (Kerberos, LDAP, OpenSSL) in its memory.
struct Libpq {
    decltype(&::PQconnectStartParams) connect_start = nullptr;
    decltype(&::PQconnectPoll) connect_poll = nullptr;
    decltype(&::PQstatus) status = nullptr;
    decltype(&::PQsocket) socket = nullptr;
    decltype(&::PQfinish) finish = nullptr;
    decltype(&::PQerrorMessage) error_message = nullptr;
    decltype(&::PQsetErrorVerbosity) set_error_verbosity = nullptr;
    decltype(&::PQsetNoticeReceiver) set_notice_receiver = nullptr;
    decltype(&::PQsetnonblocking) set_nonblocking = nullptr;
    decltype(&::PQserverVersion) server_version = nullptr;
    decltype(&::PQflush) flush = nullptr;
    decltype(&::PQconsumeInput) consume_input = nullptr;
    decltype(&::PQisBusy) is_busy = nullptr;
    decltype(&::PQsendQuery) send_query = nullptr;
    decltype(&::PQsendQueryParams) send_query_params = nullptr;
    decltype(&::PQsendPrepare) send_prepare = nullptr;
    decltype(&::PQsendQueryPrepared) send_query_prepared = nullptr;
    decltype(&::PQgetResult) get_result = nullptr;
    decltype(&::PQclear) clear = nullptr;
    decltype(&::PQresultStatus) result_status = nullptr;
    decltype(&::PQresultErrorField) result_error_field = nullptr;
    decltype(&::PQresultErrorMessage) result_error_message = nullptr;
    decltype(&::PQntuples) ntuples = nullptr;
    decltype(&::PQnfields) nfields = nullptr;
    decltype(&::PQgetvalue) getvalue = nullptr;
    decltype(&::PQgetlength) getlength = nullptr;
    decltype(&::PQgetisnull) getisnull = nullptr;
    decltype(&::PQcmdTuples) cmd_tuples = nullptr;
    decltype(&::PQgetCopyData) get_copy_data = nullptr;
    decltype(&::PQputCopyData) put_copy_data = nullptr;
    decltype(&::PQfreemem) freemem = nullptr;
};

/// Loads libpq once per process and keeps it. kUnsupported: it is not installed, or too old.
/// Threading: any thread.
[[nodiscard]] Result<const Libpq*> load_libpq();

struct ConnectionCloser {
    const Libpq* api = nullptr;
    void operator()(PGconn* connection) const noexcept { api->finish(connection); }
};
using ConnectionHandle = std::unique_ptr<PGconn, ConnectionCloser>;

struct ResultClearer {
    const Libpq* api = nullptr;
    void operator()(PGresult* result) const noexcept { api->clear(result); }
};
using ResultHandle = std::unique_ptr<PGresult, ResultClearer>;

}  // namespace syncline::agent::postgres
