#include "agent/connectors/file/file_connector.h"

#include <algorithm>

#include "agent/connectors/file/cursor.h"
#include "agent/connectors/file/folders.h"
#include "agent/connectors/file/rejects.h"
#include "agent/core/mapping_toml.h"
#include "agent/core/value_path.h"
#include "shared/base/json.h"
#include "shared/base/nearest_name.h"

namespace syncline::agent {
namespace {

using file::Position;
using file::Row;
using file::RowReader;
using file::Settings;

constexpr std::size_t kBatchBytes = 4u << 20;

/// A file's name made of an id: no path, no surprise for a shell.
std::string safe_name(std::string_view text) {
    constexpr std::string_view kHex = "0123456789abcdef";
    std::string out;
    for (const char c : text) {
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                           (c >= '0' && c <= '9') || c == '_' || c == '-';
        const auto byte = static_cast<unsigned char>(c);
        if (plain) {
            out += c;
        } else {
            out += std::string{'=', kHex[byte >> 4], kHex[byte & 15]};
        }
    }
    return out;
}

class FileConnector final : public Connector {
public:
    FileConnector(Settings settings, const Clock& clock)
        : settings_(std::move(settings)), inbox_(settings_, clock) {}

    Result<void> connect(std::stop_token) override;
    Result<Batch> read(const Cursor& from, std::size_t max, std::stop_token stop) override;
    Result<void> stored(const Cursor& stored) override;
    Result<Written> write(const Command& command, std::stop_token stop) override;

    Result<std::optional<Record>> fetch(const ObjectName&, const RecordId&,
                                        std::stop_token) override {
        return fail(ErrorKind::kUnsupported, "a drop of files cannot be asked for a record");
    }
    Result<std::optional<Record>> find(const ObjectName&, const EntityId&,
                                       std::stop_token) override {
        return fail(ErrorKind::kUnsupported, "a drop of files cannot be asked for a record");
    }
    [[nodiscard]] Traits traits() const override {
        return {.create_is_idempotent = true, .can_fetch = false};
    }

private:
    Result<bool> read_file(const std::string& name, Position& position, std::size_t max,
                           Batch& batch, std::stop_token stop);
    Result<void> read_rows(RowReader& reader, const ObjectMapping& mapping, Position& position,
                           std::size_t max, Batch& batch, std::stop_token stop);
    Result<bool> give_up(const std::string& name, const std::string& reason, Batch& batch);
    Result<void> settle(const Position& position);
    [[nodiscard]] const ObjectMapping* mapping_of(const std::string& name) const;
    Result<Record> record_of(const ObjectMapping& mapping, const Value::Map& values) const;
    [[nodiscard]] std::uint64_t column_at_fault(const ObjectMapping& mapping,
                                                const Value::Map& values) const;

    const Settings settings_;
    file::Inbox inbox_;
};

Result<void> FileConnector::connect(std::stop_token) {
    std::error_code error;
    for (const auto& folder :
         {settings_.inbox, settings_.done, settings_.failed, settings_.outbox}) {
        std::filesystem::create_directories(folder, error);
        if (error) return fail(ErrorKind::kUnavailable, folder.string() + ": " + error.message());
    }
    return {};
}

const ObjectMapping* FileConnector::mapping_of(const std::string& name) const {
    const ObjectMapping* best = nullptr;
    for (const ObjectMapping& mapping : settings_.objects) {
        const bool fits = mapping.native == "*" || name.starts_with(mapping.native);
        const bool longer = best == nullptr || best->native == "*" ||
                            (mapping.native != "*" && mapping.native.size() > best->native.size());
        if (fits && longer) best = &mapping;
    }
    return best;
}

/// Moves a file whose last row is durable here. The content is checked, since another file may
/// have come under the same name.
Result<void> FileConnector::settle(const Position& position) {
    if (!position.finished) return {};
    const auto reader =
        file::LineReader::open(settings_.inbox / position.file, settings_.line_bytes_max);
    if (!reader) {
        return reader.error().kind == ErrorKind::kNotFound ? Result<void>{} : fail(reader.error());
    }
    if (reader->identity() != position.identity) return {};
    return inbox_.finish(position.file);
}

Result<void> FileConnector::stored(const Cursor& stored) {
    const auto position = Position::decode(stored.text);
    return position ? settle(*position) : fail(position.error());
}

Result<Batch> FileConnector::read(const Cursor& from, std::size_t max, std::stop_token stop) {
    auto position = Position::decode(from.text);
    if (!position) return fail(position.error());
    Batch batch;
    batch.next = from;
    if (const auto settled = settle(*position); !settled) return fail(settled.error());
    std::vector<std::string> names;
    if (!position->file.empty() && !position->finished) names.push_back(position->file);
    const auto complete = inbox_.complete_files();
    if (!complete) return fail(complete.error());
    names.insert(names.end(), complete->begin(), complete->end());
    for (const std::string& name : names) {
        if (name != position->file || position->finished) *position = Position{.file = name};
        const auto taken = read_file(name, *position, std::max<std::size_t>(max, 1), batch, stop);
        if (!taken) return fail(taken.error());
        if (*taken) {
            batch.next.text = position->encode();
            batch.more = true;
            return batch;
        }
        *position = {};
    }
    return batch;
}

/// False: there is nothing of it to read, go on with the next file.
Result<bool> FileConnector::read_file(const std::string& name, Position& position, std::size_t max,
                                      Batch& batch, std::stop_token stop) {
    const ObjectMapping* const mapping = mapping_of(name);
    if (mapping == nullptr) {
        return give_up(name, "no object's `native` is the beginning of this file's name", batch);
    }
    RowReader::Options options;
    options.format = name.ends_with(".csv") ? file::Format::kCsv : file::Format::kJsonl;
    options.separator = settings_.separator;
    options.line_max = settings_.line_bytes_max;
    options.encoding = settings_.encoding;
    if (const auto layout = settings_.layouts.find(mapping->object);
        layout != settings_.layouts.end()) {
        options.format = file::Format::kFixed;
        options.layout = layout->second;
    }
    auto reader = RowReader::open(settings_.inbox / name, options);
    if (!reader) {
        if (reader.error().kind == ErrorKind::kNotFound) return false;
        if (reader.error().kind == ErrorKind::kUnavailable) return fail(reader.error());
        return give_up(name, reader.error().what, batch);
    }
    const auto& columns = reader->columns();
    if (!columns.empty() && std::ranges::find(columns, mapping->key) == columns.end()) {
        return give_up(name, name + ":1: the header has no column `" + mapping->key + "`", batch);
    }
    if (position.identity != reader->identity()) {
        position = {.file = name, .identity = reader->identity()};
    }
    reader->seek(position.place);
    const auto done = read_rows(*reader, *mapping, position, max, batch, stop);
    if (!done) return fail(done.error());
    return true;
}

Result<void> FileConnector::read_rows(RowReader& reader, const ObjectMapping& mapping,
                                      Position& position, std::size_t max, Batch& batch,
                                      std::stop_token stop) {
    const std::uint64_t begin = position.place.offset;
    std::vector<Row> rejects;
    while (batch.records.size() + rejects.size() < max && !stop.stop_requested() &&
           reader.place().offset - std::min(begin, reader.place().offset) < kBatchBytes) {
        auto row = reader.next();
        if (!row) return fail(row.error());
        if (!*row) {
            position.finished = true;
            break;
        }
        if ((*row)->problem.empty()) {
            auto record = record_of(mapping, (*row)->values);
            if (record) {
                batch.records.push_back(std::move(*record));
                continue;
            }
            (*row)->problem = record.error().what;
            (*row)->column = column_at_fault(mapping, (*row)->values);
        }
        rejects.push_back(std::move(**row));
    }
    position.place = reader.place();
    for (const Row& row : rejects) {
        std::string place = position.file + ":" + std::to_string(row.line);
        if (row.column > 0) place += ":" + std::to_string(row.column);
        batch.rejects.push_back({mapping.object, "", place + ": " + row.problem, row.raw});
    }
    return file::write_rejects(settings_.failed, position.file, position.identity, rejects);
}

Result<bool> FileConnector::give_up(const std::string& name, const std::string& reason,
                                    Batch& batch) {
    if (const auto done = inbox_.give_up(name, reason); !done) return fail(done.error());
    batch.rejects.push_back({ObjectName{}, "", "file " + name + ": " + reason, ""});
    return false;
}

Result<Record> FileConnector::record_of(const ObjectMapping& mapping,
                                        const Value::Map& values) const {
    const auto op = values.find(settings_.op_field);
    const std::string word =
        op == values.end() ? "" : scalar_text(op->second).value_or("a list or an object");
    if (!word.empty() && word != "delete" && word != "upsert" && word != "create" &&
        word != "update") {
        return fail(ErrorKind::kInvalid, "`" + settings_.op_field + "` is `" + word +
                                             "`; upsert, create, update and delete are known");
    }
    auto record = to_canonical(mapping, values);
    if (!record) return record;
    record->deleted = word == "delete";
    record->partial = record->fields.size() < mapping.fields.size();
    return record;
}

/// Where the value begins that cannot be mapped, in lines of fixed width; 0: nobody can tell.
std::uint64_t FileConnector::column_at_fault(const ObjectMapping& mapping,
                                             const Value::Map& values) const {
    const auto layout = settings_.layouts.find(mapping.object);
    if (layout == settings_.layouts.end()) return 0;
    const auto start_of_column = [&](const std::string& name) -> std::uint64_t {
        const auto at = std::ranges::find(layout->second.columns, name, &file::FixedColumn::name);
        return at == layout->second.columns.end() ? 0 : at->start;
    };
    ObjectMapping one = mapping;
    one.fields.clear();
    one.changed.clear();
    if (!to_canonical(one, values)) return start_of_column(mapping.key);
    for (const FieldMapping& field : mapping.fields) {
        one.fields = {field};
        if (!to_canonical(one, values)) return start_of_column(field.path);
    }
    one.fields.clear();
    one.changed = mapping.changed;
    if (!to_canonical(one, values)) return start_of_column(mapping.changed);
    return start_of_column(settings_.op_field);
}

Result<Written> FileConnector::write(const Command& command, std::stop_token) {
    const auto mapping =
        std::ranges::find(settings_.objects, command.entity.object, &ObjectMapping::object);
    if (mapping == settings_.objects.end()) {
        return fail(ErrorKind::kInvalid,
                    "the object `" + command.entity.object.text + "` is not mapped here");
    }
    const bool removal = command.kind == CommandKind::kDelete;
    auto native = to_native(*mapping, removal ? Fields{} : command.fields);
    if (!native) return fail(native.error());
    // Files give no answer, so a new record is known by its entity's id unless a field is the key.
    const std::string id = command.record ? command.record->text : command.entity.entity.text;
    if (at_path(*native, mapping->key) == nullptr) {
        const auto set = set_path(*native, mapping->key, Value{id});
        if (!set) return fail(set.error(), "key");
    }
    const auto key = scalar_text(*at_path(*native, mapping->key));
    if (!key) return fail(key.error(), "key");
    const char* const op = removal                                ? "delete"
                           : command.kind == CommandKind::kCreate ? "create"
                                                                  : "update";
    native->insert_or_assign(settings_.op_field, Value{op});
    Value::Map about{{"object", command.entity.object.text},
                     {"entity", command.entity.entity.text},
                     {"generation", static_cast<std::int64_t>(command.generation)}};
    if (command.origin == ChangeOrigin::kBackfill) about.emplace("origin", "backfill");
    native->insert_or_assign("syncline", std::move(about));
    const std::string name = safe_name(command.entity.object.text) + "-" +
                             safe_name(command.entity.entity.text) + "-" +
                             std::to_string(command.generation) + ".jsonl";
    const auto written =
        file::write_whole(settings_.outbox / name, to_json(Value{std::move(*native)}) + "\n");
    if (!written) return fail(written.error());
    Record record{.object = command.entity.object, .id = RecordId{*key}, .deleted = removal};
    if (auto normal = agent::normal_form(*mapping, command.fields); normal && !removal) {
        record.fields = std::move(*normal);
    }
    record.partial = true;
    return Written{.id = record.id, .existed = false, .record = record};
}

constexpr TomlReader::Choice<file::Encoding> kEncodings[] = {
    {"utf-8", file::Encoding::kUtf8},
    {"latin-1", file::Encoding::kLatin1},
    {"windows-1252", file::Encoding::kWindows1252},
};

enum class Form : std::uint8_t { kByName, kFixed };
constexpr TomlReader::Choice<Form> kForms[] = {{"auto", Form::kByName}, {"fixed", Form::kFixed}};

/// What is mapped must be a column; a misspelt one would be a field that nobody ever tells.
void check_columns(TomlReader& object, const ObjectMapping& mapping,
                   const file::FixedLayout& layout) {
    std::vector<std::string> wanted{mapping.key};
    for (const FieldMapping& field : mapping.fields) wanted.push_back(field.path);
    for (const std::string& path : {mapping.marker, mapping.changed}) {
        if (!path.empty()) wanted.push_back(path);
    }
    std::vector<std::string> names;
    for (const file::FixedColumn& column : layout.columns) names.push_back(column.name);
    for (const std::string& path : wanted) {
        if (path.empty() || std::ranges::find(names, path) != names.end()) continue;
        object.problem("columns",
                       "has no column `" + path + "`, which is mapped" + did_you_mean(path, names));
    }
}

void read_fixed(TomlReader& connector, TomlReader& objects, Settings& settings) {
    settings.suffix = connector.text("suffix", ".txt");
    if (settings.suffix.empty() || settings.suffix.find('/') != std::string::npos ||
        settings.suffix == ".done") {
        connector.problem("suffix", "must be the end of the files' names, as \".txt\"");
    }
    const bool short_lines = connector.boolean("short_lines", false);
    for (const ObjectMapping& mapping : settings.objects) {
        TomlReader object = objects.table(mapping.object.text);
        if (!object.has("columns")) {
            object.problem("columns", "must name the columns, as `format` is \"fixed\"");
            continue;
        }
        file::FixedLayout layout = file::read_fixed_layout(object.table("columns"));
        layout.short_lines = short_lines;
        check_columns(object, mapping, layout);
        settings.layouts.emplace(mapping.object, std::move(layout));
    }
}

constexpr TomlReader::Choice<file::Ready> kReady[] = {
    {"stable", file::Ready::kStable},
    {"done_file", file::Ready::kDoneFile},
    {"rename", file::Ready::kRename},
};

}  // namespace

std::unique_ptr<Connector> make_file_connector(file::Settings settings, const Clock& clock) {
    return std::make_unique<FileConnector>(std::move(settings), clock);
}

Result<ConnectorFactory> make_file(TomlReader& connector, TomlReader& objects,
                                   const ConnectorContext& context) {
    Settings settings;
    const auto root = context.config_dir / connector.text("directory");
    settings.inbox = root / connector.text("inbox", "in");
    settings.done = root / connector.text("done", "done");
    settings.failed = root / connector.text("failed", "failed");
    settings.outbox = root / connector.text("outbox", "out");
    settings.ready = connector.choice("ready", kReady, settings.ready);
    settings.stable =
        connector.milliseconds("stable_ms", {0, 3'600'000}, std::chrono::milliseconds{2'000});
    const std::string separator = connector.text("separator", ",");
    if (separator.size() == 1 && separator != "\"" && separator != "\n" && separator != "\r") {
        settings.separator = separator[0];
    } else {
        connector.problem("separator", "must be one ASCII character, no quote and no line end");
    }
    settings.line_bytes_max =
        connector.integer<std::size_t>("line_bytes_max", {256, 64 << 20}, settings.line_bytes_max);
    settings.op_field = connector.text("op_field", settings.op_field);
    settings.encoding = connector.choice("encoding", kEncodings, settings.encoding);
    settings.objects = read_object_mappings(objects, {});
    if (connector.choice("format", kForms, Form::kByName) == Form::kFixed) {
        read_fixed(connector, objects, settings);
    }
    const Clock& clock = context.clock;
    return [settings, &clock]() -> Result<std::unique_ptr<Connector>> {
        return make_file_connector(settings, clock);
    };
}

}  // namespace syncline::agent
