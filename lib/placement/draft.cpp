#include "placement/draft.hpp"

#include <zooid/base/check.hpp>

#include <bit>

namespace zooid::placement {

draft::draft(catalogue const& world, usage_counts& counts, cell const& c, floors const& f, objective o)
    : world_(world), counts_(counts), floors_(f), size_(c.size), limit_(spread_limit_of(c.size)) {
    double total = 0;
    for (auto const& a : c.anchors) {
        if (a.weight <= 0) continue;
        share_[anchors_.size()] = a.weight;
        total += a.weight;
        anchors_.push_back(world.at(a.server.value));
    }
    std::span<located const> const all(anchors_.data(), anchors_.size());
    if (o == objective::joint || anchors_.size() < 2) {
        views_.emplace_back(all);
        share_[0] = 1;
    } else {
        for (std::size_t i = 0; i < anchors_.size(); ++i) {
            views_.emplace_back(all.subspan(i, 1));
            share_[i] /= total;
            anchors_key_ = mix(anchors_key_, std::bit_cast<std::uint64_t>(share_[i]));
        }
    }
    // What is still missing is taken to land in fresh racks near the first anchor.
    auto const& near = anchors_.empty() ? *world.at(0).at : *anchors_[0].at;
    stand_in_fail_ = near.rate + near.rack_off - near.rate * near.rack_off;
    label_anchors();
}

bool draft::has(std::uint32_t server) const {
    return std::find(members_.begin(), members_.begin() + count_, server) != members_.begin() + count_;
}

bool draft::is_anchor(std::uint32_t server) const {
    return std::any_of(anchors_.begin(), anchors_.end(),
                       [&](located const& a) { return a.server.value == server; });
}

void draft::clear() {
    count_ = 0, labelled_ = false;
    score_.reset();
    racks_.reset(), rows_.reset(), powers_.reset();
}

void draft::add(std::uint32_t server) {
    ZOOID_CHECK(count_ < size_, "a draft is not filled beyond its size");
    places_[count_] = touch(world_.class_of(server).common, 1);
    members_[count_++] = server;
    labelled_ = false;
    score_.reset();
}

std::uint32_t draft::remove(unsigned i) {
    auto const server = members_[i];
    std::copy(members_.begin() + i + 1, members_.begin() + count_, members_.begin() + i);
    auto const left = count_ - 1;
    clear();
    while (count_ < left) {
        add(members_[count_]);
    }
    return server;
}

draft::place draft::touch(site const& s, std::uint8_t uses) {
    place p;
    p.rack = racks_.touch(s.rack), p.row = rows_.touch(s.row);
    racks_.count[p.rack] = static_cast<std::uint8_t>(racks_.count[p.rack] + uses);
    rows_.count[p.row] = static_cast<std::uint8_t>(rows_.count[p.row] + uses);
    for (unsigned f = 0; f < s.feeds; ++f) {
        p.feed[f] = powers_.touch(s.feed[f]);
    }
    if (s.feeds == 1) powers_.count[p.feed[0]] = static_cast<std::uint8_t>(powers_.count[p.feed[0]] + uses);
    return p;
}

/// Things of the anchors come first and are named by their positions, whatever the members are.
void draft::label_anchors() {
    for (std::size_t i = 0; i < anchors_.size(); ++i) {
        anchor_places_[i] = touch(*anchors_[i].at, 0);
        std::uint8_t first = 0;
        while (anchors_[first].server != anchors_[i].server) {
            ++first;
        }
        first_on_server_[i] = first;
    }
    racks_.of_anchors = racks_.size, rows_.of_anchors = rows_.size, powers_.of_anchors = powers_.size;
    clear();
    name_things();
    describe_anchors();
}

void draft::describe_anchors() {
    for (std::size_t i = 0; i < anchors_.size(); ++i) {
        auto const described = describe(anchors_[i].server.value, anchor_places_[i]);
        anchors_key_ = mix(anchors_key_, described + first_on_server_[i]);
    }
}

void draft::label() {
    if (labelled_) return;
    labelled_ = true;
    order_members();
    name_things();
}

/// Sorts members by what does not depend on their names: the anchors' things they use, and how many share
/// their own.
void draft::order_members() {
    std::array<std::uint64_t, cell_size_max> shape;
    auto const known = [](auto const& set, std::uint32_t i) {
        return std::uint64_t{std::min(i, set.of_anchors)};
    };
    for (unsigned i = 0; i < count_; ++i) {
        auto const& c = world_.class_of(members_[i]);
        auto const& p = places_[i];
        auto const key = known(racks_, p.rack) << 56 | known(rows_, p.row) << 48 |
                         known(powers_, p.feed[0]) << 40 | std::uint64_t{c.common.feeds} << 36 |
                         std::uint64_t{racks_.count[p.rack]} << 32 |
                         std::uint64_t{powers_.count[p.feed[0]]} << 28 | c.rates >> 36;
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
        auto const feeds = world_.class_of(members_[order_[i]]).common.feeds;
        for (unsigned f = 0; f < feeds; ++f) {
            powers_.give_name(p.feed[f]);
        }
    }
    for (std::uint32_t i = 0; i < powers_.size; ++i) {
        feed_hashes_[i] = catalogue::feed_hash(world_.rate_of_feed(powers_.item[i]), powers_.name[i]);
    }
}

std::uint64_t draft::feeds_signature(site const& s) const {
    std::uint64_t sum = 0;
    for (unsigned f = 0; f < s.feeds; ++f) {
        auto const i = powers_.find(s.feed[f]);
        sum += i < powers_.size ? feed_hashes_[i] : world_.hash_of_fresh_feed(s.feed[f]);
    }
    return sum;
}

std::uint64_t draft::describe(std::uint32_t server, place const& p) const {
    auto const& c = world_.class_of(server);
    std::uint64_t sum = c.rates;
    for (unsigned f = 0; f < c.common.feeds; ++f) {
        sum += feed_hashes_[p.feed[f]];
    }
    return mix(sum, std::uint64_t{racks_.name[p.rack]} << 8 | rows_.name[p.row]);
}

std::uint64_t draft::state_key() const {
    std::uint64_t key = mix(anchors_key_, size_ * 16u + count_);
    for (unsigned i = 0; i < count_; ++i) {
        auto const server = members_[order_[i]];
        key = mix(key, describe(server, places_[order_[i]]) + (is_anchor(server) ? 1 : 0));
    }
    return key;
}

bool draft::spread_allows(site const& s, unsigned in_rack, unsigned in_row) const {
    if (floors_.rack && in_rack >= limit_) return false;
    if (floors_.row && in_row >= limit_) return false;
    if (!floors_.power || s.feeds != 1) return true;
    auto const i = powers_.find(s.feed[0]);
    return i == powers_.size || powers_.count[i] < limit_;
}

bool draft::keeps_spread() const {
    auto const fits = [this](auto const& set) {
        return std::all_of(set.count.begin(), set.count.begin() + set.size,
                           [this](auto n) { return n <= limit_; });
    };
    return (!floors_.rack || fits(racks_)) && (!floors_.row || fits(rows_)) &&
           (!floors_.power || fits(powers_));
}

// What is on offer
//
// A visitor is told (type, index, site, members in its rack, members in its row, hash of where it is). What a
// class, group or kind has left is what it counts as usable, less what this draft takes of it.

/// Usable servers that a class counts but that cannot be chosen from it again.
template <class Use>
void draft::each_taken(Use use) const {
    for (unsigned i = 0; i < count_; ++i) {
        if (world_.usable(members_[i])) use(world_.class_index(members_[i]));
    }
    for (std::size_t i = 0; i < anchors_.size(); ++i) {
        auto const server = anchors_[i].server.value;
        if (first_on_server_[i] == i && world_.usable(server) && !has(server))
            use(world_.class_index(server));
    }
}

/// Classes that are no longer in a fresh rack.
template <class Use>
void draft::each_touched_class(Use use) const {
    auto const& by_rack = world_.pools()[pool_].classes_by_rack;
    for (std::uint32_t r = 0; r < racks_.size; ++r) {
        for (auto const index : by_rack[racks_.item[r]]) {
            use(index, r);
        }
    }
}

/// Groups that are no longer in a fresh row.
template <class Use>
void draft::each_touched_group(Use use) const {
    auto const& by_row = world_.pools()[pool_].groups_by_row;
    for (std::uint32_t w = 0; w < rows_.size; ++w) {
        for (auto const index : by_row[rows_.item[w]]) {
            use(index, w);
        }
    }
}

template <class Visit>
void draft::offer_anchors(Visit visit) const {
    for (std::size_t i = 0; i < anchors_.size(); ++i) {
        auto const server = anchors_[i].server.value;
        if (first_on_server_[i] != i || !world_.usable(server) || has(server)) continue;
        if (world_.pool_of(server) != pool_) continue;
        auto const& p = anchor_places_[i];
        auto const& s = *anchors_[i].at;
        visit(candidate{candidate::type::server, server, mix(1, mix(i, feeds_signature(s)))}, s,
              racks_.count[p.rack], rows_.count[p.row]);
    }
}

template <class Visit>
void draft::offer_touched_racks(Visit visit) const {
    each_taken([this](auto index) { ++counts_.classes[index]; });
    each_touched_class([&](std::uint32_t index, std::uint32_t r) {
        auto const& c = world_.classes()[index];
        auto const left = c.usable - counts_.classes[index];
        if (left == 0) return;
        auto const in_row = floors_.row ? rows_.count[rows_.find(c.common.row)] : 0;
        auto const where = mix(2, std::uint64_t{racks_.name[r]} << 8 | std::min(left, 3u));
        visit(candidate{candidate::type::in_class, index, mix(where, c.rates + feeds_signature(c.common))},
              c.common, racks_.count[r], in_row);
    });
    each_taken([this](auto index) { counts_.classes[index] = 0; });
}

template <class Visit>
void draft::offer_touched_rows(Visit visit) const {
    auto const& classes = world_.classes();
    each_touched_class([&](std::uint32_t index, std::uint32_t) {
        if (classes[index].usable > 0) ++counts_.groups[classes[index].group];
    });
    each_touched_group([&](std::uint32_t index, std::uint32_t w) {
        auto const& g = world_.groups()[index];
        auto const left = g.usable - counts_.groups[index];
        if (left == 0) return;
        auto const& c = classes[g.classes[0]];
        auto const where = mix(3, std::uint64_t{rows_.name[w]} << 8 | std::min(left, 4u));
        visit(candidate{candidate::type::in_group, index, mix(where, c.rates + feeds_signature(c.common))},
              c.common, 0u, rows_.count[w]);
    });
    each_touched_class([&](std::uint32_t index, std::uint32_t) { counts_.groups[classes[index].group] = 0; });
}

template <class Visit>
void draft::offer_fresh_rows(Visit visit) const {
    each_touched_group([this](std::uint32_t index, std::uint32_t) {
        auto const& g = world_.groups()[index];
        if (g.usable > 0) ++counts_.kinds[g.kind];
    });
    for (auto const index : world_.pools()[pool_].kinds) {
        auto const& k = world_.kinds()[index];
        auto const left = k.usable - counts_.kinds[index];
        if (left == 0) continue;
        auto const& c = world_.classes()[world_.groups()[k.groups[0]].classes[0]];
        auto const where = mix(4, std::min(left, 3u));
        visit(candidate{candidate::type::in_kind, index, mix(where, c.rates + feeds_signature(c.common))},
              c.common, 0u, 0u);
    }
    each_touched_group(
        [this](std::uint32_t index, std::uint32_t) { counts_.kinds[world_.groups()[index].kind] = 0; });
}

template <class Visit>
void draft::each_offer(Visit visit) const {
    offer_anchors(visit);
    offer_touched_racks(visit);
    offer_touched_rows(visit);
    offer_fresh_rows(visit);
}

std::uint64_t draft::candidates(std::vector<candidate>& out) {
    label();
    out.clear();
    std::uint64_t sum = 0;
    each_offer([&](candidate const& c, site const& s, unsigned in_rack, unsigned in_row) {
        if (!spread_allows(s, in_rack, in_row)) return;
        out.push_back(c);
        sum += mix(c.signature, 1);
    });
    return mix(state_key(), sum);
}

std::uint64_t draft::surroundings() {
    label();
    std::uint64_t sum = 0;
    each_offer([&](candidate const& c, site const&, unsigned, unsigned) { sum += mix(c.signature, 1); });
    return mix(state_key(), sum);
}

std::uint32_t draft::representative(candidate const& c) const {
    auto const free_in = [this](server_class const& k) {
        return *std::find_if(k.servers.begin(), k.servers.end(),
                             [this](auto s) { return !has(s) && !is_anchor(s); });
    };
    auto const fresh_in = [this](class_group const& g) -> server_class const& {
        auto const found = std::find_if(g.classes.begin(), g.classes.end(), [this](auto k) {
            return untouched_rack(world_.classes()[k].common.rack);
        });
        return world_.classes()[*found];
    };
    switch (c.kind) {
    case candidate::type::server: return c.index;
    case candidate::type::in_class: return free_in(world_.classes()[c.index]);
    case candidate::type::in_group: return fresh_in(world_.groups()[c.index]).servers[0];
    case candidate::type::in_kind: break;
    }
    auto const& groups = world_.kinds()[c.index].groups;
    auto const fresh = std::find_if(groups.begin(), groups.end(),
                                    [this](auto g) { return untouched_row(world_.groups()[g].row); });
    return world_.classes()[world_.groups()[*fresh].classes[0]].servers[0];
}

double draft::evaluate(std::span<located const> members, stand_ins others) const {
    double sum = 0;
    for (std::size_t i = 0; i < views_.size(); ++i) {
        sum += share_[i] * views_[i].shortfall(members, others, size_);
    }
    return sum;
}

double draft::score_with(std::uint32_t server) const {
    std::array<located, cell_size_max> all;
    for (unsigned i = 0; i < count_; ++i) {
        all[i] = world_.at(members_[i]);
    }
    all[count_] = world_.at(server);
    return evaluate({all.data(), count_ + 1}, {size_ - count_ - 1, stand_in_fail_});
}

double draft::score() const {
    if (score_) return *score_;
    std::array<located, cell_size_max> all;
    for (unsigned i = 0; i < count_; ++i) {
        all[i] = world_.at(members_[i]);
    }
    score_ = evaluate({all.data(), count_}, {size_ - count_, stand_in_fail_});
    return *score_;
}

} // namespace zooid::placement
