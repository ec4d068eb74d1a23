#include "runtime/request_sharing.hpp"

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <map>

namespace zooid {

namespace json = boost::json;

namespace {

void add_up(json::object& sum, json::value const* part) {
    if (!part || !part->is_object()) return;
    for (auto const& [name, value] : part->get_object()) {
        auto const before = sum.contains(name) ? sum.at(name).to_number<std::uint64_t>() : 0;
        sum[name] = before + value.to_number<std::uint64_t>();
    }
}

bool flag(json::object const& of, char const* name) {
    auto const* value = of.if_contains(name);
    return value && value->is_bool() && value->get_bool();
}

struct merged_peer {
    bool connected = true;
    bool both_ways = true;
    bool suspected = false;
    std::uint64_t version_highest = 0;
};

json::array merge_peers(std::vector<json::object> const& parts) {
    std::map<std::uint64_t, merged_peer> peers;
    for (json::object const& part : parts) {
        for (json::value const& one : part.at("peers").as_array()) {
            json::object const& p = one.as_object();
            merged_peer& all = peers[p.at("server").to_number<std::uint64_t>()];
            all.connected = all.connected && flag(p, "connected");
            all.both_ways = all.both_ways && flag(p, "both_ways");
            all.suspected = all.suspected || flag(p, "suspected");
            all.version_highest =
                std::max(all.version_highest, p.at("version_highest").to_number<std::uint64_t>());
        }
    }
    json::array out;
    for (auto const& [server, p] : peers) {
        out.push_back(json::object{{"server", server},
                                   {"connected", p.connected},
                                   {"both_ways", p.both_ways},
                                   {"suspected", p.suspected},
                                   {"version_highest", p.version_highest}});
    }
    return out;
}

} // namespace

bytes merge_status(std::vector<bytes> const& of_shards) {
    std::vector<json::object> parts;
    for (bytes const& text : of_shards)
        parts.push_back(json::parse(text).as_object()); // written by room server, in this process
    json::object all = parts.front();
    json::object counters, journal;
    json::array reservations;
    bool stopping = false, rolled_back = false, hung = false;
    for (json::object const& part : parts) {
        add_up(counters, part.if_contains("counters"));
        add_up(journal, part.if_contains("journal"));
        json::array const& reserved = part.at("reservations").as_array();
        reservations.insert(reservations.end(), reserved.begin(), reserved.end());
        stopping = stopping || flag(part, "stopping");
        rolled_back = rolled_back || flag(part, "rolled_back");
        hung = hung || flag(part, "journal_hung");
        if (auto const* why = part.if_contains("journal_error")) all["journal_error"] = *why;
    }
    all["shards"] = parts.size();
    all["stopping"] = stopping;
    all["rolled_back"] = rolled_back;
    all["journal_hung"] = hung;
    all["counters"] = std::move(counters);
    all["journal"] = std::move(journal);
    all["reservations"] = std::move(reservations);
    all["peers"] = merge_peers(parts);
    return json::serialize(all);
}

} // namespace zooid
