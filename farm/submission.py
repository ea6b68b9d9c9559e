"""From a file on this computer to a job: look into it, pack what it needs, send it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from rich.console import Console

from contract.archives import size_in_words
from contract.keys import is_archive, make_job_id
from farm.jobs import Farm, SubmitError, encode_options, upload_key
from farm.packing.archive import temporary_folder, write_archive
from farm.packing.blend_file import UnreadableBlendError
from farm.packing.plan import PackError, Plan, plan
from farm.packing.reach import Lack
from farm.screen import say
from farm.transfer.bar import progress_bar
from farm.transfer.patience import Patience
from farm.transfer.unfinished import UnfinishedUploads, uploads_folder
from farm.transfer.upload import Uploaded, Uploader, UploadError

Asked = Mapping[str, str | int | None]
_LISTED: Final = 20


class MissingFilesError(SubmitError):
    """The scene needs files that are not here; the message lists them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """A job that was sent: its id is known before the farm has heard of it."""

    job_id: str
    key: str
    file: Path
    size_bytes: int
    uploaded: Uploaded
    packed: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """Files and bytes by kind that went with the scene."""
    missing: tuple[Lack, ...] = ()

    def to_map(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "job_id": self.job_id,
            "key": self.key,
            "file": str(self.file),
            "uploaded_bytes": self.size_bytes,
            "parts_sent": self.uploaded.parts_sent,
            "parts_found": self.uploaded.parts_found,
            "packed": {kind: {"files": n, "bytes": size} for kind, (n, size) in self.packed.items()},
            "missing": [str(lack) for lack in self.missing],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One file with what was asked for, checked as far as it can be without looking into it."""

    file: Path
    project: str | None
    asked: Asked
    pack: bool = True

    def check(self) -> None:
        """Raises SubmitError, OptionError."""
        if not self.file.is_file():
            raise SubmitError(f"{self.file} is no file")
        upload_key(self.file, self.project)
        encode_options(self.file, self.asked)

    @property
    def packs(self) -> bool:
        return self.pack and not is_archive(self.file.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Submitter:
    farm: Farm
    console: Console
    """For what is told on the way."""

    def submit(self, order: Order) -> Submission:
        """Raises SubmitError for a file that cannot be sent, and what the disk and the way there raise."""
        order.check()
        if not order.packs:
            return self._send(order, order.file, order.asked)
        with ExitStack() as closing:
            found = self._look(order, closing)
            self._tell(order, found)
            if found.missing and not order.asked.get("allow_missing"):
                raise MissingFilesError(_refusal(order.file, found.missing))
            if not found.needs_packing:
                return self._send(order, order.file, order.asked, found)
            folder = closing.enter_context(temporary_folder())
            archive = folder / f"{order.file.name.rpartition('.')[0]}.zip"
            asked = dict(order.asked)
            if found.blends > 1:
                asked["blend"] = found.entries[0].place
            upload_key(archive, order.project)
            self._pack(found, archive)
            return self._send(order, archive, asked, found)

    def _look(self, order: Order, closing: ExitStack) -> Plan:
        scene = order.asked.get("scene")
        try:
            return plan(order.file, str(scene) if scene is not None else None, closing)
        except UnreadableBlendError as error:
            raise SubmitError(f"{error}. --no-pack sends it as it is") from error
        except PackError as error:
            raise SubmitError(str(error)) from error

    def _pack(self, found: Plan, archive: Path) -> None:
        try:
            with progress_bar(self.console, f"packing {archive.name}", found.size_bytes) as advance:
                write_archive(found, archive, advance)
        except PackError as error:
            raise SubmitError(str(error)) from error

    def _tell(self, order: Order, found: Plan) -> None:
        """What the scene needs, and what of it is missing."""
        name = order.file.name
        if found.needs_packing:
            kinds = [f"{kind}: {n} ({size_in_words(size)})" for kind, (n, size) in found.by_kind().items()]
            rest = sum(entry.size_bytes for entry in found.entries[1:])
            say(
                self.console,
                f"{name} needs {len(found.entries) - 1} files, {size_in_words(rest)}: {', '.join(kinds)}",
            )
        else:
            say(self.console, f"{name} needs no other files", "dim")
        for lack in found.silent[:_LISTED]:
            say(self.console, f"missing, and no picture depends on it: {lack}", "dim")
        if found.missing and order.asked.get("allow_missing"):
            for lack in found.missing[:_LISTED]:
                say(self.console, f"missing: {lack}", "yellow")

    def _send(self, order: Order, file: Path, asked: Asked, found: Plan | None = None) -> Submission:
        key = upload_key(file, order.project)
        uploader = Uploader(
            s3=self.farm.s3,
            bucket=self.farm.bucket,
            unfinished=UnfinishedUploads(uploads_folder()),
            patience=Patience(pause=time.sleep),
        )
        size_bytes = file.stat().st_size
        try:
            with progress_bar(self.console, f"uploading {file.name}", size_bytes) as advance:
                uploaded = uploader.send(
                    file, key, encode_options(file, asked), lambda size, _: advance(size)
                )
        except UploadError as error:
            raise SubmitError(str(error)) from error
        except KeyboardInterrupt:
            say(self.console, f"stopped the upload of {file.name}: the same command goes on where it was")
            raise
        if uploaded.parts_found:
            whole = uploaded.parts_found + uploaded.parts_sent
            say(self.console, f"{uploaded.parts_found} of {whole} parts were there already", "dim")
        return Submission(
            job_id=make_job_id(self.farm.bucket, key, uploaded.version_id),
            key=key,
            file=order.file,
            size_bytes=size_bytes,
            uploaded=uploaded,
            packed=found.by_kind() if found else {},
            missing=found.missing if found else (),
        )


def _refusal(file: Path, missing: tuple[Lack, ...]) -> str:
    count = len(missing)
    listed = "".join(f"\n  {lack}" for lack in missing[:_LISTED])
    more = f"\n  and {count - _LISTED} more" if count > _LISTED else ""
    what = "1 thing that the scene needs is" if count == 1 else f"{count} things that the scene needs are"
    return (
        f"{file.name} was not sent: {what} missing:{listed}{more}\n"
        "Put them in their places, or render without them with --allow-missing"
    )
