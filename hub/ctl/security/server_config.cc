#include "hub/ctl/security/server_config.h"

#include <set>
#include <utility>
#include <vector>

#include "shared/base/json.h"

namespace syncline::ctl::security {
namespace {

using nats::Door;

/// Where a leaf node listens for its agent.
constexpr const char* kLeafListen = "127.0.0.1:4222";

constexpr const char* kHead =
    "# Made by synclinectl security, and made anew whenever a user comes, changes or goes:\n"
    "# what is changed here by hand is lost.\n";

/// A text as the server's configuration takes it: its strings are JSON's.
std::string quoted(const std::string& text) { return to_json(Value{text}); }

std::string list_text(const std::vector<std::string>& texts, const std::string& indent) {
    std::string out = "[\n";
    for (const std::string& text : texts) out += indent + "  " + quoted(text) + "\n";
    return out + indent + "]";
}

std::string users_text(const User& user) {
    const nats::Grants grants = nats::grants_of(user.member);
    std::string out;
    for (const Key& key : user.keys) {
        out += "    {\n      ";
        out += key.nkey.empty() ? "user: " + quoted(uri_of(user, key)) : "nkey: " + key.nkey;
        out += "\n      permissions: {\n        publish: { allow: " +
               list_text(grants.publish, "        ") +
               " }\n        subscribe: { allow: " + list_text(grants.subscribe, "        ") +
               " }\n      }\n    }\n";
    }
    return out;
}

std::string exported(const Door& door, const std::vector<std::string>& accounts) {
    std::string out = door.kind == Door::Kind::kMessages ? "    { stream: " : "    { service: ";
    out += quoted(door.subject);
    if (door.kind == Door::Kind::kAnswers) out += ", response_type: stream";
    out += ", accounts: [";
    for (const std::string& account : accounts) {
        out += (out.ends_with('[') ? "" : ", ") + quoted(account);
    }
    return out + "] }\n";
}

std::string imported(const Door& door, const std::string& account) {
    std::string out = door.kind == Door::Kind::kMessages ? "    { stream: " : "    { service: ";
    out += "{ account: " + quoted(account) + ", subject: " + quoted(door.subject) + " }";
    if (door.as != door.subject) out += ", to: " + quoted(door.as);
    return out + " }\n";
}

std::string block(const std::string& account, const std::string& first, const std::string& users,
                  const std::string& exports, const std::string& imports) {
    std::string out = "  " + quoted(account) + ": {\n" + first;
    if (!users.empty()) out += "    users: [\n" + users + "    ]\n";
    if (!exports.empty()) out += "    exports: [\n" + exports + "    ]\n";
    if (!imports.empty()) out += "    imports: [\n" + imports + "    ]\n";
    return out + "  }\n";
}

std::string path_in(const std::string& folder, const char* file) {
    return folder.empty() ? std::string{file} : folder + "/" + file;
}

std::string tls_text(const std::string& folder, const std::string& indent) {
    return indent + "tls: {\n" + indent + "  cert_file: " + quoted(path_in(folder, "server.pem")) +
           "\n" + indent + "  key_file: " + quoted(path_in(folder, "server.key")) + "\n" + indent +
           "  ca_file: " + quoted(path_in(folder, kAuthorityFile)) + "\n" + indent +
           "  # Nobody without a certificate of ours; who it is, is what it says.\n" + indent +
           "  verify_and_map: true\n" + indent + "}\n";
}

/// What a user says to the server beside how he reaches it.
std::string subjects_text(const User& user) {
    std::string out = "inbox_prefix = " + quoted(nats::inbox_of(user.member)) + "\n";
    if (nats::grants_of(user.member).fenced) {
        out += "jetstream_prefix = " + quoted(std::string{nats::kFencedJetStream}) + "\n";
    }
    if (user.member.role == nats::Role::kAgent) out += "direct_reads = true\n";
    return out;
}

std::string title(const Installation& installation, const User& user, const Key& key) {
    return "# " + installation.name + ": " + user.member.name + ", key " +
           std::to_string(key.number) + ", good until " + to_string(key.not_after) + "\n";
}

}  // namespace

std::string account_of(const User& user) {
    return nats::grants_of(user.member).fenced ? user.member.name : kStreamsAccount;
}

std::string accounts_config(const Installation& installation) {
    // Subject, and kind, to the accounts that it is let into.
    std::map<std::pair<std::string, Door::Kind>, std::vector<std::string>> doors;
    std::string hubs;
    std::string imports;
    std::string others;
    for (const User& user : installation.users) {
        if (user.revoked()) continue;
        const nats::Grants grants = nats::grants_of(user.member);
        if (!grants.fenced) {
            hubs += users_text(user);
            continue;
        }
        const std::string account = account_of(user);
        std::string own_imports;
        std::string own_exports;
        std::set<Door> seen;
        for (const Door& door : grants.in) {
            if (!seen.insert(door).second) continue;
            doors[{door.subject, door.kind}].push_back(account);
            own_imports += imported(door, kStreamsAccount);
        }
        for (const Door& door : grants.out) {
            own_exports += exported(door, {kStreamsAccount});
            imports += imported(door, account);
        }
        others += block(account, "", users_text(user), own_exports, own_imports);
    }
    std::string exports;
    for (const auto& [door, accounts] : doors) {
        exports += exported({.kind = door.second, .subject = door.first, .as = {}}, accounts);
    }
    return std::string{kHead} + "accounts: {\n" +
           block(kStreamsAccount, "    jetstream: enabled\n", hubs, exports, imports) + others +
           "}\n";
}

std::string tls_config(const std::string& folder) { return kHead + tls_text(folder, ""); }

std::string leaf_config(const Installation& installation, const std::string& folder) {
    if (installation.leaf_listen.empty()) return std::string{kHead} + "# No leaf nodes.\n";
    return std::string{kHead} + "leafnodes: {\n  listen: " + quoted(installation.leaf_listen) +
           "\n" + tls_text(folder, "  ") + "}\n";
}

std::string server_config(const Installation& installation) {
    return "# The server of " + installation.name +
           ". Made once by synclinectl security; yours from then on.\n"
           "server_name: " +
           quoted(installation.name) + "\nlisten: " + quoted(installation.listen) +
           "\njetstream: {\n  store_dir: " + quoted("/var/lib/nats") +
           "\n  # What is acknowledged is on disk; the default is every two minutes.\n"
           "  sync_interval: always\n}\n"
           "include \"syncline-tls.conf\"\ninclude \"syncline-accounts.conf\"\n"
           "include \"syncline-leaf.conf\"\n";
}

std::string settings_of(const Installation& installation, const User& user, const Key& key,
                        const std::string& folder) {
    std::string out = title(installation, user, key);
    if (!user.member.actor.empty()) out += "actor = " + quoted(user.member.actor) + "\n";
    out += "[nats]\nurls = [" + quoted(installation.url()) +
           "]\ntls_ca_file = " + quoted(path_in(folder, kAuthorityFile)) +
           "\ntls_cert_file = " + quoted(path_in(folder, kCertificateFile)) +
           "\ntls_key_file = " + quoted(path_in(folder, kKeyFile)) + "\n";
    if (!key.nkey.empty()) out += "nkey_seed_file = " + quoted(path_in(folder, kSeedFile)) + "\n";
    return out + subjects_text(user);
}

std::string leaf_server(const Installation& installation, const User& user, const Key& key,
                        const std::string& folder) {
    return title(installation, user, key) + "# nats-server at the site: whoever reaches it is " +
           user.member.name + ", so it listens to its own machine alone.\nserver_name: " +
           quoted("leaf-" + user.member.name) + "\nlisten: " + quoted(kLeafListen) +
           "\nleafnodes: {\n  remotes: [ {\n    url: " + quoted(installation.leaf_url()) +
           "\n    tls: {\n      cert_file: " + quoted(path_in(folder, kCertificateFile)) +
           "\n      key_file: " + quoted(path_in(folder, kKeyFile)) +
           "\n      ca_file: " + quoted(path_in(folder, kAuthorityFile)) + "\n    }\n  } ]\n}\n";
}

std::string leaf_settings(const Installation& installation, const User& user, const Key& key) {
    return title(installation, user, key) + "[nats]\nurls = [" +
           quoted(std::string{"nats://"} + kLeafListen) + "]\n" + subjects_text(user);
}

}  // namespace syncline::ctl::security
