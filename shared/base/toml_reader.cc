#include "shared/base/toml_reader.h"

#include <algorithm>
#include <deque>
#include <set>

#include "shared/base/nearest_name.h"
#include "shared/base/text_file.h"
#include "shared/base/toml_guard.h"
#include "shared/base/toml_library.h"

namespace syncline {
namespace {

std::string ticked(std::string_view text) { return "`" + std::string{text} + "`"; }

std::string listed(const std::vector<std::string>& names) {
    std::string text;
    for (const std::string& name : names) {
        if (!text.empty()) text += &name == &names.back() ? " or " : ", ";
        text += "\"" + name + "\"";
    }
    return text;
}

/// Names and texts of the file go into messages, and so may toml++'s: what could break a line or
/// steer a terminal is shown as an escape.
std::string one_line(std::string_view text) {
    constexpr std::string_view kHex = "0123456789ABCDEF";
    std::string out;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte >= 0x20 && byte != 0x7F) {
            out += c;
        } else {
            out += c == '\n' ? "\\n" : std::string{"\\x"} + kHex[byte >> 4] + kHex[byte & 15];
        }
    }
    return out;
}

bool is_environment_name(std::string_view name) {
    const auto fits = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '_';
    };
    return !name.empty() && !(name[0] >= '0' && name[0] <= '9') && std::ranges::all_of(name, fits);
}

bool is_credential_name(std::string_view name) {
    return !name.empty() && name != "." && name != ".." && name.find('/') == std::string_view::npos;
}

/// Does toml++ fail an assertion of its own (toml_library.h) on this?
bool confuses(std::string_view text) {
    try {
        std::ignore = toml::parse(text);
    } catch (const toml::parse_error&) {
        return false;
    } catch (const std::logic_error&) {
        return true;
    }
    return false;
}

/// Where it does so: it reads from front to back, so at the end of the shortest beginning of `text`
/// that confuses it. An assertion itself tells no place.
std::size_t confusion_in(std::string_view text) {
    std::size_t fine = 0;
    std::size_t confusing = text.size();
    while (fine + 1 < confusing) {
        const std::size_t middle = fine + (confusing - fine) / 2;
        (confuses(text.substr(0, middle)) ? confusing : fine) = middle;
    }
    return fine;
}

TomlReader::Kind kind_of(const toml::node* node) {
    using enum TomlReader::Kind;
    if (node == nullptr) return kAbsent;
    if (node->is_string()) return kText;
    if (node->is_integer()) return kInteger;
    if (node->is_boolean()) return kBoolean;
    if (node->is_table()) return kTable;
    return node->is_array() ? kList : kOther;
}

}  // namespace

/// One file, the tables that were opened in it and what was found wrong.
struct TomlReader::Document {
    struct Opened {
        const toml::table* table;  ///< Null if it is absent from the file.
        std::string path;          ///< Dotted; empty for the root.
        SourcePlace place;
        std::set<std::string, std::less<>> asked;
    };
    struct Problem {
        SourcePlace place;
        std::string what;
        friend bool operator==(const Problem&, const Problem&) = default;
    };

    std::string file;
    toml::table root;
    std::deque<Opened> opened;
    std::vector<Problem> problems;

    [[nodiscard]] SourcePlace place_of(const toml::source_region& region) const {
        return {file, std::max(region.begin.line, 1u), std::max(region.begin.column, 1u)};
    }
    [[nodiscard]] const toml::node* find(std::size_t table, std::string_view key) const {
        const toml::table* in = opened[table].table;
        return in == nullptr ? nullptr : in->get(key);
    }
    /// As find(), and remembers that the key is known.
    const toml::node* look_up(std::size_t table, std::string_view key) {
        opened[table].asked.emplace(key);
        return find(table, key);
    }
    std::size_t open(const toml::table* table, std::string path, SourcePlace place) {
        for (std::size_t i = 0; i < opened.size() && table != nullptr; ++i) {
            if (opened[i].table == table) return i;
        }
        opened.push_back({table, std::move(path), std::move(place), {}});
        return opened.size() - 1;
    }
    void note(SourcePlace place, std::string_view what) {
        problems.push_back({std::move(place), one_line(what)});
    }
    void refuse_unknown(const Opened& in);
};

void TomlReader::Document::refuse_unknown(const Opened& in) {
    if (in.table == nullptr) return;
    std::vector<std::string> free;  // Known keys that are not there: what a misspelling may mean.
    for (const std::string& name : in.asked) {
        if (!in.table->contains(name)) free.push_back(name);
    }
    for (const auto& [key, value] : *in.table) {
        if (in.asked.contains(key.str())) continue;
        const std::string path = in.path.empty() ? "" : in.path + ".";
        note(place_of(key.source()), "unknown key " + ticked(path + std::string{key.str()}) +
                                         did_you_mean(key.str(), free));
    }
}

TomlReader::TomlReader(std::shared_ptr<Document> document, std::size_t table)
    : document_(std::move(document)), table_(table) {}

Result<TomlReader> TomlReader::parse(std::string_view text, std::string_view file) {
    if (auto guarded = guard_toml(text, file); !guarded) return fail(std::move(guarded.error()));
    auto document = std::make_shared<Document>();
    document->file = file;
    const auto refuse = [&](const SourcePlace& place, std::string_view what) {
        return fail(ErrorKind::kInvalid, to_string(place) + ": " + one_line(what));
    };
    try {
        document->root = toml::parse(text, file);
    } catch (const toml::parse_error& error) {  // toml++ throws; the exception ends here.
        const toml::source_position at = error.source().begin;
        return refuse({std::string{file}, at.line, at.column}, error.description());
    } catch (const std::logic_error&) {
        return refuse(place_in(text, file, confusion_in(text)), "this is not TOML");
    }
    document->open(&document->root, "", {std::string{file}, 1, 1});
    return TomlReader{std::move(document), 0};
}

Result<TomlReader> TomlReader::load(const std::filesystem::path& path) {
    auto text = read_text_file(path, TomlLimits{}.bytes_max);
    if (!text) return fail(std::move(text.error()));
    return parse(*text, path.string());
}

std::string TomlReader::path_of(std::string_view key) const {
    const std::string& path = document_->opened[table_].path;
    return path.empty() ? std::string{key} : path + "." + std::string{key};
}

void TomlReader::missing(std::string_view key) {
    document_->note(place(), ticked(path_of(key)) + " is missing");
}

std::string TomlReader::text(std::string_view key) { return text_or(key, std::nullopt); }

std::string TomlReader::text(std::string_view key, std::string_view fallback) {
    return text_or(key, fallback);
}

std::string TomlReader::text_or(std::string_view key, std::optional<std::string_view> fallback) {
    const toml::node* node = document_->look_up(table_, key);
    if (node == nullptr) {
        if (!fallback) missing(key);
        return std::string{fallback.value_or("")};
    }
    if (const auto* value = node->as_string()) {
        if (!value->get().empty() || fallback) return value->get();
        problem(key, "must not be empty");
    } else {
        problem(key, "must be text in quotes");
    }
    return std::string{fallback.value_or("")};
}

std::int64_t TomlReader::integer_or(std::string_view key, Range allowed,
                                    std::optional<std::int64_t> fallback) {
    const toml::node* node = document_->look_up(table_, key);
    if (node == nullptr) {
        if (!fallback) missing(key);
        return fallback.value_or(allowed.min);
    }
    const auto* value = node->as_integer();
    if (value != nullptr && value->get() >= allowed.min && value->get() <= allowed.max) {
        return value->get();
    }
    problem(key, "must be a whole number from " + std::to_string(allowed.min) + " to " +
                     std::to_string(allowed.max));
    return fallback.value_or(allowed.min);
}

bool TomlReader::boolean(std::string_view key, bool fallback) {
    const toml::node* node = document_->look_up(table_, key);
    if (node == nullptr) return fallback;
    if (const auto* value = node->as_boolean()) return value->get();
    problem(key, "must be true or false");
    return fallback;
}

std::chrono::milliseconds TomlReader::milliseconds(std::string_view key, Range allowed,
                                                   std::chrono::milliseconds fallback) {
    return std::chrono::milliseconds{integer_or(key, allowed, fallback.count())};
}

std::chrono::seconds TomlReader::seconds(std::string_view key, Range allowed,
                                         std::chrono::seconds fallback) {
    return std::chrono::seconds{integer_or(key, allowed, fallback.count())};
}

std::vector<std::string> TomlReader::texts(std::string_view key) {
    return texts_or(key, std::nullopt);
}

std::vector<std::string> TomlReader::texts(std::string_view key,
                                           std::vector<std::string> fallback) {
    return texts_or(key, std::move(fallback));
}

std::vector<std::string> TomlReader::texts_or(std::string_view key,
                                              std::optional<std::vector<std::string>> fallback) {
    const toml::node* node = document_->look_up(table_, key);
    if (node == nullptr && !fallback) missing(key);
    const toml::array* array = node == nullptr ? nullptr : node->as_array();
    if (node != nullptr && array == nullptr)
        problem(key, "must be a list of texts: [\"a\", \"b\"]");
    if (array == nullptr) return std::move(fallback).value_or(std::vector<std::string>{});
    std::vector<std::string> texts;
    for (std::size_t i = 0; i < array->size(); ++i) {
        const auto* value = array->get_as<std::string>(i);
        if (value == nullptr || value->get().empty()) {
            problem(key, i, "must hold texts in quotes, none of them empty");
        } else if (std::ranges::find(texts, value->get()) != texts.end()) {
            problem(key, i, "names \"" + value->get() + "\" twice");
        } else {
            texts.push_back(value->get());
        }
    }
    return texts;
}

std::size_t TomlReader::choice_index(std::string_view key, const std::vector<std::string>& names,
                                     Need need) {
    const toml::node* node = document_->look_up(table_, key);
    if (node == nullptr) {
        if (need == Need::kRequired) missing(key);
        return names.size();
    }
    const auto* value = node->as_string();
    const auto at = value == nullptr ? names.end() : std::ranges::find(names, value->get());
    if (at != names.end()) return static_cast<std::size_t>(at - names.begin());
    problem(key, "must be " + listed(names) +
                     (value == nullptr ? "" : did_you_mean(value->get(), names)));
    return names.size();
}

Secret TomlReader::secret(std::string_view key) { return read_secret(key, Need::kRequired); }

Secret TomlReader::optional_secret(std::string_view key) {
    return read_secret(key, Need::kOptional);
}

Secret TomlReader::read_secret(std::string_view key, Need need) {
    const toml::node* node = document_->look_up(table_, key);
    if (node == nullptr) {
        if (need == Need::kRequired) missing(key);
        return {};
    }
    if (!node->is_table()) {
        // The value is not repeated: it may be the secret, and messages go to logs.
        problem(key,
                "is a secret and must not stand in this file; write { file = \"/path\" }, "
                "{ env = \"NAME\" } or { credential = \"name\" }");
        return {};
    }
    TomlReader source = table(key);
    const std::string file = source.text("file", "");
    const std::string variable = source.text("env", "");
    const std::string credential = source.text("credential", "");
    if (source.keys().size() != 1 || file.size() + variable.size() + credential.size() == 0) {
        problem(key, "needs exactly one of file, env and credential");
        return {};
    }
    if (!file.empty()) return {Secret::Source::kFile, file};
    if (!variable.empty()) {
        if (!is_environment_name(variable)) source.problem("env", "is no name of a variable");
        return {Secret::Source::kEnvironment, variable};
    }
    if (!is_credential_name(credential)) source.problem("credential", "is no name of a credential");
    return {Secret::Source::kCredential, credential};
}

TomlReader TomlReader::table(std::string_view key) {
    const toml::node* node = document_->look_up(table_, key);
    if (node != nullptr && !node->is_table()) problem(key, "must be a table");
    const toml::table* found = node == nullptr ? nullptr : node->as_table();
    return {document_, document_->open(found, path_of(key), place(key))};
}

std::optional<TomlReader> TomlReader::optional_table(std::string_view key) {
    if (document_->look_up(table_, key) == nullptr) return std::nullopt;
    return table(key);
}

std::vector<TomlReader> TomlReader::tables(std::string_view key) {
    std::vector<TomlReader> readers;
    const toml::node* node = document_->look_up(table_, key);
    if (node == nullptr) return readers;
    const toml::array* array = node->as_array();
    if (array == nullptr || (!array->empty() && !array->is_homogeneous<toml::table>())) {
        problem(key, "must be tables, each under [[" + path_of(key) + "]]");
        return readers;
    }
    for (std::size_t i = 0; i < array->size(); ++i) {
        const toml::table* item = array->get_as<toml::table>(i);
        readers.push_back(
            {document_, document_->open(item, path_of(key), document_->place_of(item->source()))});
    }
    return readers;
}

std::vector<std::string> TomlReader::keys() const {
    std::vector<std::string> names;
    const toml::table* in = document_->opened[table_].table;
    if (in == nullptr) return names;
    for (const auto& [key, value] : *in) names.emplace_back(key.str());
    return names;
}

TomlReader::Kind TomlReader::kind(std::string_view key) const {
    return kind_of(document_->find(table_, key));
}

SourcePlace TomlReader::place() const { return document_->opened[table_].place; }

SourcePlace TomlReader::place(std::string_view key) const {
    const toml::node* node = document_->find(table_, key);
    return node == nullptr ? place() : document_->place_of(node->source());
}

void TomlReader::problem(std::string_view key, const std::string& what) {
    document_->note(place(key), ticked(path_of(key)) + " " + what);
}

void TomlReader::problem(std::string_view key, std::size_t index, const std::string& what) {
    const toml::node* node = document_->find(table_, key);
    const toml::array* array = node == nullptr ? nullptr : node->as_array();
    const toml::node* item = array == nullptr ? nullptr : array->get(index);
    document_->note(item == nullptr ? place(key) : document_->place_of(item->source()),
                    ticked(path_of(key)) + " " + what);
}

void TomlReader::key_problem(std::string_view key, const std::string& what) {
    document_->opened[table_].asked.emplace(key);  // One problem with a key is enough.
    SourcePlace at = place();
    if (const toml::table* in = document_->opened[table_].table; in != nullptr) {
        if (const auto entry = in->find(key); entry != in->end()) {
            at = document_->place_of(entry->first.source());
        }
    }
    document_->note(std::move(at), ticked(path_of(key)) + " " + what);
}

Result<void> TomlReader::finish() {
    for (const Document::Opened& in : document_->opened) document_->refuse_unknown(in);
    auto& problems = document_->problems;
    std::ranges::stable_sort(problems, {}, &Document::Problem::place);
    problems.erase(std::unique(problems.begin(), problems.end()), problems.end());
    if (problems.empty()) return {};
    std::string text;
    for (const Document::Problem& problem : problems) {
        if (!text.empty()) text += '\n';
        text += to_string(problem.place) + ": " + problem.what;
    }
    return fail(ErrorKind::kInvalid, std::move(text));
}

}  // namespace syncline
