#include "hub/ctl/exceptions_rule.h"

#include <algorithm>
#include <tuple>

namespace syncline::ctl {
namespace {

constexpr std::pair<RuleDecision, const char*> kNames[] = {
    {RuleDecision::kAccept, "accept"},
    {RuleDecision::kReject, "reject"},
    {RuleDecision::kDiscard, "discard"},
    {RuleDecision::kImmaterial, "immaterial"},
};

std::string toml_text(std::string_view text) {
    std::string out = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') out += '\\';
        out += c;
    }
    return out + "\"";
}

std::string list_of(const std::vector<FieldName>& fields) {
    std::string out;
    for (const FieldName& field : fields) out += (out.empty() ? "" : ", ") + toml_text(field.text);
    return "[" + out + "]";
}

// ---- Text of the files. -----------------------------------------------------------------------

/// A table of a file, by lines.
struct Block {
    PolicyFile* file = nullptr;
    std::size_t begin = 0;  ///< Of its header, in the text.
    std::size_t end = 0;    ///< Where the next table begins, or the comments above it.
};

std::size_t line_begin(std::string_view text, std::uint32_t line) {
    std::size_t at = 0;
    for (std::uint32_t i = 1; i < line && at != std::string_view::npos; ++i) {
        at = text.find('\n', at);
        if (at != std::string_view::npos) ++at;
    }
    return std::min(at, text.size());
}

/// kInvalid: the rule is written inline.
Result<Block> block_at(std::vector<PolicyFile>& files, const SourcePlace& place) {
    const auto file = std::ranges::find(files, place.file, &PolicyFile::name);
    if (file == files.end()) return fail(ErrorKind::kInvalid, place.file + " is not there");
    const std::string& text = file->text;
    Block block{&*file, line_begin(text, place.line), text.size()};
    if (text.compare(block.begin, 2, "[[") != 0) {
        return fail(ErrorKind::kInvalid, to_string(place) +
                                             " is written inline; write the rule by hand, above "
                                             "it");
    }
    std::size_t kept = text.find('\n', block.begin);
    for (std::size_t at = kept; at != std::string::npos; at = text.find('\n', at)) {
        ++at;
        const bool passes = at >= text.size() || text[at] == '#' || text[at] == '\n';
        if (at < text.size() && text[at] == '[') {
            block.end = kept + 1;
            break;
        }
        if (!passes) kept = std::min(text.find('\n', at), text.size() - 1);
    }
    return block;
}

/// Where the value of `key` begins and ends in a block; nothing if it is not there.
std::optional<std::pair<std::size_t, std::size_t>> value_in(const Block& block,
                                                            std::string_view key) {
    const std::string& text = block.file->text;
    for (std::size_t at = block.begin; at < block.end; at = text.find('\n', at) + 1) {
        std::size_t from = text.find_first_not_of(" \t", at);
        if (from == std::string::npos) break;
        if (text.compare(from, key.size(), key) == 0) {
            from = text.find_first_not_of(" \t", from + key.size());
            if (from < block.end && text[from] == '=') {
                from = text.find_first_not_of(" \t", from + 1);
                const char close = text[from] == '[' ? ']' : text[from];
                const std::size_t to = text.find(close, from + 1);
                if (to < block.end) return std::pair{from, to + 1};
            }
        }
        if (text.find('\n', at) == std::string::npos) break;
    }
    return std::nullopt;
}

// ---- Ownership. -------------------------------------------------------------------------------

const char* otherwise_of(RuleDecision decision) {
    switch (decision) {
        case RuleDecision::kAccept: return "accept";
        case RuleDecision::kReject: return "revert";
        default: return "ignore";
    }
}

std::string own_header(const ObjectSpec& object) {
    return "[[objects." + object.name.text + ".own]]\n";
}

std::vector<FieldName> fields_of(const hub::ExceptionRecord& exception) {
    std::vector<FieldName> fields;
    for (const auto& [name, value] : exception.proposed) fields.push_back(name);
    return fields;
}

Result<RulePatch> review_rule(const ObjectSpec& object, std::vector<PolicyFile> files,
                              const hub::ExceptionRecord& exception, const Fields& values,
                              RuleDecision decision) {
    std::vector<FieldName> fields = fields_of(exception);
    if (fields.empty()) return fail(ErrorKind::kInvalid, "it is about no field");
    const OwnershipRule* rule = object.rule(fields.front(), values);
    if (rule == nullptr || rule->otherwise != NonOwnerWrite::kReview) {
        return fail(ErrorKind::kInvalid, "the policy of now has no `otherwise = \"review\"` for " +
                                             fields.front().text +
                                             "; it would decide by itself already");
    }
    // Of fields with other rules, those of the first one's alone.
    std::erase_if(fields, [&](const FieldName& f) { return object.rule(f, values) != rule; });
    auto block = block_at(files, rule->place);
    if (!block) return fail(block.error());
    const auto list = value_in(*block, "fields");
    const auto otherwise = value_in(*block, "otherwise");
    if (!list || !otherwise) {
        return fail(ErrorKind::kInvalid, "the rule at " + to_string(rule->place) +
                                             " is written in a way that must be changed by hand");
    }
    std::vector<FieldName> rest;
    std::ranges::copy_if(rule->fields, std::back_inserter(rest), [&](const FieldName& f) {
        return std::ranges::find(fields, f) == fields.end();
    });
    RulePatch patch{.where = to_string(rule->place)};
    patch.rule = own_header(object) + "fields    = " + list_of(fields) + "\n";
    if (rule->when) patch.rule += "when      = '" + rule->when->text() + "'\n";
    patch.rule += "owner     = " + toml_text(rule->owner.text) + "\notherwise = \"" +
                  otherwise_of(decision) + "\"\n";
    patch.meaning = "it holds for every platform but " + rule->owner.text + ", which owns " +
                    fields.front().text + (fields.size() > 1 ? " and others" : "");
    if (rule->when && rule->when->text().find('\'') != std::string::npos) {
        return fail(ErrorKind::kInvalid, "the condition at " + patch.where +
                                             " has both kinds of quotes; write the rule by hand");
    }
    std::string& text = block->file->text;
    const bool all =
        text.substr(list->first, list->second - list->first).find('*') != std::string::npos;
    if (rest.empty()) {
        text.replace(otherwise->first, otherwise->second - otherwise->first,
                     toml_text(otherwise_of(decision)));
    } else {
        // `*` means what no rule above has, if that one always holds.
        if (!all || rule->when) {
            text.replace(list->first, list->second - list->first, list_of(rest));
        }
        text.insert(block->begin, patch.rule);
    }
    patch.files = std::move(files);
    return patch;
}

Result<RulePatch> undecided_rule(const ObjectSpec& object, std::vector<PolicyFile> files,
                                 const hub::ExceptionRecord& exception, RuleDecision decision) {
    if (decision != RuleDecision::kAccept) {
        return fail(ErrorKind::kInvalid,
                    "no rule holds for these fields, so somebody has to own them: say --as accept "
                    "to have " +
                        exception.platform.text + " own them, or write another owner's by hand");
    }
    const SourcePlace& last = object.ownership.back().place;
    auto block = block_at(files, last);
    if (!block) return fail(block.error());
    RulePatch patch{.where = "behind " + to_string(last)};
    patch.rule = own_header(object) + "fields    = " + list_of(fields_of(exception)) +
                 "\nowner     = " + toml_text(exception.platform.text) +
                 "\notherwise = \"review\"\n";
    patch.meaning = exception.platform.text + " owns these fields where no other rule holds";
    std::string& text = block->file->text;
    const bool ends = block->end > 0 && text[block->end - 1] == '\n';
    text.insert(block->end, (ends ? "" : "\n") + patch.rule);
    patch.files = std::move(files);
    return patch;
}

// ---- Exceptions. ------------------------------------------------------------------------------

Result<RulePatch> immaterial_rule(const Policy& policy, std::vector<PolicyFile> files,
                                  const hub::ExceptionRecord& exception) {
    RulePatch patch;
    patch.rule = "[[exceptions]]\nkind     = " + toml_text(exception.kind) + "\n";
    const ObjectSpec* object = policy.object(exception.entity.object);
    if (object != nullptr) {
        patch.rule += "object   = " + toml_text(object->name.text) + "\n";
        std::vector<FieldName> fields = fields_of(exception);
        std::erase_if(fields, [&](const FieldName& f) { return object->field(f) == nullptr; });
        const bool held = is_held(exception.kind);
        if (held && !fields.empty()) patch.rule += "fields   = " + list_of(fields) + "\n";
    }
    if (!exception.platform.empty()) {
        patch.rule += "platform = " + toml_text(exception.platform.text) + "\n";
    }
    patch.rule += "material = false\n";
    patch.meaning = "such exceptions are kept and counted, and shown by --immaterial only";
    if (policy.exceptions.empty()) {
        PolicyFile& file = files.back();
        patch.where = "at the end of " + file.name;
        const bool ends = file.text.ends_with('\n');
        file.text += (ends ? "\n" : "\n\n") + patch.rule;
    } else {
        const SourcePlace& first = policy.exceptions.front().place;
        auto block = block_at(files, first);
        if (!block) return fail(block.error());
        patch.where = to_string(first);
        block->file->text.insert(block->begin, patch.rule + "\n");
    }
    patch.files = std::move(files);
    return patch;
}

}  // namespace

const char* name_of(RuleDecision decision) {
    const auto* at =
        std::ranges::find(kNames, decision, &std::pair<RuleDecision, const char*>::first);
    return at == std::end(kNames) ? "?" : at->second;
}

std::optional<RuleDecision> decision_named(std::string_view name) {
    const auto* at =
        std::ranges::find_if(kNames, [&](const auto& one) { return name == one.second; });
    return at == std::end(kNames) ? std::nullopt : std::optional{at->first};
}

std::optional<RuleDecision> decision_in(const hub::ExceptionRecord& exception) {
    const std::string done = exception.closing.substr(0, exception.closing.find(':'));
    if (done == "accepted") return RuleDecision::kAccept;
    if (done == "rejected") return RuleDecision::kReject;
    if (done == "discarded") return RuleDecision::kDiscard;
    return std::nullopt;
}

Result<RulePatch> rule_from(const Policy& policy, std::vector<PolicyFile> files,
                            const hub::ExceptionRecord& exception, const Fields& values,
                            RuleDecision decision) {
    if (decision == RuleDecision::kImmaterial) {
        return immaterial_rule(policy, std::move(files), exception);
    }
    const ObjectSpec* object = policy.object(exception.entity.object);
    if (object == nullptr) {
        return fail(ErrorKind::kInvalid,
                    "the policy has no object " + exception.entity.object.text);
    }
    if (exception.kind == exceptions::kReview) {
        return review_rule(*object, std::move(files), exception, values, decision);
    }
    if (exception.kind == exceptions::kUndecided) {
        return undecided_rule(*object, std::move(files), exception, decision);
    }
    return fail(ErrorKind::kInvalid,
                "no rule of the policy decides " + exception.kind +
                    "; say --as immaterial to have such exceptions shown to nobody");
}

}  // namespace syncline::ctl
