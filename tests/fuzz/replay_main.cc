// main of the fuzz targets where there is no libFuzzer (GCC): every file of the corpus once, then
// a fixed number of seeded mutations of them. Finds little that is new, but proves on every build
// that each target builds, and that nothing in the corpus breaks what it broke before. An input
// that breaks something, or takes over five seconds, is kept in ./crash-input.
//
//     some_fuzz CORPUS... [--mutations N] [--seed S]

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string_view>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

// Without these the sanitizers leave by _exit, and the input at fault would not be kept.
extern "C" const char* __asan_default_options();
extern "C" const char* __asan_default_options() { return "abort_on_error=1"; }
extern "C" const char* __ubsan_default_options();
extern "C" const char* __ubsan_default_options() { return "abort_on_error=1:print_stacktrace=1"; }

namespace {

using Input = std::vector<std::uint8_t>;

constexpr std::size_t kGrownMax = 4096;  // Bytes a mutation may reach.
constexpr unsigned kSecondsMax = 5;      // That one input may take.

const Input* running = nullptr;  // What keep_input() writes: a signal handler takes no argument.

void say(std::string_view text) {
    [[maybe_unused]] const auto written = write(STDERR_FILENO, text.data(), text.size());
}

void keep_input(int signal) {
    std::signal(signal, SIG_DFL);  // A trap that is returned to would trap again, for ever.
    if (signal == SIGALRM) say("An input took longer than it may\n");
    if (std::FILE* file = std::fopen("crash-input", "wb"); file != nullptr && running != nullptr) {
        std::fwrite(running->data(), 1, running->size(), file);
        std::fclose(file);
        say("The input at fault is in ./crash-input\n");
    }
    std::raise(signal);
}

void run(const Input& input) {
    running = &input;
    alarm(kSecondsMax);
    LLVMFuzzerTestOneInput(input.data(), input.size());
    running = nullptr;
}

void read_corpus(const std::filesystem::path& path, std::vector<Input>& corpus) {
    if (std::filesystem::is_directory(path)) {
        std::vector<std::filesystem::path> files{std::filesystem::directory_iterator{path}, {}};
        std::ranges::sort(files);  // The directory's own order differs between machines.
        for (const auto& file : files) read_corpus(file, corpus);
        return;
    }
    std::ifstream file{path, std::ios::binary};
    corpus.emplace_back(std::istreambuf_iterator<char>{file}, std::istreambuf_iterator<char>{});
}

/// One to eight small edits: a byte set, a bit flipped, a piece removed, repeated or cut off.
Input mutated(Input input, std::mt19937_64& random) {
    const auto below = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
    for (std::size_t edit = below(8) + 1; edit > 0; --edit) {
        if (input.empty()) {
            input.push_back(static_cast<std::uint8_t>(random()));
            continue;
        }
        const std::size_t at = below(input.size());
        const std::size_t length = below(std::min<std::size_t>(input.size() - at, 16)) + 1;
        const auto from = input.begin() + static_cast<std::ptrdiff_t>(at);
        const auto to = from + static_cast<std::ptrdiff_t>(length);
        switch (below(5)) {
            case 0: input[at] = static_cast<std::uint8_t>(random()); break;
            case 1: input[at] = static_cast<std::uint8_t>(input[at] ^ (1U << below(8))); break;
            case 2: input.erase(from, to); break;
            case 3:
                if (input.size() + length <= kGrownMax) {
                    const Input piece{from, to};
                    input.insert(from, piece.begin(), piece.end());
                }
                break;
            default: input.resize(at); break;
        }
    }
    return input;
}

std::uint64_t number(std::string_view text) {
    std::uint64_t value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
}

}  // namespace

int main(int count, char** words) {
    std::uint64_t mutations = 20'000;
    std::uint64_t seed = 1;
    std::vector<Input> corpus;
    for (int i = 1; i < count; ++i) {
        const std::string_view word = words[i];
        if (word == "--mutations" && i + 1 < count) {
            mutations = number(words[++i]);
        } else if (word == "--seed" && i + 1 < count) {
            seed = number(words[++i]);
        } else {
            read_corpus(word, corpus);
        }
    }
    if (corpus.empty()) {
        std::fprintf(stderr, "no corpus: name a folder with at least one file\n");
        return 2;
    }
    std::signal(SIGABRT, keep_input);
    std::signal(SIGILL, keep_input);
    std::signal(SIGALRM, keep_input);
    // A sanitizer's own handler says more, and ends by SIGABRT.
    const auto before = std::signal(SIGSEGV, keep_input);
    if (before != SIG_DFL) std::signal(SIGSEGV, before);
    std::mt19937_64 random{seed};
    for (const Input& input : corpus) run(input);
    for (std::uint64_t i = 0; i < mutations; ++i) {
        run(mutated(corpus[random() % corpus.size()], random));
    }
    std::printf("%zu inputs and %llu mutations (seed %llu) ran\n", corpus.size(),
                static_cast<unsigned long long>(mutations), static_cast<unsigned long long>(seed));
    return 0;
}
