#include "placement/draft.hpp"

#include <zooid/base/check.hpp>

#include <algorithm>
#include <bit>

namespace zooid::placement {
namespace {

constexpr std::uint64_t unlabelled = 255;

} // namespace

draft::draft(catalogue const& world, cell const& c, floors const& f, objective o)
    : world_(world), floors_(f), size_(c.size), limit_(spread_limit_of(c.size)) {
    for (auto const& a : c.anchors) {
        if (a.weight <= 0) continue;
        anchors_.weight[anchors_.count] = a.weight;
        anchors_.sites[anchors_.count++] = world.at(a.server.value);
    }
    double total = 0;
    for (std::size_t i = 0; i < anchors_.count; ++i) {
        total += anchors_.weight[i];
    }
    if (o == objective::joint || anchors_.count < 2) {
        views_.emplace_back(anchors_.all());
        share_[0] = 1;
    } else {
        views_.reserve(anchors_.count);
        for (std::size_t i = 0; i < anchors_.count; ++i) {
            views_.emplace_back(anchors_.all().subspan(i, 1));
            share_[i] = anchors_.weight[i] / total;
            anchors_key_ = mix(anchors_key_, std::bit_cast<std::uint64_t>(share_[i]));
        }
    }
    // What is still missing is taken to land in fresh racks near the first anchor.
    auto const& near = anchors_.count > 0 ? anchors_.sites[0] : world.at(0);
    stand_in_fail_ = near.rate + near.rack_off - near.rate * near.rack_off;
    label_anchors();
}

bool draft::has(std::uint32_t server) const {
    return std::find(members_.begin(), members_.begin() + count_, server) != members_.begin() + count_;
}

bool draft::is_anchor(std::uint32_t server) const {
    for (std::size_t i = 0; i < anchors_.count; ++i) {
        if (anchors_.sites[i].server.value == server) return true;
    }
    return false;
}

void draft::clear() {
    count_ = 0, labelled_ = false;
}

void draft::add(std::uint32_t server) {
    ZOOID_CHECK(count_ < size_, "a draft is not filled beyond its size");
    members_[count_++] = server;
    labelled_ = false;
}

std::uint32_t draft::remove(unsigned i) {
    auto const server = members_[i];
    std::copy(members_.begin() + i + 1, members_.begin() + count_, members_.begin() + i);
    --count_, labelled_ = false;
    return server;
}

draft::place draft::touch(tag const& t, std::uint8_t uses) {
    place p;
    p.rack = racks_.touch(t.rack), p.row = rows_.touch(t.row);
    racks_.count[p.rack] = static_cast<std::uint8_t>(racks_.count[p.rack] + uses);
    rows_.count[p.row] = static_cast<std::uint8_t>(rows_.count[p.row] + uses);
    for (unsigned f = 0; f < t.feeds; ++f) {
        p.feed[f] = powers_.touch(t.feed[f]);
    }
    if (t.feeds == 1) powers_.count[p.feed[0]] = static_cast<std::uint8_t>(powers_.count[p.feed[0]] + uses);
    return p;
}

void draft::label_anchors() {
    for (std::size_t i = 0; i < anchors_.count; ++i) {
        auto const server = anchors_.sites[i].server;
        anchor_places_[i] = touch(world_.tag_of(server.value), 0);
        std::uint8_t first = 0;
        while (anchors_.sites[first].server != server) {
            ++first;
        }
        first_on_server_[i] = first;
    }
    racks_.of_anchors = racks_.size, rows_.of_anchors = rows_.size, powers_.of_anchors = powers_.size;
}

void draft::label() {
    if (labelled_) return;
    labelled_ = true;
    racks_.reset(), rows_.reset(), powers_.reset();
    for (unsigned i = 0; i < count_; ++i) {
        places_[i] = touch(world_.tag_of(members_[i]), 1);
    }
    order_members();
    name_things();
    note_taken();
}

/// Sorts members by what does not depend on their names: the anchors' things they use, and how many share
/// their own.
void draft::order_members() {
    std::array<std::uint64_t, cell_size_max> shape;
    auto const known = [](auto const& set, std::uint32_t i) {
        return std::uint64_t{std::min(i, set.of_anchors)};
    };
    for (unsigned i = 0; i < count_; ++i) {
        auto const& t = world_.tag_of(members_[i]);
        auto const& p = places_[i];
        auto const key =
            known(racks_, p.rack) << 56 | known(rows_, p.row) << 48 | known(powers_, p.feed[0]) << 40 |
            std::uint64_t{t.feeds} << 36 | std::uint64_t{racks_.count[p.rack]} << 32 |
            std::uint64_t{powers_.count[p.feed[0]]} << 28 | world_.classes()[t.index_of_class].rates >> 36;
        auto j = i;
        for (; j > 0 && shape[j - 1] > key; --j) {
            shape[j] = shape[j - 1], order_[j] = order_[j - 1];
        }
        shape[j] = key, order_[j] = static_cast<std::uint8_t>(i);
    }
}

void draft::name_things() {
    racks_.clear_names(), rows_.clear_names(), powers_.clear_names();
    for (unsigned i = 0; i < count_; ++i) {
        auto const& p = places_[order_[i]];
        racks_.give_name(p.rack), rows_.give_name(p.row);
        for (unsigned f = 0; f < world_.tag_of(members_[order_[i]]).feeds; ++f) {
            powers_.give_name(p.feed[f]);
        }
    }
}

/// Usable servers that a class counts but that cannot be chosen from it again.
void draft::note_taken() {
    taken_count_ = 0;
    auto const note = [this](std::uint32_t server) {
        if (world_.usable(server)) taken_[taken_count_++] = {server, world_.class_of(server)};
    };
    for (auto const m : members()) {
        note(m);
    }
    for (std::size_t i = 0; i < anchors_.count; ++i) {
        auto const server = anchors_.sites[i].server.value;
        if (first_on_server_[i] == i && !has(server)) note(server);
    }
}

std::uint64_t draft::feeds_signature(tag const& t) const {
    std::uint64_t sum = 0;
    for (unsigned f = 0; f < t.feeds; ++f) {
        auto const i = powers_.find(t.feed[f]);
        sum += mix(i < powers_.size ? powers_.name[i] : unlabelled, world_.rate_of_feed(t.feed[f]));
    }
    return sum;
}

std::uint64_t draft::describe(tag const& t, place const& p) const {
    std::uint64_t feeds = 0;
    for (unsigned f = 0; f < t.feeds; ++f) {
        feeds += mix(powers_.name[p.feed[f]], world_.rate_of_feed(t.feed[f]));
    }
    auto const rates = world_.classes()[t.index_of_class].rates;
    return mix(rates + feeds, std::uint64_t{racks_.name[p.rack]} << 8 | rows_.name[p.row]);
}

std::uint64_t draft::state_key() const {
    std::uint64_t key = mix(anchors_key_, size_ * 16u + count_);
    for (std::size_t i = 0; i < anchors_.count; ++i) {
        auto const& t = world_.tag_of(anchors_.sites[i].server.value);
        key = mix(key, describe(t, anchor_places_[i]) + first_on_server_[i]);
    }
    for (unsigned i = 0; i < count_; ++i) {
        auto const server = members_[order_[i]];
        key = mix(key, describe(world_.tag_of(server), places_[order_[i]]) + (is_anchor(server) ? 1 : 0));
    }
    return key;
}

bool draft::spread_allows(tag const& t, unsigned in_rack, unsigned in_row) const {
    if (floors_.rack && in_rack >= limit_) return false;
    if (floors_.row && in_row >= limit_) return false;
    if (!floors_.power || t.feeds != 1) return true;
    auto const i = powers_.find(t.feed[0]);
    return i == powers_.size || powers_.count[i] < limit_;
}

bool draft::lawful(std::uint32_t server) {
    label();
    auto const& t = world_.tag_of(server);
    auto const rack = racks_.find(t.rack);
    auto const row = rows_.find(t.row);
    return spread_allows(t, rack < racks_.size ? racks_.count[rack] : 0,
                         row < rows_.size ? rows_.count[row] : 0);
}

bool draft::keeps_spread() {
    label();
    auto const fits = [this](auto const& set) {
        return std::all_of(set.count.begin(), set.count.begin() + set.size,
                           [this](auto n) { return n <= limit_; });
    };
    return (!floors_.rack || fits(racks_)) && (!floors_.row || fits(rows_)) &&
           (!floors_.power || fits(powers_));
}

std::uint64_t draft::candidates(std::vector<candidate>& out) {
    label();
    out.clear();
    offer_anchors(out);
    offer_touched_racks(out);
    offer_touched_rows(out);
    offer_fresh_rows(out);
    std::uint64_t sum = 0;
    for (auto const& c : out) {
        sum += mix(c.signature, 1);
    }
    return mix(state_key(), sum);
}

void draft::offer_anchors(std::vector<candidate>& out) const {
    for (std::size_t i = 0; i < anchors_.count; ++i) {
        auto const server = anchors_.sites[i].server.value;
        if (first_on_server_[i] != i || !world_.usable(server) || has(server)) continue;
        auto const& t = world_.tag_of(server);
        auto const& p = anchor_places_[i];
        if (world_.classes()[t.index_of_class].pool != pool_) continue;
        if (!spread_allows(t, racks_.count[p.rack], rows_.count[p.row])) continue;
        out.push_back({candidate::type::server, server, server, mix(1, mix(i, feeds_signature(t)))});
    }
}

void draft::offer_touched_racks(std::vector<candidate>& out) const {
    auto const& p = world_.pools()[pool_];
    for (std::uint32_t r = 0; r < racks_.size; ++r) {
        for (auto const index : p.classes_by_rack[racks_.item[r]]) {
            auto const& c = world_.classes()[index];
            auto left = c.usable;
            for (unsigned i = 0; i < taken_count_; ++i) {
                left -= taken_[i].index_of_class == index ? 1 : 0;
            }
            auto const in_row = floors_.row ? rows_.count[rows_.find(c.row)] : 0;
            if (left == 0 || !spread_allows(c.common, racks_.count[r], in_row)) continue;
            std::uint32_t free = 0;
            while (has(c.servers[free]) || is_anchor(c.servers[free])) {
                ++free;
            }
            auto const where = mix(2, std::uint64_t{racks_.name[r]} << 8 | std::min(left, 3u));
            out.push_back({candidate::type::in_class, index, c.servers[free],
                           mix(where, c.rates + feeds_signature(c.common))});
        }
    }
}

void draft::offer_touched_rows(std::vector<candidate>& out) const {
    auto const& p = world_.pools()[pool_];
    // Groups that lose a usable class because its rack is touched, once for each.
    std::array<std::uint32_t, 64> spent;
    unsigned spent_count = 0;
    for (std::uint32_t r = 0; r < racks_.size; ++r) {
        for (auto const index : p.classes_by_rack[racks_.item[r]]) {
            auto const& c = world_.classes()[index];
            if (c.usable > 0 && spent_count < spent.size()) spent[spent_count++] = c.group;
        }
    }
    for (std::uint32_t w = 0; w < rows_.size; ++w) {
        for (auto const index : p.groups_by_row[rows_.item[w]]) {
            auto const& g = world_.groups()[index];
            auto const lost = std::count(spent.begin(), spent.begin() + spent_count, index);
            if (g.usable <= static_cast<std::uint32_t>(lost)) continue;
            auto const left = g.usable - static_cast<std::uint32_t>(lost);
            auto const fresh = std::find_if(g.classes.begin(), g.classes.end(),
                                            [&](auto k) { return !racks_.has(world_.classes()[k].rack); });
            if (fresh == g.classes.end()) continue;
            auto const& c = world_.classes()[*fresh];
            if (!spread_allows(c.common, 0, rows_.count[w])) continue;
            auto const where = mix(3, std::uint64_t{rows_.name[w]} << 8 | std::min(left, 4u));
            out.push_back({candidate::type::in_group, index, c.servers[0],
                           mix(where, c.rates + feeds_signature(c.common))});
        }
    }
}

void draft::offer_fresh_rows(std::vector<candidate>& out) const {
    auto const& p = world_.pools()[pool_];
    for (auto const index : p.kinds) {
        auto const& k = world_.kinds()[index];
        auto left = k.usable;
        for (std::uint32_t w = 0; w < rows_.size && left > 0; ++w) {
            for (auto const group : p.groups_by_row[rows_.item[w]]) {
                auto const& g = world_.groups()[group];
                if (g.kind == index && g.usable > 0) --left;
            }
        }
        if (left == 0) continue;
        auto const fresh = std::find_if(k.groups.begin(), k.groups.end(),
                                        [&](auto g) { return !rows_.has(world_.groups()[g].row); });
        auto const& c = world_.classes()[world_.groups()[*fresh].classes[0]];
        if (!spread_allows(c.common, 0, 0)) continue;
        auto const where = mix(4, std::min(left, 3u));
        out.push_back(
            {candidate::type::in_kind, index, c.servers[0], mix(where, c.rates + feeds_signature(c.common))});
    }
}

double draft::evaluate(std::span<site const* const> members, stand_ins others) const {
    double sum = 0;
    for (std::size_t i = 0; i < views_.size(); ++i) {
        sum += share_[i] * views_[i].shortfall(members, others, size_);
    }
    return sum;
}

double draft::score_with(std::uint32_t server) const {
    std::array<site const*, cell_size_max> sites;
    for (unsigned i = 0; i < count_; ++i) {
        sites[i] = &world_.at(members_[i]);
    }
    sites[count_] = &world_.at(server);
    return evaluate({sites.data(), count_ + 1}, {size_ - count_ - 1, stand_in_fail_});
}

double draft::score() const {
    std::array<site const*, cell_size_max> sites;
    for (unsigned i = 0; i < count_; ++i) {
        sites[i] = &world_.at(members_[i]);
    }
    return evaluate({sites.data(), count_}, {size_ - count_, stand_in_fail_});
}

} // namespace zooid::placement
