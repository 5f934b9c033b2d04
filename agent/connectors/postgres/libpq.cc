#include "agent/connectors/postgres/libpq.h"

#include "agent/connectors/client_library.h"

namespace syncline::agent::postgres {
namespace {

void find_connection_functions(ClientLibrary& library, Libpq& api) {
    library.find(api.connect_start, "PQconnectStartParams");
    library.find(api.connect_poll, "PQconnectPoll");
    library.find(api.status, "PQstatus");
    library.find(api.socket, "PQsocket");
    library.find(api.finish, "PQfinish");
    library.find(api.error_message, "PQerrorMessage");
    library.find(api.set_error_verbosity, "PQsetErrorVerbosity");
    library.find(api.set_notice_receiver, "PQsetNoticeReceiver");
    library.find(api.set_nonblocking, "PQsetnonblocking");
    library.find(api.server_version, "PQserverVersion");
    library.find(api.flush, "PQflush");
    library.find(api.consume_input, "PQconsumeInput");
    library.find(api.is_busy, "PQisBusy");
}

void find_query_functions(ClientLibrary& library, Libpq& api) {
    library.find(api.send_query, "PQsendQuery");
    library.find(api.send_query_params, "PQsendQueryParams");
    library.find(api.send_prepare, "PQsendPrepare");
    library.find(api.send_query_prepared, "PQsendQueryPrepared");
    library.find(api.get_result, "PQgetResult");
    library.find(api.clear, "PQclear");
    library.find(api.result_status, "PQresultStatus");
    library.find(api.result_error_field, "PQresultErrorField");
    library.find(api.result_error_message, "PQresultErrorMessage");
    library.find(api.ntuples, "PQntuples");
    library.find(api.nfields, "PQnfields");
    library.find(api.getvalue, "PQgetvalue");
    library.find(api.getlength, "PQgetlength");
    library.find(api.getisnull, "PQgetisnull");
    library.find(api.cmd_tuples, "PQcmdTuples");
    library.find(api.get_copy_data, "PQgetCopyData");
    library.find(api.put_copy_data, "PQputCopyData");
    library.find(api.freemem, "PQfreemem");
}

Result<Libpq> load() {
    auto library = ClientLibrary::load("libpq.so.5", "PostgreSQL", "libpq5");
    if (!library) return fail(library.error());
    Libpq api;
    find_connection_functions(*library, api);
    find_query_functions(*library, api);
    if (auto complete = library->complete(); !complete) return fail(complete.error());
    return api;
}

}  // namespace

Result<const Libpq*> load_libpq() {
    static const Result<Libpq> loaded = load();
    if (!loaded) return fail(loaded.error());
    return &*loaded;
}

}  // namespace syncline::agent::postgres
