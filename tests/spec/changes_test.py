#!/usr/bin/env python3
"""check_trace.py on runs with changes and releases, told line by line.

A replacement a -> d at alpha 1 by a proposer that removes itself, its release, its end, and a strict read must be
accepted. The others each break one rule of reconfiguration and must be refused for that reason.
"""
import sys

from check_trace import verdict

A, C = "1.1.life-a", "2.3.life-c"
CHANGE = {"digest": "change", "kind": 3, "base": 0, "members": ["b", "c", "d"]}
RELEASE = {"digest": "release", "kind": 4, "of": 1}
WRITE = {"digest": "write", "kind": 2}


class Run:
    def __init__(self, alpha=1, founders="abc"):
        self.lines = []
        self.prefix, self.promised = {}, {}
        self.founders, self.alpha = list(founders), alpha
        for r in founders:
            self.begin(r)

    def begin(self, r):
        self.line(r, "began", at=0, alpha=self.alpha, members=self.founders)

    def line(self, r, step, **fields):
        delivered = fields.get("delivered", ())
        self.prefix[r] = max([self.prefix.get(r, 0), *(j for j, _ in delivered)])
        self.lines.append({"step": step, "cell": "1", "replica": r, "prefix": self.prefix[r], "promised": fields.get("promised") or self.promised.get(r, "0.0.0"), **fields})

    def send(self, r, step="other", **message):
        if message["message"] in ("promise", "accepted"):
            self.promised[r] = message["in"]
        self.line(r, step, sent=[message])

    def hear(self, r, sender, step, content, **fields):
        self.line(r, step, received=content, **{"from": sender}, **fields)

    def phase_one(self, r, ballot, asked, promising, reported=()):
        self.send(r, message="prepare", to=list(asked), **{"in": ballot})
        for q in promising:
            acceptances = [a for who, a in reported if who == q]
            self.send(q, message="promise", to=[r], prefix=self.prefix.get(q, 0), accepted=acceptances,
                      **{"in": ballot})
            self.hear(r, q, "promise", {"in": ballot, "prefix": self.prefix.get(q, 0)})

    def phase_two(self, r, ballot, slot, value, asked, voting, counts=True):
        self.send(r, message="accept", to=list(asked), slot=slot, value=value, chosen=slot - 1, **{"in": ballot})
        for q in voting:
            self.send(q, message="accepted", to=[r], slot=slot, digest=value["digest"],
                      prefix=self.prefix.get(q, 0), **{"in": ballot})
            last = counts and q == voting[-1]
            self.hear(r, q, "accepted", {"in": ballot, "slot": slot, "prefix": self.prefix.get(q, 0)},
                      delivered=[[slot, value]] if last else [])

    def teach(self, r, slot, value):
        self.line(r, "slice", delivered=[[slot, value]])

    def report(self, r):
        self.send(r, message="learned", to=["a"], prefix=self.prefix[r], durable=self.prefix[r])


def replaced():
    run = Run()
    run.begin("d")
    run.phase_one("a", A, "abc", "ac")
    run.phase_two("a", A, 1, CHANGE, "abc", "ac")
    run.phase_one("a", A, "d", "d")
    run.teach("d", 1, CHANGE)
    run.teach("c", 1, CHANGE)
    run.report("d")
    run.report("c")
    return run


def accepts_a_replacement_its_release_and_a_read():
    run = replaced()
    run.phase_two("a", A, 2, RELEASE, "bcd", "cd")
    run.line("a", "read", request=1, sent=[{"message": "confirm", "to": ["b", "c", "d"], "round": 1, "in": A}])
    for q in "cd":
        run.send(q, message="confirmed", to=["a"], round=1, **{"in": A})
        run.hear("a", q, "confirmed", {"round": 1, "in": A}, reads=[[1, 2]] if q == "d" else [])
    return run, None


def refuses_the_old_quorum():
    run = replaced()
    run.phase_two("a", A, 2, WRITE, "abc", "ac")
    return run, "does not ask config(2)"


def refuses_phase_one_once_and_for_all():
    """Trap 1: b was never heard in ballot A, so c alone is a quorum of nothing."""
    run = Run()
    run.phase_one("a", A, "abc", "ac")
    run.phase_two("a", A, 1, CHANGE, "abc", "ac")
    run.phase_two("a", A, 2, WRITE, "bcd", "cd", counts=False)
    return run, "no quorum of config(2) promised"


def refuses_a_release_without_reports():
    run = Run()
    run.phase_one("a", A, "abc", "abc")
    run.phase_two("a", A, 1, CHANGE, "abc", "ac")
    run.phase_two("a", A, 2, RELEASE, "bcd", "bc")
    return run, "no quorum of config(2) reported 1 slots"


def refuses_votes_of_a_learner():
    run = Run()
    run.phase_one("a", A, "abc", "ac")
    run.phase_two("a", A, 1, WRITE, "abc", "ad")
    return run, "it was not asked"


def refuses_another_value_than_what_was_chosen():
    run = Run()
    run.phase_one("a", A, "abc", "ac")
    run.phase_two("a", A, 1, CHANGE, "abc", "ac")
    vote = {"slot": 1, "ballot": A, "value": {"digest": "change"}, "chosen": False}
    run.phase_one("c", C, "abc", "bc", [("c", vote)])
    run.phase_two("c", C, 1, WRITE, "abc", "bc")
    return run, "obliges"


def released():
    run = replaced()
    run.phase_two("a", A, 2, RELEASE, "bcd", "cd")
    return run


def accepts_the_end_of_a_released_replica():
    run = released()
    run.line("a", "other", retired=True)
    return run, None


def refuses_the_end_of_a_removed_replica():
    """Trap 3: a sees that it is out, which is no release."""
    run = replaced()
    run.line("a", "other", retired=True)
    return run, "its log has no release"


def refuses_the_end_of_a_member():
    run = released()
    run.teach("c", 2, RELEASE)
    run.line("c", "other", retired=True)
    return run, "does not let go of it"


def refuses_a_vote_of_a_destroyed_replica():
    run = released()
    run.line("a", "other", retired=True)
    run.phase_one("c", C, "bcd", "a")
    return run, "it was destroyed"


def refuses_a_replica_that_begins_again():
    run = replaced()
    run.begin("d")
    return run, "it was here before"


def refuses_a_vote_of_what_was_only_reserved():
    run = Run()
    run.phase_one("a", A, "abc", "ac")
    run.phase_two("a", A, 1, CHANGE, "abc", "ac")
    run.phase_one("a", A, "d", "d")
    return run, "it never began"


def refuses_a_ballot_that_is_drawn_twice():
    """Another replica of a's server, in the same life, asks in the ballot that a had."""
    run = released()
    run.line("a", "other", retired=True)
    run.begin("f")
    run.send("f", message="prepare", to=["b", "c", "d"], **{"in": A})
    return run, "belongs to another replica (P1)"


def refuses_the_release_of_nothing():
    run = Run()
    run.phase_one("a", A, "abc", "abc")
    run.phase_two("a", A, 1, WRITE, "abc", "ac")
    run.report("a")
    run.teach("c", 1, WRITE)
    run.report("c")
    run.phase_two("a", A, 2, RELEASE, "abc", "ac")
    return run, "slot 1 changed nothing"


def refuses_a_member_that_returns():
    run = released()
    run.phase_two("a", A, 3, {"digest": "back", "kind": 3, "base": 1, "members": ["a", "c", "d"]}, "bcd", "cd")
    return run, "was a member once"


def refuses_a_report_that_a_restart_forgets():
    run = replaced()
    run.hear("a", "d", "learned", {"prefix": 1, "durable": 1})
    run.prefix["d"] = 0
    run.line("d", "came_back", accepted=[], quarantined=False)
    return run, "it said that it knew 1 slots"


def ignores_a_change_that_is_void():
    """Two changes computed from the founding configuration: the second changes nothing."""
    run = Run(alpha=2)
    void = {"digest": "void", "kind": 3, "base": 0, "members": ["a", "c", "e"]}
    run.phase_one("a", A, "abc", "ac")
    run.phase_two("a", A, 1, CHANGE, "abc", "ac", counts=False)
    run.phase_two("a", A, 2, void, "abc", "ac", counts=False)
    run.hear("a", "c", "accepted", {"slot": 1, "in": A}, delivered=[[1, CHANGE], [2, void]])
    run.begin("d")
    run.phase_one("a", A, "d", "d")
    run.phase_two("a", A, 3, WRITE, "bcd", "cd")
    run.phase_two("a", A, 4, WRITE, "bcd", "cd")
    return run, None


def main():
    failed = 0
    told = [test for name, test in globals().items() if name.startswith(("accepts_", "refuses_", "ignores_"))]
    for test in told:
        run, expected = test()
        why, _ = verdict(run.lines)
        right = why is None if expected is None else why is not None and expected in why
        failed += not right
        print(f"{'passed' if right else 'FAILED'}: {test.__name__}" + (f": {why}" if not right else ""))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
