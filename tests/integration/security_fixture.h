#pragma once

// An installation that `synclinectl security` secured: the server runs on the files that it made,
// and every program on its own. `shop` tells of customers, `books` is told.
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "shared/base/json.h"
#include "tests/integration/running_system.h"
#include "tests/support/free_port.h"

namespace syncline::test {

class SecuredSystem : public RunningSystem {
protected:
    explicit SecuredSystem(NatsServer::Version version = NatsServer::Version::kNewest)
        : RunningSystem({.version = version, .start = NatsServer::Options::Start::kLater}) {
        expect_written(security({"init", keys().string(), "--listen", address(), "--leaf-listen",
                                 "127.0.0.1:" + std::to_string(free_port())}));
        for (const std::vector<std::string>& words : {std::vector<std::string>{"hub", "add"},
                                                      {"agent", "add", "shop"},
                                                      {"agent", "add", "books", "--list", "price"},
                                                      {"operator", "add", "ann"},
                                                      {"operator", "add", "eve", "--auth", "nkey"},
                                                      {"viewer", "add", "vic"},
                                                      {"keeper", "add", "kim"}}) {
            expect_written(manage(words));
        }
        use_server_files();
        server.start();
        use_settings("hub", "hub", 1);
        use_settings("shop", "agent-shop", 1);
        use_settings("books", "agent-books", 1);
    }

    [[nodiscard]] std::filesystem::path keys() const { return folder / "keys"; }
    [[nodiscard]] std::string address() const {
        return "127.0.0.1:" + std::to_string(server.port());
    }

    /// `synclinectl security ...`; what it says.
    [[nodiscard]] std::string security(std::vector<std::string> words) const {
        words.insert(words.begin(), "security");
        return ctl(std::move(words));
    }
    /// The same in the directory of this installation.
    [[nodiscard]] std::string manage(std::vector<std::string> words) const {
        words.insert(words.end(), {"--dir", keys().string()});
        return security(std::move(words));
    }
    static void expect_written(const std::string& said) {
        EXPECT_NE(said.find("--signal reload"), std::string::npos) << said;
    }

    /// What the server is to run on from now on; a running one reads it.
    void use_server_files(const std::string& more = {}) {
        server.set_config(read("keys/server/syncline-tls.conf") +
                          read("keys/server/syncline-accounts.conf") +
                          read("keys/server/syncline-leaf.conf") + more);
        if (server.pid() == 0) return;
        server.reload();
        server.reload();  // A new account works from the second on.
    }

    [[nodiscard]] std::string settings_file(const std::string& user, unsigned key = 1) const {
        return keys() / "users" / user / std::to_string(key) / "nats.toml";
    }
    /// The lines of its [nats], as they were made.
    [[nodiscard]] std::string settings(const std::string& user, unsigned key) const {
        const std::string text =
            read("keys/users/" + user + "/" + std::to_string(key) + "/nats.toml");
        return text.substr(text.find("[nats]"));
    }
    /// `program` (hub, shop, books) runs as `user` from its next start on.
    void use_settings(const std::string& program, const std::string& user, unsigned key) {
        const std::string file = program + ".toml";
        std::string text = read(file);
        const auto begin = text.find("[nats]");
        const auto end = text.find("\n[", begin) + 1;
        write(file, text.replace(begin, end - begin, settings(user, key)));
    }
    /// synclinectl as somebody.
    [[nodiscard]] std::string as(const std::string& user, std::vector<std::string> words) const {
        words.insert(words.begin(), {"--connection", settings_file(user)});
        return ctl(std::move(words));
    }
    [[nodiscard]] bool as_says(const std::string& user, std::vector<std::string> words,
                               const std::string& text) const {
        words.insert(words.begin(), {"--connection", settings_file(user)});
        return ctl_says(words, text);
    }

    struct Checked {
        bool ok = false;
        std::vector<Value::Map> attempts;
        std::string text;
    };
    [[nodiscard]] Checked check() const {
        Checked out;
        out.text = manage({"check", "--json"});
        const auto parsed = parse_json(out.text);
        const auto* map = parsed ? parsed->get<Value::Map>() : nullptr;
        if (map == nullptr) return out;
        out.ok = map->at("ok") == Value{true};
        const auto& data = *map->at("data").get<Value::Map>();
        const auto attempts = data.find("attempts");
        if (attempts == data.end()) return out;
        for (const Value& one : *attempts->second.get<Value::List>()) {
            out.attempts.push_back(*one.get<Value::Map>());
        }
        return out;
    }
    [[nodiscard]] static std::string text_in(const Value::Map& map, const char* key) {
        const auto* text = map.at(key).get<std::string>();
        return text == nullptr ? std::string{} : *text;
    }
    /// What the server logged about somebody who tried what he must not.
    [[nodiscard]] std::string violations() const {
        std::string out;
        std::string log = server.log();
        for (std::size_t at = 0; at < log.size();) {
            const auto end = std::min(log.find('\n', at), log.size());
            const std::string line = log.substr(at, end - at);
            if (line.find("Violation") != std::string::npos) out += line + "\n";
            at = end + 1;
        }
        return out;
    }
};

}  // namespace syncline::test
