"""A machine and the agent on it: it takes tasks, does them, and goes when it must."""

from __future__ import annotations

from typing import Protocol

from farm.simulate.fleet.agenda import Agenda, Appointment
from farm.simulate.fleet.habits import Habits, Protection
from farm.simulate.fleet.hand import Hand
from farm.simulate.fleet.job import Task
from farm.simulate.fleet.work import Work
from farm.simulate.model import Machines


class Keeper(Protocol):
    """What a worker tells the group that keeps it."""

    def protect(self, worker: Worker, protected: bool) -> None: ...
    def end(self, worker: Worker, *, by: str) -> None: ...
    def idle(self, worker: Worker) -> None: ...


class Worker:
    """From the group's decision to its end."""

    def __init__(
        self, name: str, *, keeper: Keeper, agenda: Agenda, work: Work, habits: Habits, machines: Machines
    ) -> None:
        self.name = name
        self._keeper = keeper
        self._agenda = agenda
        self._habits = habits
        self._machines = machines
        self.protected = habits.protection is Protection.UNTIL_IDLE
        self.running_since: float | None = None
        """When EC2 ran it, which is when Auto Scaling calls it in service: its boot comes after."""
        self.working_since: float | None = None
        self.noticed = False
        self.ended = False
        self.was_cut_off = False
        """A task was taken from it."""
        self.busy_seconds = 0.0
        self._busy_since: float | None = None
        self.idle_since: float | None = None
        self.idle_polls = 0
        self._idle_poll: Appointment | None = None
        self.hands = self._hands(work)

    @property
    def leaves(self) -> bool:
        """It takes nothing new."""
        return self.ended or (self.noticed and self._habits.heeds_notices)

    @property
    def works(self) -> bool:
        return self.working_since is not None and not self.ended

    @property
    def busy(self) -> bool:
        return any(hand.task for hand in self.hands)

    @property
    def idle_seconds(self) -> float:
        """In whole polls: it cannot know of a moment between."""
        return self.idle_polls * self._machines.poll_seconds

    def begin(self) -> None:
        """Its agent is up."""
        self.working_since = self._agenda.now
        self._rest()
        for hand in self.hands:
            hand.look()

    def begins_task(self) -> None:
        """One of its hands took a task."""
        if self._busy_since is None:
            self._busy_since = self._agenda.now
        self.idle_since = None
        self._stop_polling()
        if self._habits.protection is not Protection.NEVER:
            self._keeper.protect(self, True)

    def ends_task(self) -> None:
        if not self.busy:
            self._count_busy()
        if self.leaves and not self.busy:
            self._keeper.end(self, by="spot")
            return
        if self._habits.protection is Protection.WHILE_BUSY:
            self._keeper.protect(self, False)
        if not self.busy and not self.ended:
            self._rest()

    def hear_notice(self) -> None:
        self.noticed = True
        if self.leaves:
            for hand in self.hands:
                hand.stop_waiting()

    def obey_notice(self, deadline: float) -> None:
        """Gives back what will not be done in time, and goes when it has nothing to do."""
        if not self.leaves or self.ended:
            return
        for hand in self.hands:
            if hand.task and not hand.ends_by(deadline):
                self._cut_off(hand, 0)
        if not self.busy:
            self._keeper.end(self, by="spot")

    def stop(self, *, told: bool) -> None:
        """It ends now; told: it may still say that its tasks are free."""
        self.ended = True
        self._stop_polling()
        for hand in self.hands:
            hand.leave()
            if hand.task:
                self._cut_off(hand, self._back_after(hand.task, told=told))
        self._count_busy()

    def _back_after(self, task: Task, *, told: bool) -> float:
        if self._habits.visibility_seconds is not None:
            return max(0.0, task.began + self._habits.visibility_seconds - self._agenda.now)
        return 0 if told else self._machines.lease_seconds

    def _cut_off(self, hand: Hand, back_after_seconds: float) -> None:
        self.was_cut_off = True
        hand.break_off(back_after_seconds=back_after_seconds)
        if not self.busy:
            self._count_busy()

    def _count_busy(self) -> None:
        if self._busy_since is not None:
            self.busy_seconds += self._agenda.now - self._busy_since
            self._busy_since = None

    def _rest(self) -> None:
        self.idle_since = self._agenda.now
        self.idle_polls = 0
        self._poll_idly()

    def _poll_idly(self) -> None:
        def poll() -> None:
            self.idle_polls += 1
            self._poll_idly()
            self._keeper.idle(self)

        self._idle_poll = self._agenda.after(self._machines.poll_seconds, poll)

    def _stop_polling(self) -> None:
        if self._idle_poll:
            self._idle_poll.call_off()
            self._idle_poll = None

    def _hands(self, work: Work) -> tuple[Hand, ...]:
        look = self._habits.frame_look_seconds
        if not self._habits.bakes_beside_frames:
            return (Hand(self, self._agenda, work, bakes=True, renders=True, look_seconds=look),)
        return (
            Hand(self, self._agenda, work, bakes=True, renders=False, look_seconds=0),
            Hand(self, self._agenda, work, bakes=False, renders=True, look_seconds=look),
        )
