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
(*  - A ballot belongs to one life: Crash ends its ballots for good (P1).  *)
(*    `Candidates` limits who may own which ballot; it bounds the model.   *)
(*  - A replica is an id that its server reserved (decision 4). It is      *)
(*    there from the start, perhaps outside every configuration (then it   *)
(*    is a learner), and ends by Destroy. How ids and founding records     *)
(*    come about is Directory.tla.                                         *)
(*  - A prepare that is repeated is answered again by the code, with what  *)
(*    is known then. One report per (ballot, replica) is enough here: a    *)
(*    later one differs only in votes of that very ballot, which its       *)
(*    proposer knows, and in a higher prefix, which only asks more of it.  *)
(*  - A proposer may use any quorum of the reports that it got, and may    *)
(*    stay ignorant of the others: that allows more than the code does.    *)
(*                                                                         *)
(* Bounds: MaxSlot slots, the ballots of Candidates, one read, at most     *)
(* CrashesMax crashes, each change of Changes at most once per ballot,     *)
(* Plan, Learning and Warm. They are guards of actions; there is no state  *)
(* constraint besides, so each search ends by itself.                      *)
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
    Racks,       \* sets of replicas, of which a lawful configuration has at most one each
    Warm,        \* start when a quorum of founders has answered phase 1 of ballot 1; others still may
    MaxReads,    \* 0 or 1
    CrashesMax,
    WithSnapshots, \* whether TeachSnapshot is explored; Teach alone reaches the same states
    WithRelease, \* whether releases and Destroy are explored
    Eager,       \* for liveness: proposers prefer release, then change, then write
    Mutant       \* "none", or the name of one deliberate error; README.md lists them

Ballots == DOMAIN Candidates
Slots   == 1..MaxSlot
Nothing == <<>>

VARIABLES
    log,       \* learner: the contiguous prefix of chosen values, durable up to told
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

vars == <<log, told, promised, accepted, gone, leader, dead, crashes, reports, proposals, votes, configs, chosen, read>>

\* ---- configurations -------------------------------------------------------

Max(S) == CHOOSE x \in S : \A y \in S : y <= x
Min(S) == CHOOSE x \in S : \A y \in S : x <= y
Least(x, y) == IF x < y THEN x ELSE y

(* config(j) is a function of the slots <= j - Alpha, and of nothing else (decision 2): `configs[r]` has    *)
(* Prefix(r) + Alpha elements, and learning slot n appends config(n + Alpha). An element says by which     *)
(* slot it was made. A change is conditional (decision 5): it names the slot of the configuration that it  *)
(* was computed from, and is void if that is not the newest one; the same on every replica.                *)
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

\* ---- proposers ------------------------------------------------------------

Proposed(b) == {j \in Slots : proposals[b][j] # {}}
Reported(b) == {r \in Replicas : reports[b][r] # Nothing}
Prefix(r) == Len(log[r])

(* L3: a proposer that was taught another value for a slot that it proposed steps down. *)
SteppedDown(b) == /\ Mutant # "NoStepDown"
                  /\ \E j \in Proposed(b) : j <= Prefix(leader[b]) /\ log[leader[b]][j] # Value(b, j)

Leads(b) == /\ leader[b] \in Replicas \ gone
            /\ b \notin dead \/ Mutant = "BallotOutlivesLife"
            /\ promised[leader[b]] <= b
            /\ \A c \in Ballots : c > b => leader[c] # leader[b]
            /\ ~SteppedDown(b)

(* Whom a proposer asks for promises: all members that govern slots which it could propose in. When it     *)
(* learns of a change it asks those that the change adds, in the same ballot: phase 1 is extended.         *)
IsAsked(proposer, r) == \E j \in 1..Prefix(proposer) + Alpha : r \in Voters(proposer, j)

(* quorum_promised(j): promises in b that cover j from a quorum of config(j), asked for each slot (P2).    *)
(* P4: what a promise's prefix covers is learned before anything is proposed.                              *)
Covering(b, j) ==
    LET r == leader[b]
        governed == CASE Mutant = "SkipExtension" -> Config(r, 1)
                      [] OTHER                    -> Voters(r, j)
    IN IF Mutant = "SkipPhaseOne" THEN {{}}
       ELSE {Q \in SUBSET {r2 \in Reported(b) : reports[b][r2].prefix <= Prefix(r) \/ Mutant = "IgnorePrefix"} :
               IsQuorum(Q, governed)}

(* P3: the reported value of the highest ballot; if there is none the proposer is free. *)
Obliged(b, Q, j) ==
    LET found == {reports[b][r].acc[j] : r \in Q} \ {0}
    IN IF found = {} THEN 0 ELSE IF Mutant = "LowestBallotValue" THEN Min(found) ELSE Max(found)

(* Q1, Q2: slots are proposed in order, once in a ballot, at most Alpha ahead of what is known. *)
NextSlot(b) == IF b \in dead THEN Prefix(leader[b]) + 1 \* only a mutant gets here
               ELSE Max({Prefix(leader[b])} \cup Proposed(b)) + 1
Window == IF Mutant = "RunAhead" THEN MaxSlot ELSE Alpha

\* A write stands for a batch and for a no-op alike: something that changes no configuration.
Write(b) == [kind |-> "write", by |-> IF b \in dead THEN 100 + b ELSE b]

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

(* Release (decision 3): once a quorum of config(i + Alpha) reported a durable prefix >= i + Alpha - 1. *)
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

Free(b, j) ==
    LET releases == IF "release" \in Plan[b][j] THEN ReleasesOf(b) ELSE {}
        changes == IF "change" \in Plan[b][j] THEN ChangesOf(b) ELSE {}
        writes == IF "write" \in Plan[b][j] THEN {Write(b)} ELSE {}
    IN IF ~Eager THEN writes \cup changes \cup releases
       ELSE IF releases # {} THEN releases
       ELSE IF changes # {} THEN changes
       ELSE IF Mutant = "NoFill" THEN {} ELSE writes

\* ---- actions --------------------------------------------------------------

InitialLog ==
    /\ log = [r \in Replicas |-> <<>>]
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
    /\ leader[b] = "nobody"
    /\ r \in Candidates[b] \ gone
    /\ promised[r] < b
    /\ \E k \in 1..Alpha : r \in Config(r, Prefix(r) + k)
    /\ leader' = [leader EXCEPT ![b] = r]
    /\ UNCHANGED <<log, told, promised, accepted, gone, dead, crashes, reports, proposals, votes, configs, chosen, read>>

(* on(prepare): the promise never goes down (A1); the report leaves when it is durable (A4). A member      *)
(* answers when it is addressed by its replica id, whether or not it learned of its promotion.             *)
Promise(r, b) ==
    LET returns == r \in gone /\ Mutant = "MessageCreates"
        acc == [j \in Slots |-> IF returns \/ j <= Prefix(r) THEN 0 ELSE accepted[r][j]]
    IN /\ leader[b] \in Replicas
       /\ reports[b][r] = Nothing
       /\ promised[r] <= b \/ returns
       /\ r \notin gone \/ returns
       /\ IsAsked(leader[b], r)
       /\ promised' = [promised EXCEPT ![r] = b]
       /\ reports' = [reports EXCEPT ![b][r] = [prefix |-> IF returns THEN 0 ELSE Prefix(r), acc |-> acc]]
       /\ accepted' = IF returns THEN [accepted EXCEPT ![r] = [j \in Slots |-> 0]] ELSE accepted
       /\ log' = IF returns THEN [log EXCEPT ![r] = <<>>] ELSE log
       /\ configs' = IF returns THEN [configs EXCEPT ![r] = Founding] ELSE configs
       /\ gone' = gone \ {r}
       /\ told' = IF CrashesMax = 0 THEN told ELSE [told EXCEPT ![r] = Len(log'[r])]
       /\ UNCHANGED <<leader, dead, crashes, proposals, votes, chosen, read>>

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
    /\ UNCHANGED <<log, told, promised, accepted, gone, leader, dead, crashes, reports, votes, configs, chosen, read>>

(* on(accept): nothing below the promise, and accepting raises it (A2). One (slot, ballot) has one value   *)
(* (A3). What is known to be chosen is not voted on again (A5).                                            *)
Accepted(r, b, j) ==
    /\ proposals[b][j] # {}
    /\ promised[r] <= b
    /\ accepted[r][j] < b \/ (Mutant = "NoRaise" /\ accepted[r][j] # b)
    /\ j > Prefix(r)
    /\ r \notin gone
    /\ \E p \in proposals[b][j] :
         /\ r \in p.to
         /\ votes' = [votes EXCEPT ![b][j] = @ \cup {r}]
         /\ chosen' = IF IsQuorum(votes'[b][j], p.to) THEN [chosen EXCEPT ![j] = @ \cup {b}] ELSE chosen
    /\ promised' = IF Mutant = "NoRaise" THEN promised ELSE [promised EXCEPT ![r] = b]
    /\ accepted' = [accepted EXCEPT ![r][j] = b]
    /\ UNCHANGED <<log, told, gone, leader, dead, crashes, reports, proposals, configs, read>>

Learn(r, values, determined) ==
    /\ log' = [log EXCEPT ![r] = @ \o values]
    /\ configs' = [configs EXCEPT ![r] = determined]
    /\ UNCHANGED <<told, promised, accepted, gone, leader, dead, crashes, reports, proposals, votes, chosen, read>>
LearnNext(r, v) == Learn(r, <<v>>, Extended(configs[r], Prefix(r) + 1, <<v>>))

(* on(accepted) at the proposer: a quorum of config(j) voted in this ballot. *)
Count(b) ==
    /\ leader[b] \in Replicas \ gone /\ b \notin dead
    /\ LET j == Prefix(leader[b]) + 1
       IN j <= MaxSlot /\ b \in chosen[j] /\ LearnNext(leader[b], Value(b, j))

(* on(commit): what was accepted in exactly the sender's ballot is chosen. *)
Commit(b, r) ==
    /\ leader[b] \in Replicas \ {r} /\ r \in Learning \ gone
    /\ LET j == Prefix(r) + 1
       IN /\ j <= Prefix(leader[b])
          /\ ~SteppedDown(b)
          /\ accepted[r][j] = b \/ (Mutant = "CommitAnyBallot" /\ accepted[r][j] > 0)
          /\ LearnNext(r, Value(accepted[r][j], j))

(* on(fetch), on(slice): teaching outside the protocol, to members and learners; only what is chosen (T1). *)
Teach(r) ==
    /\ r \in Learning \ gone
    /\ LET j == Prefix(r) + 1
           others == Replicas \ (gone \cup {r})
       IN \/ \E v \in {log[q][j] : q \in {q \in others : Prefix(q) >= j}} : LearnNext(r, v)
          \/ /\ Mutant = "TeachAccepted" /\ j <= MaxSlot
             /\ \E q \in others : accepted[q][j] > 0 /\ LearnNext(r, Value(accepted[q][j], j))

(* on(teach_snapshot): the state after slot s, with config(s + 1) .. config(s + Alpha), not "the"          *)
(* configuration. Promise and acceptances stay (T3).                                                       *)
TeachSnapshot(q, r) ==
    /\ WithSnapshots \/ Mutant = "SnapshotLosesWindow"
    /\ q \notin gone /\ r \in Learning \ gone
    /\ LET s == Prefix(q)
       IN /\ s > Prefix(r)
          /\ Learn(r, SubSeq(log[q], Prefix(r) + 1, s),
                   IF Mutant = "SnapshotLosesWindow"
                   THEN [j \in 1..s + Alpha |-> configs[q][Least(j, s + 1)]]
                   ELSE configs[q])

(* learned(prefix): what I know, durably. *)
Learned(r) ==
    /\ CrashesMax > 0
    /\ r \notin gone /\ told[r] < Prefix(r)
    /\ told' = [told EXCEPT ![r] = Prefix(r)]
    /\ UNCHANGED <<log, promised, accepted, gone, leader, dead, crashes, reports, proposals, votes, configs, chosen, read>>

(* Only a release in the cell's own log lets a removed replica be destroyed (decisions 3, 5). Whoever      *)
(* destroys it may have read that log at any replica.                                                      *)
RemovedBy(r, q, i) == r \in configs[q][i + Alpha - 1].members /\ r \notin configs[q][i + Alpha].members
Destroy(r) ==
    /\ WithRelease /\ r \notin gone
    /\ \/ \E q \in Replicas : \E k \in 1..Prefix(q) :
            log[q][k].kind = "release" /\ RemovedBy(r, q, log[q][k].of)
       \/ /\ Mutant = "EraseWhenRemoved"
          /\ r \in EverMembers(r) /\ r \notin Config(r, Prefix(r) + 1)
    /\ gone' = gone \cup {r}
    /\ UNCHANGED <<log, told, promised, accepted, leader, dead, crashes, reports, proposals, votes, configs, chosen, read>>

(* The process dies: its ballots with it, and what it learned since it last reported. Promise and          *)
(* acceptances are read back from the journal (R1).                                                        *)
Crash(r) ==
    /\ crashes < CrashesMax
    /\ r \notin gone
    /\ crashes' = crashes + 1
    /\ dead' = dead \cup {b \in Ballots : leader[b] = r}
    /\ \E k \in (IF Mutant = "ReportNotDurable" THEN 0 ELSE told[r])..Prefix(r) :
         /\ log' = [log EXCEPT ![r] = SubSeq(@, 1, k)]
         /\ configs' = [configs EXCEPT ![r] = SubSeq(@, 1, k + Alpha)]
    /\ promised' = IF Mutant = "ForgetPromise" THEN [promised EXCEPT ![r] = 0] ELSE promised
    /\ UNCHANGED <<told, accepted, gone, leader, reports, proposals, votes, chosen, read>>

(* Strict reads (decision 7), S1 to S4. `floor` is the observer's: all that was acknowledged by now. *)
StartRead(b) ==
    /\ MaxReads > 0 /\ read.kind = "idle"
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
    /\ UNCHANGED <<log, told, promised, accepted, gone, leader, dead, crashes, reports, proposals, votes, configs, chosen>>

(* on(confirm): my promise is exactly b. *)
Confirmed(r) ==
    /\ read.kind = "asking"
    /\ r \in read.asked \ (gone \cup read.yes)
    /\ promised[r] = read.b
    /\ read' = [read EXCEPT !.yes = @ \cup {r}]
    /\ UNCHANGED <<log, told, promised, accepted, gone, leader, dead, crashes, reports, proposals, votes, configs, chosen>>

AnswerRead ==
    /\ read.kind = "asking"
    /\ read.b \notin dead /\ leader[read.b] \notin gone
    /\ IsQuorum(read.yes, read.asked) \/ Mutant = "ReadWithoutQuorum"
    /\ Prefix(leader[read.b]) >= read.r
    /\ read' = [kind |-> IF Prefix(leader[read.b]) >= read.floor THEN "answered" ELSE "stale"]
    /\ UNCHANGED <<log, told, promised, accepted, gone, leader, dead, crashes, reports, proposals, votes, configs, chosen>>

Next ==
    \/ \E b \in Ballots : \/ \E r \in Candidates[b] : StartPhaseOne(r, b)
                          \/ Accept(b)
                          \/ StartRead(b)
                          \/ Count(b)
                          \/ \E j \in Slots : \E r \in Replicas : Accepted(r, b, j)
                          \/ \E r \in Replicas : Promise(r, b) \/ Commit(b, r)
    \/ \E r \in Replicas : Teach(r) \/ \E q \in Replicas : TeachSnapshot(q, r)
    \/ \E r \in Replicas : Learned(r) \/ Destroy(r) \/ Crash(r) \/ Confirmed(r)
    \/ AnswerRead

Spec == Init /\ [][Next]_vars

(* What makes two states different. `configs` follows from the logs, `chosen` and `accepted` from the      *)
(* votes; mutants break that.                                                                              *)
Essence == IF Mutant = "none"
           THEN <<log, told, promised, gone, leader, dead, crashes, reports, proposals, votes, read>>
           ELSE <<log, told, promised, accepted, gone, leader, dead, crashes, reports, proposals, votes, configs, read>>

\* ---- safety ---------------------------------------------------------------

(* No slot is ever chosen with two values, and nobody believes otherwise. *)
Agreement == /\ \A j \in Slots : Cardinality(ChosenAt(j)) <= 1
             /\ \A r \in Replicas : \A j \in 1..Prefix(r) : log[r][j] \in ChosenAt(j)

(* A3, P1, Q2: one value for one (slot, ballot). *)
OneValuePerBallot == \A b \in Ballots : \A j \in Slots : Cardinality(proposals[b][j]) <= 1

(* A1, A2. *)
NothingAboveThePromise == Mutant # "none" \/ \A r \in Replicas : \A j \in Slots : accepted[r][j] <= promised[r]

(* Everybody who knows enough computes the same config(j). *)
OneConfiguration == \A j \in Slots : Cardinality({p.to : p \in UNION {proposals[b][j] : b \in Ballots}}) <= 1

(* An acceptance for slot j proves that all slots <= j - Alpha are chosen (decision 2). *)
AcceptanceProvesThePast == \A b \in Ballots : \A j \in Slots : votes[b][j] = {} \/ j <= Contig + Alpha

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
                          \/ \E q \in left : Told(q) >= j
                          \/ IsQuorum(left, known[j].members)

(* A change that is lawful where it was computed leads to a lawful configuration (trap 14). *)
ConfigurationsAreLawful == \A r \in Replicas : IsLawful(Newest(r).members)

\* ---- liveness -------------------------------------------------------------

(* With one last proposer, fair links, and nobody lost, every slot fills: the change comes into force and  *)
(* is released by no-ops and its own entries alone, the removed replica ends, all others know everything.  *)
Fairness ==
    /\ \A b \in Ballots : /\ WF_vars(\E r \in Candidates[b] : StartPhaseOne(r, b))
                          /\ WF_vars(Accept(b)) /\ WF_vars(Count(b))
                          /\ \A r \in Replicas : WF_vars(Promise(r, b))
    /\ \A r \in Replicas : /\ \A b \in Ballots : \A j \in Slots : WF_vars(Accepted(r, b, j))
                           /\ WF_vars(Teach(r))
                           /\ WF_vars(Destroy(r))
                           /\ WF_vars(Learned(r))
FairSpec == Spec /\ Fairness

AllIsLearned == <>[](\A r \in Replicas \ gone : Prefix(r) = MaxSlot)
RemovedEnd == <>[](gone = UNION {c.rem : c \in Changes})
=============================================================================
