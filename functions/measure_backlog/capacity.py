"""Tells the jobs that wait why AWS gives them no machine. AWS asks itself again: nothing is retried here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from functions.measure_backlog.observation import Group
from functions.measure_backlog.records import BacklogRecords
from functions.measure_backlog.refusal import in_plain_words, newest_refusal
from functions.measure_backlog.work import Work

if TYPE_CHECKING:
    from mypy_boto3_autoscaling import AutoScalingClient

LAST_ACTIVITIES: Final = 100
"""As many as one call gives: a large group that finds no machines tries some each minute."""


def ask_why(group_name: str, group: Group, work: Work, *, autoscaling: AutoScalingClient) -> str:
    """Why the group has fewer machines than it wants, in words; empty when nothing was refused.

    A refusal from before the oldest of the jobs moved last says nothing of now.
    """
    since = min((job.updated_at for job in work.jobs), default="")
    activities = autoscaling.describe_scaling_activities(
        AutoScalingGroupName=group_name, MaxRecords=LAST_ACTIVITIES
    )["Activities"]
    message = newest_refusal(activities, since=since)
    return in_plain_words(message, group) if message else ""


def tell_jobs(why: str, work: Work, *, records: BacklogRecords) -> None:
    """Write it on each job that no worker is at work on, and take it off all others; only what changes."""
    unattended = {job.job_id for job in work.unattended}
    for job in work.jobs:
        says = why if job.job_id in unattended else ""
        if job.waiting_for != says:
            records.say_what_it_waits_for(job.job_id, says)
