"""The codec of tasks: every message is a task or one clear error, and a task survives the queue."""

from __future__ import annotations

import json
from typing import Final

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from contract.tasks import BakeTask, FinishTask, RenderTask, Task, TaskError, decode, encode
from tests.fuzz.target import Target
from tests.fuzz.texts import TEXTS, VALUES, damaged, damaged_text, weighed

_IDS = st.from_regex(r"[a-z0-9]{1,8}-[0-9a-f]{12}", fullmatch=True)
_FRAMES = st.sampled_from(["1", "1-10", "1-100x2,150", "7,8,9", "10-1", "1-20y5"])
_TASKS: SearchStrategy[Task] = st.one_of(
    st.builds(BakeTask, _IDS), st.builds(RenderTask, _IDS, _FRAMES), st.builds(FinishTask, _IDS)
)
_DEEP: Final = ["[" * 100_000, '{"a":' * 50_000, "[" * 900 + "]" * 900]
MESSAGES: SearchStrategy[str] = weighed(
    (30, damaged(_TASKS.map(encode).map(json.loads)).map(json.dumps)),
    (30, damaged_text(_TASKS.map(encode))),
    (10, VALUES.map(json.dumps)),
    (10, TEXTS),
    (1, st.sampled_from(_DEEP)),
)


def check(body: str) -> str:
    try:
        task = decode(body)
    except TaskError as error:
        assert str(error), "an error that says nothing"
        assert len(str(error)) < 2_000, "an error that nobody reads"
        return "refused"
    assert decode(encode(task)) == task
    return f"read as {task.kind}"


TARGET = Target(name="messages", inputs=MESSAGES, check=check)
