"""The price list that is written here."""

from __future__ import annotations

import pytest

from contract.prices import list_price, mean_list_price
from tests.support.synthesized import default_variables


@pytest.mark.parametrize(
    ("instance_type", "dollars"),
    [
        ("m6i.2xlarge", 0.384),
        ("m5a.2xlarge", 0.344),
        ("m7i.2xlarge", 0.4032),
        ("c6i.xlarge", 0.17),
        ("m5.large", 0.096),
        ("c5.18xlarge", 3.06),
        ("r5.24xlarge", 6.048),
        ("m6id.2xlarge", 0.4746),
        ("c6in.4xlarge", 0.9072),
        ("m7i-flex.2xlarge", 0.38304),
        ("r6idn.32xlarge", 12.50496),
        ("m5n.xlarge", 0.238),
        ("m8i.2xlarge", 0.42336),
        ("m5zn.xlarge", 0.3303),
        ("m7a.medium", 0.05796),
    ],
)
def test_what_aws_lists(instance_type: str, dollars: float) -> None:
    assert list_price(instance_type) == round(dollars * 1_000_000)


@pytest.mark.parametrize(
    ("instance_type", "like"),
    [
        ("m9i.2xlarge", "m5zn.2xlarge"),
        ("c4.large", "c6in.large"),
        ("c7g.xlarge", "c6in.xlarge"),
        ("r9idn-flex.xlarge", "r6idn.xlarge"),
    ],
)
def test_another_family_costs_what_the_dearest_of_its_letter_does(instance_type: str, like: str) -> None:
    assert list_price(instance_type) == list_price(like) > 0


OF_NO_PRICE = ("", "laptop", "g5.xlarge", "m6i.metal", "m6i.", "m7i.metal-24xl", "cr1.8xlarge", "t3.large")


@pytest.mark.parametrize("nothing", OF_NO_PRICE)
def test_of_others_nothing_is_known(nothing: str) -> None:
    assert list_price(nothing) == 0


def test_every_default_type_has_a_price() -> None:
    assert all(map(list_price, default_variables()["instance_types"].split(",")))


def test_the_mean_is_of_those_that_are_known() -> None:
    assert mean_list_price(["m6i.2xlarge", "g5.xlarge", "m5a.2xlarge"]) == 364_000
    assert mean_list_price(["g5.xlarge"]) == mean_list_price([]) == 0
