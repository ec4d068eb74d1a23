// The lines of step_trace.hpp. What a step did is told by what it sends and delivers: the specification makes
// a vote and its message one action.
#include <zooid/sim/step_trace.hpp>

#include <boost/json.hpp>

namespace zooid::sim {

namespace json = boost::json;

namespace {

json::string ballot_json(ballot const& b) {
    return json::string(to_string(b.round) + '.' + to_string(b.server) + '.' + to_string(b.life));
}

json::array members_json(configuration const& c) {
    json::array ids;
    for (member const& m : c.members())
        ids.push_back(json::string(to_string(m.replica)));
    return ids;
}

json::object value_json(entry const& value) {
    json::object fields{{"digest", to_string(value.value_digest())}};
    if (!value.understood()) return fields;
    fields["kind"] = static_cast<unsigned>(value.kind());
    if (auto const change = value.changes()) {
        fields["base"] = change->base.value;
        fields["members"] = members_json(change->members);
    }
    if (slot const of = value.releases()) fields["of"] = of.value;
    return fields;
}

// What of a message an action is about; nothing for messages that are no part of one.
struct content_json {
    json::object operator()(prepare const& m) const { return {{"in", ballot_json(m.in)}}; }
    json::object operator()(promise const& m) const {
        json::array reported;
        for (acceptance const& a : m.accepted) {
            json::object value{{"digest", to_string(a.value_digest)}};
            reported.push_back({{"slot", a.at.value},
                                {"ballot", ballot_json(a.accepted)},
                                {"value", value},
                                {"chosen", a.chosen}});
        }
        return {{"in", ballot_json(m.in)}, {"prefix", m.prefix.value}, {"accepted", reported}};
    }
    json::object operator()(accept const& m) const {
        return {{"in", ballot_json(m.in)},
                {"slot", m.at.value},
                {"chosen", m.chosen.value},
                {"value", value_json(m.value)}};
    }
    json::object operator()(accepted const& m) const {
        return {{"in", ballot_json(m.in)},
                {"slot", m.at.value},
                {"prefix", m.prefix.value},
                {"digest", to_string(m.value_digest)}};
    }
    json::object operator()(zooid::commit const& m) const {
        return {{"in", ballot_json(m.in)}, {"chosen", m.chosen.value}};
    }
    json::object operator()(learned const& m) const {
        return {{"prefix", m.prefix.value}, {"durable", m.durable.value}};
    }
    json::object operator()(confirm const& m) const {
        return {{"in", ballot_json(m.in)}, {"round", m.round}};
    }
    json::object operator()(confirmed const& m) const {
        return {{"in", ballot_json(m.in)}, {"round", m.round}};
    }
    json::object operator()(slice const& m) const {
        return {{"from", m.from.value}, {"count", m.values.size()}, {"prefix", m.prefix.value}};
    }
    json::object operator()(teach_snapshot const& m) const { return {{"at", m.state.at.value}}; }
    template <class Other>
    json::object operator()(Other const&) const {
        return {};
    }
};

json::object message_json(message const& m) {
    json::object content = std::visit(content_json(), m);
    if (!content.empty()) content["message"] = name_of(m);
    return content;
}

// One object for what is sent to several.
void add_sent(std::vector<outgoing> const& messages, std::string_view when, json::array& sent) {
    for (outgoing const& o : messages) {
        json::object content = message_json(o.content);
        if (content.empty()) continue;
        json::string const to(to_string(o.to.replica));
        content["to"] = json::array{to};
        content["leaves"] = when;
        if (!sent.empty()) {
            json::array& last = sent.back().as_object()["to"].as_array();
            json::object same = sent.back().as_object();
            same["to"] = json::array{to};
            if (same == content) {
                last.push_back(to);
                continue;
            }
        }
        sent.push_back(std::move(content));
    }
}

struct event_json {
    json::object operator()(received const& e) const {
        return {{"step", name_of(e.content)},
                {"from", to_string(e.replica)},
                {"received", std::visit(content_json(), e.content)}};
    }
    json::object operator()(read const& e) const { return {{"step", "read"}, {"request", e.request.value}}; }
    json::object operator()(persisted const&) const { return {{"step", "persisted"}}; }
    template <class Other>
    json::object operator()(Other const&) const {
        return {{"step", "other"}};
    }
};

// What a replica was told counts even if nothing follows from it yet.
bool is_heard(event const& what) {
    if (std::holds_alternative<read>(what)) return true;
    auto const* in = std::get_if<received>(&what);
    if (!in) return false;
    message const& m = in->content;
    return std::holds_alternative<promise>(m) || std::holds_alternative<accepted>(m) ||
           std::holds_alternative<confirmed>(m) || std::holds_alternative<learned>(m);
}

void name(json::object& line, replica const& r) {
    line["cell"] = to_string(r.cell());
    line["replica"] = to_string(r.self().replica);
    line["prefix"] = r.prefix().value;
    line["promised"] = ballot_json(r.promised());
}

} // namespace

void step_trace::began(replica const& r, snapshot const& first) {
    json::object line{{"step", "began"}, {"alpha", first.alpha}, {"at", first.at.value}};
    line["members"] = members_json(first.configurations.front().members);
    name(line, r);
    line_(json::serialize(line));
}

void step_trace::came_back(replica const& r, recovered_state const& from) {
    json::array accepted;
    for (acceptance_record const& a : from.acceptances) {
        accepted.push_back({{"slot", a.at.value},
                            {"ballot", ballot_json(a.accepted)},
                            {"value", {{"digest", to_string(a.value_digest)}}},
                            {"chosen", a.chosen}});
    }
    json::object line{{"step", "came_back"}};
    line["checkpoint"] = from.checkpoint.at.value;
    line["accepted"] = std::move(accepted);
    line["quarantined"] = !from.quarantine.empty();
    name(line, r);
    line_(json::serialize(line));
}

void step_trace::stepped(replica const& r, event const& what, effects const& done) {
    json::object line = std::visit(event_json(), what);
    bool says_something = is_heard(what);
    json::array sent;
    add_sent(done.now, "at once", sent);
    add_sent(done.after_durable, "durable", sent);
    json::array delivered;
    for (delivery const& d : done.deliver)
        delivered.push_back(json::array{d.at.value, value_json(d.value)});
    json::array reads;
    for (read_ready const& ready : done.reads)
        reads.push_back(json::array{ready.request.value, ready.at.value});
    says_something |= !sent.empty() || !delivered.empty() || !reads.empty() || done.restore || done.retired;
    if (!says_something) return;

    name(line, r);
    if (!sent.empty()) line["sent"] = std::move(sent);
    if (!delivered.empty()) line["delivered"] = std::move(delivered);
    if (!reads.empty()) line["reads"] = std::move(reads);
    if (done.restore) line["restored"] = done.restore->state.at.value;
    if (done.retired) line["retired"] = true;
    line_(json::serialize(line));
}

} // namespace zooid::sim
