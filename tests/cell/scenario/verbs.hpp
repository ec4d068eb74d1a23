// What each verb of a script does.
#pragma once

#include "cell/scenario/stage.hpp"

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace zooid::scenario {

/// A script that makes no sense: an unknown verb, nobody of that name, nothing to deliver.
struct script_error : std::invalid_argument {
    using std::invalid_argument::invalid_argument;
};

/// An expectation that does not hold.
struct unmet : std::runtime_error {
    using std::runtime_error::runtime_error;
};

class verbs {
  public:
    explicit verbs(step_observer* steps) : steps_(steps) {}

    /// Carries out one line.
    void perform(std::string const& line);
    /// What happened since the last call.
    std::vector<std::string> take_transcript();
    std::vector<std::string> findings() const;
    bool ended() const { return ended_; }

  private:
    using words = std::vector<std::string>;
    struct entry_of_table {
        char const* verb;
        void (verbs::*act)(words const&);
    };
    static std::vector<entry_of_table> const& table();
    void carry_out(words const& w);

    void cell(words const& w);
    void propose(words const& w);
    void read(words const& w);
    void complain(words const& w);
    void resign(words const& w);
    void stand(words const& w);
    void lead(words const& w);
    void deliver(words const& w);
    void drop(words const& w);
    void repeat(words const& w);
    void hold(words const& w);
    void resume(words const& w);
    void flush(words const& w);
    void wake(words const& w);
    void advance(words const& w);
    void jump(words const& w);
    void crash(words const& w);
    void restart(words const& w);
    void cut(words const& w);
    void heal(words const& w);
    void isolate(words const& w);
    void pulse(words const& w);
    void hang(words const& w);
    void mend(words const& w);
    void run(words const& w);
    void settle(words const& w);
    void rot(words const& w);
    void corrupt(words const& w);
    void software(words const& w);
    void smuggle(words const& w);
    void finalise(words const& w);
    void change(words const& w);
    void admit(words const& w);
    void reserve(words const& w);
    void destroy(words const& w);
    void wipe(words const& w);
    void seal(words const& w);
    void survey(words const& w);
    void image(words const& w);
    void restore(words const& w);
    void expect(words const& w);
    void end(words const& w);

    void expect_replica(actor const& a, words const& w);
    void expect_slot(words const& w);
    void expect_base(words const& w);
    void prove_liveness();
    bool ask_everybody(std::string const& command);
    bool agree(std::string& where) const;
    void links(std::string const& link, int change);

    step_observer* steps_;
    std::unique_ptr<stage> stage_;
    bool ended_ = false;
};

} // namespace zooid::scenario
