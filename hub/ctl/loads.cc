#include "hub/ctl/loads.h"

#include <algorithm>

#include "hub/ctl/text.h"
#include "shared/model/backfill.h"

namespace syncline::ctl {
namespace {

constexpr std::size_t kBarWidth = 20;

Load load_from(const Presence& agent, const Announced& said) {
    Load load{.platform = agent.id,
              .read = said.count("records"),
              .per_second = said.count("per_second"),
              .began_at = said.time("began_at")};
    if (said.find("total") != nullptr) load.total = said.count("total");
    return load;
}

}  // namespace

std::vector<Load> loads_of(const Presence& agent) {
    std::vector<Load> loads;
    if (agent.said.find("load") != nullptr) {
        const Announced said = agent.said.inner("load");
        Load load = load_from(agent, said);
        load.what = said.text("what") == "backfill" ? "first load" : "full read";
        load.waits = agent.said.flag("reading_paused");
        loads.push_back(std::move(load));
    }
    const Announced said = agent.said.inner("backfill");
    const std::string phase = said.text("phase");
    if (phase == "reading" || phase == "waiting") {
        Load load = load_from(agent, said);
        const auto request = parse_backfill_request(said.text("request"));
        load.what = request && request->dry_run ? "dry run" : "backfill";
        load.waits = phase == "waiting" || agent.said.flag("reading_paused");
        loads.push_back(std::move(load));
    }
    return loads;
}

std::string progress_bar(const Load& load) {
    if (!load.total || *load.total == 0) return {};
    // More than were counted: some came since. It is not done before it says so.
    const std::uint64_t percent = std::min<std::uint64_t>(load.read * 100 / *load.total, 99);
    const std::size_t filled = percent * kBarWidth / 100;
    const std::string number = std::to_string(percent);
    return "[" + std::string(filled, '#') + std::string(kBarWidth - filled, '-') + "] " +
           std::string(3 - number.size(), ' ') + number + " %";
}

std::string remaining_text(const Load& load) {
    if (!load.total || load.per_second == 0 || load.read >= *load.total) return "-";
    return duration_text(std::chrono::seconds{(*load.total - load.read) / load.per_second + 1});
}

std::string grouped(std::uint64_t number) {
    std::string digits = std::to_string(number);
    for (std::size_t at = digits.size(); at > 3;) {
        at -= 3;
        digits.insert(at, ",");
    }
    return digits;
}

std::string line_of(const Load& load) {
    std::string line = load.platform + "  " + load.what + "  " + progress_bar(load);
    if (load.total) line += "  ";
    line += grouped(load.read) + (load.total ? " of " + grouped(*load.total) : "") + " records  " +
            grouped(load.per_second) + "/s";
    if (load.waits) return line + "  waits";
    const std::string left = remaining_text(load);
    return left == "-" ? line : line + "  " + left + " left";
}

void show_loads(Output& out, const Cluster& cluster) {
    Table table{{"PLATFORM", "LOAD", "RECORDS", "OF", "DONE", "A SECOND", "LEFT", "BEGUN"}, {}};
    for (const Presence& agent : cluster.agents) {
        for (const Load& load : loads_of(agent)) {
            table.rows.push_back(
                {load.platform, load.what, right_cell(grouped(load.read)),
                 right_cell(load.total ? grouped(*load.total) : "-"), progress_bar(load),
                 right_cell(grouped(load.per_second)),
                 load.waits ? Cell{"waits", Style::kYellow} : right_cell(remaining_text(load)),
                 right_cell(age_text(load.began_at, cluster.now))});
        }
    }
    if (table.rows.empty()) return;
    out.heading("Loads");
    out.table(table);
}

}  // namespace syncline::ctl
