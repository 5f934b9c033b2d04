#include "tests/simulation/world.h"

#include <algorithm>
#include <cstdio>
#include <exception>
#include <utility>

#include "shared/model/ids.h"

namespace syncline::sim {
namespace {

constexpr std::size_t kTraceLines = 60'000;

}  // namespace

std::string clock_text(Duration time) {
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(time).count();
    char text[48];
    std::snprintf(text, sizeof text, "%3lld:%02lld.%03lld", static_cast<long long>(ms / 60'000),
                  static_cast<long long>(ms / 1'000 % 60), static_cast<long long>(ms % 1'000));
    return text;
}

void World::after(Duration delay, Ticket ticket, Event event) {
    queue_.push_back({now_ + std::max(delay, Duration{0}), ++order_, ticket, std::move(event)});
    std::push_heap(queue_.begin(), queue_.end(), Later{});
}

void World::run_until(Duration until) {
    while (!queue_.empty() && queue_.front().at <= until && violations_.empty()) {
        std::pop_heap(queue_.begin(), queue_.end(), Later{});
        Item item = std::move(queue_.back());
        queue_.pop_back();
        now_ = std::max(now_, item.at);
        run(std::move(item));
    }
    if (violations_.empty()) now_ = std::max(now_, until);
}

void World::run(Item item) {
    Process& process = processes_[item.ticket.process];
    if (item.ticket.process != 0) {
        if (!lives(item.ticket)) return;
        if (process.paused) {
            process.held.push_back(std::move(item));
            return;
        }
    }
    ++events_;
    mix(static_cast<std::uint64_t>(item.at.count()) ^ item.ticket.process);
    const std::uint32_t number = item.ticket.process;
    try {
        item.event();
    } catch (const Crashed&) {
        item.event = nullptr;  // What it holds may belong to the process.
        if (number != 0) processes_[number].on_crash();
    } catch (const std::exception& error) {
        violate("I14", "an exception left " +
                           (number == 0 ? std::string{"the world"} : processes_[number].name) +
                           ": " + error.what());
    }
}

std::uint32_t World::add_process(std::string name, Event on_crash) {
    processes_.push_back({std::move(name), std::move(on_crash), 0, false, false, {}});
    return static_cast<std::uint32_t>(processes_.size() - 1);
}

Ticket World::begin_life(std::uint32_t process) {
    Process& it = processes_[process];
    it.alive = true;
    return {process, ++it.life};
}

void World::end_life(std::uint32_t process) {
    Process& it = processes_[process];
    it.alive = false;
    it.paused = false;
    it.held.clear();
}

bool World::lives(Ticket ticket) const {
    const Process& it = processes_[ticket.process];
    return ticket.process == 0 || (it.alive && it.life == ticket.life);
}

void World::pause(std::uint32_t process) { processes_[process].paused = true; }
bool World::paused(std::uint32_t process) const { return processes_[process].paused; }

void World::resume(std::uint32_t process) {
    Process& it = processes_[process];
    it.paused = false;
    std::deque<Item> held = std::exchange(it.held, {});
    for (Item& item : held) after(Duration{0}, item.ticket, std::move(item.event));
}

void World::note(std::string_view who, const std::string& what, const std::string& more) {
    mix(stable_hash(what));
    if (!traces()) return;
    std::string line = clock_text(now_) + "  " + std::string{who};
    line.append(line.size() < 24 ? 24 - line.size() : 1, ' ');
    line += what;
    if (!more.empty()) line += "  " + more;
    if (print_trace) std::fprintf(stdout, "%s\n", line.c_str());
    if (!keep_trace) return;
    trace_.push_back(std::move(line));
    if (trace_.size() > kTraceLines) trace_.pop_front();
}

void World::violate(std::string invariant, std::string what, std::string about) {
    note("checker", invariant + " violated: " + what);
    violations_.push_back({std::move(invariant), std::move(what), std::move(about)});
}

std::vector<std::string> World::timeline(std::string_view about, std::size_t count) const {
    std::vector<std::string> lines;
    for (auto line = trace_.rbegin(); line != trace_.rend() && lines.size() < count; ++line) {
        if (about.empty() || line->find(about) != std::string::npos) lines.push_back(*line);
    }
    std::reverse(lines.begin(), lines.end());
    return lines;
}

}  // namespace syncline::sim
