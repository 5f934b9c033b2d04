// The JWT bearer flow against Salesforce's stand-in, which verifies signature, claims and times.
#include <fstream>

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "tests/conformance/rest_connector.h"

namespace syncline::test {
namespace {

/// A new key: private at `private_file`, public at `public_file`.
void make_keys(const std::filesystem::path& private_file,
               const std::filesystem::path& public_file) {
    EVP_PKEY* const key = EVP_RSA_gen(2048);
    BIO* const secret = BIO_new_file(private_file.c_str(), "w");
    BIO* const known = BIO_new_file(public_file.c_str(), "w");
    const bool written =
        PEM_write_bio_PrivateKey(secret, key, nullptr, nullptr, 0, nullptr, nullptr) == 1 &&
        PEM_write_bio_PUBKEY(known, key) == 1;
    BIO_free(secret);
    BIO_free(known);
    EVP_PKEY_free(key);
    if (!written) throw std::runtime_error("no keys");
}

class JwtBearer : public testing::Test {
protected:
    JwtBearer() {
        std::string name =
            (std::filesystem::temp_directory_path() / "syncline-jwt-XXXXXX").string();
        if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("no folder");
        folder = name;
        make_keys(folder / "key.pem", folder / "public.pem");
    }
    ~JwtBearer() override { std::filesystem::remove_all(folder); }

    [[nodiscard]] std::unique_ptr<agent::Connector> connector(const NodeServer& server,
                                                              const std::string& more = "") const {
        return connector_from(
            "[connector]\nkind = \"rest\"\nprofile = \"salesforce\"\n"
            "base_url = \"" +
            server.url() + "\"\n[connector.auth]\nkind = \"oauth2_jwt_bearer\"\nclient_id = \"" +
            server.ready("client_id") + "\"\nusername = \"" + server.ready("username") +
            "\"\nprivate_key = { file = \"" + (folder / "key.pem").string() + "\" }\n" + more +
            "[objects.customer]\nnative = \"Account\"\n"
            "[objects.customer.fields]\nname = \"Name\"\n");
    }

    std::filesystem::path folder;
};

class JwtClocks : public JwtBearer, public testing::WithParamInterface<const char*> {};

/// Also where the server's clock is minutes from ours, either way.
TEST_P(JwtClocks, LogsInWhateverTheClocksSay) {
    NodeServer server{"salesforce",
                      {"--jwt-public-key", (folder / "public.pem").string(),
                       std::string{"--clock-skew-ms="} + GetParam()}};
    auto made = connector(server);
    const auto connected = made->connect({});
    ASSERT_TRUE(connected) << connected.error().what;
    const std::string id = server.create("Account", {{"Name", "Acme"}});
    ASSERT_TRUE(*made->fetch(ObjectName{"customer"}, RecordId{id}, {}));
    server.fault({{"kind", "expire_sessions"}});
    EXPECT_TRUE(*made->fetch(ObjectName{"customer"}, RecordId{id}, {})) << "by a new assertion";
}
INSTANTIATE_TEST_SUITE_P(Skews, JwtClocks, testing::Values("0", "600000", "-600000"),
                         [](const auto& one) {
                             const std::string skew = one.param;
                             return skew == "0" ? "agree" : skew[0] == '-' ? "behind" : "ahead";
                         });

TEST_F(JwtBearer, AnotherKeyOrAnotherAudienceIsRefused) {
    NodeServer server{"salesforce", {"--jwt-public-key", (folder / "public.pem").string()}};
    const auto elsewhere = connector(server, "audience = \"https://elsewhere.example\"\n");
    const auto refused = elsewhere->connect({});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, ErrorKind::kDenied);
    EXPECT_NE(refused.error().what.find("audience is invalid"), std::string::npos);
    make_keys(folder / "key.pem", folder / "other.pem");
    const auto stranger = connector(server)->connect({});
    ASSERT_FALSE(stranger);
    EXPECT_NE(stranger.error().what.find("invalid assertion"), std::string::npos);
}

}  // namespace
}  // namespace syncline::test
