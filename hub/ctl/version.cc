#include "shared/base/version.h"

#include "hub/ctl/cli.h"
#include "hub/ctl/program.h"
#include "shared/nats/server_version.h"

namespace syncline::ctl {

void add_version(CLI::App& app, Program& program) {
    auto* command = app.add_subcommand("version", "This program, and the NATS servers it takes");
    command->callback([&program] {
        program.choose("version", [](Program& p) -> Result<Exit> {
            Output& out = p.out();
            out.set("version", kVersion);
            out.set("nats_minimum", kNatsServerMinimumSingle);
            out.set("nats_minimum_replicated", kNatsServerMinimumReplicated);
            out.set("nats_recommended", kNatsServerRecommended);
            out.line("synclinectl " + std::string{kVersion});
            out.line("NATS server " + std::string{kNatsServerMinimumSingle} + " or later (" +
                     std::string{kNatsServerMinimumReplicated} + " with replicas); " +
                     std::string{kNatsServerRecommended} + " recommended");
            return Exit::kFine;
        });
    });
}

}  // namespace syncline::ctl
