// A disk goes back in time, and what servers say of each other's journals finds that (R2).
//
// As the server room does: whoever hears a server both ways remembers how many batches of its journal were
// durable, and tells it when they meet again. If that is more than the journal held at its start, a life
// before wrote what is gone: the journal is given up for good, and nobody talks to its server.
#include "cell/scenario/stage.hpp"

#include <stdexcept>

namespace zooid::scenario {

void stage::take_image(std::size_t host) {
    disk_image taken{hosts_[host].journal, hosts_[host].batches, {}};
    for (std::size_t i = 0; i < actors_.size(); ++i) {
        if (actors_[i].host == host && actors_[i].presence == presence::here)
            taken.disks.emplace_back(i, actors_[i].disk);
    }
    hosts_[host].image = std::move(taken);
}

void stage::restore_image(std::size_t host) {
    scenario::host& h = hosts_[host];
    if (!h.image) throw std::invalid_argument("there is no image of the disk of " + h.name);
    crash(host);
    h.journal = h.image->journal;
    h.batches = h.image->batches;
    for (actor& a : actors_) {
        if (a.host == host) a.presence = presence::gone;
    }
    for (auto const& [who, disk] : h.image->disks) {
        actors_[who].presence = presence::here;
        actors_[who].disk = disk;
    }
    say("the disk of " + h.name + " is an older image of itself");
}

// Batches written in this life prove nothing about those of an earlier one.
void stage::exchange_claims(std::size_t at, std::size_t from) {
    scenario::host& told = hosts_[at];
    auto const known = hosts_[from].claims.find(told.journal);
    bool const lacking = known != hosts_[from].claims.end() && known->second.life != told.life &&
                         known->second.batches > told.found;
    if (lacking) return give_journal_up(at, from);
    hosts_[from].claims[told.journal] = {told.life, told.batches};
}

void stage::give_journal_up(std::size_t host, std::size_t told_by) {
    say(hosts_[told_by].name + " knows more of the journal of " + hosts_[host].name +
        " than that holds [R2]");
    hosts_[host].given_up = true;
    for (std::size_t i = 0; i < actors_.size(); ++i) {
        if (actors_[i].host == host) step(i, votes_lost{"the journal was rolled back"});
    }
}

} // namespace zooid::scenario
