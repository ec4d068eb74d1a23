// A host application with an Asio of its own: its io_context, its timer, compiled apart from ours.
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <zooid/base/hash.hpp>

#include <cstdio>
#include <string>

std::string own_json(); // host_json.cpp

int main() {
    boost::asio::io_context io;
    boost::asio::steady_timer timer(io, std::chrono::milliseconds(1));
    bool fired = false;
    timer.async_wait([&](boost::system::error_code e) { fired = !e; });
    io.run();
    std::printf("host_asio %s %s\n", zooid::to_string(zooid::hash128(zooid::bytes_view{})).c_str(),
                own_json().c_str());
    return fired ? 0 : 1;
}
