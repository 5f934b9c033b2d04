#include <algorithm>

#include "agent/store.h"

namespace syncline::agent {

std::optional<std::string> Transaction::list_part(const ListName& list, std::string_view digest) {
    sqlite::Query rows = database_.query(
        "SELECT body FROM list_parts WHERE list = ?1 AND digest = ?2", list.text, digest);
    if (!rows.next()) return std::nullopt;
    return std::string{rows.text(0)};
}

void Transaction::keep_list_part(const ListName& list, std::string_view digest,
                                 std::string_view body) {
    database_.run("INSERT OR REPLACE INTO list_parts VALUES(?1, ?2, ?3)", list.text, digest,
                  sqlite::Blob{body});
}

void Transaction::keep_only_list_parts(const ListName& list,
                                       const std::vector<std::string>& digests) {
    std::vector<std::string> gone;
    {
        sqlite::Query rows =
            database_.query("SELECT digest FROM list_parts WHERE list = ?1", list.text);
        while (rows.next()) {
            std::string digest{rows.text(0)};
            if (!std::ranges::binary_search(digests, digest)) gone.push_back(std::move(digest));
        }
    }
    for (const std::string& digest : gone) {
        database_.run("DELETE FROM list_parts WHERE list = ?1 AND digest = ?2", list.text, digest);
    }
}

}  // namespace syncline::agent
