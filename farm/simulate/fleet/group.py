"""The Auto Scaling group: so many machines as are desired, and what has become of each."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from farm.simulate.fleet.agenda import Agenda
from farm.simulate.fleet.habits import Habits
from farm.simulate.fleet.work import Work
from farm.simulate.fleet.worker import Worker
from farm.simulate.model import MachineLife, Machines

Order = Callable[[Sequence[Worker]], Sequence[Worker]]
"""In which order scale-in takes machines that all may be taken."""


class Group:
    """Its minimum is 0. Protected machines outlive a lowered desired capacity until they are not."""

    def __init__(
        self,
        agenda: Agenda,
        work: Work,
        *,
        habits: Habits,
        machines: Machines,
        maximum: int,
        victims: Order,
    ) -> None:
        self._agenda = agenda
        self._work = work
        self._habits = habits
        self._machines = machines
        self._victims = victims
        self._launched = 0
        self._instances: dict[Worker, None] = {}
        self.maximum = maximum
        self.desired = 0
        self.lives: list[MachineLife] = []
        self.when_idle: Callable[[Worker], None] | None = None
        """The policy's rule for a worker that found nothing, at each of its polls."""

    @property
    def instances(self) -> list[Worker]:
        """All that have not ended, the oldest first."""
        return list(self._instances)

    @property
    def in_service(self) -> list[Worker]:
        """As Auto Scaling says it: EC2 runs them, for the group has no hook at launch."""
        return [worker for worker in self._instances if worker.running_since is not None]

    @property
    def working(self) -> list[Worker]:
        return [worker for worker in self._instances if worker.works]

    def set_desired(self, capacity: int) -> None:
        self.desired = max(0, min(self.maximum, capacity))
        self._reconcile()

    def end_itself(self, worker: Worker) -> None:
        """TerminateInstanceInAutoScalingGroup that decrements the desired capacity."""
        self.desired = max(0, self.desired - 1)
        self.end(worker, by="itself")

    def protect(self, worker: Worker, protected: bool) -> None:
        released = worker.protected and not protected
        worker.protected = protected
        if released:
            self._reconcile()

    def end(self, worker: Worker, *, by: str, told: bool = True) -> None:
        """Whatever ended it, another takes its place if one is missing."""
        self._remove(worker, by, told=told)
        self._reconcile()

    def idle(self, worker: Worker) -> None:
        if self.when_idle:
            self.when_idle(worker)

    def close(self) -> None:
        """The simulation ends, and with it all machines."""
        for worker in self.instances:
            self._remove(worker, "end")

    def _remove(self, worker: Worker, by: str, *, told: bool = True) -> None:
        """A machine that EC2 has never run leaves no trace: it is called off."""
        if worker.ended:
            return
        del self._instances[worker]
        worker.stop(told=told)
        if worker.running_since is not None:
            self.lives.append(
                MachineLife(
                    launched=worker.running_since,
                    in_service=worker.working_since,
                    ended=self._agenda.now,
                    busy_seconds=worker.busy_seconds,
                    ended_by=by,
                    was_busy=worker.was_cut_off,
                )
            )

    def _reconcile(self) -> None:
        missing = self.desired - len(self._instances)
        for _ in range(missing):
            self._launch()
        for worker in self._surplus(-missing):
            self._remove(worker, "scale-in")

    def _surplus(self, count: int) -> list[Worker]:
        """Those still pending first, the newest first."""
        if count <= 0:
            return []
        free = [worker for worker in self._instances if not worker.protected]
        pending = [worker for worker in reversed(free) if worker.running_since is None]
        running = [worker for worker in free if worker.running_since is not None]
        return [*pending, *self._victims(running)][:count]

    def _launch(self) -> None:
        self._launched += 1
        worker = Worker(
            f"i-{self._launched:06d}",
            keeper=self,
            agenda=self._agenda,
            work=self._work,
            habits=self._habits,
            machines=self._machines,
        )
        self._instances[worker] = None
        self._agenda.after(self._machines.pending_seconds, lambda: self._run(worker))

    def _run(self, worker: Worker) -> None:
        if not worker.ended:
            worker.running_since = self._agenda.now
            self._agenda.after(self._machines.boot_seconds, lambda: None if worker.ended else worker.begin())
