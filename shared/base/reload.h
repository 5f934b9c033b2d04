#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <utility>

#include "shared/base/file_keys.h"
#include "shared/base/service.h"

namespace syncline {

/// What SIGHUP is to do about a program's file of settings, by what has changed in it since it was
/// read; it is logged which keys those are.
class Reload {
public:
    enum class What : std::uint8_t {
        kNothing,   ///< The file is not sound; what was read before holds. It is logged.
        kInPlace,   ///< Only `log.level` has changed, which applies while the work goes on.
        kNewStart,  ///< Something else has changed, or nothing has (but maybe what it refers to).
    };
    /// `file` may be empty: there is none.
    explicit Reload(std::filesystem::path file);

    /// After the new file was read: `sound` says with which result.
    [[nodiscard]] What judge(const Result<void>& sound);
    /// What was read last could not be used after all: the next time all of it is new.
    void could_not_start();

private:
    std::filesystem::path file_;
    FileKeys known_;
};

/// How a run of a program has ended.
template <class Settings>
struct Ended {
    int code = 0;
    bool had_begun = false;        ///< It got as far as its work; else its settings are of no use.
    std::optional<Settings> next;  ///< Those that want a new start; nullopt: it is to end.
};

/// Until the program is to end, with its exit code: settings that SIGHUP brings, and that cannot be
/// applied in place, begin anew in here; if they cannot be used, those of before do. `run` takes
/// settings and the Reload, and gives Ended.
template <class Settings, class Run>
int run_reloading(const std::filesystem::path& file, Settings settings, const Run& run) {
    service::handle_reload_signal();
    Reload reload{file};
    std::optional<Settings> former;
    for (;;) {
        Ended<Settings> ended = run(settings, reload);
        if (service::stop_requested()) return ended.code;
        if (!ended.had_begun && former) {
            reload.could_not_start();
            settings = *std::exchange(former, {});
        } else if (ended.next) {
            former = std::exchange(settings, *std::move(ended.next));
        } else {
            return ended.code;
        }
    }
}

}  // namespace syncline
