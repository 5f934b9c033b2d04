#include "hub/api/client_address.h"

#include <gtest/gtest.h>

namespace syncline::hub::api {
namespace {

struct AddressCase {
    const char* name;
    const char* peer;
    const char* forwarded;
    const char* client;
};
class ClientAddress : public testing::TestWithParam<AddressCase> {};
TEST_P(ClientAddress, IsTheLastOneThatIsNoProxyOfOurs) {
    const AddressCase& row = GetParam();
    EXPECT_EQ(client_address(row.peer, row.forwarded, {"10.0.0.1", "10.0.0.2", "::1"}), row.client);
}
INSTANTIATE_TEST_SUITE_P(
    Rows, ClientAddress,
    testing::Values(AddressCase{"NoProxy", "192.0.2.7", "", "192.0.2.7"},
                    AddressCase{"NobodyElsesWord", "192.0.2.7", "198.51.100.1", "192.0.2.7"},
                    AddressCase{"OneProxy", "10.0.0.1", "192.0.2.7", "192.0.2.7"},
                    AddressCase{"MadeUpBefore", "10.0.0.1", "1.1.1.1, 192.0.2.7", "192.0.2.7"},
                    AddressCase{"TwoProxies", "::1", "1.1.1.1,192.0.2.7 , 10.0.0.2", "192.0.2.7"},
                    AddressCase{"OfTheProxyItself", "10.0.0.1", "", "10.0.0.1"},
                    AddressCase{"NothingButProxies", "10.0.0.1", "10.0.0.2", "10.0.0.2"},
                    AddressCase{"Blank", "10.0.0.1", "192.0.2.7, ", "10.0.0.1"}),
    [](const testing::TestParamInfo<AddressCase>& made) { return std::string{made.param.name}; });

}  // namespace
}  // namespace syncline::hub::api
