"""lib/cell/spec/Cell.tla as a machine that accepts or refuses one action at a time.

Transliterated by hand, action by action and under the same names; a guard here has the words of the guard
there. What differs: values are told apart by digest and not by the ballot that proposed them first, ballots
are (round, server, life), sets are as large as the run, and a refusal says which guard failed. The bounds of
the models (Plan, Learning, Reach, ...) bound nothing here.

One `Cell` is the state of one cell; `heard`, `chosen` and `configurations` are the observer's.
"""


from itertools import combinations


class Refused(Exception):
    """The specification has no such step."""


def require(condition, action, why):
    if not condition:
        raise Refused(f"{action}: {why}")


class Value:
    """What a slot holds, as far as the specification knows: a change, a release, or anything else."""

    def __init__(self, digest, kind="write", base=0, members=(), of=0):
        self.digest, self.kind = digest, kind
        self.base, self.members, self.of = base, frozenset(members), of


class Replica:
    """log, marks, told, promised, accepted of one replica."""

    def __init__(self):
        self.prefix = 0
        self.told = 0
        self.promised = None
        self.said = None  # of the promise: what others heard of
        self.accepted = {}  # slot -> (ballot, digest)
        self.marks = {}  # slot -> digest
        self.voted_by_mark = {}  # slot -> the acceptance that its journal holds still
        self.is_here = False  # it began; ids are reserved and named before
        self.gone = False


class Ballot:
    """leader, dead, reports, proposals, votes of one ballot."""

    def __init__(self, leader):
        self.leader = leader
        self.dead = False
        self.asked = set()
        self.reports = {}  # replica -> (prefix, {slot: (ballot, digest, is it known to be chosen)})
        self.received = set()  # whose reports reached the proposer
        self.proposals = {}  # slot -> digest
        self.addressed = {}  # slot -> whom it was sent to: learners hear of it too
        self.votes = {}  # slot -> replicas


class Read:
    """One round of confirmation for the strict reads of a proposer."""

    def __init__(self, ballot, at, asked, requests):
        self.ballot, self.at, self.asked, self.requests = ballot, at, asked, requests
        self.yes = set()


def is_quorum(voters, members):
    return 2 * len(members & set(voters)) > len(members)


class Cell:
    def __init__(self, alpha, founders):
        self.alpha = alpha
        self.values = {}  # digest -> Value
        self.replicas = {r: Replica() for r in founders}
        self.ballots = {}
        self.chosen = {}  # slot -> {digest: ballots}
        self.heard = 0  # the longest prefix that anybody ever knew
        self.log = []  # the values of slots 1 .. heard
        self.configurations = [(0, frozenset(founders))] * alpha  # of slots 1, 2, ...: (made at, members)
        self.floors = {}  # request -> what was chosen when it arrived
        self.reads = {}  # (ballot, round) -> Read
        self.contiguous = 0

    # ---- configurations

    def replica(self, r):
        return self.replicas.setdefault(r, Replica())  # reserved, outside every configuration: a learner

    def config(self, j):
        return self.configurations[j - 1][1]

    def knows_config(self, r, j):
        return j <= self.replica(r).prefix + self.alpha

    def newest(self, r):
        return self.configurations[self.replica(r).prefix + self.alpha - 1]

    def released_by(self, prefix):
        """The changes that the first `prefix` slots release."""
        return {self.values[v].of for v in self.log[:prefix] if v in self.values and self.values[v].kind == "release"}

    def append(self, digest):
        """Following: a change is void unless it names the newest configuration."""
        at, members = self.configurations[-1]
        value = self.values.get(digest, Value(digest))
        self.log.append(digest)
        if value.kind == "change" and value.base == at:
            at, members = len(self.log), value.members
        self.configurations.append((at, members))
        self.heard = len(self.log)

    # ---- proposers

    def stepped_down(self, b):
        ballot = self.ballots[b]
        leader = self.replica(ballot.leader)
        for j, digest in ballot.proposals.items():
            if j <= leader.prefix and self.log[j - 1] != digest:
                return True
            if leader.marks.get(j, digest) != digest:
                return True
        return False

    def require_leads(self, b, action):
        require(b in self.ballots, action, f"ballot {b} was never used in phase 1")
        ballot = self.ballots[b]
        leader = self.replica(ballot.leader)
        require(not leader.gone, action, "its proposer was destroyed")
        require(not ballot.dead, action, f"ballot {b} belongs to a life that ended (P1)")
        require(leader.promised is None or leader.promised <= b, action,
                f"its proposer promised {leader.promised}, and asks in {b}")
        require(all(c <= b or o.leader != ballot.leader for c, o in self.ballots.items()), action,
                f"its proposer has a higher ballot than {b}")
        require(not self.stepped_down(b), action, "its proposer was taught another value than its own (L3)")

    def next_slot(self, b):
        ballot = self.ballots[b]
        return max([self.replica(ballot.leader).prefix, *ballot.proposals]) + 1

    def obliged(self, b, j, digest, action):
        """Covering and Obliged: some quorum of promises covers j and leaves this value to be proposed.

        True if phase 1 found it, False if the proposer is free.
        """
        covering = {r: acc.get(j) for r, (prefix, acc) in self.ballots[b].reports.items() if prefix < j}
        members = self.config(j)
        require(is_quorum(covering, members), action,
                f"no quorum of config({j}) promised {b} and covers the slot (P2, P4)")
        for top in {a for a in covering.values() if a is not None and a[1] == digest}:
            below = [r for r, a in covering.items() if a is None or (a[2], a[0]) <= (top[2], top[0])]
            if is_quorum(below, members):
                return True
        if is_quorum([r for r, a in covering.items() if a is None], members):
            return False
        require(False, action, f"phase 1 obliges {b} to propose another value in slot {j} (P3)")

    # ---- actions

    def begin(self, r, prefix):
        """A reserved replica begins, as a founder or with a snapshot: TeachSnapshot to one that knows nothing.

        Reserve and Create of Directory.tla: it begins once, so that nothing it voted is ever forgotten.
        """
        me = self.replica(r)
        require(not me.is_here, "Create", "it was here before, and begins with an empty acceptor (Founding)")
        require(prefix <= self.heard, "TeachSnapshot", f"nobody ever knew {prefix} slots")
        me.is_here = True
        me.prefix = me.told = prefix

    def require_here(self, r, action):
        require(self.replica(r).is_here, action, "it never began")
        require(not self.replica(r).gone, action, "it was destroyed")

    def start_phase_one(self, r, b):
        require(b not in self.ballots, "StartPhaseOne", f"ballot {b} is in use")
        me = self.replica(r)
        require(me.promised is None or me.promised < b, "StartPhaseOne", f"{b} is not above {me.promised}")
        require(any(r in self.config(me.prefix + k) for k in range(1, self.alpha + 1)), "StartPhaseOne",
                "it is no member")
        self.ballots[b] = Ballot(r)

    def ask(self, r, b, to):
        """IsAsked: whoever governs a slot that the proposer could propose in."""
        require(self.ballots[b].leader == r, "Prepare", f"{b} belongs to another replica (P1)")
        known = self.configurations[: self.replica(r).prefix + self.alpha]
        require(all(any(q in c for _, c in known) for q in to), "Prepare", "it asks a stranger")
        self.ballots[b].asked |= set(to)

    def promise(self, r, b, prefix, reported):
        me = self.replica(r)
        self.require_here(r, "Promise")
        require(b in self.ballots and r in self.ballots[b].asked, "Promise", f"nobody asked in {b}")
        require(me.promised is None or me.promised <= b, "Promise", f"the promise goes down to {b} (A1)")
        require(prefix == me.prefix, "Promise", f"it reports the prefix {prefix} and knows {me.prefix}")
        for j in {*me.accepted, *me.marks, *reported}:
            if j > prefix:
                self.require_reported(r, me, j, reported.get(j))
        me.promised = me.said = b
        self.ballots[b].reports[r] = (prefix, reported)

    def silent_promise(self, r, b):
        """A promise in a ballot in which it was asked, and whose report nobody will ever see."""
        me = self.replica(r)
        require(me.promised is None or (b is not None and b >= me.promised), "Promise",
                f"it goes down from {me.promised} to {b} (A1, A2)")
        if b == me.promised:
            return
        require(b in self.ballots, "Promise", f"nobody ever used {b}")
        asked = self.ballots[b].asked.union(*self.ballots[b].addressed.values())
        require(r in asked, "Promise", f"nobody asked in {b}")
        me.promised = b

    def require_reported(self, r, me, j, report):
        require(report is not None, "Promise", f"it keeps silent about slot {j}")
        ballot, digest, is_chosen = report
        if is_chosen:
            self.mark(r, j, digest)
            return
        require(j not in me.marks, "Promise", f"it knows slot {j} to be chosen, and does not say so")
        held = [me.accepted.get(j), me.voted_by_mark.get(j)]
        require((ballot, digest) in held, "Promise",
                f"it reports {ballot} in slot {j}, and accepted {me.accepted.get(j)}")

    def accept(self, r, b, j, value, to):
        self.values.setdefault(value.digest, value)
        if b in self.ballots and j in self.ballots[b].proposals:
            require(self.ballots[b].leader == r, "Accept", f"{b} belongs to another replica (P1)")
            require(self.ballots[b].proposals[j] == value.digest, "Accept",
                    f"slot {j} has another value in {b} (Q2, P1)")
            self.ballots[b].addressed[j] |= set(to)
            return
        self.require_leads(b, "Accept")
        require(self.ballots[b].leader == r, "Accept", f"{b} belongs to another replica")
        require(j == self.next_slot(b), "Accept", f"the next slot is {self.next_slot(b)}")
        require(self.knows_config(r, j), "Accept", f"it knows {self.replica(r).prefix} slots (Q1)")
        require(self.config(j) <= set(to), "Accept", f"it does not ask config({j})")
        if not self.obliged(b, j, value.digest, "Accept"):
            self.require_offered(r, value)
        self.ballots[b].proposals[j] = value.digest
        self.ballots[b].addressed[j] = set(to)

    def require_offered(self, r, value):
        """ChangesOf and ReleasesOf. A change of another configuration than the newest is void: a write."""
        if value.kind == "release":
            self.require_releasable(r, value.of)
        at, members = self.newest(r)
        if value.kind == "change" and value.base == at:
            known = self.configurations[: self.replica(r).prefix + self.alpha]
            ever = frozenset().union(*(c for _, c in known))
            require(not (value.members - members) & ever, "Accept", "it adds a replica that was a member once")

    def require_releasable(self, r, i):
        require(i not in self.released_by(self.replica(r).prefix), "Accept", f"slot {i} is released already")
        require(i + self.alpha - 1 <= self.replica(r).prefix, "Accept", "released before it is in force")
        require(self.configurations[i + self.alpha - 1][0] == i, "Accept", f"slot {i} changed nothing")
        told = {q for q, state in self.replicas.items() if state.told >= i + self.alpha - 1}
        require(is_quorum(told, self.config(i + self.alpha)), "Accept",
                f"no quorum of config({i + self.alpha}) reported {i + self.alpha - 1} slots")

    def accepted(self, r, b, j, digest):
        me = self.replica(r)
        require(b in self.ballots and j in self.ballots[b].proposals, "Accepted", f"nobody asked in {b}")
        require(digest == self.ballots[b].proposals[j], "Accepted", f"another value was proposed in slot {j} (A3)")
        require(r in self.ballots[b].addressed[j], "Accepted", "it was not asked")
        self.require_here(r, "Accepted")
        votes = self.ballots[b].votes.setdefault(j, set())
        if r in votes and me.promised == b:
            return  # said again
        require(me.promised is None or me.promised <= b, "Accepted",
                f"it promised {me.promised} and accepts in {b} (A2)")
        require(j > me.prefix, "Accepted", f"slot {j} is known to be chosen (A5)")
        held = me.accepted.get(j)
        require(held is None or held[0] < b, "Accepted", f"it accepted in {held} before")
        require(me.marks.get(j, digest) == digest, "Accepted", f"another value is known to be chosen in slot {j} (A5)")
        if held and held[1] == digest and digest in self.chosen.get(j, {}):
            me.voted_by_mark[j] = held
        votes.add(r)
        me.promised = me.said = b
        me.accepted[j] = (b, digest)
        if is_quorum(votes, self.config(j)):
            self.choose(j, digest, b)

    def choose(self, j, digest, b):
        chosen = self.chosen.setdefault(j, {})
        chosen.setdefault(digest, set()).add(b)
        require(len(chosen) == 1, "Agreement", f"slot {j} is chosen with two values")
        while self.contiguous + 1 in self.chosen:
            self.contiguous += 1

    def learn(self, r, j, digest):
        """Count, Commit, Teach: the next slot, whoever told it."""
        me = self.replica(r)
        require(j == me.prefix + 1, "Learn", f"slot {j} follows slot {me.prefix}")
        self.require_known(r, j, digest, "Learn")
        self.require_here(r, "Learn")
        me.prefix = j
        me.marks.pop(j, None)
        if j > self.heard:
            self.append(digest)

    def require_known(self, r, j, digest, action):
        require(digest in self.chosen.get(j, {}), action, f"slot {j} is not chosen with this value")
        me = self.replica(r)
        counts = any(self.ballots[b].leader == r and not self.ballots[b].dead for b in self.chosen[j][digest])
        marked = any(q.marks.get(j) == digest for q in self.replicas.values())
        require(j <= self.heard or counts or marked or me.marks.get(j) == digest, action,
                f"nobody could have told that slot {j} is chosen")

    def mark(self, r, j, digest):
        """A slot above a gap."""
        me = self.replica(r)
        if me.marks.get(j) == digest:
            return
        self.require_known(r, j, digest, "Mark")
        me.marks[j] = digest

    def teach_snapshot(self, r, s):
        me = self.replica(r)
        require(me.prefix < s, "TeachSnapshot", f"it knows slot {s} already")
        require(s <= self.heard, "TeachSnapshot", f"nobody ever knew {s} slots")
        me.prefix = s
        me.marks = {j: v for j, v in me.marks.items() if j > s}

    def learned(self, r, prefix, durable):
        me = self.replica(r)
        require(max(prefix, durable) <= me.prefix, "Learned", f"it says {prefix} and knows {me.prefix}")
        me.told = max(me.told, durable)

    def destroy(self, r):
        """Its own log has a release of the change that removed it, or of a later one (C3, C4)."""
        me = self.replica(r)
        self.require_here(r, "Destroy")
        released = max(self.released_by(me.prefix), default=0)
        require(released > 0, "Destroy", "its log has no release")
        first_held = released + self.alpha
        require(any(r in c for _, c in self.configurations[: first_held - 1]), "Destroy", "it never was a member")
        known = self.configurations[first_held - 1 : me.prefix + self.alpha]
        require(all(r not in c for _, c in known), "Destroy", f"the release of slot {released} does not let go of it")
        me.gone = True
        self.require_destroyed_not_needed()

    def require_destroyed_not_needed(self):
        """DestroyedAreNotNeeded: whichever minority of each configuration that is held is lost besides."""
        released = max(self.released_by(self.heard), default=0)
        held = {c for _, c in self.configurations[released and released + self.alpha - 1 :]}
        gone = {q for q, state in self.replicas.items() if state.gone}
        everybody = sorted(frozenset().union(*held) - gone)
        knows = {q: state.told for q, state in self.replicas.items() if not state.gone}
        for lost in (set(s) for n in range(len(everybody)) for s in combinations(everybody, n)):
            if any(2 * len(lost & c) >= len(c) for c in held):
                continue
            known = max((knows[q] for q in everybody if q not in lost), default=0)
            for j in range(known + 1, len(self.configurations) + 1):
                left = set(everybody) - lost
                require(is_quorum(left, self.config(j)), "DestroyedAreNotNeeded",
                        f"without {sorted(lost)} nobody knows slot {j}, and no quorum is left to choose it")

    def crash(self, r, promised, prefix, held):
        """What came back: a promise, a prefix, and {slot: (ballot, digest, is it known to be chosen)}."""
        me = self.replica(r)
        for ballot in self.ballots.values():
            ballot.dead = ballot.dead or ballot.leader == r
        me.promised = me.said  # what it told nobody may be lost, or not
        self.silent_promise(r, promised)
        require(promised == me.promised, "Crash", f"the promise of {me.promised} is forgotten: {promised}")
        require(me.told <= prefix <= me.prefix, "Crash",
                f"it said that it knew {me.told} slots, or at most {me.prefix}: {prefix}")
        me.prefix = prefix
        me.marks = {}
        for j, (ballot, digest) in list(me.accepted.items()):
            if j > prefix:
                require(j in held, "Crash", f"its acceptance in slot {j} is forgotten")
                kept = held[j][:2] in ((ballot, digest), me.voted_by_mark.get(j)) or held[j][2]
                require(kept, "Crash", f"it accepted {ballot} in slot {j}, and finds {held[j]}")
        for j, (ballot, digest, is_chosen) in held.items():
            if is_chosen and j > prefix:
                self.mark(r, j, digest)

    # ---- strict reads

    def read_arrives(self, request):
        self.floors[request] = self.contiguous

    def start_read(self, r, b, number, to, requests):
        if (b, number) in self.reads:
            return  # asked again
        self.require_leads(b, "StartRead")
        ballot = self.ballots[b]
        reports = [ballot.reports[q] for q in ballot.received]
        found = [max([prefix, *acc]) for prefix, acc in reports]
        at = max([self.replica(r).prefix, *ballot.proposals, *found])
        require(self.knows_config(r, at + 1), "StartRead", f"config({at + 1}) is not known")
        require(is_quorum(ballot.received, self.config(at + 1)), "StartRead",
                f"phase 1 of config({at + 1}) is not complete (S2)")
        require(set(to) == self.config(at + 1), "StartRead", f"it does not ask config({at + 1}) (S2)")
        self.reads[b, number] = Read(b, at, frozenset(to), set(requests))

    def confirmed(self, r, b, number):
        require((b, number) in self.reads, "Confirmed", "nobody asked")
        me = self.replica(r)
        require(me.promised == b, "Confirmed", f"it promised {me.promised}")
        require(r in self.reads[b, number].asked, "Confirmed", "it was not asked")

    def hears_confirmed(self, r, b, number):
        if (b, number) in self.reads:
            self.reads[b, number].yes.add(r)

    def answer_leased_read(self, r, request, at):
        """No action of the specification, which has no time: only that the read misses nothing is asked."""
        require(at <= self.replica(r).prefix, "AnswerRead", f"slot {at} is not applied")
        self.require_fresh(request, at)

    def is_confirmed(self, request, at):
        rounds = [x for x in self.reads.values() if request in x.requests]
        return any(is_quorum(x.yes, x.asked) and x.at <= at for x in rounds)

    def answer_read(self, r, request, at):
        require(at <= self.replica(r).prefix, "AnswerRead", f"slot {at} is not applied")
        require(self.is_confirmed(request, at), "AnswerRead",
                "no quorum confirmed the ballot after it arrived (S3), or what it found is not applied (S4)")
        self.require_fresh(request, at)

    def require_fresh(self, request, at):
        """ReadsAreLinearizable."""
        require(self.floors[request] <= at, "AnswerRead",
                f"it misses what was acknowledged: {self.floors[request]} slots, answered from {at}")
