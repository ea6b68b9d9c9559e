"""Where things lie: object keys in the bucket and folders on the scratch file system."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from dataclasses import dataclass
from pathlib import PurePosixPath

from contract.blender_releases import executable_archive

ARCHIVE_SUFFIXES = (".tar.gz", ".tgz", ".zip")
UPLOAD_SUFFIXES = (".blend", *ARCHIVE_SUFFIXES)
OUTPUT_FOLDER = "output"
THUMBNAILS_FOLDER, PROXIES_FOLDER = "thumbnails", "proxies"
SMALL_PICTURES_PREFIX = f"{OUTPUT_FOLDER}/{PROXIES_FOLDER}/"
"""At the front of the keys of all jobs' small pictures: the bucket throws away what lies there some weeks
after it was made. A rule for a prefix costs nothing, a tag of each object would. No project's output lies
there: what is uploaded under output/ starts no job."""
BLENDER_METADATA = "blender-version"
"""Of a frame's object: the version of the Blender that rendered it."""
NOTE_METADATA = "note"
"""Of a proxy's object: how it differs from what Blender shows, percent-encoded."""
JOB_ID = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?")

JOBS_FOLDER = "jobs"
"""Of the scratch file system: a folder for each job, by its id."""
LEAVING_FOLDER = "leaving"
"""Job folders that the janitor has taken out and not yet asked the job table about once more."""
TRASH_FOLDER = "trash"
"""Whatever has no use any more: nothing comes back from here, and anybody may delete it."""


@dataclass(frozen=True, slots=True)
class Upload:
    """An object that starts a job."""

    project: str
    """The folder it lies in; for an object at the bucket's root, its own name."""
    name: str
    """Its file name, with its suffix."""


def read_upload_key(key: str) -> Upload | str:
    """The upload that an object key names, or why this key starts no job."""
    folder, _, name = key.rpartition("/")
    if OUTPUT_FOLDER in folder.split("/"):
        return f"it lies under {OUTPUT_FOLDER}/, where finished frames go"
    suffix = next((s for s in UPLOAD_SUFFIXES if name.lower().endswith(s)), None)
    if suffix is None or len(name) == len(suffix):
        return f"its name does not end in {', '.join(UPLOAD_SUFFIXES)}"
    return Upload(project=folder.strip("/") or name[: -len(suffix)], name=name)


def is_archive(name: str) -> bool:
    """Whether an upload of this name is a .blend with what lies beside it, packed."""
    return name.lower().endswith(ARCHIVE_SUFFIXES)


def make_job_id(bucket: str, key: str, version: str) -> str:
    """The id of the job that this version of this object starts: always the same one.

    The file's name is in it for people, a hash of bucket, key and version makes it unique.
    """
    digest = hashlib.sha256("\0".join((bucket, key, version)).encode("utf-8", "surrogatepass")).hexdigest()
    stem = (
        unicodedata.normalize("NFKD", key.rpartition("/")[2].split(".")[0]).encode("ascii", "ignore").decode()
    )
    slug = re.sub(r"[^a-z0-9]+", "-", stem.lower())[:24].strip("-")
    return f"{slug}-{digest[:12]}" if slug else digest[:12]


def output_prefix(project: str, job_id: str) -> str:
    """Everything that a job brings forth lies under this prefix."""
    return f"{project}/{OUTPUT_FOLDER}/{job_id}/"


def frames_prefix(project: str, job_id: str) -> str:
    return output_prefix(project, job_id) + "frames/"


def frame_log_key(project: str, job_id: str, frame: int) -> str:
    return f"{output_prefix(project, job_id)}logs/frame-{frame:04d}.log"


def shared_log(first: int, last: int, token: str) -> str:
    """Key of the log of several frames that were rendered together, relative to the job's output.

    The token is its writer's alone: another worker may render some of the frames, too.
    """
    return f"logs/frames-{first:04d}-{last:04d}-{token}.log"


def attempt_log(frame: int, attempt: int) -> str:
    """Key of the log of a failed attempt (1, 2, …), relative to the job's output."""
    return f"logs/frame-{frame:04d}-attempt-{attempt}.log"


def bake_log_key(project: str, job_id: str) -> str:
    return output_prefix(project, job_id) + "logs/bake.log"


def inspection_key(project: str, job_id: str) -> str:
    """All that Blender said of the scene before it was baked."""
    return output_prefix(project, job_id) + "logs/inspection.json"


def summary_key(project: str, job_id: str) -> str:
    return output_prefix(project, job_id) + "job.json"


def thumbnail_key(project: str, job_id: str, frame: int) -> str:
    """A small JPEG of the frame that was done last, or that an older agent rendered; the others lie behind
    their frames' proxies."""
    return f"{output_prefix(project, job_id)}{THUMBNAILS_FOLDER}/{frame:04d}.jpg"


def proxy_key(project: str, job_id: str, frame: int) -> str:
    """Where an older agent has put the proxy of a frame whose record does not say where it is."""
    return f"{output_prefix(project, job_id)}{PROXIES_FOLDER}/{frame:04d}.jpg"


def small_pictures_prefix(job_id: str) -> str:
    return f"{SMALL_PICTURES_PREFIX}{job_id}/"


def small_pictures(job_id: str, first: int, last: int, token: str) -> str:
    """Key of the small pictures of one frame, or of several that were recorded together: of each a proxy,
    which is a JPEG of a film's size at most, and behind it a thumbnail for pages and terminals.

    With a slash in front, as a record has it (contract.stored_part). The token is its writer's alone.
    """
    return f"/{small_pictures_prefix(job_id)}{first:04d}-{last:04d}-{token}.mjpeg"


def preview_key(project: str, job_id: str) -> str:
    return output_prefix(project, job_id) + "preview.mp4"


def contact_sheet_key(project: str, job_id: str) -> str:
    return output_prefix(project, job_id) + "contact_sheet.jpg"


def scratch_folder(job_id: str) -> PurePosixPath:
    """A job's folder, relative to the scratch file system's root. Raises ValueError for what is no job id."""
    if not JOB_ID.fullmatch(job_id):
        raise ValueError(f"{job_id[:80]!r} is no job id: expected lower-case letters, digits and dashes")
    return PurePosixPath(JOBS_FOLDER) / job_id


def safe_file_name(name: str) -> str:
    """The name under which an upload is kept on a worker: the artist's own where a file system can hold it.

    Blender shows it in stamps and names caches by it, so it is changed only where it must be.
    """
    plain = "".join("_" if c == "/" or unicodedata.category(c).startswith("C") else c for c in name)
    if len(plain.encode("utf-8", "replace")) > 200 or plain.startswith((".", "-", "//")):
        suffix = next((s for s in UPLOAD_SUFFIXES if name.lower().endswith(s)), "")
        return f"scene{suffix}"
    return plain


def blender_archive_key(version: str) -> str:
    """The archive of a Blender release, kept so that one worker alone ever downloads it.

    It lies where workers may write and uploads are none. No job's id has a dot: none of them is in its way.
    """
    return f"blender/{OUTPUT_FOLDER}/{version}/{executable_archive(version)}"


def blender_sum_key(version: str) -> str:
    """The SHA-256 of that archive, in hexadecimal."""
    return f"{blender_archive_key(version)}.sha256"
