#include "agent/connectors/sql/libmariadb.h"

#include <dlfcn.h>

#include <string>

namespace syncline::agent::sql {
namespace {

/// Finds one function after the other and remembers the first that is missing.
class SymbolFinder {
public:
    explicit SymbolFinder(void* library) : library_(library) {}

    template <class Function>
    void find(Function& function, const char* name) {
        function = reinterpret_cast<Function>(::dlsym(library_, name));
        if (function == nullptr && missing_.empty()) missing_ = name;
    }
    [[nodiscard]] const std::string& missing() const { return missing_; }

private:
    void* library_;
    std::string missing_;
};

void find_mariadb_connection(SymbolFinder& finder, Libmariadb& api) {
    finder.find(api.server_init, "mysql_server_init");
    finder.find(api.init, "mysql_init");
    finder.find(api.optionsv, "mysql_optionsv");
    finder.find(api.get_socket, "mysql_get_socket");
    finder.find(api.get_server_info, "mysql_get_server_info");
    finder.find(api.close, "mysql_close");
    finder.find(api.error_number, "mysql_errno");
    finder.find(api.error, "mysql_error");
    finder.find(api.sqlstate, "mysql_sqlstate");
    finder.find(api.connect_start, "mysql_real_connect_start");
    finder.find(api.connect_cont, "mysql_real_connect_cont");
    finder.find(api.query_start, "mysql_real_query_start");
    finder.find(api.query_cont, "mysql_real_query_cont");
}

void find_mariadb_statement(SymbolFinder& finder, Libmariadb& api) {
    finder.find(api.stmt_init, "mysql_stmt_init");
    finder.find(api.stmt_close, "mysql_stmt_close");
    finder.find(api.prepare_start, "mysql_stmt_prepare_start");
    finder.find(api.prepare_cont, "mysql_stmt_prepare_cont");
    finder.find(api.param_count, "mysql_stmt_param_count");
    finder.find(api.bind_param, "mysql_stmt_bind_param");
    finder.find(api.execute_start, "mysql_stmt_execute_start");
    finder.find(api.execute_cont, "mysql_stmt_execute_cont");
    finder.find(api.store_start, "mysql_stmt_store_result_start");
    finder.find(api.store_cont, "mysql_stmt_store_result_cont");
    finder.find(api.result_metadata, "mysql_stmt_result_metadata");
    finder.find(api.bind_result, "mysql_stmt_bind_result");
    finder.find(api.fetch, "mysql_stmt_fetch");
    finder.find(api.fetch_column, "mysql_stmt_fetch_column");
    finder.find(api.insert_id, "mysql_stmt_insert_id");
    finder.find(api.stmt_error_number, "mysql_stmt_errno");
    finder.find(api.stmt_error, "mysql_stmt_error");
    finder.find(api.stmt_sqlstate, "mysql_stmt_sqlstate");
    finder.find(api.num_fields, "mysql_num_fields");
    finder.find(api.fetch_fields, "mysql_fetch_fields");
    finder.find(api.free_result, "mysql_free_result");
}

Result<Libmariadb> load_mariadb_library() {
    void* library = ::dlopen("libmariadb.so.3", RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) {
        const char* why = ::dlerror();
        return fail(ErrorKind::kUnsupported,
                    std::string{"the MariaDB client library libmariadb.so.3 cannot be loaded ("} +
                        (why != nullptr ? why : "no reason given") +
                        "); install it (Debian: libmariadb3)");
    }
    Libmariadb api;
    SymbolFinder finder{library};
    find_mariadb_connection(finder, api);
    find_mariadb_statement(finder, api);
    if (!finder.missing().empty()) {
        return fail(ErrorKind::kUnsupported,
                    "the installed libmariadb.so.3 has no function " + finder.missing());
    }
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
