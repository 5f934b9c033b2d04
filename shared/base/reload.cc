#include "shared/base/reload.h"

#include <string>
#include <utility>
#include <vector>

#include "shared/base/log.h"

namespace syncline {
namespace {

std::string joined(const std::vector<std::string>& keys) {
    std::string text;
    for (const std::string& key : keys) text += (text.empty() ? "" : ", ") + key;
    return text.empty() ? "none" : text;
}

/// A program may have been started without a file.
Result<FileKeys> keys_of(const std::filesystem::path& file) {
    return file.empty() ? Result<FileKeys>{FileKeys{}} : file_keys(file);
}

}  // namespace

Reload::Reload(std::filesystem::path file) : file_(std::move(file)) {
    if (auto keys = keys_of(file_)) known_ = *std::move(keys);
}

void Reload::could_not_start() {
    log::error("the new settings cannot be used, those of before hold", {{"file", file_.string()}});
    known_.clear();
}

Reload::What Reload::judge(const Result<void>& sound) {
    auto keys = sound ? keys_of(file_) : Result<FileKeys>{fail(sound.error())};
    if (!keys) {
        log::error("the settings are not sound, those of before hold",
                   {{"file", file_.string()}, {"error", keys.error()}});
        return What::kNothing;
    }
    const std::vector<std::string> changed = changed_keys(known_, *keys);
    known_ = *std::move(keys);
    const bool in_place = changed == std::vector<std::string>{"log.level"};
    log::info(in_place ? "new settings, applied in place" : "new settings, applied by a new start",
              {{"file", file_.string()}, {"changed", joined(changed)}});
    return in_place ? What::kInPlace : What::kNewStart;
}

}  // namespace syncline
