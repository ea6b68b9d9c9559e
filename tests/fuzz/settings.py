"""The settings of every process: whatever the environment holds, they are read whole or refused by name."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from contract.settings import Settings, SettingsError
from tests.fuzz.target import Target
from tests.fuzz.texts import TEXTS

Environment = tuple[str, Mapping[str, str]]
MODELS = {model.__name__: model for model in Settings.__subclasses__()}
_GOOD = {
    "str": st.sampled_from(["job-table", "https://sqs.eu-central-1.amazonaws.com/1/q", "x"]),
    "str | None": st.sampled_from(["", "/farm/workers"]),
    "int": st.integers(1, 999_999_999).map(str),
    "float": st.floats(0.001, 1e6).map(str),
    "float | None": st.one_of(st.just(""), st.floats(0, 1e6).map(str)),
    "Cage": st.sampled_from(["bubblewrap", "none"]),
}


"""By the type of a setting: one of a type that is not here is generated as any text."""
_NUMERALS = st.from_regex(r"-?0{0,12}[0-9]{0,14}(\.[0-9]{0,3})?(e-?[0-9]{1,3})?", fullmatch=True)


@st.composite
def environments(draw: st.DrawFn) -> Environment:
    """A model's name, and variables of which most are right."""
    name = draw(st.sampled_from(sorted(MODELS)))
    environment = {
        f"FARM_{field.name.upper()}": draw(_GOOD.get(str(field.type), TEXTS))
        for field in fields(MODELS[name])
    }
    for variable in draw(st.lists(st.sampled_from(sorted(environment)), max_size=3)):
        match draw(st.integers(0, 4)):
            case 0:
                environment.pop(variable, None)
            case 1:
                environment[draw(TEXTS)] = draw(TEXTS)
            case 2:
                environment[variable] = draw(_NUMERALS)
            case _:
                environment[variable] = draw(TEXTS)
    return name, environment


ENVIRONMENTS: SearchStrategy[Environment] = environments()


def check(environment: Environment) -> str:
    name, variables = environment
    try:
        read = MODELS[name].from_env(variables)
    except SettingsError as error:
        assert str(error).startswith(f"{name}: FARM_"), error
        return "refused"
    for field in fields(read):
        value = getattr(read, field.name)
        if isinstance(value, str):
            assert value and value == value.strip(), (field.name, value)
        elif value is not None:
            assert math.isfinite(value) and 0 <= value < 1e9, (field.name, value)
    assert type(read).from_env(read.to_env()) == read
    return "read"


TARGET = Target(name="settings", inputs=ENVIRONMENTS, check=check)
