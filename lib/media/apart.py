"""Looking into a stranger's file in a process of its own, with bounded memory and time.

An index of a few bytes may speak of a hundred million pictures, and a demuxer makes room for each before it reads one:
1,583 bytes took 1.4 GB. In a process of its own that ends in a sentence, and so does a file that makes it crash.
"""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

from lib import errors
from lib.domain.media import AudioStream, MediaAsset, VideoStream
from lib.errors import CuewiseError, InputError, MediaError, MediaTooHeavy
from lib.media.ffmpeg import bounded
from lib.media.limits import MediaLimits, hold_to, limits
from lib.media.probe import probe
from lib.settings import tool_environment

log = logging.getLogger(__name__)

ROOT = Path(__file__).parents[2]
READ_BYTES_PER_SECOND = 20_000_000
"""Some files have to be read whole to know how long they play: so fast does the slowest disk."""
_SCRIPT = "import sys; sys.path.insert(0, sys.argv.pop(1)); from lib.media.apart import main; main()"


def probe_apart(path: Path, asset_id: str, size_bytes: int) -> MediaAsset:
    """As ``probe``, whatever is in the file. Raises MediaTooHeavy for what asks for too much, and what that raises."""
    question = {"path": str(path), "asset_id": asset_id, "size_bytes": size_bytes, "limits": asdict(limits())}
    command = [
        *bounded(memory_bytes=limits().probe_memory_bytes, output_bytes=0),
        *(sys.executable, "-I", "-c", _SCRIPT, str(ROOT)),
    ]
    patience = limits().probe_seconds + size_bytes / READ_BYTES_PER_SECOND
    try:
        done = subprocess.run(
            command,
            input=json.dumps(question).encode(),
            capture_output=True,
            timeout=patience,
            env=tool_environment(),
        )
    except subprocess.TimeoutExpired as exc:
        raise MediaTooHeavy("Looking into this file takes longer than any honest file would.") from exc
    try:
        answer = json.loads(done.stdout)
    except ValueError as exc:
        log.warning("asset %s: looking into it ended with %d", asset_id[:12], done.returncode)
        raise MediaTooHeavy("Whoever opens this file runs out of memory, or crashes.") from exc
    if "error" in answer:
        raise _error(answer["error"])
    return _asset(answer["asset"])


def main() -> None:
    """The other side: a question on stdin, its answer on stdout, both JSON."""
    logging.basicConfig(level=logging.CRITICAL)
    question = json.load(sys.stdin)
    hold_to(MediaLimits(**question["limits"]))
    try:
        asset = probe(Path(question["path"]), question["asset_id"], question["size_bytes"])
        answer = {"asset": asdict(asset)}
    except CuewiseError as exc:
        answer = {"error": {"code": exc.code, "message": str(exc), "hint": exc.hint}}
    json.dump(answer, sys.stdout)


def _asset(record: dict) -> MediaAsset:
    video = VideoStream(**record["video"]) if record["video"] else None
    return MediaAsset(**{**record, "video": video, "audio": tuple(AudioStream(**each) for each in record["audio"])})


def _error(told: dict[str, str]) -> CuewiseError:
    kind = getattr(errors, told["code"], None)
    is_ours = isinstance(kind, type) and issubclass(kind, InputError)
    return (kind if is_ours else MediaError)(told["message"], told["hint"])
