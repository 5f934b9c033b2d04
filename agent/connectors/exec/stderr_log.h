#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "shared/base/timestamp.h"

namespace syncline::agent::exec {

/// What a program writes to its standard error, as lines for the log: cut at kLineBytesMax, and at
/// most kLinesMost in each kWindow, behind which the number of those that were left out is told.
/// Pure but for the sink. Threading: not synchronised.
class StderrLog {
public:
    static constexpr std::size_t kLineBytesMax = 1'000;
    static constexpr std::uint64_t kLinesMost = 50;
    static constexpr Duration kWindow{std::chrono::seconds{10}};
    using Sink = std::function<void(std::string_view line)>;

    explicit StderrLog(Sink sink) : sink_(std::move(sink)) {}

    /// Takes what came; `now` is steady time.
    void feed(std::string_view bytes, Duration now);
    /// The program has ended: tells what is left.
    void finish(Duration now);
    /// The last line that was not empty, cut; empty if there was none. For messages.
    [[nodiscard]] const std::string& last_line() const { return last_; }

private:
    void end_line(Duration now);
    void tell_left_out();

    Sink sink_;
    std::string line_;
    bool cut_ = false;
    std::string last_;
    Duration window_{0};  ///< When it began.
    std::uint64_t told_ = 0;
    std::uint64_t left_out_ = 0;
};

}  // namespace syncline::agent::exec
