#pragma once

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

namespace syncline::test {

/// A file of settings with every commented-out setting put to work: `# key = value` becomes
/// `key = value`. Lines of the keys in `except` stay comments (they exclude each other).
inline std::string uncommented(const std::filesystem::path& file,
                               std::initializer_list<std::string_view> except) {
    std::ifstream in{file};
    std::ostringstream out;
    for (std::string line; std::getline(in, line);) {
        const auto equals = line.find(" = ");
        const bool setting = line.starts_with("# ") && equals != std::string::npos &&
                             line.find_first_not_of("abcdefghijklmnopqrstuvwxyz_", 2) == equals;
        bool keep = setting;
        for (const std::string_view key : except) {
            if (setting && line.substr(2, equals - 2) == key) keep = false;
        }
        out << (keep ? line.substr(2) : line) << '\n';
    }
    return out.str();
}

}  // namespace syncline::test
