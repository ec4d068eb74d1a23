------------------------------ MODULE Directory ------------------------------
(***************************************************************************)
(* Which cell serves a key, how a cell is founded, how it ends and comes   *)
(* back, and what old messages, old traces and old clients can do then     *)
(* (PROTOCOL.md, Founding).                                                *)
(*                                                                         *)
(* Action names: Reserve (a server draws a replica id and makes it         *)
(* durable), Name (the conditional write in the directory cell), Found     *)
(* (one immutable founding record goes out), Create (a server acts on it), *)
(* Move (a member is replaced and, after the release, destroyed),          *)
(* Unname and Collect (the key is destroyed, then the traces), Request     *)
(* and Serve (a client with whatever view it has).                         *)
(*                                                                         *)
(* The cell itself is reduced to its first slot: a replica remembers what  *)
(* it knows of slot 1 (`knows`, 0 for nothing), Choose is one round in     *)
(* which a majority of the named members takes part, and a value that a    *)
(* member knows is adopted. What is asked is whether a majority can come   *)
(* together that does not know: that is amnesia, and forks the cell.       *)
(* Cell.tla is about everything after that.                                *)
(*                                                                         *)
(* The directory cell is a linearizable register per key; that it is one   *)
(* is Cell.tla's result. Two controllers work on one key without knowing   *)
(* of each other, and may be delayed at any point. Messages stay, as in    *)
(* Cell.tla. Bounds: ReservesMax replica ids, Cells, Generations births.   *)
(***************************************************************************)
EXTENDS Naturals, FiniteSets, TLC

CONSTANTS
    Servers,
    Size,        \* founders of a cell
    Controllers,
    ReservesMax, \* reservations in all
    Generations, \* births of the key in all
    MovesMax,
    Mutant

VARIABLES
    rooms,      \* server -> the replicas it holds: [id, state: "reserved" or "member", cell, gen, knows]
    drawn,      \* replica ids drawn so far; ids are 1, 2, 3, ...: never reused
    control,    \* controller -> what it is doing
    directory,  \* the key's entry: [cell, gen, live]
    founded,    \* sent: founding records [cell, gen, members: set of [server, id]]
    moved,      \* cell -> members that it released and lost since its founding
    joined,     \* cell -> members that it gained
    chosen,     \* cell -> values chosen in slot 1
    served,     \* [gen, cell]: a cell acknowledged a request for the key in a generation
    requests,   \* sent by clients: [cell, gen], what the client believed
    crossed     \* a request for one cell was executed by another
vars == <<rooms, drawn, control, directory, founded, moved, joined, chosen, served, requests, crossed>>

\* A controller draws the cell id at random; one per controller and birth stands for that.
CellOf(c, g) == [by |-> c, gen |-> g]
Cells == {CellOf(c, g) : c \in Controllers, g \in 1..Generations}
NoCell == [by |-> "nobody", gen |-> 0]
Idle == [phase |-> "idle", cell |-> NoCell, gen |-> 0, members |-> {}]

Init ==
    /\ rooms = [s \in Servers |-> {}]
    /\ drawn = 0
    /\ control = [c \in Controllers |-> Idle]
    /\ directory = [cell |-> NoCell, gen |-> 0, live |-> FALSE]
    /\ founded = {}
    /\ moved = [x \in Cells |-> {}]
    /\ joined = [x \in Cells |-> {}]
    /\ chosen = [x \in Cells |-> {}]
    /\ served = {}
    /\ requests = {}
    /\ crossed = FALSE

(* A controller sees that the key has no live cell and begins to found one. *)
Begin(c) ==
    /\ control[c].phase = "idle"
    /\ ~directory.live
    /\ directory.gen < Generations
    /\ control' = [control EXCEPT ![c] = [phase |-> "reserving", cell |-> CellOf(c, directory.gen + 1),
                                          gen |-> directory.gen + 1, members |-> {}]]
    /\ UNCHANGED <<rooms, drawn, directory, founded, moved, joined, chosen, served, requests, crossed>>

(* on(reserve): the server draws the id and makes it durable before anybody can name it. *)
Reserve(c, s) ==
    /\ control[c].phase = "reserving"
    /\ Cardinality(control[c].members) < Size
    /\ \A m \in control[c].members : m.server # s
    /\ drawn < ReservesMax
    /\ drawn' = drawn + 1
    /\ rooms' = IF Mutant = "FoundingWithoutReservation" THEN rooms
                ELSE [rooms EXCEPT ![s] = @ \cup {[id |-> drawn + 1, state |-> "reserved",
                                                   cell |-> control[c].cell, knows |-> 0]}]
    /\ control' = [control EXCEPT ![c].members = @ \cup {[server |-> s, id |-> drawn + 1]}]
    /\ UNCHANGED <<directory, founded, moved, joined, chosen, served, requests, crossed>>

(* One conditional write decides the cell id and the generation: no live cell, and the generation that was *)
(* read. The loser of a race ends here; its reservations are orphans, reported and never members.          *)
Name(c) ==
    /\ control[c].phase = "reserving"
    /\ Cardinality(control[c].members) = Size
    /\ IF \/ ~directory.live /\ directory.gen + 1 = control[c].gen
          \/ Mutant = "KeyIsIdentity"
       THEN /\ directory' = [cell |-> control[c].cell, gen |-> control[c].gen, live |-> TRUE]
            /\ control' = [control EXCEPT ![c].phase = "named"]
       ELSE /\ control' = [control EXCEPT ![c] = [Idle EXCEPT !.phase = "lost"]]
            /\ UNCHANGED directory
    /\ UNCHANGED <<rooms, drawn, founded, moved, joined, chosen, served, requests, crossed>>

(* The founding record: immutable, sent once the directory names the cell. *)
Found(c) ==
    /\ \/ control[c].phase = "named"
       \/ Mutant = "FoundBeforeName" /\ control[c].phase = "reserving" /\ Cardinality(control[c].members) = Size
    /\ founded' = founded \cup {[cell |-> control[c].cell, gen |-> control[c].gen, members |-> control[c].members]}
    /\ control' = [control EXCEPT ![c] = IF control[c].phase = "named" THEN Idle ELSE @]
    /\ UNCHANGED <<rooms, drawn, directory, moved, joined, chosen, served, requests, crossed>>

(* on(founding record): it may come late, and again. It turns exactly the reservation that it names into a *)
(* member, and finds it used, or absent, ever after.                                                       *)
Create(f, m) ==
    LET held == {x \in rooms[m.server] : x.id = m.id}
        anew == [id |-> m.id, state |-> "member", cell |-> f.cell, knows |-> 0]
    IN /\ m \in f.members
       /\ \/ \E x \in held : x.state = "reserved" /\ rooms' = [rooms EXCEPT ![m.server] = (@ \ {x}) \cup {anew}]
          \/ /\ Mutant = "FoundingWithoutReservation" /\ held = {}
             /\ rooms' = [rooms EXCEPT ![m.server] = @ \cup {anew}]
          \/ /\ Mutant = "FoundingResets" /\ \E x \in held : x.state = "member" /\ x.knows # 0
             /\ rooms' = [rooms EXCEPT ![m.server] = (@ \ held) \cup {anew}]
       /\ UNCHANGED <<drawn, control, directory, founded, moved, joined, chosen, served, requests, crossed>>

\* ---- the cell, reduced to its first slot -------------------------------------

Present(m, cell) == \E x \in rooms[m.server] : x.id = m.id /\ x.cell = cell /\ x.state = "member"
Replica(m) == CHOOSE x \in rooms[m.server] : x.id = m.id
Majority(Q, C) == Q \subseteq C /\ 2 * Cardinality(Q) > Cardinality(C)

(* What the members in Q believe of the configuration: who knows slot 1 and what followed knows who left   *)
(* and who came; who knows nothing goes by the founding record.                                            *)
Members(f, Q) == IF \E m \in Q : Replica(m).knows # 0 THEN (f.members \ moved[f.cell]) \cup joined[f.cell]
                 ELSE f.members

(* A round of a majority of members: it adopts what one of them knows, or takes the client's value. *)
Choose(f, Q, v) ==
    /\ \A m \in Q : Present(m, f.cell)
    /\ Majority(Q, Members(f, Q))
    /\ LET known == {Replica(m).knows : m \in Q} \ {0}
       IN IF known = {} THEN v \in 1..2 ELSE v \in known
    /\ chosen' = [chosen EXCEPT ![f.cell] = @ \cup {v}]
    /\ served' = served \cup {[cell |-> f.cell, gen |-> f.gen]}
    /\ rooms' = [s \in Servers |-> {IF \E m \in Q : m.server = s /\ m.id = x.id THEN [x EXCEPT !.knows = v] ELSE x
                                      : x \in rooms[s]}]
    /\ UNCHANGED <<drawn, control, directory, founded, moved, joined, requests, crossed>>

(* One member is replaced by a reserved newcomer that was taught, and destroyed on proof of the release: a *)
(* majority of the new configuration knows slot 1. (Chosen, in force, released: Cell.tla.)                 *)
Move(f, out, s) ==
    LET now == (f.members \ moved[f.cell]) \cup joined[f.cell]
        next == (now \ {out}) \cup {[server |-> s, id |-> drawn + 1]}
        value == CHOOSE v \in chosen[f.cell] : TRUE
        knowing == {m \in now : Present(m, f.cell) /\ Replica(m).knows # 0}
    IN /\ chosen[f.cell] # {} /\ out \in now /\ \A m \in now : m.server # s
       /\ Cardinality(moved[f.cell]) < MovesMax /\ drawn < ReservesMax
       /\ Majority(knowing, now)
       /\ Majority((knowing \ {out}) \cup {[server |-> s, id |-> drawn + 1]}, next)
       /\ drawn' = drawn + 1
       /\ moved' = [moved EXCEPT ![f.cell] = @ \cup {out}]
       /\ joined' = [joined EXCEPT ![f.cell] = (@ \ {out}) \cup {[server |-> s, id |-> drawn + 1]}]
       /\ rooms' = [t \in Servers |->
                      {x \in rooms[t] : ~(t = out.server /\ x.id = out.id)}
                      \cup (IF t = s THEN {[id |-> drawn + 1, state |-> "member", cell |-> f.cell, knows |-> value]}
                                     ELSE {})]
       /\ UNCHANGED <<control, directory, founded, chosen, served, requests, crossed>>

\* ---- the end of a key, and clients --------------------------------------------

(* The key is destroyed: again one conditional write. Its cell's traces are collected afterwards, at any   *)
(* time, each with cell id and generation.                                                                 *)
Unname ==
    /\ directory.live
    /\ directory' = [directory EXCEPT !.live = FALSE]
    /\ UNCHANGED <<rooms, drawn, control, founded, moved, joined, chosen, served, requests, crossed>>

Ended(cell) == directory.gen > cell.gen \/ (directory.cell = cell /\ ~directory.live)
Collect(s) ==
    /\ \E x \in rooms[s] :
          /\ \/ x.state = "member" /\ Ended(x.cell)
             \/ Mutant = "AbsenceIsEvidence" /\ x.state = "member" /\ x.knows = 0
          /\ rooms' = [rooms EXCEPT ![s] = @ \ {x}]
    /\ UNCHANGED <<drawn, control, directory, founded, moved, joined, chosen, served, requests, crossed>>

(* A client asks in the name of the cell that the directory told it, at any time later. *)
Request ==
    /\ directory.live
    /\ requests' = requests \cup {[cell |-> directory.cell, gen |-> directory.gen]}
    /\ UNCHANGED <<rooms, drawn, control, directory, founded, moved, joined, chosen, served, crossed>>
Serve(s, q) ==
    /\ \E x \in rooms[s] :
          /\ x.state = "member" /\ x.knows # 0
          /\ x.cell = q.cell \/ Mutant = "RequestByKey"
          /\ crossed' = (crossed \/ x.cell # q.cell)
    /\ UNCHANGED <<rooms, drawn, control, directory, founded, moved, joined, chosen, served, requests>>

Next ==
    \/ \E c \in Controllers : Begin(c) \/ Name(c) \/ Found(c) \/ \E s \in Servers : Reserve(c, s)
    \/ \E f \in founded :
          \/ \E m \in f.members : Create(f, m)
          \/ \E Q \in SUBSET (f.members \cup joined[f.cell]) : \E v \in 1..2 : Choose(f, Q, v)
          \/ \E out \in f.members \cup joined[f.cell], s \in Servers : Move(f, out, s)
    \/ Unname \/ Request
    \/ \E s \in Servers : Collect(s) \/ \E q \in requests : Serve(s, q)

Spec == Init /\ [][Next]_vars

\* ---- safety --------------------------------------------------------------------

(* A cell never chooses its first slot twice: founders that come back, delayed founding records and traces *)
(* that were collected never make a majority that does not know.                                           *)
NoAmnesia == \A x \in Cells : Cardinality(chosen[x]) <= 1

(* In one generation of the key at most one cell acknowledges anything. *)
OneCellPerGeneration == \A p, q \in served : p.gen = q.gen => p.cell = q.cell

(* Only a cell that the directory named ever acknowledged anything. *)
ServedWasNamed == \A p \in served : p.gen <= directory.gen

(* No replica id is in two places, or twice in one. *)
IdsAreUnique == \A s, t \in Servers : \A x \in rooms[s], y \in rooms[t] : x.id = y.id => s = t /\ x = y

(* A member of a cell that has not ended stays until the cell itself released it (C4). *)
MembersAreKept ==
    \A f \in founded : Ended(f.cell) \/ \A m \in (f.members \ moved[f.cell]) \cup joined[f.cell] :
                                            \E x \in rooms[m.server] : x.id = m.id

(* A client's request is executed by the cell that it was meant for, or by none. *)
RequestsDoNotCross == ~crossed

(* Servers are alike, and so are controllers. *)
Symmetry == Permutations(Servers) \cup Permutations(Controllers)
=============================================================================
