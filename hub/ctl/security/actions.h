#pragma once

#include <string>
#include <vector>

#include "hub/ctl/security/directory.h"
#include "hub/ctl/security/installation.h"

/// What changes who may use the server. Each plans only: what it gives is done by Changes::apply().
/// Repeating one is harmless: what is there already is no change.
namespace syncline::ctl::security {

struct InitOptions {
    std::string name = "syncline";
    std::vector<std::string> hosts;  ///< Empty: as they are; at first 127.0.0.1.
    std::string listen;              ///< Empty: as it is; at first 127.0.0.1:4222.
    std::string leaf_listen;         ///< "-": no leaf nodes; empty: as it is.
    std::string place;               ///< "-": here; empty: as it is.
    std::string server_place;        ///< The same.
    unsigned days = 0;               ///< 0: as they are; at first 397.
    unsigned authority_days = 3'650;
    bool renew = false;            ///< The server's certificate, whatever its time.
    bool renew_authority = false;  ///< Another time for the authority; then the server's, too.
};
[[nodiscard]] Result<Installation> plan_init(const Directory& directory, const InitOptions& options,
                                             Timestamp now, Changes& changes);

struct AddOptions {
    nats::Member member;
    Auth auth = Auth::kCertificate;
    bool auth_given = false;
    unsigned days = 0;  ///< 0: the installation's.
};
/// kConflict: it is there, and known by something else than is asked for.
[[nodiscard]] Result<void> plan_add(const Directory& directory, Installation& installation,
                                    const AddOptions& options, Timestamp now, Changes& changes);

/// kNotFound: no such user.
[[nodiscard]] Result<void> plan_revoke(const Directory& directory, Installation& installation,
                                       const std::string& name, Timestamp now, Changes& changes);

struct RotateOptions {
    std::string name;
    enum class Step : std::uint8_t { kBegin, kFinish, kCancel } step = Step::kBegin;
    Auth auth = Auth::kCertificate;
    bool auth_given = false;
};
/// kBegin: a second key, the first stays good. kFinish: only the second is good. kCancel: only the
/// first. kNotFound: no such user. kConflict: there are two already, or only one.
[[nodiscard]] Result<void> plan_rotate(const Directory& directory, Installation& installation,
                                       const RotateOptions& options, Timestamp now,
                                       Changes& changes);

}  // namespace syncline::ctl::security
