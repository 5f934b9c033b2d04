#include "agent/connectors/file/rejects.h"

#include "agent/connectors/file/folders.h"
#include "agent/core/value_path.h"
#include "shared/base/json.h"
#include "shared/base/utf8.h"

namespace syncline::agent::file {
namespace {

/// The last line of the content `identity` that `path` tells of already; 0: none.
Result<std::uint64_t> last_written(const std::filesystem::path& path, const std::string& identity) {
    auto reader = LineReader::open(path, 256u << 10);
    if (!reader) {
        if (reader.error().kind == ErrorKind::kNotFound) return 0;
        return fail(reader.error());
    }
    std::uint64_t last = 0;
    while (true) {
        const auto line = reader->next();
        if (!line) return fail(line.error());
        if (!*line) return last;
        const auto json = parse_json((*line)->text);
        if (!json) continue;  // Cut by a crash.
        const Value* const content = at_path(*json, "content");
        const Value* const number = at_path(*json, "line");
        if (content == nullptr || number == nullptr || *content != Value{identity}) continue;
        const auto* count = number->get<std::int64_t>();
        if (count != nullptr) last = std::max(last, static_cast<std::uint64_t>(*count));
    }
}

/// What was not UTF-8 is shown with question marks, so that the file of rejects is JSON.
std::string as_utf8(std::string text) {
    for (auto bad = find_invalid_utf8(text); bad != std::string::npos;
         bad = find_invalid_utf8(text)) {
        text[bad] = '?';
    }
    return text;
}

}  // namespace

Result<void> write_rejects(const std::filesystem::path& folder, const std::string& name,
                           const std::string& identity, const std::vector<Row>& rows) {
    if (rows.empty()) return {};
    const std::filesystem::path path = folder / (name + ".rejects.jsonl");
    const auto last = last_written(path, identity);
    if (!last) return fail(last.error());
    std::string text;
    for (const Row& row : rows) {
        if (row.line <= *last) continue;
        Value::Map map{{"file", name},
                       {"line", static_cast<std::int64_t>(row.line)},
                       {"reason", row.problem},
                       {"raw", as_utf8(row.raw)},
                       {"content", identity}};
        if (row.column > 0) map.emplace("column", static_cast<std::int64_t>(row.column));
        text += to_json(Value{std::move(map)}) + '\n';
    }
    return text.empty() ? Result<void>{} : append(path, text);
}

}  // namespace syncline::agent::file
