#include "agent/connectors/postgres/libpq.h"

#include <dlfcn.h>

#include <string>

namespace syncline::agent::postgres {
namespace {

/// Finds one function after the other and remembers the first that is missing.
class Finder {
public:
    explicit Finder(void* library) : library_(library) {}

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

void find_connection_functions(Finder& finder, Libpq& api) {
    finder.find(api.connect_start, "PQconnectStartParams");
    finder.find(api.connect_poll, "PQconnectPoll");
    finder.find(api.status, "PQstatus");
    finder.find(api.socket, "PQsocket");
    finder.find(api.finish, "PQfinish");
    finder.find(api.error_message, "PQerrorMessage");
    finder.find(api.set_error_verbosity, "PQsetErrorVerbosity");
    finder.find(api.set_notice_receiver, "PQsetNoticeReceiver");
    finder.find(api.set_nonblocking, "PQsetnonblocking");
    finder.find(api.server_version, "PQserverVersion");
    finder.find(api.flush, "PQflush");
    finder.find(api.consume_input, "PQconsumeInput");
    finder.find(api.is_busy, "PQisBusy");
}

void find_query_functions(Finder& finder, Libpq& api) {
    finder.find(api.send_query, "PQsendQuery");
    finder.find(api.send_query_params, "PQsendQueryParams");
    finder.find(api.send_prepare, "PQsendPrepare");
    finder.find(api.send_query_prepared, "PQsendQueryPrepared");
    finder.find(api.get_result, "PQgetResult");
    finder.find(api.clear, "PQclear");
    finder.find(api.result_status, "PQresultStatus");
    finder.find(api.result_error_field, "PQresultErrorField");
    finder.find(api.result_error_message, "PQresultErrorMessage");
    finder.find(api.ntuples, "PQntuples");
    finder.find(api.nfields, "PQnfields");
    finder.find(api.getvalue, "PQgetvalue");
    finder.find(api.getlength, "PQgetlength");
    finder.find(api.getisnull, "PQgetisnull");
    finder.find(api.cmd_tuples, "PQcmdTuples");
    finder.find(api.get_copy_data, "PQgetCopyData");
    finder.find(api.put_copy_data, "PQputCopyData");
    finder.find(api.freemem, "PQfreemem");
}

Result<Libpq> load() {
    // Never closed: libpq registers with OpenSSL, which must not outlive it.
    void* library = ::dlopen("libpq.so.5", RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) {
        const char* why = ::dlerror();
        return fail(ErrorKind::kUnsupported,
                    std::string{"the PostgreSQL client library libpq.so.5 cannot be loaded ("} +
                        (why != nullptr ? why : "no reason given") +
                        "); install it (Debian: libpq5)");
    }
    Libpq api;
    Finder finder{library};
    find_connection_functions(finder, api);
    find_query_functions(finder, api);
    if (!finder.missing().empty()) {
        return fail(ErrorKind::kUnsupported,
                    "the installed libpq.so.5 has no function " + finder.missing());
    }
    return api;
}

}  // namespace

Result<const Libpq*> load_libpq() {
    static const Result<Libpq> loaded = load();
    if (!loaded) return fail(loaded.error());
    return &*loaded;
}

}  // namespace syncline::agent::postgres
