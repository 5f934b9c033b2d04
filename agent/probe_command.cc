#include "agent/probe_command.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "shared/base/json.h"
#include "shared/base/utf8.h"

namespace syncline::agent {
namespace {

using Level = Finding::Level;

constexpr std::size_t kSampleBytes = 40;

struct Mark {
    const char* text;
    const char* colour;
};

Mark mark_of(Level level) {
    switch (level) {
        case Level::kFine: return {"ok  ", "\x1b[32m"};
        case Level::kNote: return {"note", "\x1b[33m"};
        case Level::kProblem: break;
    }
    return {"FAIL", "\x1b[31m"};
}

const char* level_name(Level level) {
    return level == Level::kFine ? "ok" : level == Level::kNote ? "note" : "problem";
}

void print_finding(const Finding& finding, const char* indent) {
    const bool colour = ::isatty(STDOUT_FILENO) != 0;
    const Mark mark = mark_of(finding.level);
    std::printf("%s%s%s%s  %s\n", indent, colour ? mark.colour : "", mark.text,
                colour ? "\x1b[0m" : "", finding.text.c_str());
}

std::string samples_of(const ProbedField& field) {
    std::string text;
    for (const std::string& sample : field.samples) {
        const std::string_view cut = cut_utf8(sample, kSampleBytes);
        text += (text.empty() ? "" : ", ") + std::string{cut} +
                (cut.size() < sample.size() ? "..." : "");
    }
    return text;
}

void print_fields(const std::vector<ProbedField>& fields, std::size_t records) {
    std::size_t name_width = 0;
    std::size_t path_width = 0;
    for (const ProbedField& field : fields) {
        name_width = std::max(name_width, field.field.text.size());
        path_width = std::max(path_width, field.path.size());
    }
    for (const ProbedField& field : fields) {
        const std::string in = std::to_string(field.told) + "/" + std::to_string(records);
        std::string line = "      ";
        if (name_width > 0) {
            line += field.field.text + std::string(name_width - field.field.text.size() + 2, ' ');
        }
        line += field.path + std::string(path_width - field.path.size() + 2, ' ') + in;
        if (field.empty > 0) line += ", " + std::to_string(field.empty) + " empty";
        if (!field.samples.empty()) line += "  " + samples_of(field);
        std::printf("%s\n", line.c_str());
    }
}

void print(const ProbeReport& report) {
    for (const Finding& finding : report.findings) print_finding(finding, "");
    for (const ProbedObject& object : report.objects) {
        std::printf("\n%s%s%s\n", object.object.text.c_str(), object.native.empty() ? "" : " = ",
                    object.native.c_str());
        print_fields(object.fields, object.records);
        if (!object.unmapped.empty()) std::puts("  not mapped:");
        print_fields(object.unmapped, object.records);
        for (const Finding& finding : object.findings) print_finding(finding, "  ");
    }
}

Value::List json_of(const std::vector<Finding>& findings) {
    Value::List list;
    for (const Finding& finding : findings) {
        list.emplace_back(Value::Map{{"level", level_name(finding.level)}, {"text", finding.text}});
    }
    return list;
}

Value::List json_of(const std::vector<ProbedField>& fields) {
    Value::List list;
    for (const ProbedField& field : fields) {
        Value::Map one{{"path", field.path},
                       {"told", static_cast<std::int64_t>(field.told)},
                       {"empty", static_cast<std::int64_t>(field.empty)}};
        if (!field.field.text.empty()) one.emplace("field", field.field.text);
        Value::List samples{field.samples.begin(), field.samples.end()};
        one.emplace("samples", std::move(samples));
        list.emplace_back(std::move(one));
    }
    return list;
}

Value json_of(const ProbeReport& report) {
    Value::List objects;
    for (const ProbedObject& object : report.objects) {
        objects.emplace_back(Value::Map{{"object", object.object.text},
                                        {"native", object.native},
                                        {"records", static_cast<std::int64_t>(object.records)},
                                        {"fields", json_of(object.fields)},
                                        {"unmapped", json_of(object.unmapped)},
                                        {"findings", json_of(object.findings)}});
    }
    return Value{Value::Map{{"ok", !report.has_problems()},
                            {"findings", json_of(report.findings)},
                            {"objects", std::move(objects)}}};
}

}  // namespace

int run_probe_command(const std::filesystem::path& file, const ProbeOptions& options,
                      bool as_json) {
    const SystemClock clock;
    const auto report = probe(file, options, clock, {});
    if (!report) {
        std::fprintf(stderr, "syncline-agent: %s\n", report.error().what.c_str());
        return 2;
    }
    if (as_json) {
        std::printf("%s\n", to_json(json_of(*report)).c_str());
    } else {
        print(*report);
    }
    return report->has_problems() ? 1 : 0;
}

}  // namespace syncline::agent
