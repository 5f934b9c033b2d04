#include "agent/probe.h"

#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <mutex>

#include "shared/base/clock.h"
#include "shared/base/text_file.h"
#include "shared/http/server.h"

// A probe of a platform that speaks HTTP, with the profile that the others start from.

namespace syncline::agent {
namespace {

namespace fs = std::filesystem;
using Level = Finding::Level;

constexpr const char* kStamp = "2026-01-02T03:04:05Z";

std::string row(const std::string& id, const std::string& rest) {
    return R"({"id":")" + id + R"(","updated_at":")" + kStamp + "\"" + rest + "}";
}

class Probe : public testing::Test {
protected:
    Probe() {
        fs::remove_all(folder_);
        fs::create_directories(folder_);
        std::string profile =
            read_text_file(fs::path{SYNCLINE_SOURCE_DIR} / "configs/profiles/generic.toml", 1 << 20)
                .value();
        const std::string update = "[update]\n";
        profile.insert(profile.find(update) + update.size(), "method = \"POST\"\n");
        std::ofstream{folder_ / "shop.toml"} << profile;
        server_ = std::move(*HttpServer::start(
            {.prefix = "/v1/", .gets = true},
            [this](const HttpServer::Request& request, const HttpServer::Answer& answer) {
                answer(reply(request));
            }));
    }
    ~Probe() override {
        server_.reset();
        fs::remove_all(folder_);
    }

    HttpServer::Reply reply(const HttpServer::Request& request) {
        const auto json = [](unsigned status, std::string text) {
            return HttpServer::Reply{status, std::move(text), "application/json"};
        };
        if (request.header("Authorization") != "Bearer right") {
            return json(401, R"({"error":{"code":"no","message":"who are you?"}})");
        }
        if (request.path == "/v1/me") return json(200, "{}");
        if (request.method == "POST") {
            ++writes_;
            const std::lock_guard lock{mutex_};
            body_ = request.body;
            return json(200, R"({"data":)" + changed_ + "}");
        }
        const bool searches = request.target.find("external_id=") != std::string_view::npos;
        if (searches) return json(200, R"({"data":[]})");
        if (request.path == "/v1/people") {
            return json(200, R"({"data":[)" + row("1", first_) + "," + row("2", second_) + "]}");
        }
        if (request.path == "/v1/people/1") {
            return json(200, R"({"data":)" + (writes_ > 0 ? changed_ : row("1", first_)) + "}");
        }
        return json(404, R"({"error":{"code":"gone","message":"nothing here"}})");
    }

    fs::path file(const std::string& fields, const char* token = "right") {
        const fs::path path = folder_ / "agent.toml";
        std::ofstream{folder_ / "token"} << token;
        fs::permissions(folder_ / "token", fs::perms::owner_read | fs::perms::owner_write);
        std::ofstream{path} << "platform = \"shop\"\nstore = \"shop.db\"\n[connector]\n"
                            << "kind = \"rest\"\nprofile = \"" << (folder_ / "shop.toml").string()
                            << "\"\nbase_url = \"http://127.0.0.1:" << server_->port()
                            << "\"\n[connector.auth]\ntoken = { file = \""
                            << (folder_ / "token").string() << "\" }\n"
                            << "[objects.person]\nnative = \"people\"\n"
                            << "[objects.person.fields]\n"
                            << fields;
        return path;
    }
    ProbeReport report(const fs::path& path, const ProbeOptions& options = {}) {
        auto made = probe(path, options, clock_, {});
        EXPECT_TRUE(made) << made.error().what;
        return made ? *std::move(made) : ProbeReport{};
    }
    static std::string said(const ProbeReport& report, Level level) {
        std::string text;
        const auto add = [&](const std::vector<Finding>& findings) {
            for (const Finding& finding : findings) {
                if (finding.level == level) text += finding.text + "\n";
            }
        };
        add(report.findings);
        for (const ProbedObject& object : report.objects) add(object.findings);
        return text;
    }
    static bool has(const std::string& text, const char* part) {
        return text.find(part) != std::string::npos;
    }

    const fs::path folder_ =
        fs::temp_directory_path() / ("syncline-probe-test-" + std::to_string(::getpid()));
    const SystemClock clock_;
    std::string first_ = R"(,"name":"Ann","mail":"a@x.example","address":{"city":"Bern"})";
    std::string second_ = R"(,"name":"Bob","mail":null)";
    std::string changed_ = row("1", R"(,"name":"Ann","mail":"A@X.EXAMPLE")");
    std::atomic<int> writes_ = 0;
    std::mutex mutex_;
    std::string body_;
    std::unique_ptr<HttpServer> server_;
};

TEST_F(Probe, ShowsWhatComesBesideWhatIsMapped) {
    const ProbeReport found = report(file("name = \"name\"\nmail = \"mail\"\n"));
    EXPECT_FALSE(found.has_problems()) << said(found, Level::kProblem);
    ASSERT_EQ(found.objects.size(), 1u) << said(found, Level::kProblem);
    const ProbedObject& person = found.objects.front();
    EXPECT_EQ(person.records, 2u);
    ASSERT_EQ(person.fields.size(), 2u);
    EXPECT_EQ(person.fields[0].path, "mail");
    EXPECT_EQ(person.fields[0].told, 2u);
    EXPECT_EQ(person.fields[0].empty, 1u);
    EXPECT_EQ(person.fields[1].samples, (std::vector<std::string>{"\"Ann\"", "\"Bob\""}));
    ASSERT_EQ(person.unmapped.size(), 1u);
    EXPECT_EQ(person.unmapped[0].path, "address.city");
    EXPECT_TRUE(has(said(found, Level::kFine), "record 1 by its id: found"));
    EXPECT_TRUE(has(said(found, Level::kFine), "the search by the marker answers"));
    EXPECT_EQ(writes_, 0);
}

TEST_F(Probe, NamesAPathThatIsInNoRecord) {
    const ProbeReport found = report(file("name = \"name\"\nmail = \"e_mail\"\n"));
    EXPECT_TRUE(found.has_problems());
    EXPECT_TRUE(has(said(found, Level::kProblem), "`e_mail`, mapped as mail, is in no record"));
    ASSERT_EQ(found.objects.size(), 1u) << said(found, Level::kProblem);
    EXPECT_EQ(found.objects.front().unmapped.back().path, "mail");
}

TEST_F(Probe, TellsWhichRecordsCannotBeUsed) {
    const ProbeReport found =
        report(file("name = { path = \"name\", type = \"integer\" }\nmail = \"mail\"\n"));
    EXPECT_TRUE(
        has(said(found, Level::kProblem),
            "record 1 cannot be used: person.name (`name`): \"Ann\" is not a whole number"));
}

TEST_F(Probe, RefusedCredentialsAreTheOneProblem) {
    const ProbeReport found = report(file("name = \"name\"\n", "wrong"));
    EXPECT_TRUE(found.has_problems());
    EXPECT_TRUE(has(said(found, Level::kProblem), "401"));
    EXPECT_TRUE(has(said(found, Level::kProblem), "who are you?"));
}

TEST_F(Probe, WritesOnlyWhereItIsTold) {
    ProbeOptions options;
    options.write = {ObjectName{"person"}, RecordId{"1"}};
    const ProbeReport found = report(file("mail = \"mail\"\n"), options);
    EXPECT_EQ(writes_, 1);
    EXPECT_TRUE(has(body_, R"("mail":"a@x.example")")) << body_;
    EXPECT_FALSE(has(body_, "external_id")) << body_;
    EXPECT_TRUE(has(said(found, Level::kNote),
                    "the platform changed mail from \"a@x.example\" to \"A@X.EXAMPLE\""))
        << said(found, Level::kNote) << said(found, Level::kProblem);
}

TEST_F(Probe, WritesNothingThatWouldNotComeBackAsItIs) {
    ProbeOptions options;
    options.write = {ObjectName{"person"}, RecordId{"1"}};
    const ProbeReport found = report(file("name = { path = \"name\", write = false }\n"), options);
    EXPECT_EQ(writes_, 0);
    EXPECT_TRUE(has(said(found, Level::kProblem), "no field of it may be written as it is"))
        << said(found, Level::kProblem) << said(found, Level::kNote) << said(found, Level::kFine);
}

TEST_F(Probe, ShowsNoValuesIfItIsToShowNone) {
    ProbeOptions options;
    options.with_values = false;
    options.write = {ObjectName{"person"}, RecordId{"1"}};
    const ProbeReport found = report(
        file("mail = \"mail\"\nage = { path = \"name\", type = \"integer\", write = false }\n"),
        options);
    for (const Level level : {Level::kFine, Level::kNote, Level::kProblem}) {
        const std::string text = said(found, level);
        EXPECT_FALSE(has(text, "Ann") || has(text, "x.example") || has(text, "X.EXAMPLE")) << text;
    }
    EXPECT_TRUE(has(said(found, Level::kProblem), "record 1 cannot be used"));
}

TEST_F(Probe, RefusesAnObjectThatIsNotMapped) {
    ProbeOptions options;
    options.objects = {"order"};
    const auto refused = probe(file("name = \"name\"\n"), options, clock_, {});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().what, "the file maps no object `order`");
}

}  // namespace
}  // namespace syncline::agent
