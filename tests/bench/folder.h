#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>

namespace syncline::bench {

/// A folder of its own below the one for temporary files; gone with the object. None can be made:
/// throws std::runtime_error.
class Folder {
public:
    Folder() {
        std::string pattern = (std::filesystem::temp_directory_path() / "syncline-XXXXXX").string();
        if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary folder");
        path_ = pattern;
    }
    ~Folder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;

    [[nodiscard]] const std::filesystem::path& path() const { return path_; }
    /// The path of the file that was written.
    [[nodiscard]] std::string write(const std::string& name, const std::string& text) const {
        std::ofstream{path_ / name} << text;
        return (path_ / name).string();
    }

private:
    std::filesystem::path path_;
};

}  // namespace syncline::bench
