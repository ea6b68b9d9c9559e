"""Variants that cannot differ are not run again, and nobody can tell."""

from __future__ import annotations

import pytest

from farm.simulate.model import Machines
from farm.simulate.policies import Policy, policies
from farm.simulate.runs import Yardstick, under_variants
from farm.simulate.setup import read_setup
from farm.simulate.variants import every_variant
from farm.simulate.workloads import suite

SETUP = read_setup()
OURS, ORIGINAL, *_ = policies(SETUP.limits, SETUP.idle_seconds)


@pytest.mark.parametrize("policy", [OURS, ORIGINAL], ids=lambda policy: policy.name)
def test_each_variant_has_the_outcome_of_its_own_run(policy: Policy) -> None:
    """The original is scaled in by tracking, so each of its variants has to be run."""
    (short,) = [workload for workload in suite(3) if workload.name == "100 x 10 s"]
    yardstick = Yardstick(short, Machines(), latency_seconds=SETUP.limits.acceptable_latency_seconds)
    variants = [variant for variant in every_variant() if variant.alarm_phase_seconds == 5][::2]
    found = under_variants(yardstick, policy, variants, 3)
    for behaviour, run in zip(variants, found.runs, strict=True):
        assert run.behaviour == behaviour
        assert run.criteria == yardstick.run(policy, behaviour, 3).criteria
    times_to_zero = {one.value for run in found.runs for one in run.criteria if one.name == "seconds to zero"}
    assert policy is OURS or len(times_to_zero) > 5
