"""Forgeries of a run with changes of members, beside those of trace_mutants.py: each must be refused."""
import copy

from trace_mutants import first_accepts, forgery, sent


class Membership:
    """What the founding records and the delivered slots of a run determine: config(j) of each cell."""

    def __init__(self, lines):
        self.founded = {}
        self.values = {}
        for line in lines:
            if line["step"] == "began":
                self.founded.setdefault(line["cell"], (line["alpha"], line["members"]))
            for slot, value in line.get("delivered", ()):
                self.values.setdefault((line["cell"], slot), value)

    def configurations(self, cell):
        """Of slots 1, 2, ...: (made at, members), as far as they are known."""
        alpha, members = self.founded[cell]
        known = [(0, members)] * alpha
        while (value := self.values.get((cell, len(known) - alpha + 1))) is not None:
            is_change = value.get("kind") == 3 and value["base"] == known[-1][0]
            known.append((len(known) - alpha + 1, value["members"]) if is_change else known[-1])
        return known


def governed_anew(lines, ahead):
    """First requests in the first slot of a configuration, or in the one before: (line, position, the other one)."""
    story = Membership(lines)
    configurations = {cell: story.configurations(cell) for cell in story.founded}
    places = []
    for i, n in first_accepts(lines):
        known, slot = configurations[lines[i]["cell"]], lines[i]["sent"][n]["slot"]
        first = slot + ahead
        if 1 < first <= len(known) and known[first - 1] != known[first - 2]:
            places.append((i, n, known[first - 2 + ahead][1]))
    return places


@forgery(lambda lines: governed_anew(lines, 0))
def change_is_not_in_force(lines, place):
    i, n, before = place
    lines[i]["sent"][n]["to"] = before


@forgery(lambda lines: governed_anew(lines, 1))
def change_is_in_force_too_early(lines, place):
    i, n, after = place
    lines[i]["sent"][n]["to"] = after


@forgery(lambda lines: governed_anew(lines, 0))
def phase_one_is_not_extended(lines, place):
    """Of the members that govern anew, too few promised in that ballot."""
    i, n, before = place
    request = lines[i]["sent"][n]
    old = [r for r in request["to"] if r in before]
    silent = set(request["to"]) - set(old[: len(request["to"]) // 2])
    for line in lines[:i]:
        line["sent"] = [m for m in line.get("sent", ()) if not (
            m["message"] == "promise" and m["in"] == request["in"] and line["replica"] in silent)]


def in_force(lines):
    """Changes in whose configuration something was asked: (cell, slot)."""
    story = Membership(lines)
    made = {cell: story.configurations(cell) for cell in story.founded}
    return sorted({(lines[i]["cell"], made[lines[i]["cell"]][lines[i]["sent"][n]["slot"] - 1][0])
                   for i, n in first_accepts(lines)
                   if lines[i]["sent"][n]["slot"] <= len(made[lines[i]["cell"]])} - {(c, 0) for c in made})


def everywhere(lines, place, forge):
    """Forges a change in requests and deliveries, and keeps what everybody did because of it."""
    cell, slot = place
    for line in lines:
        if line["cell"] != cell:
            continue
        for m in line.get("sent", ()):
            if m["message"] == "accept" and m["slot"] == slot and m["value"].get("kind") == 3:
                forge(m["value"])
        for at, value in line.get("delivered", ()):
            if at == slot:
                forge(value)


@forgery(in_force)
def change_of_another_configuration_counts(lines, place):
    everywhere(lines, place, lambda value: value.update(base=value["base"] + 1))


@forgery(in_force)
def change_names_somebody_else(lines, place):
    everywhere(lines, place, lambda value: value.update(members=[*value["members"][:-1], "somebody else"]))


def releases(lines):
    """First requests for a release that phase 1 did not oblige to."""
    reported = {(m["in"], a["slot"]) for line in lines for m in line.get("sent", ()) if m["message"] == "promise"
                for a in m["accepted"]}
    return [(i, n) for i, n in first_accepts(lines) if lines[i]["sent"][n]["value"].get("kind") == 4
            and (lines[i]["sent"][n]["in"], lines[i]["sent"][n]["slot"]) not in reported]


@forgery(releases)
def release_without_reports(lines, place):
    for line in lines[: place[0]]:
        if line["cell"] != lines[place[0]]["cell"]:
            continue
        for m in line.get("sent", ()):
            if m["message"] == "learned":
                m["durable"] = 0
            elif m["message"] == "accepted":
                m["prefix"] = 0


@forgery(releases)
def release_of_another_slot(lines, place):
    i, n = place
    lines[i]["sent"][n]["value"]["of"] += 1


@forgery(releases)
def release_before_it_is_in_force(lines, place):
    i, n = place
    lines[i]["sent"][n]["value"]["of"] = lines[i]["prefix"]


def ends(lines):
    return [i for i, line in enumerate(lines) if line.get("retired")]


def before_the_end(lines):
    """The line of the same replica before it ends."""
    last, places = {}, []
    for i, line in enumerate(lines):
        if line.get("retired") and line["replica"] in last:
            places.append(last[line["replica"]])
        if line["step"] not in ("began", "came_back"):
            last[line["replica"]] = i
    return places


@forgery(before_the_end)
def removed_replica_ends_before_its_release(lines, place):
    lines[place]["retired"] = True


def ends_of_voters(lines):
    votes = {lines[i]["replica"]: (i, n) for i, n in sent(lines, "accepted")}
    return [(i, *votes[lines[i]["replica"]]) for i in ends(lines)
            if votes.get(lines[i]["replica"], (len(lines),))[0] < i]


@forgery(ends_of_voters)
def destroyed_replica_votes(lines, place):
    end, i, n = place
    lines.insert(end + 1, says(lines[end], copy.deepcopy(lines[i]["sent"][n])))


def says(line, message):
    fields = ("cell", "replica", "prefix", "promised")
    return {"step": "other", **{field: line[field] for field in fields}, "sent": [message]}


def newcomers(lines):
    return [i for i, line in enumerate(lines) if line["step"] == "began" and line["at"] > 0]


@forgery(newcomers)
def newcomer_begins_again(lines, place):
    lines.insert(place + 1, copy.deepcopy(lines[place]))


@forgery(newcomers)
def newcomer_knows_what_nobody_does(lines, place):
    lines[place]["at"] += 1_000


def newcomers_and_requests(lines):
    """Newcomers that never crash, and the last request in their cell before they came, if it was not sent to them.

    A crash may undo what nobody heard.
    """
    crashed = {line["replica"] for line in lines if line["step"] == "came_back"}
    requests, asked, places = {}, set(), []
    for i, line in enumerate(lines):
        last = requests.get(line["cell"])
        if line["step"] == "began" and line["at"] > 0 and last:
            if line["replica"] not in crashed and (last["in"], last["slot"], line["replica"]) not in asked:
                places.append((i, last))
        for m in line.get("sent", ()):
            if m["message"] == "accept":
                requests[line["cell"]] = m
                asked |= {(m["in"], m["slot"], r) for r in m["to"]}
    return places


@forgery(newcomers_and_requests)
def learner_votes(lines, place):
    i, request = place
    lines.insert(i + 1, says(lines[i], {"message": "accepted", "in": request["in"], "slot": request["slot"],
                                        "digest": request["value"]["digest"], "prefix": 0, "to": request["to"][:1],
                                        "leaves": "durable"}))


def ballots_of_others(lines):
    """Prepares, and a ballot that another replica of that cell used before."""
    used, places = {}, []
    for i, line in enumerate(lines):
        for n, m in enumerate(line.get("sent", ())):
            if m["message"] != "prepare":
                continue
            of_others = [b for b, r in used.items() if r[:1] == (line["cell"],) and r[1] != line["replica"]]
            if of_others:
                places.append((i, n, of_others[-1]))
            used[m["in"]] = (line["cell"], line["replica"])
    return places


@forgery(ballots_of_others)
def ballot_is_drawn_twice(lines, place):
    i, n, earlier = place
    lines[i]["sent"][n]["in"] = earlier
