"""What Blender says of its failure has a name that a person understands."""

import pytest

from contract.failures import FailureKind
from worker_agent.blender import BlenderDied, BlenderError, BlenderFailed
from worker_agent.blender.failure_kinds import kind_of


@pytest.mark.parametrize("kind", FailureKind)
def test_every_kind_has_words(kind: FailureKind) -> None:
    assert kind.words


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("out_of_memory", FailureKind.OUT_OF_MEMORY),
        ("timed_out", FailureKind.OVER_TIME),
        ("no_camera", FailureKind.NO_CAMERA),
        ("no_such_engine", FailureKind.UNSUPPORTED_ENGINE),
        ("no_output", FailureKind.INVALID_OUTPUT),
        ("invalid_output", FailureKind.INVALID_OUTPUT),
        ("wrong_frame", FailureKind.INVALID_OUTPUT),
        ("unreadable", FailureKind.MISSING_FILE),
        ("crashed", FailureKind.CRASHED),
        ("exited", FailureKind.CRASHED),
        ("no_device", FailureKind.GPU_LOST),
        ("garbled", FailureKind.CRASHED),
        ("render_error", FailureKind.BLENDER_ERROR),
        ("what a later version says", FailureKind.BLENDER_ERROR),
    ],
)
def test_codes(code: str, kind: FailureKind) -> None:
    assert kind_of(BlenderError("It did not work.", code, "Fra:1 Mem:20M")) is kind


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("System is out of GPU memory", FailureKind.OUT_OF_MEMORY),
        ("System is out of GPU and shared host memory", FailureKind.OUT_OF_MEMORY),
        ("Out of memory in CUDA queue enqueue (integrator_shade_surface)", FailureKind.OUT_OF_MEMORY),
        ("Malloc returns null: len=8589934592 in SDNA_Cast, total 123", FailureKind.OUT_OF_MEMORY),
        ("terminate called after throwing an instance of 'std::bad_alloc'", FailureKind.OUT_OF_MEMORY),
        (
            "Illegal address in CUDA queue copy_from_device (integrator_init_from_camera)",
            FailureKind.GPU_LOST,
        ),
        ("CUDA error: Launch failed in cuCtxSynchronize()", FailureKind.GPU_LOST),
        ("Failed to create HIP context (Unknown error)", FailureKind.GPU_LOST),
        ("VK_ERROR_DEVICE_LOST", FailureKind.GPU_LOST),
        (
            "Launch exceeded timeout in CUDA queue synchronize (integrator_shade_surface)",
            FailureKind.GPU_LOST,
        ),
        ("Uncorrectable ECC error detected in cuCtxSynchronize()", FailureKind.GPU_LOST),
        ("Unknown error in HIP queue enqueue (integrator_reset)", FailureKind.GPU_LOST),
        ("OPTIX_ERROR_LAUNCH_FAILURE in optixLaunch(…) (device_impl.cpp:1234)", FailureKind.GPU_LOST),
        ("Out of memory in cuMemAlloc(&device_pointer, size)", FailureKind.OUT_OF_MEMORY),
        ("Error: Cannot read file", FailureKind.CRASHED),
    ],
)
def test_a_log_tells_more_than_a_crash(said: str, kind: FailureKind) -> None:
    assert kind_of(BlenderDied("Blender crashed.", "crashed", f"Fra:1 Mem:20M\n{said}\n")) is kind


def test_what_was_overcome_long_before_is_no_reason() -> None:
    log = "System is out of GPU memory\n" + "Fra:1 Mem:20M Sample 1/128\n" * 500
    assert kind_of(BlenderDied("Blender crashed.", "crashed", log)) is FailureKind.CRASHED


def test_a_log_does_not_overrule_a_clear_code() -> None:
    assert kind_of(BlenderFailed("No camera", "no_camera", "CUDA error: x")) is FailureKind.NO_CAMERA
