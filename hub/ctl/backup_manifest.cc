#include "hub/ctl/backup_manifest.h"

#include <algorithm>
#include <filesystem>

#include "hub/ctl/cluster.h"
#include "shared/base/json.h"

namespace syncline::ctl {
namespace {

constexpr std::size_t kDigits = 64;

Value::Map map_of(const BackupFile& file) {
    return {{"file", file.name}, {"bytes", number(file.bytes)}, {"sha256", file.sha256}};
}

const Value::List& list_in(const Announced& map, std::string_view name) {
    static const Value::List kNone;
    const Value* value = map.find(name);
    const auto* list = value == nullptr ? nullptr : value->get<Value::List>();
    return list == nullptr ? kNone : *list;
}

Announced map_from(const Value& value) {
    const auto* map = value.get<Value::Map>();
    return Announced{map == nullptr ? Value::Map{} : *map};
}

/// A name leads to no file outside of the backup, however it was written.
bool is_inside(std::string_view name) {
    const std::filesystem::path path{name};
    return !name.empty() && path.is_relative() && std::ranges::find(path, "..") == path.end() &&
           name.find('\0') == std::string_view::npos;
}

Result<BackupFile> file_from(const Announced& map) {
    BackupFile file{map.text("file"), map.count("bytes"), map.text("sha256")};
    const bool hex = file.sha256.size() == kDigits &&
                     file.sha256.find_first_not_of("0123456789abcdef") == std::string::npos;
    if (!is_inside(file.name) || !hex) {
        return fail(ErrorKind::kCorrupt, "the manifest names a part that cannot be one");
    }
    return file;
}

Result<BackupStream> stream_from(const Announced& map) {
    auto file = file_from(map);
    if (!file) return fail(file.error());
    BackupStream stream{.name = map.text("stream"),
                        .file = *std::move(file),
                        .config = map.inner("config").fields(),
                        .state = map.inner("state").fields()};
    const Announced state = map.inner("state");
    stream.first = state.count("first_seq");
    stream.last = state.count("last_seq");
    stream.messages = state.count("messages");
    if (map.inner("config").text("name") == stream.name && !stream.name.empty()) return stream;
    return fail(ErrorKind::kCorrupt, "the manifest has a stream without a configuration");
}

}  // namespace

std::uint64_t BackupManifest::bytes() const {
    std::uint64_t sum = 0;
    for (const BackupStream& stream : streams) sum += stream.file.bytes;
    for (const BackupFile& file : files) sum += file.bytes;
    return sum;
}

std::string to_text(const BackupManifest& manifest) {
    Value::List streams;
    for (const BackupStream& stream : manifest.streams) {
        Value::Map map = map_of(stream.file);
        map.emplace("stream", stream.name);
        map.emplace("config", stream.config);
        map.emplace("state", stream.state);
        streams.emplace_back(std::move(map));
    }
    Value::List files;
    for (const BackupFile& file : manifest.files) files.emplace_back(map_of(file));
    Value::List platforms;
    for (const std::string& platform : manifest.platforms) platforms.emplace_back(platform);
    return to_json_lines(Value::Map{{"syncline_backup", BackupManifest::kFormat},
                                    {"made_by", manifest.made_by},
                                    {"server_version", manifest.server},
                                    {"began", to_string(manifest.began)},
                                    {"ended", to_string(manifest.ended)},
                                    {"policy_version", number(manifest.policy)},
                                    {"policy_hash", manifest.policy_hash},
                                    {"platforms", std::move(platforms)},
                                    {"streams", std::move(streams)},
                                    {"files", std::move(files)}}) +
           "\n";
}

Result<BackupManifest> parse_backup_manifest(std::string_view text) {
    const auto value = parse_json(text);
    if (!value) return fail(ErrorKind::kCorrupt, "the manifest is no JSON: " + value.error().what);
    const Announced map = map_from(*value);
    const auto format = static_cast<std::int64_t>(map.count("syncline_backup"));
    if (format == 0) return fail(ErrorKind::kCorrupt, "the manifest is none of a backup");
    if (format > BackupManifest::kFormat) {
        return fail(ErrorKind::kUnsupported, "the backup was made by a later synclinectl (" +
                                                 map.text("made_by") +
                                                 "), which has to restore it");
    }
    BackupManifest manifest{.made_by = map.text("made_by"),
                            .server = map.text("server_version"),
                            .began = map.time("began"),
                            .ended = map.time("ended"),
                            .policy = map.count("policy_version"),
                            .policy_hash = map.text("policy_hash"),
                            .platforms = {},
                            .streams = {},
                            .files = {}};
    for (const Value& one : list_in(map, "platforms")) {
        if (const auto* name = one.get<std::string>()) manifest.platforms.push_back(*name);
    }
    for (const Value& one : list_in(map, "streams")) {
        auto stream = stream_from(map_from(one));
        if (!stream) return fail(stream.error());
        manifest.streams.push_back(*std::move(stream));
    }
    for (const Value& one : list_in(map, "files")) {
        auto file = file_from(map_from(one));
        if (!file) return fail(file.error());
        manifest.files.push_back(*std::move(file));
    }
    if (manifest.streams.empty()) return fail(ErrorKind::kCorrupt, "the manifest has no streams");
    return manifest;
}

}  // namespace syncline::ctl
