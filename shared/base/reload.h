#pragma once

#include <filesystem>
#include <functional>
#include <string_view>

#include "shared/base/file_keys.h"

namespace syncline {

/// What SIGHUP is to do about a program's file of settings, by what has changed in it since it was
/// read; it is logged which keys those are.
class Reload {
public:
    enum class What : std::uint8_t {
        kNothing,   ///< The file is not sound; what was read before holds. It is logged.
        kInPlace,   ///< All that has changed can be applied while the work goes on.
        kNewStart,  ///< Something else has changed, or nothing has (but maybe what it refers to).
    };
    /// `file` may be empty: there is none. `in_place`: does this key, as FileKeys has it, apply
    /// while the work goes on?
    Reload(std::filesystem::path file, std::function<bool(std::string_view key)> in_place);

    /// After the new file was read: `sound` says with which result.
    [[nodiscard]] What judge(const Result<void>& sound);
    /// What was read last could not be used after all: the next time all of it is new.
    void could_not_start();

private:
    std::filesystem::path file_;
    std::function<bool(std::string_view key)> in_place_;
    FileKeys known_;
};

}  // namespace syncline
