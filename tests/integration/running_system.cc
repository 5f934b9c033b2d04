#include "tests/integration/running_system.h"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <memory>
#include <thread>
#include <utility>

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shared/base/json.h"

namespace syncline::test {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

constexpr auto kWaitMost = 45s;  ///< Longer than the 15 s between two tries of what is refused.

std::string text_of(const fs::path& file) {
    std::ifstream in{file, std::ios::binary};
    return {std::istreambuf_iterator<char>{in}, {}};
}

fs::path make_folder() {
    std::string pattern = (fs::temp_directory_path() / "syncline-system-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp " + pattern);
    return pattern;
}

// In the child, between fork and exec: system calls only.

void put(const char* file, const char* text, std::size_t size) {
    const int fd = ::open(file, O_WRONLY | O_CLOEXEC);
    std::ignore = ::write(fd, text, size);  // Whether it worked shows at the mount.
    ::close(fd);
}

/// A disk of 4 MiB at `folder` that only this process sees; as root, or as root of its own.
void mount_disk(const char* folder, std::string_view user, std::string_view group) {
    if (::unshare(CLONE_NEWNS) != 0) {
        if (::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) ::_exit(Program::kNoDisk);
        put("/proc/self/setgroups", "deny", 4);
        put("/proc/self/uid_map", user.data(), user.size());
        put("/proc/self/gid_map", group.data(), group.size());
    }
    if (::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        ::mount("none", folder, "tmpfs", 0, "size=4m") != 0) {
        ::_exit(Program::kNoDisk);
    }
}

constexpr const char* kPolicy = R"([policy]
name = "bad-input"
[platforms.shop]
[platforms.books]
[platforms.crm]
[objects.customer.fields]
number = { type = "string", required = true }
name   = "string"
[[objects.customer.own]]
fields    = ["*"]
resolve   = "latest"
[[objects.customer.match]]
name = "number"
on   = ["number"]
[objects.customer.on.shop]
fields    = ["*"]
founds    = true
on_delete = "review"
[objects.customer.on.crm]
fields    = ["*"]
founds    = true
on_delete = "review"
[objects.customer.on.books]
fields    = ["*"]
receives  = true
on_delete = "review"
)";

}  // namespace

// ---- One program. ---------------------------------------------------------------------------

Program::Program(const std::string& name, std::vector<std::string> words, Setting setting)
    : log_(std::move(setting.log)) {
    words.insert(words.begin(), std::string{SYNCLINE_BIN_DIR "/"} + name);
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    const std::string log = log_.string();
    const std::string disk = setting.small_disk.string();
    const std::string user = "0 " + std::to_string(::getuid()) + " 1";
    const std::string group = "0 " + std::to_string(::getgid()) + " 1";
    const pid_t parent = ::getpid();
    pid_ = ::fork();
    if (pid_ != 0) return;
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(1);
    const int out = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    ::dup2(::open("/dev/null", O_RDONLY | O_CLOEXEC), STDIN_FILENO);
    ::dup2(out, STDOUT_FILENO);
    ::dup2(out, STDERR_FILENO);
    if (!disk.empty()) mount_disk(disk.c_str(), user, group);
    ::execv(argv[0], argv.data());
    ::_exit(127);
}

Program::~Program() { kill9(); }

std::string Program::said() const { return text_of(log_); }

bool Program::runs() {
    int status = 0;
    if (pid_ != 0 && ::waitpid(pid_, &status, WNOHANG) == pid_) {
        pid_ = 0;
        exit_ = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    }
    return pid_ != 0;
}

fs::path Program::seen(const fs::path& path) const {
    return fs::path{"/proc"} / std::to_string(pid_) / "root" / path.relative_path();
}

int Program::wait() {
    EXPECT_TRUE(until([&] { return !runs(); })) << "it does not end:\n" << said();
    return exit_;
}

int Program::stop() {
    if (runs()) ::kill(pid_, SIGTERM);
    return wait();
}

void Program::signal(int number) const {
    if (pid_ != 0) ::kill(pid_, number);
}

void Program::kill9() {
    if (pid_ == 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = 0;
}

bool until(const std::function<bool()>& condition, std::chrono::milliseconds every) {
    const auto end = std::chrono::steady_clock::now() + kWaitMost;
    while (!condition()) {
        if (std::chrono::steady_clock::now() > end) return false;
        std::this_thread::sleep_for(every);
    }
    return true;
}

// ---- All of them. ---------------------------------------------------------------------------

RunningSystem::RunningSystem(NatsServer::Options options)
    : folder(make_folder()), server(std::move(options)), nats_servers(server.url()) {
    fs::create_directories(folder / "policy");
    write("policy/policy.toml", kPolicy);
    write("hub.toml", "policy = \"policy\"\n[nats]\nurls = [\"" + server.url() + R"("]
[streams]
partitions = 4
[limits]
presence_interval_ms = 100
presence_timeout_ms = 1000
watch_interval_ms = 200
)");
    write_agent("shop");
    write_agent("books");
}

RunningSystem::~RunningSystem() {
    if (HasFailure()) {
        for (const auto& file : fs::directory_iterator{folder}) {
            if (file.path().extension() != ".log") continue;
            ADD_FAILURE() << file.path().filename() << ":\n" << text_of(file.path());
        }
    }
    hub.reset();
    shop.reset();
    books.reset();
    std::error_code ignored;
    fs::remove_all(folder, ignored);
}

void RunningSystem::write_agent(const std::string& platform, const std::string& more) {
    for (const char* part : {"in", "out", "done", "failed"}) {
        fs::create_directories(folder / platform / part);
    }
    fs::create_directories(folder / "disk");
    write(platform + ".toml",
          "platform = \"" + platform + "\"\npoll_ms = 100\nwatch_ms = 200\n" +
              "presence_ms = 200\n" +
              (more.find("store =") == std::string::npos ? "store = \"" + platform + ".db\"\n"
                                                         : std::string{}) +
              more + (more.find("[nats]") == std::string::npos ? "[nats]\n" : "") + "urls = [\"" +
              server.url() + R"("]
[reading]
retry_first_ms = 50
retry_most_ms = 200
[publishing]
retry_first_ms = 50
retry_most_ms = 200
receipt_timeout_ms = 1000
[connector]
kind = "file"
ready = "rename"
directory = ")" +
              platform + R"("
[objects.customer]
native = "customers"
key = "customer_no"
[objects.customer.fields]
number = "customer_no"
name = "name"
)");
}

void RunningSystem::write(const std::string& name, const std::string& text) const {
    std::ofstream file{folder / name, std::ios::binary | std::ios::trunc};
    file << text;
    if (!file.flush()) throw std::runtime_error("cannot write " + name);
}

std::string RunningSystem::read(const std::string& name) const { return text_of(folder / name); }

std::unique_ptr<Program> RunningSystem::start_hub() {
    return std::make_unique<Program>("syncline-hub",
                                     std::vector<std::string>{"--config", folder / "hub.toml"},
                                     Program::Setting{.log = folder / "hub.log"});
}

std::unique_ptr<Program> RunningSystem::start_agent(const std::string& platform,
                                                    const fs::path& disk) {
    return std::make_unique<Program>(
        "syncline-agent", std::vector<std::string>{"--config", folder / (platform + ".toml")},
        Program::Setting{.log = folder / (platform + ".log"), .small_disk = disk});
}

void RunningSystem::start_all() {
    hub = start_hub();
    shop = start_agent("shop");
    books = start_agent("books");
    drop("customers-0.jsonl", row("0", "the first"));
    ASSERT_TRUE(arrives({"0"}));
}

void RunningSystem::drop(const std::string& name, const std::string& rows,
                         const std::string& platform) const {
    write(platform + "/in/." + name, rows);
    fs::rename(folder / platform / "in" / ("." + name), folder / platform / "in" / name);
}

std::string RunningSystem::row(const std::string& number, const std::string& name) {
    return to_json(Value::Map{{"customer_no", number}, {"name", name}}) + "\n";
}

bool RunningSystem::waits(const std::string& name) const {
    return fs::exists(folder / "shop/in" / name);
}

std::set<std::string> RunningSystem::arrived() const {
    std::set<std::string> numbers;
    for (const auto& file : fs::directory_iterator{folder / "books/out"}) {
        const auto told = parse_json(text_of(file.path()));
        const auto* map = told ? told->get<Value::Map>() : nullptr;
        const auto number =
            map == nullptr ? Value::Map::const_iterator{} : map->find("customer_no");
        if (map == nullptr || number == map->end()) continue;  // Not whole yet.
        if (const auto* text = number->second.get<std::string>()) numbers.insert(*text);
    }
    return numbers;
}

bool RunningSystem::arrives(const std::set<std::string>& numbers) const {
    const bool all = until([&] {
        const auto have = arrived();
        return std::ranges::includes(have, numbers);
    });
    if (!all) {
        std::string text;
        for (const std::string& number : arrived()) text += " " + number;
        ADD_FAILURE() << "only these arrived:" << text;
    }
    return all;
}

std::string RunningSystem::ctl(std::vector<std::string> words) const {
    words.insert(words.begin(), {"--server", nats_servers, "--timeout", "5"});
    const fs::path out = folder / "ctl.out";
    fs::remove(out);
    Program program{"synclinectl", std::move(words), {.log = out}};
    program.wait();
    return program.said();
}

bool RunningSystem::ctl_says(const std::vector<std::string>& words, const std::string& text,
                             Says says) const {
    std::string said;
    const bool wanted = says == Says::kYes;
    // Not oftener: each run leaves a consumer for half a minute, of which a server takes so many.
    const bool done = until(
        [&] {
            said = ctl(words);
            return (said.find(text) != std::string::npos) == wanted;
        },
        500ms);
    if (!done) ADD_FAILURE() << (wanted ? "does not say " : "still says ") << text << ":\n" << said;
    return done;
}

}  // namespace syncline::test
