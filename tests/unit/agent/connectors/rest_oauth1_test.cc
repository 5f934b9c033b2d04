// Signed requests, against the examples of RFC 5849 and of an independent implementation.
#include <gtest/gtest.h>

#include "agent/connectors/rest/oauth1.h"

namespace syncline::agent::rest {
namespace {

TEST(Oauth1, SignsWhatTheSpecificationSays) {
    // RFC 5849, 3.4.1.1 and 3.4.1.3, without the form of its body.
    EXPECT_EQ(oauth1_base("POST", "http://example.com/request?b5=%3D%253D&a3=a&c%40=&a2=r%20b",
                          {{"oauth_consumer_key", "9djdj82h48djs9d2"},
                           {"oauth_token", "kkk9d7dh3k39sjv7"},
                           {"oauth_signature_method", "HMAC-SHA1"},
                           {"oauth_timestamp", "137131201"},
                           {"oauth_nonce", "7d8f3e4a"}}),
              "POST&http%3A%2F%2Fexample.com%2Frequest&a2%3Dr%2520b%26a3%3Da%26b5%3D%253D%25253D"
              "%26c%2540%3D%26oauth_consumer_key%3D9djdj82h48djs9d2%26oauth_nonce%3D7d8f3e4a"
              "%26oauth_signature_method%3DHMAC-SHA1%26oauth_timestamp%3D137131201"
              "%26oauth_token%3Dkkk9d7dh3k39sjv7");
}

TEST(Oauth1, HeadersAreThoseOfAnIndependentImplementation) {
    const Oauth1Keys keys{"123_SB1", "ck", "c s", "tk", "t&s"};
    // The signature is Python's hmac and urllib over the same parameters.
    EXPECT_EQ(oauth1_header(keys, "POST",
                            "https://123-sb1.suitetalk.api.netsuite.com/services/rest/query/v1/"
                            "suiteql?limit=1000&offset=0",
                            "n1", Timestamp{1'767'607'200'000'000'000}),
              "OAuth realm=\"123_SB1\",oauth_consumer_key=\"ck\",oauth_nonce=\"n1\","
              "oauth_signature_method=\"HMAC-SHA256\",oauth_timestamp=\"1767607200\","
              "oauth_token=\"tk\",oauth_version=\"1.0\","
              "oauth_signature=\"TuCuEg7j0iXnslYdy642SsKyyvePcIHdDuV2Rus7YZ4%3D\"");
}

}  // namespace
}  // namespace syncline::agent::rest
