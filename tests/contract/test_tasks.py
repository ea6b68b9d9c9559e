"""The messages' codec."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.tasks import BakeTask, FinishTask, RenderTask, Task, TaskError, decode, encode


@pytest.mark.parametrize("task", [BakeTask("a-1"), RenderTask("a-1", "1-4"), FinishTask("a-1")])
def test_a_task_survives_the_queue(task: Task) -> None:
    assert decode(encode(task)) == task


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("[]", "JSON list"),
        ("null", "JSON NoneType"),
        ('{"kind":"bake"}', "version None: expected 1"),
        ('{"version":2,"kind":"bake","job_id":"a"}', "version 2: expected 1"),
        ('{"version":1,"kind":"sing","job_id":"a"}', "kind 'sing': expected one of bake, render, finish"),
        ('{"version":1,"kind":["bake"],"job_id":"a"}', "kind ['bake']"),
        ('{"version":1,"kind":"bake","job_id":"../../etc"}', "job_id '../../etc'"),
        ('{"version":1,"kind":"render","job_id":"a","frames":7}', "frames 7"),
        ('{"version":1,"kind":"render","job_id":"a","frames":"x"}', "frames 'x'"),
    ],
)
def test_anything_else_is_one_clear_error(body: str, said: str) -> None:
    with pytest.raises(TaskError) as error:
        decode(body)
    assert said in str(error.value)


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda s: st.lists(s) | st.dictionaries(st.text(), s),
    )
)
def test_any_json_is_read_or_refused(value: object) -> None:
    with pytest.raises(TaskError):
        decode(json.dumps(value))
