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

#include <algorithm>
#include <array>
#include <vector>

namespace zooid::placement {

struct candidate {
    enum class type : std::uint8_t { server, in_class, in_group, in_kind };
    type kind;
    std::uint32_t index;          ///< of the server, class, group or kind
    std::uint32_t representative; ///< a server that scores as all of them do
    std::uint64_t signature;
};

/// A small set of racks, rows or domains, anchors' first, with how often members use each.
template <std::size_t N>
struct labels {
    std::array<std::uint32_t, N> item;
    std::array<std::uint8_t, N> count; ///< uses by members
    std::array<std::uint8_t, N> name;  ///< the label: order of appearance in the canonical order of members
    std::uint32_t size = 0;
    std::uint32_t of_anchors = 0;
    std::uint32_t named = 0;

    std::uint32_t find(std::uint32_t x) const {
        std::uint32_t i = 0;
        while (i < size && item[i] != x) {
            ++i;
        }
        return i;
    }
    std::uint32_t touch(std::uint32_t x) {
        auto const i = find(x);
        if (i == size) item[size] = x, count[size++] = 0;
        return i;
    }
    bool has(std::uint32_t x) const { return find(x) < size; }
    /// Back to the anchors alone.
    void reset() {
        size = named = of_anchors;
        for (std::uint32_t i = 0; i < size; ++i) {
            count[i] = 0, name[i] = static_cast<std::uint8_t>(i);
        }
    }
    void clear_names() { std::fill(name.begin() + of_anchors, name.begin() + size, unnamed); }
    std::uint8_t give_name(std::uint32_t i) {
        if (name[i] == unnamed) name[i] = static_cast<std::uint8_t>(named++);
        return name[i];
    }
    static constexpr std::uint8_t unnamed = 255;
};

class draft {
  public:
    draft(catalogue const& world, cell const& c, floors const& f, objective o);

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

    /// True if the floors allow this server as the next member; capacity and eligibility are not asked.
    bool lawful(std::uint32_t server);
    /// True if the members so far break no spread floor.
    bool keeps_spread();
    /// Lawful candidates for the next member, into `out`, and the key of the decision.
    std::uint64_t candidates(std::vector<candidate>& out);
    /// The exact score with one more member; members that are still missing are stand-ins.
    double score_with(std::uint32_t server) const;
    /// The exact score; requires a complete cell.
    double score() const;

  private:
    struct place {
        std::uint32_t rack, row;
        std::array<std::uint32_t, power_feeds_max> feed;
    };
    struct taken {
        std::uint32_t server, index_of_class;
    };

    void label_anchors();
    void label();
    place touch(tag const& t, std::uint8_t uses);
    void order_members();
    void name_things();
    void note_taken();
    bool spread_allows(tag const& t, unsigned in_rack, unsigned in_row) const;
    std::uint64_t feeds_signature(tag const& t) const;
    std::uint64_t describe(tag const& t, place const& p) const;
    std::uint64_t state_key() const;
    void offer_anchors(std::vector<candidate>& out) const;
    void offer_touched_racks(std::vector<candidate>& out) const;
    void offer_touched_rows(std::vector<candidate>& out) const;
    void offer_fresh_rows(std::vector<candidate>& out) const;
    double evaluate(std::span<site const* const> members, stand_ins others) const;

    catalogue const& world_;
    floors floors_;
    std::uint32_t pool_ = 0;
    unsigned size_;
    unsigned limit_;
    unsigned count_ = 0;
    bool labelled_ = false; ///< labels are made only when somebody asks
    std::array<std::uint32_t, cell_size_max> members_;
    std::array<std::uint8_t, cell_size_max> order_; ///< positions of members in canonical order
    std::array<place, cell_size_max> places_;       ///< of members, as positions in the three sets below
    std::array<place, anchors_max> anchor_places_;
    std::array<std::uint8_t, anchors_max> first_on_server_;
    viewpoint_sites anchors_;
    std::array<double, anchors_max> share_; ///< of each view in the objective
    std::vector<view> views_;
    double stand_in_fail_;
    std::uint64_t anchors_key_ = 0;
    labels<anchors_max + cell_size_max> racks_, rows_;
    labels<(anchors_max + cell_size_max) * power_feeds_max> powers_; ///< count: members fed by it alone
    std::array<taken, anchors_max + cell_size_max> taken_; ///< usable servers of members and anchors
    unsigned taken_count_ = 0;
};

} // namespace zooid::placement
