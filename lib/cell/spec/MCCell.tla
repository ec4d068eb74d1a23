------------------------------- MODULE MCCell -------------------------------
(* The small worlds in which Cell is searched. The .cfg files choose among these. *)
EXTENDS Cell, TLC

\* One replica to a server, but a2: the id that server A drew when it came back.
Homes == "a" :> "A" @@ "b" :> "B" @@ "c" :> "C" @@ "d" :> "D" @@ "e" :> "E" @@ "a2" :> "A"
ServerOf == [r \in Replicas |-> Homes[r]]

\* Who may own which ballot. In two ballots the traps of PROTOCOL.md fit: an older proposer and a newer one.
OneA   == <<{"a"}>>
OneC   == <<{"c"}>>
CthenA == <<{"c"}, {"a"}>>
AthenB == <<{"a"}, {"b"}>>
BthenC == <<{"b"}, {"c"}>>
AthenC == <<{"a"}, {"c"}>>
AthenA2 == <<{"a"}, {"a2"}>>
ABC    == <<{"a"}, {"b"}, {"c"}>>

\* Whom the requests of each ballot reach. Tight ones keep a search to one story.
Everybody == [b \in Ballots |-> Replicas]
Reach_acd_bc == <<{"a", "c", "d"}, {"b", "c"}>>
Reach_ac_abc_ac == <<{"a", "c"}, {"a", "b", "c"}, {"a", "c"}>>
Reach_acde_bcde == <<{"a", "c", "d", "e"}, {"b", "c", "d", "e"}>>
Reach_bcd == <<{"b", "c", "d"}>>
Reach_bca2_bca2 == <<{"b", "c", "a2"}, {"b", "c", "a2"}>>
Reach_abd_bcd == <<{"a", "b", "d"}, {"b", "c", "d"}>>
Reach_cd_abd == <<{"b", "c", "d"}, {"a", "b", "d"}>>

\* Which changes may be proposed.
NoChange == {}
AtoD   == {[rem |-> {"a"}, add |-> {"d"}]}
BtoD   == {[rem |-> {"b"}, add |-> {"d"}]}
AtoA2  == {[rem |-> {"a"}, add |-> {"a2"}]}
Both   == {[rem |-> {"a"}, add |-> {"d"}], [rem |-> {"b"}, add |-> {"e"}]}
Grow   == {[rem |-> {}, add |-> {"b", "c"}]}
Shrink == {[rem |-> {"b", "c"}, add |-> {}]}
Two    == {[rem |-> {"b", "c"}, add |-> {"d", "e"}]}

\* What each ballot may propose of itself: one letter a slot, n nothing.
n == {}
w == {"write"}
c == {"change"}
r == {"release"}
any == {"write", "change", "release"}
Anything == [b \in Ballots |-> [j \in Slots |-> any]]
Plan_ww_cw == <<<<w, w>>, <<c, w>>>>
Plan_cw_nw == <<<<c, w>>, <<n, w>>>>
Plan_cr    == <<<<c, r>>>>
Plan_cr_w  == <<<<c, r>>, <<w, n>>>>
Plan_wc_c  == <<<<w, c>>, <<c, n>>>>
Plan_cww_w == <<<<c, w, w>>, <<n, n, w>>>>
Plan_cwr   == <<<<c, w, r>>>>
Plan_crw_nnw == <<<<c, r, w>>, <<n, n, w>>>>
Plan_cr_cr == <<<<c, r>>, <<c, r>>>>
Plan_ww_ww == <<<<w, w>>, <<w, w>>>>
Plan_ccww_nnnw == <<<<c, c, w, w>>, <<n, n, n, w>>>>
Plan_nnnw_cwww == <<<<n, n, n, w>>, <<c, w, w, w>>>>
Plan_cww_ww == <<<<c, w, w>>, <<n, w, w>>>>

\* Racks, of which a lawful configuration has at most one member each.
NoRacks == {}
DandE == {{"d", "e"}}
=============================================================================
