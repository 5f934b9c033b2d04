#include "agent/connector_command.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "agent/agent_config.h"
#include "agent/connectors/exec/check.h"
#include "agent/connectors/exec/exec_connector.h"
#include "agent/connectors/exec/protocol.h"
#include "shared/base/clock.h"
#include "shared/base/json.h"
#include "shared/base/log.h"

namespace syncline::agent {
namespace {

using exec::CheckResult;
using Verdict = exec::CheckResult::Verdict;

std::unexpected<Error> unsound(const std::string& what) { return fail(ErrorKind::kInvalid, what); }

/// The whole file is checked as an agent would; then the part that the program needs is read.
Result<exec::Settings> load_settings(const std::filesystem::path& file, const Clock& clock) {
    if (auto config = load_agent_config(file, clock); !config) return fail(config.error());
    auto root = TomlReader::load(file);
    if (!root) return fail(root.error());
    TomlReader connector = root->table("connector");
    if (connector.text("kind") != "exec") {
        return unsound(to_string(connector.place("kind")) +
                       ": only connectors of the kind \"exec\" are tested so; for \"rest\" there is"
                       " `syncline-agent cases`, and for each kind `syncline-agent probe`");
    }
    TomlReader objects = root->table("objects");
    const std::filesystem::path folder = std::filesystem::absolute(file).parent_path();
    return read_exec_settings(connector, objects, {clock, folder, folder});
}

Result<exec::CheckOptions> options_of(const ConnectorTest& test, const exec::Settings& settings) {
    exec::CheckOptions options;
    if (test.write.empty()) {
        if (!test.set.empty()) return unsound("--set says what --write OBJECT writes");
        return options;
    }
    options.write = ObjectName{test.write};
    const auto mapping =
        std::ranges::find(settings.objects, *options.write, &ObjectMapping::object);
    if (mapping == settings.objects.end()) {
        return unsound("--write " + test.write + ": the file maps no such object");
    }
    for (const std::string& one : test.set) {
        const std::size_t equals = one.find('=');
        const FieldName field{one.substr(0, equals)};
        const auto at = std::ranges::find(mapping->fields, field, &FieldMapping::field);
        if (equals == std::string::npos || at == mapping->fields.end() || !at->write) {
            return unsound("--set " + one + ": must be FIELD=VALUE, with a field of " + test.write +
                           " that may be written");
        }
        options.set.set(field, Value{one.substr(equals + 1)});
    }
    return options;
}

const char* verdict_name(Verdict verdict) {
    return verdict == Verdict::kHolds ? "ok" : verdict == Verdict::kFails ? "fail" : "left_out";
}

void print_result(const CheckResult& one) {
    const bool colour = ::isatty(STDOUT_FILENO) != 0;
    const char* begin = "";
    if (colour) {
        begin = one.verdict == Verdict::kHolds   ? "\x1b[32m"
                : one.verdict == Verdict::kFails ? "\x1b[31m"
                                                 : "\x1b[2m";
    }
    const char* const mark = one.verdict == Verdict::kHolds   ? "ok  "
                             : one.verdict == Verdict::kFails ? "FAIL"
                                                              : "-   ";
    const std::string object = one.object.empty() ? "" : one.object + ": ";
    std::printf("%s%s%s  %s%s\n", begin, mark, colour ? "\x1b[0m" : "", object.c_str(),
                one.name.c_str());
    if (one.verdict == Verdict::kFails) {
        std::printf("      expected: %s\n      found:    %s\n", one.expected.c_str(),
                    one.found.c_str());
    } else if (one.verdict == Verdict::kLeftOut) {
        std::printf("      not checked: %s\n", one.found.c_str());
    }
    std::fflush(stdout);
}

Value shown_result(const CheckResult& one) {
    Value::Map out{{"check", one.name}, {"verdict", verdict_name(one.verdict)}};
    if (!one.object.empty()) out.emplace("object", one.object);
    if (!one.expected.empty()) out.emplace("expected", one.expected);
    if (!one.found.empty()) out.emplace("found", one.found);
    return Value{std::move(out)};
}

std::string command_line(const exec::Settings& settings) {
    std::string text;
    for (const std::string& word : settings.command) text += (text.empty() ? "" : " ") + word;
    return text;
}

}  // namespace

int run_connector_test(const ConnectorTest& test) {
    log::start({.level = log::Level::kWarning});
    const SystemClock clock;
    const auto complain = [](const Error& error) {
        std::fprintf(stderr, "syncline-agent: %s\n", error.what.c_str());
        return 2;
    };
    auto loaded = load_settings(test.file, clock);
    if (!loaded) return complain(loaded.error());
    const auto options = options_of(test, *loaded);
    if (!options) return complain(options.error());
    const auto settings = std::make_shared<const exec::Settings>(std::move(*loaded));
    // Whatever is piped away: who starts this shall read it before anything is written.
    if (options->write) {
        std::fprintf(stderr,
                     "This writes to the platform: it makes, changes and deletes one record of"
                     " `%s`.\n",
                     test.write.c_str());
    }
    if (!test.as_json) std::printf("%s\n", command_line(*settings).c_str());
    std::fflush(stdout);
    Value::List all;
    std::size_t counts[3] = {};
    const auto on_result = [&](const CheckResult& one) {
        ++counts[static_cast<std::size_t>(one.verdict)];
        if (test.as_json) {
            all.push_back(shown_result(one));
        } else {
            print_result(one);
        }
    };
    exec::run_checks(settings, clock, *options, on_result, [](std::string_view line) {
        std::fprintf(stderr, "    | %s\n", exec::shown(line, line.size()).c_str());
    });
    const auto [held, failed, left_out] = counts;
    if (test.as_json) {
        std::printf("%s\n", to_json(Value::Map{{"program", command_line(*settings)},
                                               {"held", static_cast<std::int64_t>(held)},
                                               {"failed", static_cast<std::int64_t>(failed)},
                                               {"left_out", static_cast<std::int64_t>(left_out)},
                                               {"checks", std::move(all)}})
                                .c_str());
        return failed > 0 ? 1 : 0;
    }
    std::printf("%zu of %zu checks hold\n", held, held + failed);
    if (!options->write) {
        std::puts(
            "Nothing was written; --write OBJECT tries create, update and delete on the"
            " platform itself.");
    }
    return failed > 0 ? 1 : 0;
}

}  // namespace syncline::agent
