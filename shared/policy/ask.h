#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "shared/base/result.h"
#include "shared/base/timestamp.h"
#include "shared/base/toml_reader.h"
#include "shared/policy/expression.h"
#include "shared/policy/field_spec.h"

/// Questions that are answered at once: what they look like, whoever answers them.
namespace syncline {

/// Who answers a question, and so what may be built on it. The three are kept apart: a system
/// question asks one platform, a process one concerns a workflow, an experience one puts several
/// together for a user interface.
enum class ApiClass : std::uint8_t { kSystem, kProcess, kExperience };
[[nodiscard]] const char* name_of(ApiClass api_class);  ///< "system", "process", "experience".

struct AskForm {
    std::string name;  ///< `credit_status`.
    std::string description;
    std::string version = "1.0.0";  ///< SemVer: a higher first number breaks who asks.
    std::string owner;              ///< Who answers for it; people, not a platform.
    std::vector<FieldSpec> input;   ///< Sorted by name.
    std::vector<FieldSpec> output;  ///< The same.
    Duration deadline{std::chrono::seconds{2}};
    std::uint32_t per_second = 0;  ///< Answered at most; 0: no limit.
    std::uint32_t burst = 1;       ///< How many may come at once, of what was not asked before.
    SourcePlace place;
};

/// A form from its table: `description`, `version`, `owner`, `input`, `output`, `deadline_ms`,
/// `per_second`, `burst`. Problems are noted in `in`.
enum class AskOutput : std::uint8_t {
    kDeclared,  ///< By types.
    kComputed,  ///< By what is none of the form's.
};
[[nodiscard]] AskForm read_ask_form(TomlReader& in, std::string_view name,
                                    AskOutput output = AskOutput::kDeclared);

/// The same for an operation that workflows ask for: without a rate, and with a minute's deadline.
[[nodiscard]] AskForm read_operation_form(TomlReader& in, std::string_view name);

/// What to do with a name that the form does not have.
enum class Unknown : std::uint8_t { kRefuse, kDrop };

/// Checks values against their fields: the types, what is required, no others. A text where the
/// type is a decimal, a date or a time is read as one, as JSON has none of these. kInvalid: all
/// that is wrong, one thing after the other.
[[nodiscard]] Result<Fields> take_values(std::span<const FieldSpec> fields, const Value& object,
                                         Unknown unknown);

/// The values as a JSON object has them: decimals are numbers, dates and times texts.
[[nodiscard]] Value::Map to_map(const Fields& values);

/// The HTTP status that says the same as the kind.
[[nodiscard]] int http_status(ErrorKind kind);
/// What is answered instead: `{"ask", "error": {"status", "kind", "text"}}`.
[[nodiscard]] Value::Map error_answer(std::string_view ask, const Error& error);

/// "erp.credit_status" in two; nothing if it has not exactly one dot between two names.
struct AskName {
    PlatformId platform;
    std::string operation;
};
[[nodiscard]] std::optional<AskName> parse_ask_name(std::string_view text);

/// One question of a composite one.
struct AskPart {
    std::string name;  ///< What expressions call its answer by: `credit_status` is `status` of it.
    AskName ask;
    /// Its input: each field, and what it is, by the composite's own input.
    std::vector<std::pair<FieldName, Expression>> with;
    bool required = true;  ///< Without its answer there is no verdict.
    SourcePlace place;
};

/// A question that hubs answer by asking several at once: yes, no, or not known, and why.
/// Expressions see the input, of each part `<part>_<field>`, and `<part>_ok`, whether it answered.
struct CompositeAsk {
    AskForm form;
    std::vector<AskPart> parts;  ///< Sorted by name.
    struct Reason {
        Expression when;
        std::string text;  ///< What to tell people.
        SourcePlace place;
    };
    std::vector<Reason> reasons;  ///< Why not; in order of the file.
    std::vector<std::pair<FieldName, Expression>> output;
};

/// `[asks.NAME]` of a policy; problems are noted in `in`.
[[nodiscard]] CompositeAsk read_composite_ask(TomlReader& in, std::string_view name);

/// What one part has told.
struct PartAnswer {
    std::optional<Fields> values;  ///< Nothing: it failed.
    std::string source;            ///< `live`, `cache`, `stale`, `fallback`.
    std::string error;
};

/// The input of a part. kInvalid: an expression failed.
[[nodiscard]] Result<Fields> input_of(const AskPart& part, const Fields& input);

enum class AskVerdict : std::uint8_t { kYes, kNo, kUnknown };
[[nodiscard]] const char* name_of(AskVerdict verdict);  ///< "yes", "no", "unknown".
struct Judgement {
    AskVerdict verdict = AskVerdict::kUnknown;
    std::vector<std::string> reasons;  ///< Why not, or why it is not known.
    Fields values;                     ///< The output.
};
/// What the answers, in the order of the parts, come to. Pure.
[[nodiscard]] Judgement judge(const CompositeAsk& ask, const Fields& input,
                              std::span<const PartAnswer> answers);

}  // namespace syncline
