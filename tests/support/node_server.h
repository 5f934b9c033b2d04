#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <sys/types.h>

#include "shared/http/client.h"
#include "shared/model/value.h"

namespace syncline::test {

/// One of the stand-in platforms of tests/support/platforms, on a free port of the loopback with a
/// data folder of its own. It ends with the test program, however that ends. What does not work
/// throws std::runtime_error.
/// Threading: not synchronised.
class NodeServer {
public:
    /// `platform`: a folder of those, as "salesforce"; `flags` as its `--help` tells.
    explicit NodeServer(const std::string& platform, std::vector<std::string> flags = {});
    ~NodeServer();
    NodeServer(const NodeServer&) = delete;
    NodeServer& operator=(const NodeServer&) = delete;

    [[nodiscard]] std::string url() const { return ready("url"); }
    /// A member of the READY line: `client_id`, `password` ...
    [[nodiscard]] std::string ready(const std::string& name) const;
    [[nodiscard]] const std::filesystem::path& folder() const { return folder_; }

    /// POST or, with an empty body, GET /__control/<what>.
    Value control(const std::string& what, const Value::Map& body = {});
    /// Arms a fault: {"kind": ...}.
    void fault(const Value::Map& fault) { control("fault", fault); }
    [[nodiscard]] bool has_armed_faults();
    /// Takes all faults back and forgets the counts of requests.
    void clear();
    /// What a person does in the platform's own screens; gives the id.
    std::string create(const std::string& object, const Value::Map& fields);
    void edit(const std::string& object, const std::string& id, const Value::Map& fields);
    void remove(const std::string& object, const std::string& id);
    [[nodiscard]] std::size_t row_count(const std::string& object);

private:
    void stop();

    std::filesystem::path folder_;
    pid_t pid_ = 0;
    Value ready_;
    CurlClient http_;
};

}  // namespace syncline::test
