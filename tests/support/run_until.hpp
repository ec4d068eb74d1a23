// Waiting for what an executor is working on, without a sleep.
#pragma once

#include <boost/asio/io_context.hpp>

#include <chrono>
#include <functional>
#include <stdexcept>

namespace test_support {

/// Runs the executor until the claim holds; a claim that does not within `patience` fails the test.
inline void run_until(boost::asio::io_context& io, std::function<bool()> const& claim,
                      std::chrono::seconds patience) {
    auto const give_up = std::chrono::steady_clock::now() + patience;
    while (!claim()) {
        if (std::chrono::steady_clock::now() > give_up)
            throw std::runtime_error("what was waited for never came");
        io.restart();
        io.run_one_for(std::chrono::milliseconds(100));
    }
}

} // namespace test_support
