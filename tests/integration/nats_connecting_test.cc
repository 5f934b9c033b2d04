// NatsLink against real servers: who may connect, and when.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "tests/integration/nats_link_fixture.h"

namespace syncline::nats {
namespace {

TEST(NatsConnecting, AServerThatIsTooOldIsRefusedWithAdvice) {
    const NatsServer server{{.version = NatsServer::Version::kUnsupported}};
    Client client{server};
    ASSERT_TRUE(
        client.until([&] { return client.link.status().state == LinkStatus::State::kRefused; }));
    const auto error = client.link.last_error();
    ASSERT_TRUE(error.has_value());
    EXPECT_EQ(error->kind, ErrorKind::kUnsupported);
    EXPECT_NE(error->what.find("2.10.20"), std::string::npos) << error->what;
    EXPECT_FALSE(client.link.connected());
}

TEST(NatsConnecting, AWrongPasswordIsDeniedUntilItIsRight) {
    const std::string path = testing::TempDir() + "nats_link_test_password";
    std::ofstream{path} << "wrong\n";
    NatsServer server{{.config = "authorization { user: hub, password: right }"}};
    NatsOptions options = options_for(server);
    options.user = "hub";
    options.password = Secret{Secret::Source::kFile, path};
    std::vector<LinkStatus::State> states;
    options.on_status = [&](const LinkStatus& status) { states.push_back(status.state); };
    Client client{options};
    ASSERT_TRUE(
        client.until([&] { return client.link.status().state == LinkStatus::State::kRefused; }));
    EXPECT_EQ(client.link.last_error()->kind, ErrorKind::kDenied);
    EXPECT_EQ(client.link.last_error()->what.find("wrong"), std::string::npos);
    std::ofstream{path} << "right\n";
    ASSERT_TRUE(client.connect());
    for (int i = 0; i < 5; ++i) client.loop.poll(1ms);
    EXPECT_EQ(states, (std::vector{LinkStatus::State::kRefused, LinkStatus::State::kConnected}));
    std::filesystem::remove(path);
}

TEST(NatsConnecting, AnNkeySeedIsEnoughToBeKnown) {
    // The pair of NATS's own documentation.
    constexpr const char* kSeed = "SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VY";
    constexpr const char* kPublic = "UDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2M7NLCNF4";
    const std::string path = testing::TempDir() + "nats_link_test_seed";
    std::ofstream{path} << "-----BEGIN USER NKEY SEED-----\n" << kSeed << "\n------END------\n";
    NatsServer server{
        {.config = std::string{"authorization { users: [ { nkey: "} + kPublic + " } ] }"}};
    NatsOptions options = options_for(server);
    options.nkey_seed_file = path;
    Client client{options};
    EXPECT_TRUE(client.connect()) << client.link.status().error.what;
    std::filesystem::remove(path);
}

/// A certificate for localhost that is its own authority, and its key.
struct Certificate {
    Certificate() {
        const std::string command =
            "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 "
            "-subj /CN=localhost -addext subjectAltName=DNS:localhost -keyout " +
            key + " -out " + file + " 2>/dev/null";
        EXPECT_EQ(std::system(command.c_str()), 0) << command;
    }
    ~Certificate() {
        std::filesystem::remove(file);
        std::filesystem::remove(key);
    }
    Certificate(const Certificate&) = delete;
    Certificate& operator=(const Certificate&) = delete;
    const std::string file = testing::TempDir() + "nats_connecting_test.pem";
    const std::string key = testing::TempDir() + "nats_connecting_test.key";
};

TEST(NatsConnecting, TlsWithAClientCertificateCarriesLargeMessages) {
    const Certificate certificate;
    const NatsServer server{{.config = "tls { cert_file: \"" + certificate.file +
                                       "\", key_file: \"" + certificate.key + "\", ca_file: \"" +
                                       certificate.file + "\", verify: true }"}};
    NatsOptions options = options_for(server);
    options.urls = {"tls://localhost:" + std::to_string(server.port())};
    options.tls_ca_file = certificate.file;
    Client stranger{options};
    ASSERT_TRUE(stranger.until([&] { return stranger.link.last_error().has_value(); }));
    options.tls_cert_file = certificate.file;
    options.tls_key_file = certificate.key;
    Client client{options};
    ASSERT_TRUE(client.connect()) << client.link.status().error.what;
    ASSERT_TRUE(client.ensure(test_stream()));
    Inbox inbox;
    const auto reader = client.link.consume({.stream = "TEST", .filters = {"test.>"}}, &inbox);
    const std::string body(300'000, 'x');  // Many TLS records, more than a read buffer.
    for (int i = 0; i < 20; ++i) {
        ASSERT_TRUE(client.publish({.subject = "test.a", .body = body}));
    }
    ASSERT_TRUE(client.until([&] { return inbox.sequences.size() == 20; }));
    EXPECT_EQ(inbox.bodies.back(), body);
    EXPECT_FALSE(stranger.link.connected());
}

TEST(NatsConnecting, TheServerMayComeLater) {
    NatsServer server{{.start = NatsServer::Options::Start::kLater}};
    Client client{server};
    ASSERT_TRUE(client.until([&] { return client.link.last_error().has_value(); }));
    EXPECT_EQ(client.link.last_error()->kind, ErrorKind::kUnavailable);
    EXPECT_EQ(client.link.status().state, LinkStatus::State::kWaiting);
    server.start();
    EXPECT_TRUE(client.connect());
}

TEST(NatsConnecting, ForbiddenRequestsAreDeniedAtOnce) {
    const NatsServer server{{.config = R"(authorization { users: [ { user: agent, password: x,
        permissions: { publish: ["test.>", "$JS.API.CONSUMER.CREATE.TEST.*.test.a",
                                 "$JS.API.CONSUMER.MSG.NEXT.TEST.>"],
                       subscribe: ["_INBOX.>"] } }, { user: admin, password: x } ] })"}};
    const std::string path = testing::TempDir() + "nats_link_test_password_x";
    std::ofstream{path} << "x\n";
    NatsOptions options = options_for(server);
    options.password = Secret{Secret::Source::kFile, path};
    options.user = "admin";
    Client admin{options};
    options.user = "agent";
    Client agent{options};
    ASSERT_TRUE(admin.connect());
    ASSERT_TRUE(admin.ensure(test_stream()));
    ASSERT_TRUE(agent.connect());  // Without the server's version.
    const Duration before = steady();
    const auto info =
        agent.wait<StreamInfo>([&](auto done) { agent.link.stream_info("TEST", done); });
    EXPECT_EQ(info.error().kind, ErrorKind::kDenied) << info.error().what;
    EXPECT_LT(steady() - before, 2s);
    EXPECT_TRUE(agent.publish({.subject = "test.a", .body = "x"}));
    // Consuming works without leave to see the stream's identity.
    Inbox inbox;
    const auto reader = agent.link.consume({.stream = "TEST", .filters = {"test.a"}}, &inbox);
    EXPECT_TRUE(agent.until([&] { return inbox.sequences.size() == 1; }));
    std::filesystem::remove(path);
}

TEST(NatsConnecting, ManyLinksShareALoopAndComeAndGo) {
    const NatsServer server;
    EventLoop loop;
    for (int round = 0; round < 20; ++round) {
        NatsLink one{loop, options_for(server)};
        NatsLink two{loop, options_for(server)};
        const Duration end = steady() + kMost;
        while (!(one.connected() && two.connected()) && steady() < end) loop.poll(20ms);
        ASSERT_TRUE(one.connected() && two.connected());
    }
}

}  // namespace
}  // namespace syncline::nats
