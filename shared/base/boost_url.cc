// Boost.URL, compiled here once. Link syncline::boost_url and include <boost/url.hpp>.
#include <boost/url/src.hpp>
