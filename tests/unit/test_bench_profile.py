"""What is read from strace and py-spy about an agent."""

from bench.render.profile import own_functions, system_calls

STRACE = """\
% time     seconds  usecs/call     calls    errors syscall
------ ----------- ----------- --------- --------- ----------------
 60.00    0.600000         100      6000        12 futex
 40.00    0.400000          10       400           poll
  0.00    0.000000           0         1           brk
------ ----------- ----------- --------- --------- ----------------
100.00    1.000000         156      6401        12 total
"""
STACKS = """\
_run (/farm/worker_agent/loop.py:51);get_frame (/farm/worker_agent/stores/frame_store.py:88);patiently (/farm/worker_agent/services/patience.py:40);_api_call (/venv/botocore/client.py:602) 7
_run (/farm/worker_agent/loop.py:51);get_frame (/farm/worker_agent/stores/frame_store.py:92) 2
wait (threading.py:629);look (/farm/worker_agent/cage/watch.py:51) 4
wait (threading.py:629) 3
"""  # noqa: E501 - as py-spy writes it


def test_system_calls_are_counted_by_name() -> None:
    assert system_calls(STRACE) == {"futex": 6000, "poll": 400, "brk": 1}


def test_a_sample_is_the_innermost_function_of_our_own() -> None:
    assert own_functions(STACKS) == {
        "stores/frame_store.py: get_frame": 9,
        "cage/watch.py: look": 4,
        "nothing of ours": 3,
    }
