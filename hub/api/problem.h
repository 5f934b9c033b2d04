#pragma once

#include <string>
#include <vector>

#include "hub/api/identity.h"
#include "hub/ctl/output.h"
#include "shared/base/result.h"
#include "shared/http/server.h"
#include "shared/model/value.h"

/// Answers of the API.
namespace syncline::hub::api {

/// What is wrong (RFC 9457): application/problem+json.
struct Problem {
    int status = 500;
    std::string kind;    ///< Stable: "invalid", "not_found", "denied", ...
    std::string detail;  ///< For people.
    std::string where = {};
    std::string hint = {};
    std::vector<ctl::Finding> findings = {};
};
[[nodiscard]] HttpServer::Reply reply_of(const Problem& problem);

[[nodiscard]] HttpServer::Reply json_reply(int status, std::string body);
/// A page for browsers.
[[nodiscard]] HttpServer::Reply page_reply(int status, std::string page);
/// Of who answers `{"error":{"status","kind","text"}}`, as questions and processes do: a problem
/// if it is one.
[[nodiscard]] HttpServer::Reply reply_of(int status, std::string body);
/// The status of an error that a command told.
[[nodiscard]] int status_of(ErrorKind kind);

/// Who somebody is, for them.
[[nodiscard]] Value::Map session_of(const Person& person);

/// Values that workflows show, hidden from who may not see what is personal.
[[nodiscard]] Value without_personal(const Value& answer);

}  // namespace syncline::hub::api
