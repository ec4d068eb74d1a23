------------------------------- MODULE MCCell -------------------------------
(* The small worlds in which Cell is searched. The .cfg files choose among these. *)
EXTENDS Cell, TLC

\* One replica to a server, but a2: the id that server A drew when it came back.
Homes == "a" :> "A" @@ "b" :> "B" @@ "c" :> "C" @@ "d" :> "D" @@ "e" :> "E" @@ "a2" :> "A"
ServerOf == [r \in Replicas |-> Homes[r]]

\* Who may own which ballot. In two ballots the stories of traps.md fit: an older proposer, a newer one.
OneC  == <<{"c"}>>
CthenA == <<{"c"}, {"a"}>>
AthenB == <<{"a"}, {"b"}>>
BthenC == <<{"b"}, {"c"}>>
AthenC == <<{"a"}, {"c"}>>
ABthenC == <<{"a", "b"}, {"c"}>>
AnyTwo == <<{"a", "b"}, {"a", "c"}>>
CAC == <<{"c"}, {"a"}, {"c"}>>
ABC == <<{"a"}, {"b"}, {"c"}>>

\* Which changes may be proposed.
AtoD  == {[rem |-> {"a"}, add |-> {"d"}]}
BtoD  == {[rem |-> {"b"}, add |-> {"d"}]}
AtoA2 == {[rem |-> {"a"}, add |-> {"a2"}]}
Both  == {[rem |-> {"a"}, add |-> {"d"}], [rem |-> {"b"}, add |-> {"e"}]}
Grow  == {[rem |-> {}, add |-> {"b", "c"}]}
Shrink == {[rem |-> {"b", "c"}, add |-> {}]}
AddBC == {[rem |-> {}, add |-> {"d", "e"}]}
Two   == {[rem |-> {"b", "c"}, add |-> {"d", "e"}]}

NoChange == {}
NoRacks == {}
DandE == {{"d", "e"}}
=============================================================================
