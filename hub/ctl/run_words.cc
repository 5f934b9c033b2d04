#include "hub/ctl/run_words.h"

#include <algorithm>
#include <exception>

#include "hub/ctl/cli.h"

namespace syncline::ctl {
namespace {

CommandResult refused(ErrorKind kind, std::string what) {
    return {.exit = exit_of(kind), .error = Error{kind, std::move(what)}};
}

}  // namespace

CommandResult run_words(const std::vector<std::string>& words, bool mask_pii,
                        Surroundings surroundings) {
    try {
        CLI::App app{"", "synclinectl"};
        app.require_subcommand(1);
        app.fallthrough();
        Program program;
        program.globals.mask_pii = mask_pii;
        add_commands(app, program, words.front());
        std::vector<std::string> backwards{words.rbegin(), words.rend()};
        app.parse(backwards);
        return program.run_in(std::move(surroundings));
    } catch (const CLI::ParseError& error) {
        return refused(ErrorKind::kInvalid, error.what());
    } catch (const std::exception& error) {
        return refused(ErrorKind::kInternal, std::string{"a defect of ours: "} + error.what());
    }
}

}  // namespace syncline::ctl
