"""The sandbox `bubblewrap`: namespaces, no network, a read-only system, limits; no Docker.

    inspect eval tasks/agentic_misalignment.py --sandbox bubblewrap

One jail a sample, which lives in memory alone. Its first process, `supervisor.py`, runs commands, reads and writes
files for `jail.py` on the outside, and ends with it; so a killed evaluation leaves neither processes nor folders.
`sandbox.py` is the Inspect provider, `seccomp.py` the list of system calls that a jail has no use for.
"""
