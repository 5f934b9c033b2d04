#include "agent/init/interview.h"

#include <algorithm>
#include <cstdio>
#include <utility>

#include "agent/init/draft.h"
#include "shared/policy/policy_toml.h"

namespace syncline::agent::init {
namespace {

std::string trimmed(std::string_view text) {
    const std::size_t begin = text.find_first_not_of(" \t\r");
    if (begin == std::string_view::npos) return {};
    return std::string{text.substr(begin, text.find_last_not_of(" \t\r") - begin + 1)};
}

std::string offered(const Question& question) {
    std::string text;
    for (const std::string& choice : question.choices) {
        text += (text.empty() ? " (" : ", ") + choice;
    }
    if (!text.empty()) text += ")";
    const std::string none = question.required ? "" : ", or none";
    if (!question.fallback.empty()) return text + none + " [" + question.fallback + "]";
    return question.required ? text : text + " [none]";
}

}  // namespace

Interview::Interview(Mode mode, Answers& answers, std::istream& in)
    : mode_(mode), answers_(answers), in_(in) {}

void Interview::problem(const std::string& text) {
    problems_ += (problems_.empty() ? "" : "\n") + text;
}

Result<std::string> Interview::line(const std::string& prompt) {
    std::printf("%s: ", prompt.c_str());
    std::fflush(stdout);
    std::string text;
    if (std::getline(in_, text)) return trimmed(text);
    std::puts("");
    return fail(ErrorKind::kNotFound, "the answers ended at `" + prompt + "`; nothing is written");
}

Result<void> Interview::ask(const Question& question) {
    const auto take = [&](const std::string& value) {
        const bool is_left_out = value.empty() || (!question.required && value == kNone) ||
                                 (question.implied && value == question.fallback);
        if (is_left_out) return;
        answers_.set({question.key, value, question.kind, question.text});
    };
    if (const Answer* const given = answers_.find(question.key)) {
        const std::string value = given->value;
        if (const auto good = check_answer(question, value); !good) {
            problem("--set " + question.key + ": " + good.error().what);
        }
        if (!question.required && value == kNone) {
            answers_.drop(question.key);
        } else {
            answers_.set({question.key, value, question.kind, question.text});
        }
        return {};
    }
    if (!asks()) {
        if (question.fallback.empty() && question.required) {
            problem("--set " + question.key + "=... is missing: " + question.text);
        }
        take(question.fallback);
        return {};
    }
    std::printf("\n%s%s\n", question.text.c_str(), offered(question).c_str());
    for (;;) {
        auto answer = line(question.key);
        if (!answer) return fail(answer.error());
        if (answer->empty()) *answer = question.fallback;
        const auto good = check_answer(question, *answer);
        const bool is_none = answer->empty() && !question.required;
        if (good || is_none) {
            take(*answer);
            return {};
        }
        std::printf("  %s\n", good.error().what.c_str());
    }
}

Result<void> Interview::ask(const std::vector<Question>& questions) {
    for (const Question& question : questions) {
        if (auto asked = ask(question); !asked) return asked;
    }
    return {};
}

// ---- Objects --------------------------------------------------------------------------------

Result<void> Interview::ask_objects(const ConnectorKind& kind, const rest::Profile* profile,
                                    const ConnectorContext& context) {
    for (const std::string& object : answers_.names_below("objects")) {
        if (auto asked = ask_object(kind, profile, object, context); !asked) return asked;
    }
    if (!asks()) {
        if (answers_.names_below("objects").empty()) {
            problem(
                "--set objects.OBJECT.native=... is missing: at least one object, by the "
                "policy's name of it, and what the platform calls it");
        }
        return {};
    }
    std::puts("\nObjects, by the policy's names: customer, order, ... An empty line ends them.");
    for (;;) {
        const auto object = line("object");
        if (!object) return fail(object.error());
        const bool is_first = answers_.names_below("objects").empty();
        if (object->empty() && !is_first) return {};
        if (!is_policy_name(*object)) {
            std::puts(object->empty()
                          ? "  at least one is needed"
                          : "  must be small letters, digits and `_`, a letter first, 64 at most");
            continue;
        }
        if (auto asked = ask_object(kind, profile, *object, context); !asked) return asked;
    }
}

Result<void> Interview::ask_object(const ConnectorKind& kind, const rest::Profile* profile,
                                   const std::string& object, const ConnectorContext& context) {
    const std::string at = "objects." + object;
    const std::vector<Question> questions = object_questions(kind.name, object, profile);
    if (auto asked = ask(questions.front()); !asked) return asked;
    const bool has_fields = !answers_.names_below(at + ".fields").empty();
    if (kind.columns != nullptr && !has_fields) {
        if (auto looked = look_at_columns(kind, object, context); !looked) return looked;
    }
    for (std::size_t i = 1; i < questions.size(); ++i) {
        if (asks() && answers_.find(questions[i].key) != nullptr) continue;  // Proposed, and taken.
        if (auto asked = ask(questions[i]); !asked) return asked;
    }
    const bool polls = kind.name == "mariadb" || kind.name == "sqlite";
    if (polls && answers_.find(at + ".changed") == nullptr &&
        answers_.find(at + ".outbox") == nullptr) {
        answers_.set({at + ".outbox", "true", AnswerKind::kPlain,
                      "No stamp: changes are found by triggers, which `syncline-agent triggers` "
                      "prints"});
    }
    return ask_fields(object);
}

void Interview::say_unread(const std::string& object, const std::string& why) {
    if (asks()) {
        std::printf("  the columns could not be read: %s\n", why.c_str());
    } else {
        problem("--set objects." + object +
                ".fields.FIELD=PATH is missing, and the columns could not be read: " + why);
    }
}

Result<void> Interview::look_at_columns(const ConnectorKind& kind, const std::string& object,
                                        const ConnectorContext& context) {
    // The draft of now, as its own reader would have it; its problems are told at the end.
    auto root = TomlReader::parse(draft_of(answers_), "draft");
    if (!root) return {};
    TomlReader connector = root->table("connector");
    const std::string native = answers_.value("objects." + object + ".native");
    const auto columns = kind.columns(connector, native, context, {});
    if (!columns) {
        say_unread(object, columns.error().what);
        return {};
    }
    Answers proposed = answers_;
    const std::vector<std::string> notes = propose(proposed, object, *columns);
    const std::string at = "objects." + object;
    std::printf("\n%s has these columns; proposed is:\n", native.c_str());
    for (const char* setting : {".key", ".marker", ".changed"}) {
        const std::string value = proposed.value(at + setting);
        if (!value.empty()) std::printf("  %s = %s\n", setting + 1, value.c_str());
    }
    for (const std::string& field : proposed.names_below(at + ".fields")) {
        const std::string key = at + ".fields." + field;
        const std::string type = proposed.value(key + ".type");
        std::printf("  field %s = %s%s%s\n", field.c_str(), proposed.value(key).c_str(),
                    type.empty() ? "" : ", ", type.c_str());
    }
    for (const std::string& note : notes) std::printf("  %s\n", note.c_str());
    if (asks()) {
        for (;;) {
            auto answer = line("take all of that? (yes, no) [yes]");
            if (!answer) return fail(answer.error());
            if (*answer == "no") return {};
            if (answer->empty() || *answer == "yes") break;
            std::puts("  must be yes or no");
        }
    }
    answers_ = std::move(proposed);
    return {};
}

Result<void> Interview::ask_fields(const std::string& object) {
    const std::string at = "objects." + object + ".fields";
    if (!asks()) {
        const bool told = problems_.find("objects." + object + ".fields") != std::string::npos;
        if (answers_.names_below(at).empty() && !told) {
            problem("--set objects." + object +
                    ".fields.FIELD=PATH is missing: at least one field, by the policy's name of "
                    "it, and where the platform has it");
        }
        return {};
    }
    std::puts(
        "\nFields: FIELD = PATH, or FIELD:TYPE = PATH with a type of integer, decimal, bool, "
        "date,\ntimestamp, enum, string. An empty line ends them.");
    for (;;) {
        const auto text = line(object + " field");
        if (!text) return fail(text.error());
        const bool is_first = answers_.names_below(at).empty();
        if (text->empty() && !is_first) return {};
        const std::size_t equals = text->find('=');
        if (equals == std::string::npos) {
            std::puts(text->empty() ? "  at least one is needed"
                                    : "  must be FIELD = PATH, such as email = Email__c");
            continue;
        }
        const std::string name = trimmed(text->substr(0, equals));
        const std::string path = trimmed(text->substr(equals + 1));
        if (path.empty()) {
            std::puts("  the path is missing");
            continue;
        }
        const auto taken = take_setting(answers_, at + "." + name + "=" + path);
        if (!taken) {
            const std::string& what = taken.error().what;
            std::printf("  %s\n", what.substr(what.find(": ") + 2).c_str());
        }
    }
}

}  // namespace syncline::agent::init
