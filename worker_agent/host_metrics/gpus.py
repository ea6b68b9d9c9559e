"""What NVIDIA's driver says of the machine's GPUs. Where there is no such driver, there is nothing to say."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import pynvml

from contract.metrics import GPU_MEMORY_PERCENT, GPU_PERCENT

log = logging.getLogger(__name__)


class Gpus:
    """`nvml` is NVIDIA's library. It is asked for the GPUs once: a machine gets no others."""

    def __init__(self, nvml: Any = pynvml) -> None:
        self._nvml = nvml
        self._handles = self._found()

    def read(self) -> Mapping[str, list[float]]:
        """Percent in use, by the names of the metrics, one number for each GPU; nothing without any."""
        if not self._handles:
            return {}
        busy, filled = [], []
        try:
            for handle in self._handles:
                busy.append(float(self._nvml.nvmlDeviceGetUtilizationRates(handle).gpu))
                memory = self._nvml.nvmlDeviceGetMemoryInfo(handle)
                filled.append(100 * memory.used / memory.total)
        except self._nvml.NVMLError as error:
            log.warning("the GPUs are not measured any more: %s", error)
            self._handles = []
            return {}
        return {GPU_PERCENT: busy, GPU_MEMORY_PERCENT: filled}

    def _found(self) -> list[Any]:
        try:
            self._nvml.nvmlInit()
            count = self._nvml.nvmlDeviceGetCount()
            return [self._nvml.nvmlDeviceGetHandleByIndex(index) for index in range(count)]
        except self._nvml.NVMLError as error:
            log.info("no GPU is measured: %s", error)
            return []
