#pragma once

#include <string>
#include <utility>
#include <vector>

#include "hub/api/route.h"

/// What the tables of routes are written with.
namespace syncline::hub::api {

using Parameters = std::vector<Parameter>;

/// Of the path: a word of the command.
[[nodiscard]] inline Parameter path_word(std::string name, std::string about) {
    return {.name = std::move(name),
            .in = Parameter::In::kPath,
            .as = Parameter::As::kWord,
            .about = std::move(about),
            .required = true};
}
[[nodiscard]] inline Parameter query(std::string name, std::string option, std::string about) {
    return {.name = std::move(name),
            .as = Parameter::As::kOption,
            .option = std::move(option),
            .about = std::move(about)};
}
[[nodiscard]] inline Parameter query_number(std::string name, std::string option,
                                            std::string about) {
    Parameter one = query(std::move(name), std::move(option), std::move(about));
    one.type = Parameter::Type::kInteger;
    return one;
}
[[nodiscard]] inline Parameter query_flag(std::string name, std::string option, std::string about) {
    Parameter one = query(std::move(name), std::move(option), std::move(about));
    one.type = Parameter::Type::kBoolean;
    one.as = Parameter::As::kFlag;
    return one;
}
/// How many of a page.
[[nodiscard]] inline Parameter page_limit() {
    Parameter one = query_number("limit", "--limit", "How many at most");
    one.least = 1;
    one.most = 500;
    return one;
}
[[nodiscard]] inline Parameter page_after() {
    return query("after", "--after", "What the page before had as `next`");
}

[[nodiscard]] inline Parameter in_body(Parameter one) {
    one.in = Parameter::In::kBody;
    return one;
}
[[nodiscard]] inline Parameter needed(Parameter one) {
    one.required = true;
    return one;
}
/// Of the body: an option, or a word if `option` is empty.
[[nodiscard]] inline Parameter body(std::string name, std::string option, std::string about) {
    Parameter one = in_body(query(std::move(name), std::move(option), std::move(about)));
    if (one.option.empty()) one.as = Parameter::As::kWord;
    return one;
}
[[nodiscard]] inline Parameter body_flag(std::string name, std::string option, std::string about) {
    return in_body(query_flag(std::move(name), std::move(option), std::move(about)));
}
/// Does it unless this is true.
[[nodiscard]] inline Parameter dry_run() {
    Parameter one = body_flag("dry_run", "", "Say what would come of it, and do nothing");
    one.otherwise = "--yes";
    return one;
}
[[nodiscard]] inline Parameter reason() {
    Parameter one = body("reason", "--reason", "Why; stands in the log");
    one.bytes_most = 500;
    return one;
}
[[nodiscard]] inline Parameter wait() {
    return body("wait", "--wait", "How long to wait until it is done: 10s");
}
[[nodiscard]] inline Parameter files() {
    return {.name = "files",
            .in = Parameter::In::kBody,
            .type = Parameter::Type::kFiles,
            .as = Parameter::As::kWord,
            .about = "The policy's files by name: {\"policy.toml\": \"...\"}",
            .required = true};
}

/// The tables; routes() puts them together.
[[nodiscard]] std::vector<Route> looking_routes();
[[nodiscard]] std::vector<Route> exception_routes();
[[nodiscard]] std::vector<Route> entity_routes();
[[nodiscard]] std::vector<Route> policy_routes();
[[nodiscard]] std::vector<Route> hub_routes();

}  // namespace syncline::hub::api
