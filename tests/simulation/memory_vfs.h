#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "tests/simulation/random.h"

namespace syncline::sim {

/// One host's disk under SQLite: files in memory, of which only what was synced survives a power
/// cut. Whatever was written since, sector by sector of 512 bytes, is there afterwards or is not.
///
/// Use path_of() with the VFS kVfsName. Files of a disk are reached as long as it lives.
class MemoryDisk {
public:
    static constexpr const char* kVfsName = "syncline-memory";
    static constexpr std::size_t kSector = 512;

    MemoryDisk(std::string name, Random& random);
    ~MemoryDisk();
    MemoryDisk(const MemoryDisk&) = delete;
    MemoryDisk& operator=(const MemoryDisk&) = delete;

    [[nodiscard]] std::string path_of(const std::string& file) const { return name_ + "/" + file; }

    // ---- Faults.
    bool full = false;              ///< Files cannot grow.
    std::uint32_t sync_errors = 0;  ///< How many of the next syncs fail.
    bool lying = false;             ///< Planted: a sync does nothing and says it did.
    /// The process is gone: whoever still has a file open reaches nothing any more. What it wrote
    /// is in the kernel.
    void detach();
    /// A new process may use it.
    void attach() { detached_ = false; }
    [[nodiscard]] bool detached() const { return detached_; }
    /// The host is gone too: only what was synced is left, and some of what was not.
    void lose_power();
    void wipe();

    /// A copy of all files as they are, for a backup that is restored later.
    using Image = std::map<std::string, std::string>;
    [[nodiscard]] Image image() const;
    void restore(const Image& image);

    [[nodiscard]] std::uint64_t syncs() const { return syncs_; }
    [[nodiscard]] std::size_t bytes() const;

    // ---- For the VFS.
    struct File {
        std::string content;
        std::string synced;
        bool exists_synced = false;
        std::set<std::size_t> dirty;  ///< Sectors.
    };
    std::shared_ptr<File> open(const std::string& file, bool create);
    [[nodiscard]] bool exists(const std::string& file) const { return files_.contains(file); }
    void remove(const std::string& file) { files_.erase(file); }
    void write(File& file, const char* data, std::size_t count, std::size_t offset);
    void truncate(File& file, std::size_t size);
    void sync(File& file);
    [[nodiscard]] std::uint64_t generation() const { return generation_; }
    static MemoryDisk* of(const std::string& path, std::string& file);

private:
    std::string name_;
    Random& random_;
    std::map<std::string, std::shared_ptr<File>> files_;
    std::uint64_t generation_ = 1;  ///< Handles of an earlier one are dead.
    std::uint64_t syncs_ = 0;
    bool detached_ = false;
};

}  // namespace syncline::sim
