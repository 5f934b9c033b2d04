#include "agent/connectors/sql/libmariadb.h"

#include "agent/connectors/client_library.h"

namespace syncline::agent::sql {
namespace {

void find_mariadb_connection(ClientLibrary& library, Libmariadb& api) {
    library.find(api.server_init, "mysql_server_init");
    library.find(api.init, "mysql_init");
    library.find(api.optionsv, "mysql_optionsv");
    library.find(api.get_socket, "mysql_get_socket");
    library.find(api.get_server_info, "mysql_get_server_info");
    library.find(api.close, "mysql_close");
    library.find(api.error_number, "mysql_errno");
    library.find(api.error, "mysql_error");
    library.find(api.sqlstate, "mysql_sqlstate");
    library.find(api.connect_start, "mysql_real_connect_start");
    library.find(api.connect_cont, "mysql_real_connect_cont");
    library.find(api.query_start, "mysql_real_query_start");
    library.find(api.query_cont, "mysql_real_query_cont");
}

void find_mariadb_statement(ClientLibrary& library, Libmariadb& api) {
    library.find(api.stmt_init, "mysql_stmt_init");
    library.find(api.stmt_close, "mysql_stmt_close");
    library.find(api.prepare_start, "mysql_stmt_prepare_start");
    library.find(api.prepare_cont, "mysql_stmt_prepare_cont");
    library.find(api.param_count, "mysql_stmt_param_count");
    library.find(api.bind_param, "mysql_stmt_bind_param");
    library.find(api.execute_start, "mysql_stmt_execute_start");
    library.find(api.execute_cont, "mysql_stmt_execute_cont");
    library.find(api.store_start, "mysql_stmt_store_result_start");
    library.find(api.store_cont, "mysql_stmt_store_result_cont");
    library.find(api.result_metadata, "mysql_stmt_result_metadata");
    library.find(api.bind_result, "mysql_stmt_bind_result");
    library.find(api.fetch, "mysql_stmt_fetch");
    library.find(api.fetch_column, "mysql_stmt_fetch_column");
    library.find(api.insert_id, "mysql_stmt_insert_id");
    library.find(api.stmt_error_number, "mysql_stmt_errno");
    library.find(api.stmt_error, "mysql_stmt_error");
    library.find(api.stmt_sqlstate, "mysql_stmt_sqlstate");
    library.find(api.num_fields, "mysql_num_fields");
    library.find(api.fetch_fields, "mysql_fetch_fields");
    library.find(api.free_result, "mysql_free_result");
}

Result<Libmariadb> load_mariadb_library() {
    auto library = ClientLibrary::load("libmariadb.so.3", "MariaDB", "libmariadb3");
    if (!library) return fail(library.error());
    Libmariadb api;
    find_mariadb_connection(*library, api);
    find_mariadb_statement(*library, api);
    if (auto complete = library->complete(); !complete) return fail(complete.error());
    if (api.server_init(0, nullptr, nullptr) != 0) {
        return fail(ErrorKind::kUnsupported, "libmariadb.so.3 does not start");
    }
    return api;
}

}  // namespace

Result<const Libmariadb*> load_libmariadb() {
    static const Result<Libmariadb> loaded = load_mariadb_library();
    if (!loaded) return fail(loaded.error());
    return &*loaded;
}

}  // namespace syncline::agent::sql
