-------------------------------- MODULE Cell --------------------------------
(***************************************************************************)
(* One cell: Multi-Paxos over slots, members that change inside an         *)
(* alpha window, release and destruction of members, strict reads,         *)
(* crashes, and a network that loses, repeats and reorders.                *)
(*                                                                         *)
(* This is the reference that PROTOCOL.md and the code cite by action      *)
(* name: StartPhaseOne, Promise, Accept (the request, and the choice of    *)
(* its value), Accepted (the vote), Commit, Teach (slice), TeachSnapshot,  *)
(* StartRead, Confirmed, AnswerRead, Learned, Release (an Accept whose     *)
(* value is a release), Destroy, Crash.                                    *)
(*                                                                         *)
(* How the world is modelled                                               *)
(*  - A message once sent stays: `reports` holds phase 1 answers,          *)
(*    `proposals` phase 2 requests, `votes` phase 2 answers. Receiving     *)
(*    removes nothing, so repetition and reordering are there, and a       *)
(*    message that nobody acts on is lost. Requests whose content follows  *)
(*    from their sender's state (prepare, fetch, confirm) are not stored:  *)
(*    the receiver's action asks whether the sender may have sent it.      *)
(*  - Votes and promises are sent when durable (A4), so one step makes     *)
(*    both. What a replica merely learned may be lost by a crash, down to  *)
(*    what it reported as durable (`told`).                                *)
(*  - A ballot belongs to one replica in one life: it is taken once, and   *)
(*    Crash ends it for good (P1). That no ballot is drawn twice is an     *)
(*    assumption here, not a result: ballots are numbers, and none is free *)
(*    that was ever used. The code draws (round, server, life) and keeps   *)
(*    it true by `rounds_used`, when another replica of a cell comes to    *)
(*    a server in the life in which it destroyed the one before.           *)
(*    BallotDrawnTwice says what happens without.                          *)
(*    `Candidates` limits who may own which ballot; it bounds the model.   *)
(*  - A replica is an id that its server reserved (PROTOCOL.md, Founding). *)
(*    It is there from the start, perhaps outside every configuration      *)
(*    (then it is a learner), and ends by Destroy. How ids and founding    *)
(*    records come about is Directory.tla.                                 *)
(*  - A prepare that is repeated is answered again, with what is known     *)
(*    then, and the newer report takes the place of the older (Repeats).   *)
(*    Most models leave that out: the newer one differs only in votes of   *)
(*    that very ballot, which its proposer knows, in marks, and in a       *)
(*    higher prefix, which covers less.                                    *)
(*  - Slots may be known to be chosen above a gap: marks (WithMarks). A    *)
(*    mark outranks every ballot in a promise, and its slot is voted for   *)
(*    again only with the value that is marked (A5).                       *)
(*  - Requests go to config(j); in a model with LearnersAsked to all       *)
(*    others besides, as the code sends them to newcomers.                 *)
(*  - A proposer may use any quorum of the reports that it got, and may    *)
(*    stay ignorant of the others: that allows more than the code does.    *)
(*                                                                         *)
(* Bounds: MaxSlot slots, the ballots of Candidates, one read, at most     *)
(* CrashesMax crashes, each change of Changes at most once per ballot,     *)
(* Plan, Learning, Reach and Warm. They are guards of actions; there is no *)
(* state constraint besides, so each search ends by itself.                *)
(***************************************************************************)
EXTENDS Naturals, Sequences, FiniteSets

CONSTANTS
    Replicas,    \* replica ids, founders and later ones; never reused
    Founders,    \* the configuration of the founding record
    Server,      \* [Replicas -> servers]; two ids of one server are the ABA case
    Alpha,       \* a change chosen at slot i governs from slot i + Alpha
    MaxSlot,
    Candidates,  \* [1..n -> SUBSET Replicas]: who may own ballot b
    Changes,     \* the changes that may be proposed: [rem |-> set, add |-> set]
    Plan,        \* [b -> [j -> kinds]]: what ballot b may freely propose in slot j; what it is obliged to, it always may
    Learning,    \* replicas that are ever told what is chosen, besides proposers by counting; the others stay slow
    Reach,       \* [b -> replicas that ever get a request of ballot b]; the others' links are down
    Racks,       \* sets of replicas, of which a lawful configuration has at most one each
    Warm,        \* start when a quorum of founders has answered phase 1 of ballot 1; others still may
    MaxReads,    \* 0 or 1
    CrashesMax,
    WithSnapshots, \* whether TeachSnapshot is explored; Teach alone reaches the same states
    WithMarks,   \* whether slots are learned above a gap
    LearnersAsked, \* whether requests go to replicas outside the configuration, too
    Repeats,     \* whether prepares are answered again
    WithRelease, \* whether releases and Destroy are explored
    Eager,       \* for liveness: proposers prefer release, then change, and write only to fill slots
    Mutant       \* "none", or the name of one deliberate error; README.md lists them

Ballots == DOMAIN Candidates
Slots   == 1..MaxSlot
Nothing == <<>>

VARIABLES
    log,       \* learner: the contiguous prefix of chosen values, durable up to told
    marks,     \* learner: slots above the prefix that are known to be chosen; per slot a ballot with that value, 0 for none
    heard,     \* sent, slice: the longest prefix that anybody ever knew, and may have been teaching
    told,      \* learner: the prefix that was durable when it was last reported
    promised,  \* acceptor, durable
    accepted,  \* acceptor, durable: per slot the highest ballot that it accepted, 0 for none
    gone,      \* destroyed replicas
    leader,    \* the owner of each ballot that is in use
    dead,      \* ballots whose life has ended
    crashes,   \* how many crashes there were
    reports,   \* sent, promise: reports[b][r] holds the prefix and, above it, the ballots accepted
    proposals, \* sent, accept: proposals[b][j] holds the value (at most one) and the members it was sent to
    votes,     \* sent, accepted: votes[b][j] holds who accepted
    configs,   \* learner: config(1), config(2), ..., as far as the log determines them; follows from it
    chosen,    \* the observer's: per slot the ballots in which a quorum accepted; follows from votes
    read       \* the strict read under way

vars == <<log, marks, heard, told, promised, accepted, gone, leader, dead, crashes, reports, proposals, votes, configs, chosen, read>>

\* ---- configurations -------------------------------------------------------

Max(S) == CHOOSE x \in S : \A y \in S : y <= x
Min(S) == CHOOSE x \in S : \A y \in S : x <= y
Least(x, y) == IF x < y THEN x ELSE y
\* What the model leaves out is not even tried.
If(condition, S) == IF condition THEN S ELSE {}

(* config(j) is a function of the slots <= j - Alpha, and of nothing else (M1): `configs[r]` has           *)
(* Prefix(r) + Alpha elements, and learning slot n appends config(n + Alpha). An element says by which     *)
(* slot it was made. A change is conditional (M2): it names the slot of the configuration that it was      *)
(* computed from, and is void if that is not the newest one; the same on every replica.                    *)
Following(newest, n, v) ==
    IF v.kind = "change" /\ (v.base = newest.at \/ Mutant = "UnconditionalChange")
    THEN [at |-> n, members |-> (newest.members \ v.rem) \cup v.add]
    ELSE newest
Last(seq) == seq[Len(seq)]

RECURSIVE Extended(_, _, _)
Extended(known, n, values) ==
    IF values = <<>> THEN known
    ELSE Extended(Append(known, Following(Last(known), n, Head(values))), n + 1, Tail(values))
Founding == [j \in 1..Alpha |-> [at |-> 0, members |-> Founders]]

Governing(known, j) == CASE Mutant = "ChangeAtOnce" -> known[Least(j + Alpha - 1, Len(known))]
                         [] Mutant = "RunAhead"     -> known[Least(j, Len(known))]
                         [] OTHER                   -> known[j]
Config(r, j) == Governing(configs[r], j).members
Newest(r) == Last(configs[r])

Voters(r, j) == CASE Mutant = "UnionQuorum"  -> Config(r, j) \cup Newest(r).members
                  [] Mutant = "LearnerVotes" -> Replicas \ gone
                  [] OTHER                   -> Config(r, j)

(* A quorum is a majority of one configuration. Votes are counted by replica id. *)
IsQuorum(S, C) ==
    LET counted == IF Mutant = "VoteByServer" THEN {m \in C : \E s \in S : Server[s] = Server[m]} ELSE S \cap C
    IN IF Mutant \in {"UnionQuorum", "LearnerVotes"}
       THEN Cardinality(counted) > Cardinality(Founders) \div 2
       ELSE 2 * Cardinality(counted) > Cardinality(C)

\* ---- what is chosen (the observer's view) ---------------------------------

(* Q3: by a quorum of config(j), in one ballot. *)
Value(b, j) == (CHOOSE p \in proposals[b][j] : TRUE).v
ChosenAt(j) == {Value(b, j) : b \in chosen[j]}

RECURSIVE ContigFrom(_)
ContigFrom(j) == IF j <= MaxSlot /\ chosen[j] # {} THEN ContigFrom(j + 1) ELSE j - 1
Contig == ContigFrom(1)
ChosenLog == [j \in 1..Contig |-> CHOOSE v \in ChosenAt(j) : TRUE]
ChosenConfigs == Extended(Founding, 1, ChosenLog)

\* In a report, a slot that is marked stands above every ballot.
Marked(b) == 100 + b
Unmarked(x) == IF x > 100 THEN x - 100 ELSE x

\* ---- proposers ------------------------------------------------------------

\* Another replica of that server draws what the one that was destroyed there had used. Only a mutant does it.
MayRedraw(r, b) == Mutant = "BallotDrawnTwice" /\ leader[b] \in gone /\ Server[r] = Server[leader[b]] /\ b \notin dead
IsRedrawn(b) == Mutant = "BallotDrawnTwice" /\ leader[b] \notin Candidates[b] \cup {"nobody"}

Proposed(b) == {j \in Slots : proposals[b][j] # {}}
Reported(b) == {r \in Replicas : reports[b][r] # Nothing}
Prefix(r) == Len(log[r])

(* L3: a proposer that was taught another value for a slot that it proposed steps down. *)
SteppedDown(b) == /\ Mutant # "NoStepDown"
                  /\ \E j \in Proposed(b) :
                        IF j <= Prefix(leader[b]) THEN log[leader[b]][j] # Value(b, j)
                        ELSE marks[leader[b]][j] # 0 /\ Value(marks[leader[b]][j], j) # Value(b, j)

Leads(b) == /\ leader[b] # "nobody" /\ leader[b] \notin gone
            /\ promised[leader[b]] <= b
            /\ b \notin dead \/ Mutant = "BallotOutlivesLife"
            /\ \A c \in Ballots : c > b => leader[c] # leader[b]
            /\ ~SteppedDown(b)

(* Whom a proposer asks for promises: all members that govern slots which it could propose in. When it     *)
(* learns of a change it asks those that the change adds, in the same ballot: phase 1 is extended.         *)
IsAsked(proposer, r) ==
    \E j \in 1..(IF Mutant = "NoExtension" THEN Alpha ELSE Prefix(proposer) + Alpha) : r \in Voters(proposer, j)

(* quorum_promised(j): promises in b that cover j from a quorum of config(j), asked for each slot (P2).    *)
(* P4: a promise covers the slots above its prefix. What lies below is chosen: the proposer learns it, or  *)
(* proposes it again under a quorum of promises that cover it.                                             *)
Covering(b, j) ==
    LET r == leader[b]
        governed == CASE Mutant = "SkipExtension" -> Config(r, 1)
                      [] OTHER                    -> Voters(r, j)
    IN IF Mutant = "SkipPhaseOne" THEN {{}}
       ELSE {Q \in SUBSET {r2 \in Reported(b) : reports[b][r2].prefix < j \/ Mutant = "IgnorePrefix"} :
               IsQuorum(Q, governed)}

(* P3: a value that is known to be chosen, or that of the highest ballot; if there is none the proposer is free. *)
Obliged(b, Q, j) ==
    LET found == {reports[b][r].acc[j] : r \in Q} \ {0}
    IN IF found = {} THEN 0 ELSE IF Mutant = "LowestBallotValue" THEN Min(found) ELSE Unmarked(Max(found))

(* Q1, Q2: slots are proposed in order, once in a ballot, at most Alpha ahead of what is known. *)
NextSlot(b) == IF b \in dead \/ IsRedrawn(b) THEN Prefix(leader[b]) + 1 \* only a mutant gets here
               ELSE Max({Prefix(leader[b])} \cup Proposed(b)) + 1
Window == IF Mutant = "RunAhead" THEN MaxSlot ELSE Alpha

\* A write stands for a batch and for a no-op alike: something that changes no configuration.
Write(b) == [kind |-> "write", by |-> IF b \in dead \/ IsRedrawn(b) THEN 100 + b ELSE b]

(* A proposer offers only changes that are lawful for the configuration that it knows to be the newest;    *)
(* `base` names that one. Ids that were members once are never added again.                                *)
IsLawful(C) == \A rack \in Racks : Cardinality(C \cap rack) <= 1
EverMembers(r) == UNION {configs[r][j].members : j \in DOMAIN configs[r]}
OwnValues(b, kind) == {v \in {Value(b, j) : j \in Proposed(b)} : v.kind = kind}
ChangesOf(b) ==
    LET r == leader[b]
        now == Newest(r)
    IN {[kind |-> "change", by |-> b, base |-> now.at, rem |-> c.rem, add |-> c.add] :
          c \in {d \in Changes : /\ d.rem \subseteq now.members
                                 /\ d.add \cap EverMembers(r) = {}
                                 /\ IsLawful((now.members \ d.rem) \cup d.add)
                                 /\ \A o \in OwnValues(b, "change") : o.add # d.add}}

(* Release (C3): once a quorum of config(i + Alpha) reported a durable prefix >= i + Alpha - 1. *)
Told(r) == IF CrashesMax = 0 THEN Prefix(r) ELSE told[r]
ReleasesOf(b) ==
    LET r == leader[b]
        released == {log[r][k].of : k \in {k \in 1..Prefix(r) : log[r][k].kind = "release"}}
                    \cup {v.of : v \in OwnValues(b, "release")}
    IN IF ~WithRelease THEN {}
       ELSE {[kind |-> "release", by |-> b, of |-> i] :
              i \in {i \in 1..Prefix(r) :
                       /\ i \notin released
                       /\ configs[r][i + Alpha].at = i
                       /\ Prefix(r) >= i + Alpha - 1 \/ Mutant = "ReleaseTooEarly"
                       /\ \/ Mutant = "ReleaseTooEarly"
                          \/ IsQuorum({q \in Replicas : Told(q) >= i + Alpha - 1}, Config(r, i + Alpha))}}

(* What an eager proposer fills with no-ops: the slots before a change is in force, and holes below what     *)
(* phase 1 found.                                                                                          *)
ToFill(b) ==
    LET changed == {Newest(leader[b]).at} \cup {i \in Proposed(b) : Value(b, i).kind = "change"}
        found == {j \in Slots : \E r \in Reported(b) : reports[b][r].acc[j] # 0}
    IN 1..Max({0} \cup {i + Alpha - 1 : i \in changed \ {0}} \cup found)

Free(b, j) ==
    LET releases == IF "release" \in Plan[b][j] THEN ReleasesOf(b) ELSE {}
        changes == IF "change" \in Plan[b][j] THEN ChangesOf(b) ELSE {}
        writes == IF "write" \in Plan[b][j] THEN {Write(b)} ELSE {}
    IN IF ~Eager THEN writes \cup changes \cup releases
       ELSE IF releases # {} THEN releases
       ELSE IF changes # {} THEN changes
       ELSE IF j \in ToFill(b) /\ Mutant # "NoFill" THEN writes ELSE {}

\* ---- actions --------------------------------------------------------------

InitialLog ==
    /\ log = [r \in Replicas |-> <<>>]
    /\ marks = [r \in Replicas |-> [j \in Slots |-> 0]]
    /\ heard = <<>>
    /\ told = [r \in Replicas |-> 0]
    /\ accepted = [r \in Replicas |-> [j \in Slots |-> 0]]
    /\ gone = {}
    /\ dead = {}
    /\ crashes = 0
    /\ proposals = [b \in Ballots |-> [j \in Slots |-> {}]]
    /\ votes = [b \in Ballots |-> [j \in Slots |-> {}]]
    /\ configs = [r \in Replicas |-> Founding]
    /\ chosen = [j \in Slots |-> {}]
    /\ read = [kind |-> "idle"]

(* What no quorum of founders promised chooses nothing, and their first promises are answered before anything *)
(* else happened or commute with it: starting after them loses little, and saves much.                        *)
Init ==
    /\ InitialLog
    /\ \E r \in Candidates[1], Q \in (IF Warm THEN {S \in SUBSET Founders : IsQuorum(S, Founders)} ELSE {{}}) :
         /\ leader = [b \in Ballots |-> IF Warm /\ b = 1 THEN r ELSE "nobody"]
         /\ promised = [q \in Replicas |-> IF q \in Q THEN 1 ELSE 0]
         /\ reports = [b \in Ballots |-> [q \in Replicas |->
                         IF b = 1 /\ q \in Q THEN [prefix |-> 0, acc |-> [j \in Slots |-> 0]] ELSE Nothing]]

(* turn::start_phase_one: a member takes a fresh ballot. Its prepare is answered by Promise. *)
StartPhaseOne(r, b) ==
    /\ \/ leader[b] = "nobody" /\ r \in Candidates[b]
       \/ MayRedraw(r, b)
    /\ r \notin gone
    /\ promised[r] < b
    /\ \E k \in 1..Alpha : r \in Config(r, Prefix(r) + k)
    /\ leader' = [leader EXCEPT ![b] = r]
    /\ reports' = IF leader[b] = "nobody" THEN reports \* else they were addressed to another replica
                  ELSE [reports EXCEPT ![b] = [q \in Replicas |-> Nothing]]
    /\ UNCHANGED <<log, marks, heard, told, promised, accepted, gone, dead, crashes, proposals, votes, configs, chosen, read>>

(* on(prepare): the promise never goes down (A1); the report leaves when it is durable (A4). A member      *)
(* answers when it is addressed by its replica id, whether or not it learned of its promotion.             *)
Promise(r, b) ==
    LET returns == r \in gone /\ Mutant = "MessageCreates"
        acc == [j \in Slots |-> CASE returns \/ j <= Prefix(r) -> 0
                                  [] marks[r][j] # 0         -> Marked(marks[r][j])
                                  [] OTHER                   -> accepted[r][j]]
        report == [prefix |-> IF returns THEN 0 ELSE Prefix(r), acc |-> acc]
    IN /\ IF returns THEN TRUE ELSE promised[r] <= b
       /\ IF Repeats THEN reports[b][r] # report ELSE reports[b][r] = Nothing
       /\ leader[b] # "nobody"
       /\ IF returns THEN TRUE ELSE r \notin gone
       /\ IsAsked(leader[b], r)
       /\ promised' = [promised EXCEPT ![r] = b]
       /\ reports' = [reports EXCEPT ![b][r] = report]
       /\ accepted' = IF returns THEN [accepted EXCEPT ![r] = [j \in Slots |-> 0]] ELSE accepted
       /\ log' = IF returns THEN [log EXCEPT ![r] = <<>>] ELSE log
       /\ configs' = IF returns THEN [configs EXCEPT ![r] = Founding] ELSE configs
       /\ gone' = gone \ {r}
       /\ UNCHANGED <<marks, heard, told, leader, dead, crashes, proposals, votes, chosen, read>>

(* turn::propose_in_next_slot: the phase 2 request, to config(j). Adopts what phase 1 found, or proposes a *)
(* write, a no-op, a change, or a Release.                                                                 *)
Accept(b) ==
    /\ Leads(b)
    /\ LET r == leader[b]
           j == NextSlot(b)
       IN /\ j <= MaxSlot
          /\ j <= Prefix(r) + Window
          /\ \E Q \in Covering(b, j) :
               LET duty == Obliged(b, Q, j)
               IN \E v \in (IF duty = 0 THEN Free(b, j) ELSE {Value(duty, j)}) :
                    proposals' = [proposals EXCEPT ![b][j] = @ \cup {[v |-> v, to |-> Voters(r, j)]}]
    /\ UNCHANGED <<log, marks, heard, told, promised, accepted, gone, leader, dead, crashes, reports, votes, configs, chosen, read>>

(* on(accept): nothing below the promise, and accepting raises it (A2). One (slot, ballot) has one value   *)
(* (A3). What is known to be chosen is not voted on again (A5), but for a slot above a gap: its value gets *)
(* one more vote, which needs no record. A newcomer that catches up is sent requests as well (LearnersAsked) *)
(* and votes like anybody; whoever counts takes the members of config(j) alone.                            *)
Accepted(r, b, j) ==
    /\ proposals[b][j] # {}
    /\ promised[r] <= b
    /\ j > Prefix(r)
    /\ IF Mutant = "NoRaise" THEN accepted[r][j] # b ELSE accepted[r][j] < b
    /\ r \notin gone
    /\ IF marks[r][j] = 0 THEN TRUE ELSE r \notin votes[b][j] /\ Value(marks[r][j], j) = Value(b, j)
    /\ \E p \in proposals[b][j] :
         /\ r \in p.to \cup If(LearnersAsked, Replicas)
         /\ votes' = [votes EXCEPT ![b][j] = @ \cup {r}]
         /\ chosen' = IF IsQuorum(votes'[b][j], p.to) THEN [chosen EXCEPT ![j] = @ \cup {b}] ELSE chosen
    /\ promised' = IF Mutant = "NoRaise" THEN promised ELSE [promised EXCEPT ![r] = b]
    /\ accepted' = IF marks[r][j] = 0 THEN [accepted EXCEPT ![r][j] = b] ELSE accepted
    /\ UNCHANGED <<log, marks, heard, told, gone, leader, dead, crashes, reports, proposals, configs, read>>

\* ---- learning -------------------------------------------------------------

(* From slot n on, what r has marked; the prefix runs over it. *)
RECURSIVE MarkedFrom(_, _)
MarkedFrom(r, n) == IF n > MaxSlot \/ marks[r][n] = 0 THEN <<>>
                    ELSE <<Value(marks[r][n], n)>> \o MarkedFrom(r, n + 1)

(* r knows the slots that follow its prefix. What lay above a gap may follow now. *)
Learn(r, values, determined) ==
    LET known == Prefix(r) + Len(values)
        more  == IF WithMarks THEN MarkedFrom(r, known + 1) ELSE <<>>
    IN /\ log' = [log EXCEPT ![r] = @ \o values \o more]
       /\ heard' = IF Len(log'[r]) > Len(heard) THEN log'[r] ELSE heard
       /\ configs' = [configs EXCEPT ![r] = Extended(determined, known + 1, more)]
       /\ marks' = IF WithMarks THEN [marks EXCEPT ![r] = [j \in Slots |-> IF j <= known + Len(more) THEN 0 ELSE @[j]]]
                   ELSE marks
       /\ UNCHANGED <<told, promised, accepted, gone, leader, dead, crashes, reports, proposals, votes, chosen, read>>
LearnNext(r, v) == Learn(r, <<v>>, Extended(configs[r], Prefix(r) + 1, <<v>>))

(* r knows a slot above a gap. *)
Mark(r, j, b) ==
    /\ WithMarks
    /\ j > Prefix(r) + 1 /\ marks[r][j] = 0
    /\ marks' = [marks EXCEPT ![r][j] = b]
    /\ UNCHANGED <<log, heard, told, promised, accepted, gone, leader, dead, crashes, reports, proposals, votes, configs, chosen, read>>

(* on(accepted) at the proposer: a quorum of config(j) voted in this ballot. *)
Count(b) ==
    /\ leader[b] # "nobody" /\ leader[b] \notin gone /\ b \notin dead
    /\ \E j \in Prefix(leader[b]) + 1..MaxSlot :
         /\ b \in chosen[j]
         /\ IF j = Prefix(leader[b]) + 1 THEN LearnNext(leader[b], Value(b, j)) ELSE Mark(leader[b], j, b)

(* on(commit): what was accepted in exactly the sender's ballot is chosen. *)
Commit(b, r) ==
    /\ leader[b] # "nobody" /\ leader[b] # r
    /\ Prefix(leader[b]) > Prefix(r)
    /\ r \notin gone
    /\ ~SteppedDown(b)
    /\ \E j \in Prefix(r) + 1..Prefix(leader[b]) :
         /\ accepted[r][j] = b \/ (Mutant = "CommitAnyBallot" /\ accepted[r][j] > 0)
         /\ IF j = Prefix(r) + 1 THEN LearnNext(r, Value(accepted[r][j], j)) ELSE Mark(r, j, b)

(* on(fetch), on(slice): teaching outside the protocol, to members and learners; only what is chosen (T1). *)
(* Whoever taught it may have crashed and forgotten it, or be destroyed, by the time it arrives. Slices     *)
(* come out of order, and a single slot is taught to a proposer that asks for another value in it: that     *)
(* marks.                                                                                                  *)
Teach(r) ==
    /\ r \notin gone
    /\ LET j == Prefix(r) + 1
       IN \/ /\ j <= Len(heard)
             /\ \E v \in {log[q][j] : q \in {q \in Replicas : Prefix(q) >= j}} \cup {heard[j]} : LearnNext(r, v)
          \/ /\ Mutant = "TeachAccepted" /\ j <= MaxSlot
             /\ \E q \in Replicas \ {r} : accepted[q][j] > 0 /\ LearnNext(r, Value(accepted[q][j], j))
          \/ /\ WithMarks
             /\ \E n \in j + 1..Len(heard) :
                    Mark(r, n, Min({b \in Ballots : proposals[b][n] # {} /\ Value(b, n) = heard[n]}))
          \/ /\ WithMarks
             /\ \E q \in Replicas : \E n \in j..MaxSlot :
                    /\ marks[q][n] # 0
                    /\ IF n = j THEN LearnNext(r, Value(marks[q][n], n)) ELSE Mark(r, n, marks[q][n])

(* on(teach_snapshot): the state after slot s, with config(s + 1) .. config(s + Alpha), not "the"          *)
(* configuration. Promise and acceptances stay (T3).                                                       *)
TeachSnapshot(q, r) ==
    /\ q \notin gone /\ r \notin gone
    /\ LET s == Prefix(q)
       IN /\ s > Prefix(r)
          /\ Learn(r, SubSeq(log[q], Prefix(r) + 1, s),
                   IF Mutant = "SnapshotLosesWindow"
                   THEN [j \in 1..s + Alpha |-> configs[q][Least(j, s + 1)]]
                   ELSE configs[q])

(* learned(prefix): what I know, durably. *)
Learned(r) ==
    /\ r \notin gone /\ told[r] < Prefix(r)
    /\ told' = [told EXCEPT ![r] = Prefix(r)]
    /\ UNCHANGED <<log, marks, heard, promised, accepted, gone, leader, dead, crashes, reports, proposals, votes, configs, chosen, read>>

(* Only a release in the cell's own log lets a removed replica be destroyed (C4). It lets go of whom the   *)
(* change at its slot, and all changes before that one, removed. Whoever destroys a replica may have read  *)
(* that log at any other.                                                                                  *)
RemovedBy(r, q, i) == /\ r \notin configs[q][i + Alpha].members
                      /\ \E j \in 1..i + Alpha - 1 : r \in configs[q][j].members
Destroy(r) ==
    /\ r \notin gone
    /\ \/ \E q \in Replicas : \E k \in 1..Prefix(q) :
            log[q][k].kind = "release" /\ RemovedBy(r, q, log[q][k].of)
       \/ /\ Mutant = "EraseWhenRemoved"
          /\ r \in EverMembers(r) /\ r \notin Config(r, Prefix(r) + 1)
    /\ gone' = gone \cup {r}
    /\ UNCHANGED <<log, marks, heard, told, promised, accepted, leader, dead, crashes, reports, proposals, votes, configs, chosen, read>>

\* What a crash leaves of the log at least.
Kept(r) == IF Mutant = "ReportNotDurable" THEN 0 ELSE told[r]

(* The process dies: its ballots with it, and what it learned since it last reported. Promise and          *)
(* acceptances are read back from the journal (R1); marks may be lost.                                     *)
Crash(r) ==
    /\ crashes < CrashesMax
    /\ r \notin gone
    /\ crashes' = crashes + 1
    /\ dead' = dead \cup {b \in Ballots : leader[b] = r}
    /\ marks' = [marks EXCEPT ![r] = [j \in Slots |-> 0]]
    /\ \E k \in Kept(r)..Prefix(r) :
         /\ log' = [log EXCEPT ![r] = SubSeq(@, 1, k)]
         /\ configs' = [configs EXCEPT ![r] = SubSeq(@, 1, k + Alpha)]
    /\ promised' = IF Mutant = "ForgetPromise" THEN [promised EXCEPT ![r] = 0] ELSE promised
    /\ UNCHANGED <<heard, told, accepted, gone, leader, reports, proposals, votes, chosen, read>>

(* Strict reads, S1 to S4. `floor` is the observer's: all that was acknowledged by now. *)
StartRead(b) ==
    /\ read.kind = "idle"
    /\ Contig > 0 \* nothing can be missed before; spares states
    /\ Leads(b)
    /\ LET p == leader[b]
           own == {Prefix(p)} \cup Proposed(b)
           candidates == IF Mutant = "SkipPhaseOne" THEN {{}} ELSE SUBSET Reported(b)
       IN \E Q \in candidates :
            LET found == UNION {{reports[b][q].prefix} \cup {j \in Slots : reports[b][q].acc[j] # 0} : q \in Q}
                r == IF Mutant = "ReadIgnoresFound" THEN Max(own) ELSE Max(own \cup found)
                asked == IF Mutant = "ReadNewestConfig" THEN Newest(p).members ELSE Config(p, r + 1)
            IN /\ r + 1 <= Prefix(p) + Alpha
               /\ IsQuorum(Q, Config(p, r + 1))
               /\ read' = [kind |-> "asking", b |-> b, r |-> r, floor |-> Contig, asked |-> asked, yes |-> {}]
    /\ UNCHANGED <<log, marks, heard, told, promised, accepted, gone, leader, dead, crashes, reports, proposals, votes, configs, chosen>>

(* on(confirm): my promise is exactly b. *)
Confirmed(r, b) ==
    /\ read.kind = "asking"
    /\ read.b = b /\ promised[r] = b
    /\ r \in read.asked \ (gone \cup read.yes)
    /\ read' = [read EXCEPT !.yes = @ \cup {r}]
    /\ UNCHANGED <<log, marks, heard, told, promised, accepted, gone, leader, dead, crashes, reports, proposals, votes, configs, chosen>>

AnswerRead ==
    /\ read.kind = "asking"
    /\ read.b \notin dead /\ leader[read.b] \notin gone
    /\ IsQuorum(read.yes, read.asked) \/ Mutant = "ReadWithoutQuorum"
    /\ Prefix(leader[read.b]) >= read.r
    /\ read' = [kind |-> IF Prefix(leader[read.b]) >= read.floor THEN "answered" ELSE "stale"]
    /\ UNCHANGED <<log, marks, heard, told, promised, accepted, gone, leader, dead, crashes, reports, proposals, votes, configs, chosen>>

Next ==
    \/ \E b \in Ballots : \/ \E r \in Candidates[b] \cup {q \in Replicas : MayRedraw(q, b)} : StartPhaseOne(r, b)
                          \/ Accept(b)
                          \/ Count(b)
                          \/ \E r \in Reach[b] : Promise(r, b)
                          \/ \E r \in Reach[b] : \E j \in Slots : Accepted(r, b, j)
                          \/ \E r \in Reach[b] \cap Learning : Commit(b, r)
    \/ \E r \in Learning : Teach(r)
    \/ \E q \in If(WithSnapshots, Replicas) : \E r \in Learning : TeachSnapshot(q, r)
    \/ \E r \in If(WithRelease, Replicas) : Destroy(r)
    \/ \E r \in If(CrashesMax > 0, Replicas) : Learned(r) \/ Crash(r)
    \/ \E b \in If(MaxReads > 0, Ballots) : StartRead(b) \/ \E r \in Reach[b] : Confirmed(r, b)
    \/ \E n \in If(MaxReads > 0, {1}) : AnswerRead

Spec == Init /\ [][Next]_vars

(* What makes two states different: all that a later step, or an invariant, can depend on. Left out is     *)
(* what follows from the rest (chosen, configs), and what nobody will ever use again:                      *)
(*  - promises of a ballot that leads no more, or has proposed in every slot. Another promise in it would  *)
(*    do nothing but raise the promise of whoever makes it, and that is seen apart;                        *)
(*  - in the promises of a ballot that leads, what concerns slots that it is past;                         *)
(*  - who voted in a ballot, once a quorum did, or none ever will;                                         *)
(*  - acceptances at or below a durable prefix: they are neither reported nor overwritten (A5).            *)
(* Mutants that lower promises or exchange logs see everything.                                            *)
Fallback(r) == IF crashes < CrashesMax THEN Kept(r) ELSE Prefix(r)
ReportsThatMatter(b) ==
    IF leader[b] = "nobody" THEN reports[b]
    ELSE IF ~Leads(b) THEN "ended"
    ELSE LET n == NextSlot(b)
         IN IF n > MaxSlot /\ (MaxReads = 0 \/ read.kind # "idle") THEN "proposed everything"
            ELSE [r \in Replicas |->
                    IF reports[b][r] = Nothing THEN Nothing
                    ELSE <<IF reports[b][r].prefix < n THEN 0 ELSE reports[b][r].prefix,
                           [j \in n..MaxSlot |-> reports[b][r].acc[j]]>>]
VotesThatMatter(b, j) ==
    CASE b \in chosen[j]       -> "chosen"
      [] proposals[b][j] = {} -> "none"
      [] OTHER ->
           LET may == {r \in Replicas : \/ r \in votes[b][j]
                                        \/ /\ promised[r] <= b /\ r \notin gone
                                           /\ j > Fallback(r) /\ accepted[r][j] < b}
           IN IF \E p \in proposals[b][j] : IsQuorum(may, p.to) THEN votes[b][j] ELSE "never"
Essence ==
    IF Mutant \in {"ForgetPromise", "MessageCreates", "NoRaise", "BallotOutlivesLife", "TeachAccepted", "SnapshotLosesWindow", "BallotDrawnTwice"}
    THEN <<log, marks, IF crashes > 0 THEN heard ELSE <<>>, told, promised, accepted, gone, leader, dead, crashes, reports, proposals, votes, configs, read>>
    ELSE <<log, marks, IF crashes > 0 THEN heard ELSE <<>>, told, promised, gone, leader, dead, crashes, proposals, read,
           [b \in Ballots |-> ReportsThatMatter(b)],
           [b \in Ballots |-> [j \in Slots |-> VotesThatMatter(b, j)]],
           [r \in Replicas |-> [j \in Slots |-> IF j <= Fallback(r) THEN 0 ELSE accepted[r][j]]]>>

\* ---- safety ---------------------------------------------------------------

(* No slot is ever chosen with two values, and nobody believes otherwise. *)
Agreement == /\ \A j \in Slots : Cardinality(ChosenAt(j)) <= 1
             /\ \A r \in Replicas : /\ \A j \in 1..Prefix(r) : log[r][j] \in ChosenAt(j)
                                    /\ \A j \in Slots : marks[r][j] = 0 \/ Value(marks[r][j], j) \in ChosenAt(j)

(* A3, P1, Q2: one value for one (slot, ballot). *)
OneValuePerBallot == \A b \in Ballots : \A j \in Slots : Cardinality(proposals[b][j]) <= 1

(* A1, A2. *)
NothingAboveThePromise == Mutant # "none" \/ \A r \in Replicas : \A j \in Slots : accepted[r][j] <= promised[r]

(* A request for slot j, and so an acceptance, proves that all slots <= j - Alpha are chosen (P2). *)
AcceptanceProvesThePast == \A j \in Alpha + 1..MaxSlot : chosen[j - Alpha] # {} \/ \A b \in Ballots : proposals[b][j] = {}

(* Everybody who proposes in slot j asks config(j), as the chosen slots determine it. *)
OneConfiguration ==
    \A j \in Alpha + 1..MaxSlot : (\E b \in Ballots : proposals[b][j] # {}) =>
        LET determined == ChosenConfigs
        IN \A b \in Ballots : \A p \in proposals[b][j] : j \in DOMAIN determined => p.to = determined[j].members

(* A strict read sees what was acknowledged before it arrived. *)
ReadsAreLinearizable == read.kind # "stale"

(* Destroyed replicas are never needed: whichever minority of each configuration that is still held is     *)
(* lost besides, each slot is known to somebody who is left, or a quorum of its configuration is left to   *)
(* choose it. A configuration is held until a release lets go of it.                                       *)
FirstHeld == Max({1} \cup {ChosenLog[k].of + Alpha : k \in {k \in 1..Contig : ChosenLog[k].kind = "release"}})
DestroyedAreNotNeeded ==
    gone # {} =>
        LET known == ChosenConfigs
            held == {known[j].members : j \in FirstHeld..Contig + Alpha}
        IN \A lost \in SUBSET (Replicas \ gone) :
               (\A C \in held : 2 * Cardinality(lost \cap C) < Cardinality(C)) =>
                   LET left == Replicas \ (gone \cup lost)
                   IN \A j \in 1..Contig + Alpha :
                          \/ \E q \in left : Told(q) >= j /\ Prefix(q) >= j
                          \/ IsQuorum(left, known[j].members)

(* A change that is lawful where it was computed leads to a lawful configuration (trap 14). *)
ConfigurationsAreLawful == \A r \in Replicas : IsLawful(Newest(r).members)

\* ---- liveness -------------------------------------------------------------

(* With one last proposer, links that deliver in the end, and nobody lost, the change comes into force and *)
(* is released by no-ops and its own entries alone, the removed replica ends, all others know everything.  *)
(* Every action adds something for good, so that no behaviour goes on for ever: if whatever can happen     *)
(* does in the end, it rests in a state that has no successor. So Liveness says that the states without a  *)
(* successor are those in which all is done, and LiveSpec gives these a step: any other is a deadlock that *)
(* TLC reports. (Not with a VIEW, which hides steps.) FairSpec says the same as a temporal formula.        *)
Done == /\ \A r \in Replicas \ gone : Prefix(r) = MaxSlot
        /\ gone = UNION {c.rem : c \in Changes}
Rest == Done /\ UNCHANGED vars
LiveSpec == Init /\ [][Next \/ Rest]_vars

FairSpec == Spec /\ WF_vars(Next)
Liveness == <>[]Done
=============================================================================
