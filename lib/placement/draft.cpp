#include "placement/draft.hpp"

#include <zooid/base/check.hpp>

#include <algorithm>
#include <bit>

namespace zooid::placement {
namespace {

constexpr std::uint64_t unlabelled = 255;

} // namespace

draft::draft(catalogue const& world, topology const& t, cell const& c, floors const& f, objective o)
    : world_(world), floors_(f), size_(c.size), limit_(spread_limit_of(c.size)), anchors_(anchors_of(t, c)) {
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
    label();
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
    count_ = 0;
    label();
}

void draft::add(std::uint32_t server) {
    ZOOID_CHECK(count_ < size_, "a draft is not filled beyond its size");
    members_[count_++] = server;
    label();
}

std::uint32_t draft::remove(unsigned i) {
    auto const server = members_[i];
    std::copy(members_.begin() + i + 1, members_.begin() + count_, members_.begin() + i);
    --count_;
    label();
    return server;
}

void draft::touch(site const& s, unsigned uses) {
    auto const used = static_cast<std::uint8_t>(uses);
    auto const add = [used](auto& set, std::uint32_t x, std::uint8_t by) {
        auto const i = set.touch(x);
        set.count[i] = static_cast<std::uint8_t>(set.count[i] + by);
    };
    add(racks_, s.rack, used), add(rows_, s.row, used);
    for (unsigned f = 0; f < s.feeds; ++f) {
        add(powers_, s.feed[f], s.feeds == 1 ? used : std::uint8_t{0});
    }
}

/// Labels anchors first, then members in an order that depends on their shape and not on their names.
void draft::label() {
    racks_.size = rows_.size = powers_.size = 0;
    for (auto const& a : anchors_.all()) {
        touch(a, 0);
    }
    sort_members();
    for (unsigned i = 0; i < count_; ++i) {
        touch(world_.at(order_[i]), 1);
    }
}

void draft::sort_members() {
    std::array<std::uint64_t, cell_size_max> shape{};
    for (unsigned i = 0; i < count_; ++i) {
        auto const& s = world_.at(members_[i]);
        unsigned rack_mates = 0;
        unsigned feed_mates = 0;
        for (unsigned j = 0; j < count_; ++j) {
            rack_mates += world_.at(members_[j]).rack == s.rack;
            feed_mates += world_.at(members_[j]).feed[0] == s.feed[0];
        }
        auto const feed = s.feeds == 1 ? powers_.find(s.feed[0]) : powers_.find(s.feed[0]) + 64;
        shape[i] = std::uint64_t{racks_.find(s.rack)} << 56 | std::uint64_t{rows_.find(s.row)} << 48 |
                   std::uint64_t{feed} << 40 | std::uint64_t{rack_mates} << 36 |
                   std::uint64_t{feed_mates} << 32 |
                   world_.classes()[world_.class_of(members_[i])].rates >> 32;
    }
    for (unsigned i = 0; i < count_; ++i) {
        auto const key = shape[i];
        auto j = i;
        for (; j > 0 && shape[j - 1] > key; --j) {
            shape[j] = shape[j - 1], order_[j] = order_[j - 1];
        }
        shape[j] = key, order_[j] = members_[i];
    }
}

std::uint64_t draft::feeds_signature(site const& s) const {
    std::uint64_t sum = 0;
    for (unsigned f = 0; f < s.feeds; ++f) {
        auto const label = powers_.find(s.feed[f]);
        sum += mix(label < powers_.size ? label : unlabelled, world_.rate_of_feed(s.feed[f]));
    }
    return sum;
}

std::uint64_t draft::state_key() const {
    auto const describe = [this](site const& s) {
        auto const& c = world_.classes()[world_.class_of(s.server.value)];
        return mix(mix(c.rates, feeds_signature(s)), racks_.find(s.rack) << 8 | rows_.find(s.row));
    };
    std::uint64_t key = mix(anchors_key_, size_ * 16u + count_);
    for (std::size_t i = 0; i < anchors_.count; ++i) {
        std::uint64_t first = 0;
        while (anchors_.sites[first].server != anchors_.sites[i].server) {
            ++first;
        }
        key = mix(key, describe(anchors_.sites[i]) + first);
    }
    for (unsigned i = 0; i < count_; ++i) {
        key = mix(key, describe(world_.at(order_[i])) + (is_anchor(order_[i]) ? 1 : 0));
    }
    return key;
}

bool draft::lawful(site const& s) const {
    if (floors_.rack && racks_.uses(s.rack) >= limit_) return false;
    if (floors_.row && rows_.uses(s.row) >= limit_) return false;
    return !floors_.power || s.feeds != 1 || powers_.uses(s.feed[0]) < limit_;
}

std::uint64_t draft::candidates(std::vector<candidate>& out) {
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
        auto const& s = anchors_.sites[i];
        auto const server = s.server.value;
        if (world_.pool_of(server) != pool_ || !world_.usable(server) || has(server) || !lawful(s)) continue;
        auto const before = [&](candidate const& c) { return c.index == server; };
        if (std::any_of(out.begin(), out.end(), before)) continue;
        out.push_back({candidate::type::server, server, server, mix(1, mix(i, feeds_signature(s)))});
    }
}

void draft::offer_touched_racks(std::vector<candidate>& out) const {
    auto const& p = world_.pools()[pool_];
    for (std::uint32_t r = 0; r < racks_.size; ++r) {
        for (auto const index : p.classes_by_rack[racks_.item[r]]) {
            auto const& c = world_.classes()[index];
            auto const& s = world_.at(c.servers[0]);
            if (c.usable == 0 || !lawful(s)) continue;
            auto left = c.usable;
            auto const taken = [&](std::uint32_t server) {
                if (world_.class_of(server) == index && world_.usable(server)) --left;
            };
            for (auto const m : members()) {
                taken(m);
            }
            for (std::size_t i = 0; i < anchors_.count; ++i) {
                auto const a = anchors_.sites[i].server.value;
                bool again = has(a);
                for (std::size_t j = 0; j < i; ++j) {
                    again = again || anchors_.sites[j].server.value == a;
                }
                if (!again) taken(a);
            }
            if (left == 0) continue;
            std::uint32_t free = 0;
            while (has(c.servers[free]) || is_anchor(c.servers[free])) {
                ++free;
            }
            auto const where = mix(2, std::uint64_t{r} << 8 | std::min(left, 3u));
            out.push_back({candidate::type::in_class, index, c.servers[free],
                           mix(where, mix(c.rates, feeds_signature(s)))});
        }
    }
}

/// Classes of the group with room, less those in racks that are touched.
std::uint32_t draft::usable_fresh_racks(class_group const& g) const {
    auto left = g.usable;
    auto const& p = world_.pools()[pool_];
    for (std::uint32_t r = 0; r < racks_.size && left > 0; ++r) {
        for (auto const index : p.classes_by_rack[racks_.item[r]]) {
            auto const& c = world_.classes()[index];
            if (c.usable > 0 && &world_.groups()[c.group] == &g) --left;
        }
    }
    return left;
}

void draft::offer_touched_rows(std::vector<candidate>& out) const {
    auto const& p = world_.pools()[pool_];
    for (std::uint32_t w = 0; w < rows_.size; ++w) {
        for (auto const index : p.groups_by_row[rows_.item[w]]) {
            auto const& g = world_.groups()[index];
            auto const left = usable_fresh_racks(g);
            if (left == 0) continue;
            std::uint32_t k = 0;
            while (!untouched_rack(world_.classes()[g.classes[k]].rack)) {
                ++k;
            }
            auto const& c = world_.classes()[g.classes[k]];
            auto const& s = world_.at(c.servers[0]);
            if (!lawful(s)) continue;
            auto const where = mix(3, std::uint64_t{w} << 8 | std::min(left, 4u));
            out.push_back({candidate::type::in_group, index, c.servers[0],
                           mix(where, mix(c.rates, feeds_signature(s)))});
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
        std::uint32_t i = 0;
        while (!untouched_row(world_.groups()[k.groups[i]].row)) {
            ++i;
        }
        auto const& c = world_.classes()[world_.groups()[k.groups[i]].classes[0]];
        auto const& s = world_.at(c.servers[0]);
        if (!lawful(s)) continue;
        auto const where = mix(4, std::min(left, 3u));
        out.push_back(
            {candidate::type::in_kind, index, c.servers[0], mix(where, mix(c.rates, feeds_signature(s)))});
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
