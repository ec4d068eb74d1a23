// A host application that wants the decisions only: no Asio, no thread, no I/O.
#include <zooid/base/configuration.hpp>
#include <zooid/base/error.hpp>
#include <zooid/base/hash.hpp>

#include <cstdio>

int main() {
    zooid::digest const d = zooid::hash128(zooid::bytes_view{});
    std::printf("host_pure %s\n", zooid::to_string(d).c_str());
    return d == zooid::digest{} ? 1 : 0;
}
