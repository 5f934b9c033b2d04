// `synclinectl policy check` on a large policy, as a process; prints one JSON line. Which part of
// it is reading and which proving is measured in this process.
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "shared/policy/check.h"
#include "shared/policy/policy_toml.h"
#include "tests/bench/folder.h"
#include "tests/bench/large_policy.h"

namespace syncline::bench {
namespace {

double seconds_of(const std::function<void()>& work) {
    const auto start = std::chrono::steady_clock::now();
    work();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

double median(std::vector<double> values) {
    std::ranges::sort(values);
    return values[values.size() / 2];
}

void run_program(const std::string& program, const std::filesystem::path& folder) {
    const std::string log = (folder / "log").string();
    const std::string command =
        "'" + program + "' policy check --strict '" + folder.string() + "' > '" + log + "' 2>&1";
    if (std::system(command.c_str()) != 0) {
        std::ignore = std::system(("head -20 '" + log + "' >&2").c_str());
        throw std::runtime_error("the policy is not clean, or " + program + " does not run");
    }
}

int run(int argc, char** argv) {
    if (argc < 2) {
        std::fprintf(stderr, "usage: check_bench SYNCLINECTL [--runs N] [--quick]\n");
        return 2;
    }
    PolicySize size;
    int runs = 5;
    for (int i = 2; i < argc; ++i) {
        const std::string_view flag = argv[i];
        if (flag == "--quick") {
            size = {.objects = 5, .fields = 40};
            runs = 1;
        }
        if (flag == "--runs" && i + 1 < argc) runs = std::max(1, std::atoi(argv[i + 1]));
    }
    const Folder folder;
    write_large_policy(folder.path(), size);
    std::vector<double> whole;
    std::vector<double> read;
    std::vector<double> proven;
    std::size_t rules = 0;
    for (int i = 0; i < runs; ++i) {
        whole.push_back(seconds_of([&] { run_program(argv[1], folder.path()); }));
        Result<Policy> policy = fail(ErrorKind::kNotFound, "");
        read.push_back(seconds_of([&] { policy = load_policy(folder.path()); }));
        if (!policy) throw std::runtime_error(policy.error().what);
        std::vector<Finding> findings;
        proven.push_back(seconds_of([&] { findings = check(*policy); }));
        if (!findings.empty()) throw std::runtime_error(to_string(findings.front()));
        rules = 0;
        for (const ObjectSpec& object : policy->objects) rules += object.ownership.size();
        std::fprintf(stderr, "run %d of %d: %.3f s\n", i + 1, runs, whole.back());
    }
    std::printf(
        "{\"bench\":\"check\",\"runs\":%d,\"objects\":%d,\"fields\":%d,\"stages\":6,\"rules\":%zu,"
        "\"seconds\":%.3f,\"read_seconds\":%.3f,\"prove_seconds\":%.3f}\n",
        runs, size.objects, size.fields, rules, median(whole), median(read), median(proven));
    return 0;
}

}  // namespace
}  // namespace syncline::bench

int main(int argc, char** argv) {
    try {
        return syncline::bench::run(argc, argv);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "bench: %s\n", error.what());
        return 1;
    }
}
