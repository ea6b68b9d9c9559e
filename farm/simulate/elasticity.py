"""How well capacity followed demand: the elasticity metrics of the SPEC Research Group (Herbst et al.).

Accuracy is the mean number of machines too few or too many, the time share is of the run. Demand is what an
all-knowing observer needs, supply is the machines in service; both are looked at once a minute.
"""

from __future__ import annotations

from dataclasses import dataclass

from farm.simulate.model import Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Elasticity:
    too_few: float
    too_few_share: float
    too_many: float
    too_many_share: float


def elasticity(outcome: Outcome) -> Elasticity:
    gaps = [sample.needed - sample.in_service for sample in outcome.samples]
    moments = max(1, len(gaps))
    return Elasticity(
        too_few=sum(max(0, gap) for gap in gaps) / moments,
        too_few_share=sum(gap > 0 for gap in gaps) / moments,
        too_many=sum(max(0, -gap) for gap in gaps) / moments,
        too_many_share=sum(gap < 0 for gap in gaps) / moments,
    )
