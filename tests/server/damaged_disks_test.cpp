// Three of seven disks are damaged at random places while their servers are off. The cell goes on with the
// other four, at once; nothing that was acknowledged is lost, and each replica on a damaged disk is well, or
// says why it is not.
#include "server/colony.hpp"
#include "support/catch.hpp"

#include "journal/format.hpp"

#include <zooid/base/prng.hpp>

#include <algorithm>
#include <set>

using namespace zooid;

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::uint32_t damaged_block = 512; // as the colony formats its journals
constexpr std::size_t seven = 7, spares = 3;
cell_id const second_cell{2, 2};

enum class aim { votes, values, checkpoints, entries, headers, anything };

struct place {
    std::uint64_t segment, offset, bytes;
};

std::vector<place> places(disk_image const& image, journal_id disk, aim at) {
    std::vector<place> all;
    for (auto const& [number, content] : image) {
        for (std::uint64_t offset = damaged_block; offset < content.size();) {
            auto const h = decode_batch_header(content, {number, offset}, disk, damaged_block);
            if (!h) {
                offset += damaged_block;
                continue;
            }
            if (at == aim::headers) all.push_back({number, offset, batch_header_bytes});
            if (at == aim::anything) all.push_back({number, offset, h->size});
            for (std::uint64_t i = 0; i < h->entries; ++i) {
                auto const e = decode_entry(content, *h, i);
                if (!e || e->internal()) continue;
                auto const kind = e->as_record();
                bool const hit = (at == aim::votes && is_voting(kind)) ||
                                 (at == aim::values && kind == record_kind::value) ||
                                 (at == aim::checkpoints && kind == record_kind::checkpoint);
                if (hit && e->payload_bytes > 0)
                    all.push_back({number, offset + e->payload_offset, e->payload_bytes});
                if (at == aim::entries)
                    all.push_back({number, offset + batch_header_bytes + i * entry_bytes, entry_bytes});
            }
            offset += h->size;
        }
    }
    return all;
}

void damage(disk_image& image, journal_id disk, prng& random) {
    std::uint64_t const hits = random.between(1, 4);
    for (std::uint64_t i = 0; i < hits; ++i) {
        auto const at = static_cast<aim>(random.below(6));
        auto const all = places(image, disk, at);
        if (all.empty()) continue;
        // Half of them among the last: what is older is likely superseded.
        std::uint64_t const from = random.chance(1, 2) ? all.size() * 9 / 10 : 0;
        place const hit = all[random.between(from, all.size() - 1)];
        std::uint64_t const begin = random.below(hit.bytes);
        std::uint64_t const length = std::min(random.between(1, 64), hit.bytes - begin);
        for (std::uint64_t n = 0; n < length; ++n)
            image.at(hit.segment)[hit.offset + begin + n] ^= static_cast<char>(random.between(1, 255));
    }
}

using votes = std::vector<record>;

// What a recovery finds of each cell's replica that is a vote.
std::map<cell_id, votes> votes_found(disk_image const& image, journal_id disk) {
    journal_options options;
    options.block_bytes = damaged_block;
    options.segment_bytes = 64 * 1024;
    auto const opened = memory_journal::open(disk, {99}, options, image);
    REQUIRE(opened.has_value());
    std::map<cell_id, votes> all;
    for (recovered_replica const& r : opened.value()->recovered().replicas) {
        for (record const& one : r.records)
            if (is_voting(one.kind)) all[r.cell].push_back(one);
    }
    return all;
}

bool lacks_one(votes const& now, votes const& before) {
    return std::any_of(before.begin(), before.end(), [&](record const& one) {
        return std::find(now.begin(), now.end(), one) == now.end();
    });
}

/// What became of replicas on damaged disks, over all seeds.
struct outcomes {
    std::size_t well = 0, voteless = 0, distrusted = 0, absent = 0, refused = 0;
};

/// A colony under one seed, and what it acknowledged.
struct damaged_colony {
    prng random;
    colony c;
    std::map<cell_id, std::size_t> acknowledged;      // keys k0, k1, ... of each cell
    std::set<std::pair<std::size_t, cell_id>> forgot; // a vote, whatever recovery says of it
    std::set<std::size_t> members{1, 2, 3, 4, 5, 6, 7};

    explicit damaged_colony(std::uint64_t seed) : random(seed), c(seven + spares, options()) {
        for (cell_id cell : {volume, second_cell}) {
            c.found(cell, "cell " + to_string(cell), seven);
            write(cell, 30);
        }
        c.run_for(seconds(1));
    }
    static server_options options() {
        server_options o;
        o.report_durable = true;
        o.cells.checkpoint_log_bytes = 16 * 1024;
        return o;
    }
    void write(cell_id cell, std::size_t count) {
        for (std::size_t i = 0; i < count; ++i) {
            std::size_t const n = acknowledged[cell]++;
            bytes const text = std::to_string(n) + bytes(random.between(1, 1500), 'x');
            REQUIRE(c.commit(cell, kv::transaction().put("k" + std::to_string(n), text)).has_value());
        }
    }
    std::set<std::size_t> draw_three(std::set<std::size_t> from) {
        std::set<std::size_t> drawn;
        while (drawn.size() < 3) {
            auto const at = std::next(from.begin(), static_cast<std::ptrdiff_t>(random.below(from.size())));
            drawn.insert(*at);
            from.erase(at);
        }
        return drawn;
    }
    bool has_event(std::size_t server, cell_id cell) const {
        auto const& all = c.events(server);
        return std::any_of(all.begin(), all.end(), [&](server_event const& e) {
            auto const* const found = std::get_if<damage_reported>(&e);
            return found && (found->cell == cell || !found->cell);
        });
    }
    // It lost the end of its log, and somebody had heard of that.
    bool is_rolled_back(std::size_t server) const {
        auto const& all = c.events(server);
        return std::any_of(all.begin(), all.end(), [](server_event const& e) {
            return std::holds_alternative<journal_rolled_back>(e);
        });
    }
    void check_reads() {
        for (auto const& [cell, count] : acknowledged) {
            std::size_t const leads = c.leader(cell);
            REQUIRE(leads != 0);
            for (std::size_t n = 0; n < count; ++n) {
                bytes const found = c.read_at(leads, operation::strict_read, cell, "k" + std::to_string(n));
                CHECK(found.substr(0, found.find('x')) == std::to_string(n));
            }
        }
    }
    bool is_well(std::size_t server, cell_id cell) {
        auto const* const here = c.at(server).find_replica(cell);
        return here && !here->is_quarantined();
    }
    void judge(std::size_t server, cell_id cell, outcomes& all) {
        INFO("server " << server << ", cell " << to_string(cell));
        auto const* const here = c.at(server).find_replica(cell);
        if (!here) {
            CHECK(has_event(server, cell));
            ++all.absent;
            return;
        }
        slot const known = c.at(c.leader(cell)).find_replica(cell)->applied_slot();
        auto const said = here->explain();
        if (is_rolled_back(server)) {
            CHECK_FALSE(said.quarantine.empty()); // that, or what it stopped for before
            CHECK((said.quarantined_for == distrust::votes || said.quarantined_for == distrust::everything));
            ++all.refused;
        } else if (!here->is_quarantined()) {
            CHECK_FALSE(forgot.contains({server, cell}));
            CHECK(said.applied == known);
            CHECK(c.at(server).find_machine(cell)->state_digest() ==
                  c.at(c.leader(cell)).find_machine(cell)->state_digest());
            ++all.well;
        } else if (said.quarantined_for == distrust::votes) {
            CHECK_FALSE(said.quarantine.empty());
            CHECK(has_event(server, cell));
            CHECK(said.applied == known); // it learns on
            ++all.voteless;
        } else {
            CHECK_FALSE(said.quarantine.empty());
            CHECK(has_event(server, cell));
            ++all.distrusted;
        }
    }
    void round(std::set<std::size_t> const& hit, outcomes& all) {
        for (std::size_t n : hit)
            c.kill(n);
        write(volume, 3); // by the other four
        for (std::size_t n : hit) {
            auto const before = votes_found(c.image(n), {n, n});
            damage(c.image(n), {n, n}, random);
            auto now = votes_found(c.image(n), {n, n});
            for (auto const& [cell, had] : before)
                if (lacks_one(now[cell], had)) forgot.emplace(n, cell);
            c.start_alone(n);
        }
        for (std::size_t n : hit) {
            for (std::size_t peer = 1; peer <= seven + spares; ++peer)
                if (peer != n) (void)c.meet(n, peer);
        }
        c.settle();
        time_point const started = c.now();
        write(volume, 1);
        write(second_cell, 1);
        CHECK(c.now() - started < seconds(2)); // who led may be one of the three
        c.run_for(seconds(8));
        write(volume, 1);
        write(second_cell, 1);
        c.run_for(seconds(3));
        for (std::size_t n : hit) {
            for (cell_id cell : {volume, second_cell})
                judge(n, cell, all);
        }
        check_reads();
        CHECK(c.chosen_twice() == 0);
    }
    void replace_those_that_do_not_vote(std::set<std::size_t> const& hit) {
        std::size_t spare = seven;
        for (std::size_t n : hit) {
            if (is_well(n, volume) && is_well(n, second_cell)) continue;
            ++spare;
            for (cell_id cell : {volume, second_cell})
                REQUIRE(c.replace_member(cell, n, spare));
        }
    }
};

} // namespace

TEST_CASE("a cell goes on at once while three of its seven disks are damaged, and loses nothing") {
    outcomes all;
    for (std::uint64_t seed = 1; seed <= 100; ++seed) {
        INFO("seed " << seed);
        damaged_colony d(seed);
        auto const first = d.draw_three(d.members);
        d.round(first, all);
        if (seed % 2 == 0) continue;
        // Whoever can't vote is replaced, and the disks of three others are damaged.
        d.replace_those_that_do_not_vote(first);
        auto others = d.members;
        for (std::size_t n : first)
            others.erase(n);
        d.round(d.draw_three(others), all);
    }
    INFO("well " << all.well << ", voteless " << all.voteless << ", distrusted " << all.distrusted
                 << ", absent " << all.absent << ", refused " << all.refused);
    CHECK(all.well > 10);
    CHECK(all.voteless > 10);
    CHECK(all.absent > 0);
    CHECK(all.refused > 0);
}
