#include "hub/ctl/ticker.h"

#include <unistd.h>

#include <cstdio>

#include "hub/ctl/text.h"

namespace syncline::ctl {
namespace {

/// Lines of a progress that goes into a file are further apart than on a terminal.
constexpr Duration kLineEvery = std::chrono::seconds{10};
constexpr std::size_t kLineWidth = 110;

}  // namespace

Ticker::Ticker(Output& out, const Clock& clock)
    : out_(out), clock_(clock), terminal_(::isatty(STDOUT_FILENO) != 0) {}

void Ticker::show(const std::string& line) {
    if (out_.json()) return;
    if (terminal_) {
        std::printf("\r\x1b[K%s", clipped(printable(line), kLineWidth).c_str());
        std::fflush(stdout);
        shown_ = true;
        return;
    }
    if (clock_.steady() < next_) return;
    next_ = clock_.steady() + kLineEvery;
    out_.line(line);
    out_.flush();
}

void Ticker::end() {
    if (shown_) std::puts("");
    shown_ = false;
}

}  // namespace syncline::ctl
