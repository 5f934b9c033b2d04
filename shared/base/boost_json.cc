// Boost.JSON, compiled here once. Link syncline::boost_json and include <boost/json.hpp>.
#include <boost/json/src.hpp>
