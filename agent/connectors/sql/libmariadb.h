#pragma once

#include <mysql.h>

#include <memory>

#include "shared/base/result.h"

namespace syncline::agent::sql {

/// The functions of MariaDB's client library that we use, found at run time: an agent for another
/// platform then holds neither it nor what it brings along (GnuTLS) in its memory. Those that wait
/// come in pairs, to begin and to go on when the socket is ready.
struct Libmariadb {
    decltype(&::mysql_server_init) server_init = nullptr;
    decltype(&::mysql_init) init = nullptr;
    decltype(&::mysql_optionsv) optionsv = nullptr;
    decltype(&::mysql_get_socket) get_socket = nullptr;
    decltype(&::mysql_get_server_info) get_server_info = nullptr;
    decltype(&::mysql_close) close = nullptr;
    decltype(&::mysql_errno) error_number = nullptr;
    decltype(&::mysql_error) error = nullptr;
    decltype(&::mysql_sqlstate) sqlstate = nullptr;
    decltype(&::mysql_real_connect_start) connect_start = nullptr;
    decltype(&::mysql_real_connect_cont) connect_cont = nullptr;
    decltype(&::mysql_real_query_start) query_start = nullptr;
    decltype(&::mysql_real_query_cont) query_cont = nullptr;
    decltype(&::mysql_stmt_init) stmt_init = nullptr;
    decltype(&::mysql_stmt_close) stmt_close = nullptr;
    decltype(&::mysql_stmt_prepare_start) prepare_start = nullptr;
    decltype(&::mysql_stmt_prepare_cont) prepare_cont = nullptr;
    decltype(&::mysql_stmt_param_count) param_count = nullptr;
    decltype(&::mysql_stmt_bind_param) bind_param = nullptr;
    decltype(&::mysql_stmt_execute_start) execute_start = nullptr;
    decltype(&::mysql_stmt_execute_cont) execute_cont = nullptr;
    decltype(&::mysql_stmt_store_result_start) store_start = nullptr;
    decltype(&::mysql_stmt_store_result_cont) store_cont = nullptr;
    decltype(&::mysql_stmt_result_metadata) result_metadata = nullptr;
    decltype(&::mysql_stmt_bind_result) bind_result = nullptr;
    decltype(&::mysql_stmt_fetch) fetch = nullptr;
    decltype(&::mysql_stmt_fetch_column) fetch_column = nullptr;
    decltype(&::mysql_stmt_insert_id) insert_id = nullptr;
    decltype(&::mysql_stmt_errno) stmt_error_number = nullptr;
    decltype(&::mysql_stmt_error) stmt_error = nullptr;
    decltype(&::mysql_stmt_sqlstate) stmt_sqlstate = nullptr;
    decltype(&::mysql_num_fields) num_fields = nullptr;
    decltype(&::mysql_fetch_fields) fetch_fields = nullptr;
    decltype(&::mysql_free_result) free_result = nullptr;
};

/// Loads the library once per process and keeps it. kUnsupported: it is not installed, or too old.
/// Threading: any thread.
[[nodiscard]] Result<const Libmariadb*> load_libmariadb();

struct MariadbCloser {
    const Libmariadb* api = nullptr;
    void operator()(MYSQL* connection) const noexcept { api->close(connection); }
};
using MariadbHandle = std::unique_ptr<MYSQL, MariadbCloser>;

struct MariadbStatementCloser {
    const Libmariadb* api = nullptr;
    void operator()(MYSQL_STMT* statement) const noexcept { api->stmt_close(statement); }
};
using MariadbStatement = std::unique_ptr<MYSQL_STMT, MariadbStatementCloser>;

struct MariadbResultFreer {
    const Libmariadb* api = nullptr;
    void operator()(MYSQL_RES* result) const noexcept { api->free_result(result); }
};
using MariadbResult = std::unique_ptr<MYSQL_RES, MariadbResultFreer>;

}  // namespace syncline::agent::sql
