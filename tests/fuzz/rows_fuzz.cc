// Dropped files, CSV, JSONL and lines of fixed width: every row or what is wrong with it, and the
// same rows again when reading goes on after a restart at any of them.
#include <filesystem>

#include <fcntl.h>
#include <unistd.h>

#include "agent/connectors/file/row_reader.h"
#include "tests/fuzz/must.h"

namespace syncline::fuzz {
namespace {

using namespace agent::file;

constexpr std::size_t kRawMax = 16u << 10;

/// A file of this process that is gone when it ends. It stays open: a file that is emptied, written
/// and closed is put on the disk at once by some file systems, which takes longer than all else.
class Scratch {
public:
    Scratch()
        : path_(std::filesystem::temp_directory_path() /
                ("rows-fuzz-" + std::to_string(::getpid()))),
          fd_(::open(path_.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600)) {
        must(fd_.valid());
    }
    ~Scratch() {
        std::error_code ignored;
        std::filesystem::remove(path_, ignored);
    }
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;
    const std::filesystem::path& hold(std::string_view text) {
        const auto size = static_cast<ssize_t>(text.size());
        must(::pwrite(fd_.get(), text.data(), text.size(), 0) == size);
        must(::ftruncate(fd_.get(), size) == 0);
        return path_;
    }

private:
    std::filesystem::path path_;
    Descriptor fd_;
};

struct Read {
    Row row;
    RowPlace after;
};

std::vector<Read> read_all(RowReader& reader) {
    std::vector<Read> rows;
    for (;;) {
        const RowPlace before = reader.place();
        auto row = reader.next();
        must(row.has_value());  // A bad row is told as a row.
        if (!*row) return rows;
        must(reader.place().offset > before.offset && reader.place().offset <= reader.size());
        must((*row)->line > before.line && (*row)->raw.size() <= kRawMax);
        must((*row)->values.empty() || (*row)->problem.empty());
        must((*row)->column == 0 || !(*row)->problem.empty());
        rows.push_back({std::move(**row), reader.place()});
    }
}

void check_rows(const std::filesystem::path& path, const RowReader::Options& options) {
    auto reader = RowReader::open(path, options);
    if (!taken(reader)) return must(reader.error().kind == ErrorKind::kInvalid);
    const auto rows = read_all(*reader);
    if (rows.empty()) return;
    const std::size_t from = rows.size() / 2;  // A restart in the middle.
    auto resumed = RowReader::open(path, options);
    must(resumed.has_value());
    resumed->seek(rows[from].after);
    const auto rest = read_all(*resumed);
    must(rest.size() == rows.size() - from - 1);
    for (std::size_t i = 0; i < rest.size(); ++i) {
        const Row& row = rest[i].row;
        const Row& first = rows[from + 1 + i].row;
        must(row.values == first.values && row.line == first.line && row.problem == first.problem);
    }
}

void check_csv_record(std::string_view text) {
    const auto parts = split_csv(text, ',');
    if (!taken(parts)) return;
    std::string again;
    for (const std::string& part : *parts) {
        again += again.empty() ? "\"" : ",\"";
        for (const char c : part) again += c == '"' ? std::string{"\"\""} : std::string{c};
        again += '"';
    }
    must(split_csv(again, ',') == *parts);
}

}  // namespace
}  // namespace syncline::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace syncline::fuzz;
    static Scratch scratch;
    const std::string_view text = text_of(data, size);
    const auto& path = scratch.hold(text);
    check_rows(path, {.format = Format::kJsonl, .line_max = 256});
    check_rows(path, {.format = Format::kCsv, .line_max = 256});
    check_rows(path, {.format = Format::kCsv, .separator = ';', .line_max = 64});
    check_rows(path, {.format = Format::kCsv, .line_max = 256, .encoding = Encoding::kWindows1252});
    const FixedLayout layout{.columns = {{.name = "no", .start = 1, .width = 4},
                                         {.name = "name", .start = 6, .width = 9}}};
    FixedLayout short_layout = layout;
    short_layout.short_lines = true;
    check_rows(path, {.format = Format::kFixed, .line_max = 256, .layout = layout});
    check_rows(path, {.format = Format::kFixed,
                      .line_max = 64,
                      .encoding = Encoding::kLatin1,
                      .layout = short_layout});
    check_csv_record(text);
    return 0;
}
