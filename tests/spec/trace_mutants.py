"""Forgeries of a run: what a broken core would have written. Each must be refused.

A forgery changes one line in a way that the specification forbids at that very place; the places are drawn
from a seed. So a checker that forgot a guard, or was written too kindly, accepts one and is found out.
"""
import copy
import pickle
import random

FORGERIES = {}
PLACES_MAX = 3  # of each forgery
LINES_MAX = 8_000  # of the run that is forged: its beginning


def forgery(places):
    """`places` lists where the forgery is an error: anything that the function it decorates takes."""
    def register(change):
        FORGERIES[change.__name__] = (places, change)
        return change
    return register


def sent(lines, kind, fits=lambda line, message: True):
    """Where such a message was sent by a replica that crashes no more: a crash may undo what nobody heard."""
    crashes = {line["replica"]: i for i, line in enumerate(lines) if line["step"] == "came_back"}
    return [(i, n) for i, line in enumerate(lines) for n, m in enumerate(line.get("sent", ()))
            if m["message"] == kind and fits(line, m) and i > crashes.get(line["replica"], -1)]


def number_of(ballot):
    return int(ballot.split(".")[0])


def first_accepts(lines):
    seen, places = set(), []
    for i, n in sent(lines, "accept"):
        m = lines[i]["sent"][n]
        key = (lines[i]["cell"], m["in"], m["slot"])
        if key not in seen:
            places.append((i, n))
        seen.add(key)
    return places


def answered_twice(lines):
    """Votes of replicas that voted in an earlier ballot: (place, earlier ballot)."""
    last, places = {}, []
    for i, n in sent(lines, "accepted"):
        m, r = lines[i]["sent"][n], lines[i]["replica"]
        if r in last and last[r] != m["in"] and number_of(last[r]) < number_of(m["in"]):
            places.append((i, n, last[r]))
        last[r] = m["in"]
    return places


@forgery(lambda lines: sent(lines, "promise", lambda line, m: m["accepted"]))
def promise_keeps_silent_about_a_vote(lines, place):
    i, n = place
    lines[i]["sent"][n]["accepted"].pop()


@forgery(lambda lines: sent(lines, "promise", lambda line, m: any(not a["chosen"] for a in m["accepted"])))
def promise_reports_another_value(lines, place):
    i, n = place
    next(a for a in lines[i]["sent"][n]["accepted"] if not a["chosen"])["value"]["digest"] = "forged"


@forgery(lambda lines: sent(lines, "promise"))
def promise_claims_a_longer_prefix(lines, place):
    i, n = place
    lines[i]["sent"][n]["prefix"] += 1


@forgery(answered_twice)
def vote_below_the_promise(lines, place):
    i, n, earlier = place
    lines[i]["sent"][n]["in"] = earlier


@forgery(lambda lines: sent(lines, "accepted"))
def vote_for_another_value(lines, place):
    i, n = place
    lines[i]["sent"][n]["digest"] = "forged"


@forgery(lambda lines: sent(lines, "accepted"))
def vote_where_nobody_asked(lines, place):
    i, n = place
    lines[i]["sent"][n]["slot"] += 50


@forgery(first_accepts)
def proposer_skips_a_slot(lines, place):
    i, n = place
    lines[i]["sent"][n]["slot"] += 1


@forgery(first_accepts)
def proposer_leaves_a_member_out(lines, place):
    i, n = place
    lines[i]["sent"][n]["to"].pop(0)  # the last one may be a learner


@forgery(first_accepts)
def proposer_uses_a_slot_twice(lines, place):
    i, n = place
    again = copy.deepcopy(lines[i]["sent"][n])
    again["value"]["digest"] = "forged"
    lines[i]["sent"].append(again)


@forgery(first_accepts)
def proposer_in_a_ballot_without_phase_one(lines, place):
    i, n = place
    number, rest = lines[i]["sent"][n]["in"].split(".", 1)
    lines[i]["sent"][n]["in"] = f"{int(number) + 1}.{rest}"


@forgery(lambda lines: first_accepts(lines))
def proposer_without_promises(lines, place):
    """All promises in its ballot but one are unheard and unsaid."""
    i, n = place
    ballot = lines[i]["sent"][n]["in"]
    kept = set()
    for line in lines[:i]:
        for m in list(line.get("sent", ())):
            if m["message"] == "promise" and m["in"] == ballot and len(kept | {line["replica"]}) > 1:
                line["sent"].remove(m)
            elif m["message"] == "promise" and m["in"] == ballot:
                kept.add(line["replica"])


def several_members(lines):
    return [p for p in first_accepts(lines) if len(lines[p[0]]["sent"][p[1]]["to"]) > 1]


FORGERIES["proposer_without_promises"] = (several_members, FORGERIES["proposer_without_promises"][1])


def adopted(lines):
    """First requests whose value was reported in that ballot by a promise."""
    reported, places = {}, []
    first = set(first_accepts(lines))
    for i, line in enumerate(lines):
        for n, m in enumerate(line.get("sent", ())):
            if m["message"] == "promise":
                for a in m["accepted"]:
                    key = (m["in"], a["slot"])
                    reported.setdefault(key, []).append((line["replica"], a["value"]["digest"]))
            elif (i, n) in first:
                votes = reported.get((m["in"], m["slot"]), [])
                if 2 * len({r for r, digest in votes if digest == m["value"]["digest"]}) > len(m["to"]):
                    places.append((i, n))
    return places


@forgery(adopted)
def proposer_ignores_what_was_chosen(lines, place):
    i, n = place
    lines[i]["sent"][n]["value"]["digest"] = "forged"


@forgery(lambda lines: [i for i, line in enumerate(lines) if line.get("delivered") and line["step"] != "other"])
def learner_delivers_another_value(lines, place):
    lines[place]["delivered"][-1][1]["digest"] = "forged"


@forgery(lambda lines: [i for i, line in enumerate(lines) if line.get("delivered") and line["step"] != "other"])
def learner_skips_a_slot(lines, place):
    lines[place]["delivered"][-1][0] += 1


def counted_from_several(lines):
    """Steps that deliver a slot for which several members had voted: a cell of one needs one vote."""
    voters, places = {}, []
    for i, line in enumerate(lines):
        delivered = line.get("delivered")
        if line["step"] == "accepted" and delivered and len(voters.get((line["cell"], delivered[-1][0]), ())) > 1:
            places.append(i)
        for m in line.get("sent", ()):
            if m["message"] == "accepted":
                voters.setdefault((line["cell"], m["slot"]), set()).add(line["replica"])
    return places


@forgery(counted_from_several)
def learner_counts_one_vote_too_few(lines, place):
    """The votes for the slot that this step delivers are said by one member only."""
    slot = lines[place]["delivered"][-1][0]
    cell = lines[place]["cell"]
    kept = set()
    for line in lines[:place]:
        if line["cell"] != cell:
            continue
        for m in list(line.get("sent", ())):
            if m["message"] == "accepted" and m["slot"] == slot:
                if kept - {line["replica"]}:
                    line["sent"].remove(m)
                kept.add(line["replica"]) if not kept else None


@forgery(lambda lines: sent(lines, "confirmed"))
def confirmation_of_another_ballot(lines, place):
    i, n = place
    number, rest = lines[i]["sent"][n]["in"].split(".", 1)
    lines[i]["sent"][n]["in"] = f"{int(number) + 1}.{rest}"


@forgery(lambda lines: [i for i, line in enumerate(lines) if line.get("reads")])
def read_without_a_quorum(lines, place):
    for line in lines[: place + 1]:
        if line["cell"] == lines[place]["cell"] and line["step"] == "confirmed":
            line["step"] = "other"


@forgery(lambda lines: [i for i, line in enumerate(lines) if line.get("reads") and line["prefix"] > 1])
def read_from_an_old_state(lines, place):
    lines[place]["reads"] = [[request, 0] for request, _ in lines[place]["reads"]]


@forgery(lambda lines: [i for i, line in enumerate(lines) if line["step"] == "came_back" and not line["quarantined"]
                        and line["promised"].split(".")[0] != "0"])
def restart_forgets_the_promise(lines, place):
    lines[place]["promised"] = "0.0.0"
    lines[place]["accepted"] = []


def restarts_after_a_durable_report(lines):
    reported, places = set(), []
    for i, line in enumerate(lines):
        if line["step"] == "came_back" and line["replica"] in reported and not line["quarantined"]:
            places.append(i)
        reported |= {line["replica"] for m in line.get("sent", ()) if m.get("durable", 0) > 0}
    return places


@forgery(restarts_after_a_durable_report)
def restart_forgets_what_it_reported(lines, place):
    lines[place]["prefix"] = 0


def ballots_of_two_lives(lines):
    """First prepares of a replica that used another ballot in an earlier life: (line, earlier ballot)."""
    used, lives, places = {}, {}, []
    for i, line in enumerate(lines):
        r = line["replica"]
        if line["step"] == "came_back":
            lives[r] = i
        for m in line.get("sent", ()):
            if m["message"] == "prepare":
                before = [b for b, at in used.get(r, {}).items() if at < lives.get(r, -1)]
                if before and m["in"] not in used[r]:
                    places.append((i, m["in"], before[-1]))
                used.setdefault(r, {}).setdefault(m["in"], i)
    return [p for p in places if any(m["message"] == "accept" and m["in"] == p[1]
                                     for line in lines for m in line.get("sent", ()))]


@forgery(ballots_of_two_lives)
def ballot_outlives_its_life(lines, place):
    _, now, before = place
    for line in lines:
        for m in (line.get("received", {}), *line.get("sent", ())):
            if m.get("in") == now:
                m["in"] = before


def forge_all(lines, seed, verdict):
    lines = lines[:LINES_MAX]
    original = pickle.dumps(lines)
    draw = random.Random(seed)
    kind_missed = forged_count = 0
    for name, (places, change) in FORGERIES.items():
        all_places = places(lines)
        drawn = draw.sample(all_places, min(PLACES_MAX, len(all_places)))
        missed = []
        for place in drawn:
            forged = pickle.loads(original)
            change(forged, place)
            if verdict(forged)[0] is None:
                missed.append(place)
        kind_missed += bool(missed)
        forged_count += len(drawn)
        print(f"{name}: {len(drawn) - len(missed)} of {len(drawn)} refused" + (f", not at {missed}" if missed else ""))
    if not forged_count:
        print("accepted: no forgery had a place")
        return 1
    print("accepted" if kind_missed else "refused: every forgery")
    return 1 if kind_missed else 0
