"""Looks at every file of a frame before its upload: is it there, complete, and what the scene asks for?"""

from worker_agent.output_check.checker import OutputChecker
from worker_agent.output_check.errors import CheckerUnavailableError, InvalidOutput
from worker_agent.output_check.pictures import Pictures

__all__ = ["CheckerUnavailableError", "InvalidOutput", "OutputChecker", "Pictures"]
