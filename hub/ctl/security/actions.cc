#include "hub/ctl/security/actions.h"

#include <algorithm>

#include <openssl/crypto.h>

#include "hub/ctl/security/server_config.h"
#include "shared/nats/nkey.h"

namespace syncline::ctl::security {
namespace {

using std::chrono::days;

/// Clocks of servers may be behind ours.
constexpr Duration kBackdated = std::chrono::minutes{10};
constexpr days kSoon{30};
constexpr unsigned kDays = 397;

Validity validity(Timestamp now, unsigned count, Timestamp most = {}) {
    Timestamp until = now + days{count};
    if (most.ns != 0) until = std::min(until, most);
    return {now - kBackdated, until};
}

/// "localhost:4222", "[::1]:4222".
bool is_listen(const std::string& text) {
    const auto colon = text.rfind(':');
    if (colon == std::string::npos || colon + 1 == text.size()) return false;
    const std::string port = text.substr(colon + 1);
    return port.size() <= 5 && port.find_first_not_of("0123456789") == std::string::npos &&
           std::stoul(port) <= 65'535;
}

Result<void> check(const InitOptions& options) {
    if (auto good = check_name("the installation's name", options.name); !good) return good;
    for (const std::string& host : options.hosts) {
        if (!is_host(host)) {
            return fail(ErrorKind::kInvalid, "--host '" + host + "' is no name and no address");
        }
    }
    if (!options.listen.empty() && !is_listen(options.listen)) {
        return fail(ErrorKind::kInvalid, "--listen '" + options.listen + "' is no host:port");
    }
    if (!options.leaf_listen.empty() && options.leaf_listen != "-" &&
        !is_listen(options.leaf_listen)) {
        return fail(ErrorKind::kInvalid,
                    "--leaf-listen '" + options.leaf_listen + "' is no host:port");
    }
    for (const std::string& place : {options.place, options.server_place}) {
        if (place.empty() || place == "-" || place.starts_with('/')) continue;
        return fail(ErrorKind::kInvalid, "'" + place + "' must be a whole path, or - for here");
    }
    return {};
}

void take(Installation& known, const InitOptions& options) {
    if (known.hosts.empty()) {
        known.name = options.name;
        known.hosts = {"127.0.0.1"};
        known.listen = "127.0.0.1:4222";
        known.days = kDays;
    }
    if (!options.hosts.empty()) known.hosts = options.hosts;
    if (!options.listen.empty()) known.listen = options.listen;
    if (!options.leaf_listen.empty()) {
        known.leaf_listen = options.leaf_listen == "-" ? "" : options.leaf_listen;
    }
    if (options.days != 0) known.days = options.days;
    if (!options.place.empty()) known.place = options.place == "-" ? "" : options.place;
    if (!options.server_place.empty()) {
        known.server_place = options.server_place == "-" ? "" : options.server_place;
    }
}

Result<void> issue_server(const Directory& directory, const Authority& authority,
                          Installation& known, Timestamp now, Changes& changes) {
    const std::string folder = kServerFolder;
    const Validity good = validity(now, known.days, authority.not_after());
    std::string key;
    if (directory.has(folder + "/server.key")) {
        auto read = directory.read(folder + "/server.key");
        if (!read) return fail(read.error());
        key = *std::move(read);
    }
    auto issued = authority.issue_server(known.hosts, good, key);
    OPENSSL_cleanse(key.data(), key.size());
    if (!issued) return fail(issued.error());
    known.server_not_after = issued->not_after;
    if (key.empty()) {
        changes.create(folder + "/server.key", std::move(issued->key), "keep it secret");
    }
    changes.replace(folder + "/server.pem", issued->certificate);
    return {};
}

/// A certificate, and what else makes the user known.
Result<Key> issue(const Directory& directory, const Installation& installation, const User& user,
                  Timestamp now, Changes& changes) {
    const auto authority = directory.authority();
    if (!authority) return fail(authority.error());
    const auto ca = directory.read(std::string{"ca/"} + kAuthorityFile);
    if (!ca) return fail(ca.error());
    Key key{.number = user.next, .serial = {}, .not_after = {}, .nkey = {}};
    // What a run that was cut short left is nobody's.
    while (directory.has(folder_of(user.member.name, key.number)) ||
           directory.has(revoked_folder_of(user.member.name, key.number))) {
        ++key.number;
    }
    const unsigned count = user.days != 0 ? user.days : installation.days;
    auto issued =
        authority->issue_client(user.member.name + "." + std::to_string(key.number),
                                uri_of(user, key), validity(now, count, authority->not_after()));
    if (!issued) return fail(issued.error());
    key.serial = issued->serial;
    key.not_after = issued->not_after;
    const std::string folder = folder_of(user.member.name, key.number) + "/";
    changes.create(folder + kKeyFile, std::move(issued->key), "keep it secret");
    if (user.auth == Auth::kNkey) {
        auto seed = nats::new_user_seed();
        if (!seed) return fail(seed.error());
        auto known_as = nats::public_nkey(*seed);
        KeyText text{*seed + "\n"};
        OPENSSL_cleanse(seed->data(), seed->size());
        if (!known_as) return fail(known_as.error());
        key.nkey = *std::move(known_as);
        changes.create(folder + kSeedFile, std::move(text), "keep it secret");
    }
    changes.create(folder + kCertificateFile, issued->certificate,
                   "good until " + to_string(key.not_after));
    changes.create(folder + kAuthorityFile, *ca);
    return key;
}

/// Known first, then what follows from it: a run that is cut short between the two is made whole
/// by the next.
void record(const Directory& directory, const Installation& installation, Changes& changes) {
    changes.replace(kInstallationFile, to_text(installation));
    directory.derive(installation, changes);
}

Result<User*> present(Installation& installation, const std::string& name) {
    User* user = installation.find(name);
    if (user != nullptr && !user->revoked()) return user;
    return fail(ErrorKind::kNotFound,
                std::string{user == nullptr ? "there is no user " : "revoked already: "} + name +
                    "; synclinectl security show lists them");
}

/// Its certificate lies with the server and with every user.
Result<Authority> renew_authority(const Directory& directory, unsigned count, Installation& known,
                                  Timestamp now, Changes& changes) {
    auto key = directory.read("ca/ca.key");
    if (!key) return fail(key.error());
    const auto made = make_authority(known.name, validity(now, count), *key);
    auto authority = made ? Authority::load(made->certificate, *key) : fail(made.error());
    OPENSSL_cleanse(key->data(), key->size());
    if (!authority) return authority;
    known.authority_not_after = made->not_after;
    std::vector<std::string> folders{"ca", kServerFolder};
    for (const User& user : known.users) {
        if (user.revoked()) continue;
        for (const Key& one : user.keys) folders.push_back(folder_of(user.member.name, one.number));
    }
    for (const std::string& folder : folders) {
        changes.replace(folder + "/" + kAuthorityFile, made->certificate);
    }
    return authority;
}

}  // namespace

Result<Installation> plan_init(const Directory& directory, const InitOptions& options,
                               Timestamp now, Changes& changes) {
    if (auto good = check(options); !good) return fail(good.error());
    Installation known;
    const bool first = !directory.has(kInstallationFile);
    const std::string ca_file = std::string{"ca/"} + kAuthorityFile;
    if (first) {
        if (directory.has("ca/ca.key")) {
            return fail(ErrorKind::kConflict,
                        "there is a key of an authority and no installation.json; what remains of "
                        "a run that was cut short is to be removed first");
        }
        take(known, options);
        auto made = make_authority(options.name, validity(now, options.authority_days));
        if (!made) return fail(made.error());
        known.authority_not_after = made->not_after;
        const auto authority = Authority::load(made->certificate, made->key.reveal());
        if (!authority) return fail(authority.error());
        if (auto done = issue_server(directory, *authority, known, now, changes); !done) {
            return fail(done.error());
        }
        changes.create(ca_file, made->certificate);
        changes.create(std::string{kServerFolder} + "/" + kAuthorityFile, made->certificate);
        changes.create("ca/ca.key", std::move(made->key),
                       "keep it secret; who has it can be anybody");
    } else {
        auto read = directory.installation();
        if (!read) return read;
        known = *std::move(read);
        const std::vector<std::string> hosts = known.hosts;
        take(known, options);
        if (options.renew || options.renew_authority || known.hosts != hosts ||
            known.server_not_after < now + kSoon) {
            const auto authority =
                options.renew_authority
                    ? renew_authority(directory, options.authority_days, known, now, changes)
                    : directory.authority();
            if (!authority) return fail(authority.error());
            if (auto done = issue_server(directory, *authority, known, now, changes); !done) {
                return fail(done.error());
            }
        }
    }
    record(directory, known, changes);
    return known;
}

Result<void> plan_add(const Directory& directory, Installation& installation,
                      const AddOptions& options, Timestamp now, Changes& changes) {
    const nats::Member& member = options.member;
    if (auto good = check_name("the name", member.name); !good) return good;
    if (auto good = check_name("the actor", member.actor.empty() ? "x" : member.actor); !good) {
        return good;
    }
    User* user = installation.find(member.name);
    if (user == nullptr) {
        installation.users.push_back({});
        user = &installation.users.back();
        user->member = member;
    } else if (!user->revoked()) {
        if (options.auth_given && options.auth != user->auth) {
            return fail(ErrorKind::kConflict, member.name + " is there, known by its " +
                                                  name_of(user->auth) +
                                                  "; synclinectl security rotate changes that");
        }
        user->member = member;
        if (options.days != 0) user->days = options.days;
        record(directory, installation, changes);
        return {};
    }
    user->member = member;
    user->auth = options.auth;
    user->days = options.days;
    user->revoked_at = {};
    user->keys.clear();
    auto key = issue(directory, installation, *user, now, changes);
    if (!key) return fail(key.error());
    user->next = key->number + 1;
    user->keys.push_back(*std::move(key));
    std::ranges::sort(installation.users, {}, [](const User& one) { return one.member.name; });
    record(directory, installation, changes);
    return {};
}

Result<void> plan_revoke(const Directory& directory, Installation& installation,
                         const std::string& name, Timestamp now, Changes& changes) {
    const auto user = present(installation, name);
    if (!user) return fail(user.error());
    (*user)->revoked_at = now;
    record(directory, installation, changes);
    for (const Key& key : (*user)->keys) {
        changes.move(folder_of(name, key.number), revoked_folder_of(name, key.number),
                     "to show that it is refused");
    }
    return {};
}

Result<void> plan_rotate(const Directory& directory, Installation& installation,
                         const RotateOptions& options, Timestamp now, Changes& changes) {
    const auto found = present(installation, options.name);
    if (!found) return fail(found.error());
    User& user = **found;
    const bool two = user.keys.size() > 1;
    if (options.step == RotateOptions::Step::kBegin) {
        if (two) {
            return fail(ErrorKind::kConflict,
                        options.name +
                            " has two keys already: --finish has only the new one good, "
                            "--cancel only the old one");
        }
        if (options.auth_given) user.auth = options.auth;
        auto key = issue(directory, installation, user, now, changes);
        if (!key) return fail(key.error());
        user.next = key->number + 1;
        user.keys.push_back(*std::move(key));
        record(directory, installation, changes);
        return {};
    }
    if (!two) {
        return fail(ErrorKind::kConflict,
                    options.name + " has one key only; synclinectl security rotate makes another");
    }
    const bool finish = options.step == RotateOptions::Step::kFinish;
    const Key gone = finish ? user.keys.front() : user.keys.back();
    user.keys.erase(finish ? user.keys.begin() : user.keys.end() - 1);
    user.auth = user.keys.front().nkey.empty() ? Auth::kCertificate : Auth::kNkey;
    record(directory, installation, changes);
    changes.move(folder_of(options.name, gone.number), revoked_folder_of(options.name, gone.number),
                 "to show that it is refused");
    return {};
}

}  // namespace syncline::ctl::security
