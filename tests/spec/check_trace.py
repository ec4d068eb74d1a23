#!/usr/bin/env python3
"""Accepts or refuses a run of the real core against the specification's next-state relation.

    zooid-sim --seed 42 --profile crashes --steps steps.jsonl && tests/spec/check_trace.py steps.jsonl
    tests/spec/check_trace.py --mutants steps.jsonl     # every forged version of that run must be refused

Each line is one step of one replica (include/zooid/sim/step_trace.hpp). A step becomes the actions of
lib/cell/spec/Cell.tla that it amounts to, in this order: what was heard, Promise and Accepted, learning, then
requests and reports, last the answers to reads; cell_spec.py then has the last word on each. What is
hidden in a run is supplied: slots known above a gap (Mark) when they show, promises whose report was not
sent because teaching answered better, and which votes a crash undid. A
vote happens when it is made, before it is durable; one that a restart does not find never happened, unless
somebody had been told of it: then it is refused.

Damaged votes and values are outside of the specification: a replica that comes back quarantined is let go.
A run without steps shows nothing, and is refused. The last line is `accepted` or `refused`, and the exit status says the same.
"""
import argparse
import json
import sys
from bisect import bisect_right
from collections import Counter, defaultdict

from cell_spec import Cell, Refused, Value

KINDS = {1: "no-op", 2: "commands", 3: "change", 4: "release", 5: "raise"}
CONFIRMED, LEASED = "confirmed", "leased"  # what a read may rest on
ANSWERS = ("promise", "accepted", "learned")
EMPTY = "a run without steps"


def ballot_of(text):
    number, server, life = text.split(".")
    return None if number == "0" else (int(number), int(server), life)


def value_of(v):
    return Value(v["digest"], KINDS.get(v.get("kind"), "unknown"), v.get("base", 0), v.get("members", ()),
                 v.get("of", 0))


def acceptances_of(listed):
    return {a["slot"]: (ballot_of(a["ballot"]), a["value"]["digest"], a["chosen"]) for a in listed}


def answer_key(replica, message):
    return (replica, message["message"], message.get("in"), message.get("slot"), message.get("prefix"))


def undone_by_crashes(lines):
    """Answers that a restart did not find and that nobody heard of: (line, position) pairs."""
    heard, made, undone = defaultdict(list), defaultdict(list), set()
    again = defaultdict(list)
    for i, line in enumerate(lines):
        if line["step"] in ANSWERS:
            heard[answer_key(line["from"], {**line["received"], "message": line["step"]})].append(i)
        for m in line.get("sent", ()):
            if m["message"] in ANSWERS:
                again[answer_key(line["replica"], m)].append(i)
    for i, line in enumerate(lines):
        made[line["replica"]] += [(i, n, m) for n, m in enumerate(line.get("sent", ())) if m["message"] in ANSWERS]
        if line["step"] != "came_back":
            continue
        for at, n, m in made.pop(line["replica"]):
            if is_found(m, line):
                continue
            key = answer_key(line["replica"], m)
            later = again[key][bisect_right(again[key], at):]
            until = later[0] if later else len(lines)
            if not any(at < h <= until for h in heard[key]):
                undone.add((at, n))
    return undone


def is_found(answer, came_back):
    if answer["message"] == "learned":
        return answer["prefix"] <= came_back["prefix"]
    promised = ballot_of(came_back["promised"])
    if promised is None or promised < ballot_of(answer["in"]):
        return False
    if answer["message"] == "promise" or answer["slot"] <= came_back["prefix"]:
        return True
    held = acceptances_of(came_back["accepted"]).get(answer["slot"])
    return held is not None and (held[0] >= ballot_of(answer["in"]) or held[2])


class Checker:
    def __init__(self, lines, reads):
        self.lines, self.reads = lines, reads
        self.undone = undone_by_crashes(lines)
        self.cells = {}
        self.lives = Counter()
        self.waiting = defaultdict(list)  # replica -> requests without an answer: each later round serves them
        self.actions = Counter()

    def run(self):
        for i, line in enumerate(self.lines):
            try:
                self.step(i, line)
            except Refused as why:
                raise Refused(f"line {i + 1}, replica {line['replica']}: {why}") from None

    def step(self, i, line):
        r = line["replica"]
        if line["step"] == "began":
            return self.began(r, line)
        cell = self.cells[line["cell"]]
        if line["step"] == "came_back":
            return self.came_back(cell, r, line)
        self.hear(cell, r, line)
        sent = [m for n, m in enumerate(line.get("sent", ())) if (i, n) not in self.undone]
        for m in sent:
            if m["message"] in ANSWERS + ("confirmed",) and m.get("leaves") == "at once":
                raise Refused(f"{m['message']}: it is said before it is durable (A4)")
            self.vote(cell, r, m)
        cell.silent_promise(r, ballot_of(line["promised"]))
        self.learn(cell, r, line)
        for m in sent:
            self.ask(cell, r, m)
        for number, at in line.get("reads", ()):
            request = self.request(r, number)
            self.answer(cell, r, request, at)
            if request in self.waiting[r]:
                self.waiting[r].remove(request)
        if line.get("retired") and not cell.replica(r).gone:  # it may come back before it is destroyed
            self.actions["Destroy"] += 1
            cell.destroy(r)

    def began(self, r, line):
        if line["cell"] not in self.cells:
            self.cells[line["cell"]] = Cell(line["alpha"], line["members"])
        self.actions["Create" if line["at"] == 0 else "TeachSnapshot"] += 1
        self.cells[line["cell"]].begin(r, line["at"])

    def answer(self, cell, r, request, at):
        if self.reads == CONFIRMED or cell.is_confirmed(request, at):
            self.actions["AnswerRead"] += 1
            return cell.answer_read(r, request, at)
        self.actions["read under a lease"] += 1
        cell.answer_leased_read(r, request, at)

    def request(self, r, number):
        return (r, self.lives[r], number)

    def came_back(self, cell, r, line):
        self.lives[r] += 1
        self.waiting.pop(r, None)
        self.actions["Crash"] += 1
        if line["quarantined"]:
            cell.replica(r).gone = True
            return
        cell.crash(r, ballot_of(line["promised"]), line["prefix"], acceptances_of(line["accepted"]))

    def hear(self, cell, r, line):
        if line["step"] == "read":
            request = self.request(r, line["request"])
            self.waiting[r].append(request)
            cell.read_arrives(request)
        elif line["step"] == "confirmed":
            said = line["received"]
            cell.hears_confirmed(line["from"], ballot_of(said["in"]), said["round"])
        elif line["step"] == "promise":
            ballot = cell.ballots.get(ballot_of(line["received"]["in"]))
            if ballot and ballot.leader == r and line["from"] in ballot.reports:
                ballot.received.add(line["from"])

    def vote(self, cell, r, m):
        if m["message"] == "promise":
            self.actions["Promise"] += 1
            cell.promise(r, ballot_of(m["in"]), m["prefix"], acceptances_of(m["accepted"]))
        elif m["message"] == "accepted":
            self.actions["Accepted"] += 1
            cell.accepted(r, ballot_of(m["in"]), m["slot"], m["digest"])
            self.actions["Learned"] += 1
            cell.learned(r, m["prefix"], m["prefix"])

    def learn(self, cell, r, line):
        me = cell.replica(r)
        if line.get("restored", 0) > me.prefix:
            self.actions["TeachSnapshot"] += 1
            cell.teach_snapshot(r, line["restored"])
        for j, value in line.get("delivered", ()):
            cell.values.setdefault(value["digest"], value_of(value))
            if j <= me.prefix:  # a restart delivers anew what follows the checkpoint
                if cell.log[j - 1] != value["digest"]:
                    raise Refused(f"Learn: slot {j} was chosen with another value")
                continue
            self.actions["Learn"] += 1
            cell.learn(r, j, value["digest"])
        if line["prefix"] != me.prefix:
            raise Refused(f"Learn: it knows {line['prefix']} slots, and was told {me.prefix}")

    def ask(self, cell, r, m):
        kind, b = m["message"], ballot_of(m["in"]) if "in" in m else None
        if kind == "prepare":
            if b not in cell.ballots:
                self.actions["StartPhaseOne"] += 1
                cell.start_phase_one(r, b)
            cell.ask(r, b, m["to"])
        elif kind == "accept":
            self.actions["Accept"] += 1
            cell.accept(r, b, m["slot"], value_of(m["value"]), m["to"])
        elif kind == "learned":
            self.actions["Learned"] += 1
            cell.learned(r, m["prefix"], m.get("durable", 0))
        elif kind == "confirm":
            self.actions["StartRead"] += 1
            cell.start_read(r, b, m["round"], m["to"], self.waiting[r])
        elif kind == "confirmed":
            self.actions["Confirmed"] += 1
            cell.confirmed(r, b, m["round"])


def verdict(lines, reads=CONFIRMED):
    """None if the run is accepted, else the reason; and how often each action was taken."""
    checker = Checker(lines, reads)
    if not lines:
        return EMPTY, checker.actions
    try:
        checker.run()
    except Refused as why:
        return str(why), checker.actions
    return None, checker.actions


def main():
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("--mutants", action="store_true", help="forge the run in every known way")
    arguments.add_argument("--leases", action="store_const", dest="reads", const=LEASED, default=CONFIRMED,
                           help="the run had leases on: a read may rest on one, instead of confirmations")
    arguments.add_argument("--seed", type=int, default=1, help="of the forgeries")
    arguments.add_argument("file")
    given = arguments.parse_args()
    with open(given.file, encoding="utf-8") as file:
        lines = [json.loads(line) for line in file]
    why, actions = verdict(lines, given.reads)
    print(", ".join(f"{name} {count}" for name, count in sorted(actions.items())))
    if why:
        print(f"{why}\nrefused")
        return 1
    if given.mutants:
        import change_mutants  # noqa: F401, registers its forgeries
        from trace_mutants import forge_all
        return forge_all(lines, given.seed, lambda forged: verdict(forged, given.reads))
    print("accepted")
    return 0


if __name__ == "__main__":
    sys.exit(main())
