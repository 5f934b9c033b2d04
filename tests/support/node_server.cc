#include "tests/support/node_server.h"

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <stdexcept>
#include <thread>

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shared/base/json.h"

namespace syncline::test {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

/// A real platform is prepared by its first start on a machine.
constexpr int kStartMostMs = 240'000;

fs::path make_folder() {
    std::string pattern = (fs::temp_directory_path() / "syncline-node-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp " + pattern);
    // A real platform's database runs as another user, who must get to its own folder below.
    fs::permissions(pattern, fs::perms::owner_all | fs::perms::group_exec | fs::perms::others_exec);
    return pattern;
}

/// The first line that the program writes.
std::string first_line(int fd) {
    std::string line;
    char c = 0;
    while (true) {
        pollfd wait{.fd = fd, .events = POLLIN, .revents = 0};
        if (::poll(&wait, 1, kStartMostMs) <= 0) throw std::runtime_error("no READY line");
        if (::read(fd, &c, 1) != 1) throw std::runtime_error("the platform ended at once");
        if (c == '\n') return line;
        line += c;
    }
}

Value member(const Value& value, const std::string& name) {
    const auto* map = value.get<Value::Map>();
    if (map == nullptr || !map->contains(name)) return {};
    return map->at(name);
}

}  // namespace

NodeServer::NodeServer(const std::string& platform, std::vector<std::string> flags)
    : folder_(make_folder()) {
    const fs::path script =
        fs::path{SYNCLINE_SOURCE_DIR} / "tests" / "support" / "platforms" / platform / "server.mjs";
    std::vector<std::string> words{"node", script.string(), "--data", (folder_ / "data").string()};
    words.insert(words.end(), flags.begin(), flags.end());
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    int out[2];
    if (::pipe2(out, O_CLOEXEC) != 0) throw std::runtime_error("pipe2");
    const pid_t parent = ::getpid();
    pid_ = ::fork();
    if (pid_ < 0) throw std::runtime_error("fork");
    if (pid_ == 0) {
        // The child: only calls that are safe after a fork of a program with threads.
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (::getppid() != parent) ::_exit(1);
        ::dup2(out[1], STDOUT_FILENO);
        ::execvp(arguments[0], arguments.data());
        ::_exit(127);
    }
    ::close(out[1]);
    try {
        const std::string line = first_line(out[0]);
        const auto json = parse_json(line.substr(std::string_view{"READY "}.size()));
        if (!line.starts_with("READY ") || !json) throw std::runtime_error("not READY: " + line);
        ready_ = *json;
    } catch (...) {
        ::close(out[0]);
        stop();
        throw;
    }
    ::close(out[0]);
}

NodeServer::~NodeServer() { stop(); }

void NodeServer::stop() {
    if (pid_ > 0) {
        ::kill(pid_, SIGTERM);
        const auto deadline = std::chrono::steady_clock::now() + 5s;
        while (::waitpid(pid_, nullptr, WNOHANG) == 0) {
            if (std::chrono::steady_clock::now() > deadline) ::kill(pid_, SIGKILL);
            std::this_thread::sleep_for(2ms);
        }
        pid_ = 0;
    }
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
}

std::string NodeServer::ready(const std::string& name) const {
    const Value value = member(ready_, name);
    const auto* text = value.get<std::string>();
    if (text == nullptr) throw std::runtime_error("READY has no " + name);
    return *text;
}

Value NodeServer::control(const std::string& what, const Value::Map& body) {
    HttpRequest request;
    request.url = url() + "/__control/" + what;
    if (!body.empty() || what == "clear") {
        request.method = "POST";
        request.body = to_json(Value{body});
        request.headers.emplace_back("Content-Type", "application/json");
    }
    const auto response = http_.send(request, {});
    if (!response) throw std::runtime_error(response.error().what);
    if (response->status != 200) throw std::runtime_error(what + ": " + response->body);
    const auto json = parse_json(response->body, {.bytes_max = 64u << 20});
    if (!json) throw std::runtime_error(json.error().what);
    return *json;
}

bool NodeServer::has_armed_faults() {
    const Value armed = member(control("faults"), "armed");
    return !armed.get<Value::List>()->empty();
}

void NodeServer::clear() { control("clear"); }

std::string NodeServer::create(const std::string& object, const Value::Map& fields) {
    const Value id = member(control("create", {{"object", object}, {"fields", fields}}), "id");
    return *id.get<std::string>();
}

void NodeServer::edit(const std::string& object, const std::string& id, const Value::Map& fields) {
    control("edit", {{"object", object}, {"id", id}, {"fields", fields}});
}

void NodeServer::remove(const std::string& object, const std::string& id) {
    control("delete", {{"object", object}, {"id", id}});
}

std::size_t NodeServer::row_count(const std::string& object) {
    const Value rows = member(control("rows?object=" + object), "rows");
    std::size_t count = 0;
    for (const Value& row : *rows.get<Value::List>()) {
        const bool deleted = member(row, "IsDeleted") == Value{true} ||
                             member(row, "archived") == Value{true} ||
                             member(row, "status") == Value{"deleted"};
        if (!deleted) ++count;
    }
    return count;
}

}  // namespace syncline::test
