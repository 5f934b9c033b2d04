// The cases of the profiles that come with Syncline, and that one that does not hold is found.
#include <gtest/gtest.h>

#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <iterator>

#include "agent/connectors/rest/cases.h"

namespace syncline::agent::rest {
namespace {

namespace fs = std::filesystem;

const fs::path kProfiles = fs::path{SYNCLINE_SOURCE_DIR} / "configs" / "profiles";

std::vector<fs::path> files_in(const fs::path& folder) {
    std::vector<fs::path> files;
    for (const auto& entry : fs::directory_iterator{folder}) {
        if (entry.path().extension() == ".toml") files.push_back(entry.path());
    }
    std::ranges::sort(files);
    return files;
}

class ProfileCases : public testing::TestWithParam<fs::path> {};

TEST_P(ProfileCases, Hold) {
    const auto results = run_cases(GetParam());
    ASSERT_TRUE(results) << results.error().what;
    EXPECT_GE(results->size(), 5U) << "too few to show anything";
    for (const CaseResult& one : *results) {
        EXPECT_EQ(one.problem, "") << one.place << ": " << one.name;
    }
}

INSTANTIATE_TEST_SUITE_P(All, ProfileCases, testing::ValuesIn(files_in(kProfiles / "cases")),
                         [](const auto& one) { return one.param.stem().string(); });

/// A file of one case over the profile of ServiceNow.
std::string file_with(const std::string& rest) {
    return "[connector]\nprofile = \"" + (kProfiles / "servicenow.toml").string() +
           "\"\nbase_url = \"https://acme.example\"\n[connector.auth]\nusername = \"u\"\n"
           "password = { env = \"SYNCLINE_CASE_SECRET\" }\n[objects.case]\nnative = \"incident\"\n"
           "[objects.case.fields]\ntitle = \"short_description\"\n"
           "[[cases]]\nname = \"one\"\ndo = \"delete\"\nobject = \"case\"\nid = \"7\"\n" +
           rest;
}

class BadCases : public testing::Test {
protected:
    std::string problem(const std::string& rest) {
        const fs::path file =
            fs::path{testing::TempDir()} / ("cases-" + std::to_string(::getpid()) + ".toml");
        std::ofstream{file} << file_with(rest);
        const auto results = run_cases(file);
        fs::remove(file);
        if (!results) return results.error().what;
        return results->size() == 1 ? results->front().problem : "not one result";
    }
    static constexpr const char* kExpect = "expect = '{\"id\":\"7\"}'\n";
    static constexpr const char* kExchange =
        "[[cases.exchanges]]\nrequest = \"DELETE /api/now/v2/table/incident/7\"\nstatus = 204\n";
};

/// Writes of a backfill may differ from the others, as the profile says.
TEST(OnBackfill, AddsToTheRequestOfAWriteThatComesOfALoad) {
    const fs::path folder = fs::path{testing::TempDir()} / ("quiet-" + std::to_string(::getpid()));
    fs::create_directories(folder);
    std::ifstream generic{kProfiles / "generic.toml"};
    std::string profile{std::istreambuf_iterator<char>{generic}, {}};
    profile +=
        "[create.on_backfill]\nquery = { quiet = \"{native}\" }\n"
        "headers = { X-Quiet = \"yes\" }\n"
        "[update.on_backfill]\nbody = '{{\"quiet\":true,\"data\":{values}}}'\n";
    std::ofstream{folder / "quiet.toml"} << profile;
    const std::string head =
        "[connector]\nprofile = \"quiet.toml\"\nbase_url = \"https://acme.example\"\n"
        "[connector.auth]\ntoken = { env = \"SYNCLINE_CASE_SECRET\" }\n"
        "[objects.customer]\nnative = \"customers\"\n[objects.customer.fields]\nname = \"name\"\n";
    const auto create = [](const char* origin, const char* request, const char* headers) {
        return std::string{
                   "[[cases]]\nname = \"create\"\ndo = \"create\"\nobject = \"customer\"\n"} +
               "entity = \"e1\"\nfields = '{\"name\":\"A\"}'\nexpect = '{\"id\":\"7\",\"record\":"
               "{\"id\":\"7\",\"fields\":{}}}'\n" +
               origin +
               "[[cases.exchanges]]\nrequest = \"GET /v1/customers?external_id=e1\"\n"
               "reply = '{\"data\":[]}'\n[[cases.exchanges]]\nrequest = \"" +
               request + "\"\n" + headers + "reply = '{\"data\":{\"id\":7}}'\n";
    };
    const auto update = [](const char* origin, const char* body) {
        return std::string{
                   "[[cases]]\nname = \"update\"\ndo = \"update\"\nobject = \"customer\"\n"} +
               "id = \"7\"\nfields = '{\"name\":\"A\"}'\nexpect = '{\"id\":\"7\"}'\n" + origin +
               "[[cases.exchanges]]\nrequest = \"PATCH /v1/customers/7\"\nbody = '" + body +
               "'\nreply = '{}'\n";
    };
    const char* const loaded = "origin = \"backfill\"\n";
    std::ofstream{folder / "cases.toml"}
        << head << create("", "POST /v1/customers", "")
        << create(loaded, "POST /v1/customers?quiet=customers", "headers = { X-Quiet = \"yes\" }\n")
        << create("origin = \"live\"\n", "POST /v1/customers", "") << update("", "{\"name\":\"A\"}")
        << update(loaded, "{\"quiet\":true,\"data\":{\"name\":\"A\"}}");
    const auto results = run_cases(folder / "cases.toml");
    fs::remove_all(folder);
    ASSERT_TRUE(results) << results.error().what;
    ASSERT_EQ(results->size(), 5U);
    for (const CaseResult& one : *results) EXPECT_EQ(one.problem, "") << one.place;
}

TEST_F(BadCases, AreToldFromGoodOnes) {
    const std::string good = std::string{kExpect} + kExchange;
    EXPECT_EQ(problem(good), "");
    EXPECT_NE(problem(std::string{"expect = '{\"id\":\"8\"}'\n"} + kExchange).find("comes to"),
              std::string::npos);
    EXPECT_NE(problem(kExpect).find("is asked once more"), std::string::npos);
    EXPECT_NE(problem(good + kExchange).find("is not asked"), std::string::npos);
    EXPECT_NE(problem(good + "[cases.exchanges.headers]\nX = \"1\"\n").find("no header X"),
              std::string::npos);
    EXPECT_NE(problem("expect = '{'\n").find("is not JSON"), std::string::npos);
    EXPECT_NE(problem(good + "nothing = 1\n").find("nothing"), std::string::npos);
}

}  // namespace
}  // namespace syncline::agent::rest
