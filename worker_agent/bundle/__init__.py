"""Unpacks an uploaded archive: a stranger's, so nothing of it may land outside its folder.

An archive is read twice. The first time only its entries are looked at, and everything that can be
wrong with names, kinds, sizes and the choice of the .blend is said before a single byte is written.
The second time the files are written, never more of one than was declared.
"""

from worker_agent.bundle.limits import Limits
from worker_agent.bundle.rejection import BundleRejectedError
from worker_agent.bundle.unpacking import unpack

__all__ = ["BundleRejectedError", "Limits", "unpack"]
