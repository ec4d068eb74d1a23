// A folder that goes away with the test that made it.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>

namespace test_support {

struct scratch {
    std::filesystem::path path;

    scratch() {
        std::string name = (std::filesystem::temp_directory_path() / "zooid-test-XXXXXX").string();
        if (!::mkdtemp(name.data())) throw std::runtime_error("cannot make " + name);
        path = name;
    }
    ~scratch() {
        std::error_code ignored;
        std::filesystem::remove_all(path, ignored);
    }
    scratch(scratch const&) = delete;
    scratch& operator=(scratch const&) = delete;
};

} // namespace test_support
