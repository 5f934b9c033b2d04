#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

#include "shared/base/result.h"

namespace syncline {

/// A password, token or key that the configuration names but never holds: it stands in a file, in
/// an environment variable or in a systemd credential. Reading the configuration makes a Secret
/// without value; load() fetches the value, again after it was rotated.
///
/// The value is only given by reveal(), cannot be streamed or formatted, and is overwritten in
/// memory when the Secret is destroyed, assigned or loaded again. Copies hold their own value.
/// Threading: not synchronised.
class Secret {
public:
    enum class Source : std::uint8_t {
        kNone,         ///< Not configured: the value is empty.
        kFile,         ///< The content of a file, less one line end.
        kEnvironment,  ///< An environment variable.
        kCredential,   ///< A file of that name in $CREDENTIALS_DIRECTORY, see systemd.exec(5).
    };
    static constexpr std::size_t kBytesMax = 64u << 10;

    Secret() = default;
    Secret(Source source, std::string name) : source_(source), name_(std::move(name)) {}
    Secret(const Secret&) = default;
    Secret(Secret&&) noexcept = default;  // A vector's bytes move without being copied.
    Secret& operator=(const Secret& other);
    Secret& operator=(Secret&& other) noexcept;
    ~Secret() { clear(); }

    [[nodiscard]] bool configured() const { return source_ != Source::kNone; }
    /// Where the value comes from, for messages: "file /etc/syncline/erp.token".
    [[nodiscard]] std::string source_text() const;

    /// Fetches the value. Blocks for one small local file. Errors name the source, never the value,
    /// and leave the old value. kNotFound: no such file, variable or credential. kDenied: it may
    /// not be read. kInvalid: it is empty, or no regular file. kTooLarge: over kBytesMax.
    [[nodiscard]] Result<void> load();

    /// The value; empty before load(). Valid until the Secret is changed or destroyed.
    [[nodiscard]] std::string_view reveal() const { return {value_.data(), value_.size()}; }

    friend std::ostream& operator<<(std::ostream&, const Secret&) = delete;

private:
    void clear() noexcept;
    Result<void> load_file(const std::string& path);

    Source source_ = Source::kNone;
    std::string name_;
    std::vector<char> value_;  ///< Not a string: moving a short string leaves its bytes behind.
};

}  // namespace syncline
