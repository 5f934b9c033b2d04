#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "agent/connectors/rest/profile.h"
#include "shared/base/result.h"

namespace syncline::agent::init {

/// What an answer must be, and how it stands in the file.
enum class AnswerKind : std::uint8_t {
    kText,
    kName,    ///< Small letters, digits and `_`.
    kUrl,     ///< http:// or https://
    kWords,   ///< A list; blanks between.
    kSecret,  ///< Where a secret stands: credential:NAME, file:PATH or env:NAME. Never itself.
    kPlain,   ///< Of a setting that nobody is asked for: numbers, booleans, lists and tables are
              ///< TOML as they stand, a reference is a secret's, all else is text.
};

/// Something that init wants to know. Its key is the setting's own, so there is one name for what
/// is asked, what `--set` gives, and what stands in the file.
struct Question {
    std::string key;   ///< "connector.base_url"
    std::string text;  ///< For people; stands above the setting in the file, too.
    AnswerKind kind = AnswerKind::kText;
    std::string fallback;              ///< What holds if nothing is answered.
    bool required = true;              ///< false: `none` leaves it out, fallback or not.
    bool implied = false;              ///< The fallback holds without standing in the file.
    std::vector<std::string> choices;  ///< Not empty: one of these.
};

/// The answer that leaves out what is not required.
inline constexpr std::string_view kNone = "none";

/// kInvalid: what the answer must be. Never tells the answer of a kSecret.
[[nodiscard]] Result<void> check_answer(const Question& question, std::string_view answer);

struct Answer {
    std::string key;
    std::string value;
    AnswerKind kind = AnswerKind::kPlain;
    std::string comment;
};

/// What is known of the file so far, in the order in which it came to be known.
class Answers {
public:
    /// A later answer takes the place of an earlier one.
    void set(Answer answer);
    void drop(std::string_view key);
    /// nullptr: there is none.
    [[nodiscard]] const Answer* find(std::string_view key) const;
    /// Empty if there is none.
    [[nodiscard]] std::string value(std::string_view key) const;
    [[nodiscard]] const std::vector<Answer>& all() const { return all_; }
    /// Names directly below `key.`, in their order: objects, fields.
    [[nodiscard]] std::vector<std::string> names_below(std::string_view key) const;

private:
    std::vector<Answer> all_;
};

/// What the file needs before its connector's own: platform, store, servers.
[[nodiscard]] Question platform_question(std::string fallback);
[[nodiscard]] std::vector<Question> agent_questions(const std::string& platform);
/// `[connector]` of a kind; `rest` has credential_questions(), too.
[[nodiscard]] std::vector<Question> connector_questions(std::string_view kind);
/// How to log in by a profile.
[[nodiscard]] Question auth_question(rest::AuthKind profile_kind);
[[nodiscard]] std::vector<Question> credential_questions(std::string_view auth_kind,
                                                         const rest::Profile& profile);
/// Of an object: all but its fields. `profile` is null where there is none.
[[nodiscard]] std::vector<Question> object_questions(std::string_view kind,
                                                     const std::string& object,
                                                     const rest::Profile* profile);

}  // namespace syncline::agent::init
