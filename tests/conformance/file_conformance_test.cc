#include <fstream>

#include <unistd.h>

#include <gtest/gtest.h>

#include "agent/connectors/file/file_connector.h"
#include "shared/base/json.h"
#include "tests/conformance/connector_conformance.h"

namespace syncline::test {
namespace {

/// Somebody who drops a file for everything that happens.
class FilePlatform final : public Platform {
public:
    FilePlatform() {
        std::string pattern =
            (std::filesystem::temp_directory_path() / "syncline-file-XXXXXX").string();
        folder_ = ::mkdtemp(pattern.data());
    }
    ~FilePlatform() override { std::filesystem::remove_all(folder_); }

    std::unique_ptr<agent::Connector> connector() override {
        agent::file::Settings settings;
        settings.inbox = folder_ / "in";
        settings.done = folder_ / "done";
        settings.failed = folder_ / "failed";
        settings.outbox = folder_ / "out";
        settings.ready = agent::file::Ready::kRename;
        settings.objects = {{.object = object(),
                             .native = "customers",
                             .key = "no",
                             .fields = {{.field = field(), .path = "name"}}}};
        return agent::make_file_connector(settings, clock_);
    }
    std::string create(const std::string& text) override {
        std::string id = std::to_string(++ids_);
        drop({{{"no", id}, {"name", text}}});
        return id;
    }
    void create_many(std::size_t count, const std::string& text) override {
        std::vector<Value::Map> rows;
        for (std::size_t i = 0; i < count; ++i) {
            rows.push_back({{"no", std::to_string(++ids_)}, {"name", text}});
        }
        drop(rows);
    }
    void edit(const std::string& id, const std::string& text) override {
        drop({{{"no", id}, {"name", text}}});
    }
    void remove(const std::string& id) override { drop({{{"no", id}, {"op", "delete"}}}); }
    void settle() override {}
    std::optional<std::size_t> count() override {
        return static_cast<std::size_t>(
            std::distance(std::filesystem::directory_iterator{folder_ / "out"}, {}));
    }
    [[nodiscard]] bool can_fetch() const override { return false; }

private:
    void drop(const std::vector<Value::Map>& rows) {
        std::string number = std::to_string(++files_);
        number.insert(0, 6 - number.size(), '0');
        const auto path = folder_ / "in" / ("customers-" + number + ".jsonl");
        std::ofstream out{path.string() + ".new"};
        for (const Value::Map& row : rows) out << to_json(Value{row}) << "\n";
        out.close();
        std::filesystem::rename(path.string() + ".new", path);
    }

    std::filesystem::path folder_;
    SystemClock clock_;
    int ids_ = 0;
    int files_ = 0;
};

const bool registered =
    register_connector_conformance("file", [] { return std::make_unique<FilePlatform>(); });

TEST(FileConformance, IsRegistered) { EXPECT_TRUE(registered); }

}  // namespace
}  // namespace syncline::test
