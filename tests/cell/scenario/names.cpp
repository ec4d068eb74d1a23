#include "cell/scenario/names.hpp"

namespace zooid::scenario {

namespace {

template <class Map, class Key>
std::string found(Map const& map, Key const& key) {
    auto const at = map.find(key);
    return at == map.end() ? std::string("?") : at->second;
}

/// The words of each message after its name.
class details {
  public:
    explicit details(names const& n) : n_(n) {}

    std::string operator()(prepare const& m) const {
        return n_.of(m.in) + ", report from " + slot_name(m.from);
    }
    std::string operator()(promise const& m) const {
        std::string text = n_.of(m.in) + ": knows " + up_to(m.prefix);
        for (acceptance const& a : m.accepted)
            text += ", " + n_.of(a);
        return text;
    }
    std::string operator()(accept const& m) const {
        return n_.of(m.in) + ": " + slot_name(m.at) + " = " + n_.of(m.value) + chosen(m.chosen);
    }
    std::string operator()(accepted const& m) const { return n_.of(m.in) + ": " + slot_name(m.at); }
    std::string operator()(rejected_ballot const& m) const {
        return n_.of(m.asked) + ": promised " + n_.of(m.promised);
    }
    std::string operator()(commit const& m) const { return n_.of(m.in) + ": chosen " + up_to(m.chosen); }
    std::string operator()(learned const& m) const { return up_to(m.prefix); }
    std::string operator()(confirm const& m) const {
        return n_.of(m.in) + ", round " + std::to_string(m.round);
    }
    std::string operator()(confirmed const& m) const {
        return n_.of(m.in) + ", round " + std::to_string(m.round);
    }
    std::string operator()(canvass const& m) const { return m.despite ? "despite " + n_.of(m.despite) : ""; }
    std::string operator()(canvassed const& m) const {
        return m.vouched ? "vouches for " + n_.of(m.vouched) : "welcome";
    }
    std::string operator()(probe const&) const { return ""; }
    std::string operator()(probed const& m) const {
        return m.in ? "leads in " + n_.of(m.in) : "does not lead";
    }
    std::string operator()(fetch const& m) const { return "from " + slot_name(m.from); }
    std::string operator()(slice const& m) const {
        std::string text = "from " + slot_name(m.from) + ":";
        for (entry const& value : m.values)
            text += " " + n_.of(value);
        return text + (m.values.empty() ? " nothing" : "") + ", knows " + up_to(m.prefix);
    }
    std::string operator()(teach_snapshot const& m) const { return "at " + slot_name(m.state.at); }
    std::string operator()(keeps_waiting const& m) const {
        return n_.of(m.candidate) + " for " + n_.of(m.in);
    }
    std::string operator()(digested const& m) const { return "of " + slot_name(m.at); }
    std::string operator()(outvoted const& m) const {
        std::string text = "in " + slot_name(m.at) + " by";
        for (replica_id from : m.reported)
            text += " " + n_.of(from);
        return text;
    }
    std::string operator()(sealed const& m) const { return "for generation " + to_string(m.to.birth); }
    template <class Other>
    std::string operator()(Other const&) const {
        return "";
    }

  private:
    static std::string up_to(slot s) { return s ? "up to " + to_string(s) : "nothing"; }
    static std::string chosen(slot s) { return s ? ", chosen up to " + to_string(s) : ""; }

    names const& n_;
};

} // namespace

std::string names::of(server_id server) const {
    return found(servers_, server);
}
std::string names::of(replica_id replica) const {
    return found(replicas_, replica);
}
std::string names::of(token request) const {
    return found(requests_, request.value);
}

std::string names::of(ballot const& b) const {
    if (!b) return "no ballot";
    auto const life = lives_.find(b.life);
    unsigned const number = life == lives_.end() ? 1 : life->second;
    return to_string(b.round) + "." + of(b.server) + std::string(number - 1, '\'');
}

std::string names::of(entry const& value) const {
    if (value.empty()) return "(unreadable)";
    if (value.kind() == entry_kind::no_op) return "no-op";
    if (auto const change = value.changes()) return "change to " + of(change->members);
    if (slot const released = value.releases()) return "release of " + slot_name(released);
    if (auto const rise = value.raises()) return "rise to version " + std::to_string(rise->to);
    if (auto const mark = value.recovers()) return "mark of a recovery after " + slot_name(mark->known);
    std::string text;
    for (bytes_view command : value.commands())
        text += (text.empty() ? "" : "+") + std::string(command);
    return text.empty() ? "(entry of kind " + std::to_string(static_cast<int>(value.kind())) + ")" : text;
}

std::string names::of(configuration const& members) const {
    std::string text;
    for (member const& m : members.members())
        text += (text.empty() ? "" : " ") + of(m.replica);
    return "{" + text + "}";
}

std::string names::of(acceptance const& a) const {
    return slot_name(a.at) + " = " + of(a.value) +
           (a.chosen ? ", known to be chosen" : " in " + of(a.accepted));
}

std::string names::of(message const& m) const {
    std::string const detail = std::visit(details(*this), m);
    return std::string(name_of(m)) + (detail.empty() ? "" : " " + detail);
}

} // namespace zooid::scenario
