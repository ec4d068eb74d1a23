// Commits a number of transactions on replicas in memory, for callgrind: see bench/instructions.sh.
//
//   core_instructions TRANSACTIONS [OUTSTANDING] [VALUE_BYTES] [REPLICAS]
#include "cell_rig.hpp"

#include <cstdio>
#include <cstdlib>
#include <exception>

namespace {

std::uint64_t argument(int argc, char** argv, int index, std::uint64_t otherwise) {
    return index < argc ? std::strtoull(argv[index], nullptr, 10) : otherwise;
}

void commit(std::uint64_t transactions, std::uint64_t outstanding, std::size_t value_bytes,
            std::size_t replicas) {
    zooid::bench::cell_rig rig(replicas);
    auto const before = rig.messages();
    while (rig.committed() < transactions) {
        for (std::uint64_t n = 0; n < outstanding; ++n)
            rig.propose(value_bytes);
        rig.run();
    }
    std::printf("committed %llu messages %llu\n", static_cast<unsigned long long>(rig.committed()),
                static_cast<unsigned long long>(rig.messages() - before));
}

} // namespace

int main(int argc, char** argv) {
    try {
        commit(argument(argc, argv, 1, 1000), argument(argc, argv, 2, 1), argument(argc, argv, 3, 256),
               argument(argc, argv, 4, 7));
    } catch (std::exception const& e) {
        std::fprintf(stderr, "core_instructions: %s\n", e.what());
        return 1;
    }
}
