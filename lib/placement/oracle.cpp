// The oracle: branch and bound over every lawful set, up to the exchange of identical servers.
//
// The bound lets the members that are missing be perfect. It knows nothing of the solver's candidates, shapes
// or memory; they share the formula alone, which is checked elsewhere.
#include "placement/view.hpp"

#include <zooid/placement/solver.hpp>

#include <algorithm>
#include <map>
#include <numeric>

namespace zooid::placement {
namespace {

struct bin {
    std::vector<std::uint32_t> servers; ///< interchangeable
    std::uint32_t rack, row, power;     ///< power: its only feed, or none
    bool limited_by_power;
};

class branch_and_bound {
  public:
    branch_and_bound(topology const& t, cell const& c, floors const& f, objective o,
                     std::span<std::uint32_t const> loads)
        : t_(t), c_(c), f_(f) {
        for (auto const& a : c.anchors) {
            if (a.weight <= 0) continue;
            anchors_.add(t, a.server), weights_.push_back(a.weight);
        }
        for (std::uint32_t i = 0; i < t.servers.size(); ++i) {
            sites_.push_back(site_of(t, {i}));
            auto const& s = t.servers[i];
            auto const load = i < loads.size() ? loads[i] : 0;
            usable_.push_back(!s.draining && !s.failed && load < s.capacity);
        }
        if (o == objective::joint || weights_.size() < 2) {
            views_.emplace_back(view(anchors_.all()), 1.0);
            return;
        }
        double const total = std::accumulate(weights_.begin(), weights_.end(), 0.0);
        for (std::size_t i = 0; i < weights_.size(); ++i) {
            views_.emplace_back(view(anchors_.all().subspan(i, 1)), weights_[i] / total);
        }
    }

    std::optional<optimum> run() {
        if (!f_.colour) search({});
        for (std::uint32_t k = 0; f_.colour && k < t_.colours.size(); ++k) {
            search(colour_ref{k});
        }
        std::sort(best_.members.begin(), best_.members.end());
        if (best_.members.empty()) return {};
        return best_;
    }

  private:
    void search(std::optional<colour_ref> colour) {
        bins_.clear();
        std::map<std::vector<std::uint64_t>, std::size_t> known;
        for (std::uint32_t i = 0; i < sites_.size(); ++i) {
            if (!usable_[i] || (colour && t_.servers[i].colour != *colour)) continue;
            auto const& s = sites_[i];
            bool const own = is_some_anchor(i);
            std::vector<std::uint64_t> what{s.rack, own ? i + 1 : 0,
                                            static_cast<std::uint64_t>(s.rate * 0x1p60)};
            for (unsigned k = 0; k < s.feeds; ++k) {
                what.push_back(s.feed[k]);
            }
            std::sort(what.begin() + 3, what.end());
            auto const [it, fresh] = known.try_emplace(what, bins_.size());
            if (fresh) bins_.push_back({{}, s.rack, s.row, s.feed[0], s.feeds == 1});
            bins_[it->second].servers.push_back(i);
        }
        visit(0);
    }

    bool is_some_anchor(std::uint32_t server) const {
        auto const all = anchors_.all();
        return std::any_of(all.begin(), all.end(), [&](auto const& a) { return a.server.value == server; });
    }

    double value() const {
        auto const missing = c_.size - static_cast<unsigned>(chosen_.size());
        double sum = 0;
        for (auto const& [v, share] : views_) {
            sum += share * v.shortfall(chosen_, {missing, 0}, c_.size);
        }
        return sum;
    }

    bool lawful(bin const& b) const {
        unsigned rack = 0, row = 0, power = 0;
        for (auto const& [server, s] : chosen_) {
            rack += s->rack == b.rack, row += s->row == b.row;
            power += s->feeds == 1 && s->feed[0] == b.power;
        }
        auto const limit = spread_limit_of(c_.size);
        return !(f_.rack && rack >= limit) && !(f_.row && row >= limit) &&
               !(f_.power && b.limited_by_power && power >= limit);
    }

    void visit(std::size_t from) {
        ++best_.visited;
        if (chosen_.size() == c_.size) {
            double const v = value();
            if (!best_.members.empty() && v >= best_.unavailable) return;
            best_.unavailable = v;
            best_.members.clear();
            for (auto const& m : chosen_) {
                best_.members.push_back(m.server);
            }
            return;
        }
        if (from == bins_.size() || (!best_.members.empty() && value() >= best_.unavailable)) return;
        auto const& b = bins_[from];
        std::size_t taken = 0;
        while (taken < b.servers.size() && chosen_.size() < c_.size && lawful(b)) {
            auto const next = b.servers[taken++];
            chosen_.push_back({{next}, &sites_[next]});
        }
        for (;; --taken) {
            visit(from + 1);
            if (taken == 0) break;
            chosen_.pop_back();
        }
    }

    topology const& t_;
    cell const& c_;
    floors f_;
    resolved<anchors_max> anchors_;
    std::vector<double> weights_;
    std::vector<site> sites_;
    std::vector<char> usable_;
    std::vector<std::pair<view, double>> views_;
    std::vector<bin> bins_;
    std::vector<located> chosen_;
    optimum best_;
};

} // namespace

std::optional<optimum> find_optimum(topology const& t, cell const& c, floors const& f, objective o,
                                    std::span<std::uint32_t const> loads) {
    return branch_and_bound(t, c, f, o, loads).run();
}

} // namespace zooid::placement
