#!/usr/bin/env python3
"""What the scenarios of tests/cell/scenarios tell are runs of the specification.

    tests/spec/scenarios_test.py build/release/tests/scenario_runner [NAME...]

Plays each, or those that are named, and gives the steps to check_trace.py. A build with deliberate bugs also
plays one for each bug that breaks an action: it must be refused. A run without steps is a failure of either.
"""
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from check_trace import CONFIRMED, LEASED, verdict

SCENARIOS = Path(__file__).parent.parent / "cell" / "scenarios"

# What the specification does not have; tests/README.md says more.
OUTSIDE = {
    "healing_by_a_stranger": "a replica whose state was wrong votes again",
    "image_confirms_no_read": "a disk goes back in time",
    "image_counts_who_left": "a disk goes back in time",
    "image_holds_what_is_asked": "a disk goes back in time",
    "image_is_past_what_is_asked": "a disk goes back in time",
    "image_knows_old_members": "a disk goes back in time",
    "lease_asks_anew_after_a_change": "a disk goes back in time",
    "restored_disk_image": "a disk goes back in time",
    "rise_and_newcomer": "newer software goes on with what older software knew, and did not understand",
    "wiped_server_has_forgotten": "a disk goes back in time",
}

# Bugs that break an action, and the scenario in whose run that shows.
BUGS = {
    "accept_below_promise": "duelling_proposers",
    "accept_without_raising_promise": "three_proposers",
    "acknowledge_before_durable": "first_command",
    "adopt_lowest_ballot": "highest_ballot_is_adopted",
    "ballot_drawn_twice": "ballot_is_not_drawn_twice",
    "ballot_outlives_life": "promises_of_an_earlier_life",
    "change_governs_at_once": "reads_ask_the_configuration_after_them",
    "commit_any_ballot": "commit_of_another_ballot",
    "confirm_any_round": "confirmation_of_an_older_round",
    "count_acceptances_not_members": "learner_is_not_counted",
    "count_one_vote_too_few": "vote_of_an_earlier_life",
    "deliver_over_a_hole": "two_changes_in_one_window",
    "forget_acceptances_on_restart": "power_cut_of_all",
    "forget_promise_on_restart": "promise_survives_restart",
    "go_on_after_another_choice": "read_waits_for_its_slot",
    "healing_forgets_acceptances": "healing_keeps_votes",
    "healing_forgets_promise": "digest_mismatch",
    "ignore_reported_prefix": "who_knows_forgets",
    "lease_counts_from_receipt": "lease_counts_from_sending",
    "lease_ignores_epochs": "lease_of_an_earlier_epoch",
    "lease_ignores_members": "lease_asks_the_configuration_after_it",
    "read_below_found": "read_waits_for_what_phase_one_found",
    "read_without_quorum": "read_through_a_minority",
    "release_too_early": "release_waits_for_durable_prefixes",
    "report_prefix_not_durable": "reported_prefix_is_durable",
    "retire_when_removed": "removed_is_not_erasable",
    "reuse_slot": "pipeline_of_alpha",
    "run_ahead_of_alpha": "pipeline_of_alpha",
    "skip_extension": "phase_one_is_not_once_per_proposer",
    "skip_phase_one": "figure_eight",
    "snapshot_forgets_acceptances": "snapshot_keeps_votes",
    "snapshot_forgets_promise": "snapshot_keeps_votes",
    "teach_accepted": "figure_eight",
    "unconditional_change": "two_changes_in_one_window",
    "unreadable_is_empty": "unreadable_value_is_waited_for",
    "vote_counted_by_server": "successor_on_the_same_server_has_no_vote",
}


def steps_of(runner, name, options=()):
    with tempfile.NamedTemporaryFile() as steps:
        played = subprocess.run([runner, *options, "--steps", steps.name, SCENARIOS / f"{name}.txt"],
                                stdout=subprocess.PIPE, check=False)
        if played.returncode == 2:
            return None  # this build has no such deliberate bug
        lines = [json.loads(line) for line in steps.read().splitlines()]
        if not lines or played.returncode not in (0, 1):
            sys.exit(f"FAILED: {name}: {len(lines)} steps, exit status {played.returncode}")
        return lines


def has_leases(name):
    lines = (SCENARIOS / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    return any(line.startswith("cell ") and " lease " in line for line in lines)


def judge(runner, name, options=()):
    lines = steps_of(runner, name, options)
    return verdict(lines, LEASED if has_leases(name) else CONFIRMED)[0]


def main():
    runner, *names = sys.argv[1:]
    names = names or sorted(path.stem for path in SCENARIOS.glob("*.txt"))
    failed = 0
    for name in names:
        why = judge(runner, name)
        if bool(why) != (name in OUTSIDE):
            failed += 1
            print(f"FAILED: {name}: {why or 'accepted, though it is no run of the specification'}")
    for bug, name in BUGS.items():
        if steps_of(runner, name, ("--mutant", bug)) is None:
            continue
        why = judge(runner, name, ("--mutant", bug))
        failed += not why
        print(f"{bug}: {why or 'FAILED: accepted'}")
    print(f"{len(names)} scenarios, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
