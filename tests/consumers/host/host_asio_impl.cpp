// The host's copy of Asio, compiled once, as BOOST_ASIO_SEPARATE_COMPILATION asks.
#include <boost/asio/impl/src.hpp>
