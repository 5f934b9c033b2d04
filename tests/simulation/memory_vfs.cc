#include "tests/simulation/memory_vfs.h"

#include <sqlite3.h>

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

namespace syncline::sim {
namespace {

std::map<std::string, MemoryDisk*>& disks() {
    static std::map<std::string, MemoryDisk*> all;
    return all;
}

// ---- The files, as SQLite calls them. -------------------------------------------------------

struct OpenFile {
    sqlite3_file base;
    MemoryDisk* disk;
    std::shared_ptr<MemoryDisk::File>* file;
    std::string* name;
    std::uint64_t generation;
    bool delete_on_close;
};

OpenFile* cast(sqlite3_file* file) { return reinterpret_cast<OpenFile*>(file); }
bool is_dead(const OpenFile& file) { return file.disk->generation() != file.generation; }

int close_file(sqlite3_file* raw) {
    OpenFile* open = cast(raw);
    if (open->delete_on_close && !is_dead(*open)) open->disk->remove(*open->name);
    delete open->file;
    delete open->name;
    return SQLITE_OK;
}

int read_file(sqlite3_file* raw, void* to, int count, sqlite3_int64 offset) {
    OpenFile* open = cast(raw);
    if (is_dead(*open)) return SQLITE_IOERR_READ;
    const std::string& content = (*open->file)->content;
    const auto from = static_cast<std::size_t>(offset);
    const auto wanted = static_cast<std::size_t>(count);
    const std::size_t there = from >= content.size() ? 0 : std::min(wanted, content.size() - from);
    if (there > 0) std::memcpy(to, content.data() + from, there);
    if (there == wanted) return SQLITE_OK;
    std::memset(static_cast<char*>(to) + there, 0, wanted - there);
    return SQLITE_IOERR_SHORT_READ;
}

int write_file(sqlite3_file* raw, const void* from, int count, sqlite3_int64 offset) {
    OpenFile* open = cast(raw);
    if (is_dead(*open)) return SQLITE_IOERR_WRITE;
    const auto at = static_cast<std::size_t>(offset);
    const auto size = static_cast<std::size_t>(count);
    if (open->disk->full && at + size > (*open->file)->content.size()) return SQLITE_FULL;
    open->disk->write(**open->file, static_cast<const char*>(from), size, at);
    return SQLITE_OK;
}

int truncate_file(sqlite3_file* raw, sqlite3_int64 size) {
    OpenFile* open = cast(raw);
    if (is_dead(*open)) return SQLITE_IOERR_TRUNCATE;
    open->disk->truncate(**open->file, static_cast<std::size_t>(size));
    return SQLITE_OK;
}

int sync_file(sqlite3_file* raw, int) {
    OpenFile* open = cast(raw);
    if (is_dead(*open)) return SQLITE_IOERR_FSYNC;
    if (open->disk->sync_errors > 0) {
        --open->disk->sync_errors;
        return SQLITE_IOERR_FSYNC;
    }
    open->disk->sync(**open->file);
    return SQLITE_OK;
}

int file_size(sqlite3_file* raw, sqlite3_int64* size) {
    OpenFile* open = cast(raw);
    if (is_dead(*open)) return SQLITE_IOERR_FSTAT;
    *size = static_cast<sqlite3_int64>((*open->file)->content.size());
    return SQLITE_OK;
}

int lock_file(sqlite3_file*, int) { return SQLITE_OK; }
int check_lock(sqlite3_file*, int* out) {
    *out = 0;
    return SQLITE_OK;
}
int file_control(sqlite3_file*, int, void*) { return SQLITE_NOTFOUND; }
int sector_size(sqlite3_file*) { return static_cast<int>(MemoryDisk::kSector); }
int characteristics(sqlite3_file*) { return 0; }

const sqlite3_io_methods kMethods = {
    1,         close_file, read_file,  write_file,   truncate_file, sync_file,       file_size,
    lock_file, lock_file,  check_lock, file_control, sector_size,   characteristics, nullptr,
    nullptr,   nullptr,    nullptr,    nullptr,      nullptr};

// ---- The file system. -----------------------------------------------------------------------

int open_file(sqlite3_vfs*, const char* path, sqlite3_file* raw, int flags, int* out_flags) {
    OpenFile* open = cast(raw);
    open->base.pMethods = nullptr;
    if (path == nullptr) return SQLITE_CANTOPEN;
    std::string name;
    MemoryDisk* disk = MemoryDisk::of(path, name);
    if (disk == nullptr || disk->detached()) return SQLITE_CANTOPEN;
    auto file = disk->open(name, (flags & SQLITE_OPEN_CREATE) != 0);
    if (!file) return SQLITE_CANTOPEN;
    open->disk = disk;
    open->file = new std::shared_ptr<MemoryDisk::File>(std::move(file));
    open->name = new std::string(std::move(name));
    open->generation = disk->generation();
    open->delete_on_close = (flags & SQLITE_OPEN_DELETEONCLOSE) != 0;
    open->base.pMethods = &kMethods;
    if (out_flags != nullptr) *out_flags = flags;
    return SQLITE_OK;
}

int delete_file(sqlite3_vfs*, const char* path, int) {
    std::string name;
    MemoryDisk* disk = MemoryDisk::of(path, name);
    if (disk == nullptr || !disk->exists(name)) return SQLITE_IOERR_DELETE_NOENT;
    if (disk->detached()) return SQLITE_IOERR_DELETE;  // A dead process closes its files.
    disk->remove(name);
    return SQLITE_OK;
}

int access_file(sqlite3_vfs*, const char* path, int, int* out) {
    std::string name;
    const MemoryDisk* disk = MemoryDisk::of(path, name);
    *out = disk != nullptr && disk->exists(name) ? 1 : 0;
    return SQLITE_OK;
}

int full_path(sqlite3_vfs*, const char* path, int size, char* out) {
    sqlite3_snprintf(size, out, "%s", path);
    return SQLITE_OK;
}

// What SQLite wants chance and time for must not be chance, or seeds would not repeat.
int randomness(sqlite3_vfs*, int count, char* out) {
    for (int i = 0; i < count; ++i) out[i] = static_cast<char>(i * 7 + 1);
    return count;
}
int sleep_a_while(sqlite3_vfs*, int microseconds) { return microseconds; }
int current_time(sqlite3_vfs*, double* out) {
    *out = 2'461'046.0;
    return SQLITE_OK;
}
int last_error(sqlite3_vfs*, int, char*) { return 0; }

void register_vfs() {
    static sqlite3_vfs vfs{};
    if (vfs.zName != nullptr) return;
    vfs.iVersion = 1;
    vfs.szOsFile = sizeof(OpenFile);
    vfs.mxPathname = 256;
    vfs.zName = MemoryDisk::kVfsName;
    vfs.xOpen = open_file;
    vfs.xDelete = delete_file;
    vfs.xAccess = access_file;
    vfs.xFullPathname = full_path;
    vfs.xRandomness = randomness;
    vfs.xSleep = sleep_a_while;
    vfs.xCurrentTime = current_time;
    vfs.xGetLastError = last_error;
    sqlite3_vfs_register(&vfs, 0);
}

}  // namespace

MemoryDisk::MemoryDisk(std::string name, Random& random) : name_(std::move(name)), random_(random) {
    register_vfs();
    disks()[name_] = this;
}

MemoryDisk::~MemoryDisk() { disks().erase(name_); }

MemoryDisk* MemoryDisk::of(const std::string& path, std::string& file) {
    const auto slash = path.find('/');
    if (slash == std::string::npos) return nullptr;
    const auto at = disks().find(path.substr(0, slash));
    if (at == disks().end()) return nullptr;
    file = path.substr(slash + 1);
    return at->second;
}

std::shared_ptr<MemoryDisk::File> MemoryDisk::open(const std::string& file, bool create) {
    const auto at = files_.find(file);
    if (at != files_.end()) return at->second;
    if (!create) return nullptr;
    return files_[file] = std::make_shared<File>();
}

void MemoryDisk::write(File& file, const char* data, std::size_t count, std::size_t offset) {
    if (file.content.size() < offset + count) file.content.resize(offset + count, '\0');
    std::memcpy(file.content.data() + offset, data, count);
    const std::size_t last = (offset + count - 1) / kSector;
    for (std::size_t sector = offset / kSector; sector <= last; ++sector) {
        file.dirty.insert(sector);
    }
}

void MemoryDisk::truncate(File& file, std::size_t size) { file.content.resize(size, '\0'); }

void MemoryDisk::sync(File& file) {
    ++syncs_;
    if (lying) return;
    file.synced.resize(file.content.size());
    for (const std::size_t sector : file.dirty) {
        const std::size_t from = sector * kSector;
        if (from >= file.content.size()) break;
        const std::size_t count = std::min(kSector, file.content.size() - from);
        std::memcpy(file.synced.data() + from, file.content.data() + from, count);
    }
    file.dirty.clear();
    file.exists_synced = true;
}

void MemoryDisk::detach() {
    ++generation_;
    detached_ = true;
}

void MemoryDisk::lose_power() {
    detach();
    for (auto at = files_.begin(); at != files_.end();) {
        File& file = *at->second;
        if (!file.exists_synced && random_.one_in(2)) {
            at = files_.erase(at);
            continue;
        }
        // The length is written with some of the data, or it is not.
        std::string left = file.synced;
        if (random_.one_in(2)) left.resize(file.content.size(), '\0');
        for (const std::size_t sector : file.dirty) {
            const std::size_t from = sector * kSector;
            if (from >= left.size() || from >= file.content.size()) continue;
            if (random_.one_in(2)) continue;
            const std::size_t count =
                std::min({kSector, left.size() - from, file.content.size() - from});
            std::memcpy(left.data() + from, file.content.data() + from, count);
        }
        auto survivor = std::make_shared<File>();
        survivor->content = left;
        survivor->synced = std::move(left);
        survivor->exists_synced = true;
        at->second = std::move(survivor);
        ++at;
    }
}

void MemoryDisk::wipe() {
    detach();
    files_.clear();
}

MemoryDisk::Image MemoryDisk::image() const {
    Image out;
    for (const auto& [name, file] : files_) out.emplace(name, file->content);
    return out;
}

void MemoryDisk::restore(const Image& image) {
    wipe();
    for (const auto& [name, content] : image) {
        auto file = std::make_shared<File>();
        file->content = content;
        file->synced = content;
        file->exists_synced = true;
        files_.emplace(name, std::move(file));
    }
}

std::size_t MemoryDisk::bytes() const {
    std::size_t sum = 0;
    for (const auto& [name, file] : files_) sum += file->content.size();
    return sum;
}

}  // namespace syncline::sim
