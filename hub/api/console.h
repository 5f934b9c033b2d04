#pragma once

#include <span>
#include <string_view>

#include "shared/http/server.h"

/// The console's files, as they were built into this program.
namespace syncline::hub::api {

struct ConsoleFile {
    std::string_view path;  ///< "/index.html".
    std::string_view type;
    std::string_view etag;
    std::string_view plain;
    std::string_view gzip;  ///< Empty: it does not get smaller.
};
/// Sorted by path; empty: the console was not built. Made by hub/api/embed.cmake.
[[nodiscard]] std::span<const ConsoleFile> console_files();

/// Answers a GET of anything that is not the API.
[[nodiscard]] HttpServer::Reply console_reply(const HttpServer::Request& request);

}  // namespace syncline::hub::api
