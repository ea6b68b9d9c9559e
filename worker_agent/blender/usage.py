"""What a Blender and all that it has started use of their machine."""

from __future__ import annotations

from abc import ABC, abstractmethod

from worker_agent.cage.family import (
    close_family,
    forget_peaks,
    memory_bytes,
    peak_memory_bytes,
    processor_seconds,
)


class MeasuredBlender(ABC):
    """May be asked from any thread, and when it has ended: then it uses nothing."""

    @property
    @abstractmethod
    def pid(self) -> int:
        """Process id of the child."""

    @property
    def memory_bytes(self) -> int:
        """What Blender and all that it has started have now, swapped out or not; 0 when it has ended."""
        return memory_bytes(self._family)

    @property
    def peak_memory_bytes(self) -> int:
        """The most that they have had since `forget_peak`, or since they were started."""
        return peak_memory_bytes(self._family)

    def forget_peak(self) -> None:
        """Measure the peak of what comes now."""
        forget_peaks(self._family)

    @property
    def processor_seconds(self) -> float:
        """Processor time that they have taken by now."""
        return processor_seconds(self._family)

    @property
    def _family(self) -> list[int]:
        return [self.pid, *close_family(self.pid)]
