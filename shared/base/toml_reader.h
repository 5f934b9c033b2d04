#pragma once

#include <chrono>
#include <concepts>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "shared/base/result.h"
#include "shared/base/secret.h"
#include "shared/base/source_place.h"

namespace syncline {

/// Reads one table of a TOML file into checked values and collects every problem on the way:
///
///     auto read = TomlReader::load("hub.toml");
///     if (!read) return fail(read.error());
///     config.nats_url = read->text("nats_url");
///     config.fetch_wait = read->milliseconds("fetch_wait_ms", {1, 30'000}, config.fetch_wait);
///     if (const auto done = read->finish(); !done) return fail(done.error());
///
/// A getter that finds something wrong notes the problem and returns its fallback (or an empty
/// value), so that reading goes on. A getter with a fallback takes an absent key for it; a getter
/// without one makes the key required. Keys that nobody asked for are problems too.
///
/// Lifetime: readers of one file share it; each keeps it alive. Threading: not synchronised.
class TomlReader {
public:
    /// Both ends included.
    struct Range {
        std::int64_t min = std::numeric_limits<std::int64_t>::min();
        std::int64_t max = std::numeric_limits<std::int64_t>::max();
    };
    /// What a key holds, where more than one kind is welcome.
    enum class Kind : std::uint8_t { kAbsent, kText, kInteger, kBoolean, kList, kTable, kOther };
    template <class E>
    struct Choice {
        std::string_view name;
        E value;
    };

    /// The root table of `text`; `file` only names it in messages. kInvalid: not TOML, not UTF-8.
    /// kTooLarge: over a limit of TomlLimits (toml_guard.h). Errors begin with `file:line:column`.
    static Result<TomlReader> parse(std::string_view text, std::string_view file);
    /// The same of a file. Also kNotFound, kDenied, kUnavailable: it could not be read.
    static Result<TomlReader> load(const std::filesystem::path& path);

    [[nodiscard]] std::string text(std::string_view key);
    [[nodiscard]] std::string text(std::string_view key, std::string_view fallback);

    template <std::integral T>
    [[nodiscard]] T integer(std::string_view key, Range allowed, T fallback) {
        return static_cast<T>(
            integer_or(key, narrowed<T>(allowed), static_cast<std::int64_t>(fallback)));
    }
    template <std::integral T = std::int64_t>
    [[nodiscard]] T integer(std::string_view key, Range allowed) {
        return static_cast<T>(integer_or(key, narrowed<T>(allowed), std::nullopt));
    }

    [[nodiscard]] bool boolean(std::string_view key, bool fallback);

    /// Whole numbers; the key ends in the unit: `fetch_wait_ms`, `lease_s`.
    [[nodiscard]] std::chrono::milliseconds milliseconds(std::string_view key, Range allowed,
                                                         std::chrono::milliseconds fallback);
    [[nodiscard]] std::chrono::seconds seconds(std::string_view key, Range allowed,
                                               std::chrono::seconds fallback);

    /// A list of text; no element twice.
    [[nodiscard]] std::vector<std::string> texts(std::string_view key);
    [[nodiscard]] std::vector<std::string> texts(std::string_view key,
                                                 std::vector<std::string> fallback);

    /// One of the names, e.g. `static constexpr TomlReader::Choice<Mode> kModes[] = {...}`.
    template <class E, std::size_t N>
    [[nodiscard]] E choice(std::string_view key, const Choice<E> (&choices)[N], E fallback) {
        const std::size_t at = choice_index(key, names_of(choices), Need::kOptional);
        return at < N ? choices[at].value : fallback;
    }
    /// Required; the first one stands in if it is missing.
    template <class E, std::size_t N>
    [[nodiscard]] E choice(std::string_view key, const Choice<E> (&choices)[N]) {
        const std::size_t at = choice_index(key, names_of(choices), Need::kRequired);
        return choices[at < N ? at : 0].value;
    }

    /// `{ file = "/path" }`, `{ env = "NAME" }` or `{ credential = "name" }`, not loaded yet. A
    /// value written into the configuration itself is refused.
    [[nodiscard]] Secret secret(std::string_view key);
    /// The same; absent is not configured().
    [[nodiscard]] Secret optional_secret(std::string_view key);

    /// A sub-table. An absent one reads as empty: its defaults hold, its required keys are missing.
    [[nodiscard]] TomlReader table(std::string_view key);
    /// A sub-table that may be left out with its required keys.
    [[nodiscard]] std::optional<TomlReader> optional_table(std::string_view key);
    /// An array of tables, `[[key]]`; absent is empty.
    [[nodiscard]] std::vector<TomlReader> tables(std::string_view key);

    /// The names in this table, sorted; for tables whose keys the user chooses.
    [[nodiscard]] std::vector<std::string> keys() const;
    [[nodiscard]] Kind kind(std::string_view key) const;
    [[nodiscard]] bool has(std::string_view key) const { return kind(key) != Kind::kAbsent; }

    /// Where this table begins.
    [[nodiscard]] SourcePlace place() const;
    /// Where the value of `key` stands; the table's place if it is absent.
    [[nodiscard]] SourcePlace place(std::string_view key) const;

    /// Notes a problem of the caller's own with the value of `key`, or with its element `index`:
    /// "file:1:2: `path.of.key` <what>".
    void problem(std::string_view key, const std::string& what);
    void problem(std::string_view key, std::size_t index, const std::string& what);
    /// Notes that `key` itself should not be there.
    void key_problem(std::string_view key, const std::string& what);

    /// Refuses the keys that nobody asked for, in all tables that were opened, and tells all
    /// problems of the file, one a line in the order of the file. kInvalid if there is any. Call it
    /// once, on any reader of the file, after everything was read.
    [[nodiscard]] Result<void> finish();

private:
    struct Document;
    enum class Need : std::uint8_t { kOptional, kRequired };

    TomlReader(std::shared_ptr<Document> document, std::size_t table);

    template <class T>
    static Range narrowed(Range range) {
        if (std::cmp_less(range.min, std::numeric_limits<T>::min())) {
            range.min = static_cast<std::int64_t>(std::numeric_limits<T>::min());
        }
        if (std::cmp_greater(range.max, std::numeric_limits<T>::max())) {
            range.max = static_cast<std::int64_t>(std::numeric_limits<T>::max());
        }
        return range;
    }
    template <class E, std::size_t N>
    static std::vector<std::string> names_of(const Choice<E> (&choices)[N]) {
        std::vector<std::string> names;
        for (const Choice<E>& choice : choices) names.emplace_back(choice.name);
        return names;
    }

    std::string text_or(std::string_view key, std::optional<std::string_view> fallback);
    std::int64_t integer_or(std::string_view key, Range allowed,
                            std::optional<std::int64_t> fallback);
    std::vector<std::string> texts_or(std::string_view key,
                                      std::optional<std::vector<std::string>> fallback);
    /// Index of the chosen name; past the end if it is absent or wrong.
    std::size_t choice_index(std::string_view key, const std::vector<std::string>& names,
                             Need need);
    Secret read_secret(std::string_view key, Need need);
    [[nodiscard]] std::string path_of(std::string_view key) const;
    void missing(std::string_view key);

    std::shared_ptr<Document> document_;
    std::size_t table_ = 0;  ///< Index of the table among those that were opened.
};

}  // namespace syncline
