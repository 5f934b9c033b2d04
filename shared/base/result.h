#pragma once

#include <expected>
#include <string>
#include <utility>

namespace syncline {

/// What the caller can do about a failure. The text of an Error says what, where, why and what
/// to do; the kind steers the program.
enum class ErrorKind {
    kInvalid,      ///< The input is wrong and stays wrong: tell a person, keep the input.
    kNotFound,     ///< What was asked for does not exist.
    kConflict,     ///< Somebody else wrote first: read again, decide again.
    kUnavailable,  ///< The other side cannot be reached or refused for now: retry with back-off.
    kThrottled,    ///< The other side asks for a pause: wait as long as it says.
    kAmbiguous,    ///< It may or may not have happened: read back before anything else.
    kDenied,       ///< Credentials or permissions: stop, a person must act.
    kFull,         ///< A bound is reached and nothing was taken: slow the source down.
    kTooLarge,     ///< Over a declared size limit; nothing was taken.
    kCorrupt,      ///< Stored data is damaged; it is left as it was.
    kUnsupported,  ///< The other side is of a version or kind that we do not work with.
    kInternal,     ///< A defect of ours.
};

/// Stable lower-case name of a kind ("invalid", "not_found", ...), for logs, JSON and findings.
[[nodiscard]] const char* name_of(ErrorKind kind);

struct Error {
    ErrorKind kind = ErrorKind::kInternal;
    std::string what;
};

template <class T>
using Result = std::expected<T, Error>;

[[nodiscard]] inline std::unexpected<Error> fail(ErrorKind kind, std::string what) {
    return std::unexpected<Error>(Error{kind, std::move(what)});
}

/// Passes an error on with `where` put in front of its text.
[[nodiscard]] inline std::unexpected<Error> fail(const Error& error, const std::string& where) {
    return std::unexpected<Error>(Error{error.kind, where + ": " + error.what});
}

[[nodiscard]] inline std::unexpected<Error> fail(Error error) {
    return std::unexpected<Error>(std::move(error));
}

}  // namespace syncline
