"""Makes preview.mp4 and contact_sheet.jpg of a job's frames when they have all ended."""

from worker_agent.preview.maker import Made, PreviewMaker

__all__ = ["Made", "PreviewMaker"]
