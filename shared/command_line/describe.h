#pragma once

namespace CLI {
class App;
}

namespace syncline {

/// Adds the flag --describe-command-line, which no help shows: it prints all commands and options
/// of `app` as one JSON object and ends the program with 0. Man pages and shell completions are
/// made of that, so that they cannot differ from what it takes (systemd/manuals/make.py).
/// `app` must outlive its parsing; what is added to it later is described too.
void add_description_flag(CLI::App& app);

}  // namespace syncline
