#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hub/api/desk.h"
#include "hub/api/identity.h"
#include "shared/base/result.h"
#include "shared/model/value.h"

/// What the API has: one table, from which requests are answered and openapi.json is made.
namespace syncline::hub::api {

enum class Method : std::uint8_t { kGet, kPost };
[[nodiscard]] const char* name_of(Method method);  ///< "GET", "POST".

/// Something that a request may say.
struct Parameter {
    enum class In : std::uint8_t { kPath, kQuery, kBody };
    enum class Type : std::uint8_t {
        kText,
        kInteger,
        kBoolean,
        kTexts,  ///< A list of texts.
        kMap,    ///< Names and values; a text as it is, all else as JSON.
        kFiles,  ///< The same, of a policy's files.
        kAny,    ///< Whatever the object has; for others to check.
    };
    /// What becomes of it on the command's line.
    enum class As : std::uint8_t {
        kNothing,  ///< It is for somebody else.
        kWord,     ///< A word of its own, in the order of the table.
        kOption,   ///< `option=value`; of kTexts and kMap once for each.
        kFlag,     ///< `option` if it is true, else `otherwise`, unless that is empty.
    };
    std::string name;
    In in = In::kQuery;
    Type type = Type::kText;
    As as = As::kNothing;
    std::string option;
    std::string about;
    bool required = false;
    std::string otherwise;
    std::vector<std::string> one_of;
    std::int64_t least = 0;
    std::int64_t most = std::numeric_limits<std::int64_t>::max();
    std::size_t bytes_most = 1'000;
};

struct Route {
    /// Who answers it.
    enum class By : std::uint8_t {
        kDesk,  ///< A command of synclinectl.
        kHub,   ///< The hub's own thread.
        kHere,  ///< The server's thread, from memory.
    };
    /// Who of those that see only some objects or regions may use it.
    enum class Scope : std::uint8_t {
        kEverybody,    ///< It shows nothing of any entity, or its command leaves out the others.
        kObject,       ///< Who may see the parameter `object`; the command looks at the region.
        kWholeObject,  ///< The same, but nobody who sees only some regions.
        kWhole,        ///< Nobody of these.
    };
    Method method = Method::kGet;
    std::string path;   ///< "/v1/entities/{object}/{key}"; `{key*}` takes slashes, too.
    std::string id;     ///< operationId: "entities.show".
    std::string about;  ///< One line.
    Role role = Role::kViewer;
    Scope scope = Scope::kEverybody;
    By by = By::kDesk;
    Desk::Lane lane = Desk::Lane::kShort;
    bool is_public = false;          ///< Without credentials.
    bool takes_more = false;         ///< What else a query says is passed over.
    std::vector<std::string> words;  ///< The command.
    std::vector<Parameter> parameters;
    /// Makes the answer of what the command told, where that is more than is asked for.
    Value::Map (*pick)(Value::Map data) = nullptr;
    /// Findings of severity error mean that nothing was done.
    bool findings_refuse = false;
    /// Of one thing if `entity` is said, which `object` and `kind` then name as words; else of all
    /// that the options find.
    bool one_or_several = false;
};

/// All of them; of two that fit a path the first one counts.
[[nodiscard]] const std::vector<Route>& routes();

/// What a request says, checked against its route.
struct Call {
    const Route* route = nullptr;
    std::map<std::string, Value, std::less<>> given;
    Value::Map files;  ///< Of kFiles.

    [[nodiscard]] std::string text(std::string_view name) const;
    [[nodiscard]] bool names_one() const;  ///< See Route::one_or_several.
};

/// The route of a path, with what stands in it. kNotFound: there is none; kUnsupported: none with
/// that method, but another.
[[nodiscard]] Result<Call> find_route(std::string_view method, std::string_view path);

/// What is wrong, and where: "query.limit", "body.reason".
struct Wrong {
    std::string where;
    std::string what;
};
/// Adds what query and body say. Something: what is wrong with it first.
[[nodiscard]] std::optional<Wrong> take_query(Call& call, std::string_view query);
[[nodiscard]] std::optional<Wrong> take_body(Call& call, std::string_view body);
/// After both: is all there that must be?
[[nodiscard]] std::optional<Wrong> check_required(const Call& call);

/// The command line. `folder`: where `files` were written; empty: there are none. User text stands
/// only behind `option=` and behind "--".
[[nodiscard]] std::vector<std::string> words_of(const Call& call, const std::string& folder);

/// OpenAPI 3.1 of the table.
[[nodiscard]] Value openapi();

}  // namespace syncline::hub::api
