// The configuration file of zooidd; examples/README.md lists the fields.
#pragma once

#include <zooid/runtime/running_server.hpp>

#include <string>

namespace zooidd {

struct config {
    zooid::running_server_options server;
};

/// Errors name file, line, column and path, or the key file.
zooid::result<config> load_config(std::string const& path);

} // namespace zooidd
