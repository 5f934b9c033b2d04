#include "agent/connectors/file/file_lists.h"

#include <algorithm>

#include "agent/connectors/file/folders.h"
#include "agent/connectors/file/row_reader.h"
#include "agent/core/mapping_toml.h"
#include "agent/core/value_path.h"
#include "shared/base/json.h"

namespace syncline::agent {
namespace {

using file::Ready;
using file::RowReader;

struct ListFiles {
    std::filesystem::path root;
    Ready ready = Ready::kStable;
    Duration stable{0};
    RowReader::Options options;
    std::vector<ObjectMapping> lists;
};

bool is_csv(const std::string& name) { return name.ends_with(".csv"); }

/// A field of a CSV file: in quotes if it must be.
std::string csv_field(const std::string& text, char separator) {
    const bool plain = text.find_first_of(std::string{"\"\r\n"} + separator) == std::string::npos;
    if (plain) return text;
    std::string out = "\"";
    for (const char c : text) out += c == '"' ? "\"\"" : std::string{c};
    return out + "\"";
}

class FileLists final : public ListDoor {
public:
    FileLists(ListFiles files, const Clock& clock) : files_(std::move(files)), clock_(clock) {}

    Result<ListRows> read(const ListName& list, std::stop_token stop) override;
    Result<void> replace(const ListName& list, const ListRows& rows, std::stop_token stop) override;

private:
    [[nodiscard]] const ObjectMapping* mapping_of(const ListName& list) const;
    [[nodiscard]] Result<RowReader> open(const ObjectMapping& mapping) const;
    [[nodiscard]] Result<void> check_complete(const std::filesystem::path& path) const;
    [[nodiscard]] Result<void> check_columns(const RowReader& reader,
                                             const ObjectMapping& mapping) const;
    [[nodiscard]] Result<std::string> line_of(const ObjectMapping& mapping, const ListRow& row,
                                              bool csv) const;

    const ListFiles files_;
    const Clock& clock_;
};

const ObjectMapping* FileLists::mapping_of(const ListName& list) const {
    const auto at = std::ranges::find(files_.lists, list.text,
                                      [](const ObjectMapping& one) { return one.object.text; });
    return at == files_.lists.end() ? nullptr : &*at;
}

Result<RowReader> FileLists::open(const ObjectMapping& mapping) const {
    RowReader::Options options = files_.options;
    options.format = is_csv(mapping.native) ? file::Format::kCsv : file::Format::kJsonl;
    return RowReader::open(files_.root / mapping.native, options);
}

/// Files of lists are not moved away, so a `.done` file must not be older than what it is about.
Result<void> FileLists::check_complete(const std::filesystem::path& path) const {
    if (files_.ready == Ready::kRename) return {};
    std::error_code error;
    const auto written = std::filesystem::last_write_time(path, error);
    if (error) return fail(ErrorKind::kNotFound, path.string() + ": " + error.message());
    if (files_.ready == Ready::kDoneFile) {
        std::filesystem::path mark = path;
        mark += ".done";
        const auto marked = std::filesystem::last_write_time(mark, error);
        if (error) return fail(ErrorKind::kUnavailable, mark.string() + " is not there yet");
        if (marked >= written) return {};
        return fail(ErrorKind::kUnavailable, mark.string() + " is older than the file");
    }
    const auto since = std::chrono::file_clock::to_sys(written).time_since_epoch();
    const Timestamp at{std::chrono::duration_cast<Duration>(since).count()};
    if (clock_.now() - at >= files_.stable) return {};
    return fail(ErrorKind::kUnavailable, path.string() + " is still being written");
}

/// A column that is gone would empty a field in every row.
Result<void> FileLists::check_columns(const RowReader& reader, const ObjectMapping& mapping) const {
    const auto& columns = reader.columns();
    if (columns.empty()) return {};
    std::vector<std::string> wanted{mapping.key};
    for (const FieldMapping& field : mapping.fields) wanted.push_back(field.path);
    for (const std::string& name : wanted) {
        if (std::ranges::find(columns, name) != columns.end()) continue;
        return fail(ErrorKind::kInvalid,
                    mapping.native + ":1: the header has no column `" + name + "`");
    }
    return {};
}

Result<ListRows> FileLists::read(const ListName& list, std::stop_token stop) {
    const ObjectMapping* const mapping = mapping_of(list);
    if (mapping == nullptr) return fail(ErrorKind::kInvalid, "the list is not mapped here");
    const auto path = files_.root / mapping->native;
    if (auto complete = check_complete(path); !complete) return fail(complete.error());
    auto reader = open(*mapping);
    if (!reader) return fail(reader.error());
    if (auto fits = check_columns(*reader, *mapping); !fits) return fail(fits.error());
    ListRows rows;
    for (;;) {
        if (stop.stop_requested()) return fail(ErrorKind::kUnavailable, "stopping");
        auto row = reader->next();
        if (!row) return fail(row.error());
        if (!*row) break;
        const std::string where = mapping->native + ":" + std::to_string((*row)->line) + ": ";
        if (!(*row)->problem.empty()) return fail(ErrorKind::kInvalid, where + (*row)->problem);
        auto record = to_canonical(*mapping, (*row)->values);
        if (!record) return fail(ErrorKind::kInvalid, where + record.error().what);
        if (rows.size() >= kListRowsMost) {
            return fail(ErrorKind::kTooLarge, where + "these are too many rows for a list");
        }
        rows.push_back({std::move(record->id.text), std::move(record->fields)});
    }
    // Did it stay the same file, as long as it was read?
    const auto again = open(*mapping);
    if (!again) return fail(again.error());
    if (again->identity() != reader->identity() || reader->place().offset < reader->size()) {
        return fail(ErrorKind::kUnavailable, path.string() + " changed while it was read");
    }
    return rows;
}

Result<std::string> FileLists::line_of(const ObjectMapping& mapping, const ListRow& row,
                                       bool csv) const {
    auto native = to_native(mapping, row.fields);
    if (!native) return fail(native.error(), "the row `" + row.key + "`");
    if (at_path(*native, mapping.key) == nullptr) {
        if (auto set = set_path(*native, mapping.key, Value{row.key}); !set) {
            return fail(set.error(), "key");
        }
    }
    if (!csv) return to_json(Value{*std::move(native)}) + "\n";
    std::string line = csv_field(row.key, files_.options.separator);
    for (const FieldMapping& field : mapping.fields) {
        if (field.path == mapping.key) continue;
        const Value* value = at_path(*native, field.path);
        const auto text =
            value == nullptr ? Result<std::string>{std::string{}} : scalar_text(*value);
        if (!text) return fail(text.error(), "the row `" + row.key + "`, " + field.path);
        line += files_.options.separator + csv_field(*text, files_.options.separator);
    }
    return line + "\n";
}

Result<void> FileLists::replace(const ListName& list, const ListRows& rows, std::stop_token stop) {
    const ObjectMapping* const mapping = mapping_of(list);
    if (mapping == nullptr) return fail(ErrorKind::kInvalid, "the list is not mapped here");
    const bool csv = is_csv(mapping->native);
    std::string text;
    if (csv) {
        text = csv_field(mapping->key, files_.options.separator);
        for (const FieldMapping& field : mapping->fields) {
            if (field.path == mapping->key) continue;
            text += files_.options.separator + csv_field(field.path, files_.options.separator);
        }
        text += "\n";
    }
    for (const ListRow& row : rows) {
        if (stop.stop_requested()) return fail(ErrorKind::kUnavailable, "stopping");
        auto line = line_of(*mapping, row, csv);
        if (!line) return fail(line.error());
        text += *line;
    }
    std::error_code error;
    const auto path = files_.root / mapping->native;
    std::filesystem::create_directories(path.parent_path(), error);
    if (error) return fail(ErrorKind::kUnavailable, path.string() + ": " + error.message());
    return file::write_whole(path, text);
}

}  // namespace

Result<ListDoorFactory> make_file_lists(TomlReader& connector, TomlReader& lists,
                                        const ConnectorContext& context) {
    static constexpr TomlReader::Choice<Ready> kReady[] = {
        {"stable", Ready::kStable}, {"done_file", Ready::kDoneFile}, {"rename", Ready::kRename}};
    ListFiles files;
    files.root = context.config_dir / connector.text("directory");
    files.ready = connector.choice("ready", kReady, files.ready);
    files.stable =
        connector.milliseconds("stable_ms", {0, 3'600'000}, std::chrono::milliseconds{2'000});
    const std::string separator = connector.text("separator", ",");
    if (separator.size() == 1) files.options.separator = separator[0];
    files.options.line_max =
        connector.integer<std::size_t>("line_bytes_max", {256, 64 << 20}, files.options.line_max);
    files.lists = read_object_mappings(lists, {});
    for (const ObjectMapping& list : files.lists) {
        const std::filesystem::path name{list.native};
        const bool known = is_csv(list.native) || list.native.ends_with(".jsonl");
        const bool inside = std::ranges::find(name, "..") == name.end() && name.is_relative();
        if (known && inside) continue;
        lists.problem(list.object.text,
                      "must name a .csv or .jsonl file of the directory as `native`");
    }
    const Clock& clock = context.clock;
    return [files, &clock]() -> Result<std::unique_ptr<ListDoor>> {
        return std::make_unique<FileLists>(files, clock);
    };
}

}  // namespace syncline::agent
