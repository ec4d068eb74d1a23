#include "placement/view.hpp"

#include <zooid/base/check.hpp>

#include <algorithm>

namespace zooid::placement {
namespace {

/// P(either), for two independent events.
double either(double a, double b) {
    return a + b - a * b;
}

/// P(k members reachable) for each k below the majority M; what reaches a majority drops out.
template <unsigned M>
struct tail {
    std::array<double, M> p{};

    static tail none() {
        tail t;
        t.p[0] = 1;
        return t;
    }
    void add(double fail) {
        double const up = 1 - fail;
        for (unsigned k = M; k-- > 1;) {
            p[k] = p[k] * fail + p[k - 1] * up;
        }
        p[0] *= fail;
    }
    /// All of it is behind something that is off with this probability.
    void behind(double off) {
        for (auto& x : p) {
            x *= 1 - off;
        }
        p[0] += off;
    }
    void join(tail const& other) {
        for (unsigned k = M; k-- > 0;) {
            double sum = 0;
            for (unsigned j = 0; j <= k; ++j) {
                sum += p[k - j] * other.p[j];
            }
            p[k] = sum;
        }
    }
    double sum() const {
        double s = 0;
        for (auto x : p) {
            s += x;
        }
        return s;
    }
};

} // namespace

site site_of(topology const& t, server_ref ref) {
    auto const& s = t.servers[ref.value];
    auto const& rack = t.racks[s.rack.value];
    auto const& row = t.rows[rack.row.value];
    site out;
    out.rack = s.rack.value, out.row = rack.row.value, out.feeds = 0;
    for (auto const p : s.power) {
        out.feed[out.feeds] = p.value;
        out.feed_rate[out.feeds++] = t.powers[p.value].rate;
    }
    out.rate = s.rate;
    out.rack_down = rack.rate, out.rack_off = either(rack.rate, rack.link_rate);
    out.row_down = row.rate, out.row_off = either(row.rate, row.link_rate);
    out.rack_link = rack.link_rate, out.row_link = row.link_rate;
    return out;
}

view::view(std::span<located const> anchors, links l) : links_(l) {
    ZOOID_CHECK(anchors.size() <= anchors_max, "a view has at most anchors_max anchors");
    for (auto const& a : anchors) {
        servers_.add(a.server.value), racks_.add(a.at->rack), rows_.add(a.at->row);
    }
    learn_power(anchors);
    if (anchors.empty()) return;
    if (racks_.count == 1) rack_cut_ = anchors[0].at->rack_link;
    if (rows_.count == 1) row_cut_ = anchors[0].at->row_link;
}

void view::learn_power(std::span<located const> anchors) {
    for (auto const& a : anchors) {
        if (a.at->feeds == 1) powers_.add(a.at->feed[0]);
    }
    for (auto const& a : anchors) {
        auto const* const feed = a.at->feed.data();
        bool const sure = std::any_of(feed, feed + a.at->feeds, [&](auto p) { return powers_.has(p); });
        if (!sure) doubtful_[doubtful_count_++] = a.at;
    }
}

bool view::is_anchor(server_ref s) const {
    return servers_.has(s.value);
}

bool view::surely_up(std::uint32_t power) const {
    return powers_.has(power);
}

view::zone view::zone_of(site const& s) const {
    if (racks_.has(s.rack)) return zone::anchor_rack;
    return rows_.has(s.row) ? zone::anchor_row : zone::elsewhere;
}

/// The power domains that matter to one set of members, and the tree for each of their states.
class conditioned {
  public:
    conditioned(view const& v, std::span<located const> members) : view_(v), count_(members.size()) {
        sort(members);
        collect_domains();
        collect_anchors();
        merge_domains();
        prepare_members();
    }

    template <unsigned M>
    double shortfall(stand_ins others) const {
        double sum = 0;
        double possible = 0;
        for (std::uint32_t up = 0; up < (1u << domain_count_); ++up) {
            if (!allowed(up)) continue;
            double const w = weight(up);
            possible += w;
            sum += w * tree<M>(up, others);
        }
        return anchor_mask_count_ == 0 ? sum : sum / possible;
    }

  private:
    struct member {
        std::uint64_t order; ///< by zone, row and rack
        site const* at;
        server_ref server;
        view::zone zone;
        std::uint32_t feeds; ///< crossing domains, as bits
        double fail_on;      ///< P(down) while one of them is up
        double fail_off;     ///< P(down) while none is
    };
    struct domain {
        std::uint32_t id;
        std::uint32_t users;   ///< members, as bits
        std::uint32_t anchors; ///< doubtful anchors, as bits
        double down;
    };

    void sort(std::span<located const> members) {
        for (std::size_t i = 0; i < count_; ++i) {
            auto const& s = *members[i].at;
            auto const zone = view_.zone_of(s);
            auto const order = std::uint64_t{static_cast<std::uint8_t>(zone)} << 62 |
                               std::uint64_t{s.row} << 31 | std::uint64_t{s.rack};
            auto const server = members[i].server;
            auto j = i;
            for (; j > 0 && (members_[j - 1].order > order ||
                             (members_[j - 1].order == order && members_[j - 1].server > server));
                 --j) {
                members_[j] = members_[j - 1];
            }
            members_[j] = {order, &s, server, zone, 0, 0, 0};
        }
    }

    domain& at(std::uint32_t id, double down) {
        for (unsigned i = 0; i < domain_count_; ++i) {
            if (domains_[i].id == id) return domains_[i];
        }
        domains_[domain_count_] = {id, 0, 0, down};
        return domains_[domain_count_++];
    }

    bool never_dark(member const& m) const {
        for (unsigned f = 0; f < m.at->feeds; ++f) {
            if (view_.surely_up(m.at->feed[f])) return true;
        }
        return view_.is_anchor(m.server);
    }

    void collect_domains() {
        for (std::size_t i = 0; i < count_; ++i) {
            auto const& s = *members_[i].at;
            lit_[i] = never_dark(members_[i]);
            if (lit_[i]) continue;
            for (unsigned f = 0; f < s.feeds; ++f) {
                at(s.feed[f], s.feed_rate[f]).users |= 1u << i;
            }
        }
    }

    /// Takes in what is known of doubtful anchors, as far as it is connected with the members' domains.
    void collect_anchors() {
        std::uint32_t taken = 0;
        for (bool grown = true; grown;) {
            grown = false;
            for (unsigned a = 0; a < view_.doubtful_count_; ++a) {
                if ((taken >> a & 1) != 0 || !touches(*view_.doubtful_[a])) continue;
                auto const& s = *view_.doubtful_[a];
                for (unsigned f = 0; f < s.feeds; ++f) {
                    at(s.feed[f], s.feed_rate[f]).anchors |= 1u << anchor_mask_count_;
                }
                ++anchor_mask_count_;
                taken |= 1u << a;
                grown = true;
            }
        }
    }

    bool touches(site const& s) const {
        for (unsigned f = 0; f < s.feeds; ++f) {
            for (unsigned i = 0; i < domain_count_; ++i) {
                if (domains_[i].id == s.feed[f]) return true;
            }
        }
        return false;
    }

    /// Domains with the same users matter only when all of them are down; a single user's is the user's own.
    void merge_domains() {
        for (std::size_t i = 0; i < count_; ++i) {
            own_dark_[i] = lit_[i] ? 0.0 : 1.0;
        }
        unsigned kept = 0;
        for (unsigned i = 0; i < domain_count_; ++i) {
            auto const d = domains_[i];
            if (d.anchors == 0 && (d.users & (d.users - 1)) == 0) {
                own_dark_[static_cast<unsigned>(__builtin_ctz(d.users))] *= d.down;
                continue;
            }
            unsigned same = 0;
            while (same < kept && (domains_[same].users != d.users || domains_[same].anchors != d.anchors)) {
                ++same;
            }
            if (same < kept)
                domains_[same].down *= d.down;
            else
                domains_[kept++] = d;
        }
        domain_count_ = kept;
        ZOOID_CHECK(domain_count_ < 31, "the crossing power domains can be enumerated");
    }

    void prepare_members() {
        for (std::size_t i = 0; i < count_; ++i) {
            auto& m = members_[i];
            double const rate = view_.is_anchor(m.server) ? 0 : m.at->rate;
            m.fail_on = rate;
            m.fail_off = either(rate, own_dark_[i]);
            for (unsigned d = 0; d < domain_count_; ++d) {
                if ((domains_[d].users >> i & 1) != 0) m.feeds |= 1u << d;
            }
        }
        for (unsigned a = 0; a < anchor_mask_count_; ++a) {
            anchor_masks_[a] = 0;
            for (unsigned d = 0; d < domain_count_; ++d) {
                if ((domains_[d].anchors >> a & 1) != 0) anchor_masks_[a] |= 1u << d;
            }
        }
    }

    bool allowed(std::uint32_t up) const {
        for (unsigned a = 0; a < anchor_mask_count_; ++a) {
            if ((up & anchor_masks_[a]) == 0) return false;
        }
        return true;
    }

    double weight(std::uint32_t up) const {
        double w = 1;
        for (unsigned d = 0; d < domain_count_; ++d) {
            w *= (up >> d & 1) != 0 ? 1 - domains_[d].down : domains_[d].down;
        }
        return w;
    }

    static double fail(member const& m, std::uint32_t up) {
        return (m.feeds & up) != 0 ? m.fail_on : m.fail_off;
    }

    template <unsigned M>
    double tree(std::uint32_t up, stand_ins others) const {
        auto reached = tail<M>::none();
        std::size_t i = 0;
        for (; i < count_ && members_[i].zone == view::zone::anchor_rack; ++i) {
            reached.add(fail(members_[i], up));
        }
        for (unsigned k = 0; k < others.count && others.fail <= 0; ++k) {
            reached.add(0);
        }
        double short_of = view_.rack_cut_ > 0 ? view_.rack_cut_ * reached.sum() : 0;
        while (i < count_ && members_[i].zone == view::zone::anchor_row) {
            add_rack(reached, i, up);
        }
        for (unsigned k = 0; k < others.count && others.fail > 0; ++k) {
            reached.add(others.fail);
        }
        double const linked = 1 - view_.rack_cut_;
        if (view_.row_cut_ > 0) short_of += linked * view_.row_cut_ * reached.sum();
        while (i < count_) {
            add_row(reached, i, up);
        }
        return short_of + linked * (1 - view_.row_cut_) * reached.sum();
    }

    /// Adds the members from i on that share its rack, and advances i past them.
    template <unsigned M>
    void add_rack(tail<M>& into, std::size_t& i, std::uint32_t up) const {
        auto const& first = *members_[i].at;
        double const off = view_.links_ == links::matter ? first.rack_off : first.rack_down;
        if (i + 1 == count_ || members_[i + 1].at->rack != first.rack) {
            into.add(either(off, fail(members_[i++], up)));
            return;
        }
        auto inside = tail<M>::none();
        while (i < count_ && members_[i].at->rack == first.rack) {
            inside.add(fail(members_[i++], up));
        }
        inside.behind(off);
        into.join(inside);
    }

    template <unsigned M>
    void add_row(tail<M>& into, std::size_t& i, std::uint32_t up) const {
        auto const& first = *members_[i].at;
        auto inside = tail<M>::none();
        while (i < count_ && members_[i].at->row == first.row) {
            add_rack(inside, i, up);
        }
        inside.behind(view_.links_ == links::matter ? first.row_off : first.row_down);
        into.join(inside);
    }

    view const& view_;
    std::size_t count_;
    std::array<member, cell_size_max> members_;
    std::array<bool, cell_size_max> lit_;
    std::array<double, cell_size_max> own_dark_;
    std::array<domain, (cell_size_max + anchors_max) * power_feeds_max> domains_;
    unsigned domain_count_ = 0;
    std::array<std::uint32_t, anchors_max> anchor_masks_;
    unsigned anchor_mask_count_ = 0;
};

double view::shortfall(std::span<located const> members, stand_ins others, unsigned size) const {
    ZOOID_CHECK(members.size() + others.count == size, "chosen members and stand-ins make up the cell");
    conditioned const c(*this, members);
    switch (majority_of(size)) {
    case 1: return c.shortfall<1>(others);
    case 2: return c.shortfall<2>(others);
    case 3: return c.shortfall<3>(others);
    case 4: return c.shortfall<4>(others);
    default: return c.shortfall<5>(others);
    }
}

} // namespace zooid::placement
