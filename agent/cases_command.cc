#include "agent/cases_command.h"

#include <unistd.h>

#include <cstdio>
#include <string>

#include "agent/connectors/rest/cases.h"
#include "shared/base/json.h"

namespace syncline::agent {
namespace {

using rest::CaseResult;

std::string indented(const std::string& text) {
    std::string out = "      ";
    for (const char c : text) {
        out += c;
        if (c == '\n') out += "      ";
    }
    return out;
}

void print(const CaseResult& one) {
    const bool colour = ::isatty(STDOUT_FILENO) != 0;
    const bool holds = one.problem.empty();
    const char* const mark = holds ? "ok  " : "FAIL";
    const char* const begin = !colour ? "" : holds ? "\x1b[32m" : "\x1b[31m";
    std::printf("%s%s%s  %s\n", begin, mark, colour ? "\x1b[0m" : "", one.name.c_str());
    if (holds) return;
    std::printf("      %s\n%s\n", one.place.c_str(), indented(one.problem).c_str());
}

Value shown(const CaseResult& one) {
    Value::Map out{{"name", one.name}, {"place", one.place}, {"ok", one.problem.empty()}};
    if (!one.problem.empty()) out.emplace("problem", one.problem);
    return Value{std::move(out)};
}

}  // namespace

int run_cases_command(const std::vector<std::filesystem::path>& files, bool as_json) {
    Value::List all;
    std::size_t count = 0;
    std::size_t failed = 0;
    bool sound = true;
    for (const std::filesystem::path& file : files) {
        const auto results = rest::run_cases(file);
        if (!results) {
            std::fprintf(stderr, "syncline-agent: %s\n", results.error().what.c_str());
            sound = false;
            continue;
        }
        if (!as_json) std::printf("%s\n", file.c_str());
        for (const CaseResult& one : *results) {
            ++count;
            if (!one.problem.empty()) ++failed;
            if (as_json)
                all.push_back(shown(one));
            else
                print(one);
        }
    }
    if (as_json) {
        std::printf("%s\n", to_json(Value{std::move(all)}).c_str());
    } else if (sound) {
        std::printf("%zu of %zu cases hold\n", count - failed, count);
    }
    return !sound ? 2 : failed > 0 ? 1 : 0;
}

}  // namespace syncline::agent
