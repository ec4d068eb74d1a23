#!/usr/bin/env python3
"""What judges runs takes none for granted: a run without steps is refused, with forgeries and without, and a program
that writes no steps, or ends badly, fails whoever asked it for some.
"""
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
CHECKER = [sys.executable, "-B", HERE / "check_trace.py"]
SCENARIOS = [sys.executable, "-B", HERE / "scenarios_test.py"]


def says(command, expected):
    ended = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, text=True)
    right = ended.returncode == 1 and expected in ended.stdout
    print(f"{'passed' if right else 'FAILED'}: {' '.join(str(word) for word in command)}")
    if not right:
        print(ended.stdout)
    return right


def main():
    with tempfile.NamedTemporaryFile() as empty:
        right = [
            says([*CHECKER, empty.name], "a run without steps\nrefused\n"),
            says([*CHECKER, "--mutants", empty.name], "a run without steps\nrefused\n"),
            says([*SCENARIOS, "/bin/true", "first_command"], "FAILED: first_command: 0 steps, exit status 0"),
            says([HERE / "traces.sh", "/bin/true", "1", "1"], "a run without steps"),
            says([HERE / "traces.sh", "/bin/false", "1", "1"], "FAILED: zooid-sim --seed 1 --profile calm"),
        ]
    return 0 if all(right) else 1


if __name__ == "__main__":
    sys.exit(main())
