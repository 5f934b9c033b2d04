#include "shared/base/file_keys.h"

#include <sstream>

#include "shared/base/text_file.h"
#include "shared/base/toml_guard.h"
#include "shared/base/toml_library.h"

namespace syncline {
namespace {

void collect(const toml::node& node, const std::string& name, FileKeys& out) {
    if (const toml::table* table = node.as_table()) {
        for (const auto& [key, value] : *table) {
            const std::string part{key.str()};
            collect(value, name.empty() ? part : name + "." + part, out);
        }
    } else if (const toml::array* array = node.as_array(); array && array->is_array_of_tables()) {
        for (std::size_t at = 0; at < array->size(); ++at) {
            collect((*array)[at], name + "[" + std::to_string(at) + "]", out);
        }
    } else {
        std::ostringstream text;
        node.visit([&](const auto& value) { text << value; });
        out.emplace(name, text.str());
    }
}

}  // namespace

Result<FileKeys> file_keys(const std::filesystem::path& path) {
    const auto text = read_text_file(path, TomlLimits{}.bytes_max);
    if (!text) return fail(text.error());
    if (auto sound = guard_toml(*text, path.string()); !sound) return fail(sound.error());
    try {
        FileKeys keys;
        collect(toml::parse(*text, path.string()), {}, keys);
        return keys;
    } catch (const std::exception& error) {
        return fail(ErrorKind::kInvalid, path.string() + ": " + error.what());
    }
}

std::vector<std::string> changed_keys(const FileKeys& before, const FileKeys& now) {
    std::vector<std::string> changed;
    auto old = before.begin();
    auto fresh = now.begin();
    while (old != before.end() || fresh != now.end()) {
        if (fresh == now.end() || (old != before.end() && old->first < fresh->first)) {
            changed.push_back((old++)->first);
        } else if (old == before.end() || fresh->first < old->first) {
            changed.push_back((fresh++)->first);
        } else {
            if (old->second != fresh->second) changed.push_back(old->first);
            ++old;
            ++fresh;
        }
    }
    return changed;
}

}  // namespace syncline
