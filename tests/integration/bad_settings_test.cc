// Files of settings and policies that are wrong: every program says where and what, before it
// touches anything, and ends with 2.
#include "tests/integration/running_system.h"

namespace syncline::test {
namespace {

struct SettingsCase {
    const char* name;
    const char* file;  ///< Which one is wrong.
    std::string text;
    std::vector<std::string> says;
};
void PrintTo(const SettingsCase& row, std::ostream* out) { *out << row.name; }
class BadSettings : public RunningSystem, public testing::WithParamInterface<SettingsCase> {
protected:
    BadSettings() : RunningSystem({.start = NatsServer::Options::Start::kLater}) {}
};

TEST_P(BadSettings, AreSaidWithTheirPlaceBeforeAnythingIsTouched) {
    const SettingsCase& row = GetParam();
    write("shop.db", "not to be touched");
    const std::string good = read(row.file);
    write(row.file, row.text);
    const bool agent = std::string_view{row.file} == "shop.toml";
    const auto program = agent ? start_agent("shop") : start_hub();
    EXPECT_EQ(program->wait(), 2) << program->said();
    for (const std::string& part : row.says) EXPECT_TRUE(program->says(part)) << part;
    EXPECT_EQ(read("shop.db"), "not to be touched");
    // Corrected, it starts.
    std::filesystem::remove(folder / "shop.db");
    write(row.file, good);
    const auto again = agent ? start_agent("shop") : start_hub();
    EXPECT_TRUE(until([&] { return again->says("no connection to NATS"); })) << again->said();
}
INSTANTIATE_TEST_SUITE_P(
    Files, BadSettings,
    testing::Values(
        SettingsCase{"malformed_agent",
                     "shop.toml",
                     "platform = \"shop\"\n[nats\nurls = [",
                     {"shop.toml:2:"}},
        SettingsCase{"asserting_agent",
                     "shop.toml",
                     "platform = \"shop\"\n[.nats]\n",
                     {"shop.toml:2:2: this is not TOML"}},
        SettingsCase{"malformed_hub", "hub.toml", "policy = \n", {"hub.toml:1:"}},
        SettingsCase{"malformed_policy",
                     "policy/policy.toml",
                     "[policy]\nname = \"p\nx = 1\n",
                     {"policy.toml:2:"}},
        SettingsCase{"unknown_keys_agent",
                     "shop.toml",
                     "platform = \"shop\"\nstroe = \"x\"\n[connector]\nkind = \"file\"\n"
                     "directory = \"shop\"\nreaddy = \"rename\"\n",
                     {"shop.toml:2:1: unknown key `stroe`; did you mean `store`?",
                      "shop.toml:6:1: unknown key `connector.readdy`; did you mean `ready`?"}},
        SettingsCase{"unknown_keys_hub",
                     "hub.toml",
                     "policy = \"policy\"\n[limit]\nwindow = 5\n",
                     {"hub.toml:2:2: unknown key `limit`; did you mean `limits`?"}},
        SettingsCase{"unknown_keys_policy",
                     "policy/policy.toml",
                     "[policy]\nname = \"p\"\n[objekts.customer]\n",
                     {"policy.toml:3:2: unknown key `objekts`; did you mean `objects`?"}},
        SettingsCase{"wrong_types_agent",
                     "shop.toml",
                     "platform = 5\nstore = \"shop.db\"\npoll_ms = \"soon\"\n[spool]\n"
                     "message_bytes = 5\n[connector]\nkind = \"file\"\ndirectory = \"shop\"\n",
                     {"shop.toml:1:12: `platform` must be", "shop.toml:3:11: `poll_ms` must be",
                      "shop.toml:5:17: `spool.message_bytes` must be"}},
        SettingsCase{"too_short_overlap",
                     "shop.toml",
                     "platform = \"shop\"\nstore = \"shop.db\"\n[connector]\nkind = \"rest\"\n"
                     "profile = \"" SYNCLINE_SOURCE_DIR "/configs/profiles/servicenow.toml\"\n"
                     "base_url = \"http://127.0.0.1:1\"\noverlap_s = 0\n",
                     {"shop.toml:7:13: `connector.overlap_s` must be at least the profile's "
                      "read_back_lag_ms (1000)"}},
        SettingsCase{"wrong_types_hub",
                     "hub.toml",
                     "policy = [\"policy\"]\n[streams]\npartitions = \"many\"\nreplicas = 2\n",
                     {"hub.toml:1:10: `policy` must be", "hub.toml:3:14: `streams.partitions` must",
                      "hub.toml:4:12: `streams.replicas` must be 1, 3 or 5"}},
        SettingsCase{"wrong_types_policy",
                     "policy/policy.toml",
                     "[policy]\nname = 5\n[objects.customer]\nfields = 7\n",
                     {"policy.toml:2:8: `policy.name` must be", "policy.toml:4:10:"}},
        SettingsCase{"invalid_utf8",
                     "shop.toml",
                     "platform = \"sh\xFFop\"\n",
                     {"shop.toml:1:15: not valid UTF-8"}}),
    [](const auto& row) { return std::string{row.param.name}; });

}  // namespace
}  // namespace syncline::test
