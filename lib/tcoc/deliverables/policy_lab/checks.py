"""What the laboratory's report asserts."""

from tcoc.deliverables.policy_lab.score import METRICS
from tcoc.deliverables.registry import Check, Measured
from tcoc.study import Study


def _in_range(study: Study) -> Measured:
    """Shares that are below 0 or above 1, and errors that are negative."""
    frame = study.frame("policy_lab_scores")
    shares = frame[frame["metric"].isin(["right_sign", "false_penalty"])]["value"]
    return Measured(float((~shares.between(0, 1)).sum() + (frame["error"] < 0).sum()))


def _complete(study: Study) -> Measured:
    """Pairs of world and design without an error of payment."""
    frame = study.frame("policy_lab_scores")
    frame = frame[(frame["metric"] == "error") & (frame["size"] == "all")]
    wanted = frame["world"].nunique() * study.frame("policy_lab_designs")["policy"].nunique()
    return Measured(float(wanted - len(frame)))


def _worlds(study: Study) -> Measured:
    """How many worlds fewer than four decide."""
    worlds = study.frame("policy_lab_scores")["world"].nunique()
    return Measured(float(max(4 - worlds, 0)))


def _metrics(study: Study) -> Measured:
    found = set(study.frame("policy_lab_scores")["metric"])
    return Measured(float(len(set(METRICS) ^ found)))


CHECKS = (
    Check("scores_in_range", "R9", "Every share lies between 0 and 1.", _in_range),
    Check("every_design_everywhere", "R9", "Every design is scored in every world.", _complete),
    Check("several_worlds", "R9", "At least four worlds are scored.", _worlds),
    Check("every_measure", "R9", "Every measure is there.", _metrics),
)
