"""The marking that a submission cannot reach: sandboxed kernel, answer channel, ledger. Runs in the grader."""
