"""The marking that a submission cannot reach: sandboxed kernel, answer channel, ledger.

`wire` is shared with the notebook's side; everything else here runs only in the grader's own process.
"""
