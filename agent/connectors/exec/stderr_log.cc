#include "agent/connectors/exec/stderr_log.h"

namespace syncline::agent::exec {

void StderrLog::feed(std::string_view bytes, Duration now) {
    while (!bytes.empty()) {
        const std::size_t end = bytes.find('\n');
        const std::string_view part = bytes.substr(0, end);
        const std::size_t room = kLineBytesMax - line_.size();
        line_ += part.substr(0, room);
        cut_ = cut_ || part.size() > room;
        if (end == std::string_view::npos) return;
        end_line(now);
        bytes.remove_prefix(end + 1);
    }
}

void StderrLog::finish(Duration now) {
    if (!line_.empty()) end_line(now);
    tell_left_out();
}

void StderrLog::end_line(Duration now) {
    while (!line_.empty() && line_.back() == '\r') line_.pop_back();
    if (cut_) line_ += "... (cut)";
    cut_ = false;
    if (line_.empty()) return;
    if (told_ == 0 || now - window_ >= kWindow) {
        tell_left_out();
        window_ = now;
        told_ = 0;
    }
    if (told_ < kLinesMost) {
        ++told_;
        sink_(line_);
    } else {
        ++left_out_;
    }
    last_ = std::move(line_);
    line_.clear();
}

void StderrLog::tell_left_out() {
    if (left_out_ > 0) sink_("(" + std::to_string(left_out_) + " more lines are left out)");
    left_out_ = 0;
}

}  // namespace syncline::agent::exec
