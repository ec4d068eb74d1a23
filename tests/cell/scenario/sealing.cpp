// What an emergency recovery does to a cell's replicas, and what it would make of what they say.
#include "cell/scenario/verbs.hpp"

namespace zooid::scenario {

// It goes on as another cell on the first server; where does not matter here.
void stage::seal_at(std::size_t who, generation birth) {
    successor_cell const there{
        {birth.value, birth.value}, birth, configuration(std::vector<member>{actors_.front().self})};
    step(who, seal{there});
}

void stage::survey(std::vector<std::string> const& who) {
    std::vector<survey_answer> answers;
    for (std::string const& name : who) {
        actor const& a = actors_[index_of(name)];
        if (a.running) answers.push_back(decode_survey_answer(encode(a.running->survey())).value());
    }
    auto const found = best_base(answers);
    base_.reset();
    if (auto const* no = std::get_if<recovery_refusal>(&found))
        return say("there is no base: " + std::string(name_of(no->why)) + " [Y3]");
    base_ = std::get<recovery_base>(found);
    say("the new cell would begin with what " + names_.of(base_->server) + " has after " +
        slot_name(base_->at) + " [Y3]");
    for (taken_value const& t : base_->taken)
        say("it takes over " + slot_name(t.at) + " = " + names_.of(t.value) +
            (t.chosen ? ", known to be chosen [Y4]" : " of " + names_.of(t.accepted) + ", uncertain [Y4]"));
    for (slot at : base_->left_out)
        say("it leaves out " + slot_name(at) + " [Y4]");
}

// Y5 to X1, said once more and apart from the code that keeps it.
void stage::judge_sealed(std::string const& name, effects const& out) {
    bool quiet = out.persist.empty() && out.after_durable.empty() && out.deliver.empty() && out.reads.empty();
    for (outgoing const& o : out.now)
        quiet = quiet && std::holds_alternative<sealed>(o.content);
    if (!quiet) findings_.push_back(name + " is sealed, and takes part all the same [X1]");
}

// seal WHO GENERATION: an operator recovered the cell as this generation of its key, and tells WHO.
void verbs::seal(words const& w) {
    stage_->seal_at(stage_->index_of(w.at(1)), {std::stoull(w.at(2))});
}
// survey WHO...: what a new cell would be made of, were these all that is left.
void verbs::survey(words const& w) {
    stage_->survey({w.begin() + 1, w.end()});
}

} // namespace zooid::scenario
