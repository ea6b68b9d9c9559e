"""Every settings model, every variable: missing, empty, invalid."""

from dataclasses import fields

import pytest

from contract.settings import (
    AgentSettings,
    BacklogSettings,
    Cage,
    DeadLetterSettings,
    JanitorSettings,
    JobActionSettings,
    JobsWidgetSettings,
    ListenerSettings,
    NotifierSettings,
    Settings,
    SettingsError,
    SweepSettings,
)

MODELS: list[type[Settings]] = [
    AgentSettings,
    BacklogSettings,
    DeadLetterSettings,
    JanitorSettings,
    JobActionSettings,
    JobsWidgetSettings,
    ListenerSettings,
    NotifierSettings,
    SweepSettings,
]
SAMPLES = {
    "Cage": Cage.BUBBLEWRAP,
    "str": "text",
    "str | None": "text",
    "int": 12,
    "int | None": 3,
    "float": 2.5,
    "float | None": 0.5,
}


def sample(model: type[Settings]) -> Settings:
    return model(**{f.name: SAMPLES[str(f.type)] for f in fields(model)})


VARIABLES = [(model, f"FARM_{f.name.upper()}", str(f.type)) for model in MODELS for f in fields(model)]


@pytest.mark.parametrize("model", MODELS)
def test_settings_survive_the_environment(model: type[Settings]) -> None:
    assert model.from_env({**sample(model).to_env(), "PATH": "/bin"}) == sample(model)


@pytest.mark.parametrize(("model", "variable", "kind"), VARIABLES)
def test_each_variable_is_missed_by_name(model: type[Settings], variable: str, kind: str) -> None:
    env = sample(model).to_env()
    del env[variable]
    with pytest.raises(SettingsError, match=f"^{model.__name__}: {variable} is missing: expected"):
        model.from_env(env)
    if kind.endswith("| None"):
        assert getattr(model.from_env({**env, variable: " "}), variable.removeprefix("FARM_").lower()) is None
    else:
        with pytest.raises(SettingsError, match=f"{variable} is empty"):
            model.from_env({**env, variable: " "})
    if kind == "float | None":
        assert getattr(model.from_env({**env, variable: "0"}), variable.removeprefix("FARM_").lower()) == 0
    if not kind.startswith("str"):
        for bad in ("abc", "-1", "nan", "1e99", "²", *(() if kind == "float | None" else ("0",))):
            with pytest.raises(SettingsError, match=f"{variable} is '{bad}'"):
                model.from_env({**env, variable: bad})


@pytest.mark.parametrize("text", ["0001000000000", "1000000000", "9" * 5_000])
def test_a_number_has_an_end_however_it_is_written(text: str) -> None:
    env = sample(AgentSettings).to_env()
    with pytest.raises(SettingsError, match="FARM_LEASE_SECONDS is"):
        AgentSettings.from_env({**env, "FARM_LEASE_SECONDS": text})


def test_what_is_not_set_is_written_as_nothing() -> None:
    settings = ListenerSettings(job_table_name="t", bake_queue_url="q", backlog_function_name="f")
    assert settings.to_env()["FARM_MONTHLY_BUDGET_DOLLARS"] == ""
    assert ListenerSettings.from_env(settings.to_env()) == settings


def test_all_problems_are_told_at_once() -> None:
    with pytest.raises(SettingsError) as error:
        ListenerSettings.from_env({})
    assert str(error.value).count("is missing") == 4
