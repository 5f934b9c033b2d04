#pragma once

#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <unistd.h>

#include <gtest/gtest.h>

#include "agent/connectors/exec/settings.h"
#include "shared/base/clock.h"

namespace syncline::test {

/// A folder with a shell script that plays a platform's program.
class ProgramFixture : public testing::Test {
protected:
    ProgramFixture() {
        std::string pattern =
            (std::filesystem::temp_directory_path() / "syncline-exec-XXXXXX").string();
        folder = ::mkdtemp(pattern.data());
        settings.command = {"sh", "program.sh"};
        settings.working_directory = folder;
        settings.objects = {{.object = ObjectName{"customer"},
                             .native = "customers",
                             .key = "no",
                             .marker = "entity",
                             .fields = {{.field = FieldName{"name"}, .path = "name"}}}};
    }
    ~ProgramFixture() override { std::filesystem::remove_all(folder); }

    void write(const std::string& name, const std::string& text) {
        std::ofstream{folder / name, std::ios::binary} << text;
    }
    [[nodiscard]] std::string content(const std::string& name) const {
        std::ifstream in{folder / name, std::ios::binary};
        return {std::istreambuf_iterator<char>{in}, {}};
    }
    /// A script that says hello, reads a request, and then does `what`.
    void program(const std::string& what) {
        write("program.sh",
              "IFS= read -r hello\n"
              "echo '{\"id\":1,\"result\":{\"protocol\":1,\"capabilities\":[\"can_fetch\","
              "\"has_marker\"]}}'\nIFS= read -r line\n" +
                  what + "\n");
    }
    /// One that answers each request by the next of `answers`, in which ID stands for the
    /// request's, and keeps the requests in `requests`.
    void answering(const std::vector<std::string>& answers) {
        std::string text =
            "{\"id\":ID,\"result\":{\"protocol\":1,\"capabilities\":["
            "\"can_fetch\",\"has_marker\"]}}\n";
        for (const std::string& answer : answers) text += answer + "\n";
        write("answers", text);
        write("program.sh",
              "n=0\nwhile IFS= read -r line; do n=$((n + 1)); printf '%s\\n' \"$line\" >>requests\n"
              "IFS= read -r answer <&3 || exit 7\n"
              "printf '%s\\n' \"$answer\" | sed \"s/ID/$n/\"\ndone 3<answers\n");
    }
    /// Waits until the script has written a whole line to a file of that name.
    [[nodiscard]] std::string await(const std::string& name) const {
        const auto until = std::chrono::steady_clock::now() + std::chrono::seconds{20};
        while (std::chrono::steady_clock::now() < until) {
            const std::string text = content(name);
            if (text.ends_with('\n')) return text.substr(0, text.size() - 1);
            std::this_thread::sleep_for(std::chrono::milliseconds{2});
        }
        throw std::runtime_error("no file " + name);
    }

    std::filesystem::path folder;
    agent::exec::Settings settings;
    SystemClock clock;
};

}  // namespace syncline::test
