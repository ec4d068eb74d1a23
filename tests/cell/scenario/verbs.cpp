#include "cell/scenario/verbs.hpp"

#include "cell/state.hpp"

#include <algorithm>
#include <memory>
#include <sstream>

namespace zooid::scenario {

namespace {

using words = std::vector<std::string>;

words split(std::string const& line) {
    std::istringstream in(line);
    words found;
    for (std::string word; in >> word;)
        found.push_back(word);
    return found;
}

std::string const& word(words const& w, std::size_t index) {
    if (index >= w.size()) throw script_error("a word is missing after \"" + w.back() + "\"");
    return w[index];
}

std::uint64_t number(std::string const& text) {
    std::size_t used = 0;
    std::uint64_t const value = text.empty() || text[0] < '0' || text[0] > '9' ? 0 : std::stoull(text, &used);
    if (used == 0) throw script_error("\"" + text + "\" is no number");
    return value;
}

/// 300ms, 5s
duration span_of_time(std::string const& text) {
    std::uint64_t const value = number(text);
    if (text.ends_with("ms")) return std::chrono::milliseconds(value);
    if (text.ends_with("s")) return std::chrono::seconds(value);
    throw script_error("\"" + text + "\" is no time; 300ms or 5s");
}

/// "a>b", "*>b", "a>*"
std::pair<std::string, std::string> ends_of(std::string const& link) {
    auto const at = link.find('>');
    if (at == std::string::npos) throw script_error("\"" + link + "\" is no link; a>b");
    auto const name = [](std::string const& end) { return end == "*" ? std::string() : end; };
    return {name(link.substr(0, at)), name(link.substr(at + 1))};
}

bool is_number(std::string const& text) {
    return !text.empty() && text[0] >= '0' && text[0] <= '9';
}

filter filter_of(words const& w) {
    auto const [from, to] = ends_of(word(w, 1));
    std::string const kind = w.size() > 2 && !is_number(w[2]) ? w[2] : "";
    auto const mark = kind.find('@');
    if (mark == std::string::npos) return {from, to, kind, std::nullopt};
    return {from, to, kind.substr(0, mark), slot{number(kind.substr(mark + 1))}};
}

std::size_t count_of(words const& w) {
    return is_number(w.back()) ? number(w.back()) : SIZE_MAX;
}

void must(std::size_t done) {
    if (done == 0) throw script_error("no such message is in flight");
}

} // namespace

std::vector<verbs::entry_of_table> const& verbs::table() {
    static std::vector<entry_of_table> const all{
        {"cell", &verbs::cell},         {"propose", &verbs::propose},   {"read", &verbs::read},
        {"complain", &verbs::complain}, {"resign", &verbs::resign},     {"stand", &verbs::stand},
        {"lead", &verbs::lead},         {"deliver", &verbs::deliver},   {"drop", &verbs::drop},
        {"repeat", &verbs::repeat},     {"hold", &verbs::hold},         {"resume", &verbs::resume},
        {"flush", &verbs::flush},       {"wake", &verbs::wake},         {"advance", &verbs::advance},
        {"jump", &verbs::jump},         {"crash", &verbs::crash},       {"restart", &verbs::restart},
        {"cut", &verbs::cut},           {"heal", &verbs::heal},         {"isolate", &verbs::isolate},
        {"pulse", &verbs::pulse},       {"hang", &verbs::hang},         {"mend", &verbs::mend},
        {"run", &verbs::run},           {"settle", &verbs::settle},     {"rot", &verbs::rot},
        {"corrupt", &verbs::corrupt},   {"software", &verbs::software}, {"change", &verbs::change},
        {"admit", &verbs::admit},       {"reserve", &verbs::reserve},   {"destroy", &verbs::destroy},
        {"smuggle", &verbs::smuggle},   {"finalise", &verbs::finalise}, {"wipe", &verbs::wipe},
        {"image", &verbs::image},       {"restore", &verbs::restore},   {"seal", &verbs::seal},
        {"survey", &verbs::survey},     {"expect", &verbs::expect},     {"end", &verbs::end},
    };
    return all;
}

// briefly VERB...: shows what matters only.
void verbs::perform(std::string const& line) {
    words w = split(line);
    if (w.front() != "briefly" || w.size() < 2 || !stage_) return carry_out(w);
    w.erase(w.begin());
    stage_->be_brief(+1);
    std::shared_ptr<void> const after(nullptr, [&](void*) { stage_->be_brief(-1); });
    carry_out(w);
}

void verbs::carry_out(words const& w) {
    for (entry_of_table const& e : table()) {
        if (w.front() != e.verb) continue;
        if (!stage_ && w.front() != "cell") throw script_error("a scenario begins with `cell`");
        return (this->*e.act)(w);
    }
    throw script_error("there is no verb \"" + w.front() + "\"");
}

std::vector<std::string> verbs::take_transcript() {
    return stage_ ? stage_->take_transcript() : std::vector<std::string>();
}
std::vector<std::string> verbs::findings() const {
    return stage_ ? stage_->findings() : std::vector<std::string>();
}

// cell NAME... [spare NAME]... [alpha N] [checkpoint ENTRIES] [kept ENTRIES] [pending COMMANDS] [lease TIME]
//     [software N]
// Founds a cell, one replica on each server; on each spare server a replica id is reserved. Everybody heard
// of everybody.
void verbs::cell(words const& w) {
    cell_options options;
    std::uint8_t alpha = 3;
    std::uint16_t software = 1;
    words names, spares;
    duration lease_hold{};
    for (std::size_t i = 1; i < w.size(); ++i) {
        if (w[i] == "alpha") {
            alpha = static_cast<std::uint8_t>(number(word(w, ++i)));
        } else if (w[i] == "checkpoint") {
            options.checkpoint_log_entries = number(word(w, ++i));
        } else if (w[i] == "kept") {
            options.kept_log_entries = number(word(w, ++i));
        } else if (w[i] == "pending") {
            options.pending_count_max = number(word(w, ++i));
        } else if (w[i] == "lease") {
            lease_hold = span_of_time(word(w, ++i));
        } else if (w[i] == "software") {
            software = static_cast<std::uint16_t>(number(word(w, ++i)));
        } else if (w[i] == "spare") {
            spares.push_back(word(w, ++i));
        } else {
            names.push_back(w[i]);
        }
    }
    stage_ = std::make_unique<stage>(options, lease_hold, steps_);
    stage_->found(names, spares, alpha, software);
    (void)stage_->take_transcript();
}

// propose WHO COMMAND: a caller at WHO. The command names the request; "v2:..." needs cell version 2.
void verbs::propose(words const& w) {
    stage_->propose_at(stage_->index_of(word(w, 1)), word(w, 2));
}
// read WHO NAME [leased]: a strict read, or one that a lease may confirm.
void verbs::read(words const& w) {
    bool const leased = w.size() > 3 && w[3] == "leased";
    stage_->read_at(stage_->index_of(word(w, 1)), word(w, 2), leased ? read_mode::leased : read_mode::strict);
}
// complain WHO: a client tells WHO that the proposer does not answer.
void verbs::complain(words const& w) {
    stage_->step(stage_->index_of(word(w, 1)), complaint{});
}
// resign WHO [SUCCESSOR]: it hands over to SUCCESSOR, or to whoever is first in the order of preference.
void verbs::resign(words const& w) {
    replica_id const to = w.size() > 2 ? stage_->actors()[stage_->index_of(w[2])].self.replica : replica_id{};
    stage_->step(stage_->index_of(word(w, 1)), zooid::resign{to});
}

// stand WHO: brings it to phase 1 by whatever way is open to it: a complaint, its deadline, its canvass.
void verbs::stand(words const& w) {
    std::size_t const who = stage_->index_of(word(w, 1));
    if (!stage_->actors()[who].running) throw script_error(w[1] + " is not here");
    filter const asks{w[1], "", "canvass"}, answers{"", w[1], "canvassed"};
    for (int attempts = 0; attempts < 10; ++attempts) {
        role const is = stage_->actors()[who].running->role();
        if (is == role::preparing) return;
        if (is == role::canvassing &&
            stage_->deliver(asks, SIZE_MAX) + stage_->deliver(answers, SIZE_MAX) > 0)
            continue;
        bool const idle = stage_->actors()[who].running->state().election.now == election_state::phase::idle;
        idle ? stage_->step(who, complaint{}) : stage_->wake(who);
    }
    throw script_error(w[1] + " found no way to stand");
}
// lead WHO: it stands, and everything is delivered and flushed. Shows what matters only.
void verbs::lead(words const& w) {
    stage_->be_brief(+1);
    stand(w);
    stage_->run();
    stage_->be_brief(-1);
    if (stage_->actors()[stage_->index_of(w[1])].running->role() != role::leading)
        throw script_error(w[1] + " does not lead");
}

// deliver FROM>TO [KIND] [COUNT]: those in flight now, in their order. * is anybody; accept@5 is `accept` of
// slot 5.
void verbs::deliver(words const& w) {
    must(stage_->deliver(filter_of(w), count_of(w)));
}
// drop FROM>TO [KIND] [COUNT]: the network loses them.
void verbs::drop(words const& w) {
    must(stage_->drop(filter_of(w), count_of(w)));
}
// repeat FROM>TO [KIND]: the network has each of them once more.
void verbs::repeat(words const& w) {
    must(stage_->repeat(filter_of(w)));
}
// hold FROM>TO [KIND]: the network delays them until `deliver` names them or `resume`.
void verbs::hold(words const& w) {
    must(stage_->hold(filter_of(w)));
}
void verbs::resume(words const&) {
    stage_->resume();
}

// flush WHO|* [COUNT]: the records of the next COUNT steps are durable, and what waited for them leaves.
void verbs::flush(words const& w) {
    for (std::size_t i = 0; i < stage_->actors().size(); ++i) {
        if (word(w, 1) == "*" || stage_->actors()[i].name == w[1]) stage_->flush(i, count_of(w));
    }
}

// wake WHO: its next deadline comes.
void verbs::wake(words const& w) {
    stage_->wake(stage_->index_of(word(w, 1)));
}
// advance TIME: whoever wants it is woken on the way.
void verbs::advance(words const& w) {
    stage_->advance(span_of_time(word(w, 1)));
}

// jump SERVER TIME: its clock is ahead by so much more.
void verbs::jump(words const& w) {
    stage_->jump(stage_->host_of(word(w, 1)), span_of_time(word(w, 2)));
}

// crash SERVER: SIGKILL; what was not flushed is gone.
void verbs::crash(words const& w) {
    stage_->crash(stage_->host_of(word(w, 1)));
}
// restart SERVER: a new process, which knows what the journal says and has heard of nobody yet.
void verbs::restart(words const& w) {
    stage_->restart(stage_->host_of(word(w, 1)));
}

// a>b one way, a<>b both ways.
void verbs::links(std::string const& link, int change) {
    auto [from, to] = ends_of(link);
    bool const both = from.ends_with("<");
    if (both) from.pop_back();
    std::size_t const a = stage_->host_of(from);
    std::size_t const b = stage_->host_of(to);
    stage_->cut(a, b, change);
    if (both) stage_->cut(b, a, change);
}

// cut A>B | A<>B: messages and pulses from A do not reach B.
void verbs::cut(words const& w) {
    for (std::size_t i = 1; i < w.size(); ++i)
        links(w[i], +1);
}
// heal [LINK...]: these links, or all.
void verbs::heal(words const& w) {
    for (std::size_t i = 1; i < w.size(); ++i)
        links(w[i], -1);
    for (std::size_t a = 0; w.size() == 1 && a < stage_->hosts().size(); ++a) {
        for (std::size_t b = 0; b < stage_->hosts().size(); ++b)
            stage_->cut(a, b, -1);
    }
}
// isolate SERVER: cuts all its links both ways.
void verbs::isolate(words const& w) {
    std::size_t const alone = stage_->host_of(word(w, 1));
    for (std::size_t other = 0; other < stage_->hosts().size(); ++other) {
        if (other == alone) continue;
        stage_->cut(alone, other, +1);
        stage_->cut(other, alone, +1);
    }
}

// pulse: every server hears what the links let through, and judges the others by it.
void verbs::pulse(words const&) {
    stage_->pulse();
}
// hang SERVER: its journal flushes nothing; the next pulse says so.
void verbs::hang(words const& w) {
    stage_->hang(stage_->host_of(word(w, 1)));
}
void verbs::mend(words const& w) {
    stage_->mend(stage_->host_of(word(w, 1)));
}

// run: delivers and flushes, in order, until nothing is left; time stands still.
void verbs::run(words const&) {
    stage_->run();
}
// settle [TIME]: the same, and wakes whoever wants it within TIME (5 s). Shows what matters only.
void verbs::settle(words const& w) {
    stage_->settle(w.size() > 1 ? span_of_time(w[1]) : std::chrono::seconds(5));
}

// rot WHO SLOT: the value of its acceptance rots on disk; the vote stays readable.
// rot WHO votes: its journal finds, while it runs, that votes of it can't be read any more.
void verbs::rot(words const& w) {
    if (word(w, 2) == "votes")
        return stage_->step(stage_->index_of(word(w, 1)), votes_lost{"its journal lost votes"});
    stage_->rot_value(stage_->index_of(word(w, 1)), slot{number(word(w, 2))});
}
// corrupt WHO HOW: bits of its state flip in memory; its state machine has also applied HOW.
void verbs::corrupt(words const& w) {
    stage_->corrupt(stage_->index_of(word(w, 1)), word(w, 2));
}
// software SERVER N: from its next start on, it understands cell version N and those below.
void verbs::software(words const& w) {
    stage_->hosts()[stage_->host_of(word(w, 1))].software = static_cast<std::uint16_t>(number(word(w, 2)));
}
// smuggle WHO COMMAND: like propose, but nobody looks at the version: a server with a bug.
void verbs::smuggle(words const& w) {
    stage_->smuggle_at(stage_->index_of(word(w, 1)), word(w, 2));
}
// finalise WHO REQUEST VERSION [from SLOT]: an operator asks WHO to raise the cell to this version, having
// looked at the members that the change at SLOT made; at the newest that WHO knows unless told otherwise.
void verbs::finalise(words const& w) {
    std::optional<slot> base;
    if (w.size() > 5 && w[4] == "from") base = slot{number(w[5])};
    stage_->finalise_at(stage_->index_of(word(w, 1)), word(w, 2),
                        static_cast<std::uint16_t>(number(word(w, 3))), base);
}

// change WHO REQUEST MEMBER... [from SLOT]: a caller asks WHO for these members, one-for-one or not, computed
// from the configuration that the change at SLOT made; from the newest that WHO knows unless told otherwise.
void verbs::change(words const& w) {
    words members(w.begin() + 3, w.end());
    std::optional<slot> base;
    if (members.size() > 2 && members[members.size() - 2] == "from") {
        base = slot{number(members.back())};
        members.resize(members.size() - 2);
    }
    stage_->change_at(stage_->index_of(word(w, 1)), word(w, 2), members, base);
}
// admit WHO REQUEST MEMBER... [from SLOT]: the same, and whom it adds is taught until WHO proposes the
// change. Shows what matters only.
void verbs::admit(words const& w) {
    stage_->be_brief(+1);
    change(w);
    stage_->teach_newcomers(stage_->index_of(w[1]));
    stage_->be_brief(-1);
}
// reserve SERVER NAME: draws a replica id on it, durably, and calls it NAME.
void verbs::reserve(words const& w) {
    stage_->reserve(stage_->host_of(word(w, 1)), word(w, 2));
}
// destroy WHO: its server is asked to.
void verbs::destroy(words const& w) {
    stage_->destroy(stage_->index_of(word(w, 1)));
}
// wipe SERVER: its process ends and its disk is lost.
void verbs::wipe(words const& w) {
    stage_->wipe(stage_->host_of(word(w, 1)));
}

// image SERVER: its disk is copied as it is now.
void verbs::image(words const& w) {
    stage_->take_image(stage_->host_of(word(w, 1)));
}
// restore SERVER: its process ends, and its disk is that image again.
void verbs::restore(words const& w) {
    stage_->restore_image(stage_->host_of(word(w, 1)));
}

// end, or end without liveness: REASON
void verbs::end(words const& w) {
    ended_ = true;
    if (w.size() > 1) return;
    prove_liveness();
}

} // namespace zooid::scenario
