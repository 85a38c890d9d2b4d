"""Exercises whose answer is no gradient, and one way to have any exercise judged.

judge(item, handed, respondent, seed) -> Verdict    whatever kind of exercise it is
verify(item, answer, seed)                          the same for an answer in this process
fault_of(item, seed)                                why it cannot be judged there; empty if it can
"""

from grading.answers.judging import Judged, fault_of, judge, verify

__all__ = ["Judged", "fault_of", "judge", "verify"]
