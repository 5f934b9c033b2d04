#pragma once

// The rest connector against scripted replies.
#include <unistd.h>

#include <deque>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/connectors/rest/rest.h"
#include "tests/support/manual_clock.h"

namespace syncline::agent {

struct Step {
    std::string expect;  ///< Part of "METHOD url".
    Result<HttpResponse> reply;
};

struct Script {
    std::deque<Step> steps;
    std::vector<HttpRequest> sent;
};

class ScriptedClient final : public HttpClient {
public:
    explicit ScriptedClient(Script& script) : script_(script) {}
    Result<HttpResponse> send(const HttpRequest& request, std::stop_token) override {
        script_.sent.push_back(request);
        if (script_.steps.empty()) {
            ADD_FAILURE() << "unexpected " << request.method << " " << request.url;
            return fail(ErrorKind::kInternal, "no step");
        }
        Step step = std::move(script_.steps.front());
        script_.steps.pop_front();
        EXPECT_THAT(request.method + " " + request.url, testing::HasSubstr(step.expect));
        return step.reply;
    }

private:
    Script& script_;
};

inline HttpResponse reply(int status, std::string body,
                          std::map<std::string, std::string, std::less<>> headers = {}) {
    headers.emplace("date", "Mon, 05 Jan 2026 10:00:00 GMT");
    return {status, std::move(headers), std::move(body)};
}

class Rest : public testing::Test {
protected:
    void SetUp() override {
        folder_ = std::filesystem::temp_directory_path() /
                  ("syncline-rest-" + std::to_string(::getpid()));
        std::filesystem::create_directories(folder_);
        std::ofstream{folder_ / "secret"} << "s3cret\n";
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }

    std::shared_ptr<rest::Settings> settings_of(const std::string& profile) const {
        auto settings = std::make_shared<rest::Settings>();
        auto loaded = rest::load_profile(std::string{SYNCLINE_SOURCE_DIR} + "/configs/profiles/" +
                                         profile + ".toml");
        settings->profile = *loaded;
        settings->base_url = "https://host";
        const Secret secret{Secret::Source::kFile, (folder_ / "secret").string()};
        settings->credentials = {.client_id = "client",
                                 .client_secret = secret,
                                 .username = "user",
                                 .password = secret,
                                 .token = secret,
                                 .token_id = {},
                                 .realm = {},
                                 .refresh_token = secret};
        settings->objects = {{.object = ObjectName{"customer"},
                              .native = profile == "salesforce" ? "Account" : "core_company",
                              .key = settings->profile.key,
                              .marker = settings->profile.marker,
                              .changed = settings->profile.changed,
                              .changed_format = settings->profile.changed_format,
                              .fields = {{.field = FieldName{"name"},
                                          .path = "name",
                                          .text_only = settings->profile.text_only}}}};
        return settings;
    }
    std::unique_ptr<Connector> connector_of(const std::shared_ptr<rest::Settings>& settings) {
        return make_rest_connector(settings, std::make_shared<rest::Session>(settings, clock),
                                   std::make_unique<ScriptedClient>(script), clock);
    }
    void step(const char* expect, Result<HttpResponse> answer) {
        script.steps.push_back({expect, std::move(answer)});
    }
    void token(const char* text = "T1") {
        step("/services/oauth2/token",
             reply(200, std::string{R"({"access_token":")"} + text + R"("})"));
    }
    static Command command(CommandKind kind, const char* record = nullptr) {
        Command result;
        result.kind = kind;
        result.platform = PlatformId{"crm"};
        result.entity = {ObjectName{"customer"}, EntityId{"e1"}};
        if (record != nullptr) result.record = RecordId{record};
        result.generation = 7;
        result.fields = Fields{{FieldName{"name"}, Value{"Ada"}}};
        return result;
    }
    static std::string header(const HttpRequest& request, const char* name) {
        for (const auto& [key, value] : request.headers) {
            if (key == name) return value;
        }
        return {};
    }

    std::filesystem::path folder_;
    test::ManualClock clock;
    Script script;
};

}  // namespace syncline::agent
