#pragma once

#include <cstdint>
#include <initializer_list>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "shared/base/clock.h"
#include "shared/base/result.h"
#include "shared/base/secret.h"
#include "shared/base/toml_reader.h"

namespace syncline::hub {

/// What somebody may do. Each route says which one it wants.
enum class Role : std::uint8_t {
    kViewer,     ///< Looks.
    kOperator,   ///< Acts on exceptions, instances, entities.
    kApprover,   ///< Answers what workflows ask of the roles that the policy gives the name.
    kArchitect,  ///< Changes the policy; an operator too.
    kAdmin,      ///< All of it.
};
[[nodiscard]] const char* name_of(Role role);
[[nodiscard]] std::optional<Role> role_named(std::string_view name);

/// Roles that somebody has, with those that they include.
class Roles {
public:
    Roles() = default;
    Roles(std::initializer_list<Role> roles) {
        for (const Role role : roles) add(role);
    }
    void add(Role role);
    [[nodiscard]] bool has(Role role) const { return (bits_ & bit(role)) != 0; }
    [[nodiscard]] std::vector<std::string> names() const;

private:
    static std::uint8_t bit(Role role) {
        return static_cast<std::uint8_t>(1u << static_cast<unsigned>(role));
    }
    std::uint8_t bits_ = 0;
};

/// The key `roles` of a table, which must name one at least; notes what is wrong.
[[nodiscard]] Roles read_roles(TomlReader& table);

/// A token that a machine or a person has, `[[api.tokens]]`.
struct TokenSettings {
    std::string name;    ///< Who acts with it; in every log.
    std::string sha256;  ///< 64 hexadecimal digits; or
    Secret token;        ///< the token itself.
    Roles roles;
    std::vector<std::string> objects;  ///< Only things of these; none: of all.
    std::vector<std::string> regions;  ///< The same.
    Timestamp expires;                 ///< 0: never.
    bool sees_personal = false;        ///< Values that the policy classifies `pii`.
};

/// Who a request is.
struct Person {
    std::string name;
    Roles roles;
    std::vector<std::string> objects;
    std::vector<std::string> regions;
    bool sees_personal = false;
    /// Nobody in particular: an API that is open to this machine, or the one token of all. What it
    /// says of who acts is believed, as there is nothing better.
    bool is_anybody = false;
    std::string csrf;  ///< Of a session; requests that change something repeat it.
    std::string key;   ///< For limits: unlike that of any other.

    [[nodiscard]] bool may_see(std::string_view object) const;
    /// Is there nothing that they may not see?
    [[nodiscard]] bool sees_all() const { return objects.empty() && regions.empty(); }
};

/// What a request says of who it is.
struct Credentials {
    std::string_view authorization;  ///< The header.
    std::string_view cookie;         ///< The header.
    std::string_view peer;           ///< Address.
};

/// Answers who a request is: by token, or by the session that a token has begun, or a sign-in
/// elsewhere.
///
/// Tokens are kept and compared as hashes. Sessions live in memory, so they end with the hub; of
/// their ids only hashes are kept. Threading: any.
class Identity {
public:
    explicit Identity(const Clock& clock) : clock_(clock) {}

    /// May people come in who have no token?
    enum class Others : std::uint8_t { kNobody, kSignIn };
    /// kInvalid: no such digest; also what Secret::load() says. `single`: the one of `[api] token`.
    Result<void> open(const Secret& single, const std::vector<TokenSettings>& tokens,
                      Others others = Others::kNobody);
    /// Is nobody asked who he is?
    [[nodiscard]] bool is_open() const { return tokens_.empty() && others_ == Others::kNobody; }

    /// kDenied: nobody; the text is for the client.
    [[nodiscard]] Result<Person> who(const Credentials& credentials);

    struct Session {
        std::string cookie;  ///< Its value.
        Person person;
    };
    /// kDenied: there is no such token. kThrottled: the peer has tried too often.
    [[nodiscard]] Result<Session> begin(std::string_view token, std::string_view peer);
    /// Of somebody whom others know; `proof` is kept for end(). kDenied: the name is that of a
    /// token.
    [[nodiscard]] Result<Session> begin(Person person, std::string proof);
    /// Ends the session of that header Cookie, and gives its proof; harmless if there is none.
    std::string end(std::string_view cookie);

    static constexpr std::string_view kCookie = "syncline_session";

private:
    struct Token {
        std::string hash;  ///< 32 bytes.
        Person person;
        Timestamp expires;
    };
    struct Running {
        Person person;
        Timestamp expires;  ///< With the token by which it was begun; 0: never.
        std::string proof;
        std::string csrf;
        Duration begun{0};
        Duration used{0};
    };
    struct Tries {
        Duration since{0};
        unsigned failed = 0;
    };
    [[nodiscard]] std::optional<std::size_t> token_of(std::string_view token) const;
    [[nodiscard]] bool is_over(const Running& session) const;
    void make_room();
    [[nodiscard]] Result<Session> begin(Running session);
    [[nodiscard]] bool may_try(std::string_view peer);
    void note_failure(std::string_view peer);

    const Clock& clock_;
    std::vector<Token> tokens_;
    Others others_ = Others::kNobody;
    std::mutex mutex_;
    std::map<std::string, Running, std::less<>> sessions_;  ///< By the hash of their ids.
    std::map<std::string, Tries, std::less<>> tries_;       ///< By peer.
};

/// How long it takes says nothing of where they differ.
[[nodiscard]] bool is_same_text(std::string_view one, std::string_view other);
/// `bytes` random ones, as text for URLs. kUnavailable: the system has none.
[[nodiscard]] Result<std::string> random_text(std::size_t bytes);
/// The value of a cookie in a header Cookie (RFC 6265 4.2.1); empty if it is not there.
[[nodiscard]] std::string_view cookie_named(std::string_view name, std::string_view header);

}  // namespace syncline::hub
