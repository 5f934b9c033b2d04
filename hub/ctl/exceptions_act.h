#pragma once

#include "hub/ctl/cli.h"
#include "hub/ctl/program.h"

namespace syncline::ctl {

/// `exceptions kinds`.
void add_exception_kinds(CLI::App& group, Program& program);
/// `exceptions accept`, `reject` and `retry`.
void add_exception_actions(CLI::App& group, Program& program);

}  // namespace syncline::ctl
