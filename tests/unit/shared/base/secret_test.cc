#include "shared/base/secret.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <type_traits>

namespace syncline {
namespace {

class SecretTest : public testing::Test {
protected:
    void SetUp() override {
        std::string name = (std::filesystem::temp_directory_path() / "secret-XXXXXX").string();
        ASSERT_NE(::mkdtemp(name.data()), nullptr);
        directory_ = name;
    }
    void TearDown() override { std::filesystem::remove_all(directory_); }

    std::string write(const std::string& name, const std::string& text) {
        std::ofstream{directory_ / name, std::ios::binary} << text;
        return (directory_ / name).string();
    }

    std::filesystem::path directory_;
};

TEST_F(SecretTest, IsTheContentOfAFileLessOneLineEnd) {
    for (const auto& [text, value] :
         {std::pair{"s3cret", "s3cret"}, std::pair{"s3cret\n", "s3cret"},
          std::pair{"s3cret\r\n", "s3cret"}, std::pair{"two\nlines\n\n", "two\nlines\n"}}) {
        Secret secret{Secret::Source::kFile, write("token", text)};
        ASSERT_TRUE(secret.load());
        EXPECT_EQ(secret.reveal(), value);
    }
}

TEST_F(SecretTest, IsLoadedAgainAfterItWasRotated) {
    Secret secret{Secret::Source::kFile, write("token", "old")};
    ASSERT_TRUE(secret.load());
    write("token", "new");
    ASSERT_TRUE(secret.load());
    EXPECT_EQ(secret.reveal(), "new");
}

TEST_F(SecretTest, KeepsItsOldValueWhenLoadingFails) {
    Secret secret{Secret::Source::kFile, write("token", "old")};
    ASSERT_TRUE(secret.load());
    std::filesystem::remove(directory_ / "token");
    EXPECT_FALSE(secret.load());
    EXPECT_EQ(secret.reveal(), "old");
}

TEST_F(SecretTest, ComesFromTheEnvironment) {
    ::setenv("SYNCLINE_SECRET_TEST", "from env", 1);
    Secret secret{Secret::Source::kEnvironment, "SYNCLINE_SECRET_TEST"};
    ASSERT_TRUE(secret.load());
    EXPECT_EQ(secret.reveal(), "from env");
    ::unsetenv("SYNCLINE_SECRET_TEST");
}

TEST_F(SecretTest, ComesFromASystemdCredential) {
    write("erp_token", "credential\n");
    ::setenv("CREDENTIALS_DIRECTORY", directory_.c_str(), 1);
    Secret secret{Secret::Source::kCredential, "erp_token"};
    const auto loaded = secret.load();
    ::unsetenv("CREDENTIALS_DIRECTORY");
    ASSERT_TRUE(loaded) << loaded.error().what;
    EXPECT_EQ(secret.reveal(), "credential");
}

TEST_F(SecretTest, NamesItsSourceWhenItIsNotFound) {
    ::unsetenv("CREDENTIALS_DIRECTORY");
    const std::string missing = (directory_ / "none").string();
    struct Row {
        Secret secret;
        std::string what;
    } rows[] = {
        {{Secret::Source::kFile, missing},
         "secret from file " + missing + ": No such file or directory"},
        {{Secret::Source::kEnvironment, "SYNCLINE_NOT_SET"},
         "secret from environment variable SYNCLINE_NOT_SET: not set"},
        {{Secret::Source::kCredential, "token"},
         "secret from systemd credential token: $CREDENTIALS_DIRECTORY is not set; start the "
         "service by a systemd unit with LoadCredential=token:<file>"},
    };
    for (Row& row : rows) {
        const auto loaded = row.secret.load();
        ASSERT_FALSE(loaded);
        EXPECT_EQ(loaded.error().kind, ErrorKind::kNotFound);
        EXPECT_EQ(loaded.error().what, row.what);
    }
}

TEST_F(SecretTest, IsDeniedWhereItMayNotBeRead) {
    const std::string path = write("token", "x");
    std::filesystem::permissions(path, std::filesystem::perms::none);
    const bool root = ::geteuid() == 0;  // Who may read everything, so be somebody else meanwhile.
    ASSERT_EQ(::seteuid(root ? 65534 : ::geteuid()), 0);
    const auto loaded = Secret{Secret::Source::kFile, path}.load();
    ASSERT_EQ(::seteuid(root ? 0 : ::geteuid()), 0);
    ASSERT_FALSE(loaded);
    EXPECT_EQ(loaded.error().kind, ErrorKind::kDenied);
    EXPECT_EQ(loaded.error().what, "secret from file " + path + ": Permission denied");
}

TEST_F(SecretTest, RefusesWhatIsEmptyTooLargeOrNoFile) {
    const auto kind = [](const std::string& path) {
        return Secret{Secret::Source::kFile, path}.load().error().kind;
    };
    EXPECT_EQ(kind(write("empty", "\n")), ErrorKind::kInvalid);
    EXPECT_EQ(kind(directory_.string()), ErrorKind::kInvalid);
    const std::string large = write("large", std::string(Secret::kBytesMax + 1, 'x'));
    EXPECT_EQ(kind(large), ErrorKind::kTooLarge);
}

TEST_F(SecretTest, CopiesAndMovesItsValue) {
    Secret secret{Secret::Source::kFile, write("token", "value")};
    ASSERT_TRUE(secret.load());
    Secret copy = secret;
    EXPECT_EQ(copy.reveal(), "value");
    Secret moved = std::move(secret);
    EXPECT_EQ(moved.reveal(), "value");
    EXPECT_EQ(secret.reveal(), "");  // NOLINT: that nothing stays behind is the point.
    copy = Secret{};
    EXPECT_EQ(copy.reveal(), "");
    EXPECT_FALSE(copy.configured());
}

TEST(Secret, OfNoSourceLoadsAsEmpty) {
    Secret secret;
    EXPECT_FALSE(secret.configured());
    EXPECT_TRUE(secret.load());
    EXPECT_EQ(secret.reveal(), "");
}

template <class T>
concept Streamable = requires(std::ostream& out, const T& value) {
    out << value;
};
static_assert(!Streamable<Secret>);
static_assert(!std::is_convertible_v<Secret, std::string_view>);

}  // namespace
}  // namespace syncline
