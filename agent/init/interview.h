#pragma once

#include <istream>
#include <optional>
#include <string>
#include <vector>

#include "agent/connectors/registry.h"
#include "agent/init/answers.h"

namespace syncline::agent::init {

/// Collects what a file needs, from what was given, by asking, and by what holds unless told
/// otherwise. Every answer is checked at once.
class Interview {
public:
    enum class Mode : std::uint8_t {
        kAsk,   ///< What is not known is asked for; a wrong answer is asked for again.
        kTake,  ///< Nothing is asked: fallbacks hold, and what is missing or wrong is collected.
    };
    Interview(Mode mode, Answers& answers, std::istream& in);

    /// Makes sure of an answer. kNotFound: the answers ended before it.
    [[nodiscard]] Result<void> ask(const Question& question);
    [[nodiscard]] Result<void> ask(const std::vector<Question>& questions);
    /// Objects and their fields. `profile` may be null; `kind` has columns where it is a database.
    [[nodiscard]] Result<void> ask_objects(const ConnectorKind& kind, const rest::Profile* profile,
                                           const ConnectorContext& context);
    /// kTake: all that is missing or wrong, one a line; empty: nothing.
    [[nodiscard]] const std::string& problems() const { return problems_; }
    [[nodiscard]] bool asks() const { return mode_ == Mode::kAsk; }

private:
    [[nodiscard]] Result<std::string> line(const std::string& prompt);
    [[nodiscard]] Result<void> ask_object(const ConnectorKind& kind, const rest::Profile* profile,
                                          const std::string& object,
                                          const ConnectorContext& context);
    [[nodiscard]] Result<void> look_at_columns(const ConnectorKind& kind, const std::string& object,
                                               const ConnectorContext& context);
    [[nodiscard]] Result<void> ask_fields(const std::string& object);
    void say_unread(const std::string& object, const std::string& why);
    void problem(const std::string& text);

    Mode mode_;
    Answers& answers_;
    std::istream& in_;
    std::string problems_;
};

}  // namespace syncline::agent::init
