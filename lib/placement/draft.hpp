// A cell in the making, and the lawful next steps.
//
// A candidate stands for all servers that would do equally well. Its signature says what it is as
// the cell sees it: "a fresh rack in the client's row, fed by a domain that is not used yet". Racks, rows and
// domains are named by labels in order of first appearance (anchors, then members), so that two cells of the
// same shape in different corners of the data centre have the same signatures. The key of a draft is a hash
// of all that a decision can depend on: labelled anchors and members, and the sum over the signatures of what
// is on offer.
#pragma once

#include "placement/catalogue.hpp"

#include <boost/container/static_vector.hpp>

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

namespace zooid::placement {

/// Members that are known by number: small, and never on the heap.
using server_list = boost::container::static_vector<std::uint32_t, cell_size_max>;

struct candidate {
    enum class type : std::uint8_t { server, in_class, in_group, in_kind };
    type kind;
    std::uint32_t index; ///< of the server, class, group or kind
    std::uint64_t signature;
};

/// A small set of racks, rows or domains, anchors' first, with how often members use each.
template <std::size_t N>
struct labels {
    std::uint32_t size = 0;
    std::uint32_t of_anchors = 0;
    std::uint32_t named = 0;
    std::array<std::uint32_t, N> item;
    std::array<std::uint8_t, N> count; ///< uses by members
    std::array<std::uint8_t, N> name;  ///< the label: order of appearance in the canonical order of members

    std::uint32_t find(std::uint32_t x) const {
        std::uint32_t i = 0;
        while (i < size && item[i] != x) {
            ++i;
        }
        return i;
    }
    std::uint8_t touch(std::uint32_t x) {
        auto const i = find(x);
        if (i == size) item[size] = x, count[size++] = 0;
        return static_cast<std::uint8_t>(i);
    }
    bool has(std::uint32_t x) const { return find(x) < size; }
    /// Back to the anchors alone.
    void reset() {
        size = of_anchors;
        for (std::uint32_t i = 0; i < size; ++i) {
            count[i] = 0, name[i] = static_cast<std::uint8_t>(i);
        }
    }
    void clear_names() {
        named = of_anchors;
        std::fill(name.begin() + of_anchors, name.begin() + size, unnamed);
    }
    std::uint8_t give_name(std::uint32_t i) {
        if (name[i] == unnamed) name[i] = static_cast<std::uint8_t>(named++);
        return name[i];
    }
    static constexpr std::uint8_t unnamed = 255;
};

/// What is taken of each class, group and kind by one draft at this moment: all zero between two calls.
struct usage_counts {
    explicit usage_counts(catalogue const& world)
        : classes(world.classes().size()), groups(world.groups().size()), kinds(world.kinds().size()) {}
    std::vector<std::uint32_t> classes, groups, kinds;
};

class draft {
  public:
    /// `counts` is a scratch pad that drafts of one thread share.
    draft(catalogue const& world, usage_counts& counts, cell const& c, floors const& f, objective o);

    std::uint32_t pool_index() const { return pool_; }
    void choose_pool(std::uint32_t p) { pool_ = p; }
    unsigned size() const { return size_; }
    unsigned chosen() const { return count_; }
    std::uint32_t member(unsigned i) const { return members_[i]; }
    std::span<std::uint32_t const> members() const { return {members_.data(), count_}; }
    bool has(std::uint32_t server) const;
    bool is_anchor(std::uint32_t server) const;
    bool untouched_rack(std::uint32_t rack) const { return !racks_.has(rack); }
    bool untouched_row(std::uint32_t row) const { return !rows_.has(row); }

    void clear();
    void add(std::uint32_t server);
    /// Takes the member at i away and returns it; the others keep their order.
    std::uint32_t remove(unsigned i);

    /// True if the members so far break no spread floor.
    bool keeps_spread() const;
    /// Lawful candidates for the next member, into `out`, and the key of the decision.
    std::uint64_t candidates(std::vector<candidate>& out);
    /// The key of a complete draft and of all that is on offer around it, lawful now or not: what the
    /// exchange of any one member can depend on.
    std::uint64_t surroundings();
    /// A server that scores as all that the candidate stands for.
    std::uint32_t representative(candidate const& c) const;
    /// The exact score with one more member; members that are still missing are stand-ins.
    double score_with(std::uint32_t server) const;
    /// The exact score; stand-ins as above.
    double score() const;

  private:
    /// Positions in the three sets of labels.
    struct place {
        std::uint8_t rack, row;
        std::array<std::uint8_t, power_feeds_max> feed;
    };
    static constexpr std::size_t things_max = anchors_max + cell_size_max;

    void label_anchors();
    void label();
    place touch(site const& s, std::uint8_t uses);
    void order_members();
    void name_things();
    void describe_anchors();
    bool spread_allows(site const& s, unsigned in_rack, unsigned in_row) const;
    std::uint64_t feeds_signature(site const& s) const;
    std::uint64_t describe(std::uint32_t server, place const& p) const;
    std::uint64_t state_key() const;
    template <class Visit>
    void each_offer(Visit visit) const;
    template <class Visit>
    void offer_anchors(Visit visit) const;
    template <class Visit>
    void offer_touched_racks(Visit visit) const;
    template <class Visit>
    void offer_touched_rows(Visit visit) const;
    template <class Visit>
    void offer_fresh_rows(Visit visit) const;
    template <class Use>
    void each_taken(Use use) const;
    template <class Use>
    void each_touched_class(Use use) const;
    template <class Use>
    void each_touched_group(Use use) const;
    double evaluate(std::span<located const> members, stand_ins others) const;

    catalogue const& world_;
    usage_counts& counts_;
    floors floors_;
    std::uint32_t pool_ = 0;
    unsigned size_;
    unsigned limit_;
    unsigned count_ = 0;
    bool labelled_ = false;               ///< labels are made only when somebody asks
    mutable std::optional<double> score_; ///< of the members as they are, once somebody asked
    std::array<std::uint32_t, cell_size_max> members_;
    std::array<std::uint8_t, cell_size_max> order_; ///< positions of members in canonical order
    std::array<place, cell_size_max> places_;
    boost::container::static_vector<located, anchors_max> anchors_;
    std::array<place, anchors_max> anchor_places_;
    std::array<std::uint8_t, anchors_max> first_on_server_;
    boost::container::static_vector<view, anchors_max> views_;
    std::array<double, anchors_max> share_; ///< of each view in the objective
    double stand_in_fail_;
    std::uint64_t anchors_key_ = 0;
    labels<things_max> racks_, rows_;
    labels<things_max * power_feeds_max> powers_;                         ///< count: members fed by it alone
    std::array<std::uint64_t, things_max * power_feeds_max> feed_hashes_; ///< by position in powers_
};

} // namespace zooid::placement
