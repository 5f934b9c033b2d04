#include <memory>

#include <sys/random.h>

#include "hub/ctl/cli.h"
#include "hub/ctl/program.h"
#include "shared/base/base64.h"
#include "shared/base/sha256.h"

// Tokens of the hub's HTTP API.

namespace syncline::ctl {
namespace {

struct TokenOptions {
    std::string name;
    std::vector<std::string> roles{"viewer"};
    std::vector<std::string> objects;
    std::vector<std::string> regions;
    std::string expires;
};

std::string quoted_list(const std::vector<std::string>& texts) {
    std::string out;
    for (const std::string& text : texts) out += (out.empty() ? "\"" : ", \"") + text + "\"";
    return "[" + out + "]";
}

Result<Exit> make_token(Program& program, const TokenOptions& options) {
    std::string random(32, '\0');
    if (::getrandom(random.data(), random.size(), 0) != static_cast<ssize_t>(random.size())) {
        return fail(ErrorKind::kUnavailable, "the system gives no random bytes");
    }
    const std::string token = "sync_" + base64url(random);
    const std::string digest = hexadecimal(bytes_of(sha256({token})));
    std::string toml = "[[api.tokens]]\nname = \"" + options.name + "\"\nsha256 = \"" + digest +
                       "\"\nroles = " + quoted_list(options.roles) + "\n";
    if (!options.objects.empty()) toml += "objects = " + quoted_list(options.objects) + "\n";
    if (!options.regions.empty()) toml += "regions = " + quoted_list(options.regions) + "\n";
    if (!options.expires.empty()) toml += "expires = \"" + options.expires + "\"\n";
    Output& out = program.out();
    out.set("name", options.name);
    out.set("token", token);
    out.set("sha256", digest);
    out.set("toml", toml);
    out.line("The token, shown this once; give it to " + options.name + ":", Style::kDim);
    out.line(token, Style::kBold);
    out.line();
    out.line("For the file of every hub, which keeps only its digest:", Style::kDim);
    for (std::size_t at = 0; at < toml.size();) {
        const auto end = toml.find('\n', at);
        out.line(std::string_view{toml}.substr(at, end - at));
        at = end + 1;
    }
    return Exit::kFine;
}

/// As hub_config.cc takes it.
std::string check_name(const std::string& text) {
    const bool fine = text.size() <= 64 && text.find_first_not_of(
                                               "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWX"
                                               "YZ0123456789.-_") == std::string::npos;
    return fine && !text.empty() ? std::string{}
                                 : "write 1 to 64 letters, digits, `.`, `-` and `_`";
}

}  // namespace

void add_token(CLI::App& app, Program& program) {
    auto* group = app.add_subcommand("token", "Tokens of the hubs' HTTP API");
    group->require_subcommand(1);
    auto* command = group->add_subcommand("new", "Makes one: shows it, and what hubs keep of it");
    const auto options = std::make_shared<TokenOptions>();
    const CLI::Validator name{check_name, "NAME"};
    command->add_option("NAME", options->name, "Who acts with it")->required()->check(name);
    command->add_option("--role", options->roles, "viewer, operator, approver, architect, admin")
        ->check(CLI::IsMember({"viewer", "operator", "approver", "architect", "admin"}))
        ->capture_default_str();
    command->add_option("--object", options->objects, "Only things of these objects")->check(name);
    command->add_option("--region", options->regions, "Only things of these regions")->check(name);
    command->add_option("--expires", options->expires, "Until then: 2027-01-31T00:00:00Z")
        ->check(CLI::Validator{[](const std::string& text) {
                                   return parse_timestamp(text) ? std::string{}
                                                                : "write 2027-01-31T00:00:00Z";
                               },
                               ""});
    command->callback([&program, options] {
        program.choose("token new", [options](Program& p) { return make_token(p, *options); });
    });
}

}  // namespace syncline::ctl
