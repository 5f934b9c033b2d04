#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "shared/model/ids.h"

/// What each of our programs, and a person, needs on the server, and nothing beside it. Pure: names
/// in, subjects out; hub/ctl makes the server's configuration of it.
///
/// Hubs, and keepers, live in the account that holds the streams. Everybody else has an account of
/// his own, into which single subjects of that one are let. Permissions alone would not do: the
/// server sends the answer to a request wherever the request says, without asking whether its
/// sender may publish there, so that whoever may ask for anything could overwrite a state with the
/// answer, or delete a stream. An answer to a request that was let through does not leave the
/// account of the asker.
namespace syncline::nats {

/// What JetStream's API, and key-value entries, begin with in an account of an agent or a person:
/// the server answers `$JS.API.` there itself, for that account, which has no streams, and lets
/// neither pass a leaf node.
inline constexpr std::string_view kFencedJetStream = "sync.js";

enum class Role : std::uint8_t {
    kHub,
    kAgent,
    kOperator,
    kViewer,
    kKeeper  ///< Backs up and restores, and can therefore read and destroy everything.
};
[[nodiscard]] const char* name_of(Role role);  ///< "hub", "agent", "operator", "viewer", "keeper".

struct Member {
    Role role = Role::kViewer;
    std::string name;             ///< Unique, `[A-Za-z0-9_-]+`: `agent-crm`; names the inbox.
    PlatformId platform;          ///< Of an agent.
    std::vector<ListName> lists;  ///< Reference data that an agent takes.
    std::string actor;            ///< Of an operator: by which name he approves of policies.
};

/// A subject of one account that another uses.
struct Door {
    enum class Kind : std::uint8_t {
        kAnswer,   ///< A request and its answer; also a publish, which is acknowledged.
        kAnswers,  ///< A request and its answers.
        kMessages  ///< What is published without being asked for.
    };
    Kind kind = Kind::kAnswer;
    std::string subject;
    std::string as;  ///< What it is called in the account that uses it.
    friend auto operator<=>(const Door&, const Door&) = default;
};

struct Grants {
    bool fenced = true;                  ///< In an account of its own.
    std::vector<Door> in;                ///< Of the streams' account, used here.
    std::vector<Door> out;               ///< Of this account, used there.
    std::vector<std::string> publish;    ///< In the account where the member lives.
    std::vector<std::string> subscribe;  ///< The same.
};

[[nodiscard]] Grants grants_of(const Member& member);
/// `inbox_prefix` of its settings.
[[nodiscard]] std::string inbox_of(const Member& member);

/// Something that a member tries, which the server takes or refuses. Each is harmless if it is
/// taken: what would be stored carries an expectation that no stream meets, what would be changed
/// lacks what the server needs for it.
struct Attempt {
    enum class Way : std::uint8_t { kPublish, kSubscribe };
    Way way = Way::kPublish;
    std::string what;  ///< For people: "publish a change as erp".
    std::string subject;
    std::string body;
    bool stored = false;   ///< A stream would store it: sent with the expectation.
    bool allowed = false;  ///< What is to come of it.
    std::string answered;  ///< What the answer must contain all the same, if it is allowed.
};
/// Whatever `member` must not do, with regard to the platforms that there are, and what it must be
/// able to.
[[nodiscard]] std::vector<Attempt> attempts_of(const Member& member,
                                               const std::vector<PlatformId>& platforms);

}  // namespace syncline::nats
