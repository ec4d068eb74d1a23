#include "cell/explorer/story.hpp"

#include "cell/scenario/names.hpp"

#include <algorithm>
#include <array>

namespace zooid::explore {

namespace {

std::string letter_of(std::size_t replica) {
    return std::string(1, static_cast<char>('a' + replica));
}

scenario::names names_of(rig const& r) {
    scenario::names names;
    for (std::size_t i = 0; i < r.size(); ++i) {
        names.add_server(r.members()[i].server, letter_of(i));
        names.add_replica(r.members()[i].replica, letter_of(i));
        for (unsigned life = 0; life <= r.limits().crashes; ++life)
            names.add_life(life_id{i * 100 + life + 1}, life + 1);
    }
    return names;
}

std::string told(scenario::names const& names, table const& all, std::size_t by, move const& m) {
    static constexpr std::array<char const*, 12> verbs{"gets",
                                                       "flushes",
                                                       "stands",
                                                       "proposes",
                                                       "reads",
                                                       "repeats",
                                                       "reminds",
                                                       "gives up",
                                                       "asks for it",
                                                       "resigns",
                                                       "crashes and is back",
                                                       "changes the members"};
    std::string text = letter_of(by) + " " + verbs[static_cast<std::size_t>(m.kind)];
    if (m.kind == kind::deliver) {
        letter const& l = all.message_at(m.argument).letter;
        text += " from " + letter_of(l.from) + ": " + names.of(l.content);
    }
    return m.lost ? text + ", and from here on nothing of it becomes durable" : text;
}

} // namespace

std::vector<std::string> story(rig const& r, table const& all, choices const& made,
                               std::deque<origin> const& origins) {
    scenario::names const names = names_of(r);
    std::vector<std::string> lines;
    for (std::size_t index = origins.size() - 1; index != 0; index = origins[index].parent) {
        origin const& o = origins[index];
        lines.push_back(told(names, all, o.by, o.made));
        std::vector<std::uint32_t> const& first = made.deliveries(o.before);
        for (auto m = first.rbegin(); m != first.rend(); ++m)
            lines.push_back(told(names, all, o.by, {kind::deliver, false, *m}));
    }
    std::reverse(lines.begin(), lines.end());
    return lines;
}

} // namespace zooid::explore
